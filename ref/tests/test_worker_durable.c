/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_durable.c - the worker over a durable queue: acknowledgements,
 * force, dead letters; and what it does about problems. Equal messages are in
 * test_worker_merge.c.
 */
#include "durable.h"
#include "scene.h"

static void on_durable(scene *s, durable *d) {
  s->subject = durable_init(d);
  scene_init(s, NULL);
}

static void off_durable(scene *s, durable *d) {
  scene_free(s);
  durable_free(d);
}

static void stop(scene *s) {
  brrr_worker_stop(s->worker);
  scene_end(s, BRRR_OK);
}

/* ---- acknowledgements ---------------------------------------------------- */

/* Each message once, when its handling has ended [QUEUE-10]. */
static void test_graph(void **state) {
  (void)state;
  const uint32_t concurrency[] = {1, 3, 16};
  for (size_t i = 0; i < 3; i++) {
    scene s = {.concurrency = concurrency[i]};
    durable d = {0};
    on_durable(&s, &d);
    scene_start(&s);
    scene_call(&s, "p", "join", "abc");
    scene_until_value(&s, "p");
    stop(&s);
    scene_expect_value(&s, "p", "abc");
    assert_int_equal(s.problem_count, 0);
    assert_int_equal(d.in_flight, 0);
    assert_int_equal(d.acks, d.taken_count);
    off_durable(&s, &d);
  }
}

static void test_not_before_the_end(void **state) {
  (void)state;
  scene s = {.concurrency = 2};
  durable d = {0};
  on_durable(&s, &d);
  scene_start(&s);
  scene_call(&s, "a", "later", "");
  scene_until_held(&s, 1);
  scene_call(&s, "b", "echo", "v");
  scene_until_value(&s, "b");
  scene_until(&s, &d.acks, 1);
  assert_int_equal(d.in_flight, 1);
  scene_answer_held(&s);
  scene_until(&s, &d.acks, 2);
  assert_int_equal(d.in_flight, 0);
  stop(&s);
  off_durable(&s, &d);
}

static void test_end_waits_for_acknowledgements(void **state) {
  (void)state;
  scene s = {.concurrency = 2};
  durable d = {.hold_acks = true};
  on_durable(&s, &d);
  scene_start(&s);
  scene_call(&s, "a", "echo", "v");
  scene_call(&s, "b", "echo", "v");
  scene_until(&s, &d.held_count, 2);
  brrr_worker_stop(s.worker);
  stage_run_ms(s.stage, 20);
  assert_int_equal(s.ended, 0);
  durable_release(&d);
  scene_end(&s, BRRR_OK);
  off_durable(&s, &d);
}

/* [QUEUE-13]: what fails is tried again, until it is done. */
static void test_acknowledgement_fails(void **state) {
  (void)state;
  scene s = {.concurrency = 1};
  durable d = {.ack_fails = 3};
  on_durable(&s, &d);
  scene_start(&s);
  scene_call(&s, "a", "echo", "v");
  scene_call(&s, "b", "echo", "v");
  scene_until_value(&s, "b");
  assert_int_equal(d.taken_count, 2);
  scene_until(&s, &d.acks, 5);
  assert_int_equal(d.in_flight, 0);
  assert_int_equal(s.problem_count, 0);
  assert_int_equal(s.invocations, 2);
  stop(&s);
  off_durable(&s, &d);
}

/* A worker that stops tries a few times more, and then leaves it. */
static void test_acknowledgement_never_succeeds(void **state) {
  (void)state;
  scene s = {.concurrency = 1};
  durable d = {.ack_fails = UINT32_MAX};
  on_durable(&s, &d);
  scene_start(&s);
  scene_call(&s, "a", "echo", "v");
  scene_until(&s, &d.acks, 1);
  stop(&s);
  assert_in_range(d.acks, 3, 8);
  assert_int_equal(d.in_flight, 1);
  off_durable(&s, &d);
}

/* ---- policies ------------------------------------------------------------ */

static void test_go_on(void **state) {
  (void)state;
  scene s = {.policy = BRRR_GO_ON};
  durable d = {0};
  on_durable(&s, &d);
  scene_start(&s);
  scene_put(&s, BRRR_LIT("junk"));
  scene_call(&s, "f", "fail", "boom");
  scene_call(&s, "h", "echo", "v");
  scene_until(&s, &d.acks, 3);
  stop(&s);
  assert_int_equal(s.problem_count, 2);
  assert_int_equal(s.problems[0].attempts, 1);
  assert_int_equal(d.in_flight, 0);
  assert_int_equal(d.letter_count, 0);
  off_durable(&s, &d);
}

/* What stops the worker stays in flight. */
static void test_stop(void **state) {
  (void)state;
  scene s = {.policy = BRRR_STOP, .concurrency = 2};
  durable d = {0};
  on_durable(&s, &d);
  scene_start(&s);
  scene_call(&s, "a", "later", "");
  scene_until_held(&s, 1);
  scene_put(&s, BRRR_LIT("junk"));
  scene_until_problems(&s, 1);
  scene_answer_held(&s);
  scene_end(&s, BRRR_E_SYNTAX);
  assert_int_equal(d.in_flight, 1);
  assert_bytes_str(d.taken[1].message, "junk");
  off_durable(&s, &d);
}

/* [QUEUE-20], and that a failure of it is told and tried again. */
static void test_dead_letter(void **state) {
  (void)state;
  scene s = {.policy = BRRR_DEAD_LETTER};
  durable d = {.dead_fails = 2};
  on_durable(&s, &d);
  scene_start(&s);
  scene_call(&s, "f", "fail", "boom");
  scene_until(&s, &d.letter_count, 1);
  assert_int_equal(s.problem_count, 3);
  for (unsigned i = 1; i < 3; i++) {
    assert_false(s.problems[i].has_message);
    assert_error(&s.problems[i].error, BRRR_E_IO, "", 0);
    assert_bytes_str(s.problems[i].detail, "it is dark");
  }
  scene_put(&s, BRRR_LIT("junk"));
  scene_until(&s, &d.letter_count, 2);
  stop(&s);
  assert_bytes_str(d.letters[0].message, "li2e4:root1:fe");
  assert_error(&d.letters[0].error, BRRR_E_TASK, "WORK-6", 0);
  assert_bytes_str(d.letters[0].detail, "boom");
  assert_bytes_str(d.letters[1].message, "junk");
  assert_error(&d.letters[1].error, BRRR_E_SYNTAX, "WIRE-15", 0);
  assert_bytes_str(d.letters[1].detail, "");
  assert_int_equal(d.in_flight, 0);
  assert_int_equal(d.acks, 0); /* it came with the dead letter */
  off_durable(&s, &d);
}

static void test_dead_letter_never_succeeds(void **state) {
  (void)state;
  scene s = {.policy = BRRR_DEAD_LETTER};
  durable d = {.dead_fails = UINT32_MAX};
  on_durable(&s, &d);
  scene_start(&s);
  scene_put(&s, BRRR_LIT("junk"));
  scene_until_problems(&s, 2);
  stop(&s);
  assert_int_equal(d.in_flight, 1);
  assert_int_equal(d.letter_count, 0);
  off_durable(&s, &d);
}

/* The memory backend keeps them too. */
static void on_letter(void *ud, const brrr_memory_letter *l) {
  unsigned *count = ud;
  ++*count;
  assert_bytes_str(l->topic, "t");
  assert_bytes_str(l->message, "li2e4:root1:fe");
  assert_error(&l->error, BRRR_E_TASK, "WORK-6", 0);
  assert_bytes_str(l->detail, "boom");
}

static void test_dead_letter_in_memory(void **state) {
  (void)state;
  scene s = {.policy = BRRR_DEAD_LETTER};
  brrr_memory *m;
  unsigned letters = 0;
  assert_int_equal(brrr_memory_new(&m, (brrr_alloc){0}), BRRR_OK);
  s.subject = (subject){brrr_memory_backend(m), answers_at_once, NULL};
  scene_init(&s, NULL);
  scene_start(&s);
  scene_call(&s, "f", "fail", "boom");
  scene_call(&s, "h", "echo", "v");
  scene_until_value(&s, "h");
  stop(&s);
  brrr_memory_dead(m, on_letter, &letters);
  assert_int_equal(letters, 1);
  scene_free(&s);
  brrr_memory_free(m);
}

static void test_retry(void **state) {
  (void)state;
  scene s = {.policy = BRRR_RETRY, .flaky_fails = 2};
  durable d = {0};
  on_durable(&s, &d);
  scene_start(&s);
  const uint64_t before = uv_hrtime();
  scene_call(&s, "f", "flaky", "v");
  scene_call(&s, "h", "echo", "v");
  scene_until_problems(&s, 2);
  assert_int_equal(d.taken_count, 1); /* the hand is full meanwhile */
  scene_until_value(&s, "f");
  /* 0.1 s and 0.2 s, give or take a quarter */
  assert_in_range(uv_hrtime() - before, 225000000, 1000000000);
  scene_until_value(&s, "h");
  stop(&s);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(s.problems[i].attempts, i + 1);
    assert_bytes_str(s.problems[i].message, "li2e4:root1:fe");
  }
  assert_int_equal(d.acks, 2);
  assert_int_equal(s.measure_count, 4);
  assert_int_equal(s.measures[0].outcome, BRRR_FAILED);
  assert_int_equal(s.measures[2].outcome, BRRR_RETURNED);
  assert_true(s.measures[2].wait_ns > 225000000);
  off_durable(&s, &d);
}

/* A durable queue keeps it for another worker; from any other it would be
 * gone, so that it is tried to the end. */
static void test_stop_during_retry(void **state) {
  (void)state;
  for (int is_durable = 0; is_durable < 2; is_durable++) {
    scene s = {.policy = BRRR_RETRY, .flaky_fails = 3};
    durable d = {0};
    on_durable(&s, &d);
    const brrr_backend memory = brrr_memory_backend(d.memory);
    if (!is_durable)
      s.subject.backend = memory;
    scene_start(&s);
    scene_call(&s, "f", "flaky", "v");
    scene_until_problems(&s, 2);
    stop(&s);
    assert_int_equal(d.in_flight, is_durable);
    assert_int_equal(s.problem_count, is_durable ? 2 : 3);
    if (is_durable)
      scene_expect_no_value(&s, "f");
    else
      scene_expect_value(&s, "f", "v");
    off_durable(&s, &d);
  }
}

/* ---- force --------------------------------------------------------------- */

/* The parent is registered with its child, whose message is lost: only force
 * puts the child [QUEUE-12]. */
static void lost_child(scene *s, durable *d) {
  on_durable(s, d);
  expect(&s->subject,
         (brrr_effect){.type = BRRR_STORE_SET,
                       .key = KEY(PENDING_RETURNS, "a"),
                       .value = BRRR_LIT(
                           "d7:returnslli1e4:root1:p1:tee12:scheduled_ati1ee")},
         BRRR_OK, NULL);
  scene_start(s);
  scene_call(s, "p", "join", "a");
}

static void test_delivered_before(void **state) {
  (void)state;
  for (int64_t num = 0; num < 2; num++) {
    scene s = {.concurrency = 2};
    durable d = {.num = num};
    lost_child(&s, &d);
    if (num)
      scene_until_value(&s, "p");
    else
      scene_until(&s, &d.acks, 1);
    stop(&s);
    assert_int_equal(d.taken_count, num ? 3 : 1); /* parent, child, parent */
    off_durable(&s, &d);
  }
}

/* ---- advice -------------------------------------------------------------- */

static void test_advice(void **state) {
  (void)state;
  for (int s = BRRR_E_CODEC; s < 0; s++) {
    const bool passes = s == BRRR_E_IO || s == BRRR_E_TASK || s == BRRR_E_CAS;
    brrr_problem p = {.has_message = true, .error.status = (brrr_status)s};
    const uint32_t most = s == BRRR_E_IO ? 40 : 5; /* an outage may be long */
    for (p.attempts = 1; p.attempts <= most + 1; p.attempts++)
      assert_int_equal(brrr_problem_advice(&p), passes && p.attempts < most
                                                    ? BRRR_RETRY
                                                    : BRRR_DEAD_LETTER);
    p = (brrr_problem){.error.status = (brrr_status)s};
    assert_int_equal(brrr_problem_advice(&p), BRRR_GO_ON);
  }
}

static void on_log(void *ud, brrr_level level, const char *text) {
  unsigned *lines = ud;
  ++*lines;
  assert_in_range(level, BRRR_DEBUG, BRRR_ERROR);
  assert_true(strlen(text) > 0);
  for (; *text; text++)
    assert_true(*text >= ' ');
}

/* Without a callback the advice is followed, and the log tells. */
static void test_no_callback(void **state) {
  (void)state;
  scene s = {.no_problem = true, .concurrency = 2};
  durable d = {0};
  unsigned lines = 0;
  on_durable(&s, &d);
  brrr_worker_options options = scene_options(&s);
  options.log = (brrr_log){on_log, &lines};
  assert_int_equal(brrr_worker_start(&s.worker, &options), BRRR_OK);
  scene_put(&s, BRRR_LIT("\n\x1b[2J"));
  scene_call(&s, "f", "fail", "boom\n");
  scene_until(&s, &d.letter_count, 2);
  assert_int_equal(s.invocations, 5);
  assert_int_equal(lines, 6);
  stop(&s);
  assert_int_equal(lines, 8);
  assert_bytes_str(d.letters[0].message, "\n\x1b[2J");
  assert_bytes_str(d.letters[1].detail, "boom\n");
  assert_int_equal(d.in_flight, 0);
  off_durable(&s, &d);
}

/* ---- memory -------------------------------------------------------------- */

static bool is_landed(void *ud) {
  const durable *d = ud;
  return d->taken_count == 3 && d->in_flight == 0;
}

/* Whichever allocation fails: nothing leaks, and every message lands. */
static void sweep_once(heap *h, void *ud) {
  scene s = {
      .policy = *(brrr_policy *)ud, .concurrency = 2, .alloc = heap_alloc(h)};
  durable d = {0};
  on_durable(&s, &d);
  const brrr_worker_options options = scene_options(&s);
  if (brrr_worker_start(&s.worker, &options) == BRRR_OK) {
    scene_call(&s, "a", "echo", "v");
    scene_call(&s, "a", "echo", "v");
    scene_call(&s, "f", "echo", "w");
    stage_until(s.stage, is_landed, &d);
    stop(&s);
    assert_true(s.problem_count <= 1);
  } else {
    assert_true(h->fail_at > 0);
  }
  off_durable(&s, &d);
}

static void test_allocation_failures(void **state) {
  (void)state;
  brrr_policy policies[] = {BRRR_GO_ON, BRRR_DEAD_LETTER, BRRR_RETRY};
  for (size_t i = 0; i < 3; i++)
    heap_sweep(sweep_once, &policies[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graph),
      cmocka_unit_test(test_not_before_the_end),
      cmocka_unit_test(test_end_waits_for_acknowledgements),
      cmocka_unit_test(test_acknowledgement_fails),
      cmocka_unit_test(test_acknowledgement_never_succeeds),
      cmocka_unit_test(test_go_on),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_dead_letter),
      cmocka_unit_test(test_dead_letter_never_succeeds),
      cmocka_unit_test(test_dead_letter_in_memory),
      cmocka_unit_test(test_retry),
      cmocka_unit_test(test_stop_during_retry),
      cmocka_unit_test(test_delivered_before),
      cmocka_unit_test(test_advice),
      cmocka_unit_test(test_no_callback),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
