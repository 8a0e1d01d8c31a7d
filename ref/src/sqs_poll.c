/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs_poll.c - L6: gets, and the long polls that they share.
 *
 * The one idea: a poll belongs to certain gets, at most ten, and asks for no
 * more messages than that. So each message that comes has a taker.
 *
 * A poll that is dropped loses nothing: what SQS was handing out at this moment
 * has not been deleted, and appears again after its time.
 */
#include "sqs_hub.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>

#define POLL_S 20
#define MOST_GETS 10  /* of a poll: that is as many as SQS gives at once */
#define MOST_POLLS 4u /* of a queue that is busy, at once; else 1 */
#define GRACE_MS 250

typedef struct brrr__sqs_poll {
  brrr__sqs_job job; /* first: the job is the poll */
  struct brrr__sqs_poll *next;
  brrr__sqs_queue *queue;
  brrr__sqs_get *gets;
  size_t count;
  brrr__aws_call *call; /* NULL while the queue is looked for */
  bool woken;
} poll;

static void on_turn(uv_timer_t *timer);

static void set_turn(brrr_sqs *q) {
  if (!q->closing)
    uv_timer_start(&q->turn, on_turn, 0, 0);
}

/* ---- gets ---------------------------------------------------------------- */

static brrr__sqs_get *take(brrr__sqs_get **list) {
  brrr__sqs_get *g = *list;
  *list = g->next;
  return g;
}

static void get_end(brrr_sqs *q, brrr__sqs_get *g, const brrr_reply *reply) {
  const brrr_done done = g->done;
  brrr__alloc(q->alloc, g, sizeof *g, 0);
  done.fn(done.ud, reply);
}

static void gets_end(brrr_sqs *q, brrr__sqs_get **list, brrr_status status,
                     const char *words) {
  brrr_reply reply = {.status = status};
  if (status < 0)
    reply.value = brrr_bytes_str(words);
  while (*list)
    get_end(q, take(list), &reply);
}

/* Those of a poll that has brought too little go first. */
static void wait_on(brrr__sqs_queue *queue, brrr__sqs_get *first) {
  brrr__sqs_get *last = first;
  while (last->next)
    last = last->next;
  last->next = queue->gets;
  if (!queue->gets)
    queue->gets_end = &last->next;
  queue->gets = first;
  set_turn(queue->sqs);
}

void brrr__sqs_get_start(brrr__sqs_queue *queue, brrr_done done) {
  brrr_sqs *q = queue->sqs;
  brrr__sqs_get *g =
      q->closing ? NULL : brrr__alloc(q->alloc, NULL, 0, sizeof *g);
  if (!g) {
    const brrr_status s = q->closing ? BRRR_CLOSED : BRRR_E_NOMEM;
    done.fn(done.ud, &(brrr_reply){.status = s});
    return;
  }
  *g = (brrr__sqs_get){.done = done};
  *queue->gets_end = g;
  queue->gets_end = &g->next;
  set_turn(q);
}

/* ---- what a poll brings -------------------------------------------------- */

/* The poll is gone; its gets are the caller's. */
static brrr__sqs_get *poll_end(poll *p) {
  brrr__sqs_queue *queue = p->queue;
  brrr__sqs_get *gets = p->gets;
  poll **at = &queue->polls;
  while (*at != p)
    at = &(*at)->next;
  *at = p->next;
  queue->poll_count--;
  set_turn(queue->sqs);
  brrr__alloc(queue->sqs->alloc, p, sizeof *p, 0);
  return gets;
}

static brrr_bytes text_of(const json_t *json, const char *name) {
  const json_t *text = json_object_get(json, name);
  return (brrr_bytes){(const uint8_t *)json_string_value(text),
                      json_string_length(text)};
}

static unsigned deliveries_of(const json_t *message) {
  const json_t *all = json_object_get(message, "Attributes");
  const char *n =
      json_string_value(json_object_get(all, "ApproximateReceiveCount"));
  return n ? (unsigned)strtoul(n, NULL, 10) : 0;
}

/* [SQS-2] [SQS-5] [QUEUE-11] [QUEUE-12]: a message that was received before has
 * been in hand before. */
static void deliver(brrr__sqs_queue *queue, brrr__sqs_get **gets,
                    const json_t *message) {
  brrr_sqs *q = queue->sqs;
  const brrr_bytes receipt = text_of(message, "ReceiptHandle");
  const unsigned n = deliveries_of(message);
  if (n > q->max_deliveries) {
    brrr__sqs_bury(queue, message, n);
    return;
  }
  brrr_reply reply = {.num = n ? n - 1 : 0, .receipt = receipt};
  brrr_arena arena;
  brrr_arena_init(&arena, q->alloc);
  reply.status =
      brrr__sqs_message(&arena, text_of(message, "Body"), &reply.value);
  if (reply.status == BRRR_OK && !brrr__sqs_hold(queue, receipt))
    reply.status = BRRR_E_NOMEM;
  if (reply.status != BRRR_OK) /* the message appears again */
    reply = (brrr_reply){.status = BRRR_E_NOMEM};
  get_end(q, take(gets), &reply);
  brrr_arena_free(&arena);
}

static void on_messages(brrr__sqs_queue *queue, brrr__sqs_get *gets,
                        size_t asked, bool woken, const json_t *messages) {
  const size_t count = json_array_size(messages);
  queue->busy = count && count >= asked;
  for (size_t i = 0; i < count && gets; i++) {
    const json_t *message = json_array_get(messages, i);
    if (text_of(message, "ReceiptHandle").ptr && text_of(message, "Body").ptr)
      deliver(queue, &gets, message);
  }
  if (gets && count && !woken && !queue->sqs->closing)
    wait_on(queue, gets);
  else
    gets_end(queue->sqs, &gets, BRRR_EMPTY, "");
}

static void on_received(void *ud, const brrr__aws_answer *answer) {
  poll *p = ud;
  brrr__sqs_queue *queue = p->queue;
  brrr_sqs *q = queue->sqs;
  const bool woken = p->woken;
  const size_t asked = p->count;
  brrr__sqs_get *gets = poll_end(p);
  if (answer->end == AWS_OK)
    on_messages(queue, gets, asked, woken,
                json_object_get(answer->json, "Messages"));
  else if (q->closing)
    gets_end(q, &gets, BRRR_CLOSED, "");
  else if (woken)
    gets_end(q, &gets, BRRR_EMPTY, "");
  else if (brrr__sqs_is_gone(queue, answer))
    wait_on(queue, gets); /* and it is created again */
  else
    gets_end(q, &gets, BRRR_E_IO, q->aws.words);
}

/* ---- starting polls ------------------------------------------------------ */

static void poll_fail(poll *p, brrr_status status, const char *words) {
  brrr__sqs_queue *queue = p->queue;
  const bool woken = p->woken;
  brrr__sqs_get *gets = poll_end(p);
  if (queue->sqs->closing)
    status = BRRR_CLOSED;
  else if (woken)
    status = BRRR_EMPTY;
  gets_end(queue->sqs, &gets, status, words);
}

/* [SQS-4] */
static void on_found(brrr__sqs_job *job, const char *words) {
  poll *p = (poll *)job;
  brrr_sqs *q = p->queue->sqs;
  if (words || p->woken) {
    poll_fail(p, BRRR_E_IO, words);
    return;
  }
  p->call = brrr__aws_send(
      &q->aws,
      &(brrr__aws_request){
          .action = "ReceiveMessage",
          .body = json_pack("{s:O, s:i, s:i, s:i, s:[s]}", "QueueUrl",
                            p->queue->url, "MaxNumberOfMessages", (int)p->count,
                            "WaitTimeSeconds", POLL_S, "VisibilityTimeout",
                            (int)q->visible_s, "MessageSystemAttributeNames",
                            "ApproximateReceiveCount"),
          .poll_s = POLL_S,
          .fn = on_received,
          .ud = p});
  if (!p->call)
    poll_fail(p, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
}

/* False when memory is out. */
static bool poll_start(brrr__sqs_queue *queue) {
  poll *p = brrr__alloc(queue->sqs->alloc, NULL, 0, sizeof *p);
  if (!p)
    return false;
  *p = (poll){.job.fn = on_found,
              .next = queue->polls,
              .queue = queue,
              .gets = queue->gets};
  brrr__sqs_get **at = &queue->gets;
  for (; *at && p->count < MOST_GETS; p->count++)
    at = &(*at)->next;
  queue->gets = *at;
  *at = NULL;
  if (!queue->gets)
    queue->gets_end = &queue->gets;
  queue->polls = p;
  queue->poll_count++;
  brrr__sqs_find(queue, &p->job);
  return true;
}

/* Gets that came together go together. An idle queue has one poll: each request
 * has its price, and a poll that is dropped may take a message with it for a
 * while. */
static void on_turn(uv_timer_t *timer) {
  brrr_sqs *q = timer->data;
  for (brrr__sqs_queue *s = q->queues; s; s = s->next)
    while (s->gets && s->poll_count < (s->busy ? MOST_POLLS : 1))
      if (!poll_start(s)) {
        brrr__sqs_get *gets = s->gets;
        s->gets = NULL;
        s->gets_end = &s->gets;
        gets_end(q, &gets, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
      }
}

/* ---- the end of waiting -------------------------------------------------- */

static poll *find_woken(const brrr_sqs *q) {
  for (const brrr__sqs_queue *s = q->queues; s; s = s->next)
    for (poll *p = s->polls; p; p = p->next)
      if (p->woken && p->call)
        return p;
  return NULL;
}

static void on_grace(uv_timer_t *timer) {
  brrr_sqs *q = timer->data;
  poll *p;
  while (!q->closing && (p = find_woken(q)))
    brrr__aws_abort(p->call, "woken");
}

void brrr__sqs_wake(brrr_sqs *q) {
  for (brrr__sqs_queue *s = q->queues; s; s = s->next) {
    brrr__sqs_get *gets = s->gets;
    s->gets = NULL;
    s->gets_end = &s->gets;
    for (poll *p = s->polls; p; p = p->next)
      p->woken = true;
    gets_end(q, &gets, q->closing ? BRRR_CLOSED : BRRR_EMPTY, "");
  }
  if (!q->closing)
    uv_timer_start(&q->grace, on_grace, GRACE_MS, 0);
}
