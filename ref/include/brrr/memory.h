/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * memory.h - queue, store and cache in the memory of this process. For tests,
 * and for running a graph without any server. Every effect ends at once, but
 * for a BRRR_QUEUE_GET on an empty topic, which waits for a message.
 */
#ifndef BRRR_MEMORY_H
#define BRRR_MEMORY_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brrr_memory brrr_memory;

BRRR_API brrr_status brrr_memory_new(brrr_memory **out, brrr_alloc alloc);
/* The one backend that plays all three roles; lives as long as `m`. */
BRRR_API brrr_backend brrr_memory_backend(brrr_memory *m);

/* A message that a worker has set aside, and why. */
typedef struct brrr_memory_letter {
  brrr_bytes topic, message;
  brrr_error error;
  brrr_bytes detail;
} brrr_memory_letter;

/* Shows all of them, the oldest first; each is borrowed for the call. */
BRRR_API void brrr_memory_dead(const brrr_memory *m,
                               void (*fn)(void *ud,
                                          const brrr_memory_letter *letter),
                               void *ud);

/* Ends every get that finds no message, now and later, in BRRR_CLOSED. */
BRRR_API void brrr_memory_close(brrr_memory *m);
/* Waiting gets are ended in BRRR_CLOSED first. */
BRRR_API void brrr_memory_free(brrr_memory *m);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_MEMORY_H */
