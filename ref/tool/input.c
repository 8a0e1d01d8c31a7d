/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * input.c - L7: whole files, and JSON.
 */
#include "input.h"

#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHUNK ((size_t)64 << 10)
#define MAX_INPUT ((size_t)256 << 20) /* more than this is no record */

static int read_all(brrr_arena *a, FILE *file, const char *name,
                    brrr_bytes *out) {
  static uint8_t chunk[CHUNK];
  brrr_buf b;
  size_t n = 0, total = 0;
  brrr_buf_init(&b, a);
  while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
    total += n;
    if (total > MAX_INPUT)
      return complain("%s: longer than 256 MiB", name);
    brrr_buf_put(&b, (brrr_bytes){chunk, n});
  }
  if (ferror(file))
    return complain("%s: %s", name, strerror(errno));
  return brrr_buf_finish(&b, out, NULL) == BRRR_OK ? EXIT_DONE
                                                   : complain("out of memory");
}

int input_read(brrr_arena *a, const char *name, brrr_bytes *out) {
  if (strcmp(name, "-") == 0)
    return read_all(a, stdin, "standard input", out);
  FILE *file = fopen(name, "rb");
  if (!file)
    return complain("%s: %s", name, strerror(errno));
  int status = read_all(a, file, name, out);
  (void)fclose(file);
  return status;
}

json_t *input_json(brrr_bytes text) {
  json_error_t e;
  json_t *value =
      json_loadb(text.len ? (const char *)text.ptr : "", text.len,
                 JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);
  if (!value)
    (void)complain("not JSON: offset %d: %s", e.position, e.text);
  return value;
}

/* ---- octets -------------------------------------------------------------- */

static json_t *hex_new(brrr_bytes in) {
  static const char digits[] = "0123456789abcdef";
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  char *hex = brrr_arena_get(&a, 2 * in.len + 1);
  json_t *out = NULL;
  if (hex) {
    for (size_t i = 0; i < in.len; i++) {
      hex[2 * i] = digits[in.ptr[i] >> 4];
      hex[2 * i + 1] = digits[in.ptr[i] & 15];
    }
    out = json_pack("{s:s%}", "hex", hex, 2 * in.len);
  }
  brrr_arena_free(&a);
  return out;
}

json_t *octets_to_json(brrr_bytes in) {
  json_t *text = json_stringn(in.len ? (const char *)in.ptr : "", in.len);
  return text ? text : hex_new(in); /* no UTF-8 */
}

static int hex_digit(char c) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) % 16 : -1;
}

static bool hex_read(brrr_arena *a, const json_t *in, brrr_bytes *out) {
  size_t len = json_string_length(in);
  const char *hex = json_string_value(in);
  uint8_t *to = hex && len % 2 == 0 ? brrr_arena_get(a, len / 2 + 1) : NULL;
  if (!to)
    return false;
  for (size_t i = 0; i < len; i += 2) {
    int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0)
      return false;
    to[i / 2] = (uint8_t)(high << 4 | low);
  }
  *out = (brrr_bytes){to, len / 2};
  return true;
}

bool octets_from_json(brrr_arena *a, const json_t *in, brrr_bytes *out) {
  if (json_is_object(in) && json_object_size(in) == 1)
    return hex_read(a, json_object_get(in, "hex"), out);
  if (!json_is_string(in))
    return false;
  *out = (brrr_bytes){(const uint8_t *)json_string_value(in),
                      json_string_length(in)};
  return true;
}

int output_json(const json_t *value) {
  if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0)
    return complain("standard output: %s", strerror(errno));
  (void)putchar('\n');
  return EXIT_DONE;
}
