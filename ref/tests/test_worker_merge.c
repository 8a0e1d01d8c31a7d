/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_merge.c - equal messages are handled as one [WORK-23]; over a
 * durable queue, so that each of them is seen to be acknowledged.
 */
#include "durable.h"
#include "scene.h"

#define ROOM 256 /* as in worker_merge.c */

static void begin(scene *s, durable *d) {
  s->subject = durable_init(d);
  scene_init(s, NULL);
  scene_start(s);
}

static void end(scene *s, durable *d) {
  brrr_worker_stop(s->worker);
  scene_end(s, BRRR_OK);
  scene_free(s);
  durable_free(d);
}

static void put_more(scene *s, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    scene_put(s, BRRR_LIT("li2e4:root1:ae"));
}

/* "a" is in hand, and the worker has taken so many more. */
static void begin_with(scene *s, durable *d, unsigned more) {
  begin(s, d);
  scene_call(s, "a", "later", "");
  scene_until_held(s, 1);
  put_more(s, more);
  scene_until(s, &d->taken_count, 1 + more);
}

/* Those that come in one turn of the loop are one from the start. */
static void test_at_once(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 8};
  durable d = {0};
  begin(&s, &d);
  scene_call(&s, "a", "echo", "v");
  put_more(&s, 7);
  scene_until(&s, &d.acks, 8);
  assert_int_equal(s.invocations, 1);
  assert_int_equal(s.measures[0].merged, 7);
  assert_int_equal(d.in_flight, 0);
  end(&s, &d);
}

/* What comes while one is in hand is handled once more, after it; and its hand
 * is free for others. */
static void test_meanwhile(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 2};
  durable d = {0};
  begin_with(&s, &d, 5);
  scene_call(&s, "b", "echo", "v");
  scene_until_value(&s, "b");
  scene_until(&s, &d.acks, 1);
  assert_int_equal(s.held_count, 1); /* not two at a time */
  scene_answer_held(&s);
  scene_until_held(&s, 1);
  assert_int_equal(d.acks, 2); /* b, and the first of a */
  put_more(&s, 3);             /* during the second handling */
  scene_until(&s, &d.taken_count, 10);
  scene_answer_held(&s);
  scene_until_held(&s, 1);
  assert_int_equal(d.acks, 7);
  scene_answer_held(&s);
  scene_until(&s, &d.acks, 10);
  assert_int_equal(d.in_flight, 0);
  assert_int_equal(s.invocations, 4);
  assert_int_equal(s.measure_count, 4);
  assert_int_equal(s.measures[1].merged, 0);
  assert_int_equal(s.measures[2].merged, 4);
  assert_int_equal(s.measures[3].merged, 2);
  end(&s, &d);
}

static void test_switched_off(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 3, .no_merge = true};
  durable d = {0};
  begin_with(&s, &d, 2);
  scene_until_held(&s, 3);
  while (s.held_count)
    scene_answer_held(&s);
  scene_until(&s, &d.acks, 3);
  end(&s, &d);
}

/* Other octets, or another topic, are another message. */
static void test_others_are_others(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 3};
  durable d = {0};
  begin_with(&s, &d, 0);
  scene_put(&s, BRRR_LIT("li2e4:roou1:ae"));
  scene_until_held(&s, 2);
  scene u = {.topic = "u", .concurrency = 3, .subject = s.subject};
  scene_init(&u, s.stage);
  scene_start(&u);
  scene_put(&u, BRRR_LIT("li2e4:root1:ae"));
  scene_until_held(&u, 1);
  scene_answer_held(&u);
  scene_answer_held(&s);
  scene_answer_held(&s);
  brrr_worker_stop(u.worker);
  scene_end(&u, BRRR_OK);
  scene_free(&u);
  end(&s, &d);
  assert_int_equal(s.invocations, 2);
}

/* A stopping worker finishes what it has taken, merged or not [WORK-7]. */
static void test_stop(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 2};
  durable d = {0};
  begin_with(&s, &d, 3);
  brrr_worker_stop(s.worker);
  scene_answer_held(&s);
  scene_until_held(&s, 1);
  assert_int_equal(s.ended, 0);
  scene_answer_held(&s);
  scene_end(&s, BRRR_OK);
  assert_int_equal(d.in_flight, 0);
  scene_free(&s);
  durable_free(&d);
}

/* The problem of the first is not that of those that came later. */
static void test_first_stops_the_worker(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 2, .policy = BRRR_STOP};
  durable d = {0};
  begin_with(&s, &d, 3);
  brrr_invocation_fail(s.held[--s.held_count], BRRR_LIT("boom"));
  scene_until_held(&s, 1);
  scene_answer_held(&s);
  scene_end(&s, BRRR_E_TASK);
  assert_int_equal(d.in_flight, 1);
  assert_non_null(d.taken[0].message.ptr);
  scene_free(&s);
  durable_free(&d);
}

/* One dead letter for all, and all are acknowledged. */
static void test_dead_letter(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 2, .policy = BRRR_DEAD_LETTER};
  durable d = {0};
  begin_with(&s, &d, 3);
  scene_answer_held(&s);
  scene_until_held(&s, 1);
  d.dead_fails = 1;
  brrr_invocation_fail(s.held[--s.held_count], BRRR_LIT("boom"));
  scene_until_problems(&s, 2);
  assert_int_equal(d.in_flight, 3); /* [QUEUE-20]: not before the letter */
  scene_until(&s, &d.letter_count, 1);
  scene_until(&s, &d.acks, 3); /* the first, and two of the others */
  assert_int_equal(d.in_flight, 0);
  end(&s, &d);
  assert_int_equal(s.problem_count, 2);
}

/* In the pause before it is tried again, equal ones still become part of it. */
static void test_joins_a_retry(void **state) {
  (void)state;
  scene s = {.no_skip = true,
             .concurrency = 2,
             .policy = BRRR_RETRY,
             .flaky_fails = 1};
  durable d = {0};
  begin(&s, &d);
  scene_call(&s, "a", "flaky", "v");
  scene_until_problems(&s, 1);
  put_more(&s, 4);
  scene_until(&s, &d.taken_count, 5);
  scene_until(&s, &d.acks, 5);
  assert_int_equal(s.invocations, 2);
  assert_int_equal(s.measures[1].merged, 4);
  end(&s, &d);
}

/* Of several acknowledgements, only those that failed are asked for again. */
static void test_some_acknowledgements_fail(void **state) {
  (void)state;
  scene s = {.no_skip = true, .concurrency = 2};
  durable d = {0};
  begin_with(&s, &d, 5);
  scene_answer_held(&s);
  scene_until_held(&s, 1);
  d.ack_fails = 2;
  scene_answer_held(&s);
  scene_until(&s, &d.acks, 6 + 2);
  assert_int_equal(d.in_flight, 0);
  assert_int_equal(d.acks, 6 + 2);
  end(&s, &d);
}

/* The room is bounded: then the hand waits with its message, and the others
 * stay in the queue. */
static void test_no_room(void **state) {
  (void)state;
  for (unsigned more = ROOM; more <= ROOM + 2; more++) {
    scene s = {.no_skip = true, .concurrency = 2};
    durable d = {0};
    begin(&s, &d);
    scene_call(&s, "a", "later", "");
    scene_until_held(&s, 1);
    put_more(&s, more);
    const bool crowded = more > ROOM;
    scene_until(&s, &d.taken_count, 1 + ROOM + crowded);
    stage_run_ms(s.stage, 5);
    assert_int_equal(d.taken_count, 1 + ROOM + crowded);
    scene_answer_held(&s);
    scene_until_held(&s, 1);
    assert_int_equal(d.acks, 1);
    scene_until(&s, &d.taken_count, 1 + more);
    while (d.in_flight) {
      scene_until_held(&s, 1);
      scene_answer_held(&s);
      uv_run(&s.stage->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(d.acks, 1 + more);
    assert_int_equal(s.invocations, crowded ? 3 : 2);
    end(&s, &d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_at_once),
      cmocka_unit_test(test_meanwhile),
      cmocka_unit_test(test_switched_off),
      cmocka_unit_test(test_others_are_others),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_first_stops_the_worker),
      cmocka_unit_test(test_dead_letter),
      cmocka_unit_test(test_joins_a_retry),
      cmocka_unit_test(test_some_acknowledgements_fail),
      cmocka_unit_test(test_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
