/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_ahead.c - a worker that asks for the next message along with the
 * return of a value, over a real Redis.
 */
#include "fixture.h"
#include "scene.h"

#include <stdio.h>

static void prepare(scene *s, fixture *f) {
  s->take_ahead = true;
  s->subject = fixture_subject(f, f->redis);
  s->alloc = heap_alloc(&f->heap);
  scene_init(s, &f->stage);
}

static void stop(scene *s) {
  brrr_worker_stop(s->worker);
  scene_end(s, BRRR_OK);
  scene_free(s);
}

static void put_leaves(scene *s, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    char hash[16];
    (void)snprintf(hash, sizeof hash, "%u", i);
    scene_call(s, hash, "echo", hash);
  }
}

/* All messages but the first come with their calls, and so in one step. */
static void test_leaves(void **state) {
  enum { N = 20 };
  fixture *f = *state;
  scene s = {.concurrency = 1};
  prepare(&s, f);
  put_leaves(&s, N);
  freeReplyObject(server_ask(&f->server, "CONFIG RESETSTAT"));
  scene_start(&s);
  scene_until(&s, &s.measure_count, N); /* and asks for nothing meanwhile */
  fixture_until_blocked(f, 1);
  assert_int_equal(s.invocations, N);
  assert_int_equal(server_calls(&f->server, "blpop"),
                   2); /* the first, and one that waits */
  assert_int_equal(server_calls(&f->server, "lpop"),
                   N); /* the last one finds nothing */
  assert_int_equal(server_calls(&f->server, "mget"), 1);
  for (int i = 0; i < N; i++) {
    char hash[16];
    (void)snprintf(hash, sizeof hash, "%d", i);
    scene_expect_value(&s, hash, hash);
  }
  stop(&s);
}

/* With more than one hand, or unless it is asked for, nothing is. */
static void test_off(void **state) {
  fixture *f = *state;
  for (uint32_t i = 0; i < 2; i++) {
    scene s = {.concurrency = 1 + i};
    prepare(&s, f);
    s.take_ahead = i;
    put_leaves(&s, 4);
    freeReplyObject(server_ask(&f->server, "CONFIG RESETSTAT"));
    scene_start(&s);
    scene_until_value(&s, "3");
    assert_int_equal(server_calls(&f->server, "lpop"), 0);
    stop(&s);
    freeReplyObject(server_ask(&f->server, "FLUSHALL"));
  }
}

/* Whatever comes is handled as if it had come alone. */
static void test_what_comes(void **state) {
  fixture *f = *state;
  scene s = {.concurrency = 1, .policy = BRRR_GO_ON};
  prepare(&s, f);
  scene_call(&s, "a", "echo", "1");
  scene_put(&s, BRRR_LIT("no message")); /* [WORK-4] */
  scene_call(&s, "b", "echo", "2");
  scene_put(&s, BRRR_LIT("li2e4:root4:nonee")); /* [WORK-5] */
  scene_call(&s, "c", "echo", "3");
  scene_put(&s, BRRR_LIT("li2e99999999999999999999:root1:ae"));
  scene_call(&s, "d", "echo", "4");
  scene_put(&s, BRRR_LIT("li2e4:root1:de")); /* its value will be there */
  scene_put(&s, BRRR_LIT(""));
  scene_call(&s, "join", "join", "abcd");
  (void)server_number(&f->server, "RPUSH call/x junk");
  scene_put(&s, BRRR_LIT("li2e4:root1:xe"));
  scene_call(&s, "e", "echo", "5");
  scene_start(&s);
  scene_until_value(&s, "e");
  scene_expect_value(&s, "join", "1234");
  assert_int_equal(s.problem_count, 5);
  assert_bytes_str(s.problems[0].message, "no message");
  assert_int_equal(s.problems[1].error.status, BRRR_E_CALL);
  assert_int_equal(s.problems[4].error.status, BRRR_E_CALL);
  assert_int_equal(s.invocations, 6); /* a to e, and join */
  stop(&s);
}

/* A message that came along is handled, though the worker stops [WORK-7]. */
static void test_stop(void **state) {
  enum { ROUNDS = 60, N = 5 };
  fixture *f = *state;
  unsigned put = 0, handled = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    scene s = {.concurrency = 1, .no_skip = true};
    prepare(&s, f);
    for (unsigned i = 0; i < N; i++, put++)
      scene_call(&s, "h", "echo", "v");
    scene_start(&s);
    for (unsigned turn = 0; turn < round % 12; turn++)
      uv_run(&f->stage.loop, UV_RUN_NOWAIT);
    stop(&s);
    handled += s.invocations;
    assert_int_equal(put,
                     handled + (unsigned)server_number(&f->server, "LLEN t"));
  }
  assert_true(handled > 0);
}

/* The same when it ends with a problem: of the message before. */
static void test_problem(void **state) {
  fixture *f = *state;
  scene s = {.concurrency = 1, .policy = BRRR_STOP};
  prepare(&s, f);
  (void)server_number(&f->server, "RPUSH brrr_count/r x");
  freeReplyObject(server_ask(
      &f->server, "SET pending_returns/a d7:returnslli1e1:r1:p1:teee"));
  scene_call(&s, "a", "echo", "1");
  scene_call(&s, "b", "echo", "2");
  scene_call(&s, "c", "echo", "3");
  scene_start(&s);
  scene_end(&s, BRRR_E_IO);
  assert_int_equal(s.problem_count, 1);
  scene_expect_value(&s, "a", "1");
  scene_expect_value(&s, "b", "2");
  scene_expect_no_value(&s, "c");
  assert_int_equal(server_number(&f->server, "LLEN t"), 1);
  scene_free(&s);
}

/* The connection is lost: the worker goes on with a get that waits. */
static void test_lost(void **state) {
  fixture *f = *state;
  scene s = {.concurrency = 1, .policy = BRRR_GO_ON};
  prepare(&s, f);
  scene_call(&s, "a", "later", "");
  scene_start(&s);
  scene_until_held(&s, 1);
  freeReplyObject(server_ask(&f->server, "ACL SETUSER default -lpop"));
  scene_call(&s, "b", "echo", "2"); /* before the answer: it could be taken */
  scene_answer_held(&s);
  scene_until_value(&s, "b");
  freeReplyObject(server_ask(&f->server, "ACL SETUSER default +lpop"));
  (void)server_number(&f->server, "CLIENT KILL TYPE normal SKIPME yes");
  fixture_until_blocked(f, 0);
  fixture_until_blocked(f, 1);
  scene_call(&s, "c", "echo", "3");
  scene_until_value(&s, "c");
  assert_int_equal(s.problem_count, 0);
  stop(&s);
}

/* Each allocation fails once: no message is lost in silence. */
static void sweep_once(heap *h, void *ud) {
  fixture *f = ud;
  scene s = {.concurrency = 1, .policy = BRRR_GO_ON, .take_ahead = true};
  s.subject = fixture_subject(f, f->redis);
  scene_init(&s, &f->stage);
  s.alloc = heap_alloc(h);
  put_leaves(&s, 3);
  brrr_worker_options options = scene_options(&s);
  if (brrr_worker_start(&s.worker, &options) == BRRR_OK) {
    for (unsigned i = 0; i < 2000 && s.measure_count + s.problem_count < 3; i++)
      stage_run_ms(&f->stage, 1);
    brrr_worker_stop(s.worker);
    scene_end(&s, BRRR_OK);
    assert_true(s.invocations + s.problem_count >= 3);
  } else {
    assert_true(h->fail_at > 0);
  }
  scene_free(&s);
  freeReplyObject(server_ask(&f->server, "FLUSHALL"));
}

static void test_allocation_failures(void **state) {
  heap_sweep(sweep_once, *state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_leaves),
      TEST(test_off),
      TEST(test_what_comes),
      TEST(test_stop),
      TEST(test_problem),
      TEST(test_lost),
      TEST(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
