/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * replies.h - what the adapter says to the runner.
 */
#ifndef BRRR_ADAPTER_REPLIES_H
#define BRRR_ADAPTER_REPLIES_H

#include "frames.h"
#include "records.h"

typedef Brrr__Adapter__Reply reply;
typedef Brrr__Adapter__Failure failure;

/* What went wrong: an error of libbrrr, and what else is known. */
typedef struct trouble {
  brrr_error error;
  brrr_bytes detail;  /* what a handler or backend said; may be empty */
  brrr_bytes message; /* of the queue, if has_message */
  bool has_message;
} trouble;

trouble trouble_of(brrr_status status);

/* Sends `r`, whose oneof is set, as a reply to the command `id`. */
void reply_send(frames *f, uint32_t id, reply *r);
void reply_done(frames *f, uint32_t id);
/* As a failure, which ends the command, or as a problem, which does not. */
void reply_failure(frames *f, uint32_t id, const trouble *t);
void reply_problem(frames *f, uint32_t id, const trouble *t);
void reply_not_implemented(frames *f, uint32_t id, brrr_bytes what);
void reply_unknown(frames *f, uint32_t id);

#endif
