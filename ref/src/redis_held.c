/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_held.c - L6: which messages of a topic this process has, by octets.
 */
#include "redis_held.h"

typedef struct entry {
  brrr__entry entry;
  size_t count;   /* in the list */
  size_t settled; /* in hand, and not in the list any more */
  size_t seen;    /* of count, while it is compared */
} entry;

void brrr__held_init(brrr__held *h, brrr_alloc alloc) {
  h->total = 0;
  brrr__table_init(&h->table, alloc);
}

void brrr__held_free(brrr__held *h) { brrr__table_free(&h->table); }

static entry *find(brrr__held *h, brrr_bytes message) {
  return brrr__table_find(&h->table, 0, message);
}

static void drop_if_none(brrr__held *h, entry *e) {
  if (e->count + e->settled == 0)
    brrr__table_remove(&h->table, &e->entry);
}

brrr_status brrr__held_add(brrr__held *h, brrr_bytes message) {
  entry *e = brrr__table_get(&h->table, 0, message, sizeof *e);
  if (!e)
    return BRRR_E_NOMEM;
  e->count++;
  h->total++;
  return BRRR_OK;
}

bool brrr__held_is_settled(brrr__held *h, brrr_bytes message) {
  entry *e = find(h, message);
  if (!e || !e->settled)
    return false;
  e->settled--;
  drop_if_none(h, e);
  return true;
}

void brrr__held_remove(brrr__held *h, brrr_bytes message) {
  entry *e = find(h, message);
  if (!e)
    return;
  if (e->count) {
    e->count--;
    h->total--;
  } else {
    e->settled--;
  }
  drop_if_none(h, e);
}

static void forget(void *ud, void *at) {
  (void)ud;
  ((entry *)at)->seen = 0;
}

void brrr__held_begin(brrr__held *h) {
  brrr__table_each(&h->table, forget, NULL);
}

bool brrr__held_knows(brrr__held *h, brrr_bytes message) {
  entry *e = find(h, message);
  if (!e || e->seen == e->count)
    return false;
  e->seen++;
  return true;
}

static void settle(void *ud, void *at) {
  brrr__held *h = ud;
  entry *e = at;
  h->total -= e->count - e->seen;
  e->settled += e->count - e->seen;
  e->count = e->seen;
}

void brrr__held_end(brrr__held *h) { brrr__table_each(&h->table, settle, h); }
