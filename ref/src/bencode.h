/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * bencode.h - L1: what the library does with bencode beyond the public
 * interface.
 */
#ifndef BRRR_SRC_BENCODE_H
#define BRRR_SRC_BENCODE_H

#include "base.h"

/* An upper bound for what the writer puts for an integer, and for a string
 * besides its octets. */
#define BRRR__BEN_INT_ROOM ((size_t)20)
#define BRRR__BEN_STR_ROOM ((size_t)21)

/* Sets the reader's error, which sticks. */
brrr_status brrr__ben_fail(brrr_ben *r, brrr_status status, size_t offset,
                           const char *requirement, const char *reason);

/* Reads the rest of a list that has just been opened, if it is this tag, just
 * so many strings, and the end: almost all are. Otherwise nothing has been
 * read, and brrr_ben_next tells what is there. */
bool brrr__ben_tuple(brrr_ben *r, int64_t tag, brrr_bytes *strings,
                     size_t count);

#endif
