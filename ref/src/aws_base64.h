/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_base64.h - L6: base64, with padding (RFC 4648, section 4).
 */
#ifndef BRRR_SRC_AWS_BASE64_H
#define BRRR_SRC_AWS_BASE64_H

#include <brrr/brrr.h>

/* How long `len` octets are in base64. */
size_t brrr__base64_len(size_t len);
/* Writes just that. */
void brrr__base64_encode(brrr_bytes in, char *out);
/* Decodes into `out`, which has room for 3/4 of the text, and may be where the
 * text is. False if it is not what brrr__base64_encode would have written. */
bool brrr__base64_decode(brrr_bytes text, uint8_t *out, size_t *len);

#endif
