/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * codec.h - the commands EncodeCall and EncodeValue: libbrrr's JSON codec.
 */
#ifndef BRRR_ADAPTER_CODEC_H
#define BRRR_ADAPTER_CODEC_H

#include "replies.h"

/* Both send their reply. */
void codec_encode_call(frames *f, uint32_t id,
                       const Brrr__Adapter__EncodeCall *in);
void codec_encode_value(frames *f, uint32_t id,
                        const Brrr__Adapter__EncodeValue *in);

#endif
