/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * durable.h - a durable queue as a test wants it: store, cache and messages are
 * those of a memory backend; each message comes with a receipt and is in flight
 * until that is acknowledged.
 */
#ifndef BRRR_TESTS_DURABLE_H
#define BRRR_TESTS_DURABLE_H

#include "answers.h"

#include <brrr/memory.h>

#define DURABLE_MAX 1024

typedef struct durable_letter {
  brrr_bytes message, detail; /* copies */
  brrr_error error;
} durable_letter;

typedef struct durable {
  brrr_memory *memory;

  /* The test may set these at any time. */
  int64_t num;         /* deliveries before, for the messages to come */
  unsigned ack_fails;  /* so many acknowledgements to come */
  unsigned dead_fails; /* so many dead letters to come */
  bool hold_acks;      /* answer them in durable_release */

  struct {
    brrr_bytes message; /* a copy; ptr NULL after the acknowledgement */
  } taken[DURABLE_MAX]; /* by receipt */
  unsigned taken_count, in_flight;
  unsigned acks; /* that were asked for, failed ones included */
  brrr_done held[DURABLE_MAX];
  unsigned held_count;
  durable_letter letters[DURABLE_MAX];
  unsigned letter_count;
} durable;

/* `d` is all zero. */
subject durable_init(durable *d);
void durable_free(durable *d);
/* Answers the acknowledgements that are held. */
void durable_release(durable *d);

#endif
