/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * returns.c - L2: pending returns as a set, in the order of the record.
 */
#include "returns.h"

#include "arena.h"
#include "sort.h"

_Static_assert(sizeof(brrr_pending_return) <= BRRR__SORT_MAX_SIZE,
               "a pending return can be sorted");

/* Field by field, by octets [REC-7]. */
static int compare(const void *x, const void *y) {
  const brrr_pending_return *a = x, *b = y;
  int order = brrr_bytes_compare(a->root_id, b->root_id);
  if (!order)
    order = brrr_bytes_compare(a->call_hash, b->call_hash);
  return order ? order : brrr_bytes_compare(a->topic, b->topic);
}

size_t brrr__returns_sort(brrr_pending_return *returns, size_t count) {
  size_t kept = count > 0;
  while (kept < count && compare(&returns[kept - 1], &returns[kept]) < 0)
    kept++;
  if (kept == count)
    return count; /* as any SDK writes it that follows the specification */
  brrr__sort(returns, count, sizeof *returns, compare);
  kept = 0;
  for (size_t i = 0; i < count; i++) /* [REC-6] */
    if (!kept || compare(&returns[kept - 1], &returns[i]))
      returns[kept++] = returns[i];
  return kept;
}

bool brrr__returns_add(brrr_arena *a, brrr_pending_returns *set,
                       const brrr_pending_return *added) {
  brrr_pending_return *all =
      brrr__arena_push(a, set->returns, set->count, sizeof *all);
  if (!all)
    return false;
  size_t i = set->count;
  for (; i > 0 && compare(&all[i - 1], added) > 0; i--)
    all[i] = all[i - 1];
  all[i] = *added;
  set->returns = all;
  set->count++;
  return true;
}

bool brrr__returns_has(const brrr_pending_return *returns, size_t count,
                       const brrr_pending_return *wanted) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare(&returns[middle], wanted);
    if (!order)
      return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}
