/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_merge.c - L6: equal messages become one [WORK-23].
 *
 * The one idea: the first hand with a message leads. Another one that takes the
 * same gives it to the leader and is empty at once. What comes before the
 * leader's handling begins is part of it; what comes after that is handled
 * once more, when that one has ended.
 */
#include "worker_parts.h"

#include "base.h"

#define BATCH_MAX 256 /* further equal messages wait in their hands */

static brrr__hand **bucket_of(const brrr__hand *h) {
  const brrr_worker *w = h->lane->worker;
  return &w->leaders[h->hash & (w->bucket_count - 1)];
}

static brrr__hand *find_leader(const brrr__hand *h) {
  brrr__hand *l = *bucket_of(h);
  while (l && !(l->hash == h->hash && l->lane == h->lane &&
                brrr_bytes_equal(brrr__kept_bytes(&l->message),
                                 brrr__kept_bytes(&h->message))))
    l = l->chain;
  return l;
}

static void lead(brrr__hand *h) {
  brrr__hand **bucket = bucket_of(h);
  h->leads = true;
  h->chain = *bucket;
  *bucket = h;
}

void brrr__merge_leave(brrr__hand *h) {
  if (!h->leads)
    return;
  brrr__hand **at = bucket_of(h);
  while (*at != h)
    at = &(*at)->chain;
  *at = h->chain;
  h->leads = false;
}

/* Where one more is to be handled with: now, if that has not begun. */
static brrr__batch *batch_of(brrr__hand *leader) {
  const bool has_begun =
      leader->state != BRRR__HAND_TAKEN && leader->state != BRRR__HAND_PAUSED;
  return has_begun || leader->now.count == BATCH_MAX ? &leader->later
                                                     : &leader->now;
}

static void join(brrr__hand *h, brrr__hand *leader) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  brrr__batch *b = batch_of(leader);
  if (b->count < BATCH_MAX && brrr__batch_join(b, &h->now, alloc)) {
    brrr__kept_clear(&h->message, alloc);
    brrr__hand_ready(h, BRRR__HAND_EMPTY);
    return;
  }
  h->state = BRRR__HAND_CROWDED;
  h->next = leader->crowd;
  leader->crowd = h;
}

void brrr__merge_enter(brrr__hand *h) {
  const brrr_worker *w = h->lane->worker;
  if (!w->options.no_merge) {
    h->hash = brrr__hash((uint64_t)(h->lane - w->lanes),
                         brrr__kept_bytes(&h->message));
    brrr__hand *leader = find_leader(h);
    if (leader) {
      join(h, leader);
      return;
    }
    lead(h);
  }
  brrr__hand_ready(h, BRRR__HAND_TAKEN);
}

void brrr__merge_crowd(brrr__hand *h) {
  brrr__hand *list = h->crowd;
  h->crowd = NULL;
  while (list) {
    brrr__hand *waiting = list;
    list = waiting->next;
    brrr__merge_enter(waiting);
  }
}
