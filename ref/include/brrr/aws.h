/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws.h - what dynamodb.h and sqs.h have in common: where Amazon Web Services
 * are, and who asks.
 *
 * Requests go over HTTP with libcurl on a libuv loop, signed with Signature
 * Version 4. One that is throttled, meets a server in trouble (5xx) or finds no
 * connection is sent again after a pause: 50 ms, doubled up to 5 s, less up to
 * a half of it at random.
 */
#ifndef BRRR_AWS_H
#define BRRR_AWS_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is NULL or empty comes from the environment. */
typedef struct brrr_aws_options {
  /* As http://127.0.0.1:8000. NULL: AWS_ENDPOINT_URL_DYNAMODB or
   * AWS_ENDPOINT_URL_SQS, then AWS_ENDPOINT_URL, then that of the region. */
  const char *endpoint;
  const char *region; /* NULL: AWS_REGION, then AWS_DEFAULT_REGION */
  /* All three or none. NULL: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
   * AWS_SESSION_TOKEN. Only the token may be missing. */
  const char *access_key_id, *secret_access_key, *session_token;
  uint32_t connect_ms; /* until a connection is up; 0 means 5 000 */
  uint32_t answer_ms;  /* until the answer to a request is there, beyond what a
                          long poll may take; 0 means 30 000 */
  uint32_t attempts;   /* to send a request, in all; 0 means 8 */
} brrr_aws_options;

#ifdef __cplusplus
}
#endif

#endif /* BRRR_AWS_H */
