/* SPDX-License-Identifier: AGPL-3.0-only */
#include "record.h"

brrr_status record_decode(record_type type, record *out, brrr_arena *a,
                          brrr_bytes in, brrr_error *err) {
  switch (type) {
  case MESSAGE:
    return brrr_schedule_message_decode(&out->message, in, err);
  case RETURN:
    return brrr_pending_return_decode(&out->ret, in, err);
  case RETURNS:
    return brrr_pending_returns_decode(&out->returns, a, in, err);
  case CALL:
    return brrr_call_decode(&out->call, in, err);
  }
  return BRRR_E_MISUSE;
}

void record_encode(record_type type, brrr_buf *b, record *in) {
  switch (type) {
  case MESSAGE:
    brrr_schedule_message_encode(b, &in->message);
    break;
  case RETURN:
    brrr_pending_return_encode(b, &in->ret);
    break;
  case RETURNS:
    brrr_pending_returns_encode(b, &in->returns);
    break;
  case CALL:
    brrr_call_encode(b, &in->call);
    break;
  }
}

void assert_accepted(record_type type, brrr_bytes octets,
                     const char *canonical) {
  const brrr_bytes in = exact(octets);
  brrr_arena a;
  brrr_buf b;
  brrr_error err;
  brrr_bytes out;
  record r;
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  if (record_decode(type, &r, &a, in, &err))
    fail_msg("%s: %s, at %zu", err.requirement, err.reason, err.offset);
  record_encode(type, &b, &r);
  assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_OK);
  assert_bytes(out, canonical ? brrr_bytes_str(canonical) : in);
  brrr_arena_free(&a);
  exact_free(in);
}

void assert_rejected(record_type type, brrr_bytes octets, brrr_status status,
                     const char *requirement, size_t offset) {
  const brrr_bytes in = exact(octets);
  brrr_arena a;
  brrr_error err = {.requirement = ""};
  record r, before;
  memset(&r, 0xa5, sizeof r);
  before = r;
  brrr_arena_init(&a, (brrr_alloc){0});
  if (record_decode(type, &r, &a, in, &err) != status ||
      strcmp(err.requirement, requirement) != 0 || err.offset != offset)
    fail_msg("%.*s: got %s at %zu, want %s at %zu", (int)in.len,
             (const char *)in.ptr, err.requirement, err.offset, requirement,
             offset);
  assert_error(&err, status, requirement, offset);
  assert_memory_equal(&r, &before, sizeof r); /* left as it was */
  assert_int_equal(record_decode(type, &r, &a, in, NULL), status);
  brrr_arena_free(&a);
  exact_free(in);
}
