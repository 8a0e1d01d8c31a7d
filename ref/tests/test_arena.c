/* SPDX-License-Identifier: AGPL-3.0-only */
#include "arena.h"
#include "support.h"

#include <stdalign.h>

/* Whatever sizes are asked for: aligned, apart from each other, writable. */
static void test_get(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  uint8_t *got[600];
  const size_t large[] = {16383, 16384, 16385, 65535, 65536, 65537, 1 << 20};
  size_t count = 0;
  for (size_t i = 0; i < 600; i++) {
    const size_t size = i % 50 == 49 ? large[count++ % 7] : i;
    got[i] = brrr_arena_get(&a, size);
    assert_non_null(got[i]);
    assert_int_equal((uintptr_t)got[i] % alignof(max_align_t), 0);
    memset(got[i], (int)(i & 0xff), size);
  }
  count = 0;
  for (size_t i = 0; i < 600; i++) {
    const size_t size = i % 50 == 49 ? large[count++ % 7] : i;
    for (size_t k = 0; k < size; k++)
      assert_true(got[i][k] == (i & 0xff));
  }
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
  assert_non_null(brrr_arena_get(&a, 1)); /* it can be used again */
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
}

/* Many small ones need few blocks, and little more memory than they hold. */
static void test_blocks(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  for (size_t i = 0; i < 65536; i++)
    assert_non_null(brrr_arena_get(&a, 16)); /* 1 MiB */
  assert_in_range(h.count, 16, 24);
  brrr_arena_free(&a);
}

/* A large one leaves the room that small ones still have. */
static void test_large_block(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  assert_non_null(brrr_arena_get(&a, 16));
  assert_non_null(brrr_arena_get(&a, 100000));
  assert_int_equal(h.count, 2);
  assert_non_null(brrr_arena_get(&a, 16));
  assert_int_equal(h.count, 2);
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
}

static void test_too_large(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 16,
                          SIZE_MAX - 47};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    assert_null(brrr_arena_get(&a, sizes[i]));
  assert_null(brrr__arena_array(&a, SIZE_MAX / 8 + 1, 8));
  assert_null(brrr__arena_array(&a, 2, SIZE_MAX));
  uint8_t *p = brrr_arena_get(&a, 1);
  assert_null(brrr__arena_grow(&a, p, 1, SIZE_MAX));
  assert_null(brrr__arena_push(&a, p, SIZE_MAX / 16 + 1, 8));
  assert_int_equal(h.live, 1);
  brrr_arena_free(&a);
}

static void test_grow(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  uint8_t *p = brrr__arena_grow(&a, NULL, 0, 6);
  memcpy(p, "12345", 6);
  uint8_t *grown = brrr__arena_grow(&a, p, 6, 100);
  assert_ptr_equal(grown, p); /* the last one: in place */
  uint8_t *other = brrr_arena_get(&a, 1);
  *other = 'x';
  grown = brrr__arena_grow(&a, p, 100, 200);
  assert_ptr_not_equal(grown, p); /* not any more */
  assert_memory_equal(grown, "12345", 6);
  p = brrr__arena_grow(&a, grown, 200, 5000);
  assert_ptr_not_equal(p, grown); /* no room in the block */
  assert_memory_equal(p, "12345", 6);
  assert_true(*other == 'x');
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
}

static void test_push(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  size_t *all = NULL;
  for (size_t i = 0; i < 1000; i++) {
    all = brrr__arena_push(&a, all, i, sizeof *all);
    assert_non_null(all);
    all[i] = i;
    if (i % 3 == 0) /* so that it cannot always grow in place */
      memset(brrr_arena_get(&a, 8), 0xff, 8);
  }
  for (size_t i = 0; i < 1000; i++)
    assert_int_equal(all[i], i);
  brrr_arena_free(&a);
}

static void test_copy(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_bytes out;
  assert_int_equal(brrr_arena_copy(&a, BRRR_LIT("a\0b"), &out), BRRR_OK);
  assert_bytes(out, BRRR_LIT("a\0b"));
  assert_int_equal(brrr_arena_copy(&a, (brrr_bytes){NULL, 0}, &out), BRRR_OK);
  assert_int_equal(out.len, 0);
  brrr_arena_free(&a);
}

/* What came before needs no memory when it comes again. */
static void test_reset(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_arena_reset(&a); /* nothing yet */
  assert_non_null(brrr_arena_get(&a, 16));
  assert_non_null(
      brrr_arena_get(&a, 100000)); /* the largest, not at the head */
  brrr_arena_reset(&a);
  const size_t count = h.count;
  for (size_t i = 0; i < 10; i++) {
    uint8_t *got = brrr_arena_get(&a, 100000);
    assert_non_null(got);
    memset(got, 'x', 100000);
    brrr_arena_reset(&a);
  }
  assert_int_equal(h.count, count);
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
}

static void test_out_of_memory(void **state) {
  (void)state;
  heap h = {.fail_at = 1};
  brrr_arena a;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_bytes out = BRRR_LIT("untouched");
  assert_int_equal(brrr_arena_copy(&a, BRRR_LIT("x"), &out), BRRR_E_NOMEM);
  assert_bytes(out, BRRR_LIT("untouched"));
  assert_int_equal(brrr_arena_copy(&a, BRRR_LIT("x"), &out), BRRR_OK);
  h.fail_at = h.count + 1;
  assert_null(brrr_arena_get(&a, 1000));
  assert_bytes(out, BRRR_LIT("x")); /* what was there stays */
  assert_non_null(brrr_arena_get(&a, 1000));
  h.fail_at = h.count + 1;
  assert_null(brrr_arena_get(&a, 1 << 20)); /* a block of its own */
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_get),           cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_large_block),   cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_grow),          cmocka_unit_test(test_push),
      cmocka_unit_test(test_copy),          cmocka_unit_test(test_reset),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
