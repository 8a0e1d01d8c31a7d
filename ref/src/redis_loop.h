/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_loop.h - L6: hiredis on a libuv loop.
 *
 * hiredis ships a glue of its own, which ignores the errors that uv_poll
 * reports: a connection that breaks in certain ways would then wait for ever.
 */
#ifndef BRRR_SRC_REDIS_LOOP_H
#define BRRR_SRC_REDIS_LOOP_H

#include <brrr/brrr.h>

#include <hiredis/async.h>
#include <uv.h>

/* Lets `loop` drive `ac`, to be called before anything else is done with it.
 * `before` is called before each write: what it sends is part of it. `gone` is
 * called from the loop when `ac` is freed and its handles are closed; not if
 * this fails. */
brrr_status brrr__redis_loop_attach(redisAsyncContext *ac, uv_loop_t *loop,
                                    brrr_alloc alloc,
                                    void (*before)(redisAsyncContext *ac),
                                    void (*gone)(void *ud), void *ud);
/* `before` shall be called in this turn, once the connection has been made. */
void brrr__redis_loop_expect(redisAsyncContext *ac);

#endif
