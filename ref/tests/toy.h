/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * toy.h - for the tests of apps: a codec without a format, whose arguments and
 * values are whole numbers, and a few tasks.
 */
#ifndef BRRR_TESTS_TOY_H
#define BRRR_TESTS_TOY_H

#include "support.h"

/* Octets are decimal digits, the call_hash is task and argument, as "fib:3".
 * It refuses what is no number, and the numbers below. */
brrr_codec toy_codec(void);
#define TOY_BAD_ARGS INT64_C(-1)  /* cannot be encoded as arguments */
#define TOY_BAD_VALUE INT64_C(-2) /* cannot be encoded as a value */

/* A number in the run's arena. NULL when memory is out. */
const int64_t *toy_number(brrr_run *run, int64_t n);
/* Ends a task with a number. */
brrr_status toy_end(brrr_run *run, int64_t n, const void **value);

/* fib(n) of fib(n - 1) and fib(n - 2), gathered. */
brrr_status toy_fib(brrr_run *run, const void *args, const void **value,
                    void *ud);

#endif
