/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_reason.h - L6: why a message is a dead letter, as text [REDIS-40].
 */
#ifndef BRRR_SRC_REDIS_REASON_H
#define BRRR_SRC_REDIS_REASON_H

#include <brrr/brrr.h>

#define BRRR__REASON_MAX 1024

/* "reason [requirement], at offset: detail", cut where it is too long, with a
 * question mark for each octet that is no text. Returns its length. */
size_t brrr__redis_reason(char out[BRRR__REASON_MAX], const brrr_effect *e);

#endif
