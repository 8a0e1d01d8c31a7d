/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * watch.c - L3: what can be known without the handler: whether the call has its
 * value, and whether a child that it asked for last time is still missing.
 *
 * The watch list is looked up again after every await, for another operation of
 * the same worker may have changed it, or memory may have run short. Whichever
 * child was found missing is one that the handler asked for: to wait for it is
 * right whatever has become of the list.
 */
#include "engine.h"

#include "arena.h"
#include "buf.h"
#include "memo.h"

/* So many children are looked for first, then twice as many each time: in vain
 * for at most two more than were found. */
#define FIRST_WINDOW 2
#define LAST_WINDOW 64

brrr_status brrr__look(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__AWAIT(op, s, .type = BRRR_STORE_HAS,
              .key = {BRRR_KIND_VALUE, s->job.call_hash});
  s->there = s->reply->status == BRRR_OK;
  BRRR__END(BRRR_OK);
}

bool brrr__has_value(const brrr_op *op) {
  return op->has_value || (op->own && op->own->there);
}

/* ==== The list =========================================================== */

/* Topic, root_id and call_hash: no list is for two roots [WORK-22]. */
static brrr_status make_key(brrr_op *op) {
  brrr_buf b;
  brrr_buf_init(&b, &op->arena);
  brrr_ben_put_str(&b, op->topic);
  brrr_ben_put_str(&b, op->message.root_id);
  brrr_ben_put_str(&b, op->message.call_hash);
  return brrr_buf_finish(&b, &op->watch_key, &op->error);
}

/* A list without a child says that the call has been waiting here, and has its
 * value now. */
void brrr__watch_done(brrr_op *op) {
  brrr_memo *m = op->how.watch;
  if (m && brrr__memo_find(m, op->watch_key))
    brrr__memo_put(m, op->watch_key, NULL, 0);
}

/* Only when all of them are written and put: another message for the same
 * parent may use the list at once. */
void brrr__watch_remember(brrr_op *op) {
  const size_t count = op->count - op->first_child;
  if (!op->how.watch || op->spawn_limit)
    return;
  brrr__memo_item *items = brrr__arena_array(&op->arena, count, sizeof *items);
  if (!items)
    return; /* one full run more */
  for (size_t i = 0; i < count; i++) {
    const brrr__job *job = &op->strands[op->first_child + i]->job;
    items[i].call_hash = job->call_hash;
    items[i].label = job->topic;
  }
  brrr__memo_put(op->how.watch, op->watch_key, items, count);
}

/* ==== A window of it ===================================================== */

static brrr_status start_look(brrr_op *op, size_t number,
                              const brrr__memo_item *item) {
  brrr__strand *s = brrr__op_strand_at(op, number, brrr__look);
  brrr_arena *a = &op->main.scratch;
  if (!s)
    return op->error.status;
  s->job.root_id = op->message.root_id;
  if (!brrr__op_copy(op, a, item->call_hash, &s->job.call_hash) &&
      !brrr__op_copy(op, a, item->label, &s->job.topic))
    brrr__op_run(op, s);
  return op->error.status;
}

/* Looks for the values of the children at the front of the list. */
static brrr_status start_window(brrr_op *op) {
  const brrr__memo_list *l = brrr__memo_find(op->how.watch, op->watch_key);
  size_t at = 0;
  brrr__memo_item item;
  brrr_arena_free(&op->main.scratch);
  op->looking = 0;
  while (l && op->looking < op->window && brrr__memo_next(l, &at, &item))
    if (start_look(op, op->first_child + op->looking++, &item))
      return op->error.status;
  return BRRR_OK;
}

/* Drops the children that have values from the list; returns the first that has
 * none, or NULL. */
static brrr__strand *take_window(brrr_op *op) {
  brrr__memo_list *l = brrr__memo_find(op->how.watch, op->watch_key);
  for (size_t i = 0; i < op->looking; i++) {
    brrr__strand *s = op->strands[op->first_child + i];
    brrr__memo_item item;
    size_t at = 0;
    if (!s->there)
      return s;
    if (l && brrr__memo_next(l, &at, &item) &&
        brrr_bytes_equal(item.call_hash, s->job.call_hash))
      brrr__memo_drop(l);
  }
  return NULL;
}

/* Whether one child is left: that it has its value is what this message is most
 * likely about. */
static bool is_last(const brrr_op *op) {
  const brrr__memo_list *l = brrr__memo_find(op->how.watch, op->watch_key);
  size_t at = 0;
  brrr__memo_item item;
  return l && brrr__memo_next(l, &at, &item) && !brrr__memo_next(l, &at, &item);
}

/* ==== The steps ========================================================== */

/* As in a defer on this child alone [WORK-21]. */
static brrr_status start_waiting(brrr_op *op, brrr__strand *child) {
  op->outcome = BRRR_WATCHED;
  op->now = op->how.now;
  child->octets = (brrr_bytes){0}; /* its call is written */
  if (brrr__job_prepare(op, child))
    return op->error.status;
  brrr__op_run(op, brrr__op_strand_at(op, child->number, brrr__defer_child));
  return op->error.status;
}

brrr_status brrr__watch(brrr_op *op, brrr__strand *s) {
  brrr__strand *missing;
  BRRR__BEGIN(s->at[1]);
  if (!op->how.watch)
    BRRR__RETURN(BRRR_OK);
  if (make_key(op))
    BRRR__RETURN(op->error.status);
  if (op->how.force || op->has_value) /* [QUEUE-12] */
    BRRR__RETURN(BRRR_OK);
  if (is_last(op) && brrr__call_start(op)) /* along with the look */
    BRRR__RETURN(op->error.status);
  op->first_child = op->count;
  for (op->window = FIRST_WINDOW;; op->window *= 2) {
    if (op->window > LAST_WINDOW)
      op->window = LAST_WINDOW;
    if (start_window(op))
      BRRR__RETURN(op->error.status);
    if (!op->looking) {
      /* Its own value is likely to be there: first that, then the call. */
      if (brrr__memo_find(op->how.watch, op->watch_key))
        BRRR__JOIN(op);
      BRRR__RETURN(BRRR_OK); /* [WORK-22] */
    }
    BRRR__JOIN(op);
    if (brrr__has_value(op))
      BRRR__RETURN(BRRR_OK);
    missing = take_window(op);
    if (!missing)
      continue;
    if (start_waiting(op, missing))
      BRRR__RETURN(op->error.status);
    BRRR__JOIN(op);
    BRRR__RETURN(BRRR_OK);
  }
  BRRR__END(BRRR_OK);
}
