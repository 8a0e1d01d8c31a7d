/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * tasks.c - L7: the tasks of the demo.
 */
#include "tasks.h"

#include <brrr/json.h>

#include <string.h>

/* From there on, values pass 2^53. */
#define MAX_FIB 78
#define MAX_LUCAS 76

int64_t demo_task_max(const char *name) {
  if (strcmp(name, "fib") == 0)
    return MAX_FIB;
  return strcmp(name, "lucas") == 0 ? MAX_LUCAS : -1;
}

static bool number_of(const void *args, int64_t max, int64_t *n) {
  return brrr_json_count(args) == 1 &&
         brrr_json_int(brrr_json_at(args, 0), n) && *n >= 0 && *n <= max;
}

/* The sum of two Fibonacci numbers. */
static brrr_status add_fibs(brrr_run *run, int64_t m, int64_t n,
                            const void **value) {
  brrr_arena *a = brrr_run_arena(run);
  const brrr_ask asks[] = {
      {.task = "fib", .args = brrr_json_list(a, brrr_json_integer(a, m))},
      {.task = "fib", .args = brrr_json_list(a, brrr_json_integer(a, n))}};
  const void *values[2];
  int64_t x = 0, y = 0;
  brrr_status s = brrr_run_gather(run, asks, 2, values);
  if (s != BRRR_OK)
    return s;
  if (!brrr_json_int(values[0], &x) || !brrr_json_int(values[1], &y))
    return brrr_run_fail(run, "fib gave no integer");
  *value = brrr_json_integer(a, x + y);
  return BRRR_OK;
}

static brrr_status fib(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  int64_t n = 0;
  (void)ud;
  if (!number_of(args, MAX_FIB, &n))
    return brrr_run_fail(run, "fib wants an integer from 0 to 78");
  if (n >= 2)
    return add_fibs(run, n - 1, n - 2, value);
  *value = brrr_json_integer(brrr_run_arena(run), n);
  return BRRR_OK;
}

static brrr_status lucas(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  int64_t n = 0;
  (void)ud;
  if (!number_of(args, MAX_LUCAS, &n))
    return brrr_run_fail(run, "lucas wants an integer from 0 to 76");
  if (n >= 1)
    return add_fibs(run, n - 1, n + 1, value);
  *value = brrr_json_integer(brrr_run_arena(run), 2);
  return BRRR_OK;
}

static brrr_status hello(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  brrr_bytes greetee;
  brrr_buf text;
  (void)ud;
  if (brrr_json_count(args) != 1 ||
      !brrr_json_text(brrr_json_at(args, 0), &greetee))
    return brrr_run_fail(run, "hello wants a string");
  brrr_buf_init(&text, a);
  brrr_buf_put(&text, BRRR_LIT("Hello, "));
  brrr_buf_put(&text, greetee);
  brrr_buf_put(&text, BRRR_LIT("!"));
  brrr_bytes octets;
  brrr_status s = brrr_buf_finish(&text, &octets, NULL);
  if (s == BRRR_OK)
    *value = brrr_json_string(a, octets);
  return s;
}

static brrr_status echo(brrr_run *run, const void *args, const void **value,
                        void *ud) {
  (void)ud;
  if (brrr_json_count(args) != 1)
    return brrr_run_fail(run, "echo wants one argument");
  *value = brrr_json_at(args, 0);
  return BRRR_OK;
}

const brrr_task demo_tasks[DEMO_TASKS] = {{.name = "fib", .fn = fib},
                                          {.name = "lucas", .fn = lucas},
                                          {.name = "hello", .fn = hello},
                                          {.name = "echo", .fn = echo}};
