/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_http.h - L6: libcurl on a libuv loop.
 *
 * curl says which sockets and which time it waits for; the loop tells it when
 * something happened. Knows nothing of AWS.
 */
#ifndef BRRR_SRC_AWS_HTTP_H
#define BRRR_SRC_AWS_HTTP_H

#include <brrr/brrr.h>

#include <curl/curl.h>
#include <uv.h>

typedef struct brrr__http {
  /* all fields are private */
  uv_loop_t *loop;
  brrr_alloc alloc;
  CURLM *multi;
  uv_timer_t timer;
  unsigned handles; /* of libuv, open */
  /* Called, from the loop, for each transfer that has ended by itself. */
  void (*ended)(void *transfer, CURLcode code);
  void (*closed)(void *ud);
  void *ud;
} brrr__http;

/* BRRR_E_NOMEM; then there is nothing to close. */
brrr_status brrr__http_open(brrr__http *h, brrr_alloc alloc, uv_loop_t *loop,
                            void (*ended)(void *transfer, CURLcode code));
/* Starts what `easy` has been set up for. Never ends it before it returns. */
brrr_status brrr__http_start(brrr__http *h, CURL *easy, void *transfer);
/* Ends it without a word; `easy` can be used again. */
void brrr__http_stop(brrr__http *h, CURL *easy);
/* When all transfers have ended. Closes the connections; `closed` is called
 * from the loop when all is gone. */
void brrr__http_close(brrr__http *h, void (*closed)(void *ud), void *ud);

#endif
