/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * record.h - for the tests of the records: one record of any type, so that most
 * tests are tables.
 */
#ifndef BRRR_TESTS_RECORD_H
#define BRRR_TESTS_RECORD_H

#include "support.h"

typedef enum record_type { MESSAGE, RETURN, RETURNS, CALL } record_type;

typedef struct record {
  brrr_schedule_message message;
  brrr_pending_return ret;
  brrr_pending_returns returns;
  brrr_call call;
} record;

brrr_status record_decode(record_type type, record *out, brrr_arena *a,
                          brrr_bytes in, brrr_error *err);
void record_encode(record_type type, brrr_buf *b, record *in);

/* Decoded and encoded again, it is `canonical`; NULL: as it was. */
void assert_accepted(record_type type, brrr_bytes octets,
                     const char *canonical);
/* The decoder says just this, and leaves its out-parameter as it was. */
void assert_rejected(record_type type, brrr_bytes octets, brrr_status status,
                     const char *requirement, size_t offset);

/* One canonical record of each type. */
typedef struct record_example {
  record_type type;
  brrr_bytes octets;
} record_example;

#define RECORD_EXAMPLES                                                        \
  {                                                                            \
    {MESSAGE, BRRR_INIT("li2e5:root16:c1hashe")},                              \
        {RETURN, BRRR_INIT("li1e5:root110:parenthash7:topic-te")},             \
        {RETURNS,                                                              \
         BRRR_INIT("d7:returnslli1e5:root11:p7:topic-te"                       \
                   "li1e5:root21:p7:topic-tee12:scheduled_ati1795489157ee")},  \
    {                                                                          \
      CALL, BRRR_INIT("d7:payload9:[1,\"\0\xff \"]9:task_name4:leafe")         \
    }                                                                          \
  }

#endif
