/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * memo.h - L3: brrr_memo, a bounded memory of who asked for what: from a key to
 * an ordered list of calls, each with a label.
 *
 * Whoever uses it must do as well without: a list is gone when its room is
 * wanted for another, or when memory was out. Nothing here fails.
 *
 * A list and its items are borrowed until the next put or forget of any key. So
 * none is held across an await: another operation may use the same memo.
 */
#ifndef BRRR_SRC_MEMO_H
#define BRRR_SRC_MEMO_H

#include "base.h"

typedef struct brrr__memo_item {
  brrr_bytes call_hash;
  brrr_bytes label; /* what else its user wants to know; may be empty */
} brrr__memo_item;

typedef struct brrr__memo_list brrr__memo_list;

/* Remembers a list, in place of any under the same key; copies. One that would
 * not fit alone is not kept. */
void brrr__memo_put(brrr_memo *m, brrr_bytes key, const brrr__memo_item *items,
                    size_t count);
/* The list under `key`, which counts as a use of it; NULL if there is none. */
brrr__memo_list *brrr__memo_find(brrr_memo *m, brrr_bytes key);
void brrr__memo_forget(brrr_memo *m, brrr_bytes key);

/* The item at `*at`, which moves to the one behind it; false at the end. It
 * begins at 0, the front. */
bool brrr__memo_next(const brrr__memo_list *l, size_t *at,
                     brrr__memo_item *item);
/* Drops the item at the front, if there is one; at no cost. */
void brrr__memo_drop(brrr__memo_list *l);

#endif
