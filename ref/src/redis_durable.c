/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_durable.c - L6: the durable queue: gets, and how their messages come.
 *
 * One pop at a time blocks, however many gets wait, so that no pop can still be
 * waiting on the server long after its worker was taken for dead [REDIS-36];
 * before it in the same batch, a script takes what there is for the others.
 * Pops and gets are not tied to each other: whatever comes first, popped or
 * reaped, goes to whoever has waited longest.
 */
#include "redis_durable.h"
#include "base.h"
#include "redis_reason.h"
#include "redis_script.h"

#include <stdio.h>
#include <string.h>

#define OUTAGE_MS 20000 /* a get outlives this long without a server */
#define UNBLOCK_MS 2    /* between two tries to end a pop */
#define NOT_NOW_MS 100  /* after an answer that says so */

/* ---- gets and messages --------------------------------------------------- */

static void waiting_end(brrr__durable *d, const brrr_reply *reply) {
  brrr__waiting *w = d->waiting;
  brrr_done done = w->done;
  d->waiting = w->next;
  if (!d->waiting)
    d->waiting_end = &d->waiting;
  d->count--;
  d->asked -= d->asked > 0;
  d->woken -= d->woken > 0;
  brrr__alloc(d->redis->alloc, w, sizeof *w, 0);
  if (reply->status < 0)
    brrr__redis_failed(d->redis, reply->value);
  done.fn(done.ud, reply);
}

/* Those that wait now, and not those that come because of it. */
static void end_first(brrr__durable *d, size_t count, brrr_status status,
                      const char *words) {
  for (; count && d->waiting; count--) {
    const brrr_reply reply = brrr__reply_made(status, words);
    waiting_end(d, &reply);
  }
}

void brrr__durable_fail(brrr__durable *d, brrr_status status,
                        const char *words) {
  end_first(d, d->count, status, words);
}

/* The receipt says what an acknowledgement has to do. */
static void deliver(brrr__durable *d) {
  brrr__ready *m = d->ready;
  d->ready = m->next;
  if (!d->ready)
    d->ready_end = &d->ready;
  const brrr_reply reply = {.value = {m->octets, m->len},
                            .num = m->again,
                            .receipt =
                                m->again ? BRRR_LIT("r") : BRRR_LIT("n")};
  waiting_end(d, &reply);
  brrr__alloc(d->redis->alloc, m, sizeof *m + m->len, 0);
}

brrr_status brrr__durable_adopt(brrr__durable *d, brrr_bytes message,
                                int64_t again) {
  brrr__ready *m =
      brrr__alloc(d->redis->alloc, NULL, 0, sizeof *m + message.len);
  if (!m)
    return BRRR_E_NOMEM;
  if (brrr__held_add(&d->held, message) != BRRR_OK) {
    brrr__alloc(d->redis->alloc, m, sizeof *m + message.len, 0);
    return BRRR_E_NOMEM;
  }
  *m = (brrr__ready){.again = again, .len = message.len};
  if (message.len)
    memcpy(m->octets, message.ptr, message.len);
  *d->ready_end = m;
  d->ready_end = &m->next;
  return BRRR_OK;
}

/* ---- commands ------------------------------------------------------------ */

brrr_status brrr__durable_eval(brrr__durable *d, brrr__link *link,
                               brrr__request *request, const char *script,
                               const brrr_bytes *args, size_t count) {
  brrr_bytes all[3 + KEYS + 6];
  all[0] = BRRR_LIT("EVAL");
  all[1] = brrr_bytes_str(script);
  all[2] = BRRR_LIT("5");
  memcpy(all + 3, d->key, sizeof d->key);
  memcpy(all + 3 + KEYS, args, count * sizeof *args);
  brrr_status s = brrr__redis_format(&request->command, &request->len,
                                     d->redis->alloc, all, 3 + KEYS + count);
  if (s == BRRR_OK)
    brrr__link_send(link, request);
  return s;
}

static void on_nudge(uv_timer_t *timer) {
  brrr__durable *d = timer->data;
  brrr__durable_unblock(d);
  brrr__durable_pump(d);
}

/* The reply to CLIENT UNBLOCK: 0 if the pop has not reached Redis yet, or its
 * message is on its way to us. */
static void on_unblocked(brrr__request *request, const redisReply *answer,
                         const char *words) {
  brrr__durable *d = request->ud;
  d->unblocking = false;
  if (!answer)
    brrr__durable_lost(d, words);
  else if (answer->type == REDIS_REPLY_INTEGER && d->popping && !d->closed)
    uv_timer_start(&d->nudge, on_nudge, UNBLOCK_MS, 0);
}

void brrr__durable_unblock(brrr__durable *d) {
  bool wanted = d->woke || !d->synced || !d->count || d->redis->closing;
  brrr__request *request = &d->unblock;
  if (!wanted || !d->popping || d->unblocking || !d->link.up || !d->link.id ||
      brrr__redis_unblock(&request->command, &request->len, d->link.id) !=
          BRRR_OK)
    return;
  d->unblocking = true;
  brrr__link_send(&d->redis->commands, request);
}

/* ---- pops ---------------------------------------------------------------- */

void brrr__durable_lost(brrr__durable *d, const char *words) {
  brrr_redis *r = d->redis;
  const uint64_t now = uv_now(r->loop);
  if (d->synced)
    d->down_at = now;
  d->synced = false;
  if (r->closing) {
    brrr__durable_leave(d);
    return;
  }
  const brrr__link *l = &r->commands;
  if (d->was_synced && !l->refused && now - d->down_at < OUTAGE_MS)
    brrr__durable_pump(d);
  else
    brrr__durable_fail(d, BRRR_E_IO, words);
}

/* Whether the answer of a pop is a good one. */
static bool is_good(brrr__durable *d, const redisReply *answer,
                    const char *words) {
  char text[256];
  d->popping--;
  if (!answer) {
    brrr__durable_lost(d, words);
    return false;
  }
  if (answer->type != REDIS_REPLY_ERROR)
    return true;
  if (brrr__redis_not_now(answer)) {
    uv_timer_start(&d->nudge, on_nudge, NOT_NOW_MS, 0);
    return false;
  }
  bool old = strstr(answer->str, "unknown command") ||
             strstr(answer->str, "Unknown Redis command");
  (void)snprintf(text, sizeof text, "%s%s",
                 old ? "a durable queue needs Redis 6.2: " : "", answer->str);
  brrr__durable_fail(d, BRRR_E_IO, text);
  return false;
}

static void keep(brrr__durable *d, const redisReply *message) {
  if (message->type != REDIS_REPLY_STRING)
    return;
  /* Without memory it stays in the list alone: the next comparison finds it. */
  if (brrr__durable_adopt(
          d, (brrr_bytes){(uint8_t *)message->str, message->len}, 0) != BRRR_OK)
    d->strays++;
}

static void on_taken(brrr__request *request, const redisReply *answer,
                     const char *words) {
  brrr__durable *d = request->ud;
  if (!is_good(d, answer, words))
    return;
  for (size_t i = 0; answer->type == REDIS_REPLY_ARRAY && i < answer->elements;
       i++)
    keep(d, answer->element[i]);
  brrr__durable_pump(d);
}

static void on_popped(brrr__request *request, const redisReply *answer,
                      const char *words) {
  brrr__durable *d = request->ud;
  bool woke = d->woke;
  d->woke = false;
  if (is_good(d, answer, words)) {
    keep(d, answer);
    if (answer->type == REDIS_REPLY_NIL && !woke && d->synced)
      d->woken = d->asked; /* they have waited for 20 s */
  }
  while (d->ready && d->waiting)
    deliver(d);
  end_first(d, d->woken, BRRR_EMPTY, NULL);
  d->woken = 0;
  brrr__durable_pump(d);
}

/* [REDIS-30] */
static void pop(brrr__durable *d) {
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%zu", d->count - 1);
  const brrr_bytes count = brrr_bytes_str(digits);
  const brrr_bytes move[] = {BRRR_LIT("BLMOVE"), d->key[KEY_TOPIC],
                             d->key[KEY_LIST],   BRRR_LIT("LEFT"),
                             BRRR_LIT("RIGHT"),  BRRR_LIT("20")};
  brrr__request *request = &d->pop;
  if (brrr__redis_format(&request->command, &request->len, d->redis->alloc,
                         move, 6) != BRRR_OK) {
    brrr__durable_fail(d, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
    return;
  }
  d->asked = d->count;
  d->popping++; /* both: what is sent may be answered at once */
  if (d->count > 1) {
    d->popping++;
    if (brrr__durable_eval(d, &d->link, &d->take, brrr__script_take, &count,
                           1) != BRRR_OK)
      d->popping--; /* the pop will do */
  }
  brrr__link_send(&d->link, request);
}

void brrr__durable_pump(brrr__durable *d) {
  while (d->ready && d->waiting)
    deliver(d);
  if (d->redis->closing) {
    brrr__durable_leave(d);
  } else if (d->popping) {
    brrr__durable_unblock(d);
  } else if (d->waiting && !uv_is_active((uv_handle_t *)&d->nudge)) {
    if (d->synced)
      pop(d);
    else
      brrr__durable_sync(d);
  }
}

/* ---- topics -------------------------------------------------------------- */

static uint8_t *append(uint8_t *to, brrr_bytes in) {
  if (in.len)
    memcpy(to, in.ptr, in.len);
  return to + in.len;
}

static uint8_t *name(brrr_bytes *out, uint8_t *at, const char *before,
                     brrr_bytes topic, const char *after) {
  uint8_t *to = append(at, brrr_bytes_str(before));
  to = append(to, topic);
  to = append(to, brrr_bytes_str(after));
  *out = (brrr_bytes){at, (size_t)(to - at)};
  return to;
}

static bool name_keys(brrr__durable *d, brrr_bytes topic) {
  d->names_size = KEYS * (topic.len + 64);
  d->names = brrr__alloc(d->redis->alloc, NULL, 0, d->names_size);
  if (!d->names)
    return false;
  char worker[48];
  (void)snprintf(worker, sizeof worker, "}:%s", d->redis->worker);
  uint8_t *at = name(&d->key[KEY_TOPIC], d->names, "", topic, "");
  at = name(&d->key[KEY_LIST], at, "brrr:inflight:{", topic, worker);
  at = name(&d->key[KEY_WORKERS], at, "brrr:workers:{", topic, "}");
  at = name(&d->key[KEY_ATTEMPTS], at, "brrr:attempts:{", topic, "}");
  (void)name(&d->key[KEY_DEAD], at, "brrr:dead:{", topic, "}");
  d->prefix = d->key[KEY_LIST].len - strlen(d->redis->worker);
  return true;
}

static brrr__durable *topic_new(brrr_redis *r, brrr_bytes topic) {
  brrr__durable *d = brrr__alloc(r->alloc, NULL, 0, sizeof *d);
  if (!d)
    return NULL;
  *d = (brrr__durable){.redis = r, .next = r->durable};
  if (!name_keys(d, topic)) {
    brrr__alloc(r->alloc, d, sizeof *d, 0);
    return NULL;
  }
  d->waiting_end = &d->waiting;
  d->ready_end = &d->ready;
  d->pop = (brrr__request){.fn = on_popped, .ud = d};
  d->take = (brrr__request){.fn = on_taken, .ud = d};
  d->unblock = (brrr__request){.fn = on_unblocked, .ud = d};
  brrr__held_init(&d->held, r->alloc);
  brrr__redis_link_open(r, &d->link, true);
  uv_timer_init(r->loop, &d->timer);
  uv_timer_init(r->loop, &d->nudge);
  d->timer.data = d->nudge.data = d;
  brrr__redis_opened(r);
  brrr__redis_opened(r);
  brrr__durable_start_beating(d);
  r->durable = d;
  return d;
}

static brrr__durable *topic_find(brrr_redis *r, brrr_bytes topic) {
  brrr__durable *d = r->durable;
  while (d && !brrr_bytes_equal(d->key[KEY_TOPIC], topic))
    d = d->next;
  return d;
}

brrr_status brrr__durable_get(brrr_redis *r, const brrr_effect *e,
                              brrr_done done) {
  brrr__durable *d = topic_find(r, e->name);
  if (r->closing) {
    done.fn(done.ud, &(brrr_reply){.status = BRRR_CLOSED});
    return BRRR_OK;
  }
  if (!d)
    d = topic_new(r, e->name);
  brrr__waiting *w = d ? brrr__alloc(r->alloc, NULL, 0, sizeof *w) : NULL;
  if (!w)
    return BRRR_E_NOMEM;
  *w = (brrr__waiting){.done = done};
  *d->waiting_end = w;
  d->waiting_end = &w->next;
  d->count++;
  brrr__durable_pump(d);
  return BRRR_OK;
}

void brrr__durable_wake(brrr_redis *r) {
  for (brrr__durable *d = r->durable; d; d = d->next) {
    d->woken = d->count;
    if (d->popping) {
      d->woke = true;
      brrr__durable_unblock(d);
    } else {
      end_first(d, d->woken, BRRR_EMPTY, NULL);
    }
  }
}

/* ---- acknowledgements ---------------------------------------------------- */

typedef struct settling {
  brrr__request request;
  brrr__durable *topic;
  brrr_done done;
  size_t len;
  uint8_t message[];
} settling;

static void on_settled(brrr__request *request, const redisReply *answer,
                       const char *words) {
  settling *s = request->ud;
  brrr__durable *d = s->topic;
  brrr_done done = s->done;
  bool ok = answer && answer->type == REDIS_REPLY_INTEGER;
  if (ok)
    brrr__held_remove(&d->held, (brrr_bytes){s->message, s->len});
  brrr__alloc(d->redis->alloc, s, sizeof *s + s->len, 0);
  const brrr_reply reply = brrr__reply_made(
      ok ? BRRR_OK : BRRR_E_IO, answer && !ok ? answer->str : words);
  if (!ok)
    brrr__redis_failed(d->redis, reply.value);
  if (!answer)
    brrr__durable_lost(d, words);
  done.fn(done.ud, &reply);
}

static brrr_status settle(brrr__durable *d, settling *s, const brrr_effect *e) {
  brrr__link *link = &d->redis->commands;
  char reason[BRRR__REASON_MAX];
  brrr_bytes args[] = {e->value, {(uint8_t *)reason, 0}};
  if (e->type == BRRR_QUEUE_DEAD) {
    args[1].len = brrr__redis_reason(reason, e);
    return brrr__durable_eval(d, link, &s->request, brrr__script_dead, args, 2);
  }
  if (!brrr_bytes_equal(e->receipt, BRRR_LIT("n"))) /* [REDIS-34] */
    return brrr__durable_eval(d, link, &s->request, brrr__script_ack, args, 1);
  const brrr_bytes plain[] = {BRRR_LIT("LREM"), d->key[KEY_LIST], BRRR_LIT("1"),
                              e->value};
  brrr_status status = brrr__redis_format(&s->request.command, &s->request.len,
                                          d->redis->alloc, plain, 4);
  if (status == BRRR_OK)
    brrr__link_send(link, &s->request);
  return status;
}

/* After a lost connection nobody knows whether an acknowledgement was done, and
 * a second one would hit another message with the same octets. So nothing is
 * acknowledged before list and table have been compared. */
void brrr__durable_settle(brrr_redis *r, const brrr_effect *e, brrr_done done) {
  brrr__durable *d = topic_find(r, e->name);
  brrr_reply reply = brrr__reply_made(BRRR_E_MISUSE, "no such receipt");
  if (d && !d->synced && !r->closing) {
    brrr__durable_sync(d);
    reply = brrr__reply_made(BRRR_E_IO, "the connection was lost");
  } else if (d && brrr__held_is_settled(&d->held, e->value)) {
    reply = brrr__reply_made(BRRR_OK, NULL);
  } else if (d) {
    settling *s = brrr__alloc(r->alloc, NULL, 0, sizeof *s + e->value.len);
    reply = brrr__reply_made(BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
    if (s) {
      *s = (settling){.topic = d, .done = done, .len = e->value.len};
      s->request = (brrr__request){.fn = on_settled, .ud = s};
      (void)append(s->message, e->value);
      if (settle(d, s, e) == BRRR_OK)
        return;
      brrr__alloc(r->alloc, s, sizeof *s + s->len, 0);
    }
  }
  done.fn(done.ud, &reply);
}

/* ---- the end ------------------------------------------------------------- */

void brrr__durable_close(brrr_redis *r) {
  if (!r->durable)
    brrr__redis_shut(r);
  for (brrr__durable *d = r->durable; d; d = d->next) {
    brrr__durable_fail(d, BRRR_CLOSED, NULL);
    uv_timer_stop(&d->nudge);
    brrr__durable_leave(d);
  }
}

void brrr__durable_free(brrr_redis *r) {
  for (brrr__durable *d = r->durable, *next; d; d = next) {
    next = d->next;
    for (brrr__ready *m = d->ready, *after; m; m = after) {
      after = m->next;
      brrr__alloc(r->alloc, m, sizeof *m + m->len, 0);
    }
    brrr__held_free(&d->held);
    brrr__alloc(r->alloc, d->names, d->names_size, 0);
    brrr__alloc(r->alloc, d, sizeof *d, 0);
  }
}
