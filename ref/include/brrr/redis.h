/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis.h - queue, store and cache on Redis [REDIS-1] to [REDIS-23], with
 * hiredis on a libuv loop. Commands are pipelined over one connection; each
 * blocking pop has a connection of its own.
 */
#ifndef BRRR_REDIS_H
#define BRRR_REDIS_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct brrr_redis brrr_redis;

/* `url` is redis://[user[:password]@]host[:port][/db]. Connecting goes on in
 * the background; a connection that fails ends its effects in BRRR_E_IO. */
BRRR_API brrr_status brrr_redis_new(brrr_redis **out, brrr_alloc alloc,
                                    struct uv_loop_s *loop, const char *url);
/* The one backend that plays all three roles; lives as long as `r`. */
BRRR_API brrr_backend brrr_redis_backend(brrr_redis *r);
/* What the last failure was, in words; lives as long as `r`; "" if none. */
BRRR_API const char *brrr_redis_error(const brrr_redis *r);
/* Ends waiting gets in BRRR_CLOSED, whatever else is under way in BRRR_E_IO,
 * and closes the connections. `closed` is called, from the loop, when all is
 * gone; `r` is freed then. */
BRRR_API void brrr_redis_close(brrr_redis *r, void (*closed)(void *ud),
                               void *ud);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_REDIS_H */
