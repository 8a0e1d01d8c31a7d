/* SPDX-License-Identifier: AGPL-3.0-only */
#include "support.h"

#include <stdalign.h>

/* Stands before each block. */
typedef struct head {
  alignas(max_align_t) size_t size;
} head;

static void *heap_fn(void *ud, void *ptr, size_t osize, size_t nsize) {
  heap *h = ud;
  head *old = ptr ? (head *)ptr - 1 : NULL;
  assert_int_equal(old ? old->size : 0, osize);
  if (!nsize) {
    h->live -= old != NULL;
    h->octets -= osize;
    free(old);
    return NULL;
  }
  if (++h->count == h->fail_at || nsize > SIZE_MAX / 4)
    return NULL;
  head *new = realloc(old, sizeof *new + nsize);
  assert_non_null(new);
  h->live += !old;
  h->octets += nsize - osize;
  new->size = nsize;
  return new + 1;
}

brrr_alloc heap_alloc(heap *h) { return (brrr_alloc){heap_fn, h}; }

void heap_sweep(void (*once)(heap *h, void *ud), void *ud) {
  heap whole = {0};
  once(&whole, ud);
  assert_int_equal(whole.live, 0);
  assert_true(whole.count > 0);
  for (size_t k = 1; k <= whole.count; k++) {
    heap h = {.fail_at = k};
    once(&h, ud);
    assert_int_equal(h.live, 0);
    assert_true(h.count >= k);
  }
}

brrr_bytes exact(brrr_bytes in) {
  uint8_t *copy = malloc(in.len ? in.len : 1);
  assert_non_null(copy);
  if (in.len)
    memcpy(copy, in.ptr, in.len);
  /* Of nothing, not even the first octet may be read. */
  return (brrr_bytes){in.len ? copy : copy + 1, in.len};
}

void exact_free(brrr_bytes in) {
  free((void *)(uintptr_t)(in.len ? in.ptr : in.ptr - 1));
}

brrr_bytes repeated(const char *before, const char *unit, size_t count,
                    const char *after) {
  const size_t first = strlen(before), each = strlen(unit),
               tail = strlen(after);
  const size_t len = first + each * count + tail;
  uint8_t *all = malloc(len ? len : 1), *p = all;
  assert_non_null(all);
  memcpy(p, before, first);
  p += first;
  for (size_t i = 0; i < count; i++, p += each)
    memcpy(p, unit, each);
  memcpy(p, after, tail);
  return (brrr_bytes){all, len};
}

void assert_bytes(brrr_bytes actual, brrr_bytes expected) {
  if (!brrr_bytes_equal(actual, expected))
    fail_msg("got %.*s\nwant %.*s", (int)actual.len, (const char *)actual.ptr,
             (int)expected.len, (const char *)expected.ptr);
}

void assert_error(const brrr_error *actual, brrr_status status,
                  const char *requirement, size_t offset) {
  assert_string_equal(brrr_status_name(actual->status),
                      brrr_status_name(status));
  assert_string_equal(actual->requirement, requirement);
  assert_int_equal(actual->offset, offset);
  assert_true(strlen(actual->reason) > 0);
}
