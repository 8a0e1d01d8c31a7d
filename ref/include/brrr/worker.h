/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker.h - takes messages from a topic and handles them, on a libuv loop.
 *
 * The worker keeps up to `concurrency` messages in hand. For each it calls
 * the handler, which answers now or later, from the loop's thread.
 */
#ifndef BRRR_WORKER_H
#define BRRR_WORKER_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

/* A message that could not be handled [WORK-4] to [WORK-6], [SCHED-31],
 * [RET-5]. All of it is borrowed for the callback. */
typedef struct brrr_problem {
  brrr_bytes topic;
  brrr_bytes message; /* as it was taken from the queue; empty if none was */
  brrr_error error;
  const char *detail; /* what the handler or the backend said; "" if nothing */
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
BRRR_API void brrr_invocation_defer(brrr_invocation *i,
                                    const brrr_child *children, size_t count);
BRRR_API void brrr_invocation_fail(brrr_invocation *i, const char *why);

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
   * when the queue closed, or the status of a problem. Free it here or later. */
  void (*ended)(void *ud, brrr_status status);
  void *ud;
} brrr_worker_options;

typedef struct brrr_worker brrr_worker;

BRRR_API brrr_status brrr_worker_start(brrr_worker **out,
                                       const brrr_worker_options *options);
/* Takes no more messages; what is in hand is finished first, then `ended`. */
BRRR_API void brrr_worker_stop(brrr_worker *w);
BRRR_API void brrr_worker_free(brrr_worker *w);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_WORKER_H */
