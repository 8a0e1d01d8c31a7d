/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json.h - the JSON codec: arguments and values of an app are JSON, and one
 * call has one hash in all languages; spec/codec-json.md.
 *
 * To the codec, the arguments of a task are an array, and what `args` and
 * `value` of an app point to are a `const brrr_json`.
 *
 *   1 Making values   2 Looking into values   3 As text   4 The codec
 */
#ifndef BRRR_JSON_H
#define BRRR_JSON_H

#include <brrr/brrr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value. It lives as long as the arena that it was made in, with all that it
 * consists of, and never changes. */
typedef struct brrr_json brrr_json;

/* ==== 1 Making values ==================================================== */

/* Each gives NULL when memory is out, and also when it is given a NULL: so make
 * a value of values at once, and leave it to the codec to tell. What JSON
 * cannot say is refused not here but when it is written. */
BRRR_API const brrr_json *brrr_json_null(brrr_arena *a);
BRRR_API const brrr_json *brrr_json_bool(brrr_arena *a, bool value);
/* NaN and infinities cannot be written [CODEC-11]. */
BRRR_API const brrr_json *brrr_json_number(brrr_arena *a, double value);
/* The same number. One that no double holds cannot be written [CODEC-12]. */
BRRR_API const brrr_json *brrr_json_integer(brrr_arena *a, int64_t value);
/* Copies. What is not UTF-8 cannot be written [CODEC-14]. */
BRRR_API const brrr_json *brrr_json_string(brrr_arena *a, brrr_bytes value);
/* `items` is copied; the items are not, they must live as long. */
BRRR_API const brrr_json *
brrr_json_array(brrr_arena *a, const brrr_json *const *items, size_t count);

typedef struct brrr_json_member {
  brrr_bytes name;
  const brrr_json *value;
} brrr_json_member;

/* Copies names and array. Members come in any order. One name twice cannot be
 * written [CODEC-16]. */
BRRR_API const brrr_json *
brrr_json_object(brrr_arena *a, const brrr_json_member *members, size_t count);

/* An array of at least one value: brrr_json_list(a, x, y). In C only. */
#define brrr_json_list(a, ...)                                                 \
  brrr_json_array((a), (const brrr_json *const[]){__VA_ARGS__},                \
                  sizeof((const brrr_json *const[]){__VA_ARGS__}) /            \
                      sizeof(const brrr_json *))

/* ==== 2 Looking into values ============================================== */

/* NULL may be looked into, and has nothing in it: so a path needs one check, at
 * its end, as in brrr_json_int(brrr_json_get(brrr_json_at(args, 0), "n"), &n).
 */
typedef enum brrr_json_type {
  BRRR_JSON_NONE, /* of NULL */
  BRRR_JSON_NULL,
  BRRR_JSON_BOOL,
  BRRR_JSON_NUMBER,
  BRRR_JSON_STRING,
  BRRR_JSON_ARRAY,
  BRRR_JSON_OBJECT
} brrr_json_type;

BRRR_API brrr_json_type brrr_json_type_of(const brrr_json *v);
/* These tell whether the value is of that type, and only then set `out`. */
BRRR_API bool brrr_json_truth(const brrr_json *v, bool *out);
BRRR_API bool brrr_json_double(const brrr_json *v, double *out);
/* A number without fraction, within 2^53-1, from where on doubles have gaps. */
BRRR_API bool brrr_json_int(const brrr_json *v, int64_t *out);
/* Lives as long as the value. */
BRRR_API bool brrr_json_text(const brrr_json *v, brrr_bytes *out);
/* Of an array or object; otherwise 0. */
BRRR_API size_t brrr_json_count(const brrr_json *v);
/* The item of an array, or NULL. */
BRRR_API const brrr_json *brrr_json_at(const brrr_json *v, size_t index);
/* The member of an object with this name, or NULL. */
BRRR_API const brrr_json *brrr_json_get(const brrr_json *v, const char *name);
/* The member of an object, in canonical order [CODEC-15], or NULL. */
BRRR_API const brrr_json_member *brrr_json_member_at(const brrr_json *v,
                                                     size_t index);

/* ==== 3 As text ========================================================== */

#define BRRR_JSON_MAX_DEPTH 64 /* arrays and objects within each other */

/* Any JSON text, canonical or not [CODEC-20]. BRRR_OK; BRRR_E_CODEC, with
 * offset and reason; or BRRR_E_NOMEM. */
BRRR_API brrr_status brrr_json_parse(brrr_arena *a, brrr_bytes in,
                                     const brrr_json **out, brrr_error *err);
/* Canonical JSON [CODEC-5]. What cannot be written is the buffer's error. */
BRRR_API void brrr_json_write(brrr_buf *b, const brrr_json *v);

/* ==== 4 The codec ======================================================== */

/* Holds nothing: use as many as you like, from any thread. */
BRRR_API brrr_codec brrr_json_codec(void);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_JSON_H */
