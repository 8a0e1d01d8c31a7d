/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs.h - a durable queue on Amazon SQS; see spec/sqs.md.
 *
 * A topic is a standard queue, which is created when it is first used. A get is
 * a long poll of 20 s, and several gets of one topic share one. A message that
 * was taken stays invisible to others, for as long as this object lives, until
 * it is acknowledged; so a task may take as long as it likes, up to the 12
 * hours that SQS grants. If the worker dies, the message appears again after
 * `visible_s`, and its reply says so (num > 0).
 *
 * An effect that fails ends in BRRR_E_TOPIC if its topic makes no name of a
 * queue, and in BRRR_E_IO for all else; with the reason in words as its value.
 * A message of more than 262 144 octets, as it is sent, is not sent.
 *
 * A put whose answer did not come is sent again: a duplicate does no harm.
 */
#ifndef BRRR_SQS_H
#define BRRR_SQS_H

#include <brrr/aws.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct brrr_sqs_options {
  brrr_aws_options aws;
  const char *prefix; /* of the name of every queue, of [A-Za-z0-9_-]; NULL: ""
                       */
  uint32_t visible_s; /* until the message of a dead worker appears again; from
                         3 to 43 200, better not below 20; 0 means 30 */
  uint32_t max_deliveries; /* of a message, before it becomes a dead letter; 0
                              means 5 */
  brrr_log log;
} brrr_sqs_options;

typedef struct brrr_sqs brrr_sqs;

/* Copies the options. BRRR_E_MISUSE, and in *why (static; may be NULL) what is
 * missing or wrong. Nothing is sent yet. */
BRRR_API brrr_status brrr_sqs_new(brrr_sqs **out, brrr_alloc alloc,
                                  struct uv_loop_s *loop,
                                  const brrr_sqs_options *options,
                                  const char **why);
/* Plays the role of the queue only; lives as long as `q`. Its wake gives polls
 * that are under way a quarter of a second, and drops them then: a message that
 * SQS was handing out at this moment appears again after `visible_s`. */
BRRR_API brrr_backend brrr_sqs_backend(brrr_sqs *q);
/* What the last failure was, in words; lives as long as `q`; "" if none. */
BRRR_API const char *brrr_sqs_error(const brrr_sqs *q);
/* For when all workers and operations on it have ended. Gets that are under way
 * all the same end in BRRR_CLOSED, all else in BRRR_E_IO. Messages that are not
 * acknowledged appear again after `visible_s`. `closed` is called, from the
 * loop, when all is gone and `q` is freed. */
BRRR_API void brrr_sqs_close(brrr_sqs *q, void (*closed)(void *ud), void *ud);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_SQS_H */
