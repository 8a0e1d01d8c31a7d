/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_reruns.c - tasks that ask for other calls than when they ran before.
 */
#include "script.h"

#include <string.h>

/* Which two calls it asks for, one after the other. */
static unsigned path;

static brrr_status wanders(script *s, brrr_run *run, const void **value) {
  static const int64_t paths[][2] = {{1, 2}, {1, 1}, {2, 1}, {1, 3}};
  const void *got;
  (void)s;
  for (size_t i = 0; i < 2; i++) {
    brrr_status status = script_call(run, paths[path][i], NULL, &got);
    if (status)
      return status;
  }
  return toy_end(run, 0, value);
}

/* Two deliveries, one on each path, with one memory; first without c:2, which
 * the first path wants, then with all values. */
static script_end wander(unsigned first, unsigned second) {
  script s = {.act = wanders};
  brrr_running how = {.check = true};
  world w;
  world_init(&w);
  assert_int_equal(brrr_memo_new(&how.asked, (brrr_alloc){0}, 4096), BRRR_OK);
  world_set(&w, BRRR_KIND_VALUE, "c:1", "7");
  path = first;
  assert_int_equal(script_run(&w, &s, &how).status, BRRR_DEFER);
  world_set(&w, BRRR_KIND_VALUE, "c:2", "7");
  world_set(&w, BRRR_KIND_VALUE, "c:3", "7");
  path = second;
  const script_end e = script_run(&w, &s, &how);
  brrr_memo_free(how.asked);
  world_free(&w);
  return e;
}

static void test_reruns(void **state) { /* [APP-4] */
  (void)state;
  assert_int_equal(wander(0, 0).status, BRRR_OK);
  const struct {
    unsigned path;
    const char *detail;
  } bad[] = {{1, "before: c c:1, c c:2; now: c c:1"},
             {2, "before: c c:1, c c:2; now: c c:2, c c:1"},
             {3, "before: c c:1, c c:2; now: c c:1, c c:3"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const script_end e = wander(0, bad[i].path);
    assert_int_equal(e.status, BRRR_E_RERUN);
    assert_error(&e.error, BRRR_E_RERUN, "APP-4", 0);
    assert_string_equal(e.detail, bad[i].detail);
  }
}

/* A value that was there and is not seen any more: the task gets less far, and
 * that is no fault of its. */
static void test_value_that_is_gone(void **state) {
  (void)state;
  script s = {.act = wanders};
  brrr_running how = {.check = true};
  world w;
  world_init(&w);
  path = 0;
  assert_int_equal(brrr_memo_new(&how.asked, (brrr_alloc){0}, 4096), BRRR_OK);
  world_set(&w, BRRR_KIND_VALUE, "c:1", "7");
  assert_string_equal(script_run(&w, &s, &how).child, "c:2@ ");
  world_remove(&w, BRRR_KIND_VALUE, "c:1");
  assert_string_equal(script_run(&w, &s, &how).child, "c:1@ ");
  brrr_memo_free(how.asked);
  world_free(&w);
}

#define MANY 100

/* Asks for all of them, whatever comes; each time for another last but one. */
static brrr_status many(script *s, brrr_run *run, const void **value) {
  brrr_status status = BRRR_OK;
  for (int64_t i = 0; i < MANY; i++) {
    const void *got;
    const int64_t n = i == MANY - 2 ? INT64_C(1000) * s->runs : i;
    const brrr_status last = script_call(run, n, NULL, &got);
    status = last ? last : status;
  }
  return status ? status : toy_end(run, 0, value);
}

/* Carries out a BRRR_RUN. */
static void run_once(brrr_op *op) {
  const brrr_effect *e = NULL;
  assert_int_equal(brrr_op_next(op, &e), BRRR_EFFECT);
  brrr_run_task(e->run);
  assert_int_equal(brrr_op_reply(op, e->id, &(brrr_reply){.status = BRRR_OK}),
                   BRRR_OK);
}

static void test_many(void **state) {
  (void)state;
  script s = {.act = many};
  cast c;
  cast_init(&c, &s);
  const brrr_effect *e;
  uint64_t ids[MANY];
  size_t gets = 0;
  brrr_op *op;
  assert_int_equal(brrr_op_run(&op, (brrr_alloc){0}, &c.app,
                               &(brrr_running){.check = true}, &c.call),
                   BRRR_OK);
  run_once(op);
  while (gets < MANY && brrr_op_next(op, &e) == BRRR_EFFECT)
    ids[gets++] = e->id; /* all are under way at once */
  assert_int_equal(gets, MANY);
  assert_int_equal(brrr_op_next(op, &e), BRRR_WAIT);
  while (gets--)
    assert_int_equal(
        brrr_op_reply(op, ids[gets], &(brrr_reply){.value = BRRR_LIT("7")}),
        BRRR_OK);
  run_once(op);
  const script_end z = script_look(op, brrr_op_next(op, &e));
  assert_int_equal(z.status, BRRR_E_RERUN);
  assert_non_null(strstr(z.detail, "before: ..., c c:"));
  assert_non_null(strstr(z.detail, "c c:1000, c c:99; now: ..., c c:"));
  assert_non_null(strstr(z.detail, "c c:2000, c c:99"));
  assert_true(strlen(z.detail) < 1024);
  brrr_op_free(op);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reruns),
      cmocka_unit_test(test_value_that_is_gone),
      cmocka_unit_test(test_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
