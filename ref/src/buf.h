/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * buf.h - L0: what the library does with buffers beyond the public interface.
 */
#ifndef BRRR_SRC_BUF_H
#define BRRR_SRC_BUF_H

#include "base.h"

/* Room for `len` more octets at the end, which the caller then counts in
 * b->len as far as it writes them; NULL after an error. */
uint8_t *brrr__buf_reserve(brrr_buf *b, size_t len);

/* The first error sticks. */
void brrr__buf_fail(brrr_buf *b, brrr_error error);

#endif
