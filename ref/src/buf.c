/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * buf.c - L0: an output buffer that grows in an arena.
 */
#include "buf.h"

#include "arena.h"

#include <string.h>

#define MIN_CAPACITY ((size_t)128) /* of a message, in most cases */

void brrr_buf_init(brrr_buf *b, brrr_arena *a) { *b = (brrr_buf){.arena = a}; }

void brrr__buf_fail(brrr_buf *b, brrr_error error) {
  if (b->error.status)
    return;
  b->error = error;
  b->cap = b->len;
}

/* At least doubles, so that all copying together is linear. 0 if too large. */
static size_t next_capacity(const brrr_buf *b, size_t len) {
  if (len > SIZE_MAX / 2 - b->len - 1)
    return 0;
  const size_t wanted = b->len + len + 1, twice = 2 * b->cap;
  const size_t cap = wanted > twice ? wanted : twice;
  return cap > MIN_CAPACITY ? cap : MIN_CAPACITY;
}

uint8_t *brrr__buf_grow(brrr_buf *b, size_t len) {
  if (b->error.status)
    return NULL;
  const size_t cap = next_capacity(b, len);
  uint8_t *ptr = cap ? brrr__arena_grow(b->arena, b->ptr, b->cap, cap) : NULL;
  if (!ptr) {
    brrr__buf_fail(b, (brrr_error){BRRR_E_NOMEM, b->len, "out of memory", ""});
    return NULL;
  }
  b->ptr = ptr;
  b->cap = cap;
  return ptr + b->len;
}

void brrr_buf_put(brrr_buf *b, brrr_bytes in) {
  uint8_t *end = brrr__buf_reserve(b, in.len);
  if (!end || !in.len)
    return;
  memcpy(end, in.ptr, in.len);
  b->len += in.len;
}

brrr_status brrr_buf_finish(const brrr_buf *b, brrr_bytes *out,
                            brrr_error *err) {
  if (b->error.status)
    return brrr__error_set(err, b->error);
  *out = (brrr_bytes){b->ptr, b->len};
  return BRRR_OK;
}
