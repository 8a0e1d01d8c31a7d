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
#include "redis_command.h"
#include "redis_loop.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define LATE_MS 50 /* for answers that came while the loop was busy */
#define MIN_PAUSE_MS 10
#define MAX_PAUSE_MS 1000

static void on_timer(uv_timer_t *timer);

static brrr__request *take_held(brrr__link *l) {
  brrr__request *list = l->held;
  l->held = NULL;
  l->held_end = &l->held;
  return list;
}

void brrr__link_open(brrr__link *l, const brrr__link_options *options) {
  *l = (brrr__link){.options = *options};
  (void)take_held(l);
  uv_timer_init(options->loop, &l->timer);
  l->timer.data = l;
  options->opened(options->ud);
}

static void end_unsent(brrr__request *r, const char *words) {
  if (!r->keep) {
    brrr__redis_command_free(r->command);
    r->command = NULL;
  }
  r->fn(r, NULL, words);
}

static void end_list(brrr__request *list, const char *words) {
  while (list) {
    brrr__request *r = list;
    list = r->next;
    end_unsent(r, words);
  }
}

void brrr__link_abandon(brrr__link *l, const char *words) {
  brrr__request *held = take_held(l), *list = l->head;
  l->head = l->tail = NULL;
  end_list(held, words);
  end_list(list, words);
}

/* No line of it has a password. */
static void log_about(const brrr__link *l, brrr_level level, const char *what,
                      const char *words) {
  const brrr__redis_url *url = l->options.url;
  char text[300], port[16] = "";
  if (!l->options.log.fn)
    return;
  if (!url->path)
    (void)snprintf(port, sizeof port, ":%u", url->port);
  (void)snprintf(text, sizeof text, "redis %s%s: %s%s%s",
                 url->path ? url->path : url->host, port, what,
                 words ? ": " : "", words ? words : "");
  l->options.log.fn(l->options.log.ud, level, text);
}

static void forget_addresses(brrr__link *l) {
  uv_freeaddrinfo(l->found);
  l->found = l->next_address = NULL;
}

/* 10 ms, doubled up to 1 s, give or take a quarter, so that a fleet does not
 * come back in step. */
static uint64_t pause_ms(unsigned failures) {
  uint64_t pause = MAX_PAUSE_MS;
  uint8_t chance = 128;
  if (failures < 7)
    pause = (uint64_t)MIN_PAUSE_MS << failures;
  (void)uv_random(NULL, NULL, &chance, sizeof chance, 0, NULL);
  return pause - pause / 4 + pause * chance / 511;
}

/* A try has failed, or the connection is gone. `words` may lie in the context
 * that goes with it. */
static void lost(brrr__link *l, const char *words) {
  uint64_t now = uv_now(l->options.loop);
  if (!l->closing)
    log_about(l, BRRR_WARN,
              l->up        ? "connection lost"
              : l->refused ? "login refused"
                           : "no connection",
              words);
  if (l->up && !l->put_off)
    l->lost_at = now;
  (void)snprintf(l->why, sizeof l->why, "%s", words);
  l->ac = NULL;
  l->up = l->trying = l->late = false;
  l->owed = 0;
  l->not_before = now + pause_ms(l->failures++);
  forget_addresses(l);
  uv_timer_stop(&l->timer);
  brrr__link_abandon(l, words); /* nothing is sent again [REDIS-24] */
}

/* The same, where hiredis does not know of it yet. */
static void drop(brrr__link *l, const char *words) {
  redisAsyncContext *ac = l->ac;
  lost(l, words);
  if (ac)
    redisAsyncFree(ac);
}

/* Whoever asked hears it when the connection is gone already, and may ask again
 * at once. UNBLOCKED is about one pop, and no other. */
static void heard(brrr__link *l, const redisReply *reply) {
  l->owed -= l->owed > 0;
  l->heard_at = uv_now(l->options.loop);
  l->late = false;
  if (!brrr__redis_not_now(reply)) {
    l->failures = 0;
    l->put_off = false;
  } else if (strncmp(reply->str, "UNBLOCKED", 9) != 0) {
    drop(l, reply->str);
    l->put_off = true;
  }
}

static void on_reply(redisAsyncContext *ac, void *reply, void *ud) {
  brrr__request *r = ud;
  brrr__link *l = r->link;
  if (l->ac == ac && reply)
    heard(l, reply);
  else if (l->ac == ac) /* the first of those that were under way */
    lost(l, ac->err ? ac->errstr : "connection closed");
  r->fn(r, reply, l->why);
}

static void expect_answer(brrr__link *l) {
  if (l->owed++ == 0)
    l->heard_at = uv_now(l->options.loop);
  if (!uv_is_active((uv_handle_t *)&l->timer))
    uv_timer_start(&l->timer, on_timer, l->options.answer_ms, 0);
}

static void submit(brrr__link *l, brrr__request *r) {
  static const char words[] = "hiredis takes no more commands";
  if (redisAsyncFormattedCommand(l->ac, on_reply, r, r->command, r->len) !=
      REDIS_OK) {
    drop(l, words);
    end_unsent(r, words);
    return;
  }
  expect_answer(l);
  if (!r->keep) {
    brrr__redis_command_free(r->command);
    r->command = NULL;
  }
}

static void go_up(brrr__link *l) {
  l->up = l->was_up = true;
  l->trying = false;
  forget_addresses(l);
  uv_timer_stop(&l->timer);
  log_about(l, BRRR_INFO, "connected", NULL);
  while (l->head && l->up) {
    brrr__request *r = l->head;
    l->head = r->next;
    if (!l->head)
      l->tail = NULL;
    submit(l, r);
  }
  if (l->up && l->held)
    brrr__redis_loop_expect(l->ac);
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

static bool dial_found(brrr__link *l);

static void on_connect(const redisAsyncContext *ac, int status) {
  brrr__link *l = ac->data;
  if (l->ac != ac)
    return;
  if (status == REDIS_OK) {
    if (!l->options.url->path)
      (void)redisEnableKeepAlive(&l->ac->c);
    greet(l);
    return;
  }
  l->ac = NULL;
  if (!dial_found(l))
    lost(l, ac->c.errstr);
}

static void on_disconnect(const redisAsyncContext *ac, int status) {
  brrr__link *l = ac->data;
  if (l->ac == ac) /* nothing was under way */
    lost(l, status == REDIS_OK ? "connection closed" : ac->errstr);
}

static void before_write(redisAsyncContext *ac) {
  brrr__link *l = ac->data;
  if (l->ac == ac && l->held)
    l->options.gather(l->options.ud, take_held(l));
}

/* Begins to connect to a path, or to an address in figures; what is wrong is
 * told in `words`. */
static bool dial(brrr__link *l, const char *address, char words[128]) {
  const brrr__redis_url *url = l->options.url;
  redisAsyncContext *ac = url->path
                              ? redisAsyncConnectUnix(url->path)
                              : redisAsyncConnect(address, (int)url->port);
  brrr_status s = ac && ac->err ? BRRR_E_IO : BRRR_E_NOMEM;
  if (ac && !ac->err)
    s = brrr__redis_loop_attach(ac, l->options.loop, l->options.alloc,
                                before_write, l->options.closed, l->options.ud);
  if (s != BRRR_OK) {
    (void)snprintf(words, 128, "%s",
                   ac && ac->err ? ac->errstr : brrr_status_text(s));
    if (ac)
      redisAsyncFree(ac);
    return false;
  }
  l->options.opened(l->options.ud);
  l->ac = ac;
  ac->data = l;
  redisAsyncSetConnectCallback(ac, on_connect);
  redisAsyncSetDisconnectCallback(ac, on_disconnect);
  return true;
}

/* Tries the next of the addresses that were found; false if none is left. */
static bool dial_found(brrr__link *l) {
  while (l->next_address) {
    char text[64], words[128];
    const struct sockaddr *a = l->next_address->ai_addr;
    l->next_address = l->next_address->ai_next;
    int bad = a->sa_family == AF_INET6
                  ? uv_ip6_name((const struct sockaddr_in6 *)(const void *)a,
                                text, sizeof text)
                  : uv_ip4_name((const struct sockaddr_in *)(const void *)a,
                                text, sizeof text);
    if (!bad && dial(l, text, words))
      return true;
  }
  return false;
}

static void on_found(uv_getaddrinfo_t *lookup, int status,
                     struct addrinfo *found) {
  brrr__link *l = lookup->data;
  l->looking = false;
  if (!l->trying) { /* too late */
    uv_freeaddrinfo(found);
  } else if (status) {
    lost(l, uv_strerror(status));
  } else {
    l->found = l->next_address = found;
    if (!dial_found(l))
      lost(l, "no address can be used");
  }
  l->options.closed(l->options.ud);
}

static void look_up(brrr__link *l) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                 .ai_socktype = SOCK_STREAM};
  if (l->looking) /* still, for the try before */
    return;
  l->lookup.data = l;
  int status = uv_getaddrinfo(l->options.loop, &l->lookup, on_found,
                              l->options.url->host, NULL, &hints);
  if (status) {
    lost(l, uv_strerror(status));
    return;
  }
  l->looking = true;
  l->options.opened(l->options.ud);
}

static bool is_address(const char *host) {
  struct in6_addr any;
  return uv_inet_pton(AF_INET, host, &any) == 0 ||
         uv_inet_pton(AF_INET6, host, &any) == 0;
}

static void connect_now(brrr__link *l) {
  const brrr__redis_url *url = l->options.url;
  char words[128];
  l->trying = true;
  l->refused = false;
  uv_timer_start(&l->timer, on_timer, l->options.connect_ms, 0);
  if (!url->path && !is_address(url->host))
    look_up(l);
  else if (!dial(l, url->host, words))
    lost(l, words);
}

/* Once more, since the loop may have been busy while the answer came. */
static void check_answers(brrr__link *l) {
  const uint64_t silent = uv_now(l->options.loop) - l->heard_at;
  if (!l->owed)
    return;
  if (silent < l->options.answer_ms) {
    uv_timer_start(&l->timer, on_timer, l->options.answer_ms - silent, 0);
  } else if (!l->late) {
    l->late = true;
    uv_timer_start(&l->timer, on_timer, LATE_MS, 0);
  } else {
    drop(l, "no answer before the deadline");
  }
}

static void on_timer(uv_timer_t *timer) {
  brrr__link *l = timer->data;
  if (l->trying)
    drop(l, "no connection before the deadline");
  else if (l->up)
    check_answers(l);
  else if (l->head || l->held)
    connect_now(l);
}

static void want_connection(brrr__link *l) {
  if (l->ac || uv_is_active((uv_handle_t *)&l->timer))
    return;
  uint64_t now = uv_now(l->options.loop);
  if (now >= l->not_before)
    connect_now(l);
  else
    uv_timer_start(&l->timer, on_timer, l->not_before - now, 0);
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
  want_connection(l);
}

bool brrr__link_hold(brrr__link *l, brrr__request *r) {
  if (l->closing)
    return false;
  r->link = l;
  r->next = NULL;
  *l->held_end = r;
  l->held_end = &r->next;
  if (l->up)
    brrr__redis_loop_expect(l->ac);
  else
    want_connection(l);
  return true;
}

static void on_closed(uv_handle_t *handle) {
  brrr__link *l = handle->data;
  l->options.closed(l->options.ud);
}

void brrr__link_close(brrr__link *l) {
  l->closing = true;
  drop(l, "closed");
  if (l->looking)
    (void)uv_cancel((uv_req_t *)&l->lookup);
  uv_close((uv_handle_t *)&l->timer, on_closed);
}
