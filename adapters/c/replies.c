/* SPDX-License-Identifier: AGPL-3.0-only */
#include "replies.h"

void reply_send(frames *f, uint32_t id, Brrr__Adapter__Reply__ReplyCase kind,
                ProtobufCMessage *message) {
  Brrr__Adapter__Reply r = BRRR__ADAPTER__REPLY__INIT;
  r.id = id;
  r.reply_case = kind;
  r.done = (Brrr__Adapter__Done *)message; /* all of the oneof are pointers */
  uint8_t *room = frames_put(f, brrr__adapter__reply__get_packed_size(&r));
  (void)brrr__adapter__reply__pack(&r, room);
  frames_send(f);
}

void reply_done(frames *f, uint32_t id) {
  Brrr__Adapter__Done done = BRRR__ADAPTER__DONE__INIT;
  reply_send(f, id, REPLY(DONE), &done.base);
}

static Brrr__Adapter__Code code_of(brrr_status status) {
  switch (status) {
  case BRRR_E_SYNTAX:
  case BRRR_E_RECORD:
  case BRRR_E_ENCODE:
  case BRRR_E_TOPIC:
  case BRRR_E_CODEC:
    return BRRR__ADAPTER__CODE__REFUSED;
  case BRRR_E_SPAWN:
    return BRRR__ADAPTER__CODE__SPAWN_LIMIT;
  case BRRR_E_CAS:
    return BRRR__ADAPTER__CODE__CAS_EXHAUSTED;
  case BRRR_E_CALL:
    return BRRR__ADAPTER__CODE__CALL_MISSING;
  case BRRR_E_TASK:
  case BRRR_E_UNKNOWN:
    return BRRR__ADAPTER__CODE__HANDLER_FAILED;
  case BRRR_E_IO:
    return BRRR__ADAPTER__CODE__BACKEND;
  case BRRR_E_MISUSE:
    return BRRR__ADAPTER__CODE__MISUSE;
  default:
    return BRRR__ADAPTER__CODE__UNEXPECTED;
  }
}

/* "reason", or "reason: detail". */
static brrr_bytes in_words(brrr_arena *a, const trouble *t) {
  brrr_bytes out = brrr_bytes_str(t->error.reason);
  brrr_buf b;
  brrr_buf_init(&b, a);
  brrr_buf_put(&b, out);
  if (t->detail.len) {
    brrr_buf_put(&b, BRRR_LIT(": "));
    brrr_buf_put(&b, t->detail);
  }
  (void)brrr_buf_finish(&b, &out, NULL); /* without memory: without detail */
  return out;
}

void reply_trouble(frames *f, uint32_t id, Brrr__Adapter__Reply__ReplyCase kind,
                   const trouble *t) {
  Brrr__Adapter__Failure out = BRRR__ADAPTER__FAILURE__INIT;
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  out.code = code_of(t->error.status);
  out.reason = to_pb(in_words(&a, t));
  out.requirement = to_pb(brrr_bytes_str(t->error.requirement));
  if (t->error.status == BRRR_E_SYNTAX || t->error.status == BRRR_E_RECORD) {
    out.where_case = BRRR__ADAPTER__FAILURE__WHERE_OFFSET;
    out.offset = t->error.offset;
  }
  if (t->has_message) {
    out.raw_case = BRRR__ADAPTER__FAILURE__RAW_MESSAGE;
    out.message = to_pb(t->message);
  }
  reply_send(f, id, kind, &out.base);
  brrr_arena_free(&a);
}

void reply_failure(frames *f, uint32_t id, brrr_status status,
                   brrr_bytes detail) {
  const trouble t = {{status, 0, brrr_status_text(status), ""},
                     .detail = detail};
  reply_trouble(f, id, REPLY(FAILURE), &t);
}

void reply_not_implemented(frames *f, uint32_t id, brrr_bytes what) {
  Brrr__Adapter__Failure out = BRRR__ADAPTER__FAILURE__INIT;
  out.code = BRRR__ADAPTER__CODE__NOT_IMPLEMENTED;
  out.reason = to_pb(what);
  reply_send(f, id, REPLY(FAILURE), &out.base);
}
