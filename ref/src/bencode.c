/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * bencode.c - L1: the dialect of bencode, read and written.
 *
 * The reader is a state machine: for each list or dict that is open, one octet
 * says what may come next. So nesting costs no stack [WIRE-26], and the depth
 * is bounded by the size of an array. It accepts just the grammar [WIRE-10].
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
  r->pos = r->end; /* so that it sticks: see next_at_end */
  return status;
}

static brrr_status fail(brrr_ben *r, const uint8_t *at, const char *requirement,
                        const char *reason) {
  return brrr__ben_fail(r, BRRR_E_SYNTAX, (size_t)(at - r->base), requirement,
                        reason);
}

static bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

static bool wants_key(uint8_t state) {
  return state == FIRST_KEY || state == NEXT_KEY;
}

/* There is no further item: why? What lacks its end shows here, or by an octet
 * that cannot be there [WIRE-20]. */
static brrr_status next_at_end(brrr_ben *r) {
  const uint8_t *const at = r->pos, state = r->state[r->depth];
  if (r->error.status)
    return r->error.status;
  if (state == DONE)
    return at == r->end ? BRRR_EMPTY
                        : fail(r, at, "WIRE-14", "octet after the end");
  if (at == r->base)
    return fail(r, at, "WIRE-12", "empty input");
  if (state == VALUE)
    return fail(r, at, "WIRE-13", "input ends before the value of a key");
  return fail(r, at, "WIRE-13", "input ends in a list or dict without e");
}

/* Why no item can begin with the octet at r->pos. */
static brrr_status fail_first(brrr_ben *r) {
  const uint8_t *const at = r->pos, state = r->state[r->depth];
  if (*at == 'e' && state == VALUE)
    return fail(r, at, "WIRE-23", "key without a value");
  if (wants_key(state) && (*at == 'i' || *at == 'l' || *at == 'd'))
    return fail(r, at, "WIRE-22", "key that is not a string");
  if (*at == '-' || *at == '+')
    return fail(r, at, "WIRE-19", "length with a sign");
  return fail(r, at, "WIRE-15", "neither i, l, d nor a digit");
}

/* What stands at `p`, after the digits of an integer, is not its `e`. */
static brrr_status fail_int(brrr_ben *r, const uint8_t *p, bool has_digits) {
  if (p == r->end)
    return fail(r, p, "WIRE-13", "input ends in an integer without e");
  if (*p == 'e' && !has_digits)
    return fail(r, p, "WIRE-16", "integer without digits");
  return fail(r, p, "WIRE-18", "octet in an integer that is not a digit");
}

static brrr_status read_int(brrr_ben *r, int64_t *out) {
  const uint8_t *p = r->pos + 1;
  const bool negative = p < r->end && *p == '-';
  p += negative;
  const uint8_t *const digits = p;
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
  *out = negative ? -num : num;
  r->pos = p + 1;
  return BRRR_OK;
}

/* At r->pos stands a digit. */
static brrr_status read_str(brrr_ben *r, brrr_bytes *out) {
  const uint8_t *const digits = r->pos, *p = digits + 1;
  const uint64_t left = (uint64_t)(r->end - digits);
  uint64_t len = (uint64_t)(*digits - '0');
  for (; p < r->end && is_digit(*p); p++) {
    if (len == 0)
      return fail(r, digits, "WIRE-17", "length with a leading zero");
    len = len * 10 + (uint64_t)(*p - '0');
    if (len > left) /* so that it never overflows */
      return fail(r, digits, "WIRE-21", "length above the octets left");
  }
  if (p == r->end)
    return fail(r, p, "WIRE-13", "input ends in a length without :");
  if (*p++ != ':')
    return fail(r, p - 1, "WIRE-19", "octet in a length that is not a digit");
  if (len > (uint64_t)(r->end - p))
    return fail(r, digits, "WIRE-21", "length above the octets left");
  *out = (brrr_bytes){p, (size_t)len};
  r->pos = p + len;
  return BRRR_OK;
}

static brrr_status read_key(brrr_ben *r, brrr_bytes *out) {
  const uint8_t *const at = r->pos;
  brrr_bytes *last = &r->key[r->depth - 1], key;
  brrr_status s = read_str(r, &key);
  if (s)
    return s;
  if (r->state[r->depth] == NEXT_KEY) {
    const int order = brrr_bytes_compare(*last, key);
    if (order > 0)
      return fail(r, at, "WIRE-30", "key below the one before");
    if (order == 0)
      return fail(r, at, "WIRE-30", "key that occurs twice");
  }
  *last = *out = key;
  return BRRR_OK;
}

static brrr_status read_open(brrr_ben *r, uint8_t state) {
  if (r->depth == BRRR_BEN_MAX_DEPTH) /* [WIRE-27] */
    return fail(r, r->pos, "WIRE-32", "nesting deeper than 32");
  r->pos++;
  r->state[++r->depth] = state;
  return BRRR_OK;
}

static void read_end(brrr_ben *r) {
  r->pos++;
  r->depth--;
}

brrr_status brrr_ben_next(brrr_ben *r, brrr_ben_item *out) {
  const uint8_t *const at = r->pos;
  uint8_t *const state = &r->state[r->depth];
  if (at == r->end || *state == DONE)
    return next_at_end(r); /* [WIRE-12] [WIRE-13] [WIRE-14] */

  const bool key = wants_key(*state);
  brrr_ben_type type;
  brrr_status s = BRRR_OK;
  if (is_digit(*at)) {
    type = BRRR_BEN_STR;
    s = key ? read_key(r, &out->str) : read_str(r, &out->str);
  } else if (*at == 'e' && (key || *state == LIST)) {
    type = BRRR_BEN_END;
    read_end(r);
  } else if (*at == 'i' && !key) {
    type = BRRR_BEN_INT;
    s = read_int(r, &out->num);
  } else if (*at == 'l' && !key) {
    type = BRRR_BEN_LIST;
    s = read_open(r, LIST);
  } else if (*at == 'd' && !key) {
    type = BRRR_BEN_DICT;
    s = read_open(r, FIRST_KEY);
  } else {
    return fail_first(r); /* [WIRE-15] [WIRE-22] [WIRE-23] */
  }
  if (s)
    return s;
  out->type = type;
  out->offset = (size_t)(at - r->base);
  if (type != BRRR_BEN_END)
    *state = state_after[*state];
  return BRRR_OK;
}

/* A string of up to 999 octets; where it ends, or NULL if there is none. */
static const uint8_t *short_str(const uint8_t *p, const uint8_t *end,
                                brrr_bytes *out) {
  size_t len = 0, digits = 0;
  for (; digits < 3 && p < end && is_digit(*p); digits++)
    len = 10 * len + (size_t)(*p++ - '0');
  const bool is_shortest = len >= (digits == 3 ? 100 : digits == 2 ? 10 : 0);
  if (!digits || !is_shortest || p == end || *p++ != ':' ||
      len > (size_t)(end - p))
    return NULL;
  *out = (brrr_bytes){p, len};
  return p + len;
}

bool brrr__ben_tuple(brrr_ben *r, int64_t tag, brrr_bytes *strings,
                     size_t count) {
  const uint8_t *p = r->pos;
  if (r->end - p < 3 || p[0] != 'i' || p[1] != '0' + tag || p[2] != 'e')
    return false;
  p += 3;
  for (size_t i = 0; i < count; i++)
    if (!(p = short_str(p, r->end, &strings[i])))
      return false;
  if (p == r->end || *p != 'e')
    return false;
  r->pos = p;
  read_end(r);
  return true;
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
  if (r->state[r->depth] == DONE && r->pos == r->end && !r->error.status)
    return BRRR_OK;
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
  size_t digits = 1;
  if (num < 100) { /* most lengths are */
    if (num >= 10)
      *p++ = (uint8_t)('0' + num / 10);
    *p = (uint8_t)('0' + num % 10);
    return p + 1;
  }
  for (uint64_t rest = num; rest >= 10; rest /= 10)
    digits++;
  for (size_t i = digits; i-- > 0; num /= 10)
    p[i] = (uint8_t)('0' + num % 10);
  return p + digits;
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
