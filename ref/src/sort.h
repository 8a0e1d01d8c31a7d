/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sort.h - L0: sorting of small elements, in place.
 */
#ifndef BRRR_SRC_SORT_H
#define BRRR_SRC_SORT_H

#include "base.h"

#define BRRR__SORT_MAX_SIZE 64

/* O(n log n) at worst, O(n) when the order is right already; neither recursive
 * nor allocating. An element has at most BRRR__SORT_MAX_SIZE octets. */
void brrr__sort(void *base, size_t count, size_t size,
                int (*compare)(const void *a, const void *b));

#endif
