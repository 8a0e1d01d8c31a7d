/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * records.h - the commands Encode and Decode: libbrrr's own encoders and
 * decoders, behind the messages of adapter.proto.
 */
#ifndef BRRR_ADAPTER_RECORDS_H
#define BRRR_ADAPTER_RECORDS_H

#include <brrr/brrr.h>

#include "adapter.pb-c.h"

static inline brrr_bytes from_pb(ProtobufCBinaryData b) {
  return (brrr_bytes){b.data, b.len};
}

/* protobuf-c does not write to what it packs. */
static inline ProtobufCBinaryData to_pb(brrr_bytes b) {
  return (ProtobufCBinaryData){b.len, (uint8_t *)(uintptr_t)b.ptr};
}

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

/* Both use memory from `a`. BRRR_E_MISUSE if the command names no record, or
 * a type that is not known here. */
brrr_status record_encode(brrr_bytes *out, brrr_arena *a,
                          const Brrr__Adapter__Encode *in, brrr_error *err);
brrr_status record_decode(decoded *out, brrr_arena *a,
                          const Brrr__Adapter__Decode *in, brrr_error *err);

#endif
