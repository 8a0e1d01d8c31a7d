/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * returns.h - L2: pending returns as a set.
 */
#ifndef BRRR_SRC_RETURNS_H
#define BRRR_SRC_RETURNS_H

#include "base.h"

/* Sorts, and drops duplicates; returns how many are left. */
size_t brrr__returns_sort(brrr_pending_return *returns, size_t count);

/* Is it among these, which are sorted? */
bool brrr__returns_has(const brrr_pending_return *returns, size_t count,
                       const brrr_pending_return *wanted);

#endif
