/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_link.c - L6: one connection to Redis that comes back.
 *
 *            send                 connected              logged in
 *     down ---------> connecting -----------> greeting -----------> up
 *      ^ ^               |                       |                   |
 *      | '---------------'-----------------------'-------------------'
 *      '--- pause after a failure: 10 ms, doubled up to 1 s, until a reply
 * comes
 */
#include "redis_link.h"

#include "base.h"
#include "redis_loop.h"

#include <stdio.h>

#define CONNECT_MS 5000
#define MIN_PAUSE_MS 10
#define MAX_PAUSE_MS 1000

static void on_timer(uv_timer_t *timer);

void brrr__link_open(brrr__link *l, const brrr__link_options *options) {
  *l = (brrr__link){.options = *options};
  uv_timer_init(options->loop, &l->timer);
  l->timer.data = l;
  options->opened(options->ud);
}

static void end_unsent(brrr__request *r, const char *words) {
  if (!r->keep) {
    redisFreeCommand(r->command);
    r->command = NULL;
  }
  r->fn(r, NULL, words);
}

void brrr__link_abandon(brrr__link *l, const char *words) {
  brrr__request *list = l->head;
  l->head = l->tail = NULL;
  while (list) {
    brrr__request *r = list;
    list = r->next;
    end_unsent(r, words);
  }
}

/* A try has failed, or the connection is gone. `words` may lie in the context
 * that goes with it. */
static void lost(brrr__link *l, const char *words) {
  uint64_t now = uv_now(l->options.loop);
  uint64_t pause = MAX_PAUSE_MS;
  if (l->failures < 7)
    pause = (uint64_t)MIN_PAUSE_MS << l->failures;
  if (l->up)
    l->lost_at = now;
  l->ac = NULL;
  l->up = false;
  l->failures++;
  l->not_before = now + pause;
  uv_timer_stop(&l->timer);
  brrr__link_abandon(l, words);
}

/* The same, where hiredis does not know of it yet. */
static void drop(brrr__link *l, const char *words) {
  redisAsyncContext *ac = l->ac;
  lost(l, words);
  if (ac)
    redisAsyncFree(ac);
}

static void on_reply(redisAsyncContext *ac, void *reply, void *ud) {
  brrr__request *r = ud;
  brrr__link *l = r->link;
  const char *words = ac->err ? ac->errstr : "connection closed";
  if (reply)
    l->failures = 0;
  else if (l->ac == ac) /* the first of those that were under way */
    lost(l, words);
  r->fn(r, reply, words);
}

static void submit(brrr__link *l, brrr__request *r) {
  static const char words[] = "hiredis takes no more commands";
  if (redisAsyncFormattedCommand(l->ac, on_reply, r, r->command, r->len) !=
      REDIS_OK) {
    drop(l, words);
    end_unsent(r, words);
  } else if (!r->keep) {
    redisFreeCommand(r->command);
    r->command = NULL;
  }
}

static void go_up(brrr__link *l) {
  l->up = l->was_up = true;
  uv_timer_stop(&l->timer);
  while (l->head && l->up) {
    brrr__request *r = l->head;
    l->head = r->next;
    if (!l->head)
      l->tail = NULL;
    submit(l, r);
  }
}

/* ---- logging in ---------------------------------------------------------- */

/* Whether the connection is still there. */
static bool answered(brrr__link *l, const redisAsyncContext *ac,
                     const redisReply *reply) {
  if (l->ac != ac) /* lost in the meantime */
    return false;
  if (reply)
    return true;
  lost(l, ac->err ? ac->errstr : "connection closed");
  return false;
}

static void greeted(brrr__link *l) {
  if (--l->greetings == 0)
    go_up(l);
}

static void on_login(redisAsyncContext *ac, void *answer, void *ud) {
  brrr__link *l = ud;
  const redisReply *reply = answer;
  if (!answered(l, ac, reply))
    return;
  l->refused = reply->type == REDIS_REPLY_ERROR;
  if (l->refused)
    drop(l, reply->str);
  else
    greeted(l);
}

/* A server that does not tell is no reason to go without it. */
static void on_id(redisAsyncContext *ac, void *answer, void *ud) {
  brrr__link *l = ud;
  const redisReply *reply = answer;
  if (!answered(l, ac, reply))
    return;
  l->id = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
  greeted(l);
}

static void say(brrr__link *l, redisCallbackFn *fn, int argc,
                const brrr_bytes *words) {
  const char *argv[3];
  size_t len[3];
  for (int i = 0; i < argc; i++) {
    argv[i] = (const char *)words[i].ptr;
    len[i] = words[i].len;
  }
  if (redisAsyncCommandArgv(l->ac, fn, l, argc, argv, len) == REDIS_OK)
    l->greetings++;
}

static void greet(brrr__link *l) {
  const brrr__redis_url *url = l->options.url;
  char db[16];
  l->greetings = 0;
  if (url->user.len)
    say(l, on_login, 3,
        (brrr_bytes[]){BRRR_LIT("AUTH"), url->user, url->password});
  else if (url->password.len)
    say(l, on_login, 2, (brrr_bytes[]){BRRR_LIT("AUTH"), url->password});
  if (url->db) {
    (void)snprintf(db, sizeof db, "%u", url->db);
    say(l, on_login, 2, (brrr_bytes[]){BRRR_LIT("SELECT"), brrr_bytes_str(db)});
  }
  if (l->options.wants_id)
    say(l, on_id, 2, (brrr_bytes[]){BRRR_LIT("CLIENT"), BRRR_LIT("ID")});
  if (l->greetings == 0)
    go_up(l);
}

/* ---- connecting ---------------------------------------------------------- */

static void on_connect(const redisAsyncContext *ac, int status) {
  brrr__link *l = ac->data;
  if (l->ac != ac)
    return;
  if (status != REDIS_OK) {
    lost(l, ac->c.errstr);
    return;
  }
  (void)redisEnableKeepAlive(&l->ac->c);
  greet(l);
}

static void on_disconnect(const redisAsyncContext *ac, int status) {
  brrr__link *l = ac->data;
  if (l->ac == ac) /* nothing was under way */
    lost(l, status == REDIS_OK ? "connection closed" : ac->errstr);
}

static void connect_now(brrr__link *l) {
  const brrr__redis_url *url = l->options.url;
  redisAsyncContext *ac = redisAsyncConnect(url->host, (int)url->port);
  if (!ac) {
    lost(l, brrr_status_text(BRRR_E_NOMEM));
    return;
  }
  brrr_status s = BRRR_E_IO;
  if (!ac->err)
    s = brrr__redis_loop_attach(ac, l->options.loop, l->options.alloc,
                                l->options.closed, l->options.ud);
  if (s != BRRR_OK) {
    lost(l, ac->err ? ac->errstr : brrr_status_text(s));
    redisAsyncFree(ac);
    return;
  }
  l->options.opened(l->options.ud);
  l->ac = ac;
  ac->data = l;
  redisAsyncSetConnectCallback(ac, on_connect);
  redisAsyncSetDisconnectCallback(ac, on_disconnect);
  uv_timer_start(&l->timer, on_timer, CONNECT_MS, 0);
}

static void on_timer(uv_timer_t *timer) {
  brrr__link *l = timer->data;
  if (l->ac)
    drop(l, "no connection before the deadline");
  else if (l->head)
    connect_now(l);
}

void brrr__link_send(brrr__link *l, brrr__request *r) {
  r->link = l;
  r->next = NULL;
  if (l->closing) {
    end_unsent(r, "closed");
    return;
  }
  if (l->up) {
    submit(l, r);
    return;
  }
  if (l->head)
    l->tail->next = r;
  else
    l->head = r;
  l->tail = r;
  if (l->ac || uv_is_active((uv_handle_t *)&l->timer))
    return;
  uint64_t now = uv_now(l->options.loop);
  if (now >= l->not_before)
    connect_now(l);
  else
    uv_timer_start(&l->timer, on_timer, l->not_before - now, 0);
}

static void on_closed(uv_handle_t *handle) {
  brrr__link *l = handle->data;
  l->options.closed(l->options.ud);
}

void brrr__link_close(brrr__link *l) {
  l->closing = true;
  drop(l, "closed");
  uv_close((uv_handle_t *)&l->timer, on_closed);
}
