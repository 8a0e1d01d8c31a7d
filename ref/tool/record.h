/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * record.h - the records of Brrr as JSON objects, and back.
 */
#ifndef BRRR_TOOL_RECORD_H
#define BRRR_TOOL_RECORD_H

#include <brrr/brrr.h>

#include <jansson.h>

/* A message that was set aside [REDIS-40]. */
typedef struct dead_letter {
  int64_t at; /* Unix seconds */
  brrr_bytes message, reason;
} dead_letter;

/* Strings are borrowed from `in`. */
brrr_status dead_letter_decode(dead_letter *out, brrr_bytes in,
                               brrr_error *err);

typedef struct record record;

/* By name: "Call", "pending-returns", "DEAD_LETTER"; NULL if there is none. */
const record *record_named(const char *name);
/* By the first octets; NULL if no record begins like this. */
const record *record_guess(brrr_bytes in);
const char *record_name(const record *r);
/* All of them, in words. */
extern const char record_names[];

/* The JSON object, or BRRR_E_SYNTAX, E_RECORD or E_NOMEM. */
brrr_status record_decode(const record *r, brrr_bytes in, json_t **out,
                          brrr_error *err);
/* Encodes an object such as record_decode made. False, after a complaint, if it
 * is none. What cannot be encoded is the buffer's error. */
bool record_encode(const record *r, brrr_arena *a, const json_t *in,
                   brrr_buf *out);

#endif
