/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * handle.c - L3: handles one message.
 */
#include "engine.h"

/* The stored Call of the message; where there is a value, there need not be
 * one. */
static brrr_status read_call(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__AWAIT(op, s, .type = BRRR_STORE_GET,
              .key = {BRRR_KIND_CALL, op->message.call_hash}, .retry = true);
  if (s->reply->status == BRRR_OK &&
      brrr__op_copy(op, &op->arena, s->reply->value, &op->stored_call))
    BRRR__RETURN(op->error.status);
  BRRR__END(BRRR_OK);
}

brrr_status brrr__call_start(brrr_op *op) {
  if (op->reads_call)
    return BRRR_OK;
  op->reads_call = true;
  brrr__strand *s = brrr__op_strand(op, read_call);
  if (s)
    brrr__op_run(op, s);
  return op->error.status;
}

static brrr_status decode_call(brrr_op *op) {
  if (!op->stored_call.ptr)
    return brrr__op_fail(op, BRRR_E_CALL, "WORK-5",
                         brrr_status_text(BRRR_E_CALL));
  op->call.call_hash = op->message.call_hash;
  return brrr_call_decode(&op->call, op->stored_call, &op->error);
}

/* Looks for the value of the call itself, beside all else. */
static brrr_status start_skip(brrr_op *op) {
  op->own = brrr__op_strand(op, brrr__look);
  if (!op->own)
    return op->error.status;
  op->own->job.call_hash = op->message.call_hash;
  brrr__op_run(op, op->own);
  return BRRR_OK;
}

static brrr_status handle(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  if (brrr_schedule_message_decode(&op->message, op->octets, &op->error))
    BRRR__RETURN(op->error.status); /* [WORK-4] */
  if (op->how.skip && !op->how.ahead && start_skip(op))
    BRRR__RETURN(op->error.status);
  BRRR__CALL(brrr__watch(op, s));
  if (op->outcome == BRRR_WATCHED)
    BRRR__RETURN(brrr__job_verdict(op)); /* [SCHED-31] */
  if (!brrr__has_value(op)) {
    if (brrr__call_start(op))
      BRRR__RETURN(op->error.status);
    BRRR__JOIN(op);
  }
  if (!brrr__has_value(op)) {
    if (decode_call(op))
      BRRR__RETURN(op->error.status); /* [WORK-5] */
    /* A negative reply ends the operation here [WORK-6]. */
    BRRR__AWAIT(op, s, .type = BRRR_INVOKE, .call = &op->call); /* [WORK-2] */
    if (s->reply->status == BRRR_DEFER)
      op->outcome = BRRR_DEFERRED;
  }
  if (op->outcome == BRRR_DEFERRED)
    BRRR__CALL(brrr__defer(op, s));
  else
    BRRR__CALL(brrr__return(op, s));
  BRRR__END(brrr__job_verdict(op)); /* [SCHED-31] [RET-5] */
}

static brrr_status prepare_handle(brrr_op *op, brrr_bytes topic,
                                  brrr_bytes message) {
  if (!topic.len)
    return brrr__op_fail(op, BRRR_E_TOPIC, "", "topic is empty");
  if (brrr__op_check_topic(op, topic) ||
      brrr__op_copy(op, &op->arena, topic, &op->topic))
    return op->error.status;
  return brrr__op_copy(op, &op->arena, message, &op->octets);
}

/* What was read before the operation began. */
static brrr_status prepare_ahead(brrr_op *op, const brrr_ahead *ahead) {
  op->has_value = op->how.skip && ahead->has_value;
  op->reads_call = true;
  if (!ahead->call.ptr)
    return BRRR_OK;
  return brrr__op_copy(op, &op->arena, ahead->call, &op->stored_call);
}

brrr_status brrr_op_handle(brrr_op **out, brrr_alloc alloc,
                           const brrr_handling *how, brrr_bytes topic,
                           brrr_bytes message) {
  if (how && how->watch && (how->now <= 0 || how->now > BRRR_BEN_MAX_INT))
    return BRRR_E_MISUSE;
  brrr_op *op;
  brrr_status s = brrr__op_new(&op, alloc, how ? &how->limits : NULL, handle);
  if (s)
    return s;
  if (how)
    op->how = *how;
  s = prepare_handle(op, topic, message);
  if (!s && op->how.ahead)
    s = prepare_ahead(op, op->how.ahead);
  return brrr__op_begin(op, s, out);
}
