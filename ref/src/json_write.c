/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json_write.c - L6: canonical JSON, RFC 8785 [CODEC-5].
 *
 * Not recursive: a stack of fixed size holds the arrays and objects that are
 * open.
 */
#include "json.h"

#include "buf.h"
#include "text.h"

#include <math.h>

static void refuse(brrr_buf *b, const char *requirement, const char *reason) {
  brrr__buf_fail(b, (brrr_error){BRRR_E_CODEC, b->len, reason, requirement});
}

/* ---- strings ------------------------------------------------------------- */

/* The escape of an octet, which has up to six octets; empty if it is written
 * as it is. */
static brrr_bytes escape(uint8_t octet, uint8_t room[6]) {
  static const char hex[] = "0123456789abcdef";
  switch (octet) {
  case '\b':
    return BRRR_LIT("\\b");
  case '\t':
    return BRRR_LIT("\\t");
  case '\n':
    return BRRR_LIT("\\n");
  case '\f':
    return BRRR_LIT("\\f");
  case '\r':
    return BRRR_LIT("\\r");
  case '"':
    return BRRR_LIT("\\\"");
  case '\\':
    return BRRR_LIT("\\\\");
  default:
    break;
  }
  if (octet >= 0x20)
    return (brrr_bytes){0};
  const uint8_t all[] = {
      '\\', 'u', '0', '0', '0' + (octet >> 4), (uint8_t)hex[octet & 0xf]};
  for (size_t i = 0; i < sizeof all; i++)
    room[i] = all[i];
  return (brrr_bytes){room, sizeof all};
}

void brrr__json_put_string(brrr_buf *b, brrr_bytes text) { /* [CODEC-13] */
  if (brrr__text_utf8(text) != text.len)                   /* [CODEC-14] */
    refuse(b, "CODEC-14", "a string that is not UTF-8");
  uint8_t room[6];
  size_t from = 0;
  brrr_buf_put(b, BRRR_LIT("\""));
  for (size_t i = 0; i < text.len; i++) {
    const brrr_bytes escaped = escape(text.ptr[i], room);
    if (!escaped.len)
      continue;
    brrr_buf_put(b, (brrr_bytes){text.ptr + from, i - from});
    brrr_buf_put(b, escaped);
    from = i + 1;
  }
  if (from < text.len)
    brrr_buf_put(b, (brrr_bytes){text.ptr + from, text.len - from});
  brrr_buf_put(b, BRRR_LIT("\""));
}

/* ---- values -------------------------------------------------------------- */

typedef struct level {
  const brrr_json *v;
  size_t next;
} level;

static void put_number(brrr_buf *b, const brrr_json *v) {
  if (!isfinite(v->as.number)) /* [CODEC-11] */
    refuse(b, "CODEC-11", "a number that is not finite");
  else if (v->lost) /* [CODEC-12] */
    refuse(b, "CODEC-12", "an integer that no double holds exactly");
  else
    brrr__json_put_number(b, v->as.number);
}

/* All of a value, or its beginning if it is an array or object. */
static void begin(brrr_buf *b, const brrr_json *v) {
  switch (brrr_json_type_of(v)) {
  case BRRR_JSON_NONE:
    brrr__buf_fail(b,
                   (brrr_error){BRRR_E_NOMEM, b->len,
                                "NULL: memory was out when it was made", ""});
    break;
  case BRRR_JSON_NULL:
    brrr_buf_put(b, BRRR_LIT("null"));
    break;
  case BRRR_JSON_BOOL:
    brrr_buf_put(b, v->as.truth ? BRRR_LIT("true") : BRRR_LIT("false"));
    break;
  case BRRR_JSON_NUMBER:
    put_number(b, v);
    break;
  case BRRR_JSON_STRING:
    brrr__json_put_string(b, v->as.text);
    break;
  case BRRR_JSON_ARRAY:
    brrr_buf_put(b, BRRR_LIT("["));
    break;
  case BRRR_JSON_OBJECT:
    brrr_buf_put(b, BRRR_LIT("{"));
    break;
  }
}

static bool is_open(const brrr_json *v) {
  const brrr_json_type type = brrr_json_type_of(v);
  return type == BRRR_JSON_ARRAY || type == BRRR_JSON_OBJECT;
}

static void put_name(brrr_buf *b, const brrr_json *object, size_t index) {
  const brrr_json_member *m = &object->as.members[index];
  if (index && brrr_bytes_equal(m[-1].name, m->name)) /* [CODEC-16] */
    refuse(b, "CODEC-16", "an object with one name twice");
  for (size_t i = 0; i < m->name.len; i++)
    if (!m->name.ptr[i]) /* [CODEC-17] */
      refuse(b, "CODEC-17", "a name with U+0000");
  brrr__json_put_string(b, m->name);
  brrr_buf_put(b, BRRR_LIT(":"));
}

/* What stands before the next value in the innermost array or object, and that
 * value; NULL, and what closes it, if there is none. */
static const brrr_json *advance(brrr_buf *b, level *top) {
  const brrr_json *v = top->v;
  const size_t i = top->next++;
  const bool object = v->type == BRRR_JSON_OBJECT;
  if (i == v->count) {
    brrr_buf_put(b, object ? BRRR_LIT("}") : BRRR_LIT("]"));
    return NULL;
  }
  if (i)
    brrr_buf_put(b, BRRR_LIT(","));
  if (!object)
    return v->as.items[i];
  put_name(b, v, i);
  return v->as.members[i].value;
}

void brrr_json_write(brrr_buf *b, const brrr_json *v) {
  level open[BRRR_JSON_MAX_DEPTH];
  size_t depth = 0;
  do {
    begin(b, v);
    if (is_open(v) && depth == BRRR_JSON_MAX_DEPTH) /* [CODEC-18] */
      refuse(b, "CODEC-18", "arrays and objects nested too deep");
    else if (is_open(v))
      open[depth++] = (level){v, 0};
    for (v = NULL; !v && depth && !b->error.status; depth -= !v)
      v = advance(b, &open[depth - 1]);
  } while (v && !b->error.status);
}
