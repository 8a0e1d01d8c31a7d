/* SPDX-License-Identifier: AGPL-3.0-only */
#include "returns.h"
#include "support.h"

#define RETURN(root_id, call_hash, topic)                                      \
  { BRRR_INIT(root_id), BRRR_INIT(call_hash), BRRR_INIT(topic) }

/* Each is below the next. The fields are compared one by one, not joined; a
 * proper prefix comes first; octets, not UTF-16 code units. */
static const brrr_pending_return ascending[] = {
    RETURN("", "", ""),
    RETURN("", "", "a"),
    RETURN("", "a", ""),
    RETURN("a", "", ""),
    RETURN("a", "h", "t"),
    RETURN("a", "h", "t,"),
    RETURN("a", "h", "ta"),
    RETURN("a", "h,", "t"),
    RETURN("a", "z", "t"),
    RETURN("a,", "h", "t"),
    RETURN("ab", "h", "t"),
    RETURN("\xef\xbd\x9e", "h", "t"),
    RETURN("\xf0\x9f\x98\x80", "h", "t"),
};
#define COUNT (sizeof ascending / sizeof *ascending)

static void assert_same(const brrr_pending_return *a,
                        const brrr_pending_return *b) {
  assert_bytes(a->root_id, b->root_id);
  assert_bytes(a->call_hash, b->call_hash);
  assert_bytes(a->topic, b->topic);
}

static void test_sort(void **state) { /* [REC-6] [REC-7] */
  (void)state;
  for (size_t step = 1; step < COUNT; step++) { /* COUNT is a prime */
    brrr_pending_return returns[3 * COUNT];
    for (size_t i = 0; i < 3 * COUNT; i++)
      returns[i] = ascending[i * step % COUNT];
    assert_int_equal(brrr__returns_sort(returns, 3 * COUNT), COUNT);
    for (size_t i = 0; i < COUNT; i++)
      assert_same(&returns[i], &ascending[i]);
  }
  assert_int_equal(brrr__returns_sort(NULL, 0), 0);
}

static void test_has(void **state) {
  (void)state;
  brrr_pending_return some[COUNT];
  for (size_t count = 0; count <= COUNT; count++) /* the first ones */
    for (size_t i = 0; i < COUNT; i++)
      assert_int_equal(brrr__returns_has(ascending, count, &ascending[i]),
                       i < count);
  size_t count = 0; /* every other one */
  for (size_t i = 0; i < COUNT; i += 2)
    some[count++] = ascending[i];
  for (size_t i = 0; i < COUNT; i++)
    assert_int_equal(brrr__returns_has(some, count, &ascending[i]), i % 2 == 0);
  assert_false(brrr__returns_has(NULL, 0, &ascending[0]));
}

static void test_add(void **state) {
  (void)state;
  for (size_t step = 1; step < COUNT; step++) {
    heap h = {0};
    brrr_arena a;
    brrr_arena_init(&a, heap_alloc(&h));
    brrr_pending_returns set = {NULL, 0, 0};
    for (size_t i = 0; i < COUNT; i++)
      assert_true(brrr__returns_add(&a, &set, &ascending[i * step % COUNT]));
    assert_int_equal(set.count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
      assert_same(&set.returns[i], &ascending[i]);
    brrr_arena_free(&a);
    assert_int_equal(h.live, 0);
  }
}

static void test_add_without_memory(void **state) {
  (void)state;
  heap h = {.fail_at = 1};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_pending_returns set = {NULL, 0, 0};
  assert_false(brrr__returns_add(&a, &set, &ascending[0]));
  assert_int_equal(set.count, 0);
  brrr_arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sort),
      cmocka_unit_test(test_has),
      cmocka_unit_test(test_add),
      cmocka_unit_test(test_add_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
