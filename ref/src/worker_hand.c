/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_hand.c - L6: how a hand gets a message and has it handled.
 */
#include "worker_parts.h"

#include "engine.h"

#include <time.h>

/* ==== Batches ============================================================ */

static bool add_receipt(brrr__batch *b, brrr_alloc alloc, brrr_bytes receipt) {
  const brrr__claim claim = {.at = b->receipts.len, .len = receipt.len};
  if (!brrr__kept_append(&b->receipts, alloc, receipt.ptr, receipt.len))
    return false;
  if (brrr__kept_append(&b->claims, alloc, &claim, sizeof claim))
    return true;
  b->receipts.len = claim.at;
  return false;
}

bool brrr__batch_add(brrr__batch *b, brrr_alloc alloc,
                     const brrr_reply *reply) {
  if (reply->receipt.len && !add_receipt(b, alloc, reply->receipt))
    return false;
  if (!b->count++)
    b->since = uv_hrtime();
  b->force |= reply->num > 0;
  return true;
}

bool brrr__batch_join(brrr__batch *into, brrr__batch *from, brrr_alloc alloc) {
  const size_t claims_len = into->claims.len, at = into->receipts.len;
  size_t count;
  const brrr__claim *claims = brrr__batch_claims(from, &count);
  for (size_t i = 0; i < count; i++) {
    const brrr_bytes receipt = {from->receipts.ptr + claims[i].at,
                                claims[i].len};
    if (!add_receipt(into, alloc, receipt)) {
      into->claims.len = claims_len;
      into->receipts.len = at;
      return false;
    }
  }
  if (!into->count)
    into->since = from->since;
  into->count += from->count;
  into->force |= from->force;
  brrr__batch_clear(from, alloc);
  return true;
}

void brrr__batch_clear(brrr__batch *b, brrr_alloc alloc) {
  b->count = 0;
  b->force = false;
  brrr__kept_clear(&b->claims, alloc);
  brrr__kept_clear(&b->receipts, alloc);
}

void brrr__batch_free(brrr__batch *b, brrr_alloc alloc) {
  brrr__kept_free(&b->claims, alloc);
  brrr__kept_free(&b->receipts, alloc);
}

/* ==== Taking a message =================================================== */

/* What was done with a message that nobody could keep. */
static void on_parted_unkept(void *ud, const brrr_reply *reply) {
  brrr__hand *h = ud;
  if (reply->status != BRRR_OK)
    brrr__worker_log(h->lane->worker, BRRR_ERROR,
                     "topic %.*s: a message could not be kept, nor set aside",
                     BRRR__TEXT(h->lane->topic));
  brrr__hand_ready(h, BRRR__HAND_EMPTY);
}

/* There is no memory for the message: what is to be done with it is done while
 * the queue's reply lasts, or not at all. */
void brrr__hand_take_unkept(brrr__hand *h, const brrr_reply *reply,
                            brrr_done done) {
  brrr_worker *w = h->lane->worker;
  const brrr_problem p = {.topic = h->lane->topic,
                          .has_message = true,
                          .message = reply->value,
                          .error = brrr__problem_error(BRRR_E_NOMEM)};
  const brrr_policy policy = brrr__problem_report(w, &p);
  const brrr_backend *queue = &w->options.backends.queue;
  brrr_effect e = {.type = BRRR_QUEUE_ACK,
                   .name = p.topic,
                   .value = p.message,
                   .receipt = reply->receipt};
  if (policy == BRRR_STOP || (policy == BRRR_GO_ON && !reply->receipt.len)) {
    done.fn(done.ud, &(brrr_reply){.status = BRRR_OK});
    return;
  }
  if (policy != BRRR_GO_ON) {
    e.type = BRRR_QUEUE_DEAD;
    e.error = &p.error;
  }
  queue->submit(queue->self, &e, done);
}

static void take(brrr__hand *h, const brrr_reply *reply) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  const brrr_bytes message = reply->value;
  if (brrr__kept_append(&h->message, alloc, message.ptr, message.len)) {
    if (brrr__batch_add(&h->now, alloc, reply)) {
      brrr__merge_enter(h);
      return;
    }
    brrr__kept_clear(&h->message, alloc);
  }
  brrr__hand_take_unkept(h, reply, (brrr_done){on_parted_unkept, h});
}

void brrr__lane_rouse(brrr__lane *l) {
  while (l->resting) {
    brrr__hand *h = l->resting;
    l->resting = h->next;
    brrr__hand_ready(h, BRRR__HAND_EMPTY);
  }
}

static void on_pause_end(uv_timer_t *timer) { brrr__lane_rouse(timer->data); }

/* Its pops go on after a pause [REDIS-5]. The other hands of the lane meet the
 * same failure: one pause for all. */
static void on_queue_failed(brrr__hand *h, const brrr_reply *reply) {
  brrr__lane *l = h->lane;
  (void)brrr__problem_report(
      l->worker, &(brrr_problem){.topic = l->topic,
                                 .error = brrr__problem_error(reply->status),
                                 .detail = reply->value});
  if (!uv_is_active((uv_handle_t *)&l->pause))
    uv_timer_start(&l->pause, on_pause_end, brrr__pause_ms(l->failures++), 0);
}

static void on_got(void *ud, const brrr_reply *reply) {
  brrr__hand *h = ud;
  switch (reply->status) {
  case BRRR_OK:
    h->lane->failures = 0;
    take(h, reply);
    return;
  case BRRR_EMPTY: /* the next turn asks again [WORK-1] */
    h->lane->failures = 0;
    break;
  case BRRR_CLOSED:
    brrr__worker_stop_with(h->lane->worker, BRRR_CLOSED);
    break;
  default:
    on_queue_failed(h, reply);
  }
  brrr__hand_ready(h, BRRR__HAND_EMPTY);
}

void brrr__hand_ask(brrr__hand *h) {
  brrr__lane *l = h->lane;
  if (uv_is_active((uv_handle_t *)&l->pause)) {
    h->next = l->resting;
    l->resting = h;
    return;
  }
  const brrr_backend *queue = &l->worker->options.backends.queue;
  h->state = BRRR__HAND_ASKING;
  queue->submit(queue->self,
                &(brrr_effect){.type = BRRR_QUEUE_GET, .name = l->topic},
                (brrr_done){on_got, h});
}

/* ==== Handling it ======================================================== */

static void on_retry(uv_timer_t *timer) {
  brrr__hand_ready(timer->data, BRRR__HAND_TAKEN);
}

/* Not acknowledged: a durable queue delivers it again, to somebody. */
static bool is_kept_by_queue(const brrr__hand *h) {
  return h->now.claims.len > 0;
}

static void retry(brrr__hand *h) {
  if (h->lane->worker->stopping && is_kept_by_queue(h)) {
    brrr__hand_next(h);
    return;
  }
  h->state = BRRR__HAND_PAUSED;
  h->now.force = true; /* [QUEUE-12] */
  uv_timer_start(&h->timer, on_retry, brrr__pause_ms(h->attempts - 1), 0);
}

static void on_problem(brrr__hand *h, const brrr_error *error,
                       brrr_bytes words) {
  const brrr_problem p = {.topic = h->lane->topic,
                          .has_message = true,
                          .message = brrr__kept_bytes(&h->message),
                          .attempts = h->attempts,
                          .error = *error,
                          .detail = words};
  switch (brrr__problem_report(h->lane->worker, &p)) {
  case BRRR_GO_ON:
    brrr__part(h);
    break;
  case BRRR_DEAD_LETTER:
    brrr__part_dead(h, &p);
    break;
  case BRRR_RETRY:
    retry(h);
    break;
  default: /* BRRR_STOP: it stays in flight, if there is such a thing */
    brrr__hand_next(h);
  }
}

/* Before the hand parts with its message. */
static void measure(brrr__hand *h, const brrr_op *op, brrr_outcome outcome) {
  const brrr_worker_options *o = &h->lane->worker->options;
  if (!o->measure)
    return;
  const brrr_measure m = {.topic = h->lane->topic,
                          .task_name =
                              op ? op->call.task_name : (brrr_bytes){0},
                          .outcome = outcome,
                          .merged = h->now.count - 1,
                          .wait_ns = h->began - h->now.since,
                          .handler_ns = h->handler_ns,
                          .total_ns = uv_hrtime() - h->now.since};
  o->measure(o->ud, &m);
}

static void on_handled(void *ud, const brrr_op *op, brrr_status status,
                       brrr_bytes words) {
  brrr__hand *h = ud;
  measure(h, op, brrr_op_outcome(op));
  if (status < 0)
    on_problem(h, brrr_op_error(op), words);
  else
    brrr__part(h);
}

void brrr__hand_begin(brrr__hand *h) {
  const brrr_worker_options *o = &h->lane->worker->options;
  const brrr_handling how = {
      .limits = o->limits,
      .skip = !o->no_skip,
      .watch = h->lane->worker->watch,
      .now = time(NULL),
      .force = h->now.force,
      .consistent = !o->eventual,
      .in_order = o->backends.store.in_order,
      .ahead = h->knows_call ? &h->ahead : NULL,
  };
  brrr_op *op = NULL;
  h->state = BRRR__HAND_BUSY;
  h->attempts++;
  h->handler_ns = 0;
  h->began = uv_hrtime();
  h->knows_call = false;
  brrr_status s = brrr_op_handle(&op, o->alloc, &how, h->lane->topic,
                                 brrr__kept_bytes(&h->message));
  if (s == BRRR_OK) {
    brrr__pump_start(&h->pump, o->alloc, op, &o->backends,
                     (brrr_backend){.submit = brrr__hand_invoke, .self = h},
                     (brrr__pump_end){on_handled, h});
    return;
  }
  const brrr_error error = brrr__problem_error(s);
  measure(h, NULL, BRRR_FAILED);
  on_problem(h, &error, (brrr_bytes){0});
}

void brrr__hand_next(brrr__hand *h) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  brrr__batch_clear(&h->now, alloc);
  h->attempts = 0;
  if (h->later.count) { /* [WORK-23] */
    const brrr__batch empty = h->now;
    h->now = h->later;
    h->later = empty;
    brrr__hand_ready(h, BRRR__HAND_TAKEN);
  } else {
    brrr__merge_leave(h);
    brrr__kept_clear(&h->message, alloc);
    brrr__ahead_take(h);
  }
  brrr__merge_crowd(h);
}

void brrr__hand_stop(brrr__hand *h) {
  if (!uv_is_active((uv_handle_t *)&h->timer))
    return;
  if (h->state == BRRR__HAND_PARTING) {
    brrr__part_stop(h);
  } else if (is_kept_by_queue(h)) {
    uv_timer_stop(&h->timer);
    brrr__hand_next(h);
  }
}

void brrr__hand_free(brrr__hand *h) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  brrr__kept_free(&h->message, alloc);
  brrr__kept_free(&h->detail, alloc);
  brrr__batch_free(&h->now, alloc);
  brrr__batch_free(&h->later, alloc);
  brrr__ahead_free(h);
}
