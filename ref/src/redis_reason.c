/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_reason.c - L6: why a message is a dead letter, as text.
 */
#include "redis_reason.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

static void repair(char *text, size_t len) {
  for (size_t at = 0; at < len; at++) {
    at += brrr__text_utf8((brrr_bytes){(uint8_t *)text + at, len - at});
    if (at < len)
      text[at] = '?';
  }
}

size_t brrr__redis_reason(char out[BRRR__REASON_MAX], const brrr_effect *e) {
  const brrr_error *error = e->error;
  const char *reason = error && error->reason ? error->reason : "not said";
  const char *id = error && error->requirement ? error->requirement : "";
  char at[64] = "";
  if (*id)
    (void)snprintf(at, sizeof at, " [%s], at %zu", id, error->offset);
  int n = snprintf(out, BRRR__REASON_MAX, "%s%s%s", reason, at,
                   e->detail.len ? ": " : "");
  size_t len = n < 0 ? 0 : (size_t)n;
  if (len >= BRRR__REASON_MAX)
    len = BRRR__REASON_MAX - 1;
  size_t more = BRRR__REASON_MAX - len;
  if (more > e->detail.len)
    more = e->detail.len;
  if (more)
    memcpy(out + len, e->detail.ptr, more);
  repair(out, len + more);
  return len + more;
}
