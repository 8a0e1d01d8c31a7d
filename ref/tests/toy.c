/* SPDX-License-Identifier: AGPL-3.0-only */
#include "toy.h"

#include <inttypes.h>
#include <stdio.h>

static brrr_status refuse(brrr_error *err, const char *reason) {
  *err = (brrr_error){BRRR_E_CODEC, 0, reason, ""};
  return BRRR_E_CODEC;
}

static brrr_status no_memory(brrr_error *err) {
  *err = (brrr_error){BRRR_E_NOMEM, 0, "out of memory", ""};
  return BRRR_E_NOMEM;
}

static brrr_status write(brrr_arena *a, const char *text, brrr_bytes *out,
                         brrr_error *err) {
  return brrr_arena_copy(a, brrr_bytes_str(text), out) ? no_memory(err)
                                                       : BRRR_OK;
}

static brrr_status read(brrr_arena *a, brrr_bytes in, const void **out,
                        brrr_error *err) {
  char text[32], *end;
  if (!in.len || in.len >= sizeof text)
    return refuse(err, "not a number");
  memcpy(text, in.ptr, in.len);
  text[in.len] = '\0';
  int64_t n = strtoll(text, &end, 10);
  if (*end)
    return refuse(err, "not a number");
  int64_t *kept = brrr_arena_get(a, sizeof *kept);
  if (!kept)
    return no_memory(err);
  *kept = n;
  *out = kept;
  return BRRR_OK;
}

static brrr_status encode_call(void *self, brrr_arena *a, brrr_bytes task_name,
                               const void *args, brrr_call *out,
                               brrr_error *err) {
  const int64_t n = *(const int64_t *)args;
  char payload[32], hash[96];
  brrr_call call = {.task_name = task_name};
  (void)self;
  if (n == TOY_BAD_ARGS)
    return refuse(err, "minus one");
  (void)snprintf(payload, sizeof payload, "%" PRId64, n);
  (void)snprintf(hash, sizeof hash, "%.*s:%s", (int)task_name.len,
                 (const char *)task_name.ptr, payload);
  if (write(a, payload, &call.payload, err) ||
      write(a, hash, &call.call_hash, err))
    return err->status;
  *out = call;
  return BRRR_OK;
}

static brrr_status decode_args(void *self, brrr_arena *a, const brrr_call *call,
                               const void **args, brrr_error *err) {
  (void)self;
  return read(a, call->payload, args, err);
}

static brrr_status encode_value(void *self, brrr_arena *a, brrr_bytes task_name,
                                const void *value, brrr_bytes *out,
                                brrr_error *err) {
  const int64_t n = *(const int64_t *)value;
  char text[32];
  (void)self;
  (void)task_name;
  if (n == TOY_BAD_VALUE)
    return refuse(err, "minus two");
  (void)snprintf(text, sizeof text, "%" PRId64, n);
  return write(a, text, out, err);
}

static brrr_status decode_value(void *self, brrr_arena *a, brrr_bytes task_name,
                                brrr_bytes octets, const void **value,
                                brrr_error *err) {
  (void)self;
  (void)task_name;
  return read(a, octets, value, err);
}

brrr_codec toy_codec(void) {
  return (brrr_codec){encode_call, decode_args, encode_value, decode_value,
                      NULL};
}

const int64_t *toy_number(brrr_run *run, int64_t n) {
  int64_t *kept = brrr_arena_get(brrr_run_arena(run), sizeof *kept);
  if (kept)
    *kept = n;
  return kept;
}

brrr_status toy_end(brrr_run *run, int64_t n, const void **value) {
  const int64_t *kept = toy_number(run, n);
  if (!kept)
    return BRRR_E_NOMEM;
  *value = kept;
  return BRRR_OK;
}

brrr_status toy_fib(brrr_run *run, const void *args, const void **value,
                    void *ud) {
  const int64_t n = *(const int64_t *)args;
  (void)ud;
  if (n < 2)
    return toy_end(run, n, value);
  const int64_t a = n - 1, b = n - 2;
  const brrr_ask asks[] = {{.task = "fib", .args = &a},
                           {.task = "fib", .args = &b}};
  const void *got[2];
  brrr_status s = brrr_run_gather(run, asks, 2, got);
  if (s)
    return s;
  return toy_end(run, *(const int64_t *)got[0] + *(const int64_t *)got[1],
                 value);
}
