/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_faults.c - the Redis backend when something goes wrong: errors,
 * lost connections, a server that dies and comes back, memory that is out.
 */
#include "fixture.h"

#include <stdio.h>

#define GET(hash)                                                              \
  (brrr_effect) { .type = BRRR_STORE_GET, .key = KEY(VALUE, hash) }
#define SET(hash, octets)                                                      \
  (brrr_effect) {                                                              \
    .type = BRRR_STORE_SET, .key = KEY(VALUE, hash), .value = BRRR_LIT(octets) \
  }
#define TAKE(topic)                                                            \
  (brrr_effect) { .type = BRRR_QUEUE_GET, .name = BRRR_LIT(topic) }

static void start(fixture *f, brrr_effect e, answer *a) {
  f->subject.backend.submit(f->subject.backend.self, &e, answer_into(a));
}

static void assert_failed(answer *a, const char *words) {
  assert_int_equal(a->times, 1);
  assert_string_equal(brrr_status_name(a->status), "E_IO");
  assert_true(a->value.len >= strlen(words));
  assert_memory_equal(a->value.ptr, words, strlen(words));
  answer_drop(a);
}

static void expect_failure(fixture *f, brrr_effect e, const char *words) {
  answer a = ask(&f->subject, e);
  assert_failed(&a, words);
  assert_memory_equal(brrr_redis_error(f->redis), words, strlen(words));
}

/* ---- errors that Redis reports ------------------------------------------- */

static void test_wrong_type(void **state) {
  fixture *f = *state;
  const brrr_key key = KEY(VALUE, "list");
  const brrr_bytes x = BRRR_LIT("x");
  const brrr_effect effects[] = {
      {.type = BRRR_STORE_GET, .key = key},
      {.type = BRRR_STORE_CAS, .key = key, .value = x, .expected = x},
      {.type = BRRR_STORE_CAD, .key = key, .expected = x},
      {.type = BRRR_QUEUE_PUT, .name = BRRR_LIT("string"), .value = x},
      {.type = BRRR_QUEUE_GET, .name = BRRR_LIT("string")},
  };
  (void)server_number(&f->server, "RPUSH value/list x");
  freeReplyObject(server_ask(&f->server, "SET string x"));
  freeReplyObject(server_ask(&f->server, "SET brrr_count/r x"));
  assert_string_equal(brrr_redis_error(f->redis), "");
  for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
    expect_failure(f, effects[i], "WRONGTYPE");
  expect_failure(
      f,
      (brrr_effect){.type = BRRR_CACHE_INCR, .name = BRRR_LIT("brrr_count/r")},
      "ERR value is not an integer");
  /* Nothing of that is lasting. */
  expect(&f->subject, SET("h", "v"), BRRR_OK, NULL);
  expect(&f->subject, GET("h"), BRRR_OK, "v");
}

static void test_no_such_effect(void **state) {
  fixture *f = *state;
  expect(&f->subject, (brrr_effect){.type = BRRR_INVOKE}, BRRR_E_MISUSE, NULL);
  const uint8_t x = 'x'; /* never read: it is only said to be that long */
  expect(&f->subject,
         (brrr_effect){.type = BRRR_STORE_SET,
                       .key = KEY(VALUE, "h"),
                       .value = {&x, ((size_t)512 << 20) + 1}},
         BRRR_E_MISUSE, NULL);
}

/* ---- lost connections ---------------------------------------------------- */

static void kill_connections(fixture *f) {
  (void)server_number(&f->server, "CLIENT KILL TYPE normal SKIPME yes");
}

/* What is under way fails, each effect once; what comes later does not. */
static void test_kill_during_commands(void **state) {
  enum { N = 10 };
  fixture *f = *state;
  answer a[N];
  for (int round = 0; round < 5; round++) {
    freeReplyObject(server_ask(&f->server, "CLIENT PAUSE 60000 WRITE"));
    for (size_t i = 0; i < N; i++)
      start(f, SET("h", "v"), &a[i]);
    fixture_until_blocked(f, 1);
    kill_connections(f);
    for (size_t i = 0; i < N; i++) {
      stage_wait(&f->stage, &a[i].times);
      assert_failed(&a[i], "");
    }
    freeReplyObject(server_ask(&f->server, "CLIENT UNPAUSE"));
    expect(&f->subject, SET("h", "v"), BRRR_OK, NULL);
  }
}

/* A get does not notice, and neither do those behind it. */
static void test_kill_during_gets(void **state) {
  enum { N = 3 };
  fixture *f = *state;
  for (int round = 0; round < 5; round++) {
    answer a[N];
    for (size_t i = 0; i < N; i++)
      start(f, TAKE("t"), &a[i]);
    fixture_until_blocked(f, 1);
    kill_connections(f);
    fixture_until_blocked(f, 0);
    fixture_until_blocked(f, 1); /* it asks again */
    (void)server_number(&f->server, "RPUSH t 1 2 3");
    for (size_t i = 0; i < N; i++) {
      stage_wait(&f->stage, &a[i].times);
      assert_int_equal(a[i].status, BRRR_OK);
      assert_int_equal(a[i].value.ptr[0], '1' + i);
      answer_drop(&a[i]);
    }
  }
}

/* ---- a server that is not there ------------------------------------------ */

/* Where there was never a server, everything fails at once. */
static void test_no_server(void **state) {
  fixture *f = *state;
  char url[64];
  (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u", f->server.port);
  server_kill(&f->server);
  brrr_redis *r = fixture_open(f, url);
  const subject s = fixture_subject(f, r);
  for (int round = 0; round < 3; round++) {
    answer set = ask(&s, SET("h", "v")), take = ask(&s, TAKE("t"));
    assert_failed(&set, "Connection refused");
    assert_failed(&take, "Connection refused");
  }
  server_start(&f->server);
  expect(&s, SET("h", "v"), BRRR_OK, NULL);
  fixture_close(f, r);
}

static void test_no_host(void **state) {
  fixture *f = *state;
  brrr_redis *r = fixture_open(f, "redis://no-such-host.invalid");
  const subject s = fixture_subject(f, r);
  answer a = ask(&s, SET("h", "v"));
  assert_failed(&a, "");
  assert_true(strlen(brrr_redis_error(r)) > 0);
  fixture_close(f, r);
}

/* Dies while a command is under way and gets wait; comes back after a while.
 * The command fails, the gets go on. */
static void test_restart(void **state) {
  fixture *f = *state;
  answer first, second, set;
  expect(&f->subject, SET("h", "v"), BRRR_OK, NULL);
  start(f, TAKE("t"), &first);
  start(f, TAKE("t"), &second);
  fixture_until_blocked(f, 1);
  freeReplyObject(server_ask(&f->server, "CLIENT PAUSE 60000 WRITE"));
  start(f, SET("h", "v"), &set);
  fixture_until_blocked(f, 2);
  server_kill(&f->server);
  stage_wait(&f->stage, &set.times);
  assert_failed(&set, "");
  expect_failure(f, SET("h", "v"), "Connection refused");
  stage_run_ms(&f->stage, 300); /* several tries fail */
  assert_int_equal(first.times + second.times, 0);

  server_start(&f->server);
  expect(&f->subject, SET("h", "new"), BRRR_OK, NULL);
  (void)server_number(&f->server, "RPUSH t 1 2");
  stage_wait(&f->stage, &first.times);
  stage_wait(&f->stage, &second.times);
  assert_bytes_str(first.value, "1");
  assert_bytes_str(second.value, "2");
  answer_drop(&first);
  answer_drop(&second);
}

/* A wake, and the end, during an outage. */
static void test_wake_and_close_without_server(void **state) {
  fixture *f = *state;
  answer woken, closed, set;
  start(f, TAKE("t"), &woken);
  fixture_until_blocked(f, 1);
  server_kill(&f->server);
  expect_failure(f, SET("h", "v"), "");
  assert_int_equal(woken.times, 0);
  f->subject.backend.wake(f->redis);
  stage_wait(&f->stage, &woken.times);
  assert_int_equal(woken.status, BRRR_EMPTY);
  answer_drop(&woken);

  start(f, TAKE("t"), &closed);
  start(f, SET("h", "v"), &set);
  fixture_close(f, f->redis);
  f->redis = NULL;
  assert_int_equal(closed.status, BRRR_CLOSED);
  assert_int_equal(set.status, BRRR_E_IO);
  answer_drop(&closed);
  answer_drop(&set);
}

/* A password that is changed during an outage is no reason to wait for one. */
static void test_refused_after_restart(void **state) {
  fixture *f = *state;
  answer get;
  start(f, TAKE("t"), &get);
  fixture_until_blocked(f, 1);
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass secret"));
  freeReplyObject(server_ask(&f->server, "AUTH secret"));
  kill_connections(f);
  stage_wait(&f->stage, &get.times);
  assert_failed(&get, "NOAUTH");
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass %s", ""));
}

/* A server that closes every connection at once. */
typedef struct door {
  uv_tcp_t listener;
  unsigned visitors, closed;
} door;

static void on_gone(uv_handle_t *handle) { free(handle); }

static void on_visitor(uv_stream_t *listener, int status) {
  door *d = listener->data;
  uv_tcp_t *visitor = malloc(sizeof *visitor);
  assert_int_equal(status, 0);
  assert_non_null(visitor);
  assert_int_equal(uv_tcp_init(listener->loop, visitor), 0);
  assert_int_equal(uv_accept(listener, (uv_stream_t *)visitor), 0);
  uv_close((uv_handle_t *)visitor, on_gone);
  d->visitors++;
}

static void on_door_closed(uv_handle_t *handle) {
  ((door *)handle->data)->closed++;
}

/* Each failure in a row is followed by a pause twice as long. */
static void test_pauses(void **state) {
  enum { N = 6 };
  fixture *f = *state;
  door d = {.visitors = 0};
  struct sockaddr_in address;
  int len = sizeof address;
  char url[64];
  assert_int_equal(uv_tcp_init(&f->stage.loop, &d.listener), 0);
  d.listener.data = &d;
  assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
  assert_int_equal(uv_tcp_bind(&d.listener, (struct sockaddr *)&address, 0), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&d.listener, 16, on_visitor), 0);
  assert_int_equal(
      uv_tcp_getsockname(&d.listener, (struct sockaddr *)&address, &len), 0);
  (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u",
                 ntohs(address.sin_port));
  brrr_redis *r = fixture_open(f, url);
  const subject s = fixture_subject(f, r);
  const uint64_t before = uv_hrtime();
  for (unsigned i = 0; i < N; i++) {
    answer a = ask(&s, SET("h", "v"));
    assert_failed(&a, "");
  }
  /* 10 + 20 + 40 + 80 + 160 ms, less a quarter at most */
  assert_true(uv_hrtime() - before >= 225000000u);
  fixture_close(f, r);
  assert_int_equal(d.visitors, N);
  uv_close((uv_handle_t *)&d.listener, on_door_closed);
  stage_wait(&f->stage, &d.closed);
}

/* ---- memory -------------------------------------------------------------- */

/* hiredis takes its memory from malloc: only ours fails here. */
static void sweep_once(heap *h, void *ud) {
  fixture *f = ud;
  brrr_redis *r;
  if (brrr_redis_new(&r, heap_alloc(h), &f->stage.loop,
                     &(brrr_redis_options){.url = f->server.url}) != BRRR_OK) {
    assert_true(h->fail_at > 0);
    return;
  }
  const subject s = fixture_subject(f, r);
  answer a[] = {ask(&s, SET("h", "v")), ask(&s, GET("h")),
                ask(&s, (brrr_effect){.type = BRRR_QUEUE_PUT,
                                      .name = BRRR_LIT("t"),
                                      .value = BRRR_LIT("x")})};
  unsigned failed = 0;
  for (size_t i = 0; i < 3; i++) {
    failed += a[i].status < 0;
    answer_drop(&a[i]);
  }
  if (a[2].status == BRRR_OK) {
    answer take = ask(&s, TAKE("t"));
    failed += take.status < 0;
    answer_drop(&take);
  }
  assert_int_equal(failed, h->fail_at > 0);
  fixture_close(f, r);
  freeReplyObject(server_ask(&f->server, "DEL t"));
}

static void test_allocation_failures(void **state) {
  heap_sweep(sweep_once, *state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_wrong_type),
      TEST(test_no_such_effect),
      TEST(test_kill_during_commands),
      TEST(test_kill_during_gets),
      TEST(test_no_server),
      TEST(test_no_host),
      TEST(test_restart),
      TEST(test_wake_and_close_without_server),
      TEST(test_refused_after_restart),
      TEST(test_pauses),
      TEST(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
