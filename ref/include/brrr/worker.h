/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker.h - takes messages from a topic and handles them, on a libuv loop.
 *
 * The worker has `concurrency` hands. An empty hand asks the queue for one
 * message; a full one calls the handler, which answers now or later, from the
 * loop's thread. So no message is taken that cannot be handled at once.
 */
#ifndef BRRR_WORKER_H
#define BRRR_WORKER_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

/* A message that could not be handled [WORK-4] to [WORK-6], [SCHED-31],
 * [RET-5], or a queue that failed. All of it is borrowed for the callback. */
typedef struct brrr_problem {
  brrr_bytes topic;
  bool has_message;   /* false if it is the queue that failed */
  brrr_bytes message; /* as it was taken from the queue */
  brrr_error error;
  brrr_bytes detail; /* what the handler or the backend said, in words */
} brrr_problem;

typedef enum brrr_policy {
  BRRR_STOP, /* end the worker with this problem's status */
  BRRR_GO_ON /* take the next message */
} brrr_policy;

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

typedef struct brrr_worker_options {
  struct uv_loop_s *loop;
  brrr_backends backends;
  brrr_alloc alloc;
  brrr_limits limits;
  brrr_bytes topic;
  uint32_t concurrency; /* 0 means 1 */
  void (*handle)(void *ud, brrr_invocation *invocation);
  brrr_policy (*problem)(void *ud, const brrr_problem *problem);
  /* The worker has ended: with BRRR_OK after brrr_worker_stop, BRRR_CLOSED
   * when the queue closed, or the status of a problem. Free it here or later.
   */
  void (*ended)(void *ud, brrr_status status);
  void *ud;
  /* Makes the queue end its waiting gets soon, without losing a message; its
   * argument is backends.queue.self. As brrr_redis_wake, brrr_memory_wake. If
   * NULL, a stopping worker waits for the end of its long polls. */
  void (*wake)(void *queue);
} brrr_worker_options;

typedef struct brrr_worker brrr_worker;

/* BRRR_E_TOPIC if the topic must not be used [REDIS-4]. Nothing is called back
 * before the loop runs. */
BRRR_API brrr_status brrr_worker_start(brrr_worker **out,
                                       const brrr_worker_options *options);
/* Takes no more messages. What is in hand is finished first, and so is a
 * message that a get under way still brings [WORK-7]; then `ended`. */
BRRR_API void brrr_worker_stop(brrr_worker *w);
/* Only after `ended`. */
BRRR_API void brrr_worker_free(brrr_worker *w);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_WORKER_H */
