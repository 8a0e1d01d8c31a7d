/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_aws_base64.c - the vectors of RFC 4648, and all that is no base64.
 */
#include "support.h"

#include "aws_base64.h"

static const struct {
  const char *octets, *text;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"},
               {"\xff\xef\xbe", "/+++"}};

static void test_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    const brrr_bytes in = exact(brrr_bytes_str(vectors[i].octets));
    const size_t len = strlen(vectors[i].text);
    assert_int_equal(brrr__base64_len(in.len), len);
    char *text = malloc(len + 1);
    assert_non_null(text);
    brrr__base64_encode(in, text);
    assert_memory_equal(text, vectors[i].text, len);
    size_t back = 99;
    assert_true(brrr__base64_decode((brrr_bytes){(uint8_t *)text, len},
                                    (uint8_t *)text, &back));
    assert_bytes((brrr_bytes){(uint8_t *)text, back}, in);
    free(text);
    exact_free(in);
  }
}

static void test_each_octet(void **state) {
  (void)state;
  for (unsigned i = 0; i < 1u << 16; i++) {
    const uint8_t octets[] = {(uint8_t)(i >> 8), (uint8_t)i};
    char text[4];
    uint8_t back[3];
    size_t len;
    brrr__base64_encode((brrr_bytes){octets, 2}, text);
    assert_true(
        brrr__base64_decode((brrr_bytes){(uint8_t *)text, 4}, back, &len));
    assert_int_equal(len, 2);
    assert_memory_equal(back, octets, 2);
  }
}

static void test_no_base64(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "Z",    "Zg",   "Zg=",        "Zg==Zg==", "Zh==",  "Zm9=",
      "====", "Z===", "=Zg=",       "Zg=a",     "Zm9v ", "Zm9\n",
      "Zm-v", "Zm_v", "Zm\xff---v", "Zm9vZg="};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const brrr_bytes in = exact(brrr_bytes_str(wrong[i]));
    uint8_t out[16];
    size_t len = 7;
    if (brrr__base64_decode(in, out, &len))
      fail_msg("accepted: %s", wrong[i]);
    assert_int_equal(len, 7);
    exact_free(in);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_each_octet),
      cmocka_unit_test(test_no_base64),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
