/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * arena.c - L0: memory that is freed all at once.
 *
 * A list of blocks, each twice as large as the one before, up to a limit. What
 * does not fit into the block at the head, but is large, gets a block of its
 * own behind it, so that the room left at the head is not lost.
 */
#include "arena.h"

#include <stdalign.h>
#include <string.h>

#define ALIGN alignof(max_align_t)
#define MIN_BLOCK ((size_t)512)
#define MAX_BLOCK ((size_t)64 * 1024)

struct brrr__block {
  struct brrr__block *next;
  size_t size; /* of data */
  size_t used;
  alignas(max_align_t) uint8_t data[];
};

void brrr_arena_init(brrr_arena *a, brrr_alloc alloc) {
  *a = (brrr_arena){.alloc = alloc};
}

/* Where size is close to SIZE_MAX, the sum wraps and comes out smaller. */
static size_t aligned(size_t size) { return (size + ALIGN - 1) & ~(ALIGN - 1); }

static struct brrr__block *new_block(brrr_arena *a, size_t size) {
  const size_t head = sizeof(struct brrr__block);
  if (size > SIZE_MAX - head)
    return NULL;
  struct brrr__block *b = brrr__alloc(a->alloc, NULL, 0, head + size);
  if (b)
    *b = (struct brrr__block){.size = size};
  return b;
}

/* A block with room for `size` octets, in the list. */
static struct brrr__block *block_for(brrr_arena *a, size_t size) {
  struct brrr__block *head = a->head, *b;
  if (head && size <= head->size - head->used)
    return head;
  if (head && size > MAX_BLOCK / 4) {
    if ((b = new_block(a, size))) {
      b->next = head->next;
      head->next = b;
    }
    return b;
  }
  size_t wanted = head ? 2 * head->size : MIN_BLOCK - sizeof *b;
  if (wanted > MAX_BLOCK)
    wanted = MAX_BLOCK;
  if ((b = new_block(a, size > wanted ? size : wanted))) {
    b->next = head;
    a->head = b;
  }
  return b;
}

void *brrr_arena_get(brrr_arena *a, size_t size) {
  size_t room = aligned(size ? size : 1);
  struct brrr__block *b = room < size ? NULL : block_for(a, room);
  if (!b)
    return NULL;
  void *ptr = b->data + b->used;
  b->used += room;
  return ptr;
}

void *brrr__arena_array(brrr_arena *a, size_t count, size_t size) {
  return count > SIZE_MAX / size ? NULL : brrr_arena_get(a, count * size);
}

void *brrr__arena_grow(brrr_arena *a, void *ptr, size_t osize, size_t nsize) {
  struct brrr__block *b = a->head;
  size_t old = aligned(osize), room = aligned(nsize);
  if (osize && room >= nsize && (uint8_t *)ptr + old == b->data + b->used &&
      room - old <= b->size - b->used) {
    b->used += room - old;
    return ptr;
  }
  void *moved = brrr_arena_get(a, nsize);
  if (moved && osize)
    memcpy(moved, ptr, osize);
  return moved;
}

/* The capacity is 4, or the power of two from `count` up. */
void *brrr__arena_push(brrr_arena *a, void *array, size_t count, size_t size) {
  if (!count)
    return brrr__arena_array(a, 4, size);
  if (count < 4 || count & (count - 1))
    return array;
  if (count > SIZE_MAX / size / 2)
    return NULL;
  return brrr__arena_grow(a, array, count * size, 2 * count * size);
}

brrr_status brrr_arena_copy(brrr_arena *a, brrr_bytes in, brrr_bytes *out) {
  uint8_t *ptr = brrr_arena_get(a, in.len);
  if (!ptr)
    return BRRR_E_NOMEM;
  if (in.len)
    memcpy(ptr, in.ptr, in.len);
  *out = (brrr_bytes){ptr, in.len};
  return BRRR_OK;
}

/* Frees all blocks but one, which may be NULL. */
static void free_but(brrr_arena *a, const struct brrr__block *kept) {
  for (struct brrr__block *b = a->head, *next; b; b = next) {
    next = b->next;
    if (b != kept)
      brrr__alloc(a->alloc, b, sizeof *b + b->size, 0);
  }
}

void brrr_arena_free(brrr_arena *a) {
  free_but(a, NULL);
  a->head = NULL;
}

void brrr_arena_reset(brrr_arena *a) {
  struct brrr__block *kept = a->head;
  if (!kept)
    return;
  if (kept->next) {
    for (struct brrr__block *b = kept; b; b = b->next)
      if (b->size > kept->size)
        kept = b;
    free_but(a, kept);
    kept->next = NULL;
  }
  kept->used = 0;
  a->head = kept;
}
