/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis.c - L6: queue, store and cache on Redis: who sends which command over
 * which connection, and what becomes of it.
 */
#include <brrr/redis.h>

#include "base.h"
#include "redis_command.h"
#include "redis_link.h"

#include <stdio.h>
#include <string.h>

#define OUTAGE_MS 20000 /* a get outlives this long without a server */
#define UNBLOCK_MS 2    /* between two tries to end a get */

/* An effect on its way. */
typedef struct order {
  brrr__request request;
  brrr_redis *redis;
  struct pops *pops;  /* QUEUE_GET: of its topic */
  struct order *next; /* in the list of free ones */
  brrr_effect_type type;
  brrr_done done;
} order;

/* The gets of one topic, pipelined. Redis answers them in order, so it is the
 * first ones that a wake ends. */
typedef struct pops {
  brrr__link link;
  brrr__request unblock; /* CLIENT UNBLOCK for this link */
  brrr_redis *redis;
  struct pops *next;
  uint8_t *topic;
  size_t topic_len;
  size_t count;    /* gets that wait */
  size_t woken;    /* how many of them are to end soon */
  bool unblocking; /* `unblock` is under way */
} pops;

struct brrr_redis {
  brrr_alloc alloc;
  uv_loop_t *loop;
  brrr__redis_url url;
  brrr__link commands;
  brrr__redis_key key;
  pops *pops;
  order *free;
  uv_timer_t timer; /* until the next try to end gets */
  unsigned handles; /* of libuv, open */
  bool closing;
  void (*closed)(void *ud);
  void *ud;
  char words[256]; /* of the last failure */
};

static void redis_free(brrr_redis *r);

static void on_handle_opened(void *ud) { ((brrr_redis *)ud)->handles++; }

static void on_handle_closed(void *ud) {
  brrr_redis *r = ud;
  if (--r->handles)
    return;
  void (*closed)(void *) = r->closed;
  void *closed_ud = r->ud;
  redis_free(r);
  if (closed)
    closed(closed_ud);
}

static void link_open(brrr_redis *r, brrr__link *l, bool wants_id) {
  brrr__link_open(l, &(brrr__link_options){.loop = r->loop,
                                           .alloc = r->alloc,
                                           .url = &r->url,
                                           .wants_id = wants_id,
                                           .opened = on_handle_opened,
                                           .closed = on_handle_closed,
                                           .ud = r});
}

/* ---- orders -------------------------------------------------------------- */

static order *order_take(brrr_redis *r) {
  order *o = r->free;
  if (o)
    r->free = o->next;
  else
    o = brrr__alloc(r->alloc, NULL, 0, sizeof *o);
  return o;
}

/* The order can be taken again by what `done` calls. */
static void order_end(order *o, const brrr_reply *reply) {
  brrr_redis *r = o->redis;
  brrr_done done = o->done;
  if (reply->status < 0)
    (void)snprintf(r->words, sizeof r->words, "%.*s", (int)reply->value.len,
                   reply->value.ptr ? (const char *)reply->value.ptr : "");
  if (o->request.command)
    redisFreeCommand(o->request.command);
  o->next = r->free;
  r->free = o;
  done.fn(done.ud, reply);
}

static brrr_reply without_reply(brrr_status status, const char *words) {
  brrr_reply reply = {.status = status};
  if (status < 0)
    reply.value = brrr_bytes_str(words);
  return reply;
}

static void on_reply(brrr__request *request, const redisReply *answer,
                     const char *words) {
  order *o = request->ud;
  brrr_reply reply = answer ? brrr__redis_reply(o->type, answer)
                            : without_reply(BRRR_E_IO, words);
  order_end(o, &reply);
}

/* ---- gets ---------------------------------------------------------------- */

static void pops_unblock(pops *p);

static bool pops_outage_is_short(const pops *p) {
  const brrr__link *l = &p->link;
  return l->was_up && !l->refused &&
         uv_now(p->redis->loop) - l->lost_at < OUTAGE_MS;
}

static void on_popped(brrr__request *request, const redisReply *answer,
                      const char *words) {
  order *o = request->ud;
  pops *p = o->pops;
  bool closing = p->redis->closing;
  if (!answer && !closing && !p->woken && pops_outage_is_short(p)) {
    brrr__link_send(&p->link, request); /* asks again */
    return;
  }
  brrr_reply reply;
  if (answer)
    reply = brrr__redis_reply(BRRR_QUEUE_GET, answer);
  else if (closing)
    reply = without_reply(BRRR_CLOSED, words);
  else
    reply = without_reply(p->woken ? BRRR_EMPTY : BRRR_E_IO, words);
  p->count--;
  if (p->woken)
    p->woken--;
  order_end(o, &reply);
}

static void on_timer(uv_timer_t *timer);

/* The reply to CLIENT UNBLOCK: whether there was a get to end. If not, either
 * it has not reached Redis yet, or its message is on its way to us; no message
 * is lost in any case. */
static void on_unblocked(brrr__request *request, const redisReply *answer,
                         const char *words) {
  pops *p = request->ud;
  (void)words;
  p->unblocking = false;
  if (!answer || answer->type != REDIS_REPLY_INTEGER)
    return; /* the gets end after their 20 s */
  if (answer->integer)
    pops_unblock(p);
  else
    uv_timer_start(&p->redis->timer, on_timer, UNBLOCK_MS, 0);
}

static void pops_unblock(pops *p) {
  brrr__request *request = &p->unblock;
  if (!p->woken || p->unblocking || !p->link.up || !p->link.id)
    return;
  if (brrr__redis_unblock(&request->command, &request->len, p->link.id) !=
      BRRR_OK)
    return;
  p->unblocking = true;
  brrr__link_send(&p->redis->commands, request);
}

static void on_timer(uv_timer_t *timer) {
  brrr_redis *r = timer->data;
  for (pops *p = r->pops; p; p = p->next)
    pops_unblock(p);
}

static void wake(void *redis) {
  brrr_redis *r = redis;
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
  link_open(r, &p->link, true);
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

/* ---- the backend --------------------------------------------------------- */

static void submit(void *self, const brrr_effect *e, brrr_done done) {
  brrr_redis *r = self;
  bool is_get = e->type == BRRR_QUEUE_GET;
  pops *p = is_get ? pops_for(r, e->name) : NULL;
  order *o = is_get && !p ? NULL : order_take(r);
  if (!o) {
    done.fn(done.ud, &(brrr_reply){.status = BRRR_E_NOMEM});
    return;
  }
  *o = (order){.redis = r, .pops = p, .type = e->type, .done = done};
  o->request = (brrr__request){
      .keep = is_get, .fn = is_get ? on_popped : on_reply, .ud = o};
  brrr_status s =
      brrr__redis_command(&o->request.command, &o->request.len, &r->key, e);
  if (s != BRRR_OK) {
    const brrr_reply reply = without_reply(s, brrr_status_text(s));
    order_end(o, &reply);
    return;
  }
  if (is_get)
    p->count++;
  brrr__link_send(is_get ? &p->link : &r->commands, &o->request);
}

brrr_backend brrr_redis_backend(brrr_redis *r) {
  return (brrr_backend){.submit = submit, .self = r, .wake = wake};
}

const char *brrr_redis_error(const brrr_redis *r) { return r->words; }

brrr_status brrr_redis_new(brrr_redis **out, brrr_alloc alloc,
                           struct uv_loop_s *loop,
                           const brrr_redis_options *options) {
  brrr_redis *r = brrr__alloc(alloc, NULL, 0, sizeof *r);
  if (!r)
    return BRRR_E_NOMEM;
  *r = (brrr_redis){.alloc = alloc, .loop = loop, .key.alloc = alloc};
  brrr_status s = brrr__redis_url_parse(&r->url, alloc, options->url);
  if (s != BRRR_OK) {
    brrr__alloc(alloc, r, sizeof *r, 0);
    return s;
  }
  uv_timer_init(loop, &r->timer);
  r->timer.data = r;
  on_handle_opened(r);
  link_open(r, &r->commands, false);
  *out = r;
  return BRRR_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
  on_handle_closed(handle->data);
}

void brrr_redis_close(brrr_redis *r, void (*closed)(void *ud), void *ud) {
  r->closing = true;
  r->closed = closed;
  r->ud = ud;
  for (pops *p = r->pops; p; p = p->next)
    brrr__link_close(&p->link);
  brrr__link_close(&r->commands);
  uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

static void redis_free(brrr_redis *r) {
  brrr_alloc alloc = r->alloc;
  for (pops *p = r->pops, *next; p; p = next) {
    next = p->next;
    if (p->topic)
      brrr__alloc(alloc, p->topic, p->topic_len + 1, 0);
    brrr__alloc(alloc, p, sizeof *p, 0);
  }
  for (order *o = r->free, *next; o; o = next) {
    next = o->next;
    brrr__alloc(alloc, o, sizeof *o, 0);
  }
  brrr__redis_key_free(&r->key);
  brrr__redis_url_free(&r->url, alloc);
  brrr__alloc(alloc, r, sizeof *r, 0);
}
