/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * invoke.h - L5: answers BRRR_INVOKE by running a call of an app.
 */
#ifndef BRRR_SRC_INVOKE_H
#define BRRR_SRC_INVOKE_H

#include "pump.h"

typedef struct brrr__invoke {
  /* Set by its user, who owns the memory. What it points to outlives it. */
  const brrr_app *app;
  brrr_running how;
  const brrr_backends *backends;
  brrr_alloc alloc;     /* thread-safe if `runner` uses another thread */
  brrr_backend runner;  /* carries BRRR_RUN out; empty: at once, right here */
  int64_t (*now)(void); /* Unix seconds */

  /* private */
  brrr_done done;
  brrr__pump pump;
} brrr__invoke;

/* Runs `call`, which must live until the end, and then calls `done`, once and
 * possibly before this returns, with what BRRR_INVOKE can end in: OK and a
 * value, DEFER and children, or a negative status and words. Children for a
 * topic that must not be used are BRRR_E_TOPIC. From then on nothing touches
 * `i` any more. */
void brrr__invoke_start(brrr__invoke *i, const brrr_call *call, brrr_done done);

#endif
