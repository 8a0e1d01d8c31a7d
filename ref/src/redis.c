/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis.c - L6: queue, store and cache on Redis: who carries which effect out,
 * and the effects that are one command and its reply.
 */
#include <brrr/redis.h>

#include "base.h"
#include "redis_hub.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 5000
#define COMMAND_MS 30000
#define POLL_MS 20000 /* how long a pop may wait */
#define DEAD_AFTER_MS 30000
#define MAX_DELIVERIES 5

static void redis_free(brrr_redis *r);

void brrr__redis_opened(void *redis) { ((brrr_redis *)redis)->handles++; }

void brrr__redis_closed(void *redis) {
  brrr_redis *r = redis;
  if (--r->handles)
    return;
  void (*closed)(void *) = r->closed;
  void *closed_ud = r->ud;
  redis_free(r);
  if (closed)
    closed(closed_ud);
}

void brrr__redis_link_open(brrr_redis *r, brrr__link *l, bool wants_id) {
  const uint32_t answer_ms = r->command_ms + (wants_id ? POLL_MS : 0);
  brrr__link_open(l, &(brrr__link_options){.loop = r->loop,
                                           .alloc = r->alloc,
                                           .url = &r->url,
                                           .wants_id = wants_id,
                                           .connect_ms = r->connect_ms,
                                           .answer_ms = answer_ms,
                                           .log = r->log,
                                           .gather = brrr__reads_gather,
                                           .opened = brrr__redis_opened,
                                           .closed = brrr__redis_closed,
                                           .ud = r});
}

void brrr__redis_failed(brrr_redis *r, brrr_bytes words) {
  (void)snprintf(r->words, sizeof r->words, "%.*s", (int)words.len,
                 words.ptr ? (const char *)words.ptr : "");
}

void brrr__redis_log(const brrr_redis *r, brrr_level level, const char *format,
                     ...) {
  char text[300];
  va_list args;
  if (!r->log.fn)
    return;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  r->log.fn(r->log.ud, level, text);
}

/* ---- orders -------------------------------------------------------------- */

brrr__order *brrr__order_take(brrr_redis *r, brrr_effect_type type,
                              brrr_done done) {
  brrr__order *o = r->free;
  brrr__redis_key key = {.alloc = r->alloc};
  if (o) {
    r->free = o->next;
    key = o->key;
  } else {
    o = brrr__alloc(r->alloc, NULL, 0, sizeof *o);
  }
  if (o)
    *o = (brrr__order){.redis = r, .type = type, .done = done, .key = key};
  return o;
}

void brrr__order_end(brrr__order *o, const brrr_reply *reply) {
  brrr_redis *r = o->redis;
  brrr_done done = o->done;
  if (reply->status < 0)
    brrr__redis_failed(r, reply->value);
  brrr__redis_command_free(o->request.command);
  brrr__reads_forget(o);
  o->next = r->free;
  r->free = o;
  done.fn(done.ud, reply);
}

brrr_reply brrr__reply_made(brrr_status status, const char *words) {
  brrr_reply reply = {.status = status};
  if (status < 0)
    reply.value = brrr_bytes_str(words);
  return reply;
}

static void on_reply(brrr__request *request, const redisReply *answer,
                     const char *words) {
  brrr__order *o = request->ud;
  brrr_reply reply = answer ? brrr__redis_reply(o->type, answer)
                            : brrr__reply_made(BRRR_E_IO, words);
  brrr__order_end(o, &reply);
}

static brrr_status send_command(brrr_redis *r, const brrr_effect *e,
                                brrr_done done) {
  brrr__order *o = brrr__order_take(r, e->type, done);
  if (!o)
    return BRRR_E_NOMEM;
  o->request = (brrr__request){.fn = on_reply, .ud = o};
  brrr_status s = BRRR_CLOSED;
  if (brrr__reads_wants(r, e->type))
    s = brrr__reads_hold(o, e->key);
  if (s == BRRR_OK)
    return BRRR_OK;
  if (s == BRRR_CLOSED)
    s = brrr__redis_command(&o->request.command, &o->request.len, &r->key, e);
  if (s == BRRR_OK) {
    brrr__link_send(&r->commands, &o->request);
  } else {
    const brrr_reply reply = brrr__reply_made(s, brrr_status_text(s));
    brrr__order_end(o, &reply);
  }
  return BRRR_OK;
}

/* ---- the backend --------------------------------------------------------- */

static void submit(void *self, const brrr_effect *e, brrr_done done) {
  brrr_redis *r = self;
  brrr_status s = BRRR_OK;
  if (e->type == BRRR_QUEUE_GET && e->ahead)
    s = brrr__pops_get_ahead(r, e, done);
  else if (e->type == BRRR_QUEUE_GET)
    s = r->is_durable ? brrr__durable_get(r, e, done)
                      : brrr__pops_get(r, e, done);
  else if (e->type == BRRR_QUEUE_ACK ||
           (e->type == BRRR_QUEUE_DEAD && e->receipt.len))
    brrr__durable_settle(r, e, done);
  else
    s = send_command(r, e, done);
  if (s != BRRR_OK)
    done.fn(done.ud, &(brrr_reply){.status = s});
}

static void wake(void *self) {
  brrr__pops_wake(self);
  brrr__durable_wake(self);
}

brrr_backend brrr_redis_backend(brrr_redis *r) {
  return (brrr_backend){.submit = submit,
                        .self = r,
                        .wake = wake,
                        .in_order = true,
                        .get_ahead = !r->is_durable};
}

const char *brrr_redis_error(const brrr_redis *r) { return r->words; }

static uint32_t or_else(uint32_t number, uint32_t otherwise) {
  return number ? number : otherwise;
}

/* [REDIS-31] A random UUID. */
static brrr_status name_worker(brrr_redis *r) {
  uint8_t octets[16];
  char *to = r->worker;
  if (uv_random(NULL, NULL, octets, sizeof octets, 0, NULL))
    return BRRR_E_IO;
  octets[6] = (uint8_t)((octets[6] & 0x0f) | 0x40);
  octets[8] = (uint8_t)((octets[8] & 0x3f) | 0x80);
  for (size_t i = 0; i < sizeof octets; i++)
    to += sprintf(to, "%s%02x",
                  i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", octets[i]);
  return BRRR_OK;
}

brrr_status brrr_redis_new(brrr_redis **out, brrr_alloc alloc,
                           struct uv_loop_s *loop,
                           const brrr_redis_options *options) {
  brrr_redis *r = brrr__alloc(alloc, NULL, 0, sizeof *r);
  if (!r)
    return BRRR_E_NOMEM;
  *r = (brrr_redis){
      .alloc = alloc,
      .loop = loop,
      .key.alloc = alloc,
      .log = options->log,
      .connect_ms = or_else(options->connect_ms, CONNECT_MS),
      .command_ms = or_else(options->command_ms, COMMAND_MS),
      .is_durable = options->durable,
      .dead_after_ms = or_else(options->dead_after_ms, DEAD_AFTER_MS),
      .max_deliveries = or_else(options->max_deliveries, MAX_DELIVERIES)};
  brrr_status s = brrr__redis_url_parse(&r->url, alloc, options->url);
  if (s == BRRR_OK)
    s = name_worker(r);
  if (s != BRRR_OK) {
    brrr__redis_url_free(&r->url, alloc);
    brrr__alloc(alloc, r, sizeof *r, 0);
    return s;
  }
  uv_timer_init(loop, &r->timer);
  r->timer.data = r;
  brrr__redis_opened(r);
  brrr__redis_link_open(r, &r->commands, false);
  *out = r;
  return BRRR_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
  brrr__redis_closed(handle->data);
}

void brrr_redis_close(brrr_redis *r, void (*closed)(void *ud), void *ud) {
  r->closing = true;
  r->closed = closed;
  r->ud = ud;
  brrr__pops_close(r);
  brrr__durable_close(r);
}

void brrr__redis_shut(brrr_redis *r) {
  brrr__link_close(&r->commands);
  uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

static void redis_free(brrr_redis *r) {
  brrr_alloc alloc = r->alloc;
  brrr__pops_free(r);
  brrr__durable_free(r);
  for (brrr__order *o = r->free, *next; o; o = next) {
    next = o->next;
    brrr__redis_key_free(&o->key);
    brrr__alloc(alloc, o, sizeof *o, 0);
  }
  brrr__redis_key_free(&r->key);
  brrr__redis_url_free(&r->url, alloc);
  brrr__alloc(alloc, r, sizeof *r, 0);
}
