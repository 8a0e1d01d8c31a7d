/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * stage.h - a libuv loop for a test, with a deadline for everything that is
 * waited for: a test fails, it does not hang.
 */
#ifndef BRRR_TESTS_STAGE_H
#define BRRR_TESTS_STAGE_H

#include "support.h"

#include <uv.h>

#define STAGE_DEADLINE_MS 20000

typedef struct stage {
  uv_loop_t loop;
  uv_timer_t deadline;
  uv_prepare_t look; /* while something is waited for: is it there? */
  bool (*fn)(void *ud);
  void *ud;
} stage;

void stage_init(stage *s);
/* Runs the loop until *times is not 0. `ud` is the stage; for a subject. */
void stage_wait(void *ud, const unsigned *times);
/* Runs the loop until `fn` says yes. */
void stage_until(stage *s, bool (*fn)(void *ud), void *ud);
/* Runs the loop for a while. Only to see that nothing happens. */
void stage_run_ms(stage *s, uint64_t ms);
/* Runs the loop until nothing is left on it. */
void stage_free(stage *s);

#endif
