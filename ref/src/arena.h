/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * arena.h - L0: what the library does with arenas beyond the public interface.
 */
#ifndef BRRR_SRC_ARENA_H
#define BRRR_SRC_ARENA_H

#include "base.h"

/* Like brrr_arena_get, with the first `osize` octets those at `ptr` (NULL if
 * osize is 0). In place where `ptr` was the last allocation and there is room.
 * NULL when memory is out; `ptr` is then as it was. */
void *brrr__arena_grow(brrr_arena *a, void *ptr, size_t osize, size_t nsize);

/* An array of `count` elements; NULL also when the product overflows. */
void *brrr__arena_array(brrr_arena *a, size_t count, size_t size);

/* Makes room in `array`, which holds `count` elements, for one more. It is made
 * by this function alone, from NULL: the room that it has follows from `count`.
 * NULL when memory is out; `array` is then as it was. */
void *brrr__arena_push(brrr_arena *a, void *array, size_t count, size_t size);

#endif
