/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis.c - the Redis backend over a real server: the contract, what lies
 * in Redis then, and logging in. What goes wrong is in test_redis_faults.c.
 */
#include "fixture.h"

#include <stdio.h>

#define GET(hash)                                                              \
  (brrr_effect) { .type = BRRR_STORE_GET, .key = KEY(VALUE, hash) }
#define SET(hash, octets)                                                      \
  (brrr_effect) {                                                              \
    .type = BRRR_STORE_SET, .key = KEY(VALUE, hash), .value = BRRR_LIT(octets) \
  }
#define PUT(topic, message)                                                    \
  (brrr_effect) {                                                              \
    .type = BRRR_QUEUE_PUT, .name = BRRR_LIT(topic),                           \
    .value = BRRR_LIT(message)                                                 \
  }
#define TAKE(topic)                                                            \
  (brrr_effect) { .type = BRRR_QUEUE_GET, .name = BRRR_LIT(topic) }

static void start(fixture *f, brrr_effect e, answer *a) {
  f->subject.backend.submit(f->subject.backend.self, &e, answer_into(a));
}

static void test_contract(void **state) {
  const fixture *f = *state;
  contract_store(&f->subject);
  contract_store_odd(&f->subject);
  contract_cache(&f->subject);
  contract_queue(&f->subject);
}

/* [REC-30], and more than that. */
static void test_sizes(void **state) {
  const fixture *f = *state;
  contract_size(&f->subject, 1);
  contract_size(&f->subject, ((size_t)17 << 20) + 1);
}

/* A server that forgets its scripts does no harm. */
static void test_script_flush(void **state) {
  fixture *f = *state;
  const brrr_effect cas = {.type = BRRR_STORE_CAS,
                           .key = KEY(VALUE, "h"),
                           .value = BRRR_LIT("1"),
                           .expected = BRRR_LIT("1")};
  expect(&f->subject, SET("h", "1"), BRRR_OK, NULL);
  for (int i = 0; i < 3; i++) {
    expect(&f->subject, cas, BRRR_OK, NULL);
    freeReplyObject(server_ask(&f->server, "SCRIPT FLUSH"));
  }
}

static void assert_string(fixture *f, const char *key, const char *octets) {
  redisReply *r = server_ask(&f->server, "GET %s", key);
  assert_int_equal(r->type, REDIS_REPLY_STRING);
  assert_bytes_str(((brrr_bytes){(uint8_t *)r->str, r->len}), octets);
  freeReplyObject(r);
  /* [REDIS-11] [REDIS-23] */
  assert_int_equal(server_number(&f->server, "TTL %s", key), -1);
}

/* [REDIS-1] [REDIS-3] [REDIS-10] [REDIS-20] [REDIS-21] */
static void test_what_lies_in_redis(void **state) {
  fixture *f = *state;
  expect(&f->subject,
         (brrr_effect){.type = BRRR_STORE_SET,
                       .key = KEY(CALL, "h"),
                       .value = BRRR_LIT("c")},
         BRRR_OK, NULL);
  expect(&f->subject,
         (brrr_effect){.type = BRRR_STORE_SET_NEW,
                       .key = KEY(PENDING_RETURNS, "h"),
                       .value = BRRR_LIT("p")},
         BRRR_OK, NULL);
  expect(&f->subject, SET("h", "v"), BRRR_OK, NULL);
  expect(
      &f->subject,
      (brrr_effect){.type = BRRR_CACHE_INCR, .name = BRRR_LIT("brrr_count/r")},
      BRRR_OK, NULL);
  expect(&f->subject, PUT("topic", "1"), BRRR_OK, NULL);
  expect(&f->subject, PUT("topic", "2"), BRRR_OK, NULL);
  assert_string(f, "call/h", "c");
  assert_string(f, "pending_returns/h", "p");
  assert_string(f, "value/h", "v");
  assert_string(f, "brrr_count/r", "1");
  redisReply *r = server_ask(&f->server, "LRANGE topic 0 -1");
  assert_int_equal(r->elements, 2);
  assert_string_equal(r->element[0]->str, "1");
  assert_string_equal(r->element[1]->str, "2");
  freeReplyObject(r);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 5);
}

/* ---- raw commands -------------------------------------------------------- */

typedef struct heard {
  unsigned times;
  brrr_status status;
  int64_t number;
  size_t count;
  char text[64];
} heard;

/* Keeps what is at the top, or in the last element. */
static void on_heard(void *ud, brrr_status status, const brrr_redis_answer *a) {
  heard *h = ud;
  h->times++;
  h->status = status;
  if (!a)
    return;
  h->count = brrr_redis_answer_count(a);
  if (h->count)
    a = brrr_redis_answer_at(a, h->count - 1);
  h->number = brrr_redis_answer_number(a);
  brrr_bytes text = brrr_redis_answer_text(a);
  if (text.ptr)
    (void)snprintf(h->text, sizeof h->text, "%.*s", (int)text.len,
                   (const char *)text.ptr);
  else
    (void)snprintf(h->text, sizeof h->text, "(none)");
}

static heard say(fixture *f, size_t count, const char *const *words) {
  heard h = {0};
  brrr_bytes args[8];
  for (size_t i = 0; i < count; i++)
    args[i] = brrr_bytes_str(words[i]);
  brrr_redis_do(f->redis, args, count, on_heard, &h);
  stage_wait(&f->stage, &h.times);
  assert_int_equal(h.times, 1);
  return h;
}

static void test_raw_commands(void **state) {
  fixture *f = *state;
  heard h = say(f, 4, (const char *[]){"RPUSH", "l", "a", "b c"});
  assert_int_equal(h.status, BRRR_OK);
  assert_int_equal(h.number, 2);
  assert_int_equal(h.count, 0);
  assert_string_equal(h.text, "(none)");
  h = say(f, 4, (const char *[]){"LRANGE", "l", "0", "-1"});
  assert_int_equal(h.count, 2);
  assert_string_equal(h.text, "b c");
  h = say(f, 1, (const char *[]){"PING"});
  assert_string_equal(h.text, "PONG");
  h = say(f, 2, (const char *[]){"GET", "nothing"});
  assert_int_equal(h.status, BRRR_OK);
  assert_string_equal(h.text, "(none)");
  h = say(f, 2, (const char *[]){"GET", "l"});
  assert_int_equal(h.status, BRRR_E_IO);
  assert_memory_equal(brrr_redis_error(f->redis), "WRONGTYPE", 9);
  h = say(f, 0, NULL);
  assert_int_equal(h.status, BRRR_E_MISUSE);
  server_kill(&f->server);
  h = say(f, 1, (const char *[]){"PING"});
  assert_int_equal(h.status, BRRR_E_IO);
}

/* [STORE-3] between connections: of many who expect the same, one is done. */
static void test_atomic_between_clients(void **state) {
  enum { CLIENTS = 4, ROUNDS = 50 };
  fixture *f = *state;
  brrr_redis *r[CLIENTS];
  for (size_t i = 0; i < CLIENTS; i++)
    r[i] = fixture_open(f, f->server.url);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const uint8_t before = (uint8_t)round, after = (uint8_t)(round + 1);
    brrr_effect e = {.type = round ? BRRR_STORE_CAS : BRRR_STORE_SET_NEW,
                     .key = KEY(VALUE, "h"),
                     .value = {&after, 1},
                     .expected = {&before, 1}};
    answer a[CLIENTS];
    unsigned done = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
      const brrr_backend b = brrr_redis_backend(r[i]);
      b.submit(b.self, &e, answer_into(&a[i]));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
      stage_wait(&f->stage, &a[i].times);
      done += a[i].status == BRRR_OK;
      assert_true(a[i].status == BRRR_OK || a[i].status == BRRR_MISMATCH);
      answer_drop(&a[i]);
    }
    assert_int_equal(done, 1);
  }
  for (size_t i = 0; i < CLIENTS; i++)
    fixture_close(f, r[i]);
}

static long long connections(fixture *f) {
  redisReply *r = server_ask(&f->server, "CLIENT LIST");
  long long n = 0;
  for (const char *at = r->str; (at = strchr(at, '\n')); at++)
    n++;
  freeReplyObject(r);
  return n - 1; /* the test's own */
}

/* However much is under way: one connection, and one for each topic that is
 * waited for; those are used again for other topics. */
static void test_connections(void **state) {
  enum { N = 1000 };
  fixture *f = *state;
  answer *a = calloc(N, sizeof *a);
  assert_non_null(a);
  for (size_t i = 0; i < N; i++)
    start(f, PUT("t", "x"), &a[i]);
  for (size_t i = 0; i < N; i++) {
    stage_wait(&f->stage, &a[i].times);
    assert_int_equal(a[i].status, BRRR_OK);
    answer_drop(&a[i]);
  }
  assert_int_equal(connections(f), 1);
  for (size_t i = 0; i < N; i++)
    start(f, TAKE("t"), &a[i]);
  for (size_t i = 0; i < N; i++) {
    stage_wait(&f->stage, &a[i].times);
    assert_bytes_str(a[i].value, "x");
    answer_drop(&a[i]);
  }
  assert_int_equal(connections(f), 2);
  expect(&f->subject, PUT("u", "x"), BRRR_OK, NULL);
  expect(&f->subject, TAKE("u"), BRRR_OK, "x");
  assert_int_equal(connections(f), 2);
  start(f, TAKE("t"), &a[0]);
  start(f, TAKE("u"), &a[1]);
  fixture_until_blocked(f, 2);
  assert_int_equal(connections(f), 3);
  f->subject.backend.wake(f->redis);
  for (size_t i = 0; i < 2; i++) {
    stage_wait(&f->stage, &a[i].times);
    answer_drop(&a[i]);
  }
  free(a);
}

/* ---- the end of waiting -------------------------------------------------- */

static void test_wake(void **state) {
  enum { N = 20 };
  fixture *f = *state;
  answer a[N], other;
  for (size_t i = 0; i < N; i++)
    start(f, TAKE("t"), &a[i]);
  start(f, TAKE("u"), &other);
  fixture_until_blocked(f, 2);
  const uint64_t before = uv_hrtime();
  f->subject.backend.wake(f->redis);
  for (size_t i = 0; i < N; i++) {
    stage_wait(&f->stage, &a[i].times);
    assert_int_equal(a[i].status, BRRR_EMPTY);
    answer_drop(&a[i]);
  }
  stage_wait(&f->stage, &other.times);
  assert_int_equal(other.status, BRRR_EMPTY);
  answer_drop(&other);
  assert_true(uv_hrtime() - before < 2000000000u);
  /* Whoever asks afterwards waits as ever. */
  start(f, TAKE("t"), &other);
  fixture_until_blocked(f, 1);
  assert_int_equal(other.times, 0);
  expect(&f->subject, PUT("t", "x"), BRRR_OK, NULL);
  stage_wait(&f->stage, &other.times);
  assert_bytes_str(other.value, "x");
  answer_drop(&other);
}

/* Whenever the wake comes: what the gets do not bring is still on the queue. */
static void test_wake_loses_nothing(void **state) {
  enum { N = 4, ROUNDS = 300 };
  fixture *f = *state;
  unsigned pushed = 0, popped = 0, empty = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    answer a[N];
    for (size_t i = 0; i < N; i++)
      start(f, TAKE("t"), &a[i]);
    for (unsigned turn = 0; turn < round % 5; turn++)
      uv_run(&f->stage.loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < round % (N + 2); i++, pushed++)
      (void)server_number(&f->server, "RPUSH t x");
    f->subject.backend.wake(f->redis);
    for (size_t i = 0; i < N; i++) {
      stage_wait(&f->stage, &a[i].times);
      assert_true(a[i].status == BRRR_OK || a[i].status == BRRR_EMPTY);
      popped += a[i].status == BRRR_OK;
      empty += a[i].status == BRRR_EMPTY;
      answer_drop(&a[i]);
    }
  }
  assert_int_equal(popped + server_number(&f->server, "LLEN t"), pushed);
  assert_true(popped > 0);
  assert_true(empty > 0);
}

static void test_close_is_immediate(void **state) {
  fixture *f = *state;
  answer get, set;
  start(f, TAKE("t"), &get);
  fixture_until_blocked(f, 1);
  freeReplyObject(server_ask(&f->server, "CLIENT PAUSE 60000 WRITE"));
  start(f, SET("h", "v"), &set);
  fixture_until_blocked(f, 2);
  const uint64_t before = uv_hrtime();
  fixture_close(f, f->redis);
  f->redis = NULL;
  freeReplyObject(server_ask(&f->server, "CLIENT UNPAUSE"));
  assert_true(uv_hrtime() - before < 2000000000u);
  assert_int_equal(get.times, 1);
  assert_int_equal(get.status, BRRR_CLOSED);
  assert_int_equal(set.times, 1);
  assert_int_equal(set.status, BRRR_E_IO);
  answer_drop(&get);
  answer_drop(&set);
}

static void test_close_before_anything(void **state) {
  fixture *f = *state;
  answer a[2];
  brrr_redis *r = fixture_open(f, f->server.url);
  fixture_close(f, r);
  start(f, SET("h", "v"), &a[0]); /* connecting has begun */
  start(f, TAKE("t"), &a[1]);
  fixture_close(f, f->redis);
  f->redis = NULL;
  assert_int_equal(a[0].status, BRRR_E_IO);
  assert_int_equal(a[1].status, BRRR_CLOSED);
  answer_drop(&a[0]);
  answer_drop(&a[1]);
}

/* ---- logging in ---------------------------------------------------------- */

/* One get and one command over `url`; `words` begin what both fail with, or
 * NULL if they do not fail. */
static void log_in(fixture *f, const char *login, const char *db,
                   const char *words) {
  char url[128];
  (void)snprintf(url, sizeof url, "redis://%s127.0.0.1:%u%s", login,
                 f->server.port, db);
  brrr_redis *r = fixture_open(f, url);
  const subject s = fixture_subject(f, r);
  answer set = ask(&s, SET("h", "v")), put = ask(&s, PUT("t", "m")),
         take = ask(&s, TAKE("t"));
  answer *all[] = {&set, &put, &take};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(all[i]->status, words ? BRRR_E_IO : BRRR_OK);
    if (words) {
      assert_memory_equal(all[i]->value.ptr, words, strlen(words));
      assert_memory_equal(brrr_redis_error(r), words, strlen(words));
    }
    answer_drop(all[i]);
  }
  fixture_close(f, r);
}

static void test_database(void **state) {
  fixture *f = *state;
  log_in(f, "", "/3", NULL);
  assert_int_equal(server_number(&f->server, "EXISTS value/h"), 0);
  freeReplyObject(server_ask(&f->server, "SELECT 3"));
  assert_int_equal(server_number(&f->server, "EXISTS value/h"), 1);
  freeReplyObject(server_ask(&f->server, "SELECT 0"));
  log_in(f, "", "/99", "ERR DB index is out of range");
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

static void test_login(void **state) {
  fixture *f = *state;
  freeReplyObject(server_ask(
      &f->server, "ACL SETUSER me on >%s allkeys allcommands", "s p/@"));
  freeReplyObject(server_ask(
      &f->server, "ACL SETUSER poor on >pw allkeys allcommands -client"));
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass secret"));
  freeReplyObject(server_ask(&f->server, "AUTH secret"));
  log_in(f, "", "", "NOAUTH");
  log_in(f, ":wrong@", "", "WRONGPASS");
  log_in(f, ":secret@", "", NULL);
  log_in(f, ":secret@", "/3", NULL);
  log_in(f, "me:wrong@", "", "WRONGPASS");
  log_in(f, "me:s%20p%2f%40@", "", NULL);
  log_in(f, "poor:pw@", "", NULL); /* without CLIENT ID it works as well */
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass %s", ""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_contract),
      TEST(test_sizes),
      TEST(test_script_flush),
      TEST(test_what_lies_in_redis),
      TEST(test_raw_commands),
      TEST(test_atomic_between_clients),
      TEST(test_connections),
      TEST(test_wake),
      TEST(test_wake_loses_nothing),
      TEST(test_close_is_immediate),
      TEST(test_close_before_anything),
      TEST(test_database),
      TEST(test_login),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
