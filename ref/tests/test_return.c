/* SPDX-License-Identifier: AGPL-3.0-only */
#include "world.h"

#include <stdio.h>

#define MESSAGE "li2e5:root91:ce"
#define CALL "d7:payload3:[c]9:task_name5:childe"
#define P1 "li1e5:root11:p7:topic-te"
#define P2 "li1e5:root21:p7:topic-te"
#define Q1 "li1e5:root11:q7:topic-ue"
#define AT "12:scheduled_ati1700000000e"
#define RETURNS(returns) "d7:returnsl" returns "e" AT "e"

static void begin(world *w, const char *record) {
  world_init(w);
  world_set(w, BRRR_KIND_CALL, "c", CALL);
  w->answer.value = BRRR_LIT("v");
  if (record)
    world_set(w, BRRR_KIND_PENDING_RETURNS, "c", record);
}

static size_t times(const world *w, const char *needle) {
  size_t n = 0;
  for (const char *p = w->log; (p = strstr(p, needle)); p++)
    n++;
  return n;
}

/* ==== The record as it is ================================================ */

static void test_returns(void **state) { /* [RET-1] [RET-2] [RET-4] */
  (void)state;
  world w;
  brrr_error err;
  begin(&w, RETURNS(P1 Q1 P2));
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_log(&w, "get, retry call/c\ninvoke c\nset value/c v\n"
                 "get pending_returns/c\n"
                 "incr brrr_count/root1\nincr brrr_count/root1\n"
                 "incr brrr_count/root2\n"
                 "put topic-t li2e5:root11:pe\n"
                 "put topic-u li2e5:root11:qe\n"
                 "put topic-t li2e5:root21:pe\n"
                 "cad pending_returns/c\n");
  assert_stored(&w, BRRR_KIND_VALUE, "c", "v");
  assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", NULL);
  world_free(&w);
}

static void test_empty_value(void **state) { /* [REC-5] */
  (void)state;
  world w;
  brrr_error err;
  begin(&w, NULL);
  w.answer.value = (brrr_bytes){NULL, 0};
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_stored(&w, BRRR_KIND_VALUE, "c", "");
  world_free(&w);
}

static void test_odd_records(void **state) { /* [REC-20] [REC-21] */
  (void)state;
  const struct {
    const char *record;
    size_t puts;
  } cases[] = {
      {NULL, 0},
      {RETURNS(""), 0},
      {"d7:returnsl" P1 "ee", 1},
      {"d7:returnsl" P2 P1 P2 P1 "e1:zdee", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    begin(&w, cases[i].record);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
    assert_int_equal(times(&w, "put "), cases[i].puts);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", NULL);
    world_free(&w);
  }
}

static void test_bad_record(void **state) {
  (void)state;
  world w;
  brrr_error err;
  begin(&w, "d7:returnslli2e1:r1:heee");
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_E_RECORD);
  assert_error(&err, BRRR_E_RECORD, "REC-24", 12);
  assert_stored(&w, BRRR_KIND_VALUE, "c", "v");
  assert_int_equal(times(&w, "incr "), 0);
  assert_int_equal(times(&w, "cad "), 0);
  world_free(&w);
}

/* ==== The spawn limit ==================================================== */

static void test_spawn_limit(void **state) { /* [RET-5] */
  (void)state;
  const struct {
    int64_t root1, root2;
    brrr_status status;
    size_t puts;
  } cases[] = {
      {9997, 9998, BRRR_OK, 3},    {9998, 9999, BRRR_OK, 3},
      {9999, 0, BRRR_E_SPAWN, 2},  {10000, 0, BRRR_E_SPAWN, 1},
      {0, 10000, BRRR_E_SPAWN, 2}, {10000, 10000, BRRR_E_SPAWN, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    begin(&w, RETURNS(P1 Q1 P2));
    world_count(&w, "brrr_count/root1", cases[i].root1);
    world_count(&w, "brrr_count/root2", cases[i].root2);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), cases[i].status);
    if (cases[i].status)
      assert_error(&err, BRRR_E_SPAWN, "SCHED-12", 0);
    assert_int_equal(times(&w, "put "), cases[i].puts);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", NULL);
    assert_stored(&w, BRRR_KIND_VALUE, "c", "v");
    world_free(&w);
  }
}

/* ==== Others at work ===================================================== */

/* Before each removal, while there are records left, another worker has
 * changed the record. */
static void change_record(world *w, const brrr_effect *e) {
  const char **records = w->ud; /* NULL at the end; "" removes */
  if (e->type != BRRR_STORE_CAD || !*records)
    return;
  if (**records)
    world_set(w, BRRR_KIND_PENDING_RETURNS, "c", *records);
  else
    world_remove(w, BRRR_KIND_PENDING_RETURNS, "c");
  w->ud = records + 1;
}

static void test_mismatch(void **state) { /* [RET-3] [RET-4] */
  (void)state;
  const struct {
    const char *first, *others[4];
    size_t puts;
  } cases[] = {
      {RETURNS(P1), {RETURNS(P1 Q1), NULL}, 2},
      {RETURNS(P1), {RETURNS(P1 Q1), RETURNS(P1 Q1 P2), NULL}, 3},
      /* another worker has removed the record, a new one came */
      {RETURNS(P1), {RETURNS(Q1), NULL}, 2},
      {RETURNS(P1), {RETURNS(Q1), RETURNS(P1), NULL}, 2},
      /* they come from the last to the first */
      {RETURNS(P2), {RETURNS(Q1), RETURNS(P1), RETURNS(P1 Q1 P2)}, 3},
      {RETURNS(P1), {"", NULL}, 1},
      {RETURNS(P1), {RETURNS(""), RETURNS(P1), NULL}, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    const char *others[5] = {NULL};
    memcpy(others, cases[i].others, sizeof cases[i].others);
    begin(&w, cases[i].first);
    w.before = change_record;
    w.ud = others;
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
    assert_int_equal(times(&w, "put "), cases[i].puts);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", NULL);
    world_free(&w);
  }
}

static void test_attempts(void **state) { /* [STORE-5] [STORE-6] */
  (void)state;
  const struct {
    uint32_t limit, mismatches, attempts;
    brrr_status status;
  } cases[] = {{0, 99, 100, BRRR_OK},
               {0, 100, 100, BRRR_E_CAS},
               {0, 101, 100, BRRR_E_CAS},
               {1, 0, 1, BRRR_OK},
               {1, 1, 1, BRRR_E_CAS}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const brrr_limits limits = {.cas_attempts = cases[i].limit};
    const world_fault fault = {"cad pending_returns/c", BRRR_MISMATCH,
                               cases[i].mismatches};
    world w;
    brrr_error err;
    begin(&w, RETURNS(P1 Q1));
    w.fault = &fault;
    assert_int_equal(world_handle(&w, &limits, MESSAGE, &err), cases[i].status);
    if (cases[i].status)
      assert_error(&err, BRRR_E_CAS, "STORE-6", 0);
    assert_int_equal(times(&w, "cad "), cases[i].attempts);
    assert_int_equal(times(&w, "put "), 2); /* [RET-3] */
    world_free(&w);
  }
}

/* ==== All orders ========================================================= */

/* No removal before each return is put or refused [RET-4]. */
static void check_order(world *w, const brrr_effect *e) {
  if (e->type == BRRR_STORE_CAD)
    assert_int_equal(times(w, "put "), 3);
  if (e->type == BRRR_CACHE_INCR)
    assert_non_null(strstr(w->log, "set value/c v\n")); /* [RET-1] */
}

static void test_all_orders(void **state) {
  (void)state;
  choices c = {0};
  size_t runs = 0;
  do {
    world w;
    brrr_error err;
    begin(&w, RETURNS(P1 Q1 P2));
    w.before = check_order;
    w.choose = choices_choose;
    w.ud = &c;
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", NULL);
    assert_counted(&w, "brrr_count/root1", 2);
    assert_counted(&w, "brrr_count/root2", 1);
    world_free(&w);
    runs++;
  } while (choices_next(&c));
  assert_int_equal(runs, 90); /* two effects each: 6! / (2! 2! 2!) */
}

static void test_all_orders_with_a_fault(void **state) {
  (void)state;
  const char *const lines[] = {
      "set value/c", "get pending_returns/c", "incr brrr_count/root2",
      "put topic-u li2e5:root11:qe", "cad pending_returns/c"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const world_fault fault = {lines[i], BRRR_E_IO, 1};
    choices c = {0};
    do {
      world w;
      brrr_error err;
      begin(&w, RETURNS(P1 Q1 P2));
      w.fault = &fault;
      w.choose = choices_choose;
      w.ud = &c;
      assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_E_IO);
      assert_int_equal(w.faults, 1);
      assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", RETURNS(P1 Q1 P2));
      world_free(&w);
    } while (choices_next(&c));
  }
}

/* ==== Memory ============================================================= */

/* Before the first removal another return comes. */
static void add_return(world *w, const brrr_effect *e) {
  if (e->type != BRRR_STORE_CAD || !w->ud)
    return;
  world_put(w, e->key, *(const brrr_bytes *)w->ud);
  w->ud = NULL;
}

static brrr_bytes before_sweep(world *w) {
  world_init(w);
  const brrr_call call = {world_long(w, 'c'), world_long(w, 't'),
                          world_long(w, 'a')};
  const brrr_bytes topic = world_long(w, 'u'), parent = world_long(w, 'p');
  brrr_pending_return returns[] = {{world_long(w, '1'), parent, topic},
                                   {world_long(w, '2'), parent, topic}};
  brrr_bytes *both = brrr_arena_get(&w->arena, sizeof *both);
  assert_non_null(both);
  *both = world_returns(w, returns, 2);
  world_put(w, (brrr_key){BRRR_KIND_CALL, call.call_hash},
            world_call(w, &call));
  world_put(w, (brrr_key){BRRR_KIND_PENDING_RETURNS, call.call_hash},
            world_returns(w, returns, 1));
  w->answer.value = world_long(w, 'v');
  w->before = add_return;
  w->ud = both;
  return world_message(w, world_long(w, '9'), call.call_hash);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(world_sweep_handle, &(world_before *){before_sweep});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_returns),
      cmocka_unit_test(test_empty_value),
      cmocka_unit_test(test_odd_records),
      cmocka_unit_test(test_bad_record),
      cmocka_unit_test(test_spawn_limit),
      cmocka_unit_test(test_mismatch),
      cmocka_unit_test(test_attempts),
      cmocka_unit_test(test_all_orders),
      cmocka_unit_test(test_all_orders_with_a_fault),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
