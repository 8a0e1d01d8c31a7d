/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs_text.h - L6: names of queues for topics, and texts for messages.
 */
#ifndef BRRR_SRC_SQS_TEXT_H
#define BRRR_SRC_SQS_TEXT_H

#include <brrr/brrr.h>

#define BRRR__SQS_MAX_NAME 80
#define BRRR__SQS_DEAD "-dead" /* at the end of the name, for dead letters */
#define BRRR__SQS_MAX_BODY 262144

/* The name of a topic's queue [SQS-1]; there is room for BRRR__SQS_DEAD behind
 * it. What is wrong with the topic, in words; NULL if nothing is. */
const char *brrr__sqs_name(char out[BRRR__SQS_MAX_NAME + 1], const char *prefix,
                           brrr_bytes topic);

/* The body of a message [SQS-2]. Both give BRRR_E_NOMEM, or what they put into
 * the arena. */
brrr_status brrr__sqs_body(brrr_arena *a, brrr_bytes message, brrr_bytes *out);
brrr_status brrr__sqs_message(brrr_arena *a, brrr_bytes body, brrr_bytes *out);

/* Why a message is a dead letter, in words that SQS takes. */
void brrr__sqs_reason(char *out, size_t size, const brrr_error *error,
                      brrr_bytes detail);

#endif
