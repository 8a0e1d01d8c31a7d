/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * table.c - L5: a chained hash table with one allocation for each entry.
 */
#include "table.h"

#include "base.h"

#include <string.h>

#define FIRST_CAPACITY 16

void brrr__table_init(brrr__table *t, brrr_alloc alloc) {
  *t = (brrr__table){.alloc = alloc};
}

static void *find(const brrr__table *t, uint64_t hash, uint8_t space,
                  brrr_bytes key) {
  if (!t->capacity)
    return NULL;
  brrr__entry *e = t->buckets[hash & (t->capacity - 1)];
  while (e && !(e->hash == hash && e->space == space &&
                brrr_bytes_equal(e->key, key)))
    e = e->next;
  return e;
}

void *brrr__table_find(const brrr__table *t, uint8_t space, brrr_bytes key) {
  return find(t, brrr__hash(space, key), space, key);
}

static void link_in(brrr__entry **buckets, size_t capacity, brrr__entry *e) {
  brrr__entry **head = &buckets[e->hash & (capacity - 1)];
  e->next = *head;
  *head = e;
}

/* Doubles the table. Without memory a table that has buckets keeps them, and
 * works on with longer chains. */
static bool grow(brrr__table *t) {
  size_t capacity = t->capacity ? 2 * t->capacity : FIRST_CAPACITY;
  brrr__entry **buckets =
      brrr__alloc(t->alloc, NULL, 0, capacity * sizeof(brrr__entry *));
  if (!buckets)
    return t->capacity > 0;
  for (size_t i = 0; i < capacity; i++)
    buckets[i] = NULL;
  for (size_t i = 0; i < t->capacity; i++)
    for (brrr__entry *e = t->buckets[i], *next; e; e = next) {
      next = e->next;
      link_in(buckets, capacity, e);
    }
  brrr__alloc(t->alloc, t->buckets, t->capacity * sizeof(brrr__entry *), 0);
  t->buckets = buckets;
  t->capacity = capacity;
  return true;
}

void *brrr__table_get(brrr__table *t, uint8_t space, brrr_bytes key,
                      size_t size) {
  uint64_t hash = brrr__hash(space, key);
  brrr__entry *e = find(t, hash, space, key);
  if (e)
    return e;
  if (t->count == t->capacity && !grow(t))
    return NULL;
  e = brrr__alloc(t->alloc, NULL, 0, size + key.len);
  if (!e)
    return NULL;
  memset(e, 0, size);
  uint8_t *copy = (uint8_t *)e + size;
  if (key.len)
    memcpy(copy, key.ptr, key.len);
  *e = (brrr__entry){.hash = hash,
                     .size = size + key.len,
                     .key = {copy, key.len},
                     .space = space};
  link_in(t->buckets, t->capacity, e);
  t->count++;
  return e;
}

void brrr__table_remove(brrr__table *t, brrr__entry *e) {
  brrr__entry **at = &t->buckets[e->hash & (t->capacity - 1)];
  while (*at != e)
    at = &(*at)->next;
  *at = e->next;
  t->count--;
  brrr__alloc(t->alloc, e, e->size, 0);
}

void brrr__table_each(const brrr__table *t, void (*fn)(void *ud, void *entry),
                      void *ud) {
  for (size_t i = 0; i < t->capacity; i++)
    for (brrr__entry *e = t->buckets[i]; e; e = e->next)
      fn(ud, e);
}

void brrr__table_free(brrr__table *t) {
  for (size_t i = 0; i < t->capacity; i++)
    for (brrr__entry *e = t->buckets[i], *next; e; e = next) {
      next = e->next;
      brrr__alloc(t->alloc, e, e->size, 0);
    }
  if (t->buckets)
    brrr__alloc(t->alloc, t->buckets, t->capacity * sizeof(brrr__entry *), 0);
  brrr__table_init(t, t->alloc);
}
