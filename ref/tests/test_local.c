/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_local.c - brrr_local_call: whole graphs in memory.
 */
#include "toy.h"

#include <brrr/local.h>

#include <string.h>

/* An other call each time that it runs. */
static brrr_status fickle(brrr_run *run, const void *args, const void **value,
                          void *ud) {
  int64_t *times = ud;
  const int64_t n = 100 + ++*times;
  const void *got;
  (void)args;
  const brrr_ask ask = {.task = "one", .args = &n};
  brrr_status s = brrr_run_call(run, &ask, &got);
  return s ? s : toy_end(run, 0, value);
}

static brrr_status one(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  (void)args, (void)ud;
  return toy_end(run, 1, value);
}

/* The sum of n calls of one. */
static brrr_status fan(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  const size_t n = (size_t) * (const int64_t *)args;
  brrr_arena *a = brrr_run_arena(run);
  brrr_ask *asks = brrr_arena_get(a, n * sizeof *asks);
  const void **got = brrr_arena_get(a, n * sizeof *got);
  int64_t sum = 0;
  (void)ud;
  if (!asks || !got)
    return BRRR_E_NOMEM;
  for (size_t i = 0; i < n; i++) {
    const int64_t *number = toy_number(run, (int64_t)i);
    if (!number)
      return BRRR_E_NOMEM;
    asks[i] = (brrr_ask){.task = "one", .args = number, .topic = "elsewhere"};
  }
  brrr_status s = brrr_run_gather(run, asks, n, got);
  if (s)
    return s;
  for (size_t i = 0; i < n; i++)
    sum += *(const int64_t *)got[i];
  return toy_end(run, sum, value);
}

static brrr_status chain(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  const int64_t n = *(const int64_t *)args, below = n - 1;
  const void *got;
  (void)ud;
  if (n == 0)
    return toy_end(run, 0, value);
  const brrr_ask ask = {.task = "chain", .args = &below};
  brrr_status s = brrr_run_call(run, &ask, &got);
  return s ? s : toy_end(run, *(const int64_t *)got + 1, value);
}

static brrr_status endless(brrr_run *run, const void *args, const void **value,
                           void *ud) {
  const int64_t next = *(const int64_t *)args + 1;
  const brrr_ask ask = {.task = "endless", .args = &next};
  const void *got;
  (void)ud;
  brrr_status s = brrr_run_call(run, &ask, &got);
  return s ? s : toy_end(run, 0, value);
}

static brrr_status failing(brrr_run *run, const void *args, const void **value,
                           void *ud) {
  (void)args, (void)value, (void)ud;
  return brrr_run_fail(run, "no luck");
}

static int64_t fickle_times;

static const brrr_task tasks[] = {
    {.name = "fib", .fn = toy_fib},
    {.name = "fickle", .fn = fickle, .ud = &fickle_times},
    {.name = "one", .fn = one},
    {.name = "fan", .fn = fan},
    {.name = "chain", .fn = chain},
    {.name = "endless", .fn = endless},
    {.name = "failing", .fn = failing}};

typedef struct outcome {
  brrr_arena arena;
  brrr_status status;
  const void *value;
  brrr_error error;
  brrr_bytes detail;
} outcome;

static void call(outcome *o, const brrr_local_options *options,
                 const char *task, int64_t n) {
  const brrr_codec codec = toy_codec();
  const brrr_app app = {tasks, sizeof tasks / sizeof *tasks, &codec};
  const brrr_ask ask = {.task = task, .args = &n};
  *o = (outcome){.value = NULL};
  brrr_arena_init(&o->arena, options ? options->alloc : (brrr_alloc){0});
  o->status = brrr_local_call(&app, options, &ask, &o->arena, &o->value,
                              &o->error, &o->detail);
}

static void expect(const char *task, int64_t n, int64_t value) {
  outcome o;
  call(&o, NULL, task, n);
  assert_int_equal(o.status, BRRR_OK);
  assert_int_equal(*(const int64_t *)o.value, value);
  brrr_arena_free(&o.arena);
}

static void expect_failure(const brrr_local_options *options, const char *task,
                           brrr_status status, const char *words) {
  outcome o;
  call(&o, options, task, 1);
  assert_int_equal(o.status, status);
  assert_int_equal(o.error.status, status);
  assert_null(o.value);
  if (words)
    assert_bytes_str(o.detail, words);
  brrr_arena_free(&o.arena);
}

static void test_values(void **state) {
  (void)state;
  expect("one", 5, 1);
  expect("fib", 20, 6765);
  expect("fan", 1, 1);
  expect("fan", 4000, 4000);
  expect("chain", 4000, 4000);
}

static void test_failures(void **state) {
  (void)state;
  expect_failure(NULL, "failing", BRRR_E_TASK, "no luck");
  expect_failure(NULL, "nobody", BRRR_E_UNKNOWN, "nobody");
  expect_failure(NULL, "endless", BRRR_E_SPAWN, NULL); /* [SCHED-12] */
  /* The root, its one child, and the return of that. */
  expect_failure(&(brrr_local_options){.limits.spawn = 2}, "fan", BRRR_E_SPAWN,
                 NULL);
}

static void test_bad_arguments(void **state) {
  (void)state;
  outcome o;
  call(&o, NULL, "fib", TOY_BAD_ARGS);
  assert_int_equal(o.status, BRRR_E_CODEC);
  assert_bytes_str(o.detail, "arguments of fib: minus one");
  brrr_arena_free(&o.arena);
}

static void test_check_reruns(void **state) {
  (void)state;
  fickle_times = 0;
  expect_failure(&(brrr_local_options){.check_reruns = true}, "fickle",
                 BRRR_E_RERUN, "before: one one:101; now: one one:102");
}

/* A heap, and the most that was in it. */
typedef struct gauge {
  heap heap;
  size_t most;
} gauge;

static void *gauge_fn(void *ud, void *ptr, size_t osize, size_t nsize) {
  gauge *g = ud;
  const brrr_alloc alloc = heap_alloc(&g->heap);
  void *new = alloc.fn(alloc.ud, ptr, osize, nsize);
  if (g->heap.octets > g->most)
    g->most = g->heap.octets;
  return new;
}

/* All is in it: store, queue and memos, too. */
static void expect_most(const char *task, int64_t n, size_t octets) {
  gauge g = {.most = 0};
  const brrr_local_options options = {.alloc = {gauge_fn, &g}};
  outcome o;
  call(&o, &options, task, n);
  assert_int_equal(o.status, BRRR_OK);
  assert_int_equal(*(const int64_t *)o.value, n);
  brrr_arena_free(&o.arena);
  assert_int_equal(g.heap.live, 0);
  if (g.most > octets)
    fail_msg("%s: %zu octets", task, g.most);
}

static void test_memory(void **state) {
  (void)state;
  expect_most("chain", 4000, (size_t)3 << 20);
  expect_most("fan", 4000, (size_t)8 << 20);
}

static void without_memory(heap *h, void *ud) {
  const brrr_local_options options = {.alloc = heap_alloc(h)};
  outcome o;
  (void)ud;
  call(&o, &options, "fib", 4);
  /* A memo that finds no memory forgets, and that is all. */
  if (o.status == BRRR_OK)
    assert_int_equal(*(const int64_t *)o.value, 3);
  else
    assert_int_equal(o.status, BRRR_E_NOMEM);
  brrr_arena_free(&o.arena);
}

static void test_no_memory(void **state) {
  (void)state;
  heap_sweep(without_memory, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),        cmocka_unit_test(test_failures),
      cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_check_reruns),
      cmocka_unit_test(test_memory),        cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
