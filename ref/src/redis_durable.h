/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_durable.h - L6: a topic of the durable queue, as its two halves see it:
 * redis_durable.c takes messages, redis_registry.c keeps the worker alive in
 * the registry and its list known.
 */
#ifndef BRRR_SRC_REDIS_DURABLE_H
#define BRRR_SRC_REDIS_DURABLE_H

#include "redis_held.h"
#include "redis_hub.h"

/* A get that waits. */
typedef struct brrr__waiting {
  struct brrr__waiting *next;
  brrr_done done;
} brrr__waiting;

/* A message that waits for a get. */
typedef struct brrr__ready {
  struct brrr__ready *next;
  int64_t again; /* how often it was delivered again */
  size_t len;
  uint8_t octets[];
} brrr__ready;

enum { KEY_TOPIC, KEY_LIST, KEY_WORKERS, KEY_ATTEMPTS, KEY_DEAD, KEYS };

typedef struct brrr__durable {
  struct brrr__durable *next;
  brrr_redis *redis;
  brrr__link link; /* for the pops */
  brrr_bytes key[KEYS];
  size_t prefix; /* of the name of the list: what stands before the worker */
  size_t names_size;
  uint8_t *names; /* where the keys lie */

  brrr__waiting *waiting, **waiting_end;
  brrr__ready *ready, **ready_end;
  brrr__held held;
  size_t count;     /* gets that wait */
  size_t asked;     /* of them, the first: waited when the pop was sent */
  size_t woken;     /* of them, the first: are to end with the pop */
  unsigned popping; /* answers that the pops' connection owes */
  bool woke;        /* the pop is to end soon */
  bool unblocking;  /* CLIENT UNBLOCK is under way */
  bool synced;      /* registered, and list and table are alike */
  bool syncing;     /* that is under way */
  bool was_synced;
  bool beating; /* a heartbeat is under way */
  bool leaving; /* so is the end */
  bool closed;
  unsigned strays;  /* heartbeats in a row that saw more than is held */
  uint64_t down_at; /* since when it is not synced, in the loop's time */
  uint64_t reap_at; /* not before: the others may just be coming back */
  brrr__request pop, take, unblock, sync, beat, leave;
  uv_timer_t timer; /* heartbeats; then, the deadline of the end */
  uv_timer_t nudge; /* until something is tried again */
} brrr__durable;

/* Formats a script of the topic and sends it. */
brrr_status brrr__durable_eval(brrr__durable *d, brrr__link *link,
                               brrr__request *request, const char *script,
                               const brrr_bytes *args, size_t count);

/* Gives messages to gets, and asks for more. */
void brrr__durable_pump(brrr__durable *d);
/* Something that was sent has had no answer, or "not now". */
void brrr__durable_lost(brrr__durable *d, const char *words);
/* Ends all gets that wait. */
void brrr__durable_fail(brrr__durable *d, brrr_status status,
                        const char *words);
/* A message of the list that no get has had yet. BRRR_E_NOMEM. */
brrr_status brrr__durable_adopt(brrr__durable *d, brrr_bytes message,
                                int64_t again);
/* Ends the pop if nobody waits for it. */
void brrr__durable_unblock(brrr__durable *d);

/* ---- redis_registry.c ---------------------------------------------------- */

void brrr__durable_sync(brrr__durable *d);
void brrr__durable_start_beating(brrr__durable *d);
void brrr__durable_leave(brrr__durable *d);

#endif
