/* SPDX-License-Identifier: AGPL-3.0-only */
#include "world.h"

#include <stdio.h>

static const brrr_call leaf = {BRRR_INIT("h"), BRRR_INIT("leaf"),
                               BRRR_INIT("[1,\"x\"]")};

/* An operation copies its arguments: lend them, and take them back at once. */
static brrr_op *start(heap *h, const brrr_limits *limits, const char *topic,
                      const brrr_call *call) {
  brrr_op *op = NULL;
  const brrr_bytes lent[] = {exact(brrr_bytes_str(topic)),
                             exact(call->call_hash), exact(call->task_name),
                             exact(call->payload), exact(BRRR_LIT("root1"))};
  const brrr_call copy = {lent[1], lent[2], lent[3]};
  assert_int_equal(
      brrr_op_schedule(&op, heap_alloc(h), limits, lent[0], &copy, lent[4]),
      BRRR_OK);
  for (size_t i = 0; i < sizeof lent / sizeof *lent; i++)
    exact_free(lent[i]);
  return op;
}

static brrr_status schedule(world *w, const brrr_limits *limits,
                            brrr_error *err) {
  heap h = {0};
  brrr_op *op = start(&h, limits, "topic-t", &leaf);
  const brrr_status s = world_run(w, op);
  *err = *brrr_op_error(op);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  return s;
}

static brrr_status read_value(world *w, const char *hash, brrr_bytes *out) {
  heap h = {0};
  brrr_op *op = NULL;
  const brrr_bytes lent = exact(brrr_bytes_str(hash));
  assert_int_equal(brrr_op_read(&op, heap_alloc(&h), lent), BRRR_OK);
  exact_free(lent);
  const brrr_status s = world_run(w, op);
  if (s == BRRR_OK)
    assert_int_equal(brrr_arena_copy(&w->arena, brrr_op_value(op), out), 0);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  return s;
}

/* ==== schedule =========================================================== */

static void test_schedule(void **state) { /* [SCHED-2] [SCHED-4] [SCHED-10] */
  (void)state;
  world w;
  world_init(&w);
  brrr_error err;
  assert_int_equal(schedule(&w, NULL, &err), BRRR_OK);
  assert_log(&w, "has value/h\n"
                 "set call/h d7:payload7:[1,\"x\"]9:task_name4:leafe\n"
                 "incr brrr_count/root1\n"
                 "put topic-t li2e5:root11:he\n");
  world_free(&w);
}

static void test_value_exists(void **state) { /* [SCHED-1] */
  (void)state;
  world w;
  world_init(&w);
  brrr_error err;
  world_set(&w, BRRR_KIND_VALUE, "h", "");
  assert_int_equal(schedule(&w, NULL, &err), BRRR_OK);
  assert_log(&w, "has value/h\n");
  world_free(&w);
}

static void test_spawn_limit(void **state) { /* [SCHED-11] [SCHED-12] */
  (void)state;
  const struct {
    int64_t limit, counted;
    brrr_status status;
  } cases[] = {{0, 9998, BRRR_OK},       {0, 9999, BRRR_OK},
               {0, 10000, BRRR_E_SPAWN}, {1, 0, BRRR_OK},
               {1, 1, BRRR_E_SPAWN},     {INT64_MAX, 10000, BRRR_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    world_init(&w);
    brrr_error err;
    const brrr_limits limits = {.spawn = cases[i].limit};
    world_count(&w, "brrr_count/root1", cases[i].counted);
    assert_int_equal(schedule(&w, &limits, &err), cases[i].status);
    if (cases[i].status)
      assert_error(&err, BRRR_E_SPAWN, "SCHED-12", 0);
    assert_int_equal(strstr(w.log, "put ") != NULL, !cases[i].status);
    world_free(&w);
  }
}

/* Found before anything is written; the operation tells what it is. */
static void test_what_cannot_be_encoded(void **state) {
  (void)state;
  const struct {
    const char *topic;
    brrr_call call;
    brrr_status status;
    const char *requirement;
    size_t offset;
  } cases[] = {
      {"", leaf, BRRR_E_TOPIC, "", 0},
      {"t\xc3", leaf, BRRR_E_ENCODE, "WIRE-5", 0},
      {"t",
       {BRRR_INIT("h\x1f"), BRRR_INIT(""), BRRR_INIT("")},
       BRRR_E_ENCODE,
       "REC-10",
       1},
      {"t",
       {BRRR_INIT("h"), BRRR_INIT("ab\xed\xa0\x80"), BRRR_INIT("")},
       BRRR_E_ENCODE,
       "WIRE-5",
       2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    world_init(&w);
    heap h = {0};
    brrr_op *op = start(&h, NULL, cases[i].topic, &cases[i].call);
    assert_int_equal(world_run(&w, op), cases[i].status);
    assert_error(brrr_op_error(op), cases[i].status, cases[i].requirement,
                 cases[i].offset);
    assert_log(&w, "");
    brrr_op_free(op);
    assert_int_equal(h.live, 0);
    world_free(&w);
  }
}

static void test_failing_backend(void **state) {
  (void)state;
  const char *const lines[] = {"has value/h", "set call/h",
                               "incr brrr_count/root1", "put topic-t"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const world_fault fault = {lines[i], BRRR_E_IO, 1};
    world w;
    world_init(&w);
    brrr_error err;
    w.fault = &fault;
    assert_int_equal(schedule(&w, NULL, &err), BRRR_E_IO);
    assert_error(&err, BRRR_E_IO, "", 0);
    assert_int_equal(w.faults, 1);
    assert_true(w.log[w.line] == *lines[i]); /* nothing after it */
    world_free(&w);
  }
}

/* ==== read =============================================================== */

static void test_read(void **state) { /* [SCHED-5] */
  (void)state;
  world w;
  world_init(&w);
  brrr_bytes value = {NULL, 0};
  world_set(&w, BRRR_KIND_VALUE, "a", "\x01\xff");
  world_set(&w, BRRR_KIND_VALUE, "b", "");
  world_set(&w, BRRR_KIND_CALL, "c", "d7:payload0:9:task_name0:e");
  assert_int_equal(read_value(&w, "a", &value), BRRR_OK);
  assert_bytes_str(value, "\x01\xff");
  assert_int_equal(read_value(&w, "b", &value), BRRR_OK);
  assert_bytes_str(value, "");
  assert_int_equal(read_value(&w, "c", &value), BRRR_ABSENT);
  const world_fault fault = {"get value/a", BRRR_E_IO, 1};
  w.fault = &fault;
  assert_int_equal(read_value(&w, "a", &value), BRRR_E_IO);
  world_free(&w);
}

/* ==== Memory ============================================================= */

static brrr_status start_schedule(brrr_op **op, heap *h, world *w) {
  const brrr_call call = {world_long(w, 'h'), world_long(w, 't'),
                          world_long(w, 'p')};
  return brrr_op_schedule(op, heap_alloc(h), NULL, world_long(w, 'u'), &call,
                          world_long(w, 'r'));
}

static brrr_status start_read(brrr_op **op, heap *h, world *w) {
  const brrr_bytes hash = world_long(w, 'h');
  world_put(w, (brrr_key){BRRR_KIND_VALUE, hash}, world_long(w, 'v'));
  return brrr_op_read(op, heap_alloc(h), hash);
}

static void sweep(heap *h, void *ud) {
  brrr_status (*const *begin)(brrr_op **, heap *, world *) = ud;
  world w;
  world_init(&w);
  brrr_op *op = NULL;
  brrr_status s = (*begin)(&op, h, &w);
  if (s)
    assert_null(op);
  else
    s = world_run(&w, op);
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  brrr_op_free(op);
  world_free(&w);
}

static void test_memory(void **state) {
  (void)state;
  brrr_status (*begin)(brrr_op **, heap *, world *) = start_schedule;
  heap_sweep(sweep, &begin);
  begin = start_read;
  heap_sweep(sweep, &begin);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_schedule),
      cmocka_unit_test(test_value_exists),
      cmocka_unit_test(test_spawn_limit),
      cmocka_unit_test(test_what_cannot_be_encoded),
      cmocka_unit_test(test_failing_backend),
      cmocka_unit_test(test_read),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
