/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * handle.c - L3: handles one message.
 */
#include "engine.h"

/* The stored Call of the message, from the reply to its get. */
static brrr_status take_call(brrr_op *op, const brrr_reply *reply) {
  if (reply->status == BRRR_ABSENT)
    return brrr__op_fail(op, BRRR_E_CALL, "WORK-5",
                         brrr_status_text(BRRR_E_CALL));
  if (brrr__op_copy(op, &op->arena, reply->value, &op->octets))
    return op->error.status;
  op->call.call_hash = op->message.call_hash;
  return brrr_call_decode(&op->call, op->octets, &op->error);
}

static brrr_status handle(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  if (brrr_schedule_message_decode(&op->message, op->octets, &op->error))
    BRRR__RETURN(op->error.status); /* [WORK-4] */
  BRRR__AWAIT(op, s, .type = BRRR_STORE_GET,
              .key = {BRRR_KIND_CALL, op->message.call_hash}, .retry = true);
  if (take_call(op, s->reply))
    BRRR__RETURN(op->error.status); /* [WORK-5] */
  /* A negative reply ends the operation here [WORK-6]. */
  BRRR__AWAIT(op, s, .type = BRRR_INVOKE, .call = &op->call); /* [WORK-2] */
  if (s->reply->status == BRRR_DEFER)
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

brrr_status brrr_op_handle(brrr_op **out, brrr_alloc alloc,
                           const brrr_handling *how, brrr_bytes topic,
                           brrr_bytes message) {
  brrr_op *op;
  brrr_status s = brrr__op_new(&op, alloc, how ? &how->limits : NULL, handle);
  if (s)
    return s;
  return brrr__op_begin(op, prepare_handle(op, topic, message), out);
}
