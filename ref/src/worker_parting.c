/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_parting.c - L6: acknowledgements and dead letters.
 *
 * A hand keeps its message until all of that is done, so there is nothing to
 * copy and no list of open ends: a queue that cannot acknowledge gets fewer
 * and fewer gets. Each receipt is acknowledged on its own, and none twice.
 */
#include "worker_parts.h"

#define LAST_TRIES 4 /* of a worker that stops; they take a second or two */

static const brrr_backend *queue_of(const brrr__hand *h) {
  return &h->lane->worker->options.backends.queue;
}

static void go_on(brrr__hand *h);

static void on_pause_end(uv_timer_t *timer) {
  brrr__hand *h = timer->data;
  h->failures++;
  go_on(h);
}

/* Later once more [QUEUE-13]; but a worker that stops has an end. */
static void pause_or_leave(brrr__hand *h) {
  brrr_worker *w = h->lane->worker;
  if (w->stopping && h->failures >= LAST_TRIES) {
    brrr__worker_log(w, BRRR_ERROR, "topic %.*s: a message %s",
                     BRRR__TEXT(h->lane->topic),
                     h->dead ? "was not set aside" : "stays unacknowledged");
    brrr__hand_next(h);
    return;
  }
  uv_timer_start(&h->timer, on_pause_end, brrr__pause_ms(h->failures), 0);
}

/* ==== Dead letters ======================================================= */

static void on_dead(void *ud, const brrr_reply *reply) {
  brrr__hand *h = ud;
  brrr_worker *w = h->lane->worker;
  size_t count;
  brrr__claim *claims = brrr__batch_claims(&h->now, &count);
  if (reply->status == BRRR_OK) {
    h->dead = false;
    h->failures = 0;
    if (count)
      claims->settled = true;
    go_on(h);
    return;
  }
  (void)brrr__problem_report(
      w, &(brrr_problem){.topic = h->lane->topic,
                         .error = brrr__problem_error(reply->status),
                         .detail = reply->value});
  pause_or_leave(h);
}

static brrr_bytes receipt_of(const brrr__batch *b, const brrr__claim *c) {
  return (brrr_bytes){b->receipts.ptr + c->at, c->len};
}

/* Once for all messages of the batch, with the first receipt. */
static void set_aside(brrr__hand *h) {
  size_t count;
  const brrr__claim *claims = brrr__batch_claims(&h->now, &count);
  const brrr_effect e = {.type = BRRR_QUEUE_DEAD,
                         .name = h->lane->topic,
                         .value = brrr__kept_bytes(&h->message),
                         .receipt = count ? receipt_of(&h->now, claims)
                                          : (brrr_bytes){0},
                         .error = &h->error,
                         .detail = brrr__kept_bytes(&h->detail)};
  const brrr_backend *queue = queue_of(h);
  queue->submit(queue->self, &e, (brrr_done){on_dead, h});
}

/* ==== Acknowledgements =================================================== */

static bool is_settled(const brrr__batch *b) {
  size_t count;
  const brrr__claim *claims = brrr__batch_claims(b, &count);
  for (size_t i = 0; i < count; i++)
    if (!claims[i].settled)
      return false;
  return true;
}

/* One of the answers that acknowledge() waits for has come. */
static void count_down(brrr__hand *h) {
  if (--h->unanswered)
    return;
  if (is_settled(&h->now))
    brrr__hand_next(h);
  else
    pause_or_leave(h);
}

static void on_acknowledged(void *ud, const brrr_reply *reply) {
  brrr__claim *c = ud;
  const brrr__hand *h = c->hand;
  c->settled = reply->status == BRRR_OK;
  if (!c->settled)
    brrr__worker_log(h->lane->worker, BRRR_WARN,
                     "topic %.*s: acknowledgement failed: %s %.*s",
                     BRRR__TEXT(h->lane->topic),
                     brrr_status_text(reply->status), BRRR__TEXT(reply->value));
  count_down(c->hand);
}

static void acknowledge(brrr__hand *h) {
  const brrr_backend *queue = queue_of(h);
  size_t count;
  brrr__claim *claims = brrr__batch_claims(&h->now, &count);
  h->unanswered = 1; /* this function */
  for (size_t i = 0; i < count; i++) {
    if (claims[i].settled)
      continue;
    const brrr_effect e = {.type = BRRR_QUEUE_ACK,
                           .name = h->lane->topic,
                           .value = brrr__kept_bytes(&h->message),
                           .receipt = receipt_of(&h->now, &claims[i])};
    claims[i].hand = h;
    h->unanswered++;
    queue->submit(queue->self, &e, (brrr_done){on_acknowledged, &claims[i]});
  }
  count_down(h);
}

/* ==== Both =============================================================== */

static void go_on(brrr__hand *h) {
  if (h->dead) /* [QUEUE-20]: before the other acknowledgements */
    set_aside(h);
  else
    acknowledge(h);
}

void brrr__part(brrr__hand *h) {
  h->state = BRRR__HAND_PARTING;
  h->dead = false;
  h->failures = 0;
  go_on(h);
}

void brrr__part_dead(brrr__hand *h, const brrr_problem *p) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  h->state = BRRR__HAND_PARTING;
  h->dead = true;
  h->failures = 0;
  h->error = p->error;
  brrr__kept_clear(&h->detail, alloc);
  /* Where memory is out, the error must do. */
  (void)brrr__kept_append(&h->detail, alloc, p->detail.ptr, p->detail.len);
  go_on(h);
}

void brrr__part_stop(brrr__hand *h) {
  uv_timer_stop(&h->timer);
  h->failures++;
  go_on(h);
}
