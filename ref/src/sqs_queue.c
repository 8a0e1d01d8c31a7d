/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs_queue.c - L6: a queue on SQS for each topic, found or created.
 */
#include "sqs_hub.h"

#include "base.h"

#include <string.h>

brrr__sqs_queue *brrr__sqs_queue_of(brrr_sqs *q, const char *name) {
  for (brrr__sqs_queue *s = q->queues; s; s = s->next)
    if (strcmp(s->name, name) == 0)
      return s;
  brrr__sqs_queue *s = brrr__alloc(q->alloc, NULL, 0, sizeof *s);
  if (!s)
    return NULL;
  *s = (brrr__sqs_queue){.next = q->queues, .sqs = q};
  s->gets_end = &s->gets;
  memcpy(s->name, name, strlen(name) + 1);
  q->queues = s;
  return s;
}

void brrr__sqs_queues_free(brrr_sqs *q) {
  for (brrr__sqs_queue *s = q->queues, *next; s; s = next) {
    next = s->next;
    brrr__sqs_release_all(s);
    json_decref(s->url);
    brrr__alloc(q->alloc, s, sizeof *s, 0);
  }
}

static bool says_gone(const brrr__aws_answer *answer) {
  return answer->end == AWS_REFUSED &&
         (strstr(answer->code, "QueueDoesNotExist") ||
          strstr(answer->code, "NonExistentQueue"));
}

bool brrr__sqs_is_gone(brrr__sqs_queue *queue, const brrr__aws_answer *answer) {
  if (!says_gone(answer))
    return false;
  json_decref(queue->url);
  queue->url = NULL;
  return true;
}

static void found(brrr__sqs_queue *queue, const char *words) {
  brrr__sqs_job *jobs = queue->jobs;
  queue->jobs = NULL;
  queue->finding = false;
  while (jobs) {
    brrr__sqs_job *job = jobs;
    jobs = job->next;
    job->fn(job, words);
  }
}

static void on_url(void *ud, const brrr__aws_answer *answer);

static void ask(brrr__sqs_queue *queue, const char *action, json_t *body) {
  queue->finding = true;
  if (!brrr__aws_send(&queue->sqs->aws, &(brrr__aws_request){.action = action,
                                                             .body = body,
                                                             .fn = on_url,
                                                             .ud = queue}))
    found(queue, brrr_status_text(BRRR_E_NOMEM));
}

/* [SQS-3]: messages are kept for 14 days, which is the most. */
static void create(brrr__sqs_queue *queue) {
  ask(queue, "CreateQueue",
      json_pack("{s:s, s:{s:s}}", "QueueName", queue->name, "Attributes",
                "MessageRetentionPeriod", "1209600"));
}

static void on_url(void *ud, const brrr__aws_answer *answer) {
  brrr__sqs_queue *queue = ud;
  json_t *url = json_object_get(answer->json, "QueueUrl");
  if (says_gone(answer)) {
    create(queue);
  } else if (json_is_string(url)) {
    json_decref(queue->url);
    queue->url = json_incref(url);
    found(queue, NULL);
  } else {
    found(queue, answer->end == AWS_OK ? "an answer without the URL of a queue"
                                       : queue->sqs->aws.words);
  }
}

void brrr__sqs_find(brrr__sqs_queue *queue, brrr__sqs_job *job) {
  if (queue->url) {
    job->fn(job, NULL);
    return;
  }
  job->next = queue->jobs;
  queue->jobs = job;
  if (!queue->finding)
    ask(queue, "GetQueueUrl", json_pack("{s:s}", "QueueName", queue->name));
}
