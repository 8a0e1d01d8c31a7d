/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_kept.h - L6: octets whose room is kept from message to message, so
 * that a worker at work allocates nothing for what it takes.
 */
#ifndef BRRR_SRC_WORKER_KEPT_H
#define BRRR_SRC_WORKER_KEPT_H

#include <brrr/brrr.h>

typedef struct brrr__kept {
  uint8_t *ptr;
  size_t len, cap;
} brrr__kept;

/* False when memory is out; then it is as it was. */
bool brrr__kept_append(brrr__kept *k, brrr_alloc alloc, const void *ptr,
                       size_t len);
/* Empties it. Its room is given back only where it is unusually large. */
void brrr__kept_clear(brrr__kept *k, brrr_alloc alloc);
void brrr__kept_free(brrr__kept *k, brrr_alloc alloc);

static inline brrr_bytes brrr__kept_bytes(const brrr__kept *k) {
  return (brrr_bytes){k->ptr, k->len};
}

#endif
