/* SPDX-License-Identifier: AGPL-3.0-only */
#include "support.h"
#include "text.h"

/* ==== UTF-8 ============================================================== */

/* The octets of a code point by the schoolbook, whether it is allowed or not.
 */
static brrr_bytes encode(uint32_t c, uint8_t out[4]) {
  size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = len; i-- > 1; c >>= 6)
    out[i] = (uint8_t)(0x80 | (c & 0x3f));
  out[0] = (uint8_t)(len == 1 ? c : (0xf00 >> len & 0xff) | c);
  return (brrr_bytes){out, len};
}

static void test_every_code_point(void **state) {
  (void)state;
  uint8_t octets[4];
  for (uint32_t c = 0; c < 0x200000; c++) {
    const brrr_bytes in = encode(c, octets);
    const bool good = c < 0xd800 || (c > 0xdfff && c < 0x110000);
    if (brrr__text_utf8(in) != (good ? in.len : 0))
      fail_msg("U+%04X", (unsigned)c);
  }
}

/* Of all that two or three octets can be, just as much is well-formed as there
 * are code points. */
static void test_every_short_string(void **state) {
  (void)state;
  size_t two = 0, three = 0;
  for (uint32_t n = 0; n < 0x1000000; n++) {
    const uint8_t octets[] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8),
                              (uint8_t)n};
    three += brrr__text_utf8((brrr_bytes){octets, 3}) == 3;
    if (n < 0x10000)
      two += brrr__text_utf8((brrr_bytes){octets + 1, 2}) == 2;
  }
  const size_t one_octet = 0x80, two_octets = 0x800 - 0x80;
  const size_t three_octets = 0x10000 - 0x800 - 0x800; /* no surrogates */
  assert_int_equal(two, one_octet * one_octet + two_octets);
  assert_int_equal(three, one_octet * one_octet * one_octet +
                              2 * one_octet * two_octets + three_octets);
}

static void test_utf8_offset(void **state) { /* [WIRE-25] */
  (void)state;
  const struct {
    const char *in;
    size_t good;
  } cases[] = {
      {"", 0},
      {"\xef\xbb\xbf", 3},             /* a byte order mark */
      {"ab\xff", 2},                   /* no first octet */
      {"ab\x80", 2},                   /* a continuation alone */
      {"ab\xc3", 2},                   /* cut short */
      {"ab\xe2\x82", 2},               /* cut short */
      {"ab\xf0\x9f\x98", 2},           /* cut short */
      {"\xc3\xa9\xc3(", 2},            /* no continuation */
      {"\xc0\x80", 0},                 /* overlong */
      {"\xc1\xbf", 0},                 /* overlong */
      {"\xe0\x9f\xbf", 0},             /* overlong */
      {"\xf0\x8f\xbf\xbf", 0},         /* overlong */
      {"\xed\xa0\x80", 0},             /* a surrogate */
      {"\xed\xa0\xbd\xed\xb8\x80", 0}, /* a pair of them */
      {"\xf4\x8f\xbf\xbf", 4},         /* U+10FFFF */
      {"\xf4\x90\x80\x80", 0},         /* above */
      {"\xf8\x88\x80\x80\x80", 0},     /* five octets */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const brrr_bytes in = exact(brrr_bytes_str(cases[i].in));
    assert_int_equal(brrr__text_utf8(in), cases[i].good);
    exact_free(in);
  }
}

/* ==== Everywhere in a string ============================================= */

/* One wrong octet, at every place of strings of every length up to several
 * words, and at every alignment. */
static void check_every_place(size_t (*good)(brrr_bytes), uint8_t right,
                              uint8_t wrong) {
  for (size_t len = 1; len <= 40; len++) {
    uint8_t *block = malloc(len);
    assert_non_null(block);
    memset(block, right, len);
    for (size_t start = 0; start < len && start < 9; start++)
      for (size_t place = start; place < len; place++) {
        const brrr_bytes in = {block + start, len - start};
        assert_int_equal(good(in), in.len);
        block[place] = wrong;
        assert_int_equal(good(in), place - start);
        block[place] = right;
      }
    free(block);
  }
}

static void test_utf8_every_place(void **state) {
  (void)state;
  check_every_place(brrr__text_utf8, 'a', 0x80);
  check_every_place(brrr__text_utf8, 0x7f, 0xff);
  check_every_place(brrr__text_utf8, 0, 0xc3);
}

static void test_ascii_every_place(void **state) { /* [REC-10] [REC-42] */
  (void)state;
  for (unsigned c = 0; c < 256; c++) {
    const uint8_t octet = (uint8_t)c;
    const bool good = c >= 0x20 && c <= 0x7e;
    assert_int_equal(brrr__text_ascii((brrr_bytes){&octet, 1}), good);
    if (good)
      continue;
    check_every_place(brrr__text_ascii, 0x20, octet);
    check_every_place(brrr__text_ascii, 0x7e, octet);
  }
  assert_int_equal(brrr__text_ascii((brrr_bytes){NULL, 0}), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_code_point),
      cmocka_unit_test(test_every_short_string),
      cmocka_unit_test(test_utf8_offset),
      cmocka_unit_test(test_utf8_every_place),
      cmocka_unit_test(test_ascii_every_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
