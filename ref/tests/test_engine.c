/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * The engine as its driver sees it: order of calls, misuse, size. */
#include "engine.h"
#include "world.h"

#include <stdio.h>

#define MESSAGE BRRR_LIT("li2e5:root11:pe")
#define CALL "d7:payload2:[]9:task_name6:parente"
#define DEFER(children_, count_)                                               \
  (&(brrr_reply){.status = BRRR_DEFER,                                         \
                 .now = WORLD_NOW,                                             \
                 .children = (children_),                                      \
                 .count = (count_)})

static const brrr_reply ok = {.status = BRRR_OK};
static const brrr_reply absent = {.status = BRRR_ABSENT};
static const brrr_child two[] = {
    {.call = {BRRR_INIT("a"), BRRR_INIT("child"), BRRR_INIT("")}},
    {.call = {BRRR_INIT("b"), BRRR_INIT("child"), BRRR_INIT("")}}};

/* The next effect, which must be of this type. */
static const brrr_effect *next(brrr_op *op, brrr_effect_type type) {
  const brrr_effect *e = NULL;
  assert_int_equal(brrr_op_next(op, &e), BRRR_EFFECT);
  assert_int_equal(e->type, type);
  return e;
}

/* An operation whose handler has been called; `id` names that effect. */
static brrr_op *invoked(heap *h, uint64_t *id) {
  brrr_op *op = NULL;
  assert_int_equal(
      brrr_op_handle(&op, heap_alloc(h), NULL, WORLD_TOPIC, MESSAGE), BRRR_OK);
  const uint64_t get = next(op, BRRR_STORE_GET)->id;
  assert_int_equal(
      brrr_op_reply(op, get, &(brrr_reply){.value = BRRR_LIT(CALL)}), BRRR_OK);
  *id = next(op, BRRR_INVOKE)->id;
  return op;
}

static void test_kind_name(void **state) { /* [STORE-2] */
  (void)state;
  assert_string_equal(brrr_kind_name(BRRR_KIND_CALL), "call");
  assert_string_equal(brrr_kind_name(BRRR_KIND_VALUE), "value");
  assert_string_equal(brrr_kind_name(BRRR_KIND_PENDING_RETURNS),
                      "pending_returns");
}

/* ==== Order of calls ===================================================== */

static void test_wait(void **state) {
  (void)state;
  heap h = {0};
  brrr_op *op = NULL;
  const brrr_effect *e = NULL;
  assert_int_equal(brrr_op_read(&op, heap_alloc(&h), BRRR_LIT("h")), BRRR_OK);
  const uint64_t id = next(op, BRRR_STORE_GET)->id;
  assert_int_equal(brrr_op_next(op, &e), BRRR_WAIT);
  assert_int_equal(brrr_op_next(op, &e), BRRR_WAIT);
  assert_null(e);
  assert_int_equal(brrr_op_reply(op, id, &(brrr_reply){.value = BRRR_LIT("v")}),
                   BRRR_OK);
  assert_int_equal(brrr_op_next(op, &e), BRRR_OK);
  assert_int_equal(brrr_op_next(op, &e), BRRR_OK);
  assert_bytes_str(brrr_op_value(op), "v");
  assert_int_equal(brrr_op_error(op)->status, BRRR_OK);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
}

static void test_unknown_id(void **state) {
  (void)state;
  heap h = {0};
  uint64_t invoke;
  brrr_op *op = invoked(&h, &invoke);
  const uint64_t ids[] = {invoke - 1,                   /* answered */
                          invoke + 1,                   /* not asked for yet */
                          invoke + (UINT64_C(1) << 32), /* no such strand */
                          UINT64_MAX};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    assert_int_equal(brrr_op_reply(op, ids[i], &ok), BRRR_E_MISUSE);
  assert_int_equal(brrr_op_reply(op, invoke, DEFER(two, 2)), BRRR_OK);
  assert_int_equal(brrr_op_reply(op, invoke, DEFER(two, 2)), BRRR_E_MISUSE);
  const brrr_effect *a = next(op, BRRR_STORE_SET);
  /* b has asked, but was not fetched */
  assert_int_equal(brrr_op_reply(op, a->id + (UINT64_C(1) << 32), &ok),
                   BRRR_E_MISUSE);
  assert_int_equal(brrr_op_reply(op, a->id, &ok), BRRR_OK);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
}

/* A reply that the effect cannot have leaves it under way. */
static void test_reply_that_does_not_fit(void **state) {
  (void)state;
  heap h = {0};
  brrr_op *op = NULL;
  assert_int_equal(brrr_op_read(&op, heap_alloc(&h), BRRR_LIT("h")), BRRR_OK);
  const uint64_t get = next(op, BRRR_STORE_GET)->id;
  const brrr_status wrong[] = {BRRR_MISMATCH, BRRR_EMPTY,  BRRR_CLOSED,
                               BRRR_DEFER,    BRRR_EFFECT, BRRR_WAIT};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(brrr_op_reply(op, get, &(brrr_reply){.status = wrong[i]}),
                     BRRR_E_MISUSE);
  assert_int_equal(brrr_op_reply(op, get, &absent), BRRR_OK);
  brrr_op_free(op);

  uint64_t invoke;
  op = invoked(&h, &invoke);
  const int64_t times[] = {0, -1, BRRR_BEN_MAX_INT + 1, INT64_MIN};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    assert_int_equal(
        brrr_op_reply(op, invoke,
                      &(brrr_reply){.status = BRRR_DEFER, .now = times[i]}),
        BRRR_E_MISUSE);
  assert_int_equal(brrr_op_reply(op, invoke, &absent), BRRR_E_MISUSE);
  assert_int_equal(brrr_op_reply(op, invoke, DEFER(two, 2)), BRRR_OK);
  const uint64_t set = next(op, BRRR_STORE_SET)->id;
  assert_int_equal(brrr_op_reply(op, set, &absent), BRRR_E_MISUSE);
  assert_int_equal(brrr_op_reply(op, set, &ok), BRRR_OK);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
}

static void test_limits(void **state) {
  (void)state;
  const brrr_handling limits = {.limits = {.spawn = -1}};
  brrr_op *op = NULL;
  assert_int_equal(
      brrr_op_handle(&op, (brrr_alloc){0}, &limits, WORLD_TOPIC, MESSAGE),
      BRRR_E_MISUSE);
  assert_null(op);
  brrr_op_free(NULL);
}

/* ==== The end ============================================================ */

/* After a failure no effect starts; those under way are waited for, however
 * they end; the first failure stays. */
static void test_failure(void **state) {
  (void)state;
  heap h = {0};
  uint64_t invoke;
  const brrr_effect *e = NULL;
  brrr_op *op = invoked(&h, &invoke);
  const brrr_child three[] = {
      two[0],
      two[1],
      {.call = {BRRR_LIT("c"), BRRR_LIT("child"), BRRR_LIT("")}}};
  assert_int_equal(brrr_op_reply(op, invoke, DEFER(three, 3)), BRRR_OK);
  const uint64_t a = next(op, BRRR_STORE_SET)->id;
  const uint64_t b = next(op, BRRR_STORE_SET)->id; /* c has only asked */
  assert_int_equal(brrr_op_reply(op, a, &(brrr_reply){.status = BRRR_E_IO}),
                   BRRR_OK);
  assert_int_equal(brrr_op_next(op, &e), BRRR_WAIT);
  assert_int_equal(brrr_op_reply(op, b, &(brrr_reply){.status = BRRR_E_TASK}),
                   BRRR_OK);
  assert_int_equal(brrr_op_next(op, &e), BRRR_E_IO);
  assert_int_equal(brrr_op_reply(op, b, &ok), BRRR_E_MISUSE);
  assert_int_equal(brrr_op_next(op, &e), BRRR_E_IO);
  assert_null(e);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
}

/* At each step, with whatever is under way. */
static void test_free_at_any_time(void **state) {
  (void)state;
  for (size_t steps = 0; steps < 12; steps++) {
    heap h = {0};
    uint64_t invoke;
    const brrr_effect *e;
    brrr_op *op = invoked(&h, &invoke);
    assert_int_equal(brrr_op_reply(op, invoke, DEFER(two, 2)), BRRR_OK);
    for (size_t i = 0; i < steps && brrr_op_next(op, &e) == BRRR_EFFECT; i++)
      if (i % 3)
        assert_int_equal(
            brrr_op_reply(op, e->id, e->type == BRRR_STORE_GET ? &absent : &ok),
            BRRR_OK);
    brrr_op_free(op);
    assert_int_equal(h.live, 0);
  }
}

/* ==== Size =============================================================== */

/* Answers every effect as a store would that knows only `record`; all that can
 * be under way at once is. */
static brrr_status drive(brrr_op *op, brrr_bytes record, size_t *most) {
  const size_t room = 40000;
  const brrr_effect **asked = calloc(room, sizeof *asked);
  assert_non_null(asked);
  int64_t count = 0;
  brrr_status s;
  do {
    size_t n = 0;
    while ((s = brrr_op_next(op, &asked[n])) == BRRR_EFFECT) {
      n++;
      assert_true(n < room);
    }
    *most = n > *most ? n : *most;
    while (n-- > 0) { /* the last first */
      brrr_reply reply = {.status = BRRR_OK};
      if (asked[n]->type == BRRR_STORE_GET && record.len)
        reply.value = record;
      else if (asked[n]->type == BRRR_STORE_GET)
        reply.status = BRRR_ABSENT;
      else if (asked[n]->type == BRRR_CACHE_INCR)
        reply.num = ++count;
      assert_int_equal(brrr_op_reply(op, asked[n]->id, &reply), BRRR_OK);
    }
  } while (s == BRRR_WAIT);
  free(asked);
  return s;
}

static void test_many_children(void **state) { /* [SCHED-11] [SCHED-12] */
  (void)state;
  enum { LIMIT = 10000 };
  for (size_t count = LIMIT - 1; count <= LIMIT + 1; count++) {
    char(*names)[8] = calloc(count, sizeof *names);
    brrr_child *children = calloc(count, sizeof *children);
    assert_non_null(names);
    assert_non_null(children);
    for (size_t i = 0; i < count; i++) {
      assert_true(snprintf(names[i], sizeof *names, "%zu", i) > 0);
      children[i].call.call_hash = brrr_bytes_str(names[i]);
    }
    heap h = {0};
    uint64_t invoke;
    size_t most = 0;
    brrr_op *op = invoked(&h, &invoke);
    assert_int_equal(brrr_op_reply(op, invoke, DEFER(children, count)),
                     BRRR_OK);
    assert_int_equal(drive(op, (brrr_bytes){NULL, 0}, &most),
                     count > LIMIT ? BRRR_E_SPAWN : BRRR_OK);
    assert_int_equal(most, count);
    brrr_op_free(op);
    assert_int_equal(h.live, 0);
    free(children);
    free(names);
  }
}

/* All the same, and all different but in an order that hashes would hate. */
static void test_same_child_many_times(void **state) { /* [SCHED-29] */
  (void)state;
  enum { COUNT = 100000 };
  brrr_child *children = calloc(COUNT, sizeof *children);
  assert_non_null(children);
  for (size_t i = 0; i < COUNT; i++)
    children[i] = two[i % 2];
  heap h = {0};
  uint64_t invoke;
  size_t most = 0;
  brrr_op *op = invoked(&h, &invoke);
  assert_int_equal(brrr_op_reply(op, invoke, DEFER(children, COUNT)), BRRR_OK);
  free(children);
  assert_int_equal(drive(op, (brrr_bytes){NULL, 0}, &most), BRRR_OK);
  assert_int_equal(most, 2);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
}

/* A record with this many different returns, not in order. */
static brrr_bytes many_returns(size_t count) {
  const size_t each = strlen("li1e4:root5:000001:te");
  char *all = malloc(count * each + 64), *p = all;
  assert_non_null(all);
  p += sprintf(p, "d7:returnsl");
  for (size_t i = 0; i < count; i++)
    p += sprintf(p, "li1e4:root5:%05zu1:te", i * 7 % count);
  p += sprintf(p, "ee");
  return (brrr_bytes){(uint8_t *)all, (size_t)(p - all)};
}

static void test_many_returns(void **state) { /* [REC-30] [RET-2] */
  (void)state;
  for (size_t count = 16383; count <= 16385; count++) {
    const brrr_bytes record = many_returns(count);
    const brrr_handling limits = {.limits = {.spawn = 20000}};
    heap h = {0};
    brrr_op *op = NULL;
    size_t most = 0;
    assert_int_equal(
        brrr_op_handle(&op, heap_alloc(&h), &limits, WORLD_TOPIC, MESSAGE),
        BRRR_OK);
    uint64_t id = next(op, BRRR_STORE_GET)->id;
    const brrr_reply call = {.value = BRRR_LIT(CALL)};
    assert_int_equal(brrr_op_reply(op, id, &call), BRRR_OK);
    id = next(op, BRRR_INVOKE)->id;
    assert_int_equal(brrr_op_reply(op, id, &ok), BRRR_OK);
    assert_int_equal(drive(op, record, &most), BRRR_OK);
    assert_int_equal(most, count);
    brrr_op_free(op);
    assert_int_equal(h.live, 0);
    free((void *)(uintptr_t)record.ptr);
  }
}

/* A hundred attempts at a large record take the memory of one. */
static void test_memory_of_attempts(void **state) { /* [STORE-5] */
  (void)state;
  const brrr_bytes record = many_returns(2000);
  const brrr_reply full = {.value = record};
  const brrr_reply mismatch = {.status = BRRR_MISMATCH};
  heap h = {0};
  uint64_t invoke;
  brrr_op *op = invoked(&h, &invoke);
  assert_int_equal(brrr_op_reply(op, invoke, DEFER(two, 1)), BRRR_OK);
  assert_int_equal(brrr_op_reply(op, next(op, BRRR_STORE_SET)->id, &ok),
                   BRRR_OK);
  assert_int_equal(
      brrr_op_reply(op, next(op, BRRR_STORE_SET_NEW)->id, &mismatch), BRRR_OK);
  size_t first = 0;
  for (size_t i = 1; i < 100; i++) {
    assert_int_equal(brrr_op_reply(op, next(op, BRRR_STORE_GET)->id, &full),
                     BRRR_OK);
    const uint64_t cas = next(op, BRRR_STORE_CAS)->id;
    first = first ? first : h.octets;
    assert_int_equal(h.octets, first);
    assert_int_equal(brrr_op_reply(op, cas, &mismatch), BRRR_OK);
  }
  const brrr_effect *e;
  assert_int_equal(brrr_op_next(op, &e), BRRR_E_CAS);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  free((void *)(uintptr_t)record.ptr);
}

/* Nor do they when the returns of a record that stays have been put. */
static void test_memory_of_removals(void **state) { /* [RET-3] */
  (void)state;
  const brrr_bytes record = many_returns(2000);
  const brrr_reply full = {.value = record};
  const brrr_reply mismatch = {.status = BRRR_MISMATCH};
  heap h = {0};
  uint64_t invoke;
  const brrr_effect *e;
  brrr_op *op = invoked(&h, &invoke);
  assert_int_equal(brrr_op_reply(op, invoke, &ok), BRRR_OK);
  assert_int_equal(brrr_op_reply(op, next(op, BRRR_STORE_SET)->id, &ok),
                   BRRR_OK);
  size_t second = 0;
  for (size_t i = 0; i < 100; i++) {
    assert_int_equal(brrr_op_reply(op, next(op, BRRR_STORE_GET)->id, &full),
                     BRRR_OK);
    for (size_t k = 0; i == 0 && k < 4000; k++) { /* counted, and put */
      assert_int_equal(brrr_op_next(op, &e), BRRR_EFFECT);
      assert_int_equal(brrr_op_reply(op, e->id, &ok), BRRR_OK);
    }
    const uint64_t cad = next(op, BRRR_STORE_CAD)->id;
    if (i == 1)
      second = h.octets;
    if (i > 1)
      assert_int_equal(h.octets, second);
    assert_int_equal(brrr_op_reply(op, cad, &mismatch), BRRR_OK);
  }
  assert_int_equal(brrr_op_next(op, &e), BRRR_E_CAS);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  free((void *)(uintptr_t)record.ptr);
}

/* So many that the table of strands takes a block of its own. Each of the first
 * and of the last allocations fails once; those in between are all alike. */
static void test_memory_of_many_strands(void **state) {
  (void)state;
  enum { COUNT = 2050 };
  char(*names)[8] = calloc(COUNT, sizeof *names);
  brrr_child *children = calloc(COUNT, sizeof *children);
  assert_non_null(names);
  assert_non_null(children);
  for (size_t i = 0; i < COUNT; i++) {
    assert_true(snprintf(names[i], sizeof *names, "%zu", i) > 0);
    children[i].call.call_hash = brrr_bytes_str(names[i]);
  }
  brrr_status s = BRRR_E_NOMEM;
  for (size_t k = 1; s == BRRR_E_NOMEM; k = k == 20 ? COUNT - 20 : k + 1) {
    heap h = {0};
    uint64_t invoke;
    const brrr_effect *e;
    brrr_op *op = invoked(&h, &invoke);
    h.fail_at = h.count + k;
    assert_int_equal(brrr_op_reply(op, invoke, DEFER(children, COUNT)),
                     BRRR_OK);
    s = brrr_op_next(op, &e);
    brrr_op_free(op);
    assert_int_equal(h.live, 0);
    assert_true(s == BRRR_E_NOMEM || k > COUNT);
  }
  assert_int_equal(s, BRRR_EFFECT);
  free(children);
  free(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_kind_name),
      cmocka_unit_test(test_wait),
      cmocka_unit_test(test_unknown_id),
      cmocka_unit_test(test_reply_that_does_not_fit),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_failure),
      cmocka_unit_test(test_free_at_any_time),
      cmocka_unit_test(test_many_children),
      cmocka_unit_test(test_same_child_many_times),
      cmocka_unit_test(test_many_returns),
      cmocka_unit_test(test_memory_of_attempts),
      cmocka_unit_test(test_memory_of_removals),
      cmocka_unit_test(test_memory_of_many_strands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
