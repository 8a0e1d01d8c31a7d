/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * dynamodb.h - a store on one DynamoDB table [DYN-1] to [DYN-7].
 *
 * Every read is a consistent one, so a record that was written is found. An
 * effect that fails ends in BRRR_E_IO, with the reason in words as its value.
 * What DynamoDB would refuse is not sent: an item of more than 409 600
 * octets (call_hash, type and value, and 9 for their names), or a call_hash
 * that is empty, longer than 2 048 octets or not UTF-8 [DYN-6].
 *
 * Whether a set_new or cas whose answer did not come was carried out, nobody
 * knows. It is not sent again [DYN-7]: the record is read, and if it holds just
 * what was to be written, the effect ends in BRRR_OK; if not, in BRRR_E_IO.
 */
#ifndef BRRR_DYNAMODB_H
#define BRRR_DYNAMODB_H

#include <brrr/aws.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct brrr_dynamodb_options {
  brrr_aws_options aws;
  const char *table; /* exists already, or see below */
  brrr_log log;
} brrr_dynamodb_options;

typedef struct brrr_dynamodb brrr_dynamodb;

/* Copies the options. BRRR_E_MISUSE, and in *why (static; may be NULL) what is
 * missing or wrong: the table, the region, a credential, the endpoint. Nothing
 * is sent yet. */
BRRR_API brrr_status brrr_dynamodb_new(brrr_dynamodb **out, brrr_alloc alloc,
                                       struct uv_loop_s *loop,
                                       const brrr_dynamodb_options *options,
                                       const char **why);
/* Plays the role of the store only; lives as long as `d`. */
BRRR_API brrr_backend brrr_dynamodb_backend(brrr_dynamodb *d);
/* What the last failure was, in words; lives as long as `d`; "" if none. */
BRRR_API const char *brrr_dynamodb_error(const brrr_dynamodb *d);
/* Creates the table, paid by request, and waits until it can be used. BRRR_OK
 * also if it exists; else BRRR_E_IO and why, as above. */
BRRR_API void brrr_dynamodb_create_table(brrr_dynamodb *d, brrr_done done);
/* For when all workers and operations on it have ended. What is under way all
 * the same ends in BRRR_E_IO. `closed` is called, from the loop, when all is
 * gone and `d` is freed. */
BRRR_API void brrr_dynamodb_close(brrr_dynamodb *d, void (*closed)(void *ud),
                                  void *ud);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_DYNAMODB_H */
