/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_redis.c - workers over a real Redis, and what they live through.
 */
#include "fixture.h"
#include "scene.h"

#include <stdio.h>

static void begin(scene *s, fixture *f, brrr_redis *r) {
  s->subject = fixture_subject(f, r);
  s->alloc = heap_alloc(&f->heap);
  scene_init(s, &f->stage);
  scene_start(s);
}

static void stop(scene *s) {
  const uint64_t before = uv_hrtime();
  brrr_worker_stop(s->worker);
  scene_end(s, BRRR_OK);
  assert_true(uv_hrtime() - before < 2000000000u); /* no long poll delays it */
  scene_free(s);
}

/* ---- working ------------------------------------------------------------- */

static void test_graph(void **state) {
  fixture *f = *state;
  const uint32_t concurrency[] = {1, 8, 64};
  for (size_t i = 0; i < 3; i++) {
    scene s = {.concurrency = concurrency[i]};
    begin(&s, f, f->redis);
    scene_call(&s, "parent", "join", "abcdefghijklmnop");
    scene_until_value(&s, "parent");
    scene_expect_value(&s, "parent", "abcdefghijklmnop");
    assert_int_equal(s.problem_count, 0);
    stop(&s);
    freeReplyObject(server_ask(&f->server, "FLUSHALL"));
  }
}

/* Two on one connection, and one with its own: each message is handled once. */
static void test_fleet(void **state) {
  enum { N = 500 };
  fixture *f = *state;
  brrr_redis *other = fixture_open(f, f->server.url);
  scene a = {.concurrency = 2}, b = {.concurrency = 3}, c = {.concurrency = 4};
  begin(&a, f, f->redis);
  begin(&b, f, f->redis);
  begin(&c, f, other);
  for (int i = 0; i < N; i++) {
    char hash[8];
    (void)snprintf(hash, sizeof hash, "%d", i);
    scene_call(&a, hash, "echo", hash);
  }
  for (int i = 0; i < N; i++) {
    char hash[8];
    (void)snprintf(hash, sizeof hash, "%d", i);
    scene_until_value(&a, hash);
    scene_expect_value(&a, hash, hash);
  }
  assert_int_equal(a.invocations + b.invocations + c.invocations, N);
  assert_true(c.invocations > 0);
  stop(&a);
  stop(&b);
  stop(&c);
  fixture_close(f, other);
}

/* Two topics through one backend do not wait for each other. */
static void test_topics(void **state) {
  fixture *f = *state;
  scene t = {.concurrency = 2}, u = {.concurrency = 2, .topic = "u /\xc3\xa9"};
  begin(&t, f, f->redis);
  begin(&u, f, f->redis);
  fixture_until_blocked(f, 2);
  scene_call(&u, "h", "echo", "v");
  scene_until_value(&u, "h");
  scene_call(&t, "i", "echo", "v");
  scene_until_value(&t, "i");
  assert_int_equal(t.invocations, 1);
  assert_int_equal(u.invocations, 1);
  stop(&t);
  stop(&u);
}

/* ---- stopping ------------------------------------------------------------ */

/* However the stop falls between Redis and the worker, a message is handled or
 * still on the queue [WORK-7]. */
static void test_stop_loses_nothing(void **state) {
  enum { ROUNDS = 100, N = 6 };
  fixture *f = *state;
  unsigned pushed = 0, handled = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    scene s = {.concurrency = 4,
               .policy = BRRR_GO_ON,
               .no_skip = true,
               .no_merge = true};
    begin(&s, f, f->redis);
    if (round == 0)
      scene_call(&s, "h", "echo", "v"), pushed++;
    for (unsigned turn = 0; turn < round % 7; turn++)
      uv_run(&f->stage.loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < round % N; i++, pushed++)
      (void)server_number(&f->server, "RPUSH t li2e4:root1:he");
    stop(&s);
    handled += s.invocations;
    assert_int_equal(s.problem_count, 0);
  }
  assert_int_equal(handled + server_number(&f->server, "LLEN t"), pushed);
  assert_true(handled > 0);
}

/* ---- what goes wrong ----------------------------------------------------- */

static void test_malformed_octets(void **state) {
  fixture *f = *state;
  scene s = {.policy = BRRR_GO_ON};
  begin(&s, f, f->redis);
  scene_put(&s, BRRR_LIT("\0\xff\r\n"));
  scene_put(&s, BRRR_LIT(""));
  scene_call(&s, "h", "echo", "v");
  scene_until_value(&s, "h");
  assert_int_equal(s.problem_count, 2);
  assert_bytes(s.problems[0].message, BRRR_LIT("\0\xff\r\n"));
  assert_error(&s.problems[0].error, BRRR_E_SYNTAX, "WIRE-15", 0);
  assert_true(s.problems[1].has_message);
  assert_int_equal(s.problems[1].message.len, 0);
  assert_error(&s.problems[1].error, BRRR_E_SYNTAX, "WIRE-12", 0);
  stop(&s);
}

/* Its connections are killed while it waits, again and again: it goes on, and
 * nobody is told. */
static void test_killed_while_waiting(void **state) {
  fixture *f = *state;
  scene s = {.policy = BRRR_STOP, .concurrency = 1};
  begin(&s, f, f->redis);
  for (int i = 0; i < 5; i++) {
    char hash[2] = {(char)('a' + i), '\0'};
    fixture_until_blocked(f, 1);
    (void)server_number(&f->server, "CLIENT KILL TYPE normal SKIPME yes");
    fixture_until_blocked(f, 0);
    fixture_until_blocked(f, 1);
    scene_call(&s, hash, "echo", "v");
    scene_until_value(&s, hash);
  }
  assert_int_equal(s.problem_count, 0);
  stop(&s);
}

/* The server dies while one hand waits for its handler, and comes back without
 * what it held. The message in hand is reported; the worker goes on. */
static void test_restart(void **state) {
  fixture *f = *state;
  scene s = {.policy = BRRR_GO_ON, .concurrency = 2};
  begin(&s, f, f->redis);
  scene_call(&s, "a", "later", "");
  scene_until_held(&s, 1);
  fixture_until_blocked(f, 1);
  server_kill(&f->server);
  stage_run_ms(&f->stage, 50);
  scene_answer_held(&s);
  scene_until_problems(&s, 1);
  assert_bytes_str(s.problems[0].message, "li2e4:root1:ae");
  assert_error(&s.problems[0].error, BRRR_E_IO, "", 0);
  assert_true(s.problems[0].detail.len > 0);
  server_start(&f->server);
  scene_call(&s, "b", "echo", "v");
  scene_until_value(&s, "b");
  assert_int_equal(s.problem_count, 1);
  stop(&s);
}

/* A login that is refused is the end, or is told again and again. */
static void test_wrong_password(void **state) {
  fixture *f = *state;
  char url[64];
  (void)snprintf(url, sizeof url, "redis://:wrong@127.0.0.1:%u",
                 f->server.port);
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass secret"));
  freeReplyObject(server_ask(&f->server, "AUTH secret"));
  for (int go_on = 0; go_on < 2; go_on++) {
    brrr_redis *r = fixture_open(f, url);
    scene s = {.policy = go_on ? BRRR_GO_ON : BRRR_STOP, .concurrency = 1};
    begin(&s, f, r);
    scene_until_problems(&s, go_on ? 3 : 1);
    assert_false(s.problems[0].has_message);
    assert_memory_equal(s.problems[0].detail.ptr, "WRONGPASS", 9);
    if (go_on)
      brrr_worker_stop(s.worker);
    scene_end(&s, go_on ? BRRR_OK : BRRR_E_IO);
    scene_free(&s);
    fixture_close(f, r);
  }
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass %s", ""));
}

/* A key of the wrong type is no record: a report, no more. */
static void test_wrong_type(void **state) {
  fixture *f = *state;
  scene s = {.policy = BRRR_GO_ON};
  begin(&s, f, f->redis);
  (void)server_number(&f->server, "RPUSH call/x junk");
  scene_put(&s, BRRR_LIT("li2e4:root1:xe"));
  scene_until_problems(&s, 1);
  assert_error(&s.problems[0].error, BRRR_E_CALL, "WORK-5", 0);
  scene_call(&s, "h", "echo", "v");
  scene_until_value(&s, "h");
  stop(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_graph),
      TEST(test_fleet),
      TEST(test_topics),
      TEST(test_stop_loses_nothing),
      TEST(test_malformed_octets),
      TEST(test_killed_while_waiting),
      TEST(test_restart),
      TEST(test_wrong_password),
      TEST(test_wrong_type),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
