/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs_hold.c - L6: messages that were taken: nobody else may see them.
 *
 * SQS shows a message again when its time is over. So each third of that time
 * it is asked to begin anew, for as long as this process lives [SQS-5].
 */
#include "sqs_hub.h"

#include "base.h"

#include <stdio.h>
#include <string.h>

#define BATCH 10 /* that is as many as SQS takes at once */

typedef struct brrr__sqs_held {
  struct brrr__sqs_held *next;
  size_t len;
  char receipt[];
} held;

static size_t size_of(size_t len) { return sizeof(held) + len + 1; }

/* A message whose time could not be renewed will come again: a duplicate. */
static void on_renewed(void *ud, const brrr__aws_answer *answer) {
  brrr_sqs *q = ud;
  const json_t *failed = json_object_get(answer->json, "Failed");
  if (q->closing)
    return;
  if (answer->end != AWS_OK)
    brrr__aws_note(&q->aws, BRRR_WARN,
                   "messages in hand may be delivered again: %.300s",
                   answer->words);
  else if (json_array_size(failed))
    brrr__aws_note(&q->aws, BRRR_WARN,
                   "%zu messages in hand may be delivered again",
                   json_array_size(failed));
}

static json_t *entry(const brrr_sqs *q, size_t n, const held *h) {
  char id[24];
  (void)snprintf(id, sizeof id, "%zu", n);
  return json_pack("{s:s, s:s, s:i}", "Id", id, "ReceiptHandle", h->receipt,
                   "VisibilityTimeout", (int)q->visible_s);
}

static void renew(brrr__sqs_queue *queue) {
  brrr_sqs *q = queue->sqs;
  const held *h = queue->held;
  while (h && queue->url) {
    json_t *entries = json_array();
    for (size_t n = 0; h && n < BATCH; n++, h = h->next)
      (void)json_array_append_new(entries, entry(q, n, h));
    (void)brrr__aws_send(
        &q->aws,
        &(brrr__aws_request){.action = "ChangeMessageVisibilityBatch",
                             .body = json_pack("{s:O, s:o}", "QueueUrl",
                                               queue->url, "Entries", entries),
                             .fn = on_renewed,
                             .ud = q});
  }
}

static void on_beat(uv_timer_t *timer) {
  brrr_sqs *q = timer->data;
  bool any = false;
  for (brrr__sqs_queue *s = q->queues; s; s = s->next) {
    any = any || s->held;
    renew(s);
  }
  if (!any)
    uv_timer_stop(timer);
}

bool brrr__sqs_hold(brrr__sqs_queue *queue, brrr_bytes receipt) {
  brrr_sqs *q = queue->sqs;
  held *h = brrr__alloc(q->alloc, NULL, 0, size_of(receipt.len));
  if (!h)
    return false;
  h->next = queue->held;
  h->len = receipt.len;
  memcpy(h->receipt, receipt.ptr, receipt.len);
  h->receipt[receipt.len] = '\0';
  queue->held = h;
  const uint64_t ms = (uint64_t)q->visible_s * 1000 / 3;
  if (!uv_is_active((uv_handle_t *)&q->beat))
    uv_timer_start(&q->beat, on_beat, ms, ms);
  return true;
}

static void drop(brrr__sqs_queue *queue, held **at) {
  held *h = *at;
  *at = h->next;
  brrr__alloc(queue->sqs->alloc, h, size_of(h->len), 0);
}

void brrr__sqs_release(brrr__sqs_queue *queue, brrr_bytes receipt) {
  for (held **at = &queue->held; *at; at = &(*at)->next)
    if (brrr_bytes_equal((brrr_bytes){(uint8_t *)(*at)->receipt, (*at)->len},
                         receipt)) {
      drop(queue, at);
      return;
    }
}

void brrr__sqs_release_all(brrr__sqs_queue *queue) {
  while (queue->held)
    drop(queue, &queue->held);
}
