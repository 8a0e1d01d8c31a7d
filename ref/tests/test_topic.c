/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_topic.c - which topics are refused, and over which backends.
 */
#include "support.h"
#include "topic.h"

static void test_topic_check(void **state) {
  (void)state;
  int x, y;
  const brrr_backends one = {{.self = &x}, {.self = &x}, {.self = &x}};
  const brrr_backends two = {{.self = &x}, {.self = &y}, {.self = &y}};
  const brrr_backends store_too = {{.self = &x}, {.self = &x}, {.self = &y}};
  const brrr_backends cache_too = {{.self = &x}, {.self = &y}, {.self = &x}};
  static const char *const reserved[] = {"call/", "call/x", "value/h",
                                         "pending_returns/h", "brrr_count/r"};
  static const char *const kept[] = {
      "brrr:inflight:{t}:w", "brrr:inflight:", "brrr:workers:{t}",
      "brrr:attempts:{t}",   "brrr:dead:{t}",  "brrr:dead:"};
  static const char *const fine[] = {
      "call",  "calls/",     "Call/x",    "x",         "/",
      "value", "brrr_count", " call/",    "brrr:dead", "brrr:inflight",
      "brrr:", "{t}",        "Brrr:dead:"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
    const brrr_bytes t = brrr_bytes_str(reserved[i]);
    assert_int_equal(brrr__topic_check(&one, t), BRRR_E_TOPIC);
    assert_int_equal(brrr__topic_check(&store_too, t), BRRR_E_TOPIC);
    assert_int_equal(brrr__topic_check(&cache_too, t), BRRR_E_TOPIC);
    assert_int_equal(brrr__topic_check(&two, t), BRRR_OK);
  }
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    const brrr_bytes t = brrr_bytes_str(kept[i]);
    assert_int_equal(brrr__topic_check(&one, t), BRRR_E_TOPIC);
    assert_int_equal(brrr__topic_check(&two, t), BRRR_E_TOPIC);
  }
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
    assert_int_equal(brrr__topic_check(&one, brrr_bytes_str(fine[i])), BRRR_OK);
  assert_int_equal(brrr__topic_check(&one, BRRR_LIT("")), BRRR_E_TOPIC);
  assert_int_equal(brrr__topic_check(&two, BRRR_LIT("")), BRRR_E_TOPIC);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_topic_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
