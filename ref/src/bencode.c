/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * bencode.c - L1: the dialect of bencode, read and written.
 *
 * The reader is a state machine: for each list or dict that is open, one octet
 * says what may come next. So nesting costs no stack, and the depth is bounded
 * by the size of an array.
 *
 *   state       a value or key may follow   then      `e` may follow
 *   ROOT        value                       DONE      no
 *   LIST        value                       LIST      yes
 *   FIRST_KEY   key                         VALUE     yes
 *   NEXT_KEY    key, above the last one     VALUE     yes
 *   VALUE       value                       NEXT_KEY  no
 *   DONE        nothing
 */
#include "bencode.h"

#include "buf.h"

#include <string.h>

enum { ROOT, LIST, FIRST_KEY, NEXT_KEY, VALUE, DONE };

static const uint8_t state_after[] = {DONE, LIST, VALUE, VALUE, NEXT_KEY, DONE};

void brrr_ben_init(brrr_ben *r, brrr_bytes in) {
  /* Not the whole of it: most of the arrays will never be looked at. */
  r->base = r->pos = in.ptr;
  r->end = in.len ? in.ptr + in.len : in.ptr;
  r->state[0] = ROOT;
  r->depth = 0;
  r->error = (brrr_error){.status = BRRR_OK, .requirement = ""};
}

brrr_status brrr__ben_fail(brrr_ben *r, brrr_status status, size_t offset,
                           const char *requirement, const char *reason) {
  r->error = (brrr_error){status, offset, reason, requirement};
  return status;
}

static brrr_status fail(brrr_ben *r, const uint8_t *at, const char *requirement,
                        const char *reason) {
  return brrr__ben_fail(r, BRRR_E_SYNTAX, (size_t)(at - r->base), requirement,
                        reason);
}

static bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

static bool in_dict(uint8_t state) {
  return state == FIRST_KEY || state == NEXT_KEY;
}

/* Whatever has no end of its own shows here, as an end of the input, or else
 * as an octet that cannot be there [WIRE-20]. */
static brrr_status fail_end(brrr_ben *r) {
  if (r->pos == r->base)
    return fail(r, r->pos, "WIRE-12", "empty input");
  if (r->state[r->depth] == VALUE)
    return fail(r, r->pos, "WIRE-13", "input ends before the value of a key");
  return fail(r, r->pos, "WIRE-13", "input ends in a list or dict without e");
}

/* Why no item can begin with the octet at r->pos. */
static brrr_status fail_first(brrr_ben *r) {
  const uint8_t c = *r->pos, state = r->state[r->depth];
  if (c == 'e' && state == VALUE)
    return fail(r, r->pos, "WIRE-23", "key without a value");
  if (in_dict(state) && (c == 'i' || c == 'l' || c == 'd'))
    return fail(r, r->pos, "WIRE-22", "key that is not a string");
  if (c == '-' || c == '+')
    return fail(r, r->pos, "WIRE-19", "length with a sign");
  return fail(r, r->pos, "WIRE-15", "neither i, l, d nor a digit");
}

/* What stands at `p`, after the digits of an integer, is not its `e`. */
static brrr_status fail_int(brrr_ben *r, const uint8_t *p, bool has_digits) {
  if (p == r->end)
    return fail(r, p, "WIRE-13", "input ends in an integer without e");
  if (*p == 'e' && !has_digits)
    return fail(r, p, "WIRE-16", "integer without digits");
  return fail(r, p, "WIRE-18", "octet in an integer that is not a digit");
}

static brrr_status read_int(brrr_ben *r, brrr_ben_item *out) {
  const uint8_t *p = r->pos + 1;
  const bool negative = p < r->end && *p == '-';
  p += negative;
  const uint8_t *digits = p;
  int64_t num = 0;
  for (; p < r->end && is_digit(*p); p++) {
    if (num == 0 && p > digits)
      return fail(r, digits, "WIRE-17", "integer with a leading zero");
    num = num * 10 + (*p - '0');
    if (num > BRRR_BEN_MAX_INT) /* so that it never overflows */
      return fail(r, p, "WIRE-31", "integer outside 2^53-1");
  }
  if (p == r->end || *p != 'e' || p == digits)
    return fail_int(r, p, p > digits); /* [WIRE-16] [WIRE-18] */
  if (num == 0 && negative)
    return fail(r, digits, "WIRE-17", "minus zero");
  *out = (brrr_ben_item){.type = BRRR_BEN_INT,
                         .num = negative ? -num : num,
                         .offset = (size_t)(r->pos - r->base)};
  r->pos = p + 1;
  return BRRR_OK;
}

static brrr_status read_str(brrr_ben *r, brrr_ben_item *out) {
  const uint8_t *p = r->pos;
  const uint64_t left = (uint64_t)(r->end - p);
  uint64_t len = 0;
  for (; p < r->end && is_digit(*p); p++) {
    if (len == 0 && p > r->pos)
      return fail(r, r->pos, "WIRE-17", "length with a leading zero");
    len = len * 10 + (uint64_t)(*p - '0');
    if (len > left) /* so that it never overflows */
      return fail(r, r->pos, "WIRE-21", "length above the octets left");
  }
  if (p == r->end)
    return fail(r, p, "WIRE-13", "input ends in a length without :");
  if (*p != ':')
    return fail(r, p, "WIRE-19", "octet in a length that is not a digit");
  p++;
  if (len > (uint64_t)(r->end - p))
    return fail(r, r->pos, "WIRE-21", "length above the octets left");
  *out = (brrr_ben_item){.type = BRRR_BEN_STR,
                         .str = {p, (size_t)len},
                         .offset = (size_t)(r->pos - r->base)};
  r->pos = p + len;
  return BRRR_OK;
}

static brrr_status read_key(brrr_ben *r, brrr_ben_item *out) {
  brrr_ben_item key;
  brrr_bytes *last = &r->key[r->depth - 1];
  brrr_status s = read_str(r, &key);
  if (s)
    return s;
  if (r->state[r->depth] == NEXT_KEY) {
    int order = brrr_bytes_compare(*last, key.str);
    if (order >= 0)
      return fail(r, r->base + key.offset, "WIRE-30",
                  order ? "key below the one before" : "key that occurs twice");
  }
  *last = key.str;
  *out = key;
  return BRRR_OK;
}

static brrr_status read_open(brrr_ben *r, brrr_ben_item *out) {
  if (r->depth == BRRR_BEN_MAX_DEPTH) /* [WIRE-27] */
    return fail(r, r->pos, "WIRE-32", "nesting deeper than 32");
  const bool list = *r->pos == 'l';
  *out = (brrr_ben_item){.type = list ? BRRR_BEN_LIST : BRRR_BEN_DICT,
                         .offset = (size_t)(r->pos - r->base)};
  r->pos++;
  r->state[++r->depth] = list ? LIST : FIRST_KEY;
  return BRRR_OK;
}

static brrr_status read_end(brrr_ben *r, brrr_ben_item *out) {
  *out = (brrr_ben_item){.type = BRRR_BEN_END,
                         .offset = (size_t)(r->pos - r->base)};
  r->pos++;
  r->depth--;
  return BRRR_OK;
}

brrr_status brrr_ben_next(brrr_ben *r, brrr_ben_item *out) {
  if (r->error.status)
    return r->error.status;
  uint8_t *state = &r->state[r->depth];
  if (*state == DONE)
    return r->pos == r->end ? BRRR_EMPTY
                            : fail(r, r->pos, "WIRE-14", "octet after the end");
  if (r->pos == r->end)
    return fail_end(r); /* [WIRE-12] [WIRE-13] */

  const uint8_t c = *r->pos;
  const bool key = in_dict(*state);
  brrr_status s;
  if (is_digit(c))
    s = key ? read_key(r, out) : read_str(r, out);
  else if (c == 'e' && (key || *state == LIST))
    return read_end(r, out);
  else if (c == 'i' && !key)
    s = read_int(r, out);
  else if ((c == 'l' || c == 'd') && !key)
    s = read_open(r, out);
  else
    return fail_first(r); /* [WIRE-15] [WIRE-22] [WIRE-23] */
  if (!s)
    *state = state_after[*state];
  return s;
}

brrr_status brrr_ben_skip(brrr_ben *r, const brrr_ben_item *item) {
  if (item->type != BRRR_BEN_LIST && item->type != BRRR_BEN_DICT)
    return r->error.status;
  brrr_status s = BRRR_OK;
  brrr_ben_item inner;
  for (const uint32_t depth = r->depth; !s && r->depth >= depth;)
    s = brrr_ben_next(r, &inner);
  return s;
}

brrr_status brrr_ben_finish(brrr_ben *r, brrr_error *err) {
  brrr_ben_item item;
  if (!r->error.status && r->state[r->depth] != DONE && r->pos < r->end)
    return brrr__error_set(
        err, (brrr_error){BRRR_E_MISUSE, (size_t)(r->pos - r->base),
                          "input that was not read to its end", ""});
  brrr_status s = brrr_ben_next(r, &item); /* [WIRE-14] */
  return s == BRRR_EMPTY ? BRRR_OK : brrr__error_set(err, r->error);
}

/* ==== The writer ========================================================= */

static void put_octet(brrr_buf *b, char c) {
  uint8_t *p = brrr__buf_reserve(b, 1);
  if (p) {
    *p = (uint8_t)c;
    b->len++;
  }
}

/* Writes `num` in decimal, the shortest form; returns the end. */
static uint8_t *decimal(uint8_t *p, uint64_t num) {
  uint8_t digits[20], *first = digits + sizeof digits;
  do
    *--first = (uint8_t)('0' + num % 10);
  while ((num /= 10));
  const size_t len = (size_t)(digits + sizeof digits - first);
  memcpy(p, first, len);
  return p + len;
}

void brrr_ben_put_int(brrr_buf *b, int64_t num) {
  if (num > BRRR_BEN_MAX_INT || num < -BRRR_BEN_MAX_INT) {
    brrr__buf_fail(b, (brrr_error){BRRR_E_ENCODE, b->len,
                                   "integer outside 2^53-1", "WIRE-4"});
    return;
  }
  uint8_t *p = brrr__buf_reserve(b, BRRR__BEN_INT_ROOM);
  if (!p)
    return;
  *p++ = 'i';
  if (num < 0)
    *p++ = '-';
  p = decimal(p, (uint64_t)(num < 0 ? -num : num));
  *p++ = 'e';
  b->len = (size_t)(p - b->ptr);
}

void brrr_ben_put_str(brrr_buf *b, brrr_bytes str) {
  if (str.len > SIZE_MAX - BRRR__BEN_STR_ROOM)
    str.len = SIZE_MAX - BRRR__BEN_STR_ROOM; /* runs out of memory */
  uint8_t *p = brrr__buf_reserve(b, BRRR__BEN_STR_ROOM + str.len);
  if (!p)
    return;
  p = decimal(p, str.len);
  *p++ = ':';
  if (str.len)
    memcpy(p, str.ptr, str.len);
  b->len = (size_t)(p - b->ptr) + str.len;
}

void brrr_ben_put_list(brrr_buf *b) { put_octet(b, 'l'); }
void brrr_ben_put_dict(brrr_buf *b) { put_octet(b, 'd'); }
void brrr_ben_put_end(brrr_buf *b) { put_octet(b, 'e'); }
