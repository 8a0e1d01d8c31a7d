/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_pops.c - L6: the plain queue: gets as blocking pops.
 */
#include "base.h"
#include "redis_hub.h"

#include <string.h>

#define OUTAGE_MS 20000 /* a get outlives this long without a server */
#define UNBLOCK_MS 2    /* between two tries to end a get */

/* The gets of one topic, pipelined. Redis answers them in order, so it is the
 * first ones that a wake ends. */
typedef struct brrr__pops {
  brrr__link link;
  brrr__request unblock; /* CLIENT UNBLOCK for this link */
  brrr_redis *redis;
  struct brrr__pops *next;
  uint8_t *topic;
  size_t topic_len;
  size_t count;    /* gets that wait */
  size_t woken;    /* how many of them are to end soon */
  size_t answered; /* gets so far */
  size_t aim;      /* what that was when `unblock` was sent */
  bool unblocking; /* `unblock` is under way */
  bool ended;      /* it has ended a get whose own answer is still to come */
} pops;

static void pops_unblock(pops *p);

static bool pops_may_ask_again(const pops *p) {
  const brrr__link *l = &p->link;
  bool is_short = uv_now(p->redis->loop) - l->lost_at < OUTAGE_MS;
  return l->up || (l->was_up && !l->refused && is_short);
}

static void on_popped(brrr__request *request, const redisReply *answer,
                      const char *words) {
  brrr__order *o = request->ud;
  pops *p = o->pops;
  const bool closing = p->redis->closing, ended = p->ended;
  p->ended = false;
  if (answer && brrr__redis_not_now(answer)) {
    words = answer->str;
    answer = NULL;
  }
  if (!answer && !closing && !p->woken && pops_may_ask_again(p)) {
    brrr__link_send(&p->link, request); /* asks again */
    return;
  }
  brrr_reply reply;
  if (answer)
    reply = brrr__redis_reply(BRRR_QUEUE_GET, answer);
  else if (closing)
    reply = brrr__reply_made(BRRR_CLOSED, words);
  else
    reply = brrr__reply_made(p->woken ? BRRR_EMPTY : BRRR_E_IO, words);
  p->count--;
  p->answered++;
  if (p->woken)
    p->woken--;
  if (ended)
    pops_unblock(p);
  brrr__order_end(o, &reply);
}

static void on_timer(uv_timer_t *timer);

/* The reply to CLIENT UNBLOCK: whether there was a get to end. If not, either
 * it has not reached Redis yet, or its message is on its way to us; no message
 * is lost in any case. If so, the next one has its turn when that get has been
 * answered: who asks after a wake is not to be woken by it. */
static void on_unblocked(brrr__request *request, const redisReply *answer,
                         const char *words) {
  pops *p = request->ud;
  (void)words;
  p->unblocking = false;
  if (!answer || answer->type != REDIS_REPLY_INTEGER)
    return; /* the gets end after their 20 s */
  if (!answer->integer)
    uv_timer_start(&p->redis->timer, on_timer, UNBLOCK_MS, 0);
  else if (p->answered == p->aim)
    p->ended = true;
  else
    pops_unblock(p);
}

static void pops_unblock(pops *p) {
  brrr__request *request = &p->unblock;
  if (!p->woken || p->unblocking || p->ended || !p->link.up || !p->link.id)
    return;
  if (brrr__redis_unblock(&request->command, &request->len, p->link.id) !=
      BRRR_OK)
    return;
  p->unblocking = true;
  p->aim = p->answered;
  brrr__link_send(&p->redis->commands, request);
}

static void on_timer(uv_timer_t *timer) {
  brrr_redis *r = timer->data;
  for (pops *p = r->pops; p; p = p->next)
    pops_unblock(p);
}

void brrr__pops_wake(brrr_redis *r) {
  for (pops *p = r->pops; p; p = p->next) {
    p->woken = p->count;
    if (p->link.up)
      pops_unblock(p);
    else
      brrr__link_abandon(&p->link, "woken");
  }
}

static bool pops_rename(pops *p, brrr_bytes topic) {
  brrr_redis *r = p->redis;
  uint8_t *copy = brrr__alloc(r->alloc, NULL, 0, topic.len + 1);
  if (!copy)
    return false;
  if (topic.len)
    memcpy(copy, topic.ptr, topic.len);
  if (p->topic)
    brrr__alloc(r->alloc, p->topic, p->topic_len + 1, 0);
  p->topic = copy;
  p->topic_len = topic.len;
  return true;
}

static pops *pops_new(brrr_redis *r) {
  pops *p = brrr__alloc(r->alloc, NULL, 0, sizeof *p);
  if (!p)
    return NULL;
  *p = (pops){.redis = r, .next = r->pops};
  p->unblock.fn = on_unblocked;
  p->unblock.ud = p;
  brrr__redis_link_open(r, &p->link, true);
  r->pops = p;
  return p;
}

/* Those of this topic, or others that nobody uses now, or new ones: there are
 * as many connections as topics have been waited for at once. */
static pops *pops_for(brrr_redis *r, brrr_bytes topic) {
  pops *unused = NULL;
  for (pops *p = r->pops; p; p = p->next) {
    if (brrr_bytes_equal((brrr_bytes){p->topic, p->topic_len}, topic))
      return p;
    if (p->count == 0)
      unused = p;
  }
  pops *p = unused ? unused : pops_new(r);
  return p && pops_rename(p, topic) ? p : NULL;
}

brrr_status brrr__pops_get(brrr_redis *r, const brrr_effect *e,
                           brrr_done done) {
  pops *p = pops_for(r, e->name);
  brrr__order *o = p ? brrr__order_take(r, e->type, done) : NULL;
  if (!o)
    return BRRR_E_NOMEM;
  o->pops = p;
  o->request = (brrr__request){.keep = true, .fn = on_popped, .ud = o};
  brrr_status s =
      brrr__redis_command(&o->request.command, &o->request.len, &r->key, e);
  if (s != BRRR_OK) {
    const brrr_reply reply = brrr__reply_made(s, brrr_status_text(s));
    brrr__order_end(o, &reply);
    return BRRR_OK;
  }
  p->count++;
  brrr__link_send(&p->link, &o->request);
  return BRRR_OK;
}

/* ---- gets that do not wait ----------------------------------------------- */

/* Where there is no message, or no answer, or an error: whoever asked asks
 * again, by a get that waits, and learns what is wrong. */
static void on_ahead(brrr__request *request, const redisReply *answer,
                     const char *words) {
  brrr__order *o = request->ud;
  brrr_reply reply = {.status = BRRR_EMPTY};
  brrr_ahead ahead;
  (void)words;
  if (answer && answer->type == REDIS_REPLY_ARRAY && answer->elements > 0) {
    const redisReply *const *all = (const redisReply *const *)answer->element;
    reply = (brrr_reply){.value = {(const uint8_t *)all[0]->str, all[0]->len}};
    if (answer->elements == 3) {
      ahead = (brrr_ahead){.has_value = all[1]->integer != 0,
                           .call = {(const uint8_t *)all[2]->str, all[2]->len}};
      reply.ahead = &ahead;
    }
  }
  brrr__order_end(o, &reply);
}

brrr_status brrr__pops_get_ahead(brrr_redis *r, const brrr_effect *e,
                                 brrr_done done) {
  brrr__order *o = brrr__order_take(r, e->type, done);
  if (!o)
    return BRRR_E_NOMEM;
  o->request = (brrr__request){.fn = on_ahead, .ud = o};
  if (brrr__redis_command(&o->request.command, &o->request.len, &r->key, e) !=
          BRRR_OK ||
      !brrr__link_hold(&r->commands, &o->request))
    on_ahead(&o->request, NULL, NULL);
  return BRRR_OK;
}

/* ---- the end ------------------------------------------------------------- */

void brrr__pops_close(brrr_redis *r) {
  for (pops *p = r->pops; p; p = p->next)
    brrr__link_close(&p->link);
}

void brrr__pops_free(brrr_redis *r) {
  for (pops *p = r->pops, *next; p; p = next) {
    next = p->next;
    if (p->topic)
      brrr__alloc(r->alloc, p->topic, p->topic_len + 1, 0);
    brrr__alloc(r->alloc, p, sizeof *p, 0);
  }
}
