/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs_hub.h - L6: what the files of the SQS queue have in common.
 *
 *   sqs.c        the backend: put, acknowledge, set aside
 *   sqs_queue.c  a queue on SQS for each topic, found or created
 *   sqs_poll.c   gets, and the long polls that they share
 *   sqs_hold.c   messages that were taken: nobody else may see them
 */
#ifndef BRRR_SRC_SQS_HUB_H
#define BRRR_SRC_SQS_HUB_H

#include <brrr/sqs.h>

#include "aws_client.h"
#include "sqs_text.h"

/* Something that needs the URL of a queue. */
typedef struct brrr__sqs_job {
  struct brrr__sqs_job *next;
  /* Called once. `words` is why there is no URL, or NULL if there is one. */
  void (*fn)(struct brrr__sqs_job *job, const char *words);
} brrr__sqs_job;

/* A get that waits. */
typedef struct brrr__sqs_get {
  struct brrr__sqs_get *next;
  brrr_done done;
} brrr__sqs_get;

typedef struct brrr__sqs_queue {
  struct brrr__sqs_queue *next;
  struct brrr_sqs *sqs;
  char name[BRRR__SQS_MAX_NAME + 1];
  json_t *url;                     /* a string; NULL while it is not known */
  bool finding;                    /* it is asked for */
  brrr__sqs_job *jobs;             /* that wait for it */
  brrr__sqs_get *gets, **gets_end; /* that are in no poll yet */
  struct brrr__sqs_poll *polls;    /* under way */
  unsigned poll_count;
  bool busy; /* the last poll brought as many messages as it could */
  struct brrr__sqs_held *held; /* messages that were taken */
} brrr__sqs_queue;

struct brrr_sqs {
  brrr_alloc alloc;
  uv_loop_t *loop;
  brrr__aws aws;
  brrr_arena arena; /* of the prefix */
  const char *prefix;
  uint32_t visible_s, max_deliveries;
  brrr__sqs_queue *queues;
  uv_timer_t turn;  /* when gets have come */
  uv_timer_t grace; /* after a wake */
  uv_timer_t beat;  /* while messages are held */
  unsigned timers;  /* open */
  bool closing;
  void (*closed)(void *ud);
  void *ud;
};

/* ---- sqs_queue.c --------------------------------------------------------- */

/* The queue of this name; NULL when memory is out. */
brrr__sqs_queue *brrr__sqs_queue_of(struct brrr_sqs *q, const char *name);
/* Calls job->fn when the URL is there, at once if it is already. */
void brrr__sqs_find(brrr__sqs_queue *queue, brrr__sqs_job *job);
/* Whether this answer says that there is no such queue; then its URL is
 * forgotten. */
bool brrr__sqs_is_gone(brrr__sqs_queue *queue, const brrr__aws_answer *answer);
void brrr__sqs_queues_free(struct brrr_sqs *q);

/* ---- sqs.c --------------------------------------------------------------- */

/* Sets a message aside that was delivered too often. */
void brrr__sqs_bury(brrr__sqs_queue *queue, const json_t *message,
                    unsigned deliveries);

/* ---- sqs_poll.c ---------------------------------------------------------- */

void brrr__sqs_get_start(brrr__sqs_queue *queue, brrr_done done);
/* Ends gets that wait, soon; at once while closing. */
void brrr__sqs_wake(struct brrr_sqs *q);

/* ---- sqs_hold.c ---------------------------------------------------------- */

/* Keeps it invisible from now on. False when memory is out. */
bool brrr__sqs_hold(brrr__sqs_queue *queue, brrr_bytes receipt);
/* Does not any more; if it did. */
void brrr__sqs_release(brrr__sqs_queue *queue, brrr_bytes receipt);
void brrr__sqs_release_all(brrr__sqs_queue *queue);

#endif
