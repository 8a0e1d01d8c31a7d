/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * memo.c - L3: lists under keys, the least recently used of them forgotten
 * first.
 *
 * A list is one allocation, with its key: a head, then the items one behind the
 * other. To drop the first of them is to begin behind it.
 */
#include "memo.h"

#include "table.h"

#include <string.h>

struct brrr__memo_list {
  brrr__entry entry;
  brrr__memo_list *older, *newer; /* by their last use */
  size_t front, end;              /* of the items, from items on */
  uint8_t items[];
};

/* Before the octets of each item. */
typedef struct item_head {
  uint32_t hash, label;
} item_head;

struct brrr_memo {
  brrr_alloc alloc;
  size_t limit;
  size_t used; /* by the lists */
  brrr__table table;
  brrr__memo_list *oldest, *newest;
};

brrr_status brrr_memo_new(brrr_memo **out, brrr_alloc alloc, size_t octets) {
  brrr_memo *m = brrr__alloc(alloc, NULL, 0, sizeof *m);
  if (!m)
    return BRRR_E_NOMEM;
  /* No item is then too long for its head. */
  *m = (brrr_memo){.alloc = alloc,
                   .limit = octets < UINT32_MAX ? octets : UINT32_MAX};
  brrr__table_init(&m->table, alloc);
  *out = m;
  return BRRR_OK;
}

void brrr_memo_free(brrr_memo *m) {
  if (!m)
    return;
  brrr__table_free(&m->table);
  brrr__alloc(m->alloc, m, sizeof *m, 0);
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

static void drop_list(brrr_memo *m, brrr__memo_list *l) {
  unlink_list(m, l);
  m->used -= l->entry.size;
  brrr__table_remove(&m->table, &l->entry);
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
    memcpy(l->items + l->end, octets, len);
  l->end += len;
}

static void append_item(brrr__memo_list *l, const brrr__memo_item *item) {
  const item_head head = {(uint32_t)item->call_hash.len,
                          (uint32_t)item->label.len};
  append(l, &head, sizeof head);
  append(l, item->call_hash.ptr, item->call_hash.len);
  append(l, item->label.ptr, item->label.len);
}

/* Drops lists until one more of `size` octets has room; false if there is none
 * even for it alone. */
static bool make_room(brrr_memo *m, size_t size) {
  for (;;) {
    const size_t others = sizeof *m + brrr__table_overhead(&m->table) + m->used;
    if (others <= m->limit && size <= m->limit - others)
      return true;
    if (!m->oldest || size > m->limit)
      return false;
    drop_list(m, m->oldest);
  }
}

void brrr__memo_put(brrr_memo *m, brrr_bytes key, const brrr__memo_item *items,
                    size_t count) {
  const size_t size = sizeof(brrr__memo_list) + size_of(items, count);
  brrr__memo_forget(m, key);
  if (!make_room(m, size + key.len))
    return;
  brrr__memo_list *l = brrr__table_get(&m->table, 0, key, size);
  if (!l)
    return;
  for (size_t i = 0; i < count; i++)
    append_item(l, &items[i]);
  link_newest(m, l);
  m->used += l->entry.size;
}

brrr__memo_list *brrr__memo_find(brrr_memo *m, brrr_bytes key) {
  brrr__memo_list *l = brrr__table_find(&m->table, 0, key);
  if (l) {
    unlink_list(m, l);
    link_newest(m, l);
  }
  return l;
}

void brrr__memo_forget(brrr_memo *m, brrr_bytes key) {
  brrr__memo_list *l = brrr__table_find(&m->table, 0, key);
  if (l)
    drop_list(m, l);
}

bool brrr__memo_next(const brrr__memo_list *l, size_t *at,
                     brrr__memo_item *item) {
  const uint8_t *p = l->items + l->front + *at;
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
