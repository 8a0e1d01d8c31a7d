/* SPDX-License-Identifier: AGPL-3.0-only */
#include "codec.h"

#include <brrr/json.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static brrr_status refuse(brrr_error *err, const char *reason) {
  *err = (brrr_error){BRRR_E_CODEC, 0, reason, ""};
  return BRRR_E_CODEC;
}

/* NULL when memory is out, which the codec tells. */
static brrr_status made(const brrr_json *v, const void **out) {
  *out = v;
  return BRRR_OK;
}

static brrr_status from_double(brrr_arena *a, brrr_bytes octets,
                               const void **out, brrr_error *err) {
  uint64_t bits = 0;
  double number;
  if (octets.len != sizeof bits)
    return refuse(err, "a double has eight octets");
  for (size_t i = 0; i < octets.len; i++)
    bits = bits << 8 | octets.ptr[i];
  memcpy(&number, &bits, sizeof number);
  return made(brrr_json_number(a, number), out);
}

static brrr_status from_integer(brrr_arena *a, brrr_bytes digits,
                                const void **out, brrr_error *err) {
  char text[32];
  char *end;
  if (!digits.len || digits.len >= sizeof text)
    return refuse(err, "no integer of 64 bits");
  memcpy(text, digits.ptr, digits.len);
  text[digits.len] = '\0';
  errno = 0;
  const long long number = strtoll(text, &end, 10);
  if (errno || *end)
    return refuse(err, "no integer of 64 bits");
  return made(brrr_json_integer(a, number), out);
}

/* A value that no text was decoded for. */
static brrr_status make(brrr_arena *a, const Brrr__Adapter__Json *in,
                        const void **out, brrr_error *err) {
  switch (in->json_case) {
  case BRRR__ADAPTER__JSON__JSON_DOUBLE:
    return from_double(a, from_pb(in->double_), out, err);
  case BRRR__ADAPTER__JSON__JSON_INTEGER:
    return from_integer(a, from_pb(in->integer), out, err);
  case BRRR__ADAPTER__JSON__JSON_STRING:
    return made(brrr_json_string(a, from_pb(in->string)), out);
  default:
    *err = (brrr_error){BRRR_E_MISUSE, 0, "no value", ""};
    return BRRR_E_MISUSE;
  }
}

static bool is_text(const Brrr__Adapter__Json *in) {
  return in && in->json_case == BRRR__ADAPTER__JSON__JSON_TEXT;
}

static const Brrr__Adapter__Json nothing = BRRR__ADAPTER__JSON__INIT;

void codec_encode_call(frames *f, uint32_t id,
                       const Brrr__Adapter__EncodeCall *in) {
  const brrr_codec c = brrr_json_codec();
  const Brrr__Adapter__Json *given = in->args ? in->args : &nothing;
  const brrr_bytes task_name = from_pb(in->task_name);
  brrr_arena a;
  brrr_call call = {.task_name = task_name};
  const void *args = NULL;
  trouble t = {0};
  brrr_status s;
  brrr_arena_init(&a, (brrr_alloc){0});
  if (is_text(given)) {
    call.payload = from_pb(given->text);
    s = c.decode_args(c.self, &a, &call, &args, &t.error);
  } else if ((s = make(&a, given, &args, &t.error)) == BRRR_OK) {
    args = brrr_json_list(&a, args);
  }
  if (s == BRRR_OK)
    s = c.encode_call(c.self, &a, task_name, args, &call, &t.error);
  if (s == BRRR_OK) {
    Brrr__Adapter__EncodedCall out = BRRR__ADAPTER__ENCODED_CALL__INIT;
    out.payload = to_pb(call.payload);
    out.call_hash = to_pb(call.call_hash);
    reply_send(f, id, REPLY(ENCODED_CALL), &out.base);
  } else {
    reply_trouble(f, id, REPLY(FAILURE), &t);
  }
  brrr_arena_free(&a);
}

void codec_encode_value(frames *f, uint32_t id,
                        const Brrr__Adapter__EncodeValue *in) {
  const brrr_codec c = brrr_json_codec();
  const Brrr__Adapter__Json *given = in->json ? in->json : &nothing;
  brrr_arena a;
  brrr_bytes octets;
  const void *value = NULL;
  trouble t = {0};
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_status s = is_text(given)
                      ? c.decode_value(c.self, &a, (brrr_bytes){0},
                                       from_pb(given->text), &value, &t.error)
                      : make(&a, given, &value, &t.error);
  if (s == BRRR_OK)
    s = c.encode_value(c.self, &a, (brrr_bytes){0}, value, &octets, &t.error);
  if (s == BRRR_OK) {
    Brrr__Adapter__Encoded out = BRRR__ADAPTER__ENCODED__INIT;
    out.octets = to_pb(octets);
    reply_send(f, id, REPLY(ENCODED), &out.base);
  } else {
    reply_trouble(f, id, REPLY(FAILURE), &t);
  }
  brrr_arena_free(&a);
}
