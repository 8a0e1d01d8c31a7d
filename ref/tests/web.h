/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * web.h - a web server on the test's own loop, which answers by a script and
 * keeps what it was asked.
 */
#ifndef BRRR_TESTS_WEB_H
#define BRRR_TESTS_WEB_H

#include "stage.h"

/* Instead of an HTTP status: what else may happen to a request. */
#define WEB_CUT (-1)    /* it is read, and the connection closed */
#define WEB_SILENT (-2) /* it is read, and never answered */
#define WEB_HALF (-3)   /* half of an answer, and the connection closed */
#define WEB_NOISE (-4)  /* octets that are no HTTP */

typedef struct web_answer {
  int status;
  const char *body;
  bool last; /* the connection is closed behind it */
} web_answer;

#define WEB_REQUESTS 64

typedef struct web_request {
  char *head, *body; /* NUL-terminated */
  uint64_t at;       /* uv_now */
  unsigned visit;    /* the number of its connection, from 1 */
} web_request;

typedef struct web {
  stage *stage;
  uv_tcp_t listener;
  const web_answer *script; /* in turn; the last one for all that follow */
  size_t count;
  web_request requests[WEB_REQUESTS];
  unsigned asked, visits;
  unsigned open; /* handles */
  struct visit *first;
  char url[64];
} web;

void web_start(web *w, stage *s, const web_answer *script, size_t count);
/* Closes all, and frees what it kept. */
void web_stop(web *w);
/* Runs the loop until it was asked so often in all. */
void web_until(web *w, unsigned count);
/* The header of a request, its value up to the end of its line; "" if there is
 * none; lives until the next call. */
const char *web_header(const web *w, unsigned request, const char *name);

#endif
