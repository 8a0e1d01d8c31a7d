/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * replies.h - what the adapter says to the runner.
 */
#ifndef BRRR_ADAPTER_REPLIES_H
#define BRRR_ADAPTER_REPLIES_H

#include <brrr/brrr.h>

#include "adapter.pb-c.h"
#include "frames.h"

static inline brrr_bytes from_pb(ProtobufCBinaryData b) {
  return (brrr_bytes){b.data, b.len};
}

/* protobuf-c does not write to what it packs. */
static inline ProtobufCBinaryData to_pb(brrr_bytes b) {
  return (ProtobufCBinaryData){b.len, (uint8_t *)(uintptr_t)b.ptr};
}

/* What went wrong: an error of libbrrr, and what else is known. */
typedef struct trouble {
  brrr_error error;
  brrr_bytes detail;  /* what a handler or backend said; may be empty */
  brrr_bytes message; /* of the queue, if has_message */
  bool has_message;
} trouble;

/* A reply to the command `id`: reply_send(f, id, REPLY(DONE), &done.base). */
#define REPLY(kind) BRRR__ADAPTER__REPLY__REPLY_##kind
void reply_send(frames *f, uint32_t id, Brrr__Adapter__Reply__ReplyCase kind,
                ProtobufCMessage *message);
void reply_done(frames *f, uint32_t id);
/* REPLY(FAILURE), which ends the command, or REPLY(PROBLEM), which does not. */
void reply_trouble(frames *f, uint32_t id, Brrr__Adapter__Reply__ReplyCase kind,
                   const trouble *t);
void reply_failure(frames *f, uint32_t id, brrr_status status,
                   brrr_bytes detail);
void reply_not_implemented(frames *f, uint32_t id, brrr_bytes what);

#endif
