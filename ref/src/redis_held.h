/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_held.h - L6: which messages of a topic this process has, by octets.
 *
 * The list in Redis and this table count the same messages. They differ after a
 * connection was lost: a message in the list alone was popped, and the answer
 * did not arrive; one in the table alone is settled already, since the
 * acknowledgement did arrive, or another worker has taken it over. Equal
 * messages are as good as each other.
 */
#ifndef BRRR_SRC_REDIS_HELD_H
#define BRRR_SRC_REDIS_HELD_H

#include "table.h"

typedef struct brrr__held {
  brrr__table table;
  size_t total; /* in the list, as far as is known */
} brrr__held;

void brrr__held_init(brrr__held *h, brrr_alloc alloc);
void brrr__held_free(brrr__held *h);
/* One more has been popped. BRRR_E_NOMEM. */
brrr_status brrr__held_add(brrr__held *h, brrr_bytes message);
/* One that was settled already: it needs no acknowledgement any more. */
bool brrr__held_is_settled(brrr__held *h, brrr_bytes message);
/* One has been acknowledged. */
void brrr__held_remove(brrr__held *h, brrr_bytes message);

/* Compares with the list: begin, each message of the list, end. */
void brrr__held_begin(brrr__held *h);
/* Whether this process has it. */
bool brrr__held_knows(brrr__held *h, brrr_bytes message);
void brrr__held_end(brrr__held *h);

#endif
