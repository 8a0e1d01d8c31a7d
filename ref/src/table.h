/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * table.h - L5: a hash table from octets to what its user embeds.
 */
#ifndef BRRR_SRC_TABLE_H
#define BRRR_SRC_TABLE_H

#include <brrr/brrr.h>

/* The head of every entry; what follows it is the user's. */
typedef struct brrr__entry {
  struct brrr__entry *next;
  uint64_t hash;
  size_t size; /* of the whole entry, its key included */
  brrr_bytes key;
  uint8_t space; /* keys in different spaces are different keys */
} brrr__entry;

typedef struct brrr__table {
  /* all fields are private */
  brrr_alloc alloc;
  brrr__entry **buckets;
  size_t capacity; /* a power of two, or 0 */
  size_t count;
} brrr__table;

void brrr__table_init(brrr__table *t, brrr_alloc alloc);
/* NULL if there is none. */
void *brrr__table_find(const brrr__table *t, uint8_t space, brrr_bytes key);
/* The entry, or a new one of `size` octets, cleared behind the head; NULL when
 * memory is out. */
void *brrr__table_get(brrr__table *t, uint8_t space, brrr_bytes key,
                      size_t size);
/* Removes and frees this entry. */
void brrr__table_remove(brrr__table *t, brrr__entry *e);
/* Calls `fn` for every entry, which may not touch the table. */
void brrr__table_each(const brrr__table *t, void (*fn)(void *ud, void *entry),
                      void *ud);
/* Frees every entry. */
void brrr__table_free(brrr__table *t);

#endif
