/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * Numbers: the shared vectors have what ECMAScript writes at each boundary of
 * the format. Here are what holds of every number, and the locale.
 */
#include "support.h"

#include <brrr/json.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

static double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint64_t to_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* The same sequence each time: splitmix64. */
static uint64_t next_random(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* NUL-terminated, in the arena. */
static const char *written(brrr_arena *a, double x) {
  brrr_buf b;
  brrr_bytes out = {0};
  brrr_buf_init(&b, a);
  brrr_json_write(&b, brrr_json_number(a, x));
  brrr_buf_put(&b, BRRR_LIT("\0"));
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  return (const char *)out.ptr;
}

static int count_digits(const char *text) {
  int count = 0, zeros = 0;
  for (; *text && *text != 'e'; text++) {
    if (*text < '0' || *text > '9' || (*text == '0' && !count))
      continue;
    zeros = *text == '0' ? zeros + 1 : 0;
    count++;
  }
  return count - zeros;
}

/* It reads back; no shorter decimal does that libc would round to; and, where
 * libc's decimal of the same length reads back, it is that one. */
static void check(double x) {
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  const char *text = written(&a, x);
  const brrr_json *again = NULL;
  double y = 0;
  char other[40];
  assert_int_equal(brrr_json_parse(&a, brrr_bytes_str(text), &again, NULL),
                   BRRR_OK);
  assert_true(brrr_json_double(again, &y));
  if (to_bits(x) != to_bits(y) && x != 0)
    fail_msg("%a is written %s", x, text);
  const int count = count_digits(text);
  if (count > 1) {
    (void)snprintf(other, sizeof other, "%.*e", count - 2, x);
    if (strtod(other, NULL) == x)
      fail_msg("%a is written %s, but %s is enough", x, text, other);
    (void)snprintf(other, sizeof other, "%.*e", count - 1, x);
    const double near = strtod(other, NULL);
    if (near == x && strtod(text, NULL) == x && count_digits(other) == count) {
      const char *p = text, *q = other;
      for (int i = 0; i < count; p++, q++, i++) {
        p += strspn(p, i ? ".-" : ".-0");
        q += strspn(q, ".-");
        if (*p != *q)
          fail_msg("%a is written %s, but %s is closer", x, text, other);
      }
    }
  }
  brrr_arena_free(&a);
}

static void test_random(void **state) { /* [CODEC-10] [CODEC-25] */
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < 30000; i++) {
    const double x = from_bits(next_random(&seed));
    if (isfinite(x))
      check(x);
    check((double)(int64_t)next_random(&seed) / (double)(1 << (i % 30)));
  }
}

static void test_powers(void **state) {
  (void)state;
  for (uint64_t e = 0; e < 0x7ff; e++)
    for (uint64_t d = 0; d < 3; d++)
      check(from_bits((e << 52) + d - (e > 0)));
}

/* Powers of two whose nearest decimal of the shortest length is too far below:
 * what Node writes. */
static void test_asymmetric_powers(void **state) {
  (void)state;
  const struct {
    double x;
    const char *text;
  } cases[] = {{0x1p-1017, "7.120236347223045e-307"},
               {0x1p-1007, "7.291122019556398e-304"},
               {0x1p-44, "5.684341886080802e-14"},
               {0x1p-1074, "5e-324"},
               {0x1p-1022, "2.2250738585072014e-308"},
               {0x1p1023, "8.98846567431158e+307"},
               {0x1p68, "295147905179352830000"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    brrr_arena a;
    brrr_arena_init(&a, (brrr_alloc){0});
    assert_string_equal(written(&a, cases[i].x), cases[i].text);
    brrr_arena_free(&a);
  }
}

static void test_integers(void **state) {
  (void)state;
  for (int i = -2000; i <= 2000; i++) {
    char text[16];
    brrr_arena a;
    brrr_arena_init(&a, (brrr_alloc){0});
    (void)snprintf(text, sizeof text, "%d", i);
    assert_string_equal(written(&a, i), text);
    brrr_arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_powers),
      cmocka_unit_test(test_asymmetric_powers),
      cmocka_unit_test(test_integers),
  };
  /* Where the machine has such a locale, a comma is the decimal point. */
  (void)setlocale(LC_ALL, "de_DE.UTF-8");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
