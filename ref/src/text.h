/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * text.h - L0: is it text?
 */
#ifndef BRRR_SRC_TEXT_H
#define BRRR_SRC_TEXT_H

#include "base.h"

/* Both give the length of the longest beginning that is good: in.len if all
 * is, otherwise the offset of the first octet that is wrong. */
size_t brrr__text_utf8(brrr_bytes in);  /* well-formed UTF-8, RFC 3629 */
size_t brrr__text_ascii(brrr_bytes in); /* %x20-7E */

#endif
