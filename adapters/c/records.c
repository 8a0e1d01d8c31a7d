/* SPDX-License-Identifier: AGPL-3.0-only */
#include "records.h"

#include <stdio.h>
#include <stdlib.h>

static void *get(brrr_arena *a, size_t size) {
  void *p = brrr_arena_get(a, size);
  if (!p) {
    (void)fputs("adapter: out of memory\n", stderr);
    exit(1);
  }
  return p;
}

/* ---- encode -------------------------------------------------------------- */

/* The field's text, or the ill-formed one that the command puts there. */
static brrr_bytes text(const Brrr__Adapter__Encode *in, const char *field,
                       ProtobufCBinaryData value) {
  for (size_t i = 0; i < in->n_ill_formed; i++)
    if (brrr_bytes_equal(from_pb(in->ill_formed[i]->field),
                         brrr_bytes_str(field)))
      return from_pb(in->ill_formed[i]->octets);
  return from_pb(value);
}

static brrr_pending_return pending_return(const Brrr__Adapter__Encode *in,
                                          const Brrr__PendingReturn *r) {
  return (brrr_pending_return){.root_id = text(in, "root_id", r->root_id),
                               .call_hash = text(in, "call_hash", r->call_hash),
                               .topic = text(in, "topic", r->topic)};
}

static void put_pending_returns(brrr_buf *b, brrr_arena *a,
                                const Brrr__Adapter__Encode *in) {
  static const Brrr__Adapter__Encode none;
  const Brrr__PendingReturns *r = in->pending_returns;
  brrr_pending_returns record = {.count = r->n_returns,
                                 .scheduled_at = r->scheduled_at};
  record.returns = get(a, (r->n_returns + 1) * sizeof *record.returns);
  for (size_t i = 0; i < r->n_returns; i++)
    record.returns[i] = pending_return(i ? &none : in, r->returns[i]);
  brrr_pending_returns_encode(b, &record);
}

/* False if the command has no record that is known here. */
static bool put_record(brrr_buf *b, brrr_arena *a,
                       const Brrr__Adapter__Encode *in) {
  switch (in->record_case) {
  case BRRR__ADAPTER__ENCODE__RECORD_SCHEDULE_MESSAGE: {
    const Brrr__ScheduleMessage *r = in->schedule_message;
    brrr_schedule_message_encode(
        b, &(brrr_schedule_message){text(in, "root_id", r->root_id),
                                    text(in, "call_hash", r->call_hash)});
    return true;
  }
  case BRRR__ADAPTER__ENCODE__RECORD_PENDING_RETURN: {
    const brrr_pending_return r = pending_return(in, in->pending_return);
    brrr_pending_return_encode(b, &r);
    return true;
  }
  case BRRR__ADAPTER__ENCODE__RECORD_PENDING_RETURNS:
    put_pending_returns(b, a, in);
    return true;
  case BRRR__ADAPTER__ENCODE__RECORD_CALL:
    brrr_call_encode(
        b, &(brrr_call){.task_name = text(in, "task_name", in->call->task_name),
                        .payload = from_pb(in->call->payload)});
    return true;
  default:
    return false;
  }
}

void records_encode(frames *f, uint32_t id, const Brrr__Adapter__Encode *in) {
  Brrr__Adapter__Encoded out = BRRR__ADAPTER__ENCODED__INIT;
  brrr_arena a;
  brrr_buf b;
  brrr_bytes octets;
  trouble t = {0};
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  if (!put_record(&b, &a, in)) {
    reply_not_implemented(f, id, BRRR_LIT("unknown record"));
  } else if (brrr_buf_finish(&b, &octets, &t.error) != BRRR_OK) {
    reply_trouble(f, id, REPLY(FAILURE), &t);
  } else {
    out.octets = to_pb(octets);
    reply_send(f, id, REPLY(ENCODED), &out.base);
  }
  brrr_arena_free(&a);
}

/* ---- decode -------------------------------------------------------------- */

/* What Decode replies, and the record that it points to. */
typedef struct decoded {
  Brrr__Adapter__Decoded message;
  union {
    Brrr__ScheduleMessage schedule_message;
    Brrr__PendingReturn pending_return;
    Brrr__PendingReturns pending_returns;
    Brrr__Call call;
  } record;
} decoded;

static brrr_status schedule_message(decoded *out, brrr_buf *b, brrr_bytes in,
                                    brrr_error *err) {
  brrr_schedule_message m;
  brrr_status s = brrr_schedule_message_decode(&m, in, err);
  if (s != BRRR_OK)
    return s;
  brrr_schedule_message_encode(b, &m);
  Brrr__ScheduleMessage *r = &out->record.schedule_message;
  brrr__schedule_message__init(r);
  r->root_id = to_pb(m.root_id);
  r->call_hash = to_pb(m.call_hash);
  out->message.record_case = BRRR__ADAPTER__DECODED__RECORD_SCHEDULE_MESSAGE;
  out->message.schedule_message = r;
  return s;
}

static void set_return(Brrr__PendingReturn *r,
                       const brrr_pending_return *from) {
  brrr__pending_return__init(r);
  r->root_id = to_pb(from->root_id);
  r->call_hash = to_pb(from->call_hash);
  r->topic = to_pb(from->topic);
}

static brrr_status one_return(decoded *out, brrr_buf *b, brrr_bytes in,
                              brrr_error *err) {
  brrr_pending_return p;
  brrr_status s = brrr_pending_return_decode(&p, in, err);
  if (s != BRRR_OK)
    return s;
  brrr_pending_return_encode(b, &p);
  set_return(&out->record.pending_return, &p);
  out->message.record_case = BRRR__ADAPTER__DECODED__RECORD_PENDING_RETURN;
  out->message.pending_return = &out->record.pending_return;
  return s;
}

static brrr_status all_returns(decoded *out, brrr_arena *a, brrr_buf *b,
                               brrr_bytes in, brrr_error *err) {
  brrr_pending_returns p;
  brrr_status s = brrr_pending_returns_decode(&p, a, in, err);
  if (s != BRRR_OK)
    return s;
  Brrr__PendingReturns *r = &out->record.pending_returns;
  brrr__pending_returns__init(r);
  Brrr__PendingReturn *each = get(a, (p.count + 1) * sizeof *each);
  r->returns = get(a, (p.count + 1) * sizeof *r->returns);
  for (size_t i = 0; i < p.count; i++) {
    set_return(&each[i], &p.returns[i]);
    r->returns[i] = &each[i];
  }
  r->n_returns = p.count;
  r->scheduled_at = p.scheduled_at;
  brrr_pending_returns_encode(b, &p);
  out->message.record_case = BRRR__ADAPTER__DECODED__RECORD_PENDING_RETURNS;
  out->message.pending_returns = r;
  return s;
}

static brrr_status call(decoded *out, brrr_buf *b, brrr_bytes in,
                        brrr_error *err) {
  brrr_call c = {0};
  brrr_status s = brrr_call_decode(&c, in, err);
  if (s != BRRR_OK)
    return s;
  brrr_call_encode(b, &c);
  Brrr__Call *r = &out->record.call;
  brrr__call__init(r);
  r->task_name = to_pb(c.task_name);
  r->payload = to_pb(c.payload);
  out->message.record_case = BRRR__ADAPTER__DECODED__RECORD_CALL;
  out->message.call = r;
  return s;
}

/* Any value: what is read is written again, item by item. */
static brrr_status value(brrr_buf *b, brrr_bytes in, brrr_error *err) {
  brrr_ben r;
  brrr_ben_item item;
  brrr_ben_init(&r, in);
  while (brrr_ben_next(&r, &item) == BRRR_OK) {
    switch (item.type) {
    case BRRR_BEN_INT:
      brrr_ben_put_int(b, item.num);
      break;
    case BRRR_BEN_STR:
      brrr_ben_put_str(b, item.str);
      break;
    case BRRR_BEN_LIST:
      brrr_ben_put_list(b);
      break;
    case BRRR_BEN_DICT:
      brrr_ben_put_dict(b);
      break;
    case BRRR_BEN_END:
      brrr_ben_put_end(b);
      break;
    }
  }
  return brrr_ben_finish(&r, err);
}

static brrr_status by_type(decoded *out, brrr_arena *a, brrr_buf *b,
                           const Brrr__Adapter__Decode *in, brrr_error *err) {
  const brrr_bytes octets = from_pb(in->octets);
  switch (in->type) {
  case BRRR__ADAPTER__RECORD_TYPE__SCHEDULE_MESSAGE:
    return schedule_message(out, b, octets, err);
  case BRRR__ADAPTER__RECORD_TYPE__PENDING_RETURN:
    return one_return(out, b, octets, err);
  case BRRR__ADAPTER__RECORD_TYPE__PENDING_RETURNS:
    return all_returns(out, a, b, octets, err);
  case BRRR__ADAPTER__RECORD_TYPE__CALL:
    return call(out, b, octets, err);
  case BRRR__ADAPTER__RECORD_TYPE__VALUE:
    return value(b, octets, err);
  default:
    return BRRR_E_MISUSE;
  }
}

void records_decode(frames *f, uint32_t id, const Brrr__Adapter__Decode *in) {
  decoded out;
  brrr_arena a;
  brrr_buf b;
  brrr_bytes again;
  trouble t = {0};
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  brrr__adapter__decoded__init(&out.message);
  brrr_status s = by_type(&out, &a, &b, in, &t.error);
  if (s == BRRR_E_MISUSE) {
    reply_not_implemented(f, id, BRRR_LIT("unknown type"));
  } else if (s != BRRR_OK) {
    reply_trouble(f, id, REPLY(FAILURE), &t);
  } else {
    if (brrr_buf_finish(&b, &again, NULL) == BRRR_OK)
      out.message.reencoded = to_pb(again);
    reply_send(f, id, REPLY(DECODED), &out.message.base);
  }
  brrr_arena_free(&a);
}
