/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_verdict.h - L6: what one attempt of a request means.
 */
#ifndef BRRR_SRC_AWS_VERDICT_H
#define BRRR_SRC_AWS_VERDICT_H

#include "aws_client.h"

typedef struct brrr__verdict {
  brrr__aws_answer answer; /* but for `unsure` */
  bool again;              /* to send it again may help */
  bool unsure;             /* this attempt may have been carried out */
  json_t *json;            /* behind the answer */
  char words[CURL_ERROR_SIZE];
} brrr__verdict;

/* Of an answer over HTTP. */
void brrr__verdict_of(brrr__verdict *v, long status, brrr_bytes body);
/* Of none. */
void brrr__verdict_lost(brrr__verdict *v, const char *words);
void brrr__verdict_free(brrr__verdict *v);

#endif
