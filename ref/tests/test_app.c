/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_app.c - brrr_op_run: look-ups, runs, and what a call ends in.
 */
#include "toy.h"
#include "world.h"

/* Runs "name:n" of `app` in `w`. The operation is left to look at. */
static brrr_status run(world *w, const brrr_app *app, const char *hash,
                       const char *name, const char *payload, brrr_op **op) {
  static brrr_call call; /* outlives the operation */
  call = (brrr_call){brrr_bytes_str(hash), brrr_bytes_str(name),
                     brrr_bytes_str(payload)};
  assert_int_equal(brrr_op_run(op, (brrr_alloc){0}, app, NULL, &call), BRRR_OK);
  return world_run(w, *op);
}

static const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib}};

static void test_fib(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_app app = {tasks, 1, &codec};
  world w;
  brrr_op *op;
  size_t count;
  world_init(&w);
  assert_int_equal(run(&w, &app, "fib:1", "fib", "1", &op), BRRR_OK);
  assert_bytes_str(brrr_op_value(op), "1");
  assert_log(&w, "run task\n");
  brrr_op_free(op);

  assert_int_equal(run(&w, &app, "fib:2", "fib", "2", &op), BRRR_DEFER);
  const brrr_child *children = brrr_op_children(op, &count);
  assert_int_equal(count, 2);
  assert_bytes_str(children[0].call.call_hash, "fib:1");
  assert_bytes_str(children[1].call.call_hash, "fib:0");
  brrr_op_free(op);

  world_set(&w, BRRR_KIND_VALUE, "fib:1", "1");
  world_set(&w, BRRR_KIND_VALUE, "fib:0", "0");
  assert_int_equal(run(&w, &app, "fib:2", "fib", "2", &op), BRRR_OK);
  assert_bytes_str(brrr_op_value(op), "1");
  brrr_op_free(op);
  assert_log(&w, "run task\n"
                 "run task\nget value/fib:1\nget value/fib:0\n"
                 "run task\nget value/fib:1\nget value/fib:0\nrun task\n");
  world_free(&w);
}

/* What a call asked for is remembered from one delivery to the next. */
static void test_memo(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_app app = {tasks, 1, &codec};
  const brrr_call call = {BRRR_LIT("fib:2"), BRRR_LIT("fib"), BRRR_LIT("2")};
  brrr_running how = {.check = true};
  brrr_op *op;
  world w;
  world_init(&w);
  assert_int_equal(brrr_memo_new(&how.asked, (brrr_alloc){0}, 4096), BRRR_OK);
  assert_int_equal(brrr_op_run(&op, (brrr_alloc){0}, &app, &how, &call),
                   BRRR_OK);
  assert_int_equal(world_run(&w, op), BRRR_DEFER);
  brrr_op_free(op);
  world_set(&w, BRRR_KIND_VALUE, "fib:1", "1");
  world_set(&w, BRRR_KIND_VALUE, "fib:0", "0");
  assert_int_equal(brrr_op_run(&op, (brrr_alloc){0}, &app, &how, &call),
                   BRRR_OK);
  assert_int_equal(world_run(&w, op), BRRR_OK);
  brrr_op_free(op);
  assert_log(&w, "run task\nget value/fib:1\nget value/fib:0\n"
                 "get value/fib:1\nget value/fib:0\nrun task\n");
  /* It has a value now, and is forgotten. */
  assert_int_equal(brrr_op_run(&op, (brrr_alloc){0}, &app, &how, &call),
                   BRRR_OK);
  assert_int_equal(world_run(&w, op), BRRR_OK);
  brrr_op_free(op);
  assert_log(&w, "run task\nget value/fib:1\nget value/fib:0\n"
                 "get value/fib:1\nget value/fib:0\nrun task\n"
                 "run task\nget value/fib:1\nget value/fib:0\nrun task\n");
  brrr_memo_free(how.asked);
  world_free(&w);
}

/* Outside of a task that runs nothing can be asked for. */
static void test_misuse(void **state) {
  (void)state;
  const int64_t n = 1;
  const brrr_ask ask = {.task = "fib", .args = &n};
  const void *value = &n;
  assert_int_equal(brrr_run_call(NULL, &ask, &value), BRRR_E_MISUSE);
  assert_int_equal(brrr_run_gather(NULL, &ask, 1, &value), BRRR_E_MISUSE);
  assert_int_equal(brrr_run_fail(NULL, "why"), BRRR_E_MISUSE);
  assert_null(brrr_run_arena(NULL));
  assert_null(brrr_run_this(NULL));
  assert_ptr_equal(value, &n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fib),
      cmocka_unit_test(test_memo),
      cmocka_unit_test(test_misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
