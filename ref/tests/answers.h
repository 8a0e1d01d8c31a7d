/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * answers.h - asks backends for effects and keeps what they answer; and the
 * contract that every backend fulfils.
 */
#ifndef BRRR_TESTS_ANSWERS_H
#define BRRR_TESTS_ANSWERS_H

#include "support.h"

typedef struct answer {
  unsigned times; /* how often it came */
  brrr_status status;
  brrr_bytes value; /* a copy, freed by answer_drop */
  int64_t num;
} answer;

/* Keeps a reply in `a`. */
brrr_done answer_into(answer *a);
void answer_drop(answer *a);

/* A backend, and how to wait until `*times` is no longer 0. */
typedef struct subject {
  brrr_backend backend;
  void (*wait)(void *ud, const unsigned *times);
  void *ud;
} subject;

/* The wait of one that answers at once. */
void answers_at_once(void *ud, const unsigned *times);

/* Asks for an effect and waits for its answer, to be dropped. */
answer ask(const subject *s, brrr_effect e);
/* The same; asserts how it ends, and with which value if that is not NULL. */
void expect(const subject *s, brrr_effect e, brrr_status status,
            const char *value);

/* Everything in spec/backends.md, on keys and topics of its own. */
void contract_store(const subject *s);
/* The same for keys that are no call_hash; where any octets will do. */
void contract_store_odd(const subject *s);
void contract_cache(const subject *s);
void contract_queue(const subject *s);
/* Values of `size` octets come back as they were, in every effect. */
void contract_size(const subject *s, size_t size);

#define KEY(k, hash)                                                           \
  { BRRR_KIND_##k, BRRR_LIT(hash) }

#endif
