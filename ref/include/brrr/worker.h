/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker.h - takes messages from topics and handles them, on a libuv loop.
 *
 * For each topic the worker has `concurrency` hands. An empty hand asks the
 * queue for one message; a full one runs a task of the app, or calls the raw
 * handler, which answers now or later, from the loop's thread. So no message is
 * taken that cannot be handled at once.
 *
 * A task of the app that takes long should be one that `blocks`: while it runs
 * on the loop, nothing else does, the heartbeat of a durable queue included.
 *
 * Messages with the same octets that come while one of them is in hand are
 * handled as one, after it [WORK-23].
 */
#ifndef BRRR_WORKER_H
#define BRRR_WORKER_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

/* ---- problems ------------------------------------------------------------ */

/* A message that could not be handled [WORK-4] to [WORK-6], [SCHED-31],
 * [RET-5], or a queue that failed. All of it is borrowed for the callback. */
typedef struct brrr_problem {
  brrr_bytes topic;
  bool has_message;   /* false if it is the queue that failed */
  brrr_bytes message; /* as it was taken from the queue */
  uint32_t attempts;  /* handlings of this message by this worker so far; 0
                         without a message */
  brrr_error error;
  brrr_bytes detail; /* what the handler or the backend said, in words */
} brrr_problem;

typedef enum brrr_policy {
  BRRR_STOP,  /* end the worker with this problem's status; the message stays in
                 flight on a durable queue, and is lost on another */
  BRRR_GO_ON, /* the message is done with: take the next one */
  BRRR_DEAD_LETTER, /* set it aside [QUEUE-20], and go on */
  BRRR_RETRY /* handle it again, with force [QUEUE-12], after a pause: 0.1 s,
                doubled up to 10 s, give or take a quarter. The hand stays full
                meanwhile. A worker that stops leaves it in flight instead, if
                the queue is a durable one */
} brrr_policy;

/* What a worker without `problem` does: what may pass by itself it tries again,
 * a failed task or compare-and-set five times in all, after a failed backend 40
 * times, which is about five minutes; then, and all else at once, it sets
 * aside. A queue that fails it asks again. */
BRRR_API brrr_policy brrr_problem_advice(const brrr_problem *p);

/* ---- the raw handler ----------------------------------------------------- */

/* One call of the handler. It must be answered exactly once. */
typedef struct brrr_invocation brrr_invocation;

/* Borrowed until the answer. */
BRRR_API const brrr_call *brrr_invocation_call(const brrr_invocation *i);
BRRR_API brrr_bytes brrr_invocation_topic(const brrr_invocation *i);
/* The answers copy what they are given. */
BRRR_API void brrr_invocation_respond(brrr_invocation *i, brrr_bytes value);
/* Children for a topic that must not be used fail the invocation instead, with
 * BRRR_E_TOPIC, before anything is written [REDIS-4]. */
BRRR_API void brrr_invocation_defer(brrr_invocation *i,
                                    const brrr_child *children, size_t count);
BRRR_API void brrr_invocation_fail(brrr_invocation *i, brrr_bytes why);

/* ---- measures ------------------------------------------------------------ */

/* One handling of a message; one that is tried again has several. Borrowed for
 * the callback. */
typedef struct brrr_measure {
  brrr_bytes topic;
  brrr_bytes task_name; /* empty where the call was not read */
  brrr_outcome outcome;
  uint32_t merged;  /* further messages that were handled with it [WORK-23] */
  uint64_t wait_ns; /* from the reply with the first message to this handling */
  uint64_t handler_ns; /* in the handler, waiting for values included */
  uint64_t total_ns;   /* from that reply to the end of this handling */
} brrr_measure;

/* ---- the worker ---------------------------------------------------------- */

typedef struct brrr_worker_options {
  struct uv_loop_s *loop;
  brrr_backends backends;
  brrr_alloc alloc; /* must be thread-safe if a task of the app `blocks` */
  brrr_limits limits;
  const brrr_bytes *topics;
  size_t topic_count;
  uint32_t concurrency; /* hands for each topic; 0 means 1 */
  /* With one hand for a topic, and a queue that can: asks for the next message
   * along with the return of a value. That saves round trips to the server; but
   * a worker that dies while it returns a value has two messages. */
  bool take_ahead;

  /* Either an app, which outlives the worker, or a raw handler. */
  const brrr_app *app;
  bool check_reruns; /* see brrr_running.check */
  void (*handle)(void *ud, brrr_invocation *invocation);

  /* All of these are optional. */
  brrr_policy (*problem)(void *ud, const brrr_problem *problem);
  void (*measure)(void *ud, const brrr_measure *measure);
  /* The worker has ended: with BRRR_OK after brrr_worker_stop, BRRR_CLOSED
   * when the queue closed, or the status of a problem. Free it here or later.
   */
  void (*ended)(void *ud, brrr_status status);
  void *ud; /* of all callbacks above */
  brrr_log log;

  /* Cheap joins, and what they may remember; see spec/joins.md. */
  bool no_skip, no_watch, no_merge; /* each can be switched off */
  size_t memo_octets;               /* for each of two memos; 0 means 1 MiB */
  bool eventual; /* the store's reads of pending returns may be behind its
                    writes: no write of theirs is left out */
} brrr_worker_options;

typedef struct brrr_worker brrr_worker;

/* BRRR_E_TOPIC if a topic must not be used [REDIS-4], BRRR_E_MISUSE if there is
 * none, or not just one of app and handler. Nothing is called back before the
 * loop runs. Copies the options and topics. */
BRRR_API brrr_status brrr_worker_start(brrr_worker **out,
                                       const brrr_worker_options *options);
/* Takes no more messages. What is in hand is finished first, and so is a
 * message that a get under way still brings [WORK-12]; then `ended`. */
BRRR_API void brrr_worker_stop(brrr_worker *w);
/* Stops the worker at the first SIGTERM or SIGINT; off again when it has ended.
 * A second one has its usual effect. */
BRRR_API brrr_status brrr_worker_stop_on_signals(brrr_worker *w);
/* Only after `ended`. */
BRRR_API void brrr_worker_free(brrr_worker *w);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_WORKER_H */
