/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * base.h - L0: what every other file of the library may use.
 */
#ifndef BRRR_SRC_BASE_H
#define BRRR_SRC_BASE_H

#include <brrr/brrr.h>

/* Calls the allocator, or realloc and free where it has no function. */
void *brrr__alloc(brrr_alloc alloc, void *ptr, size_t osize, size_t nsize);

/* What spreads keys over buckets, all of its bits alike. The keys come from
 * this process, not from an adversary. */
uint64_t brrr__hash(uint64_t seed, brrr_bytes key);

/* Fills `err`, if there is one, and returns its status. */
brrr_status brrr__error_set(brrr_error *err, brrr_error value);

#endif
