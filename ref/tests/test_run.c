/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_run.c - what a task may do, what it may not, and what becomes of it.
 */
#include "script.h"

#include <pthread.h>

/* ==== Calls ============================================================== */

/* One call, then three at once, one of them the first again; then one. */
static brrr_status nested(script *s, brrr_run *run, const void **value) {
  const int64_t n[] = {1, 2, 3};
  const void *first, *three[3], *last;
  (void)s;
  brrr_status status = script_call(run, 1, "over-there", &first);
  if (!status)
    status = script_gather(run, n, 3, three);
  if (!status)
    status = script_call(run, 4, NULL, &last);
  return status ? status : toy_end(run, *(const int64_t *)last, value);
}

static void test_nested(void **state) { /* [APP-1] [APP-2] [APP-5] */
  (void)state;
  script s = {.act = nested};
  script_end e = script_run_with(&s, "run task\nget value/c:1\n", NULL);
  assert_int_equal(e.status, BRRR_DEFER);
  assert_string_equal(e.child, "c:1@over-there ");

  e = script_run_with(&s,
                      "run task\nget value/c:1\nrun task\nget value/c:2\n"
                      "get value/c:3\n",
                      (const char *const[]){"c:1", "c:3", NULL});
  assert_int_equal(e.status, BRRR_DEFER);
  assert_string_equal(e.child, "c:2@ ");

  s.runs = 0;
  e = script_run_with(&s, NULL,
                      (const char *const[]){"c:1", "c:2", "c:3", "c:4", NULL});
  assert_int_equal(e.status, BRRR_OK);
  assert_string_equal(e.value, "7");
  assert_int_equal(s.runs, 4);
}

/* The same call twice, in one gather; none of it touches `values`. */
static brrr_status twice(script *s, brrr_run *run, const void **value) {
  const int64_t n[] = {1, 1};
  const void *got[2] = {s, s};
  brrr_status status = script_gather(run, n, 2, got);
  if (status) {
    assert_ptr_equal(got[0], s);
    assert_ptr_equal(got[1], s);
    return status;
  }
  assert_int_equal(*(const int64_t *)got[1], 7);
  return toy_end(run, *(const int64_t *)got[0], value);
}

static void test_twice(void **state) { /* [APP-5] */
  (void)state;
  script s = {.act = twice};
  script_end e = script_run_with(&s, "run task\nget value/c:1\n", NULL);
  assert_string_equal(e.child, "c:1@ ");
  e = script_run_with(&s, "run task\nget value/c:1\nrun task\n",
                      (const char *const[]){"c:1", NULL});
  assert_int_equal(e.status, BRRR_OK);
}

static brrr_status nothing(script *s, brrr_run *run, const void **value) {
  (void)s;
  assert_int_equal(brrr_run_gather(run, NULL, 0, NULL), BRRR_OK);
  assert_bytes_str(brrr_run_this(run)->call_hash, "t:1");
  return toy_end(run, 0, value);
}

static void test_gather_of_none(void **state) { /* [SCHED-30] */
  (void)state;
  script s = {.act = nothing};
  assert_int_equal(script_run_with(&s, "run task\n", NULL).status, BRRR_OK);
}

/* ==== What a task must not do ============================================ */

static brrr_status ignores(script *s, brrr_run *run, const void **value) {
  const void *got;
  (void)s;
  assert_int_equal(script_call(run, 1, NULL, &got), BRRR_DEFER);
  return toy_end(run, 1, value);
}

static brrr_status makes_up(script *s, brrr_run *run, const void **value) {
  (void)s, (void)run, (void)value;
  return BRRR_DEFER;
}

static brrr_status odd(script *s, brrr_run *run, const void **value) {
  (void)s, (void)run, (void)value;
  return BRRR_ABSENT;
}

static void test_misuse(void **state) { /* [APP-7] */
  static script_act *const acts[] = {ignores, makes_up, odd};
  (void)state;
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
    script s = {.act = acts[i]};
    const script_end e = script_run_with(&s, "run task\n", NULL);
    assert_int_equal(e.status, BRRR_E_MISUSE);
    assert_true(strlen(e.error.reason) > 0);
  }
}

/* To go on after a defer is fine, if it is one in the end. */
static brrr_status collects(script *s, brrr_run *run, const void **value) {
  const void *a, *b;
  (void)s;
  const brrr_status first = script_call(run, 1, NULL, &a);
  const brrr_status second = script_call(run, 2, NULL, &b);
  return first ? first : second ? second : toy_end(run, 1, value);
}

static void test_more_calls_after_a_defer(void **state) {
  (void)state;
  script s = {.act = collects};
  assert_string_equal(script_run_with(&s, NULL, NULL).child, "c:1@ c:2@ ");
}

static void use_too_late(const script *s) {
  const int64_t n = 1;
  const void *value = s;
  const brrr_ask ask = {.task = "c", .args = &n};
  assert_int_equal(brrr_run_call(s->kept, &ask, &value), BRRR_E_MISUSE);
  assert_int_equal(brrr_run_fail(s->kept, "late"), BRRR_E_MISUSE);
  assert_null(brrr_run_arena(s->kept));
  assert_null(brrr_run_this(s->kept));
  assert_ptr_equal(value, s);
}

static void *on_thread(void *ud) {
  use_too_late(ud);
  return NULL;
}

/* Between its runs, and after them, a run is no use: here or elsewhere. */
static void between_runs(world *w, const brrr_effect *e) {
  pthread_t thread;
  if (e->type != BRRR_STORE_GET)
    return;
  use_too_late(w->ud);
  assert_int_equal(pthread_create(&thread, NULL, on_thread, w->ud), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_call_between_runs(void **state) { /* [APP-3] */
  (void)state;
  script s = {.act = twice};
  world w;
  world_init(&w);
  w.before = between_runs;
  w.ud = &s;
  world_set(&w, BRRR_KIND_VALUE, "c:1", "7");
  assert_int_equal(script_run(&w, &s, NULL).status, BRRR_OK);
  assert_int_equal(s.runs, 2);
  world_free(&w);
}

/* ==== Failures =========================================================== */

static brrr_status fails(script *s, brrr_run *run, const void **value) {
  char why[] = "bad luck";
  (void)s, (void)value;
  const brrr_status status = brrr_run_fail(run, why);
  why[0] = '?'; /* it was copied */
  return status;
}

static brrr_status fails_silently(script *s, brrr_run *run,
                                  const void **value) {
  (void)s, (void)run, (void)value;
  return BRRR_E_TASK;
}

static brrr_status asks_badly(script *s, brrr_run *run, const void **value) {
  const void *got = s;
  const brrr_status status = script_call(run, TOY_BAD_ARGS, NULL, &got);
  (void)value;
  assert_ptr_equal(got, s);
  return status;
}

static brrr_status ends_badly(script *s, brrr_run *run, const void **value) {
  (void)s;
  return toy_end(run, TOY_BAD_VALUE, value);
}

static void test_failures(void **state) {
  static const struct {
    script_act *act;
    brrr_status status;
    const char *detail;
  } cases[] = {{fails, BRRR_E_TASK, "bad luck"},
               {fails_silently, BRRR_E_TASK, ""},
               {asks_badly, BRRR_E_CODEC, "arguments of c: minus one"},
               {ends_badly, BRRR_E_CODEC, "value of t: minus two"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    script s = {.act = cases[i].act};
    const script_end e = script_run_with(&s, "run task\n", NULL);
    assert_int_equal(e.status, cases[i].status);
    assert_string_equal(e.detail, cases[i].detail);
    assert_true(strlen(e.error.reason) > 0);
  }
}

static void test_value_that_does_not_decode(void **state) {
  (void)state;
  script s = {.act = nested};
  world w;
  world_init(&w);
  world_set(&w, BRRR_KIND_VALUE, "c:1", "seven");
  const script_end e = script_run(&w, &s, NULL);
  assert_int_equal(e.status, BRRR_E_CODEC);
  assert_string_equal(e.detail, "value of c: not a number");
  world_free(&w);
}

static void test_store_that_fails(void **state) {
  (void)state;
  script s = {.act = nested};
  world w;
  world_init(&w);
  w.fault = &(world_fault){"get value/c:1", BRRR_E_IO, 1};
  assert_int_equal(script_run(&w, &s, NULL).status, BRRR_E_IO);
  assert_int_equal(s.runs, 1);
  world_free(&w);
}

/* ==== Memory ============================================================= */

static void without_memory(heap *h, void *ud) {
  script s = {.act = nested};
  cast c;
  cast_init(&c, &s);
  brrr_op *op = NULL;
  world w;
  (void)ud;
  world_init(&w);
  world_set(&w, BRRR_KIND_VALUE, "c:1", "7");
  world_set(&w, BRRR_KIND_VALUE, "c:2", "7");
  world_set(&w, BRRR_KIND_VALUE, "c:3", "7");
  world_set(&w, BRRR_KIND_VALUE, "c:4", "7");
  brrr_status status = brrr_op_run(&op, heap_alloc(h), &c.app, NULL, &c.call);
  if (status == BRRR_OK)
    status = world_run(&w, op);
  assert_int_equal(status, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  brrr_op_free(op);
  world_free(&w);
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(without_memory, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nested),
      cmocka_unit_test(test_twice),
      cmocka_unit_test(test_gather_of_none),
      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_more_calls_after_a_defer),
      cmocka_unit_test(test_call_between_runs),
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_value_that_does_not_decode),
      cmocka_unit_test(test_store_that_fails),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
