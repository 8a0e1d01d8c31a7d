/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * buf.c - L0: an output buffer that grows in an arena.
 */
#include "buf.h"

#include "arena.h"

#include <string.h>

#define MIN_CAPACITY ((size_t)64)

void brrr_buf_init(brrr_buf *b, brrr_arena *a) { *b = (brrr_buf){.arena = a}; }

void brrr__buf_fail(brrr_buf *b, brrr_error error) {
  if (!b->error.status)
    b->error = error;
}

static void out_of_memory(brrr_buf *b) {
  brrr__buf_fail(b, (brrr_error){BRRR_E_NOMEM, b->len, "out of memory", ""});
}

/* At least doubles, so that all copying together is linear. */
static void grow(brrr_buf *b, size_t len) {
  if (len > SIZE_MAX / 2 - b->len) {
    out_of_memory(b);
    return;
  }
  size_t cap = b->len + len;
  if (cap < 2 * b->cap)
    cap = 2 * b->cap;
  if (cap < MIN_CAPACITY)
    cap = MIN_CAPACITY;
  uint8_t *ptr = brrr__arena_grow(b->arena, b->ptr, b->cap, cap);
  if (!ptr) {
    out_of_memory(b);
    return;
  }
  b->ptr = ptr;
  b->cap = cap;
}

uint8_t *brrr__buf_reserve(brrr_buf *b, size_t len) {
  if ((len > b->cap - b->len || !b->ptr) && !b->error.status)
    grow(b, len);
  return b->error.status ? NULL : b->ptr + b->len;
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
