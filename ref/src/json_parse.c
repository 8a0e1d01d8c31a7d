/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json_parse.c - L6: JSON text to values, by jansson.
 *
 * jansson reads; what it read is moved into the arena. What it would be late to
 * find, or would recurse on, is looked for first, in one pass over the text:
 * octets that are no UTF-8, and nesting.
 */
#include "json.h"

#include "arena.h"
#include "text.h"

#include <jansson.h>
#include <string.h>

/* ---- before -------------------------------------------------------------- */

/* The offset of what opens one array or object too many; in.len if nothing
 * does. In text that is not JSON it may be anywhere. */
static size_t too_deep(brrr_bytes in) {
  bool quoted = false;
  size_t depth = 0;
  for (size_t i = 0; i < in.len; i++) {
    const uint8_t c = in.ptr[i];
    if (c == '"')
      quoted = !quoted;
    else if (quoted)
      i += c == '\\';
    else if ((c == '[' || c == '{') && ++depth > BRRR_JSON_MAX_DEPTH)
      return i;
    else if ((c == ']' || c == '}') && depth)
      depth--;
  }
  return in.len;
}

static brrr_status refuse(brrr_error *err, const char *requirement,
                          size_t offset, const char *reason) {
  return brrr__error_set(
      err, (brrr_error){BRRR_E_CODEC, offset, reason, requirement});
}

static brrr_status check(brrr_bytes in, brrr_error *err) {
  const brrr_bytes bom = BRRR_LIT("\xef\xbb\xbf");
  const size_t good = brrr__text_utf8(in), deep = too_deep(in);
  if (good < in.len)
    return refuse(err, "CODEC-23", good, "not UTF-8");
  if (in.len >= bom.len && !memcmp(in.ptr, bom.ptr, bom.len))
    return refuse(err, "CODEC-23", 0, "a byte order mark");
  if (deep < in.len)
    return refuse(err, "CODEC-26", deep, "arrays and objects nested too deep");
  return BRRR_OK;
}

/* ---- jansson ------------------------------------------------------------- */

static bool begins_with(const char *text, const char *start) {
  return !strncmp(text, start, strlen(start));
}

static brrr_status no_memory(brrr_error *err) {
  return brrr__error_set(err,
                         (brrr_error){BRRR_E_NOMEM, 0, "out of memory", ""});
}

/* Its position is where it stopped reading: behind what is wrong. */
static brrr_status translate(const json_error_t *from, brrr_error *err) {
  const size_t at = from->position < 0 ? 0 : (size_t)from->position;
  switch (json_error_code(from)) {
  case json_error_out_of_memory:
    return no_memory(err);
  case json_error_duplicate_key:
    return refuse(err, "CODEC-24", at, "an object with one name twice");
  case json_error_null_byte_in_key:
    return refuse(err, "CODEC-24", at, "a name with U+0000");
  case json_error_numeric_overflow:
    return refuse(err, "CODEC-25", at, "a number too large for a double");
  default:
    if (begins_with(from->text, "invalid Unicode"))
      return refuse(err, "CODEC-23", at, "a surrogate alone");
    return refuse(err, "CODEC-21", at, "not JSON");
  }
}

static json_t *load(brrr_bytes in, json_error_t *error) {
  const size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
                       JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
  const char *text = in.len ? (const char *)in.ptr : "";
  return json_loadb(text, in.len, flags, error);
}

/* ---- into the arena ------------------------------------------------------ */

/* An array or object of which `to.count` parts have been moved. */
typedef struct level {
  json_t *from;
  void *member; /* the next one of an object: jansson's iterator */
  brrr_json *to;
  const brrr_json **items; /* those of `to`, while they can be written */
  brrr_json_member *members;
} level;

typedef struct mover {
  brrr_arena *arena;
  level open[BRRR_JSON_MAX_DEPTH];
  size_t depth;
} mover;

static const brrr_json *open_array(mover *m, json_t *from) {
  const size_t count = json_array_size(from);
  level l = {.from = from, .to = brrr_arena_get(m->arena, sizeof *l.to)};
  l.items = brrr__arena_array(m->arena, count, sizeof(const brrr_json *));
  if (!l.to || !l.items)
    return NULL;
  *l.to = (brrr_json){.type = BRRR_JSON_ARRAY, .as.items = l.items};
  m->open[m->depth++] = l;
  return l.to;
}

static const brrr_json *open_object(mover *m, json_t *from) {
  const size_t count = json_object_size(from);
  level l = {.from = from,
             .member = json_object_iter(from),
             .to = brrr_arena_get(m->arena, sizeof *l.to)};
  l.members = brrr__arena_array(m->arena, count, sizeof *l.members);
  if (!l.to || !l.members)
    return NULL;
  *l.to = (brrr_json){.type = BRRR_JSON_OBJECT, .as.members = l.members};
  m->open[m->depth++] = l;
  return l.to;
}

/* The value, whole, or opened if it is an array or object; NULL without memory.
 */
static const brrr_json *move(mover *m, json_t *from) {
  switch (json_typeof(from)) {
  case JSON_NULL:
    return brrr_json_null(m->arena);
  case JSON_TRUE:
  case JSON_FALSE:
    return brrr_json_bool(m->arena, json_is_true(from));
  case JSON_STRING:
    return brrr_json_string(
        m->arena, (brrr_bytes){(const uint8_t *)json_string_value(from),
                               json_string_length(from)});
  case JSON_ARRAY:
    return open_array(m, from);
  case JSON_OBJECT:
    return open_object(m, from);
  default:
    return brrr_json_number(m->arena, json_number_value(from));
  }
}

/* Moves the next part; false without memory. At the end it closes. */
static bool move_part(mover *m) {
  level *top = &m->open[m->depth - 1];
  brrr_json *to = top->to;
  if (to->type == BRRR_JSON_ARRAY) {
    json_t *item = json_array_get(top->from, to->count);
    if (!item)
      return m->depth--, true;
    return (top->items[to->count++] = move(m, item));
  }
  if (!top->member) {
    brrr__json_sort(top->members, to->count);
    return m->depth--, true;
  }
  void *at = top->member;
  brrr_json_member *member = &top->members[to->count++];
  const brrr_bytes name = {(const uint8_t *)json_object_iter_key(at),
                           json_object_iter_key_len(at)};
  top->member = json_object_iter_next(top->from, at);
  return brrr_arena_copy(m->arena, name, &member->name) == BRRR_OK &&
         (member->value = move(m, json_object_iter_value(at)));
}

static const brrr_json *move_all(brrr_arena *a, json_t *root) {
  mover m = {.arena = a};
  const brrr_json *v = move(&m, root);
  while (v && m.depth)
    if (!move_part(&m))
      v = NULL;
  return v;
}

brrr_status brrr_json_parse(brrr_arena *a, brrr_bytes in, const brrr_json **out,
                            brrr_error *err) {
  const brrr_status s = check(in, err);
  if (s != BRRR_OK)
    return s;
  json_error_t error;
  json_t *root = load(in, &error);
  if (!root)
    return translate(&error, err);
  const brrr_json *v = move_all(a, root);
  json_decref(root);
  if (!v)
    return no_memory(err);
  *out = v;
  return BRRR_OK;
}
