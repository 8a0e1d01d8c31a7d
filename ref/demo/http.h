/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * http.h - an HTTP server on a libuv loop, in one thread: libmicrohttpd, which
 * is asked to go on whenever its epoll descriptor says so. A request can be
 * answered at once or later. Bodies of requests are not looked at.
 */
#ifndef BRRR_DEMO_HTTP_H
#define BRRR_DEMO_HTTP_H

#include <brrr/brrr.h>

#include <uv.h>

typedef struct http http;
typedef struct request request;

typedef struct http_options {
  uv_loop_t *loop;
  uint16_t port; /* of 127.0.0.1; 0: a free one */
  void (*handle)(void *ud, request *r);
  void (*stopped)(void *ud);
  void *ud;
} http_options;

/* NULL if the port cannot be had. */
http *http_start(const http_options *options);
uint16_t http_port(const http *h);
/* Takes no more connections, waits until all requests are answered, and calls
 * `stopped` from the loop when all is gone and `h` is freed. */
void http_stop(http *h);

/* ---- one request --------------------------------------------------------- */

bool request_is(const request *r, const char *method);
/* Without the part from the question mark on. */
const char *request_path(const request *r);
/* False if there is no such parameter. */
bool request_parameter(const request *r, const char *name, brrr_bytes *out);
void *request_user(const request *r); /* the server's `ud` */

typedef struct response {
  unsigned code;
  const char *type;  /* of the content */
  const char *allow; /* the methods, or NULL */
  brrr_bytes body;   /* copied */
} response;

/* Exactly once; the request is gone then. */
void request_answer(request *r, const response *what);

#endif
