/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * pump.h - L5: runs one operation to its end over backends.
 *
 * Every effect is started as soon as the operation asks for it, so that a
 * backend can pipeline them. A backend may answer at once or later: the stack
 * does not grow with the number of steps.
 *
 * Deliberately absent: retries and timeouts. Those are the backend's.
 */
#ifndef BRRR_SRC_PUMP_H
#define BRRR_SRC_PUMP_H

#include <brrr/brrr.h>

/* Receives the end of the operation, which is freed when this returns; `words`
 * is what the backend or handler that failed last had to say, or empty. */
typedef struct brrr__pump_end {
  void (*fn)(void *ud, const brrr_op *op, brrr_status status, brrr_bytes words);
  void *ud;
} brrr__pump_end;

/* What a backend is given to answer to: which effect of which pump. */
typedef struct brrr__ticket {
  struct brrr__pump *pump;
  struct brrr__ticket *next; /* the next free one */
  uint64_t effect;
} brrr__ticket;

typedef struct brrr__pump {
  /* all fields are private; the memory is the caller's */
  brrr_op *op;
  const brrr_backends *backends;
  brrr_backend handler;
  brrr__pump_end end;
  brrr_arena arena; /* tickets beyond the first few, and words */
  brrr__ticket first[4];
  brrr__ticket *free;
  brrr_bytes words;
  bool turning; /* the loop that asks for effects is running */
} brrr__pump;

/* Takes `op` over and runs it. `backends` outlives the pump; `handler` carries
 * BRRR_INVOKE and BRRR_RUN out, and may be empty if there is neither. `end` is
 * called once, possibly before this returns, and then nothing touches `p` any
 * more. */
void brrr__pump_start(brrr__pump *p, brrr_alloc alloc, brrr_op *op,
                      const brrr_backends *backends, brrr_backend handler,
                      brrr__pump_end end);

#endif
