/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis.h - queue, store and cache on Redis [REDIS-1] to [REDIS-41], with
 * hiredis on a libuv loop.
 *
 * Commands are pipelined over one connection. The blocking pops of a topic
 * have a connection of their own, on which they are pipelined too. Connections
 * are made when they are needed, and made again when they were lost (after a
 * pause of 10 ms, doubled up to 1 s, give or take a quarter):
 *
 *   - An effect that was under way on a lost connection ends in BRRR_E_IO; it
 *     may or may not have happened. Effects that come later wait for the new
 *     connection, and end in BRRR_E_IO if there is none to be had.
 *   - A get is asked again, so that a worker outlives an outage of up to 20 s;
 *     then it ends in BRRR_E_IO. What Redis had popped for the lost connection
 *     is lost with it, unless the queue is durable.
 *   - After an answer that says "not now" (LOADING, READONLY, MASTERDOWN,
 *     CLUSTERDOWN, TRYAGAIN) the connection is made anew: another server may
 *     have the name by then. So it is like a lost one. A get that somebody
 *     ended (UNBLOCKED) is asked again.
 *
 * The reply to an effect that ends in BRRR_E_IO has the reason, in words, as
 * its value.
 */
#ifndef BRRR_REDIS_H
#define BRRR_REDIS_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct brrr_redis_options {
  /* redis://[[user]:password@]host[:port][/db], or
   * unix://[[user]:password@]/path[?db=N] */
  const char *url;
  uint32_t connect_ms; /* until a connection is up; 0 means 5 000 */
  uint32_t command_ms; /* while an answer is due, without any: the connection
                          counts as lost; for gets, 20 s more. 0 means 30 000 */
  brrr_log log;

  /* The durable queue of spec/durable.md: no message is lost with a worker. */
  bool durable;
  uint32_t dead_after_ms;  /* without a heartbeat, a worker is taken for dead; 0
                              means 30 000. The same for all of a fleet */
  uint32_t max_deliveries; /* of a message, before it becomes a dead letter; 0
                              means 5 [REDIS-38] */
} brrr_redis_options;

typedef struct brrr_redis brrr_redis;

/* Copies the options. BRRR_E_MISUSE if the URL is none. */
BRRR_API brrr_status brrr_redis_new(brrr_redis **out, brrr_alloc alloc,
                                    struct uv_loop_s *loop,
                                    const brrr_redis_options *options);
/* The one backend that plays all three roles; lives as long as `r`. Its wake
 * needs CLIENT UNBLOCK (Redis 5); where a server or its access list has none,
 * gets end after their 20 s as ever. */
BRRR_API brrr_backend brrr_redis_backend(brrr_redis *r);
/* What the last failure was, in words; lives as long as `r`; "" if none. */
BRRR_API const char *brrr_redis_error(const brrr_redis *r);
/* ---- for tools ----------------------------------------------------------- */

/* What Redis answered to a raw command: a tree. */
typedef struct brrr_redis_answer brrr_redis_answer;

/* A string or status; empty, with ptr NULL, where it is neither. */
BRRR_API brrr_bytes brrr_redis_answer_text(const brrr_redis_answer *a);
/* A number; 0 where it is none. */
BRRR_API int64_t brrr_redis_answer_number(const brrr_redis_answer *a);
/* An array; without elements where it is none. */
BRRR_API size_t brrr_redis_answer_count(const brrr_redis_answer *a);
BRRR_API const brrr_redis_answer *
brrr_redis_answer_at(const brrr_redis_answer *a, size_t i);

/* Called exactly once, with BRRR_OK and what Redis answered, borrowed for the
 * call; or with a negative status, NULL, and the reason in brrr_redis_error. */
typedef void (*brrr_redis_answered)(void *ud, brrr_status status,
                                    const brrr_redis_answer *a);
/* Sends any command that neither blocks nor changes the connection's state. */
BRRR_API void brrr_redis_do(brrr_redis *r, const brrr_bytes *args, size_t count,
                            brrr_redis_answered fn, void *ud);

/* ---- the end ------------------------------------------------------------- */

/* For when all workers and operations on it have ended. Ends what is under way
 * all the same: gets in BRRR_CLOSED, and a message that Redis pops for them at
 * this moment is lost unless the queue is durable; all else in BRRR_E_IO.
 * Closes the connections; `closed` is called, from the loop, when all is gone
 * and `r` is freed. */
BRRR_API void brrr_redis_close(brrr_redis *r, void (*closed)(void *ud),
                               void *ud);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_REDIS_H */
