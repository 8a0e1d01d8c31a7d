/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_base64.c - L6: base64, with padding.
 *
 * The decoder is strict: one text for one string of octets.
 */
#include "aws_base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz"
                               "0123456789+/"
                               "=";
#define PAD 64

size_t brrr__base64_len(size_t len) { return (len + 2) / 3 * 4; }

void brrr__base64_encode(brrr_bytes in, char *out) {
  for (size_t i = 0; i < in.len; i += 3) {
    const size_t left = in.len - i;
    uint32_t v = (uint32_t)in.ptr[i] << 16;
    if (left > 1)
      v |= (uint32_t)in.ptr[i + 1] << 8;
    if (left > 2)
      v |= in.ptr[i + 2];
    *out++ = alphabet[v >> 18];
    *out++ = alphabet[v >> 12 & 63];
    *out++ = alphabet[left > 1 ? v >> 6 & 63 : PAD];
    *out++ = alphabet[left > 2 ? v & 63 : PAD];
  }
}

/* 64 or more for what is no digit. */
static uint32_t digit(uint8_t c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26u;
  if (c >= '0' && c <= '9')
    return c - '0' + 52u;
  return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool brrr__base64_decode(brrr_bytes text, uint8_t *out, size_t *len) {
  size_t n = 0;
  if (text.len % 4)
    return false;
  for (size_t i = 0; i < text.len; i += 4) {
    const uint8_t *p = text.ptr + i;
    const bool last = i + 4 == text.len;
    const unsigned pad = last && p[3] == '=' ? p[2] == '=' ? 2 : 1 : 0;
    const uint32_t a = digit(p[0]), b = digit(p[1]);
    const uint32_t c = pad == 2 ? 0 : digit(p[2]), d = pad ? 0 : digit(p[3]);
    const uint32_t v = a << 18 | b << 12 | c << 6 | d;
    if ((a | b | c | d) > 63 || v & ((1u << 8 * pad) - 1))
      return false;
    out[n++] = (uint8_t)(v >> 16);
    if (pad < 2)
      out[n++] = (uint8_t)(v >> 8);
    if (pad < 1)
      out[n++] = (uint8_t)v;
  }
  *len = n;
  return true;
}
