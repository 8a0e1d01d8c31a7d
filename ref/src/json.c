/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json.c - L6: JSON values in an arena: to make, and to look into.
 *
 * A number is a double and nothing else, as in the canonical form. Objects hold
 * their members in canonical order from the beginning, so a look-up is a binary
 * search and the writer has nothing to sort.
 */
#include "json.h"

#include "arena.h"
#include "sort.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INT 9007199254740991.0 /* 2^53-1 */

/* ---- making -------------------------------------------------------------- */

static const brrr_json *make(brrr_arena *a, brrr_json value) {
  brrr_json *v = brrr_arena_get(a, sizeof *v);
  if (v)
    *v = value;
  return v;
}

const brrr_json *brrr_json_null(brrr_arena *a) {
  return make(a, (brrr_json){.type = BRRR_JSON_NULL});
}

const brrr_json *brrr_json_bool(brrr_arena *a, bool value) {
  return make(a, (brrr_json){.type = BRRR_JSON_BOOL, .as.truth = value});
}

const brrr_json *brrr_json_number(brrr_arena *a, double value) {
  return make(a, (brrr_json){.type = BRRR_JSON_NUMBER, .as.number = value});
}

const brrr_json *brrr_json_integer(brrr_arena *a, int64_t value) {
  const double number = (double)value;
  /* The double may be 2^63, which is no int64_t. */
  const bool held = number < 0x1p63 && (int64_t)number == value;
  return make(a, (brrr_json){.type = BRRR_JSON_NUMBER,
                             .lost = !held,
                             .as.number = number});
}

const brrr_json *brrr_json_string(brrr_arena *a, brrr_bytes value) {
  brrr_json v = {.type = BRRR_JSON_STRING};
  return brrr_arena_copy(a, value, &v.as.text) == BRRR_OK ? make(a, v) : NULL;
}

const brrr_json *brrr_json_array(brrr_arena *a, const brrr_json *const *items,
                                 size_t count) {
  const brrr_json **copy = brrr__arena_array(a, count, sizeof *copy);
  if (!copy)
    return NULL;
  for (size_t i = 0; i < count; i++)
    if (!(copy[i] = items[i]))
      return NULL;
  return make(
      a,
      (brrr_json){.type = BRRR_JSON_ARRAY, .count = count, .as.items = copy});
}

const brrr_json *
brrr_json_object(brrr_arena *a, const brrr_json_member *members, size_t count) {
  brrr_json_member *copy = brrr__arena_array(a, count, sizeof *copy);
  if (!copy)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    copy[i].value = members[i].value;
    if (!copy[i].value ||
        brrr_arena_copy(a, members[i].name, &copy[i].name) != BRRR_OK)
      return NULL;
  }
  brrr__json_sort(copy, count);
  return make(a, (brrr_json){.type = BRRR_JSON_OBJECT,
                             .count = count,
                             .as.members = copy});
}

/* ---- the order of names -------------------------------------------------- */

/* By UTF-16 code units, in which what UTF-8 begins with F0 to F4 begins with a
 * surrogate, and so comes before U+E000 to U+FFFF: EE and EF. */
static int weight(uint8_t octet) {
  return octet < 0xee ? octet : octet < 0xf0 ? octet + 0x10 : octet - 2;
}

int brrr__json_compare(brrr_bytes a, brrr_bytes b) { /* [CODEC-15] */
  const size_t len = a.len < b.len ? a.len : b.len;
  for (size_t i = 0; i < len; i++)
    if (a.ptr[i] != b.ptr[i])
      return weight(a.ptr[i]) - weight(b.ptr[i]);
  return (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b) {
  const brrr_json_member *x = a, *y = b;
  return brrr__json_compare(x->name, y->name);
}

void brrr__json_sort(brrr_json_member *members, size_t count) {
  brrr__sort(members, count, sizeof *members, by_name);
}

/* ---- looking ------------------------------------------------------------- */

brrr_json_type brrr_json_type_of(const brrr_json *v) {
  return v ? v->type : BRRR_JSON_NONE;
}

bool brrr_json_truth(const brrr_json *v, bool *out) {
  if (brrr_json_type_of(v) != BRRR_JSON_BOOL)
    return false;
  *out = v->as.truth;
  return true;
}

bool brrr_json_double(const brrr_json *v, double *out) {
  if (brrr_json_type_of(v) != BRRR_JSON_NUMBER || v->lost)
    return false;
  *out = v->as.number;
  return true;
}

bool brrr_json_int(const brrr_json *v, int64_t *out) {
  double number;
  if (!brrr_json_double(v, &number) ||
      !(number >= -MAX_INT && number <= MAX_INT) ||
      (double)(int64_t)number != number)
    return false;
  *out = (int64_t)number;
  return true;
}

bool brrr_json_text(const brrr_json *v, brrr_bytes *out) {
  if (brrr_json_type_of(v) != BRRR_JSON_STRING)
    return false;
  *out = v->as.text;
  return true;
}

size_t brrr_json_count(const brrr_json *v) { return v ? v->count : 0; }

const brrr_json *brrr_json_at(const brrr_json *v, size_t index) {
  if (brrr_json_type_of(v) != BRRR_JSON_ARRAY || index >= v->count)
    return NULL;
  return v->as.items[index];
}

const brrr_json *brrr_json_get(const brrr_json *v, const char *name) {
  if (brrr_json_type_of(v) != BRRR_JSON_OBJECT)
    return NULL;
  const brrr_json_member wanted = {.name = brrr_bytes_str(name)};
  const brrr_json_member *found =
      bsearch(&wanted, v->as.members, v->count, sizeof wanted, by_name);
  return found ? found->value : NULL;
}

const brrr_json_member *brrr_json_member_at(const brrr_json *v, size_t index) {
  if (brrr_json_type_of(v) != BRRR_JSON_OBJECT || index >= v->count)
    return NULL;
  return &v->as.members[index];
}
