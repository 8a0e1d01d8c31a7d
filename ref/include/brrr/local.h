/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * local.h - runs a whole call graph of an app in memory, in one call: for the
 * unit tests of tasks. No server, no event loop, no threads.
 */
#ifndef BRRR_LOCAL_H
#define BRRR_LOCAL_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brrr_local_options {
  brrr_alloc alloc;
  brrr_limits limits;
  bool check_reruns; /* see brrr_running.check */
} brrr_local_options;

/* Schedules the call and handles messages, of all topics, until there are none
 * left. BRRR_OK and *value, in the arena; or the first problem, which ends it,
 * with its details in `err` and its words in `detail` (both may be NULL; the
 * words live in the arena). `options` may be NULL. */
BRRR_API brrr_status brrr_local_call(const brrr_app *app,
                                     const brrr_local_options *options,
                                     const brrr_ask *ask, brrr_arena *a,
                                     const void **value, brrr_error *err,
                                     brrr_bytes *detail);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_LOCAL_H */
