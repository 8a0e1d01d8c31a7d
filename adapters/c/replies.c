/* SPDX-License-Identifier: AGPL-3.0-only */
#include "replies.h"

void reply_send(frames *f, uint32_t id, reply *r) {
  r->id = id;
  uint8_t *room = frames_put(f, brrr__adapter__reply__get_packed_size(r));
  (void)brrr__adapter__reply__pack(r, room);
  frames_send(f);
}

void reply_done(frames *f, uint32_t id) {
  Brrr__Adapter__Done done = BRRR__ADAPTER__DONE__INIT;
  reply r = BRRR__ADAPTER__REPLY__INIT;
  r.reply_case = BRRR__ADAPTER__REPLY__REPLY_DONE;
  r.done = &done;
  reply_send(f, id, &r);
}

static Brrr__Adapter__Code code_of(brrr_status status) {
  switch (status) {
  case BRRR_E_SYNTAX:
  case BRRR_E_RECORD:
  case BRRR_E_ENCODE:
  case BRRR_E_TOPIC:
    return BRRR__ADAPTER__CODE__REFUSED;
  case BRRR_E_SPAWN:
    return BRRR__ADAPTER__CODE__SPAWN_LIMIT;
  case BRRR_E_CAS:
    return BRRR__ADAPTER__CODE__CAS_EXHAUSTED;
  case BRRR_E_CALL:
    return BRRR__ADAPTER__CODE__CALL_MISSING;
  case BRRR_E_TASK:
    return BRRR__ADAPTER__CODE__HANDLER_FAILED;
  case BRRR_E_IO:
    return BRRR__ADAPTER__CODE__BACKEND;
  case BRRR_E_MISUSE:
    return BRRR__ADAPTER__CODE__MISUSE;
  default:
    return BRRR__ADAPTER__CODE__UNEXPECTED;
  }
}

trouble trouble_of(brrr_status status) {
  return (trouble){.error = {.status = status,
                             .reason = brrr_status_text(status),
                             .requirement = ""}};
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

static void send_trouble(frames *f, uint32_t id, const trouble *t,
                         bool is_problem) {
  failure failed = BRRR__ADAPTER__FAILURE__INIT;
  reply r = BRRR__ADAPTER__REPLY__INIT;
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  failed.code = code_of(t->error.status);
  failed.reason = to_pb(in_words(&a, t));
  failed.requirement = to_pb(brrr_bytes_str(t->error.requirement));
  if (t->error.status == BRRR_E_SYNTAX || t->error.status == BRRR_E_RECORD) {
    failed.where_case = BRRR__ADAPTER__FAILURE__WHERE_OFFSET;
    failed.offset = t->error.offset;
  }
  if (t->has_message) {
    failed.raw_case = BRRR__ADAPTER__FAILURE__RAW_MESSAGE;
    failed.message = to_pb(t->message);
  }
  if (is_problem) {
    r.reply_case = BRRR__ADAPTER__REPLY__REPLY_PROBLEM;
    r.problem = &failed;
  } else {
    r.reply_case = BRRR__ADAPTER__REPLY__REPLY_FAILURE;
    r.failure = &failed;
  }
  reply_send(f, id, &r);
  brrr_arena_free(&a);
}

void reply_failure(frames *f, uint32_t id, const trouble *t) {
  send_trouble(f, id, t, false);
}

void reply_problem(frames *f, uint32_t id, const trouble *t) {
  send_trouble(f, id, t, true);
}

void reply_not_implemented(frames *f, uint32_t id, brrr_bytes what) {
  failure failed = BRRR__ADAPTER__FAILURE__INIT;
  reply r = BRRR__ADAPTER__REPLY__INIT;
  failed.code = BRRR__ADAPTER__CODE__NOT_IMPLEMENTED;
  failed.reason = to_pb(what);
  r.reply_case = BRRR__ADAPTER__REPLY__REPLY_FAILURE;
  r.failure = &failed;
  reply_send(f, id, &r);
}

void reply_unknown(frames *f, uint32_t id) {
  reply_not_implemented(f, id, BRRR_LIT("unknown command, record or type"));
}
