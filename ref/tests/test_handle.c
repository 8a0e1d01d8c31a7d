/* SPDX-License-Identifier: AGPL-3.0-only */
#include "world.h"

#define MESSAGE "li2e5:root11:he"
#define CALL                                                                   \
  "d7:payload4:\x01\x02\xfe\xff"                                               \
  "9:task_name4:leafe"

static void leaf(world *w) {
  world_set(w, BRRR_KIND_CALL, "h", CALL);
  w->answer.value = BRRR_LIT("v");
}

static void invoked_with_the_stored_call(world *w, const brrr_effect *e) {
  (void)w;
  if (e->type != BRRR_INVOKE)
    return;
  assert_bytes_str(e->call->call_hash, "h");
  assert_bytes_str(e->call->task_name, "leaf");
  assert_bytes_str(e->call->payload, "\x01\x02\xfe\xff");
}

static void test_leaf(void **state) { /* [WORK-2] [WORK-3] [RET-1] */
  (void)state;
  world w;
  world_init(&w);
  brrr_error err;
  leaf(&w);
  w.before = invoked_with_the_stored_call;
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_log(&w, "get, retry call/h\ninvoke h\nset value/h v\n"
                 "get pending_returns/h\n");
  assert_stored(&w, BRRR_KIND_VALUE, "h", "v");
  world_free(&w);
}

/* A duplicate writes the value again, and nothing else. */
static void test_duplicate(void **state) { /* [WORK-8] */
  (void)state;
  world w;
  world_init(&w);
  brrr_error err;
  leaf(&w);
  world_set(&w, BRRR_KIND_VALUE, "h", "v");
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_stored(&w, BRRR_KIND_VALUE, "h", "v");
  world_free(&w);
}

static void test_bad_message(void **state) { /* [WORK-4] */
  (void)state;
  const struct {
    const char *message;
    brrr_status status;
    const char *requirement;
    size_t offset;
  } bad[] = {
      {"", BRRR_E_SYNTAX, "WIRE-12", 0},
      {"hello", BRRR_E_SYNTAX, "WIRE-15", 0},
      {"li2e5:root1", BRRR_E_SYNTAX, "WIRE-13", 11},
      {"li1e5:root11:he", BRRR_E_RECORD, "REC-24", 1},
      {"li2e5:root11:\x7f"
       "e",
       BRRR_E_RECORD, "REC-42", 13},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    world w;
    world_init(&w);
    brrr_error err;
    assert_int_equal(world_handle(&w, NULL, bad[i].message, &err),
                     bad[i].status);
    assert_error(&err, bad[i].status, bad[i].requirement, bad[i].offset);
    assert_log(&w, "");
    world_free(&w);
  }
}

static void test_bad_call(void **state) { /* [WORK-5] */
  (void)state;
  const struct {
    const char *call;
    brrr_status status;
    const char *requirement;
    size_t offset;
  } bad[] = {
      {NULL, BRRR_E_CALL, "WORK-5", 0},
      {"", BRRR_E_SYNTAX, "WIRE-12", 0},
      {"d7:payload0:e", BRRR_E_RECORD, "REC-26", 12},
      {"d7:payload0:9:task_name1:\xff"
       "e",
       BRRR_E_RECORD, "WIRE-25", 25},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    world w;
    world_init(&w);
    brrr_error err;
    if (bad[i].call)
      world_set(&w, BRRR_KIND_CALL, "h", bad[i].call);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), bad[i].status);
    assert_error(&err, bad[i].status, bad[i].requirement, bad[i].offset);
    assert_log(&w, "get, retry call/h\n");
    world_free(&w);
  }
}

static void test_failing_handler(void **state) { /* [WORK-6] */
  (void)state;
  world w;
  world_init(&w);
  brrr_error err;
  leaf(&w);
  world_set(&w, BRRR_KIND_PENDING_RETURNS, "h",
            "d7:returnslli1e5:root11:p7:topic-ueee");
  w.answer.status = BRRR_E_TASK;
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_E_TASK);
  assert_error(&err, BRRR_E_TASK, "WORK-6", 0);
  assert_log(&w, "get, retry call/h\ninvoke h\n");
  world_free(&w);
}

static void test_bad_topic(void **state) {
  (void)state;
  const struct {
    const char *topic;
    brrr_status status;
    const char *requirement;
  } bad[] = {{"", BRRR_E_TOPIC, ""}, {"t\xff", BRRR_E_ENCODE, "WIRE-5"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    brrr_op *op = NULL;
    const brrr_effect *e = NULL;
    assert_int_equal(brrr_op_handle(&op, (brrr_alloc){0}, NULL,
                                    brrr_bytes_str(bad[i].topic),
                                    BRRR_LIT(MESSAGE)),
                     BRRR_OK);
    assert_int_equal(brrr_op_next(op, &e), bad[i].status);
    assert_error(brrr_op_error(op), bad[i].status, bad[i].requirement, 0);
    brrr_op_free(op);
  }
}

/* Whatever effect fails, the operation ends in just that status. */
static void test_failing_backend(void **state) {
  (void)state;
  const char *const lines[] = {"get, retry call/h", "set value/h",
                               "get pending_returns/h"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const world_fault fault = {lines[i], BRRR_E_IO, 1};
    world w;
    world_init(&w);
    brrr_error err;
    leaf(&w);
    w.fault = &fault;
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_E_IO);
    assert_error(&err, BRRR_E_IO, "", 0);
    assert_int_equal(w.faults, 1);
    world_free(&w);
  }
}

static brrr_bytes before_sweep(world *w) {
  world_init(w);
  const brrr_call call = {world_long(w, 'h'), world_long(w, 't'),
                          world_long(w, 'p')};
  world_put(w, (brrr_key){BRRR_KIND_CALL, call.call_hash},
            world_call(w, &call));
  w->answer.value = world_long(w, 'v');
  return world_message(w, world_long(w, 'r'), call.call_hash);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(world_sweep_handle, &(world_before *){before_sweep});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_leaf),
      cmocka_unit_test(test_duplicate),
      cmocka_unit_test(test_bad_message),
      cmocka_unit_test(test_bad_call),
      cmocka_unit_test(test_failing_handler),
      cmocka_unit_test(test_bad_topic),
      cmocka_unit_test(test_failing_backend),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
