/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json_codec.c - L6: the codec of spec/codec-json.md, for an app. SHA-256 is
 * libcrypto's.
 */
#include "json.h"

#include "base.h"

#include <openssl/evp.h>
#include <string.h>

#define DIGEST_SIZE 32

static brrr_status fail(brrr_error *err, brrr_status status,
                        const char *requirement, const char *reason) {
  return brrr__error_set(err, (brrr_error){status, 0, reason, requirement});
}

/* SHA-256, in lower-case hexadecimal [CODEC-3]. */
static brrr_status hash_of(brrr_arena *a, brrr_bytes in, brrr_bytes *out,
                           brrr_error *err) {
  static const char hex[] = "0123456789abcdef";
  uint8_t digest[EVP_MAX_MD_SIZE];
  uint8_t *text = brrr_arena_get(a, (size_t)2 * DIGEST_SIZE);
  if (!text || !EVP_Digest(in.ptr, in.len, digest, NULL, EVP_sha256(), NULL))
    return fail(err, BRRR_E_NOMEM, "", "no memory for the call_hash");
  for (size_t i = 0; i < DIGEST_SIZE; i++) {
    text[2 * i] = (uint8_t)hex[digest[i] >> 4];
    text[2 * i + 1] = (uint8_t)hex[digest[i] & 0xf];
  }
  *out = (brrr_bytes){text, (size_t)2 * DIGEST_SIZE};
  return BRRR_OK;
}

/* The payload is a part of what is hashed. */
static brrr_status encode_call(void *self, brrr_arena *a, brrr_bytes task_name,
                               const void *args, brrr_call *out,
                               brrr_error *err) {
  (void)self;
  if (args && brrr_json_type_of(args) != BRRR_JSON_ARRAY)
    return fail(err, BRRR_E_CODEC, "CODEC-2", "arguments that are no array");
  brrr_buf b;
  brrr_bytes whole;
  brrr_call call;
  brrr_buf_init(&b, a);
  brrr_buf_put(&b, BRRR_LIT("["));
  brrr__json_put_string(&b, task_name);
  brrr_buf_put(&b, BRRR_LIT(","));
  const size_t start = b.len;
  brrr_json_write(&b, args);
  brrr_buf_put(&b, BRRR_LIT("]"));
  brrr_status s = brrr_buf_finish(&b, &whole, err);
  if (s == BRRR_OK)
    s = hash_of(a, whole, &call.call_hash, err);
  if (s != BRRR_OK)
    return s;
  if (brrr_arena_copy(a, task_name, &call.task_name) != BRRR_OK)
    return fail(err, BRRR_E_NOMEM, "", "out of memory");
  call.payload = (brrr_bytes){whole.ptr + start, whole.len - start - 1};
  *out = call;
  return BRRR_OK;
}

static brrr_status decode_args(void *self, brrr_arena *a, const brrr_call *call,
                               const void **args, brrr_error *err) {
  (void)self;
  const brrr_json *v;
  const brrr_status s = brrr_json_parse(a, call->payload, &v, err);
  if (s != BRRR_OK)
    return s;
  if (brrr_json_type_of(v) != BRRR_JSON_ARRAY) /* [CODEC-22] */
    return fail(err, BRRR_E_CODEC, "CODEC-22", "a payload that is no array");
  *args = v;
  return BRRR_OK;
}

static brrr_status encode_value(void *self, brrr_arena *a, brrr_bytes task_name,
                                const void *value, brrr_bytes *out,
                                brrr_error *err) { /* [CODEC-4] */
  (void)self;
  (void)task_name;
  brrr_buf b;
  brrr_buf_init(&b, a);
  brrr_json_write(&b, value);
  return brrr_buf_finish(&b, out, err);
}

static brrr_status decode_value(void *self, brrr_arena *a, brrr_bytes task_name,
                                brrr_bytes octets, const void **value,
                                brrr_error *err) {
  (void)self;
  (void)task_name;
  const brrr_json *v;
  const brrr_status s = brrr_json_parse(a, octets, &v, err);
  if (s == BRRR_OK)
    *value = v;
  return s;
}

brrr_codec brrr_json_codec(void) {
  return (brrr_codec){.encode_call = encode_call,
                      .decode_args = decode_args,
                      .encode_value = encode_value,
                      .decode_value = decode_value};
}
