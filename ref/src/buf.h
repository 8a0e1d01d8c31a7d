/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * buf.h - L0: what the library does with buffers beyond the public interface.
 */
#ifndef BRRR_SRC_BUF_H
#define BRRR_SRC_BUF_H

#include "base.h"

/* The first error sticks, and takes away the room that is left. */
void brrr__buf_fail(brrr_buf *b, brrr_error error);

uint8_t *brrr__buf_grow(brrr_buf *b, size_t len);

/* Room for `len` more octets at the end, which the caller then counts in
 * b->len as far as it writes them; NULL after an error. */
static inline uint8_t *brrr__buf_reserve(brrr_buf *b, size_t len) {
  return len < b->cap - b->len ? b->ptr + b->len : brrr__buf_grow(b, len);
}

#endif
