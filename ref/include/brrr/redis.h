/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis.h - queue, store and cache on Redis [REDIS-1] to [REDIS-23], with
 * hiredis on a libuv loop.
 *
 * Commands are pipelined over one connection. The blocking pops of a topic
 * have a connection of their own, on which they are pipelined too. Connections
 * are made when they are needed, and made again when they were lost:
 *
 *   - An effect that was under way on a lost connection ends in BRRR_E_IO; it
 *     may or may not have happened. Effects that come later wait for the new
 *     connection, and end in BRRR_E_IO if there is none to be had.
 *   - A get is asked again, so that a worker outlives an outage of up to 20 s;
 *     then it ends in BRRR_E_IO. What Redis had popped for the lost connection
 *     is lost with it: delivery is zero or more.
 *
 * The reply to an effect that ends in BRRR_E_IO has the reason, in words, as
 * its value. Looking up a host name blocks the loop.
 */
#ifndef BRRR_REDIS_H
#define BRRR_REDIS_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct brrr_redis brrr_redis;

/* `url` is redis://[[user]:password@]host[:port][/db]; BRRR_E_MISUSE if not. */
BRRR_API brrr_status brrr_redis_new(brrr_redis **out, brrr_alloc alloc,
                                    struct uv_loop_s *loop, const char *url);
/* The one backend that plays all three roles; lives as long as `r`. */
BRRR_API brrr_backend brrr_redis_backend(brrr_redis *r);
/* What the last failure was, in words; lives as long as `r`; "" if none. */
BRRR_API const char *brrr_redis_error(const brrr_redis *r);
/* Ends every get that waits now in BRRR_EMPTY, or with the message that Redis
 * has popped for it already: none is lost. `r` is the brrr_redis; for
 * brrr_worker_options.wake. Needs CLIENT UNBLOCK (Redis 5); where a server or
 * its access list has none, the gets end after their 20 s as ever. */
BRRR_API void brrr_redis_wake(void *r);
/* For when all workers and operations on it have ended. Ends what is under way
 * all the same: gets in BRRR_CLOSED, and a message that Redis pops for them at
 * this moment is lost; all else in BRRR_E_IO. Closes the connections; `closed`
 * is called, from the loop, when all is gone and `r` is freed. */
BRRR_API void brrr_redis_close(brrr_redis *r, void (*closed)(void *ud),
                               void *ud);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_REDIS_H */
