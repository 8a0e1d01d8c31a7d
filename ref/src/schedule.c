/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * schedule.c - L3: schedule and read; and put_job, through which every message
 * goes.
 */
#include "engine.h"

#include "buf.h"
#include "text.h"

/* ==== put_job ============================================================ */

brrr_status brrr__job_prepare(brrr_op *op, brrr__strand *s) {
  const brrr_schedule_message message = {s->job.root_id, s->job.call_hash};
  brrr_buf b;
  brrr_buf_init(&b, &op->arena);
  brrr_schedule_message_encode(&b, &message);
  if (brrr_buf_finish(&b, &s->message, &op->error))
    return op->error.status;
  brrr_buf_init(&b, &op->arena);
  brrr_buf_put(&b, BRRR_LIT("brrr_count/"));
  brrr_buf_put(&b, s->job.root_id);
  return brrr_buf_finish(&b, &s->counter, &op->error);
}

brrr_status brrr__job_put(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[2]);
  /* [SCHED-10] */
  BRRR__AWAIT(op, s, .type = BRRR_CACHE_INCR, .name = s->counter);
  if (s->reply->num > op->limits.spawn) { /* [SCHED-12] */
    op->spawn_limit = true;
    BRRR__RETURN(BRRR_OK);
  }
  /* [SCHED-11] */
  BRRR__AWAIT(op, s, .type = BRRR_QUEUE_PUT, .name = s->job.topic,
              .value = s->message);
  BRRR__END(BRRR_OK);
}

brrr_status brrr__job_verdict(brrr_op *op) {
  if (op->spawn_limit)
    return brrr__op_fail(op, BRRR_E_SPAWN, "SCHED-12",
                         brrr_status_text(BRRR_E_SPAWN));
  return BRRR_OK;
}

/* ==== schedule =========================================================== */

static brrr_status schedule(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__AWAIT(op, s, .type = BRRR_STORE_HAS,
              .key = {BRRR_KIND_VALUE, s->job.call_hash});
  if (s->reply->status == BRRR_OK)
    BRRR__RETURN(BRRR_OK); /* [SCHED-1] */
  BRRR__AWAIT(op, s, .type = BRRR_STORE_SET,
              .key = {BRRR_KIND_CALL, s->job.call_hash},
              .value = op->octets); /* [SCHED-2] */
  BRRR__CALL(brrr__job_put(op, s)); /* [SCHED-4] */
  BRRR__END(brrr__job_verdict(op));
}

static brrr_status prepare_schedule(brrr_op *op, brrr_bytes topic,
                                    const brrr_call *call, brrr_bytes root_id) {
  brrr__job *job = &op->main.job;
  brrr_buf b;
  if (!topic.len)
    return brrr__op_fail(op, BRRR_E_TOPIC, "", "topic is empty");
  if (brrr__op_check_topic(op, topic) ||
      brrr__op_copy(op, &op->arena, topic, &job->topic) ||
      brrr__op_copy(op, &op->arena, root_id, &job->root_id) ||
      brrr__op_copy(op, &op->arena, call->call_hash, &job->call_hash) ||
      brrr__job_prepare(op, &op->main))
    return op->error.status;
  brrr_buf_init(&b, &op->arena);
  brrr_call_encode(&b, call);
  return brrr_buf_finish(&b, &op->octets, &op->error);
}

brrr_status brrr_op_schedule(brrr_op **out, brrr_alloc alloc,
                             const brrr_limits *limits, brrr_bytes topic,
                             const brrr_call *call, brrr_bytes root_id) {
  brrr_op *op;
  brrr_status s = brrr__op_new(&op, alloc, limits, schedule);
  if (s)
    return s;
  return brrr__op_begin(op, prepare_schedule(op, topic, call, root_id), out);
}

/* ==== read =============================================================== */

static brrr_status read_value(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__AWAIT(op, s, .type = BRRR_STORE_GET,
              .key = {BRRR_KIND_VALUE, s->job.call_hash});
  if (s->reply->status == BRRR_ABSENT)
    BRRR__RETURN(BRRR_ABSENT);
  BRRR__END(brrr__op_copy(op, &op->arena, s->reply->value, &op->value));
} /* [SCHED-5] */

brrr_status brrr_op_read(brrr_op **out, brrr_alloc alloc,
                         brrr_bytes call_hash) {
  brrr_op *op;
  brrr_status s = brrr__op_new(&op, alloc, NULL, read_value);
  if (s)
    return s;
  return brrr__op_begin(
      op, brrr__op_copy(op, &op->arena, call_hash, &op->main.job.call_hash),
      out);
}
