/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_hub.h - L6: what the parts of the Redis backend share: its settings,
 * the connection for commands, effects on their way.
 */
#ifndef BRRR_SRC_REDIS_HUB_H
#define BRRR_SRC_REDIS_HUB_H

#include "redis_command.h"
#include "redis_link.h"

#include <brrr/redis.h>

/* An effect on its way. */
typedef struct brrr__order {
  brrr__request request;
  brrr_redis *redis;
  struct brrr__pops *pops;  /* QUEUE_GET: of its topic */
  struct brrr__order *next; /* in the list of free ones */
  brrr_effect_type type;
  brrr_done done;
} brrr__order;

struct brrr_redis {
  brrr_alloc alloc;
  uv_loop_t *loop;
  brrr__redis_url url;
  brrr__link commands;
  brrr__redis_key key;
  struct brrr__pops *pops;
  brrr__order *free;
  uv_timer_t timer; /* until the next try to end gets */
  unsigned handles; /* of libuv, open */
  bool closing;
  void (*closed)(void *ud);
  void *ud;
  char words[256]; /* of the last failure */
};

/* Remembers why something failed. */
void brrr__redis_failed(brrr_redis *r, brrr_bytes words);
/* Opens a link whose handles are counted as the hub's. */
void brrr__redis_link_open(brrr_redis *r, brrr__link *l, bool wants_id);

/* NULL when memory is out. */
brrr__order *brrr__order_take(brrr_redis *r);
/* The order can be taken again by what its `done` calls. */
void brrr__order_end(brrr__order *o, const brrr_reply *reply);
/* A reply that Redis did not make. */
brrr_reply brrr__reply_made(brrr_status status, const char *words);

/* ---- redis_pops.c: the plain queue --------------------------------------- */

/* Takes the get over. BRRR_E_NOMEM, and then it did not. */
brrr_status brrr__pops_get(brrr_redis *r, const brrr_effect *e, brrr_done done);
void brrr__pops_wake(brrr_redis *r);
void brrr__pops_close(brrr_redis *r);
void brrr__pops_free(brrr_redis *r);

#endif
