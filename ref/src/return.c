/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * return.c - L3: the handler has a value, or had one when it ran before. Each
 * pending return is a strand of its own. A duplicate of the message does the
 * same again: it finds nobody waiting, and writes the value that is there
 * [WORK-8].
 */
#include "engine.h"

#include "arena.h"
#include "returns.h"

static brrr_status run_return(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__CALL(brrr__job_put(op, s)); /* [RET-2] */
  BRRR__END(BRRR_OK);
}

static bool is_handled(const brrr_op *op, const brrr_pending_return *ret) {
  return brrr__returns_has(op->handled.returns, op->handled.count, ret);
}

/* Takes the record from the reply to its get: s->stored and op->stored. */
static brrr_status take_record(brrr_op *op, brrr__strand *s) {
  brrr_pending_returns *p = &op->stored;
  brrr_arena_free(&s->scratch);
  if (brrr__op_copy(op, &s->scratch, s->reply->value, &s->stored) ||
      brrr_pending_returns_decode(p, &s->scratch, s->stored, &op->error))
    return op->error.status; /* [WORK-9] */
  p->count = brrr__returns_sort(p->returns, p->count);
  return BRRR_OK;
}

static brrr_status start_returns(brrr_op *op) {
  for (size_t i = 0; i < op->stored.count; i++) {
    const brrr_pending_return *ret = &op->stored.returns[i];
    if (is_handled(op, ret))
      continue; /* [RET-3] */
    brrr__strand *s = brrr__op_strand(op, run_return);
    if (!s)
      return op->error.status;
    s->job = (brrr__job){ret->topic, ret->root_id, ret->call_hash};
    if (brrr__job_prepare(op, s))
      return op->error.status;
    brrr__op_run(op, s);
  }
  return BRRR_OK;
}

/* Adds to op->handled what has been put from op->stored; copies, for that
 * record goes. */
static brrr_status remember(brrr_op *op) {
  brrr_arena *a = &op->arena;
  brrr_pending_returns *h = &op->handled;
  size_t count = h->count;
  for (size_t i = 0; i < op->stored.count; i++) {
    const brrr_pending_return *ret = &op->stored.returns[i];
    if (is_handled(op, ret))
      continue;
    brrr_pending_return *all =
        brrr__arena_push(a, h->returns, count, sizeof *all);
    if (!all)
      return brrr__op_no_memory(op);
    h->returns = all;
    brrr_pending_return *copy = &all[count++];
    if (brrr__op_copy(op, a, ret->root_id, &copy->root_id) ||
        brrr__op_copy(op, a, ret->call_hash, &copy->call_hash) ||
        brrr__op_copy(op, a, ret->topic, &copy->topic))
      return op->error.status;
  }
  h->count = brrr__returns_sort(h->returns, count);
  return BRRR_OK;
}

/* [RET-1] [REC-5] */
static brrr_status write_value(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__AWAIT(op, s, .type = BRRR_STORE_SET,
              .key = {BRRR_KIND_VALUE, op->message.call_hash},
              .value = op->value);
  BRRR__END(BRRR_OK);
}

/* Begins to write the value that the handler has given. */
static brrr_status start_value(brrr_op *op, const brrr_reply *reply) {
  brrr__strand *s = brrr__op_strand(op, write_value);
  if (s && !brrr__op_copy(op, &op->arena, reply->value, &op->value))
    brrr__op_run(op, s);
  return op->error.status;
}

brrr_status brrr__return(brrr_op *op, brrr__strand *s) {
  const brrr_key key = {BRRR_KIND_PENDING_RETURNS, op->message.call_hash};
  BRRR__BEGIN(s->at[1]);
  if (brrr__has_value(op)) {
    op->outcome = BRRR_SKIPPED; /* [WORK-20] */
  } else {
    if (start_value(op, s->reply))
      BRRR__RETURN(op->error.status);
    if (!op->how.in_order)
      BRRR__JOIN(op);
  }
  brrr__watch_done(op);
  for (s->attempts = 0; s->attempts < op->limits.cas_attempts; s->attempts++) {
    BRRR__AWAIT(op, s, .type = BRRR_STORE_GET, .key = key);
    op->absent = s->reply->status == BRRR_ABSENT;
    if (!op->absent && take_record(op, s))
      BRRR__RETURN(op->error.status);
    BRRR__JOIN(op); /* the value is written */
    if (op->absent)
      BRRR__RETURN(BRRR_OK);
    if (start_returns(op))
      BRRR__RETURN(op->error.status);
    BRRR__JOIN(op); /* all are put, or refused [RET-5], before: */
    BRRR__AWAIT(op, s, .type = BRRR_STORE_CAD, .key = key,
                .expected = s->stored); /* [RET-4] */
    if (s->reply->status == BRRR_OK)
      BRRR__RETURN(BRRR_OK);
    if (remember(op))
      BRRR__RETURN(op->error.status);
  }
  BRRR__END(
      brrr__op_fail(op, BRRR_E_CAS, "STORE-6", brrr_status_text(BRRR_E_CAS)));
}
