/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * tasks.h - the tasks of the demo, which `brrr worker --demo` runs as well.
 * Arguments and values are JSON:
 *
 *   fib [n], lucas [n]   the number, exact: n is at most 78, or 76
 *   hello [greetee]      "Hello, <greetee>!"
 *   echo [x]             x
 */
#ifndef BRRR_DEMO_TASKS_H
#define BRRR_DEMO_TASKS_H

#include <brrr/brrr.h>

#define DEMO_TASKS 4

extern const brrr_task demo_tasks[DEMO_TASKS];

/* The greatest n of a task whose argument is a number; -1 if it is none. */
int64_t demo_task_max(const char *name);

#endif
