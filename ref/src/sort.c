/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sort.c - L0: heapsort.
 *
 * Records come sorted from every SDK that follows the specification, so that
 * the first pass decides. What a hostile record can reach is the heap, whose
 * worst case is as good as any, and which needs no memory: sorting cannot fail.
 */
#include "sort.h"

#include <string.h>

typedef struct items {
  uint8_t *base;
  size_t size;
  int (*compare)(const void *a, const void *b);
} items;

static uint8_t *at(const items *v, size_t i) { return v->base + i * v->size; }

static bool is_sorted(const items *v, size_t count) {
  for (size_t i = 1; i < count; i++)
    if (v->compare(at(v, i - 1), at(v, i)) > 0)
      return false;
  return true;
}

static void swap(const items *v, size_t i, size_t j) {
  uint8_t kept[BRRR__SORT_MAX_SIZE];
  memcpy(kept, at(v, i), v->size);
  memcpy(at(v, i), at(v, j), v->size);
  memcpy(at(v, j), kept, v->size);
}

/* Lets the item at `root` sink until no item below it is greater. */
static void sift(const items *v, size_t root, size_t count) {
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && v->compare(at(v, child), at(v, child + 1)) < 0)
      child++;
    if (v->compare(at(v, root), at(v, child)) >= 0)
      return;
    swap(v, root, child);
  }
}

void brrr__sort(void *base, size_t count, size_t size,
                int (*compare)(const void *a, const void *b)) {
  const items v = {base, size, compare};
  if (is_sorted(&v, count))
    return;
  for (size_t i = count / 2; i-- > 0;)
    sift(&v, i, count);
  for (size_t end = count; end-- > 1;) {
    swap(&v, 0, end);
    sift(&v, 0, end);
  }
}
