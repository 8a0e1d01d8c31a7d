/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * app.h - L4: a call of an app that is run, as its two sides share it: the
 * operation (app.c), which looks for values and decides, and the task's code
 * (run.c), which asks for them.
 *
 * Never both at once: while BRRR_RUN is under way all of this belongs to the
 * thread that carries it out, and at all other times to the operation's.
 */
#ifndef BRRR_SRC_APP_H
#define BRRR_SRC_APP_H

#include "engine.h"

#include <stdatomic.h>

typedef enum brrr__ask_state {
  BRRR__ASK_NEW,    /* its value has not been looked up */
  BRRR__ASK_ABSENT, /* it has none */
  BRRR__ASK_PRESENT
} brrr__ask_state;

/* A call whose value is wanted. There is one for each call_hash. */
typedef struct brrr__ask {
  struct brrr__ask *below[4]; /* see brrr__ask_at */
  brrr_child child;           /* as it was asked for first */
  brrr_bytes value;
  brrr__ask_state state;
  uint32_t run; /* the last run that asked for it; 0 if none has yet */
} brrr__ask;

/* What a run asked for, each call once, in the order of first mention. */
typedef struct brrr__asks {
  brrr__ask **all;
  size_t count, capacity;
} brrr__asks;

struct brrr_run {
  brrr_op *op; /* op->arena: what outlives a run; op->main.scratch: its arena */
  const brrr_app *app;
  const brrr_task *task;
  const brrr_call *call;
  const void *args;
  brrr_running how;
  brrr__ask *root;      /* all that was ever asked for */
  brrr__asks now, last; /* by this run, and by the one before it */
  uint32_t number;      /* of this run, from 1 */
  size_t missing;       /* of what it asked for: how many have no value */
  atomic_bool running;  /* the task's code is being run */
  brrr_status status;   /* how the task's code ended; if negatively, why: */
  brrr_error error;
  brrr_bytes detail;
  brrr_child *children; /* those without a value, after BRRR_DEFER */
  size_t child_count;
};

/* Where the ask with this call_hash is, or is to be put. */
brrr__ask **brrr__ask_at(brrr_run *run, brrr_bytes call_hash);
/* One more ask, at a place that brrr__ask_at found empty; copies the hash. NULL
 * when memory is out. */
brrr__ask *brrr__ask_new(brrr_run *run, brrr__ask **at, brrr_bytes call_hash);
/* Adds to a list; false when memory is out. */
bool brrr__asks_add(brrr_run *run, brrr__asks *list, brrr__ask *ask);

/* The call that `ask` asks for, from the codec. `detail` says in words what the
 * codec refused; both in the arena, as far as there is memory for it. */
brrr_status brrr__app_call(const brrr_app *app, brrr_arena *a,
                           const brrr_ask *ask, brrr_call *out, brrr_error *err,
                           brrr_bytes *detail);
/* After the codec refused what belongs to a task: makes `err` whole, and words
 * of it, such as "arguments of fib: not a number". Returns its status. */
brrr_status brrr__app_refused(brrr_arena *a, brrr_status s, const char *what,
                              brrr_bytes task_name, brrr_error *err,
                              brrr_bytes *detail);

#endif
