/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_kept.c - L6: octets whose room is kept from message to message.
 */
#include "worker_kept.h"

#include "base.h"

#include <string.h>

#define MIN_ROOM ((size_t)128)
#define MAX_ROOM ((size_t)16 * 1024) /* that outlives its message */

static bool grow(brrr__kept *k, brrr_alloc alloc, size_t len) {
  if (len > SIZE_MAX / 2 - k->len)
    return false;
  size_t cap = k->cap ? 2 * k->cap : MIN_ROOM;
  if (cap < k->len + len)
    cap = k->len + len;
  uint8_t *ptr = brrr__alloc(alloc, k->ptr, k->cap, cap);
  if (!ptr)
    return false;
  k->ptr = ptr;
  k->cap = cap;
  return true;
}

bool brrr__kept_append(brrr__kept *k, brrr_alloc alloc, const void *ptr,
                       size_t len) {
  if (len > k->cap - k->len && !grow(k, alloc, len))
    return false;
  if (len)
    memcpy(k->ptr + k->len, ptr, len);
  k->len += len;
  return true;
}

void brrr__kept_clear(brrr__kept *k, brrr_alloc alloc) {
  k->len = 0;
  if (k->cap > MAX_ROOM)
    brrr__kept_free(k, alloc);
}

void brrr__kept_free(brrr__kept *k, brrr_alloc alloc) {
  if (k->ptr)
    brrr__alloc(alloc, k->ptr, k->cap, 0);
  *k = (brrr__kept){0};
}
