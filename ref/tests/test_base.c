/* SPDX-License-Identifier: AGPL-3.0-only */
#include "base.h"
#include "support.h"

static void test_status(void **state) {
  (void)state;
  assert_string_equal(brrr_status_name(BRRR_OK), "OK");
  assert_string_equal(brrr_status_name(BRRR_WAIT), "WAIT");
  assert_string_equal(brrr_status_name(BRRR_E_SYNTAX), "E_SYNTAX");
  assert_string_equal(brrr_status_name((brrr_status)-1000), "UNKNOWN");
  assert_string_equal(brrr_status_text(BRRR_E_NOMEM), "out of memory");
  assert_true(strlen(brrr_status_text((brrr_status)1000)) > 0);
}

/* All names and texts are there, and no two values are the same. */
static void test_status_map(void **state) {
  (void)state;
  const brrr_status all[] = {
#define X(name, value, text) BRRR_##name,
      BRRR_STATUS_MAP(X)
#undef X
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    assert_true(strlen(brrr_status_text(all[i])) > 0);
    for (size_t j = 0; j < i; j++)
      assert_string_not_equal(brrr_status_name(all[i]),
                              brrr_status_name(all[j]));
  }
}

static void test_str(void **state) {
  (void)state;
  assert_int_equal(brrr_bytes_str("").len, 0);
  assert_bytes(brrr_bytes_str("abc"), BRRR_LIT("abc"));
}

static void test_equal(void **state) {
  (void)state;
  const brrr_bytes none = {NULL, 0};
  assert_true(brrr_bytes_equal(none, none));
  assert_true(brrr_bytes_equal(none, BRRR_LIT("")));
  assert_false(brrr_bytes_equal(none, BRRR_LIT("a")));
  assert_true(brrr_bytes_equal(BRRR_LIT("a\0b"), BRRR_LIT("a\0b")));
  assert_false(brrr_bytes_equal(BRRR_LIT("a\0b"), BRRR_LIT("a\0c")));
  assert_false(brrr_bytes_equal(BRRR_LIT("a"), BRRR_LIT("a\0")));
}

/* Each is below the next. */
static void test_compare(void **state) { /* [REC-7] */
  (void)state;
  const brrr_bytes ascending[] = {
      {NULL, 0},
      BRRR_INIT("\0"),
      BRRR_INIT("A"),
      BRRR_INIT("a"),
      BRRR_INIT("a\0"),
      BRRR_INIT("a,"),
      BRRR_INIT("ab"),
      BRRR_INIT("b"),
      BRRR_INIT("\x7f"),
      BRRR_INIT("\x80"),
      BRRR_INIT("\xef\xbd\x9e"),
      BRRR_INIT("\xf0\x9f\x98\x80"),
      BRRR_INIT("\xff"),
  };
  const size_t count = sizeof ascending / sizeof *ascending;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) {
      const int order = brrr_bytes_compare(ascending[i], ascending[j]);
      assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
    }
}

static void test_alloc(void **state) {
  (void)state;
  uint8_t *p = brrr__alloc((brrr_alloc){0}, NULL, 0, 4);
  assert_non_null(p);
  memcpy(p, "abc", 4);
  p = brrr__alloc((brrr_alloc){0}, p, 4, 1000);
  assert_non_null(p);
  assert_memory_equal(p, "abc", 4);
  assert_null(brrr__alloc((brrr_alloc){0}, p, 1000, 0));
}

static void test_error(void **state) {
  (void)state;
  const brrr_error error = {BRRR_E_IO, 7, "reason", "WIRE-1"};
  brrr_error out;
  assert_int_equal(brrr__error_set(NULL, error), BRRR_E_IO);
  assert_int_equal(brrr__error_set(&out, error), BRRR_E_IO);
  assert_error(&out, BRRR_E_IO, "WIRE-1", 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_status),  cmocka_unit_test(test_status_map),
      cmocka_unit_test(test_str),     cmocka_unit_test(test_equal),
      cmocka_unit_test(test_compare), cmocka_unit_test(test_alloc),
      cmocka_unit_test(test_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
