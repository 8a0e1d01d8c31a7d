/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * text.c - L0: validation of text, eight octets at a time while it is plain. A
 * byte order mark is text like any other [WIRE-11].
 */
#include "text.h"

#include <string.h>

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

static uint64_t load(const uint8_t *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/* Each octet of the result has its top bit set where that of `x` is not of the
 * kind: below 0x80, or printable. For the latter, what is not: a top bit, a
 * carry into it from 0x7f + 1, or a borrow into it from less than 0x20. */
static uint64_t not_ascii(uint64_t x) { return x & EACH(0x80); }
static uint64_t not_printable(uint64_t x) {
  return (x | (x + EACH(1)) | (x - EACH(0x20))) & EACH(0x80);
}

/* The longest beginning of whole words that is all of the kind, or all of `in`
 * if it is; the last word of that may overlap the one before. */
static inline size_t words(brrr_bytes in, uint64_t (*other)(uint64_t)) {
  size_t i = 0;
  for (; in.len - i >= 32; i += 32)
    if (other(load(in.ptr + i)) | other(load(in.ptr + i + 8)) |
        other(load(in.ptr + i + 16)) | other(load(in.ptr + i + 24)))
      break;
  for (; in.len - i >= 8; i += 8)
    if (other(load(in.ptr + i)))
      return i;
  return i == in.len || (i && !other(load(in.ptr + in.len - 8))) ? in.len : i;
}

static size_t ascii_prefix(brrr_bytes in) {
  size_t i = words(in, not_ascii);
  while (i < in.len && in.ptr[i] < 0x80)
    i++;
  return i;
}

/* The sequences of two octets and more, by their first octet: RFC 3629,
 * section 4. Overlong forms, surrogates and code points above U+10FFFF show in
 * the second octet. */
typedef struct sequence {
  uint8_t first_min, first_max, second_min, second_max, len;
} sequence;

static const sequence sequences[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* The length of the sequence that `in`, not empty, begins with; 0 if none. */
static size_t sequence_length(brrr_bytes in) {
  const uint8_t *p = in.ptr;
  for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
    const sequence *s = &sequences[i];
    if (p[0] < s->first_min || p[0] > s->first_max)
      continue;
    if (in.len < s->len || p[1] < s->second_min || p[1] > s->second_max)
      return 0;
    for (size_t k = 2; k < s->len; k++)
      if ((p[k] & 0xc0) != 0x80)
        return 0;
    return s->len;
  }
  return 0;
}

size_t brrr__text_utf8(brrr_bytes in) {
  size_t i = ascii_prefix(in);
  while (i < in.len) {
    size_t len = sequence_length((brrr_bytes){in.ptr + i, in.len - i});
    if (!len)
      break;
    i += len;
    i += ascii_prefix((brrr_bytes){in.ptr + i, in.len - i});
  }
  return i;
}

size_t brrr__text_ascii(brrr_bytes in) {
  size_t i = words(in, not_printable);
  while (i < in.len && in.ptr[i] >= 0x20 && in.ptr[i] <= 0x7e)
    i++;
  return i;
}
