/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * connect.h - backends by URL, for programs that let their user choose.
 *
 *   memory:                                    queue, store, cache
 *   redis://[[user]:password@]host[:port][/db] queue, store, cache
 *   unix://[[user]:password@]/path[?db=N]      the same
 *   dynamodb://table[?endpoint=U&region=R]     store
 *   sqs://[prefix][?endpoint=U&region=R]       queue; prefix comes before the
 *                                              topic in the name of each queue
 *
 * AWS credentials, and the region unless it is given, come from the usual
 * environment variables.
 */
#ifndef BRRR_CONNECT_H
#define BRRR_CONNECT_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct brrr_connect_options {
  struct uv_loop_s *loop;
  brrr_alloc alloc;
  const char *url; /* for each role that has no URL of its own */
  const char *queue, *store, *cache; /* NULL: `url` */
  bool durable;                      /* a Redis queue is a durable one */
  uint32_t dead_after_ms;            /* see brrr_redis_options */
  brrr_log log;
} brrr_connect_options;

typedef struct brrr_connection brrr_connection;

/* Copies the options. BRRR_E_MISUSE, and in *why (static) what is wrong with
 * which URL, if one is none or cannot play its role. Nothing is sent yet. */
BRRR_API brrr_status brrr_connect(brrr_connection **out,
                                  const brrr_connect_options *options,
                                  const char **why);
/* Live as long as the connection. */
BRRR_API brrr_backends brrr_connection_backends(const brrr_connection *c);
/* A client on them, with libuv's random octets. */
BRRR_API brrr_client brrr_connection_client(const brrr_connection *c);
/* For when all workers and operations on it have ended. `closed` is called from
 * the loop when all is gone and `c` is freed. */
BRRR_API void brrr_connection_close(brrr_connection *c,
                                    void (*closed)(void *ud), void *ud);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_CONNECT_H */
