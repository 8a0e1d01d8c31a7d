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
  struct brrr__order *next; /* in the list of free ones; or the next of those
                               that are read with it */
  brrr_effect_type type;
  brrr_done done;
  brrr__redis_key key; /* of what is to be read, with its room: */
  brrr_bytes name;
} brrr__order;

struct brrr_redis {
  brrr_alloc alloc;
  uv_loop_t *loop;
  brrr__redis_url url;
  brrr__link commands;
  brrr__redis_key key;
  struct brrr__pops *pops;
  struct brrr__durable *durable;
  brrr__order *free;
  size_t debt; /* octets that were read for nothing */
  brrr_log log;
  bool is_durable;
  uint32_t connect_ms, command_ms;
  uint32_t dead_after_ms, max_deliveries;
  char worker[40];  /* a random name for this object [REDIS-31] */
  uv_timer_t timer; /* until the next try to end gets */
  unsigned handles; /* of libuv, open */
  bool closing;
  void (*closed)(void *ud);
  void *ud;
  char words[256]; /* of the last failure */
};

/* Tells the operator; a line of up to 300 octets. */
void brrr__redis_log(const brrr_redis *r, brrr_level level, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));
/* Remembers why something failed. */
void brrr__redis_failed(brrr_redis *r, brrr_bytes words);
/* For each handle on the loop: the hub lives until all are closed. */
void brrr__redis_opened(void *redis);
void brrr__redis_closed(void *redis);
/* Opens a link whose handles are counted as the hub's; one for pops wants the
 * id of its connection. */
void brrr__redis_link_open(brrr_redis *r, brrr__link *l, bool wants_id);

/* NULL when memory is out. */
brrr__order *brrr__order_take(brrr_redis *r, brrr_effect_type type,
                              brrr_done done);
/* The order can be taken again by what its `done` calls. */
void brrr__order_end(brrr__order *o, const brrr_reply *reply);
/* A reply that Redis did not make. */
brrr_reply brrr__reply_made(brrr_status status, const char *words);

/* ---- redis_reads.c: reads that are gathered ------------------------------ */

/* Whether an effect of this type can be one of those. */
bool brrr__reads_wants(brrr_redis *r, brrr_effect_type type);
/* Takes the order over, to read `key`. BRRR_E_NOMEM, or BRRR_CLOSED while there
 * is no connection: then it did not. */
brrr_status brrr__reads_hold(brrr__order *o, brrr_key key);
/* Sends what was held back: the link's gather. */
void brrr__reads_gather(void *redis, brrr__request *held);
/* The order has ended: gives back what room it does not need. */
void brrr__reads_forget(brrr__order *o);

/* ---- redis_pops.c: the plain queue --------------------------------------- */

/* Takes the get over. BRRR_E_NOMEM, and then it did not. */
brrr_status brrr__pops_get(brrr_redis *r, const brrr_effect *e, brrr_done done);
/* The same for a get that does not wait. */
brrr_status brrr__pops_get_ahead(brrr_redis *r, const brrr_effect *e,
                                 brrr_done done);
void brrr__pops_wake(brrr_redis *r);
void brrr__pops_close(brrr_redis *r);
void brrr__pops_free(brrr_redis *r);

/* ---- redis_durable.c: the durable queue ---------------------------------- */

brrr_status brrr__durable_get(brrr_redis *r, const brrr_effect *e,
                              brrr_done done);
/* QUEUE_ACK, and QUEUE_DEAD with a receipt. */
void brrr__durable_settle(brrr_redis *r, const brrr_effect *e, brrr_done done);
void brrr__durable_wake(brrr_redis *r);
/* Leaves what can be left; when all that has ended, brrr__redis_shut. */
void brrr__durable_close(brrr_redis *r);
void brrr__durable_free(brrr_redis *r);
/* The rest of brrr_redis_close. */
void brrr__redis_shut(brrr_redis *r);

#endif
