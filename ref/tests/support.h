/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * support.h - for the tests of the core: cmocka, an allocator that fails on
 * demand, inputs of exactly their size.
 */
#ifndef BRRR_TESTS_SUPPORT_H
#define BRRR_TESTS_SUPPORT_H

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <brrr/brrr.h>

/* ==== An allocator that fails on demand ================================== */

typedef struct heap {
  size_t count;   /* allocations so far, the failed one included */
  size_t fail_at; /* the number, from 1, of the one that fails; 0: none */
  size_t live;    /* blocks not yet freed */
  size_t octets;  /* in them */
} heap;

/* It also checks that `osize` is what was allocated. */
brrr_alloc heap_alloc(heap *h);

/* Runs `once` with no failure, then with the first allocation failing, the
 * second, and so on until one run has fewer allocations. `once` gets whether a
 * failure is due, and must free all that it allocates. */
void heap_sweep(void (*once)(heap *h, void *ud), void *ud);

/* ==== Octets ============================================================= */

/* A copy in a malloc'ed block of exactly its size, so that a sanitizer sees
 * each octet that is read past its end. Free with free((void *)x.ptr). */
brrr_bytes exact(brrr_bytes in);
void exact_free(brrr_bytes in);

/* `count` times `unit`, between `before` and `after`; malloc'ed. */
brrr_bytes repeated(const char *before, const char *unit, size_t count,
                    const char *after);

void assert_bytes(brrr_bytes actual, brrr_bytes expected);
#define assert_bytes_str(actual, expected)                                     \
  assert_bytes(actual, brrr_bytes_str(expected))

/* ==== Errors ============================================================= */

/* All that a caller sees of an error: status, requirement and place. */
void assert_error(const brrr_error *actual, brrr_status status,
                  const char *requirement, size_t offset);

#endif
