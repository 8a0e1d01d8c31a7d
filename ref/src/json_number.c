/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json_number.c - L6: a double as ECMAScript writes it [CODEC-10].
 *
 * The shortest digits that read back as the same double, and of those the ones
 * closest to it. libc rounds to any number of digits and reads back correctly;
 * what is left is to find how many it takes. Neither digits nor exponent know a
 * decimal point, so the locale has no say.
 */
#include "json.h"

#include "buf.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 17    /* enough for every double */
#define MAX_LENGTH 32    /* of a number: -1.7976931348623157e+308 has 24 */
#define POINT_MAX 21     /* from 10^21 on with an exponent */
#define POINT_MIN (-6)   /* and below 10^-6 */
#define WHOLE_MAX 0x1p53 /* each whole number up to it is a double */

/* digits / 10^count * 10^point: a point stands before the first digit, and is
 * moved to the right by `point`. */
typedef struct decimal {
  char digits[MAX_DIGITS + 1];
  int count, point;
} decimal;

static decimal round_to(double x, int count) {
  char text[MAX_LENGTH];
  decimal d = {.count = 0};
  (void)snprintf(text, sizeof text, "%.*e", count - 1, x);
  const char *p = text;
  for (; *p != 'e'; p++)
    if (*p >= '0' && *p <= '9') /* and not the locale's point */
      d.digits[d.count++] = *p;
  d.point = (int)strtol(p + 1, NULL, 10) + 1;
  return d;
}

/* Rounded up instead. */
static decimal next(decimal d) {
  while (d.count && d.digits[d.count - 1] == '9')
    d.digits[--d.count] = '\0';
  if (!d.count) {
    d.digits[d.count++] = '0';
    d.point++;
  }
  d.digits[d.count - 1]++;
  return d;
}

static bool reads_back(const decimal *d, double x) {
  char text[MAX_LENGTH];
  (void)snprintf(text, sizeof text, "%se%d", d->digits, d->point - d->count);
  return strtod(text, NULL) == x;
}

/* Of 15 digits or less, a normal double tells them all: so where 15 are enough,
 * they are the shortest with zeros behind. The closest of some length may be
 * too far below a power of two, where doubles are twice as dense, when the next
 * one above is not. */
static decimal shortest(double x) {
  decimal d = {.count = 0}, up;
  for (int count = x < DBL_MIN ? 1 : DBL_DIG; count <= MAX_DIGITS; count++) {
    d = round_to(x, count);
    if (reads_back(&d, x))
      break;
    up = next(d);
    if (reads_back(&up, x)) {
      d = up;
      break;
    }
  }
  while (d.count > 1 && d.digits[d.count - 1] == '0')
    d.count--;
  return d;
}

/* ECMA-262, Number::toString, for a positive number. */
static int format(char *out, const decimal *d) {
  const char *digits = d->digits;
  const int count = d->count, point = d->point;
  if (point > POINT_MAX || point <= POINT_MIN)
    return snprintf(out, MAX_LENGTH, "%c%s%.*se%+d", digits[0],
                    count > 1 ? "." : "", count - 1, digits + 1, point - 1);
  if (point <= 0)
    return snprintf(out, MAX_LENGTH, "0.%.*s%.*s", -point, "000000", count,
                    digits);
  if (point < count)
    return snprintf(out, MAX_LENGTH, "%.*s.%.*s", point, digits, count - point,
                    digits + point);
  return snprintf(out, MAX_LENGTH, "%.*s%.*s", count, digits, point - count,
                  "000000000000000000000");
}

void brrr__json_put_number(brrr_buf *b, double number) {
  char text[MAX_LENGTH];
  int len;
  if (number < 0)
    brrr_buf_put(b, BRRR_LIT("-"));
  const double size = fabs(number);
  if (size <= WHOLE_MAX && size == (double)(uint64_t)size) { /* -0 as well */
    len = snprintf(text, sizeof text, "%" PRIu64, (uint64_t)size);
  } else {
    const decimal d = shortest(size);
    len = format(text, &d);
  }
  brrr_buf_put(b, (brrr_bytes){(const uint8_t *)text, (size_t)len});
}
