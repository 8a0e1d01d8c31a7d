/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * returns.h - L2: pending returns as a set.
 */
#ifndef BRRR_SRC_RETURNS_H
#define BRRR_SRC_RETURNS_H

#include "base.h"

/* Sorts, and drops duplicates; returns how many are left. */
size_t brrr__returns_sort(brrr_pending_return *returns, size_t count);

/* Adds one where the order wants it, if there is an order. False when memory is
 * out. The array is NULL, a decoder's, or made by this function. */
bool brrr__returns_add(brrr_arena *a, brrr_pending_returns *set,
                       const brrr_pending_return *added);

/* Is it among these, which are sorted? */
bool brrr__returns_has(const brrr_pending_return *returns, size_t count,
                       const brrr_pending_return *wanted);

#endif
