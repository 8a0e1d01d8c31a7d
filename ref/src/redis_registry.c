/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_registry.c - L6: the durable queue: the worker in the registry of a
 * topic, its list, and the lists of dead workers.
 *
 *             answer                 a connection is lost
 *   syncing ---------> synced, beats ---------------------> not synced
 *      ^                                                       |
 *      '------ a get, an acknowledgement, or the next beat ----'
 *
 * While it is not synced nothing is popped or acknowledged.
 */
#include "base.h"
#include "redis_durable.h"
#include "redis_script.h"

#include <stdio.h>
#include <string.h>

#define REAP_LIMIT "100" /* messages at once; they wait in memory */
#define STRAYS 4         /* heartbeats, until the list is looked through */
#define NOT_NOW_MS 100   /* after an answer that says so */
#define LEAVE_MS 2000    /* a close takes no longer */
#define BEATS 4          /* within the dead time [REDIS-33] [QUEUE-14] */

static brrr_bytes worker_name(const brrr__durable *d) {
  return brrr_bytes_str(d->redis->worker);
}

/* ---- list and table ------------------------------------------------------ */

/* Message, how often delivered again, and so on. */
static const redisReply *message_at(const redisReply *answer, size_t i,
                                    int64_t *again) {
  const redisReply *m = answer->element[i], *n = answer->element[i + 1];
  if (m->type != REDIS_REPLY_STRING || n->type != REDIS_REPLY_INTEGER)
    return NULL;
  *again = n->integer;
  return m;
}

/* [REDIS-37] */
static void compare(brrr__durable *d, const redisReply *answer) {
  int64_t again;
  size_t found = 0;
  brrr__held_begin(&d->held);
  for (size_t i = 0; i + 1 < answer->elements; i += 2) {
    const redisReply *m = message_at(answer, i, &again);
    if (!m)
      continue;
    const brrr_bytes octets = {(const uint8_t *)m->str, m->len};
    if (!brrr__held_knows(&d->held, octets) &&
        brrr__durable_adopt(d, octets, again) == BRRR_OK) {
      (void)brrr__held_knows(&d->held, octets);
      found++;
    }
  }
  brrr__held_end(&d->held);
  if (found)
    brrr__redis_log(d->redis, BRRR_INFO,
                    "topic %.*s: %zu messages whose delivery was cut off",
                    (int)d->key[KEY_TOPIC].len,
                    (const char *)d->key[KEY_TOPIC].ptr, found);
}

static void on_nudge(uv_timer_t *timer) {
  brrr__durable *d = timer->data;
  brrr__durable_pump(d);
}

static void not_synced(brrr__durable *d, const redisReply *answer) {
  if (brrr__redis_not_now(answer) && d->was_synced)
    uv_timer_start(&d->nudge, on_nudge, NOT_NOW_MS, 0);
  else
    brrr__durable_fail(d, BRRR_E_IO, answer->str);
}

static void on_synced(brrr__request *request, const redisReply *answer,
                      const char *words) {
  brrr__durable *d = request->ud;
  d->syncing = false;
  if (!answer) {
    brrr__durable_lost(d, words);
    return;
  }
  if (answer->type != REDIS_REPLY_ARRAY) {
    not_synced(d, answer);
    return;
  }
  compare(d, answer);
  if (d->was_synced) /* the others may be coming back as well */
    d->reap_at = uv_now(d->redis->loop) + d->redis->dead_after_ms / 2;
  d->synced = d->was_synced = true;
  d->strays = 0;
  brrr__durable_pump(d);
}

void brrr__durable_sync(brrr__durable *d) {
  const brrr_bytes args[] = {worker_name(d)};
  if (d->syncing || d->redis->closing)
    return;
  if (d->popping) { /* the end of the pop belongs to what is compared */
    brrr__durable_unblock(d);
    return;
  }
  d->syncing = true;
  d->sync = (brrr__request){.fn = on_synced, .ud = d};
  if (brrr__durable_eval(d, &d->redis->commands, &d->sync, brrr__script_sync,
                         args, 1) == BRRR_OK)
    return;
  d->syncing = false;
  brrr__durable_fail(d, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
}

/* ---- heartbeats: a timer of their own [QUEUE-14] ------------------------- */

/* Answers that are on their way explain a list that is too long once, and not
 * again and again. */
static void look_for_strays(brrr__durable *d, long long length) {
  if (length <= (long long)d->held.total)
    d->strays = 0;
  else if (++d->strays >= STRAYS) {
    d->synced = false;
    d->down_at = uv_now(d->redis->loop);
    brrr__durable_sync(d);
  }
}

static void on_beat(brrr__request *request, const redisReply *answer,
                    const char *words) {
  brrr__durable *d = request->ud;
  size_t reaped = 0;
  int64_t again;
  d->beating = false;
  if (!answer) {
    brrr__durable_lost(d, words);
    return;
  }
  if (answer->type != REDIS_REPLY_ARRAY || !answer->elements) {
    if (answer->type == REDIS_REPLY_ERROR)
      brrr__redis_log(d->redis, BRRR_WARN, "heartbeat: %s", answer->str);
    return;
  }
  look_for_strays(d, answer->element[0]->integer);
  for (size_t i = 1; i + 1 < answer->elements; i += 2) {
    const redisReply *m = message_at(answer, i, &again);
    if (m &&
        brrr__durable_adopt(d, (brrr_bytes){(const uint8_t *)m->str, m->len},
                            again) == BRRR_OK)
      reaped++;
  }
  if (reaped)
    brrr__redis_log(d->redis, BRRR_INFO,
                    "topic %.*s: %zu messages of dead workers taken over",
                    (int)d->key[KEY_TOPIC].len,
                    (const char *)d->key[KEY_TOPIC].ptr, reaped);
  brrr__durable_pump(d);
}

static void on_tick(uv_timer_t *timer) {
  brrr__durable *d = timer->data;
  brrr_redis *r = d->redis;
  char dead[24], limit[24];
  if (!d->synced) {
    if (d->was_synced)
      brrr__durable_sync(d);
    return;
  }
  if (d->beating)
    return;
  bool reaps = !d->ready && uv_now(r->loop) >= d->reap_at;
  (void)snprintf(dead, sizeof dead, "%u", r->dead_after_ms);
  (void)snprintf(limit, sizeof limit, "%u", r->max_deliveries - 1);
  const brrr_bytes args[] = {
      worker_name(d),
      brrr_bytes_str(dead),
      brrr_bytes_str(limit),
      {d->key[KEY_LIST].ptr, d->prefix},
      BRRR_LIT("its workers die: delivered too often [REDIS-38]"),
      brrr_bytes_str(reaps ? REAP_LIMIT : "0")};
  d->beat = (brrr__request){.fn = on_beat, .ud = d};
  d->beating = true;
  if (brrr__durable_eval(d, &r->commands, &d->beat, brrr__script_beat, args,
                         6) != BRRR_OK)
    d->beating = false;
}

void brrr__durable_start_beating(brrr__durable *d) {
  const uint64_t period = d->redis->dead_after_ms / BEATS;
  uv_timer_start(&d->timer, on_tick, period, period ? period : 1);
}

/* ---- the end ------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle) {
  brrr__durable *d = handle->data;
  brrr__redis_closed(d->redis);
}

static void finish(brrr__durable *d) {
  brrr_redis *r = d->redis;
  if (d->closed)
    return;
  d->closed = true;
  brrr__link_close(&d->link);
  uv_close((uv_handle_t *)&d->timer, on_timer_closed);
  uv_close((uv_handle_t *)&d->nudge, on_timer_closed);
  for (const brrr__durable *other = r->durable; other; other = other->next)
    if (!other->closed)
      return;
  brrr__redis_shut(r);
}

static void on_deadline(uv_timer_t *timer) { finish(timer->data); }

static void on_left(brrr__request *request, const redisReply *answer,
                    const char *words) {
  (void)answer;
  (void)words;
  finish(request->ud);
}

/* A pop that still waits could bring a message to a list that nobody knows: so
 * it comes to its end first [REDIS-36]. */
void brrr__durable_leave(brrr__durable *d) {
  const brrr_bytes args[] = {worker_name(d)};
  if (d->closed || d->leaving)
    return;
  if (!d->synced && !d->syncing) {
    finish(d);
    return;
  }
  uv_timer_start(&d->timer, on_deadline, LEAVE_MS, 0);
  if (d->syncing)
    return;
  if (d->popping) {
    brrr__durable_unblock(d);
    return;
  }
  d->leaving = true;
  d->leave = (brrr__request){.fn = on_left, .ud = d};
  if (brrr__durable_eval(d, &d->redis->commands, &d->leave, brrr__script_leave,
                         args, 1) != BRRR_OK)
    finish(d);
}
