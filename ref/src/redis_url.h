/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_url.h - L6: where a Redis is, and how to log in:
 *
 *   redis://[[user]:password@]host[:port][/db]
 *   unix://[[user]:password@]/path[?db=N]
 *
 * User, password and path are percent-encoded where they need to be; the host
 * may be an IPv6 address in brackets. Deliberately absent: TLS and options.
 */
#ifndef BRRR_SRC_REDIS_URL_H
#define BRRR_SRC_REDIS_URL_H

#include <brrr/brrr.h>

typedef struct brrr__redis_url {
  char *text; /* a copy of the whole, in which the others lie */
  size_t size;
  const char *path; /* of a socket; NULL: host and port */
  const char *host;
  uint32_t port;
  brrr_bytes user, password; /* empty if there is none */
  uint32_t db;
} brrr__redis_url;

/* BRRR_E_MISUSE if `text` is no such URL. */
brrr_status brrr__redis_url_parse(brrr__redis_url *out, brrr_alloc alloc,
                                  const char *text);
void brrr__redis_url_free(brrr__redis_url *url, brrr_alloc alloc);

#endif
