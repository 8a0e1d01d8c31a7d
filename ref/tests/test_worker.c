/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker.c - the worker, over the backend in memory.
 */
#include "scene.h"

#include <brrr/memory.h>

static void memory_wake(brrr_memory *m) { brrr_memory_backend(m).wake(m); }

static brrr_memory *on_memory(scene *s) {
  brrr_memory *m;
  assert_int_equal(brrr_memory_new(&m, (brrr_alloc){0}), BRRR_OK);
  s->subject = (subject){brrr_memory_backend(m), answers_at_once, NULL};
  scene_init(s, NULL);
  return m;
}

static void off_memory(scene *s, brrr_memory *m) {
  scene_free(s);
  brrr_memory_free(m);
}

static void stop(scene *s) {
  brrr_worker_stop(s->worker);
  scene_end(s, BRRR_OK);
}

/* The message that lies on a topic; NULL if there is none. */
static void expect_queued(brrr_memory *m, scene *s, const char *topic,
                          const char *message) {
  answer a;
  const brrr_effect take = {.type = BRRR_QUEUE_GET,
                            .name = brrr_bytes_str(topic)};
  s->subject.backend.submit(m, &take, answer_into(&a));
  if (!message) {
    assert_int_equal(a.times, 0);
    memory_wake(m);
  } else {
    assert_bytes_str(a.value, message);
  }
  answer_drop(&a);
}

/* ---- working ------------------------------------------------------------- */

static void test_graph(void **state) {
  (void)state;
  const uint32_t concurrency[] = {0, 1, 2, 16};
  for (size_t i = 0; i < 4; i++) {
    scene s = {.concurrency = concurrency[i]};
    brrr_memory *m = on_memory(&s);
    scene_start(&s);
    scene_call(&s, "p", "join", "abc");
    scene_until_value(&s, "p");
    stop(&s);
    scene_expect_value(&s, "p", "abc");
    assert_int_equal(s.problem_count, 0);
    off_memory(&s, m);
  }
}

/* [WORK-8]: a duplicate, and a message for a call whose value is there. */
static void test_duplicates(void **state) {
  (void)state;
  scene s = {.concurrency = 3, .no_skip = true, .no_merge = true};
  brrr_memory *m = on_memory(&s);
  for (int i = 0; i < 5; i++)
    scene_call(&s, "h", "echo", "v");
  scene_call(&s, "last", "echo", "v");
  scene_start(&s);
  scene_until_value(&s, "last");
  stop(&s);
  scene_expect_value(&s, "h", "v");
  assert_int_equal(s.invocations, 6); /* [WORK-3] */
  assert_int_equal(s.problem_count, 0);
  off_memory(&s, m);
}

/* How many messages came to this. */
static unsigned count_of(const scene *s, brrr_outcome outcome) {
  unsigned count = 0;
  assert_true(s->measure_count <= SCENE_MAX);
  for (unsigned i = 0; i < s->measure_count; i++)
    count += s->measures[i].outcome == outcome;
  return count;
}

/* A parent with many children is run twice, whatever comes for it; and each of
 * the means to that can be switched off. Merging has a test of its own. */
static void test_cheap_joins(void **state) {
  enum { N = 16 };
  (void)state;
  for (int off = 0; off < 2; off++) {
    scene s = {.no_skip = off, .no_watch = off, .no_merge = true};
    brrr_memory *m = on_memory(&s);
    for (int i = 0; i < 3; i++) /* the children come behind these */
      scene_call(&s, "parent", "join", "abcdefghijklmnop");
    scene_start(&s);
    scene_until_value(&s, "parent");
    scene_call(&s, "q", "echo", "q");
    scene_until_value(&s, "q");
    stop(&s);
    assert_int_equal(s.problem_count, 0);
    assert_int_equal(count_of(&s, BRRR_DEFERRED), off ? 3 : 1);
    assert_int_equal(count_of(&s, BRRR_WATCHED), off ? 0 : 2);
    assert_int_equal(count_of(&s, BRRR_RETURNED), N + (off ? N : 1) + 1);
    assert_int_equal(count_of(&s, BRRR_SKIPPED), off ? 0 : N - 1);
    assert_int_equal(s.invocations, off ? 2 * N + 4 : N + 3);
    off_memory(&s, m);
  }
}

/* As many messages in hand as there are hands; the others stay where they
 * are [WORK-7]. */
static void test_concurrency(void **state) {
  (void)state;
  scene s = {.concurrency = 3};
  brrr_memory *m = on_memory(&s);
  scene_start(&s);
  scene_call(&s, "a", "later", "");
  scene_call(&s, "b", "later", "");
  scene_call(&s, "c", "later", "");
  scene_call(&s, "d", "later", "");
  scene_until_held(&s, 3);
  stage_run_ms(s.stage, 20);
  assert_int_equal(s.held_count, 3);
  scene_answer_held(&s);
  scene_until_held(&s, 3);
  scene_call(&s, "e", "later", "");
  brrr_worker_stop(s.worker);
  stage_run_ms(s.stage, 20);
  assert_int_equal(s.held_count, 3);
  assert_int_equal(s.ended, 0); /* what is in hand is finished first */
  while (s.held_count)
    scene_answer_held(&s);
  scene_end(&s, BRRR_OK);
  scene_expect_value(&s, "d", "held");
  expect_queued(m, &s, "t", "li2e4:root1:ee");
  off_memory(&s, m);
}

/* A hundred thousand messages that are handled at once: no recursion. */
static void test_stack_is_flat(void **state) {
  (void)state;
  scene s = {.concurrency = 2, .no_skip = true, .no_merge = true};
  brrr_memory *m = on_memory(&s);
  for (int i = 0; i < 100000; i++)
    scene_put(&s, BRRR_LIT("li2e4:root1:he"));
  scene_call(&s, "h", "echo", "v");
  scene_call(&s, "last", "echo", "v");
  scene_start(&s);
  scene_until_value(&s, "last");
  stop(&s);
  assert_int_equal(s.invocations, 100002);
  off_memory(&s, m);
}

/* ---- stopping ------------------------------------------------------------ */

static void test_stop_before_anything(void **state) {
  (void)state;
  scene s = {.concurrency = 4};
  brrr_memory *m = on_memory(&s);
  scene_call(&s, "h", "echo", "v");
  scene_start(&s);
  stop(&s);
  assert_int_equal(s.invocations, 0);
  expect_queued(m, &s, "t", "li2e4:root1:he");
  off_memory(&s, m);
}

/* Without a wake the gets end by themselves; a message that one of them brings
 * is handled [WORK-7]. */
static void test_stop_without_wake(void **state) {
  (void)state;
  scene s = {.concurrency = 2};
  brrr_memory *m = on_memory(&s);
  s.subject.backend.wake = NULL;
  scene_start(&s);
  stage_run_ms(s.stage, 10);
  brrr_worker_stop(s.worker);
  brrr_worker_stop(s.worker); /* twice is once */
  stage_run_ms(s.stage, 10);
  assert_int_equal(s.ended, 0);
  scene_call(&s, "h", "echo", "v");
  stage_run_ms(s.stage, 10);
  assert_int_equal(s.ended, 0);
  scene_expect_value(&s, "h", "v");
  memory_wake(m);
  scene_end(&s, BRRR_OK);
  off_memory(&s, m);
}

/* [WORK-1]: an empty long poll is no end. */
static void test_empty_polls(void **state) {
  (void)state;
  scene s = {.concurrency = 2};
  brrr_memory *m = on_memory(&s);
  scene_start(&s);
  for (int i = 0; i < 3; i++) {
    stage_run_ms(s.stage, 5);
    memory_wake(m);
  }
  scene_call(&s, "h", "echo", "v");
  scene_until_value(&s, "h");
  stop(&s);
  off_memory(&s, m);
}

static void test_queue_closes(void **state) {
  (void)state;
  scene s = {.concurrency = 2};
  brrr_memory *m = on_memory(&s);
  scene_start(&s);
  scene_call(&s, "h", "later", "");
  scene_until_held(&s, 1);
  brrr_memory_close(m);
  stage_run_ms(s.stage, 10);
  assert_int_equal(s.ended, 0);
  scene_answer_held(&s);
  scene_end(&s, BRRR_CLOSED);
  scene_expect_value(&s, "h", "held");
  off_memory(&s, m);
}

/* ---- problems ------------------------------------------------------------ */

static void assert_problem(const scene_problem *p, const char *message,
                           brrr_status status, const char *requirement,
                           size_t offset, const char *detail) {
  assert_true(p->has_message);
  assert_bytes_str(p->message, message);
  assert_error(&p->error, status, requirement, offset);
  assert_bytes_str(p->detail, detail);
}

/* [WORK-4] [WORK-5] [WORK-6], and the worker goes on [WORK-7]. */
static void test_problems(void **state) {
  (void)state;
  scene s = {.policy = BRRR_GO_ON};
  brrr_memory *m = on_memory(&s);
  scene_start(&s);
  scene_put(&s, BRRR_LIT(""));
  scene_put(&s, BRRR_LIT("li2e4:root1:hex"));
  scene_put(&s, BRRR_LIT("li1e4:root1:he"));
  scene_put(&s, BRRR_LIT("li2e4:root4:gonee"));
  scene_call(&s, "f", "fail", "boom");
  scene_call(&s, "h", "echo", "v");
  scene_until_value(&s, "h");
  stop(&s);
  assert_int_equal(s.problem_count, 5);
  assert_problem(&s.problems[0], "", BRRR_E_SYNTAX, "WIRE-12", 0, "");
  assert_problem(&s.problems[1], "li2e4:root1:hex", BRRR_E_SYNTAX, "WIRE-14",
                 14, "");
  assert_problem(&s.problems[2], "li1e4:root1:he", BRRR_E_RECORD, "REC-24", 1,
                 "");
  assert_problem(&s.problems[3], "li2e4:root4:gonee", BRRR_E_CALL, "WORK-5", 0,
                 "");
  assert_problem(&s.problems[4], "li2e4:root1:fe", BRRR_E_TASK, "WORK-6", 0,
                 "boom");
  scene_expect_no_value(&s, "f");
  off_memory(&s, m);
}

static void test_problem_stops(void **state) {
  (void)state;
  scene s = {.policy = BRRR_STOP};
  brrr_memory *m = on_memory(&s);
  scene_put(&s, BRRR_LIT("junk"));
  scene_call(&s, "h", "echo", "v");
  scene_start(&s);
  scene_end(&s, BRRR_E_SYNTAX);
  assert_int_equal(s.problem_count, 1);
  scene_expect_no_value(&s, "h");
  expect_queued(m, &s, "t", "li2e4:root1:he"); /* [WORK-7] */
  off_memory(&s, m);
}

/* The other hands finish what they have, and their problems are told too; the
 * worker ends with the first. */
static void test_problem_while_others_work(void **state) {
  (void)state;
  scene s = {.policy = BRRR_STOP, .concurrency = 3};
  brrr_memory *m = on_memory(&s);
  scene_start(&s);
  scene_call(&s, "a", "later", "");
  scene_call(&s, "b", "later", "");
  scene_until_held(&s, 2);
  scene_put(&s, BRRR_LIT("junk"));
  scene_until_problems(&s, 1);
  stage_run_ms(s.stage, 10);
  assert_int_equal(s.ended, 0);
  scene_answer_held(&s);
  brrr_invocation_fail(s.held[--s.held_count], BRRR_LIT("boom"));
  scene_end(&s, BRRR_E_SYNTAX);
  assert_int_equal(s.problem_count, 2);
  scene_expect_value(&s, "b", "held");
  off_memory(&s, m);
}

/* A child for a topic that must not be: nothing is written [REDIS-4]. */
static void test_child_astray(void **state) {
  (void)state;
  scene s = {.policy = BRRR_GO_ON};
  brrr_memory *m = on_memory(&s);
  scene_call(&s, "a", "astray", "call/x");
  scene_start(&s);
  scene_until_problems(&s, 1);
  stop(&s);
  assert_problem(&s.problems[0], "li2e4:root1:ae", BRRR_E_TOPIC, "WORK-6", 0,
                 "call/x");
  expect(&s.subject,
         (brrr_effect){.type = BRRR_STORE_HAS, .key = KEY(CALL, "child")},
         BRRR_ABSENT, NULL);
  off_memory(&s, m);
}

static void test_bad_topic(void **state) {
  (void)state;
  static const char *const bad[] = {"", "value/x"};
  scene s = {.subject = {.ud = NULL}};
  brrr_memory *m = on_memory(&s);
  for (size_t i = 0; i < 2; i++) {
    s.topic = bad[i];
    const brrr_worker_options options = scene_options(&s);
    assert_int_equal(brrr_worker_start(&s.worker, &options), BRRR_E_TOPIC);
    assert_null(s.worker);
  }
  off_memory(&s, m);
}

/* ---- a queue that fails -------------------------------------------------- */

typedef struct flaky {
  brrr_memory *memory;
  unsigned fails;          /* the next gets */
  uint64_t last, shortest; /* times of the gets, and between two of them */
} flaky;

static void flaky_submit(void *self, const brrr_effect *e, brrr_done done) {
  flaky *f = self;
  const brrr_backend memory = brrr_memory_backend(f->memory);
  if (e->type != BRRR_QUEUE_GET || !f->fails) {
    memory.submit(memory.self, e, done);
    return;
  }
  f->fails--;
  const uint64_t now = uv_hrtime();
  if (f->last && now - f->last < f->shortest)
    f->shortest = now - f->last;
  f->last = now;
  done.fn(done.ud,
          &(brrr_reply){.status = BRRR_E_IO, .value = BRRR_LIT("it is dark")});
}

static void flaky_wake(void *self) { memory_wake(((flaky *)self)->memory); }

static void on_flaky(scene *s, flaky *f) {
  s->subject.backend =
      (brrr_backend){.submit = flaky_submit, .self = f, .wake = flaky_wake};
}

/* It is reported, left alone for a while, and asked again. */
static void test_queue_fails(void **state) {
  (void)state;
  scene s = {.policy = BRRR_GO_ON};
  flaky f = {on_memory(&s), 3, 0, UINT64_MAX};
  on_flaky(&s, &f);
  scene_call(&s, "h", "echo", "v");
  scene_start(&s);
  scene_until_value(&s, "h");
  stop(&s);
  assert_int_equal(s.problem_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_false(s.problems[i].has_message);
    assert_error(&s.problems[i].error, BRRR_E_IO, "", 0);
    assert_bytes_str(s.problems[i].detail, "it is dark");
  }
  assert_true(f.shortest > 50000000); /* ns */
  off_memory(&s, f.memory);
}

static void test_stop_during_pause(void **state) {
  (void)state;
  scene s = {.policy = BRRR_GO_ON, .concurrency = 3};
  flaky f = {on_memory(&s), UINT32_MAX, 0, UINT64_MAX};
  on_flaky(&s, &f);
  scene_start(&s);
  scene_until_problems(&s, 3);
  const uint64_t before = uv_hrtime();
  stop(&s);
  assert_true(uv_hrtime() - before < 50000000);
  off_memory(&s, f.memory);
}

static void test_queue_fails_and_stops(void **state) {
  (void)state;
  scene s = {.policy = BRRR_STOP, .concurrency = 2};
  flaky f = {on_memory(&s), 1, 0, UINT64_MAX};
  on_flaky(&s, &f);
  scene_start(&s);
  scene_end(&s, BRRR_E_IO);
  off_memory(&s, f.memory);
}

/* ---- memory -------------------------------------------------------------- */

typedef struct goal {
  scene *scene;
  brrr_key value;
  unsigned problems; /* that there were before */
} goal;

/* The value is there, or there was another problem. */
static bool is_over(void *ud) {
  const goal *g = ud;
  answer a = ask(&g->scene->subject,
                 (brrr_effect){.type = BRRR_STORE_HAS, .key = g->value});
  answer_drop(&a);
  return a.status == BRRR_OK || g->scene->problem_count > g->problems;
}

/* Whichever allocation fails: the message is reported whole, nothing leaks,
 * and the worker works on. */
static void sweep_once(heap *h, void *ud) {
  (void)ud;
  scene s = {.policy = BRRR_GO_ON, .concurrency = 2, .alloc = heap_alloc(h)};
  brrr_memory *m = on_memory(&s);
  const brrr_worker_options options = scene_options(&s);
  if (brrr_worker_start(&s.worker, &options) == BRRR_OK) {
    scene_call(&s, "p", "join", "ab");
    stage_until(s.stage, is_over, &(goal){&s, KEY(VALUE, "p"), 0});
    scene_call(&s, "last", "echo", "v");
    stage_until(s.stage, is_over,
                &(goal){&s, KEY(VALUE, "last"), s.problem_count});
    stop(&s);
    /* What is only remembered may be lost without a problem. */
    assert_true(s.problem_count <= (h->fail_at > 0));
  } else {
    assert_true(h->fail_at > 0);
  }
  for (unsigned i = 0; i < s.problem_count; i++) {
    assert_int_equal(s.problems[i].error.status, BRRR_E_NOMEM);
    assert_true(s.problems[i].has_message);
    assert_memory_equal(s.problems[i].message.ptr, "li2e4:root", 10);
  }
  off_memory(&s, m);
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(sweep_once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graph),
      cmocka_unit_test(test_duplicates),
      cmocka_unit_test(test_cheap_joins),
      cmocka_unit_test(test_concurrency),
      cmocka_unit_test(test_stack_is_flat),
      cmocka_unit_test(test_stop_before_anything),
      cmocka_unit_test(test_stop_without_wake),
      cmocka_unit_test(test_empty_polls),
      cmocka_unit_test(test_queue_closes),
      cmocka_unit_test(test_problems),
      cmocka_unit_test(test_problem_stops),
      cmocka_unit_test(test_problem_while_others_work),
      cmocka_unit_test(test_child_astray),
      cmocka_unit_test(test_bad_topic),
      cmocka_unit_test(test_queue_fails),
      cmocka_unit_test(test_stop_during_pause),
      cmocka_unit_test(test_queue_fails_and_stops),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
