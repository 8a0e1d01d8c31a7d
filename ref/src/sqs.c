/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs.c - L6: a durable queue on Amazon SQS: put, acknowledge, set aside.
 *
 * What may be done twice is sent again freely: a duplicate does no harm, and to
 * delete a message twice does nothing.
 */
#include "sqs_hub.h"

#include "base.h"

#include <stdio.h>
#include <string.h>

#define VISIBLE_S 30
#define MOST_VISIBLE_S 43200
#define LEAST_VISIBLE_S 3
#define MAX_DELIVERIES 5

/* A put, an acknowledgement, or a message to set aside. */
typedef struct order {
  brrr__sqs_job job; /* first: the job is the order */
  brrr_sqs *sqs;
  brrr__sqs_queue *to;   /* to put into; NULL if there is nothing to put */
  brrr__sqs_queue *from; /* to delete from; NULL if there is nothing */
  json_t *body, *reason, *receipt;
  bool again; /* the queue was gone once */
  brrr_done done;
} order;

static void order_end(order *o, brrr_status status, const char *words) {
  const brrr_done done = o->done;
  char copy[sizeof o->sqs->aws.words];
  brrr_reply reply = {.status = status};
  if (status < 0) {
    (void)snprintf(copy, sizeof copy, "%s", words);
    memcpy(o->sqs->aws.words, copy, sizeof copy);
    reply.value = brrr_bytes_str(copy);
  }
  json_decref(o->body);
  json_decref(o->reason);
  json_decref(o->receipt);
  brrr__alloc(o->sqs->alloc, o, sizeof *o, 0);
  done.fn(done.ud, &reply);
}

static void order_send(order *o, const char *action, json_t *body,
                       void (*fn)(void *ud, const brrr__aws_answer *answer)) {
  if (!brrr__aws_send(&o->sqs->aws,
                      &(brrr__aws_request){
                          .action = action, .body = body, .fn = fn, .ud = o}))
    order_end(o, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
}

/* ---- deleting ------------------------------------------------------------ */

static brrr_bytes receipt_of(const order *o) {
  return (brrr_bytes){(const uint8_t *)json_string_value(o->receipt),
                      json_string_length(o->receipt)};
}

/* A receipt that SQS does not take any more will not be taken later either: the
 * message has got away, and comes again. */
static bool is_stale(const brrr__aws_answer *answer) {
  return answer->end == AWS_REFUSED &&
         (strstr(answer->code, "ReceiptHandleIsInvalid") ||
          strstr(answer->code, "InvalidParameterValue"));
}

static void on_deleted(void *ud, const brrr__aws_answer *answer) {
  order *o = ud;
  const bool stale = is_stale(answer) || brrr__sqs_is_gone(o->from, answer);
  if (stale)
    brrr__aws_note(&o->sqs->aws, BRRR_WARN,
                   "a message could not be acknowledged any more: %.300s",
                   answer->words);
  if (answer->end != AWS_OK && !stale) {
    order_end(o, BRRR_E_IO, o->sqs->aws.words); /* asked again [QUEUE-13] */
    return;
  }
  brrr__sqs_release(o->from, receipt_of(o));
  order_end(o, BRRR_OK, NULL);
}

static void on_from_found(brrr__sqs_job *job, const char *words) {
  order *o = (order *)job;
  if (words)
    order_end(o, BRRR_E_IO, words);
  else
    order_send(o, "DeleteMessage",
               json_pack("{s:O, s:O}", "QueueUrl", o->from->url,
                         "ReceiptHandle", o->receipt),
               on_deleted);
}

static void delete (order *o) {
  o->job.fn = on_from_found;
  brrr__sqs_find(o->from, &o->job);
}

/* ---- putting ------------------------------------------------------------- */

static void put(order *o);

static void on_put(void *ud, const brrr__aws_answer *answer) {
  order *o = ud;
  if (answer->end == AWS_OK && o->from) {
    delete (o); /* [QUEUE-20] */
  } else if (answer->end == AWS_OK) {
    order_end(o, BRRR_OK, NULL);
  } else if (brrr__sqs_is_gone(o->to, answer) && !o->again) {
    o->again = true;
    put(o); /* and it is created again */
  } else {
    order_end(o, BRRR_E_IO, o->sqs->aws.words);
  }
}

static void on_to_found(brrr__sqs_job *job, const char *words) {
  order *o = (order *)job;
  if (words) {
    order_end(o, BRRR_E_IO, words);
    return;
  }
  json_t *body =
      json_pack("{s:O, s:O}", "QueueUrl", o->to->url, "MessageBody", o->body);
  if (o->reason &&
      json_object_set_new(body, "MessageAttributes",
                          json_pack("{s:{s:s, s:O}}", "reason", "DataType",
                                    "String", "StringValue", o->reason))) {
    json_decref(body);
    body = NULL;
  }
  order_send(o, "SendMessage", body, on_put);
}

static void put(order *o) {
  o->job.fn = on_to_found;
  brrr__sqs_find(o->to, &o->job);
}

/* ---- the backend --------------------------------------------------------- */

static void refuse(brrr_sqs *q, brrr_status status, const char *words,
                   brrr_done done) {
  (void)snprintf(q->aws.words, sizeof q->aws.words, "%s", words);
  done.fn(done.ud,
          &(brrr_reply){.status = status, .value = brrr_bytes_str(words)});
}

/* A JSON string of the message's body; NULL when memory is out. */
static json_t *body_of(const brrr_sqs *q, brrr_bytes message) {
  brrr_arena a;
  brrr_bytes body;
  json_t *json = NULL;
  brrr_arena_init(&a, q->alloc);
  if (brrr__sqs_body(&a, message, &body) == BRRR_OK)
    json = json_stringn((const char *)body.ptr, body.len);
  brrr_arena_free(&a);
  return json;
}

/* What the order needs; false when memory is out. */
static bool prepare(order *o, const brrr_effect *e) {
  char words[400];
  if (e->type != BRRR_QUEUE_ACK && !(o->body = body_of(o->sqs, e->value)))
    return false;
  if (e->type == BRRR_QUEUE_DEAD) {
    brrr__sqs_reason(words, sizeof words, e->error, e->detail);
    o->reason = json_string(words);
    if (!o->reason)
      return false;
  }
  if (e->type == BRRR_QUEUE_PUT || !e->receipt.len)
    return true;
  o->receipt = json_stringn((const char *)e->receipt.ptr, e->receipt.len);
  return o->receipt;
}

/* `own` is the queue of the topic, `dead` that of its dead letters. */
static void order_start(brrr_sqs *q, brrr__sqs_queue *own,
                        brrr__sqs_queue *dead, const brrr_effect *e,
                        brrr_done done) {
  order *o = brrr__alloc(q->alloc, NULL, 0, sizeof *o);
  if (!o) {
    refuse(q, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM), done);
    return;
  }
  *o = (order){.sqs = q, .done = done};
  if (!prepare(o, e)) {
    order_end(o, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
    return;
  }
  o->to = e->type == BRRR_QUEUE_PUT ? own : dead;
  o->from = o->receipt ? own : NULL;
  if (json_string_length(o->body) > BRRR__SQS_MAX_BODY) /* [SQS-2] */
    order_end(o, BRRR_E_IO, "SQS takes no message of more than 262144 octets");
  else if (o->body)
    put(o);
  else if (o->from)
    delete (o);
  else
    order_end(o, BRRR_E_MISUSE, "an acknowledgement without a receipt");
}

/* The queue of its dead letters; NULL when memory is out. */
static brrr__sqs_queue *dead_of(brrr__sqs_queue *queue) {
  char name[BRRR__SQS_MAX_NAME + 1 + sizeof BRRR__SQS_DEAD];
  (void)snprintf(name, sizeof name, "%s" BRRR__SQS_DEAD, queue->name);
  return brrr__sqs_queue_of(queue->sqs, name);
}

static void submit(void *self, const brrr_effect *e, brrr_done done) {
  brrr_sqs *q = self;
  char name[BRRR__SQS_MAX_NAME + 1];
  const bool dead = e->type == BRRR_QUEUE_DEAD;
  if (e->type != BRRR_QUEUE_PUT && e->type != BRRR_QUEUE_GET &&
      e->type != BRRR_QUEUE_ACK && !dead) {
    refuse(q, BRRR_E_MISUSE, "no effect on a queue", done);
    return;
  }
  const char *wrong = brrr__sqs_name(name, q->prefix, e->name); /* [SQS-1] */
  if (wrong) {
    refuse(q, BRRR_E_TOPIC, wrong, done);
    return;
  }
  brrr__sqs_queue *own = brrr__sqs_queue_of(q, name);
  brrr__sqs_queue *of_dead = own && dead ? dead_of(own) : NULL;
  if (!own || (dead && !of_dead))
    refuse(q, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM), done);
  else if (e->type == BRRR_QUEUE_GET)
    brrr__sqs_get_start(own, done);
  else
    order_start(q, own, of_dead, e, done);
}

static void on_buried(void *ud, const brrr_reply *reply) {
  brrr_sqs *q = ud;
  if (reply->status < 0 && !q->closing) /* it comes again, and is tried again */
    brrr__aws_note(&q->aws, BRRR_ERROR, "a dead letter was not put: %.300s",
                   (const char *)reply->value.ptr);
}

/* [QUEUE-21]: it is likely to kill whoever takes it. */
void brrr__sqs_bury(brrr__sqs_queue *queue, const json_t *message,
                    unsigned deliveries) {
  brrr_sqs *q = queue->sqs;
  char words[64];
  brrr__sqs_queue *dead = dead_of(queue);
  order *o = dead ? brrr__alloc(q->alloc, NULL, 0, sizeof *o) : NULL;
  if (!o)
    return; /* it comes again */
  (void)snprintf(words, sizeof words, "delivered %u times", deliveries);
  *o =
      (order){.sqs = q,
              .to = dead,
              .from = queue,
              .body = json_incref(json_object_get(message, "Body")),
              .reason = json_string(words),
              .receipt = json_incref(json_object_get(message, "ReceiptHandle")),
              .done = {on_buried, q}};
  put(o);
}

static void wake(void *self) { brrr__sqs_wake(self); }

brrr_backend brrr_sqs_backend(brrr_sqs *q) {
  return (brrr_backend){.submit = submit, .self = q, .wake = wake};
}

const char *brrr_sqs_error(const brrr_sqs *q) { return q->aws.words; }

/* ---- from beginning to end ----------------------------------------------- */

static const char *find_wrong(const brrr_sqs_options *o) {
  const char *p = o->prefix ? o->prefix : "";
  const size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  if (p[len] || len >= BRRR__SQS_MAX_NAME)
    return "the prefix is no part of the name of a queue";
  if (o->visible_s &&
      (o->visible_s < LEAST_VISIBLE_S || o->visible_s > MOST_VISIBLE_S))
    return "visible_s is not from 3 to 43200";
  return NULL;
}

static brrr_status init(brrr_sqs *q, const brrr_sqs_options *o,
                        const char **why) {
  brrr_bytes prefix;
  const char *text = o->prefix ? o->prefix : "";
  const brrr_bytes with_end = {(const uint8_t *)text, strlen(text) + 1};
  if (brrr_arena_copy(&q->arena, with_end, &prefix) != BRRR_OK)
    return BRRR_E_NOMEM;
  q->prefix = (const char *)prefix.ptr;
  return brrr__aws_open(&q->aws,
                        &(brrr__aws_options){.alloc = q->alloc,
                                             .loop = q->loop,
                                             .service = "sqs",
                                             .prefix = "AmazonSQS.",
                                             .aws = &o->aws,
                                             .log = o->log},
                        why);
}

brrr_status brrr_sqs_new(brrr_sqs **out, brrr_alloc alloc,
                         struct uv_loop_s *loop,
                         const brrr_sqs_options *options, const char **why) {
  const char *unwanted, *wrong = find_wrong(options);
  if (!why)
    why = &unwanted;
  if (wrong) {
    *why = wrong;
    return BRRR_E_MISUSE;
  }
  brrr_sqs *q = brrr__alloc(alloc, NULL, 0, sizeof *q);
  if (!q)
    return BRRR_E_NOMEM;
  *q = (brrr_sqs){
      .alloc = alloc,
      .loop = loop,
      .visible_s = options->visible_s ? options->visible_s : VISIBLE_S,
      .max_deliveries =
          options->max_deliveries ? options->max_deliveries : MAX_DELIVERIES};
  brrr_arena_init(&q->arena, alloc);
  const brrr_status s = init(q, options, why);
  if (s != BRRR_OK) {
    brrr_arena_free(&q->arena);
    brrr__alloc(alloc, q, sizeof *q, 0);
    return s;
  }
  uv_timer_t *timers[] = {&q->turn, &q->grace, &q->beat};
  for (; q->timers < 3; q->timers++) {
    uv_timer_init(loop, timers[q->timers]);
    timers[q->timers]->data = q;
  }
  *out = q;
  return BRRR_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
  brrr_sqs *q = handle->data;
  const brrr_alloc alloc = q->alloc;
  void (*closed)(void *) = q->closed;
  void *ud = q->ud;
  if (--q->timers)
    return;
  brrr__sqs_queues_free(q);
  brrr_arena_free(&q->arena);
  brrr__alloc(alloc, q, sizeof *q, 0);
  if (closed)
    closed(ud);
}

static void on_aws_closed(void *ud) {
  brrr_sqs *q = ud;
  uv_close((uv_handle_t *)&q->turn, on_timer_closed);
  uv_close((uv_handle_t *)&q->grace, on_timer_closed);
  uv_close((uv_handle_t *)&q->beat, on_timer_closed);
}

void brrr_sqs_close(brrr_sqs *q, void (*closed)(void *ud), void *ud) {
  q->closing = true;
  q->closed = closed;
  q->ud = ud;
  uv_timer_stop(&q->turn);
  uv_timer_stop(&q->grace);
  uv_timer_stop(&q->beat);
  brrr__sqs_wake(q);
  brrr__aws_close(&q->aws, on_aws_closed, q);
}
