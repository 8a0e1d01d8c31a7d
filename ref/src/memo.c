/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * memo.c - L3: lists under keys, the least recently used of them forgotten
 * first.
 *
 * A list is one allocation: a head, its key, then the items one behind the
 * other. To drop the first of them is to begin behind it. The buckets are made
 * once, for lists of a usual length: what is held is known to the octet.
 */
#include "memo.h"

#include <string.h>

#define USUAL_LIST 256

struct brrr__memo_list {
  brrr__memo_list *next;          /* in its bucket */
  brrr__memo_list *older, *newer; /* by their last use */
  size_t size;                    /* of the allocation */
  size_t key_len;
  size_t front, end; /* of the items, in octets */
  uint8_t octets[];
};

/* Before the octets of each item. */
typedef struct item_head {
  uint32_t hash, label;
} item_head;

struct brrr_memo {
  brrr_alloc alloc;
  size_t limit;
  size_t size; /* of this allocation */
  size_t used; /* by all, this included */
  brrr__memo_list *oldest, *newest;
  size_t bucket_count; /* a power of two */
  brrr__memo_list *buckets[];
};

brrr_status brrr_memo_new(brrr_memo **out, brrr_alloc alloc, size_t octets) {
  /* No item is then too long for its head. */
  const size_t limit = octets < UINT32_MAX ? octets : UINT32_MAX;
  size_t count = 1;
  while (count <= limit / USUAL_LIST / 2)
    count *= 2;
  const size_t size = sizeof(brrr_memo) + count * sizeof(brrr__memo_list *);
  brrr_memo *m = brrr__alloc(alloc, NULL, 0, size);
  if (!m)
    return BRRR_E_NOMEM;
  *m = (brrr_memo){.alloc = alloc,
                   .limit = limit,
                   .size = size,
                   .used = size,
                   .bucket_count = count};
  for (size_t i = 0; i < count; i++)
    m->buckets[i] = NULL;
  *out = m;
  return BRRR_OK;
}

static brrr_bytes key_of(const brrr__memo_list *l) {
  return (brrr_bytes){l->octets, l->key_len};
}

/* Where the list is linked in, or would be. */
static brrr__memo_list **place_of(brrr_memo *m, brrr_bytes key) {
  brrr__memo_list **at =
      &m->buckets[brrr__hash(0, key) & (m->bucket_count - 1)];
  while (*at && !brrr_bytes_equal(key_of(*at), key))
    at = &(*at)->next;
  return at;
}

/* ---- by use -------------------------------------------------------------- */

static void unlink_list(brrr_memo *m, const brrr__memo_list *l) {
  *(l->older ? &l->older->newer : &m->oldest) = l->newer;
  *(l->newer ? &l->newer->older : &m->newest) = l->older;
}

static void link_newest(brrr_memo *m, brrr__memo_list *l) {
  l->older = m->newest;
  l->newer = NULL;
  *(m->newest ? &m->newest->newer : &m->oldest) = l;
  m->newest = l;
}

static void drop_list(brrr_memo *m, brrr__memo_list **place) {
  brrr__memo_list *l = *place;
  *place = l->next;
  unlink_list(m, l);
  m->used -= l->size;
  brrr__alloc(m->alloc, l, l->size, 0);
}

void brrr_memo_free(brrr_memo *m) {
  if (!m)
    return;
  while (m->oldest)
    drop_list(m, place_of(m, key_of(m->oldest)));
  brrr__alloc(m->alloc, m, m->size, 0);
}

/* Drops lists until there is room; false if there is none even for it alone. */
static bool make_room(brrr_memo *m, size_t size) {
  if (m->size > m->limit || size > m->limit - m->size)
    return false;
  while (m->used > m->limit - size)
    drop_list(m, place_of(m, key_of(m->oldest)));
  return true;
}

/* ---- lists --------------------------------------------------------------- */

static size_t size_of(const brrr__memo_item *items, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += sizeof(item_head) + items[i].call_hash.len + items[i].label.len;
  return size;
}

static void append(brrr__memo_list *l, const void *octets, size_t len) {
  if (len)
    memcpy(l->octets + l->end, octets, len);
  l->end += len;
}

static void append_item(brrr__memo_list *l, const brrr__memo_item *item) {
  const item_head head = {(uint32_t)item->call_hash.len,
                          (uint32_t)item->label.len};
  append(l, &head, sizeof head);
  append(l, item->call_hash.ptr, item->call_hash.len);
  append(l, item->label.ptr, item->label.len);
}

void brrr__memo_put(brrr_memo *m, brrr_bytes key, const brrr__memo_item *items,
                    size_t count) {
  const size_t size = sizeof(brrr__memo_list) + key.len + size_of(items, count);
  brrr__memo_forget(m, key);
  brrr__memo_list *l =
      make_room(m, size) ? brrr__alloc(m->alloc, NULL, 0, size) : NULL;
  if (!l)
    return;
  *l = (brrr__memo_list){.size = size, .key_len = key.len, .front = key.len};
  append(l, key.ptr, key.len);
  for (size_t i = 0; i < count; i++)
    append_item(l, &items[i]);
  *place_of(m, key) = l;
  link_newest(m, l);
  m->used += size;
}

brrr__memo_list *brrr__memo_find(brrr_memo *m, brrr_bytes key) {
  brrr__memo_list *l = *place_of(m, key);
  if (l) {
    unlink_list(m, l);
    link_newest(m, l);
  }
  return l;
}

void brrr__memo_forget(brrr_memo *m, brrr_bytes key) {
  brrr__memo_list **place = place_of(m, key);
  if (*place)
    drop_list(m, place);
}

bool brrr__memo_next(const brrr__memo_list *l, size_t *at,
                     brrr__memo_item *item) {
  const uint8_t *p = l->octets + l->front + *at;
  item_head head;
  if (l->front + *at == l->end)
    return false;
  memcpy(&head, p, sizeof head);
  p += sizeof head;
  *item = (brrr__memo_item){{p, head.hash}, {p + head.hash, head.label}};
  *at += sizeof head + head.hash + head.label;
  return true;
}

void brrr__memo_drop(brrr__memo_list *l) {
  size_t len = 0;
  brrr__memo_item item;
  if (brrr__memo_next(l, &len, &item))
    l->front += len;
}
