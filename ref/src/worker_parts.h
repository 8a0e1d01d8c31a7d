/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_parts.h - L6: what a worker is made of.
 *
 *      worker --- lanes, one for each topic --- hands, each with one message
 *
 *   worker.c          the worker's life, and its turns of the loop
 *   worker_hand.c     how a hand gets a message and has it handled
 *   worker_handler.c  what handles it: the app, or a raw handler
 *   worker_ahead.c    the next message, asked for before this one is done with
 *   worker_merge.c    equal messages become one
 *   worker_parting.c  acknowledgements and dead letters
 *   worker_problem.c  what went wrong, and what shall be done
 *   worker_log.c      the same in words
 *   worker_signal.c   SIGTERM and SIGINT
 *   worker_kept.c     memory that is kept from message to message
 *
 * A hand's states; (m) are those in which it has a message:
 *
 *   EMPTY --> ASKING --> TAKEN (m) --> BUSY (m) --> PARTING (m) --> EMPTY
 *                         |   ^         |
 *                         v   |         v
 *                   CROWDED   '------ PAUSED (m)
 *
 * All callbacks only note what happened to a hand and make it ready. What
 * follows from that is started from the worker's own turn of the loop: a
 * backend that answers at once causes no recursion, and the commands of all
 * hands that moved leave in one batch.
 */
#ifndef BRRR_SRC_WORKER_PARTS_H
#define BRRR_SRC_WORKER_PARTS_H

#include <brrr/worker.h>

#include "invoke.h"
#include "pump.h"
#include "worker_kept.h"

#include <uv.h>

typedef struct brrr__hand brrr__hand;

/* ==== Data =============================================================== */

/* The receipt of one message, which is to be acknowledged. */
typedef struct brrr__claim {
  brrr__hand *hand;
  size_t at, len; /* in the receipts of its batch */
  bool settled;
} brrr__claim;

/* Messages with the same octets that are handled as one. */
typedef struct brrr__batch {
  uint32_t count;
  bool force;          /* one of them was delivered before [QUEUE-12] */
  uint64_t since;      /* when the first of them was taken */
  brrr__kept claims;   /* an array of those */
  brrr__kept receipts; /* octets, one receipt after the other */
} brrr__batch;

typedef enum brrr__hand_state {
  BRRR__HAND_EMPTY,   /* may ask for a message */
  BRRR__HAND_ASKING,  /* empty, and a get is under way */
  BRRR__HAND_TAKEN,   /* has a message that is still to be handled */
  BRRR__HAND_CROWDED, /* has one that waits for the end of its like */
  BRRR__HAND_BUSY,    /* handles its message */
  BRRR__HAND_PAUSED,  /* will handle it again, later */
  BRRR__HAND_PARTING  /* has handled it: acknowledges it, or sets it aside */
} brrr__hand_state;

typedef struct brrr__lane {
  brrr_worker *worker;
  brrr_bytes topic;
  brrr__hand *resting; /* empty, and waiting for the end of the pause */
  uv_timer_t pause;    /* active while the queue is left alone */
  uint32_t failures;   /* of the queue, in a row */
} brrr__lane;

struct brrr_invocation {
  brrr__hand *hand;
  const brrr_call *call; /* NULL unless it waits for its answer */
  brrr_done done;
};

struct brrr__hand {
  brrr__lane *lane;
  brrr__hand_state state;
  brrr__hand *next; /* in the list of those that are ready, resting or
                       crowded */
  /* The message. */
  brrr__kept message;
  brrr__batch now;   /* what it is handled for */
  brrr__batch later; /* what came meanwhile, and waits for the next time */
  uint32_t attempts; /* handlings so far */
  uv_timer_t timer;  /* active in a pause */

  /* The next message, which is asked for while the value of this one is being
   * returned. */
  bool asks_ahead; /* its get is under way */
  bool has_next;   /* it has come: */
  brrr__kept next_message;
  brrr__batch next_batch;
  bool knows_call; /* what was read with it, until its first handling: */
  brrr_ahead ahead;
  brrr__kept call;

  /* As the leader of those that are merged with it. */
  bool leads;
  uint64_t hash;
  brrr__hand *chain; /* in its bucket */
  brrr__hand *crowd; /* those that found no room in a batch */

  /* Its handling. */
  brrr__pump pump;
  brrr_invocation invocation;
  brrr__invoke invoke; /* with an app */
  uv_work_t work;      /* a task that blocks: */
  brrr_run *run;
  brrr_done ran;
  uint64_t began, invoked, handler_ns;

  /* Its parting. */
  bool dead; /* is to be set aside, before it is acknowledged */
  brrr_error error;
  brrr__kept detail;
  uint32_t failures;   /* of the queue to do it, in a row */
  uint32_t unanswered; /* effects under way */
};

struct brrr_worker {
  brrr_worker_options options;
  brrr_arena arena; /* the arrays below, and the topics */
  brrr__lane *lanes;
  size_t lane_count;
  brrr__hand *hands; /* of all lanes */
  size_t hand_count;
  brrr__hand **leaders; /* by hash; a power of two of buckets */
  size_t bucket_count;
  brrr_memo *watch, *asked; /* NULL for none */

  uv_idle_t turn;    /* active while a hand is ready */
  brrr__hand *ready; /* can move, first come first */
  brrr__hand **ready_end;
  uv_signal_t signals[2];
  size_t signal_count; /* of them that are open */

  size_t at_work; /* hands that have not been laid down */
  size_t open;    /* handles of libuv */
  bool stopping;
  brrr_status status;
};

/* ==== The worker's life (worker.c) ======================================= */

/* Lets the hand move in the next turn. */
void brrr__hand_ready(brrr__hand *h, brrr__hand_state state);
/* Ends the worker with this status, unless it ends already. */
void brrr__worker_stop_with(brrr_worker *w, brrr_status status);

/* ==== A hand (worker_hand.c) ============================================= */

void brrr__hand_ask(brrr__hand *h);
void brrr__hand_begin(brrr__hand *h);
/* It is done with its message: takes up what came meanwhile, or is empty. */
void brrr__hand_next(brrr__hand *h);
/* The worker stops: what can be cut short is. */
void brrr__hand_stop(brrr__hand *h);
/* Frees what it has kept. */
void brrr__hand_free(brrr__hand *h);
/* There is no memory for the message of `reply`: it is done with, or `done` is
 * called when it is. */
void brrr__hand_take_unkept(brrr__hand *h, const brrr_reply *reply,
                            brrr_done done);
/* Ends the rest of the empty hands. */
void brrr__lane_rouse(brrr__lane *l);

/* False when memory is out. */
bool brrr__batch_add(brrr__batch *b, brrr_alloc alloc, const brrr_reply *reply);
/* Moves all of `from` into `into`; false when memory is out, and then nothing
 * has changed. */
bool brrr__batch_join(brrr__batch *into, brrr__batch *from, brrr_alloc alloc);
void brrr__batch_clear(brrr__batch *b, brrr_alloc alloc);
void brrr__batch_free(brrr__batch *b, brrr_alloc alloc);

static inline brrr__claim *brrr__batch_claims(const brrr__batch *b,
                                              size_t *count) {
  *count = b->claims.len / sizeof(brrr__claim);
  return (brrr__claim *)(void *)b->claims.ptr;
}

/* ==== What handles a message (worker_handler.c) ========================== */

/* Carries BRRR_INVOKE out; a brrr_backend's submit. */
void brrr__hand_invoke(void *hand, const brrr_effect *e, brrr_done done);

/* ==== The next message (worker_ahead.c) ================================== */

/* The handler has ended in a value: asks for the next message already. */
void brrr__ahead_ask(brrr__hand *h);
/* It is done with its message: takes up the next, or waits for it, or is empty.
 */
void brrr__ahead_take(brrr__hand *h);
void brrr__ahead_free(brrr__hand *h);

/* ==== Equal messages (worker_merge.c) ==================================== */

/* The message was taken: it joins its like, or waits for that, or is TAKEN. */
void brrr__merge_enter(brrr__hand *h);
/* Ends the lead, if there is one. */
void brrr__merge_leave(brrr__hand *h);
/* Lets those in that found no room before. */
void brrr__merge_crowd(brrr__hand *h);

/* ==== Acknowledgements, dead letters (worker_parting.c) ================== */

/* The message was handled: acknowledges it [QUEUE-10]. */
void brrr__part(brrr__hand *h);
/* Sets the message aside because of `p`, and acknowledges it [QUEUE-20]. */
void brrr__part_dead(brrr__hand *h, const brrr_problem *p);
/* The worker stops: tries again at once. */
void brrr__part_stop(brrr__hand *h);

/* ==== Problems (worker_problem.c) ======================================== */

/* No message is dropped in silence: asks what shall be done, and stops the
 * worker if it is that [WORK-7]. */
brrr_policy brrr__problem_report(brrr_worker *w, const brrr_problem *p);
/* An error that is no more than its status. */
brrr_error brrr__problem_error(brrr_status status);
/* How long to leave alone what has failed so many times, in ms. */
uint64_t brrr__pause_ms(uint32_t failures);

/* ==== In words (worker_log.c) ============================================ */

/* Octets for "%.*s"; no more of them than anybody wants to read. */
#define BRRR__TEXT(b)                                                          \
  (int)((b).len < 200 ? (b).len : 200), (b).len ? (const char *)(b).ptr : ""

__attribute__((format(printf, 3, 4))) void
brrr__worker_log(const brrr_worker *w, brrr_level level, const char *format,
                 ...);
/* A problem, and what is done about it. */
void brrr__problem_log(const brrr_worker *w, const brrr_problem *p,
                       brrr_policy policy);

#endif
