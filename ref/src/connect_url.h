/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * connect_url.h - L7: what a URL of Amazon Web Services says:
 *
 *   scheme://name[?endpoint=U&region=R]
 *
 * U and R are percent-encoded where they need to be.
 */
#ifndef BRRR_SRC_CONNECT_URL_H
#define BRRR_SRC_CONNECT_URL_H

#include <brrr/brrr.h>

typedef struct brrr__connect_url {
  char *text; /* a copy, in which the others lie */
  size_t size;
  const char *name;
  const char *endpoint, *region; /* NULL unless given */
} brrr__connect_url;

/* `text` is what comes after "scheme://". BRRR_E_MISUSE if it is no such URL;
 * the name may be empty. */
brrr_status brrr__connect_url_parse(brrr__connect_url *out, brrr_alloc alloc,
                                    const char *text);
void brrr__connect_url_free(brrr__connect_url *url, brrr_alloc alloc);

#endif
