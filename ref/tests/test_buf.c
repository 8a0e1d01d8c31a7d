/* SPDX-License-Identifier: AGPL-3.0-only */
#include "buf.h"
#include "support.h"

static void test_put(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_buf_init(&b, &a);
  brrr_buf_put(&b, BRRR_LIT("abc"));
  brrr_buf_put(&b, (brrr_bytes){NULL, 0});
  brrr_buf_put(&b, BRRR_LIT("\0"));
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  assert_bytes(out, BRRR_LIT("abc\0"));
  brrr_arena_free(&a);
}

static void test_nothing(void **state) {
  (void)state;
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out = BRRR_LIT("x");
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  assert_int_equal(out.len, 0);
  brrr_arena_free(&a);
}

/* Octet by octet, past every capacity on the way. */
static void test_growth(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_buf_init(&b, &a);
  for (size_t i = 0; i < 300000; i++) {
    const uint8_t octet = (uint8_t)(i % 251);
    brrr_buf_put(&b, (brrr_bytes){&octet, 1});
  }
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  assert_int_equal(out.len, 300000);
  for (size_t i = 0; i < out.len; i++)
    assert_true(out.ptr[i] == i % 251);
  assert_true(h.count < 30);
  brrr_arena_free(&a);
  assert_int_equal(h.live, 0);
}

static void test_first_error_sticks(void **state) {
  (void)state;
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out = BRRR_LIT("untouched");
  brrr_error err;
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  brrr_buf_put(&b, BRRR_LIT("abc"));
  brrr__buf_fail(&b, (brrr_error){BRRR_E_ENCODE, 2, "first", "WIRE-5"});
  brrr__buf_fail(&b, (brrr_error){BRRR_E_NOMEM, 3, "second", ""});
  brrr_buf_put(&b, BRRR_LIT("abc"));
  assert_null(brrr__buf_reserve(&b, 1));
  assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_E_ENCODE);
  assert_error(&err, BRRR_E_ENCODE, "WIRE-5", 2);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_E_ENCODE);
  assert_bytes(out, BRRR_LIT("untouched"));
  brrr_arena_free(&a);
}

static void test_too_large(void **state) {
  (void)state;
  const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 - 2,
                          SIZE_MAX / 4};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    heap h = {0};
    brrr_arena a;
    brrr_buf b;
    brrr_error err;
    brrr_bytes out;
    brrr_arena_init(&a, heap_alloc(&h));
    brrr_buf_init(&b, &a);
    brrr_buf_put(&b, BRRR_LIT("abc"));
    h.fail_at = 2; /* where the arena asks for it at all */
    assert_null(brrr__buf_reserve(&b, sizes[i]));
    assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_E_NOMEM);
    assert_error(&err, BRRR_E_NOMEM, "", 3);
    brrr_arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_put),
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_growth),
      cmocka_unit_test(test_first_error_sticks),
      cmocka_unit_test(test_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
