/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_reads.c - L6: the reads of one turn of the loop, as one MGET.
 *
 * Whoever asks whether a key is there would be content with less than its
 * value. EXISTS for several keys tells how many there are, and not which; so
 * they are read as well, as long as what comes is short. What was read for
 * nothing is a debt, paid off with each further question; until it is, they are
 * EXISTS.
 */
#include "redis_hub.h"

#include "base.h"

#define MAX_DEBT 4096    /* in octets; then a has is an EXISTS */
#define PAID_BY_EACH 64  /* about what a command of its own would cost */
#define KEEP_OCTETS 1024 /* a key's room that outlives it */

bool brrr__reads_wants(brrr_redis *r, brrr_effect_type type) {
  if (type == BRRR_STORE_GET)
    return true;
  if (type != BRRR_STORE_HAS)
    return false;
  r->debt -= r->debt < PAID_BY_EACH ? r->debt : PAID_BY_EACH;
  return r->debt < MAX_DEBT;
}

brrr_status brrr__reads_hold(brrr__order *o, brrr_key key) {
  brrr_status s = brrr__redis_store_key(&o->key, key, &o->name);
  if (s == BRRR_OK && !brrr__link_hold(&o->redis->commands, &o->request))
    s = BRRR_CLOSED;
  return s;
}

void brrr__reads_forget(brrr__order *o) {
  if (o->key.cap > KEEP_OCTETS)
    brrr__redis_key_free(&o->key);
}

static void end_one(brrr__order *o, brrr_effect_type read_as,
                    const redisReply *answer, const char *words) {
  const brrr_reply reply = answer ? brrr__redis_reply(read_as, answer)
                                  : brrr__reply_made(BRRR_E_IO, words);
  if (o->type == BRRR_STORE_HAS && reply.status == BRRR_OK)
    o->redis->debt += reply.value.len;
  brrr__order_end(o, &reply);
}

/* Of one key, or an error, or an array with something for each key. */
static void on_read(brrr__request *request, const redisReply *answer,
                    const char *words) {
  brrr__order *o = request->ud;
  if (!answer || answer->type != REDIS_REPLY_ARRAY) {
    for (brrr__order *next; o; o = next) {
      next = o->next;
      end_one(o, o->type, answer, words);
    }
    return;
  }
  for (size_t i = 0; o; i++) {
    brrr__order *next = o->next;
    end_one(o, BRRR_STORE_GET, i < answer->elements ? answer->element[i] : NULL,
            "a reply with too few values");
    o = next;
  }
}

static void send_batch(brrr_redis *r, brrr__order *first) {
  brrr_bytes names[BRRR__READ_MAX];
  size_t count = 0;
  brrr__request *request = &first->request;
  for (brrr__order *o = first; o; o = o->next)
    names[count++] = o->name;
  request->fn = on_read;
  brrr_status s = brrr__redis_read(&request->command, &request->len,
                                   first->type, names, count);
  if (s == BRRR_OK)
    brrr__link_send(&r->commands, request);
  else
    on_read(request, NULL, brrr_status_text(s));
}

/* A get among them goes behind all that the turn has sent: what it reads for
 * its message is no older. */
void brrr__reads_gather(void *redis, brrr__request *held) {
  brrr_redis *r = redis;
  brrr__order *first = NULL, **end = &first;
  size_t count = 0;
  for (brrr__request *next; held; held = next) {
    brrr__order *o = held->ud;
    next = held->next;
    if (held->command) {
      brrr__link_send(&r->commands, held);
      continue;
    }
    o->next = NULL;
    *end = o;
    end = &o->next;
    if (++count == BRRR__READ_MAX) {
      send_batch(r, first);
      first = NULL;
      end = &first;
      count = 0;
    }
  }
  if (first)
    send_batch(r, first);
}
