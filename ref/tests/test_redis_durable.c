/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_durable.c - the durable queue: what is in flight, acknowledged,
 * reaped and set aside, over a real server.
 */
#include "fixture.h"

#include <stdio.h>

#define DEAD_MS 200u

/* A get or another effect, and how it ended. */
typedef struct taken {
  unsigned times;
  brrr_status status;
  char value[64], receipt[8];
  size_t receipt_len;
  int64_t num;
} taken;

static void on_taken(void *ud, const brrr_reply *reply) {
  taken *t = ud;
  t->times++;
  t->status = reply->status;
  t->num = reply->num;
  t->receipt_len = reply->receipt.len;
  assert_true(reply->receipt.len < sizeof t->receipt);
  if (reply->receipt.len)
    memcpy(t->receipt, reply->receipt.ptr, reply->receipt.len);
  (void)snprintf(t->value, sizeof t->value, "%.*s", (int)reply->value.len,
                 reply->value.len ? (const char *)reply->value.ptr : "");
}

static void start(brrr_redis *r, brrr_effect e, taken *t) {
  *t = (taken){0};
  const brrr_backend b = brrr_redis_backend(r);
  b.submit(b.self, &e, (brrr_done){on_taken, t});
}

static void get(brrr_redis *r, taken *t) {
  start(r, (brrr_effect){.type = BRRR_QUEUE_GET, .name = BRRR_LIT("t")}, t);
}

static void until(fixture *f, taken *t, brrr_status status) {
  stage_wait(&f->stage, &t->times);
  assert_int_equal(t->times, 1);
  if (t->status != status)
    fail_msg("%s: %s", brrr_status_name(t->status), t->value);
}

static taken take(fixture *f, brrr_redis *r, const char *value, int64_t num) {
  taken t;
  get(r, &t);
  until(f, &t, BRRR_OK);
  assert_string_equal(t.value, value);
  assert_int_equal(t.num, num);
  assert_true(t.receipt_len > 0);
  return t;
}

static void ack_start(brrr_redis *r, const taken *m, taken *t) {
  start(r,
        (brrr_effect){.type = BRRR_QUEUE_ACK,
                      .name = BRRR_LIT("t"),
                      .value = brrr_bytes_str(m->value),
                      .receipt = {(const uint8_t *)m->receipt, m->receipt_len}},
        t);
}

static void ack(fixture *f, brrr_redis *r, const taken *m) {
  taken t;
  ack_start(r, m, &t);
  until(f, &t, BRRR_OK);
}

static brrr_redis *durable(fixture *f) {
  return fixture_open_with(f, &(brrr_redis_options){.url = f->server.url,
                                                    .durable = true,
                                                    .dead_after_ms = DEAD_MS});
}

/* ---- looking at Redis ---------------------------------------------------- */

static long long keys(fixture *f, const char *pattern) {
  redisReply *r = server_ask(&f->server, "KEYS %s", pattern);
  long long n = (long long)r->elements;
  freeReplyObject(r);
  return n;
}

/* How many messages are in flight, with anybody. */
static long long in_flight(fixture *f) {
  return server_number(
      &f->server, "EVAL %s 0",
      "local n=0 for _,k in ipairs(redis.call('KEYS','brrr:inflight:*')) do "
      "n=n+redis.call('LLEN',k) end return n");
}

typedef struct wish {
  fixture *f;
  const char *command;
  long long number;
} wish;

static bool holds(void *ud) {
  const wish *w = ud;
  uv_run(&w->f->stage.loop, UV_RUN_NOWAIT);
  return server_number(&w->f->server, w->command) == w->number;
}

static void until_number(fixture *f, const char *command, long long number) {
  wish w = {f, command, number};
  const uint64_t before = uv_hrtime();
  while (!holds(&w))
    assert_true(uv_hrtime() - before < 10000000000u);
}

static long long push(fixture *f, const char *message) {
  return server_number(&f->server, "RPUSH t %s", message);
}

/* ---- taking and acknowledging -------------------------------------------- */

static void test_contract(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  const subject s = fixture_subject(f, r);
  contract_store(&s);
  contract_cache(&s);
  contract_queue(&s);
  contract_size(&s, ((size_t)17 << 20) + 1);
  fixture_close(f, r);
}

/* [QUEUE-10] [REDIS-30] [REDIS-32] [REDIS-34] [REDIS-36] */
static void test_in_flight(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  push(f, "a");
  push(f, "b");
  taken a = take(f, r, "a", 0), b = take(f, r, "b", 0);
  assert_int_equal(in_flight(f), 2);
  assert_int_equal(keys(f, "brrr:inflight:{t}:*"), 1);
  assert_int_equal(server_number(&f->server, "ZCARD brrr:workers:{t}"), 1);
  ack(f, r, &a);
  assert_int_equal(in_flight(f), 1);
  ack(f, r, &b);
  assert_int_equal(keys(f, "brrr:*"), 1);
  fixture_close(f, r);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

/* The time in the registry is renewed [REDIS-33]. */
static void test_heartbeat(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f), *other = durable(f);
  taken t, u;
  push(f, "a");
  taken a = take(f, r, "a", 0);
  get(other, &t); /* looks for dead workers all the time */
  stage_run_ms(&f->stage, UINT64_C(3) * DEAD_MS);
  assert_int_equal(t.times, 0);
  ack(f, r, &a);
  get(r, &u);
  brrr_redis_backend(r).wake(r);
  until(f, &u, BRRR_EMPTY);
  fixture_close(f, r);
  push(f, "b");
  until(f, &t, BRRR_OK);
  ack(f, other, &t);
  fixture_close(f, other);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

static void test_many_gets(void **state) {
  enum { N = 500 };
  fixture *f = *state;
  brrr_redis *r = durable(f);
  taken *all = calloc(N, sizeof *all), *acks = calloc(N, sizeof *acks);
  for (size_t i = 0; i < N; i++)
    get(r, &all[i]);
  for (int i = 0; i < N; i++) {
    char text[8];
    (void)snprintf(text, sizeof text, "%d", i / 2);
    push(f, text);
  }
  for (size_t i = 0; i < N; i++)
    until(f, &all[i], BRRR_OK);
  assert_int_equal(in_flight(f), N);
  for (size_t i = 0; i < N; i++)
    ack_start(r, &all[i], &acks[i]);
  for (size_t i = 0; i < N; i++)
    until(f, &acks[i], BRRR_OK);
  free(all);
  free(acks);
  fixture_close(f, r);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

/* However a wake falls, a message is on the queue or with a get. */
static void test_wake_loses_nothing(void **state) {
  enum { N = 4, ROUNDS = 200 };
  fixture *f = *state;
  brrr_redis *r = durable(f);
  unsigned pushed = 0, popped = 0, empty = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    taken a[N];
    for (size_t i = 0; i < N; i++)
      get(r, &a[i]);
    for (unsigned turn = 0; turn < round % 5; turn++)
      uv_run(&f->stage.loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < round % (N + 2); i++, pushed++)
      push(f, "x");
    brrr_redis_backend(r).wake(r);
    for (size_t i = 0; i < N; i++) {
      stage_wait(&f->stage, &a[i].times);
      assert_true(a[i].status == BRRR_OK || a[i].status == BRRR_EMPTY);
      popped += a[i].status == BRRR_OK;
      empty += a[i].status == BRRR_EMPTY;
    }
  }
  assert_int_equal(popped, in_flight(f));
  assert_int_equal(popped + server_number(&f->server, "LLEN t"), pushed);
  assert_true(popped > 0);
  assert_true(empty > 0);
  fixture_close(f, r);
}

/* ---- dead workers -------------------------------------------------------- */

/* [QUEUE-11] [REDIS-35]: what a worker left is delivered again, and counted
 * once however often it held the same message. */
static void test_reaped(void **state) {
  fixture *f = *state;
  brrr_redis *dies = durable(f), *lives = durable(f);
  taken t[3];
  push(f, "same");
  push(f, "same");
  push(f, "other");
  take(f, dies, "same", 0);
  take(f, dies, "same", 0);
  take(f, dies, "other", 0);
  fixture_close(f, dies);
  assert_int_equal(in_flight(f), 3);
  assert_int_equal(server_number(&f->server, "ZCARD brrr:workers:{t}"), 1);
  for (size_t i = 0; i < 3; i++)
    get(lives, &t[i]); /* they wait in a pop meanwhile */
  for (size_t i = 0; i < 3; i++) {
    until(f, &t[i], BRRR_OK);
    assert_int_equal(t[i].num, 1);
  }
  assert_string_equal(t[0].value, "same");
  assert_string_equal(t[2].value, "other");
  assert_int_equal(server_number(&f->server, "HLEN brrr:attempts:{t}"), 2);
  for (size_t i = 0; i < 3; i++)
    ack(f, lives, &t[i]);
  assert_int_equal(server_number(&f->server, "EXISTS brrr:attempts:{t}"), 0);
  assert_int_equal(in_flight(f), 0);
  /* Too young to be forgotten: a pop of its may still wait [REDIS-36]. */
  assert_int_equal(server_number(&f->server, "ZCARD brrr:workers:{t}"), 2);
  fixture_close(f, lives);
}

/* An old one is forgotten; one that lies ahead, after the clock was set back,
 * ages from now on. */
static void test_registry_is_cleaned(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  taken t;
  server_number(&f->server, "ZADD brrr:workers:{t} 1000 old");
  server_number(&f->server, "ZADD brrr:workers:{t} 9999999999999 ahead");
  server_number(&f->server, "RPUSH brrr:inflight:{t}:ahead m");
  get(r, &t);
  until(f, &t, BRRR_OK);
  assert_string_equal(t.value, "m");
  until_number(f, "ZCARD brrr:workers:{t}", 2); /* ahead, and this one */
  ack(f, r, &t);
  fixture_close(f, r);
}

/* [REDIS-38] [REDIS-40] */
static void test_delivered_too_often(void **state) {
  fixture *f = *state;
  push(f, "m");
  for (int i = 0; i < 5; i++) {
    brrr_redis *r = durable(f);
    taken t;
    get(r, &t);
    until(f, &t, BRRR_OK);
    assert_int_equal(t.num, i);
    fixture_close(f, r);
  }
  brrr_redis *r = durable(f);
  taken t;
  get(r, &t);
  until_number(f, "LLEN brrr:dead:{t}", 1);
  assert_int_equal(t.times, 0);
  assert_int_equal(in_flight(f), 0);
  assert_int_equal(server_number(&f->server, "EXISTS brrr:attempts:{t}"), 0);
  redisReply *letter = server_ask(&f->server, "LINDEX brrr:dead:{t} 0");
  assert_non_null(strstr(letter->str, "7:message1:m6:reason47:"));
  assert_memory_equal(letter->str, "d2:ati", 6);
  freeReplyObject(letter);
  fixture_close(f, r);
}

/* ---- dead letters -------------------------------------------------------- */

static brrr_status set_aside(fixture *f, brrr_redis *r, const char *message,
                             brrr_bytes receipt) {
  static const brrr_error error = {BRRR_E_RECORD, 7, "not a list", "REC-20"};
  taken t;
  start(r,
        (brrr_effect){.type = BRRR_QUEUE_DEAD,
                      .name = BRRR_LIT("t"),
                      .value = brrr_bytes_str(message),
                      .receipt = receipt,
                      .error = &error,
                      .detail = BRRR_LIT("\xc3\xa9\xff!")},
        &t);
  stage_wait(&f->stage, &t.times);
  return t.status;
}

static void expect_letter(fixture *f, const char *message) {
  char end[128];
  redisReply *r = server_ask(&f->server, "RPOP brrr:dead:{t}");
  assert_int_equal(r->type, REDIS_REPLY_STRING);
  (void)snprintf(end, sizeof end,
                 "e7:message%zu:%s6:reason31:not a list [REC-20], at 7: "
                 "\xc3\xa9?!e",
                 strlen(message), message);
  assert_true(r->len > strlen(end));
  assert_string_equal(r->str + r->len - strlen(end), end);
  freeReplyObject(r);
}

/* [QUEUE-20] [REDIS-40] */
static void test_dead_letter(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  push(f, "m");
  taken m = take(f, r, "m", 0);
  assert_int_equal(
      set_aside(f, r, "m", (brrr_bytes){(uint8_t *)m.receipt, m.receipt_len}),
      BRRR_OK);
  assert_int_equal(in_flight(f), 0);
  expect_letter(f, "m");
  fixture_close(f, r);
  /* Without a receipt, on either kind of queue. */
  assert_int_equal(set_aside(f, f->redis, "n", (brrr_bytes){0}), BRRR_OK);
  expect_letter(f, "n");
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

/* ---- lost connections ---------------------------------------------------- */

/* Whenever all connections are cut: each message is delivered, and none stays
 * in flight once all are acknowledged [REDIS-37] [QUEUE-13]. */
static void test_cut(void **state) {
  enum { N = 8, ROUNDS = 60 };
  fixture *f = *state;
  brrr_redis *r = durable(f);
  unsigned pushed = 0, delivered = 0, cut_acks = 0;
  taken a[N];
  for (size_t i = 0; i < N; i++)
    get(r, &a[i]);
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < N; i++, pushed++)
      push(f, i % 2 ? "x" : "y");
    if (round % 3)
      (void)server_number(&f->server, "CLIENT KILL TYPE normal SKIPME yes");
    for (size_t i = 0; i < N; i++) {
      taken t;
      until(f, &a[i], BRRR_OK);
      delivered++;
      ack_start(r, &a[i], &t);
      if (round % 3 == 2 && i == 3) {
        uv_run(&f->stage.loop, UV_RUN_NOWAIT);
        (void)server_number(&f->server, "CLIENT KILL TYPE normal SKIPME yes");
      }
      for (;;) {
        stage_wait(&f->stage, &t.times);
        if (t.status == BRRR_OK)
          break;
        cut_acks++;
        stage_run_ms(&f->stage, 5);
        ack_start(r, &a[i], &t);
      }
      get(r, &a[i]);
    }
  }
  assert_int_equal(delivered, pushed);
  assert_true(cut_acks > 0);
  until_number(f, "LLEN t", 0);
  assert_int_equal(in_flight(f), 0);
  brrr_redis_backend(r).wake(r);
  for (size_t i = 0; i < N; i++)
    until(f, &a[i], BRRR_EMPTY);
  fixture_close(f, r);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

/* A message in the list that nobody knows of is found, even without a lost
 * connection: a pop of an old connection may have brought it. */
static void test_stray(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  taken t;
  push(f, "m");
  taken m = take(f, r, "m", 0);
  redisReply *k = server_ask(&f->server, "KEYS brrr:inflight:*");
  server_number(&f->server, "RPUSH %s stray", k->element[0]->str);
  freeReplyObject(k);
  get(r, &t);
  until(f, &t, BRRR_OK);
  assert_string_equal(t.value, "stray");
  ack(f, r, &t);
  ack(f, r, &m);
  assert_int_equal(in_flight(f), 0);
  fixture_close(f, r);
}

/* The server comes back empty: what is in hand is done with as ever. */
static void test_restart_without_data(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  taken t, u;
  push(f, "m");
  taken m = take(f, r, "m", 0);
  get(r, &t);
  server_kill(&f->server);
  stage_run_ms(&f->stage, 50);
  server_start(&f->server);
  do {
    ack_start(r, &m, &u);
    stage_wait(&f->stage, &u.times);
    stage_run_ms(&f->stage, 5);
  } while (u.status != BRRR_OK);
  push(f, "n");
  until(f, &t, BRRR_OK);
  assert_string_equal(t.value, "n");
  ack(f, r, &t);
  fixture_close(f, r);
}

static void test_no_server(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  taken t;
  server_kill(&f->server);
  get(r, &t);
  until(f, &t, BRRR_E_IO);
  get(r, &t);
  fixture_close(f, r);
  assert_int_equal(t.times, 1);
}

/* ---- memory -------------------------------------------------------------- */

static void sweep_once(heap *h, void *ud) {
  fixture *f = ud;
  brrr_redis *r;
  freeReplyObject(server_ask(&f->server, "FLUSHALL"));
  push(f, "m");
  if (brrr_redis_new(&r, heap_alloc(h), &f->stage.loop,
                     &(brrr_redis_options){.url = f->server.url,
                                           .durable = true,
                                           .dead_after_ms = DEAD_MS}) !=
      BRRR_OK) {
    assert_true(h->fail_at > 0);
    return;
  }
  for (int i = 0; i < 3; i++) {
    taken t, u;
    get(r, &t);
    stage_wait(&f->stage, &t.times);
    if (t.status != BRRR_OK)
      continue;
    do {
      ack_start(r, &t, &u);
      stage_wait(&f->stage, &u.times);
    } while (u.status != BRRR_OK);
    break;
  }
  fixture_close(f, r);
  assert_int_equal(server_number(&f->server, "LLEN t"), 0);
  assert_int_equal(in_flight(f), 0);
}

static void test_allocation_failures(void **state) {
  heap_sweep(sweep_once, *state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_contract),
      TEST(test_in_flight),
      TEST(test_heartbeat),
      TEST(test_many_gets),
      TEST(test_wake_loses_nothing),
      TEST(test_reaped),
      TEST(test_registry_is_cleaned),
      TEST(test_delivered_too_often),
      TEST(test_dead_letter),
      TEST(test_cut),
      TEST(test_stray),
      TEST(test_restart_without_data),
      TEST(test_no_server),
      TEST(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
