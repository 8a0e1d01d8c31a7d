/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * base.c - L0: statuses, views of octets, the call of the allocator.
 */
#include "base.h"

#include <stdlib.h>
#include <string.h>

const char *brrr_status_name(brrr_status s) {
  switch (s) {
#define X(name, value, text)                                                   \
  case BRRR_##name:                                                            \
    return #name;
    BRRR_STATUS_MAP(X)
#undef X
  }
  return "UNKNOWN";
}

const char *brrr_status_text(brrr_status s) {
  switch (s) {
#define X(name, value, text)                                                   \
  case BRRR_##name:                                                            \
    return text;
    BRRR_STATUS_MAP(X)
#undef X
  }
  return "no status of this library";
}

brrr_bytes brrr_bytes_str(const char *s) {
  return (brrr_bytes){(const uint8_t *)s, strlen(s)};
}

bool brrr_bytes_equal(brrr_bytes a, brrr_bytes b) {
  /* memcmp must not see NULL, not even for nothing. */
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int brrr_bytes_compare(brrr_bytes a, brrr_bytes b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

void *brrr__alloc(brrr_alloc alloc, void *ptr, size_t osize, size_t nsize) {
  if (alloc.fn)
    return alloc.fn(alloc.ud, ptr, osize, nsize);
  if (nsize)
    return realloc(ptr, nsize);
  free(ptr);
  return NULL;
}

/* A word at a time; the multiplier is that of splitmix64. */
static uint64_t stir(uint64_t h, uint64_t word) {
  h = (h ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
  return h ^ h >> 31;
}

uint64_t brrr__hash(uint64_t seed, brrr_bytes key) {
  uint64_t h = seed ^ key.len, word = 0;
  size_t i = 0;
  for (; key.len - i > sizeof word; i += sizeof word) {
    memcpy(&word, key.ptr + i, sizeof word);
    h = stir(h, word);
  }
  word = 0;
  if (key.len)
    memcpy(&word, key.ptr + i, key.len - i);
  return stir(stir(h, word), 0);
}

brrr_status brrr__error_set(brrr_error *err, brrr_error value) {
  if (err)
    *err = value;
  return value.status;
}
