/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * engine.h - L3: operations and their strands, without I/O.
 *
 * A strand is one line of steps that asks for one effect at a time. An
 * operation has a main strand; it starts more where the specification lets
 * things happen at the same time: one for each child of a defer, one for each
 * pending return. All their effects can be under way at once.
 *
 * The steps of a strand are a function that is left at each await and entered
 * again with the reply. It looks like this:
 *
 *   static brrr_status steps(brrr_op *op, brrr__strand *s) {
 *     BRRR__BEGIN(s->at[0]);
 *     BRRR__AWAIT(op, s, .type = BRRR_STORE_GET, .key = {...});
 *     if (s->reply->status == BRRR_ABSENT)
 *       BRRR__RETURN(BRRR_OK);
 *     BRRR__CALL(other_steps(op, s)); -- with a resume point of its own
 *     BRRR__END(BRRR_OK);
 *   }
 *
 * Local variables do not survive an await, nor does s->reply. A negative reply
 * never gets there: it ends the operation. Whoever returns a negative status
 * has filled op->error.
 */
#ifndef BRRR_SRC_ENGINE_H
#define BRRR_SRC_ENGINE_H

#include "base.h"

typedef struct brrr__strand brrr__strand;
typedef brrr_status brrr__steps(brrr_op *op, brrr__strand *s);

typedef enum brrr__phase {
  BRRR__IDLE,
  BRRR__ASKED,    /* its effect waits for brrr_op_next */
  BRRR__UNDER_WAY /* its effect waits for brrr_op_reply */
} brrr__phase;

/* What put_job puts, and where; all of it borrowed. */
typedef struct brrr__job {
  brrr_bytes topic, root_id, call_hash;
} brrr__job;

struct brrr__strand {
  int at[3]; /* resume points, the innermost last */
  brrr__steps *steps;
  brrr__phase phase;
  uint32_t asked; /* effects so far */
  size_t number;  /* its place in op->strands */
  brrr_effect effect;
  const brrr_reply *reply;
  brrr__strand *next; /* in the queue of those that have asked */

  /* The variables of the steps. */
  brrr__job job;
  brrr_bytes message; /* the job, encoded; and its counter */
  brrr_bytes counter;
  bool there;                /* the answer of look */
  bool must_put;             /* the answer of add_pending_return */
  uint32_t attempts;         /* of a compare-and-set loop */
  brrr_arena scratch;        /* what one attempt of that needs: */
  brrr_bytes stored, octets; /* as it was read, and what shall be written */
};

struct brrr_op {
  brrr_arena arena;
  brrr_limits limits;
  brrr_handling how;    /* but for its limits */
  brrr_error error;     /* its status is negative once the operation failed */
  brrr_status status;   /* after the main strand has ended */
  brrr_outcome outcome; /* if it does not fail */
  bool spawn_limit;     /* was met [SCHED-12] */

  brrr__strand main;
  brrr__strand **strands; /* all of them, by number */
  size_t count;
  size_t running;            /* strands besides the main one */
  bool joining;              /* the main strand waits for those */
  size_t under_way;          /* effects */
  brrr__strand *head, *tail; /* those that have asked, in order */

  /* The variables of the operation. */
  brrr_bytes topic, octets, value;
  brrr_schedule_message message;
  brrr_bytes stored_call; /* the octets of: */
  brrr_call call;
  bool reads_call; /* has been asked for */
  int64_t now;
  brrr_pending_returns stored, handled;
  bool absent;            /* nobody waits: there is no such record */
  brrr__strand *own;      /* looks for the value of the call; or NULL */
  bool has_value;         /* is known to have one without a look */
  brrr_bytes watch_key;   /* of this message, in how.watch */
  size_t first_child;     /* the number of its strand, in a defer or a window */
  size_t window, looking; /* children to look for at once; and so many are */
  brrr_run *run;          /* of brrr_op_run only */
};

/* ==== Steps ============================================================== */

#define BRRR__BEGIN(resume_point)                                              \
  int *const at_ = &(resume_point);                                            \
  switch (*at_) {                                                              \
  case 0:

#define BRRR__RETURN(status)                                                   \
  do {                                                                         \
    *at_ = 0;                                                                  \
    return status;                                                             \
  } while (0)

#define BRRR__END(status)                                                      \
  }                                                                            \
  *at_ = 0;                                                                    \
  return status

/* Asks for an effect, given as designated initialisers; goes on with its
 * reply. */
#define BRRR__AWAIT(op, s, ...)                                                \
  do {                                                                         \
    *at_ = __LINE__;                                                           \
    brrr__op_ask(op, s, (brrr_effect){__VA_ARGS__});                           \
    return BRRR_WAIT;                                                          \
  case __LINE__:;                                                              \
  } while (0)

/* Runs other steps to their end; passes on a negative status. */
#define BRRR__CALL(steps)                                                      \
  do {                                                                         \
    *at_ = __LINE__;                                                           \
    __attribute__((fallthrough));                                              \
  case __LINE__:;                                                              \
    const brrr_status status_ = (steps);                                       \
    if (status_ == BRRR_WAIT)                                                  \
      return status_;                                                          \
    if (status_ < 0)                                                           \
      BRRR__RETURN(status_);                                                   \
  } while (0)

/* The main strand waits until all others have ended. */
#define BRRR__JOIN(op)                                                         \
  do {                                                                         \
    if ((op)->running) {                                                       \
      *at_ = __LINE__;                                                         \
      (op)->joining = true;                                                    \
      return BRRR_WAIT;                                                        \
    case __LINE__:                                                             \
      (op)->joining = false;                                                   \
    }                                                                          \
  } while (0)

void brrr__op_ask(brrr_op *op, brrr__strand *s, brrr_effect effect);

/* ==== For the operations ================================================= */

/* An operation with a main strand that has not been started. */
brrr_status brrr__op_new(brrr_op **out, brrr_alloc alloc,
                         const brrr_limits *limits, brrr__steps *steps);
/* Starts the main strand, unless `s`, what preparing it came to, is negative.
 * Then the operation has failed before it began; where memory is out it is
 * freed. */
brrr_status brrr__op_begin(brrr_op *op, brrr_status s, brrr_op **out);

/* One more strand, not started. NULL when memory is out; op->error says so. */
brrr__strand *brrr__op_strand(brrr_op *op, brrr__steps *steps);
/* The strand with this number, which has ended, begins again; or, if it would
 * be the next number, a new one. */
brrr__strand *brrr__op_strand_at(brrr_op *op, size_t number,
                                 brrr__steps *steps);
/* Runs a strand until it waits or ends. */
void brrr__op_run(brrr_op *op, brrr__strand *s);

/* Sets op->error; returns its status. */
brrr_status brrr__op_fail(brrr_op *op, brrr_status status,
                          const char *requirement, const char *reason);
brrr_status brrr__op_no_memory(brrr_op *op);
/* brrr_arena_copy that fails the operation. */
brrr_status brrr__op_copy(brrr_op *op, brrr_arena *a, brrr_bytes in,
                          brrr_bytes *out);
/* Fails if `topic` is not text. */
brrr_status brrr__op_check_topic(brrr_op *op, brrr_bytes topic);

/* ==== Steps that several operations share ================================ */

/* Encodes s->job for put_job, before the strand starts: what cannot be encoded
 * is found before anything is written. */
brrr_status brrr__job_prepare(brrr_op *op, brrr__strand *s);
/* Counts and puts s->job. Where the spawn limit forbids it, op->spawn_limit
 * tells; that fails nothing yet. Uses at[2]. */
brrr__steps brrr__job_put;
/* What an operation ends in, if all else went well: OK, or the spawn limit. */
brrr_status brrr__job_verdict(brrr_op *op);

/* Looks for the value of s->job: s->there. Uses at[0]. */
brrr__steps brrr__look;
/* Does the call have a value, as far as was asked? Then it is not invoked. */
bool brrr__has_value(const brrr_op *op);

/* These use at[1]; the first two start with the reply to BRRR_INVOKE, but where
 * the value was there before. */
brrr__steps brrr__defer;
brrr__steps brrr__return;
/* Begins to read the call of the message, unless that has begun. */
brrr_status brrr__call_start(brrr_op *op);
/* Waits for the first of the watched children that is missing, if one is: that
 * is then the outcome. */
brrr__steps brrr__watch;

/* Registers with a child, s->job, and puts it if it must; before that it writes
 * its call, where s->octets holds one. Uses at[0] to at[2]. */
brrr__steps brrr__defer_child;
/* The children that were deferred on are watched from now on. */
void brrr__watch_remember(brrr_op *op);
void brrr__watch_done(brrr_op *op);

#endif
