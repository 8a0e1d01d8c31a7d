/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * signature.h - Signature Version 4 of a request, worked out from what came
 * over the wire: the judge of what libcurl signs, for the services that tests
 * run against look at no signature.
 */
#ifndef BRRR_TESTS_SIGNATURE_H
#define BRRR_TESTS_SIGNATURE_H

#include "support.h"

/* `head` is the request line and the headers, as they were sent; `scope` as
 * "20150830/us-east-1/service/aws4_request"; `signed_headers` as "host;x-amz-
 * date". Writes 64 hex digits. */
void signature(char out[65], const char *head, const char *body,
               const char *signed_headers, const char *scope,
               const char *secret);

#endif
