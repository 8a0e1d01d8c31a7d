/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * defer.c - L3: the handler needs values that are not there. Each child is a
 * strand of its own.
 */
#include "engine.h"

#include "arena.h"
#include "buf.h"
#include "returns.h"
#include "sort.h"

#include <string.h>

/* ==== add_pending_return ================================================= */

/* Is a child that has a record to be put?
 *
 *   its record holds                                  put
 *   this very return                                  no  [SCHED-28]
 *   one that differs from it only in its root_id      yes [SCHED-27]
 *   neither                                           no  [SCHED-28]
 */
static bool is_repeated(const brrr_pending_returns *p,
                        const brrr_pending_return *ret) {
  bool other_root = false;
  for (size_t i = 0; i < p->count; i++) {
    const brrr_pending_return *r = &p->returns[i];
    if (!brrr_bytes_equal(r->call_hash, ret->call_hash) ||
        !brrr_bytes_equal(r->topic, ret->topic))
      continue;
    if (brrr_bytes_equal(r->root_id, ret->root_id))
      return false;
    other_root = true;
  }
  return other_root;
}

/* Works out the record with this handling's return added, from the reply to
 * the get, or as if there was none: s->octets, s->must_put and, where there was
 * one, s->stored. */
static brrr_status next_record(brrr_op *op, brrr__strand *s, bool absent) {
  const brrr_pending_return ret = {op->message.root_id, op->message.call_hash,
                                   op->topic}; /* [SCHED-22] */
  brrr_pending_returns p = {NULL, 0, op->now}; /* [SCHED-24] */
  brrr_arena_free(&s->scratch);
  s->stored = (brrr_bytes){0};
  if (!absent) {
    if (brrr__op_copy(op, &s->scratch, s->reply->value, &s->stored) ||
        brrr_pending_returns_decode(&p, &s->scratch, s->stored, &op->error))
      return op->error.status; /* [WORK-9] */
  }
  s->must_put =
      absent || is_repeated(&p, &ret) || op->how.force; /* [QUEUE-12] */
  /* [SCHED-25]: the others and scheduled_at stay. */
  if (!brrr__returns_add(&s->scratch, &p, &ret))
    return brrr__op_no_memory(op);
  brrr_buf b;
  brrr_buf_init(&b, &s->scratch);
  brrr_pending_returns_encode(&b, &p);
  return brrr_buf_finish(&b, &s->octets, &op->error);
}

static brrr_status add_pending_return(brrr_op *op, brrr__strand *s) {
  const brrr_key key = {BRRR_KIND_PENDING_RETURNS, s->job.call_hash};
  BRRR__BEGIN(s->at[1]);
  s->attempts = 0;
  /* The call was just written: most likely nobody has asked for it before. */
  if (s->octets.len) {
    if (next_record(op, s, true))
      BRRR__RETURN(op->error.status);
    BRRR__AWAIT(op, s, .type = BRRR_STORE_SET_NEW, .key = key,
                .value = s->octets); /* [SCHED-24] */
    if (s->reply->status == BRRR_OK)
      BRRR__RETURN(BRRR_OK);
    s->attempts++;
  }
  for (; s->attempts < op->limits.cas_attempts; s->attempts++) {
    BRRR__AWAIT(op, s, .type = BRRR_STORE_GET, .key = key);
    if (next_record(op, s, s->reply->status == BRRR_ABSENT))
      BRRR__RETURN(op->error.status);
    if (op->how.consistent && brrr_bytes_equal(s->octets, s->stored))
      BRRR__RETURN(BRRR_OK); /* it was registered, at the time of the get */
    if (s->reply->status == BRRR_ABSENT)
      BRRR__AWAIT(op, s, .type = BRRR_STORE_SET_NEW, .key = key,
                  .value = s->octets); /* [SCHED-24] */
    else
      BRRR__AWAIT(op, s, .type = BRRR_STORE_CAS, .key = key, .value = s->octets,
                  .expected = s->stored); /* [SCHED-26] */
    if (s->reply->status == BRRR_OK)
      BRRR__RETURN(BRRR_OK);
  }
  BRRR__END(
      brrr__op_fail(op, BRRR_E_CAS, "STORE-6", brrr_status_text(BRRR_E_CAS)));
}

/* ==== defer ============================================================== */

brrr_status brrr__defer_child(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  if (s->octets.len)
    BRRR__AWAIT(op, s, .type = BRRR_STORE_SET,
                .key = {BRRR_KIND_CALL, s->job.call_hash},
                .value = s->octets);     /* [SCHED-20] */
  BRRR__CALL(add_pending_return(op, s)); /* [SCHED-21] */
  if (s->must_put)
    BRRR__CALL(brrr__job_put(op, s)); /* [SCHED-23] */
  BRRR__END(BRRR_OK);
}

/* Its effects wait until all children have been looked at: where one cannot be
 * encoded, none of them is started [WORK-10]. */
static brrr_status start_child(brrr_op *op, const brrr_child *child) {
  brrr__strand *s = brrr__op_strand(op, brrr__defer_child);
  if (!s)
    return op->error.status;
  s->job = (brrr__job){.topic = op->topic, .root_id = op->message.root_id};
  if ((child->topic.len && /* [SCHED-23] */
       (brrr__op_check_topic(op, child->topic) ||
        brrr__op_copy(op, &op->arena, child->topic, &s->job.topic))) ||
      brrr__op_copy(op, &op->arena, child->call.call_hash, &s->job.call_hash) ||
      brrr__job_prepare(op, s))
    return op->error.status;
  brrr_buf b;
  brrr_buf_init(&b, &s->scratch);
  brrr_call_encode(&b, &child->call);
  if (!brrr_buf_finish(&b, &s->octets, &op->error))
    brrr__op_run(op, s);
  return op->error.status;
}

/* By call_hash; then by place, so that the first mention comes first. */
static int compare(const void *x, const void *y) {
  const brrr_child *a = *(const brrr_child *const *)x;
  const brrr_child *b = *(const brrr_child *const *)y;
  int order = brrr_bytes_compare(a->call.call_hash, b->call.call_hash);
  return order ? order : (a > b) - (a < b);
}

/* For each child, whether one before it is the same call [SCHED-29]. NULL when
 * memory is out. */
static const bool *find_repeated(brrr_op *op, const brrr_child *children,
                                 size_t count) {
  brrr_arena *a = &op->arena;
  const brrr_child **sorted = brrr__arena_array(a, count, sizeof *sorted);
  bool *repeated = brrr__arena_array(a, count, sizeof *repeated);
  if (!sorted || !repeated)
    return NULL;
  for (size_t i = 0; i < count; i++)
    sorted[i] = &children[i];
  brrr__sort(sorted, count, sizeof *sorted, compare);
  for (size_t i = 0; i < count; i++)
    repeated[sorted[i] - children] =
        i && brrr_bytes_equal(sorted[i - 1]->call.call_hash,
                              sorted[i]->call.call_hash);
  return repeated;
}

static brrr_status start_children(brrr_op *op, const brrr_reply *reply) {
  const bool *repeated = find_repeated(op, reply->children, reply->count);
  if (!repeated)
    return brrr__op_no_memory(op);
  op->now = reply->now;
  op->first_child = op->count;
  for (size_t i = 0; i < reply->count; i++)
    if (!repeated[i] && start_child(op, &reply->children[i]))
      return op->error.status;
  return BRRR_OK;
}

brrr_status brrr__defer(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[1]);
  if (start_children(op, s->reply))
    BRRR__RETURN(op->error.status);
  BRRR__JOIN(op); /* at once where there are none [SCHED-30] */
  brrr__watch_remember(op);
  BRRR__END(BRRR_OK);
}
