/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * records.h - the commands Encode and Decode: libbrrr's own encoders and
 * decoders, behind the messages of adapter.proto.
 */
#ifndef BRRR_ADAPTER_RECORDS_H
#define BRRR_ADAPTER_RECORDS_H

#include "replies.h"

/* Both send their reply. */
void records_encode(frames *f, uint32_t id, const Brrr__Adapter__Encode *in);
void records_decode(frames *f, uint32_t id, const Brrr__Adapter__Decode *in);

#endif
