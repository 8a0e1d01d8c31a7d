/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_config.h - L6: where a service is, and who asks: from options, and from
 * the environment for what they leave open.
 */
#ifndef BRRR_SRC_AWS_CONFIG_H
#define BRRR_SRC_AWS_CONFIG_H

#include <brrr/aws.h>

typedef struct brrr__aws_config {
  const char *endpoint;
  const char *signing; /* for CURLOPT_AWS_SIGV4 */
  const char *access_key_id, *secret_access_key;
  const char *session_token; /* NULL if there is none */
  uint32_t connect_ms, answer_ms, attempts;
} brrr__aws_config;

/* `service` as in the host names of AWS. Its texts live in the arena, also
 * after a failure. BRRR_E_MISUSE, and in *why what is wrong. */
brrr_status brrr__aws_config_init(brrr__aws_config *out, brrr_arena *a,
                                  const brrr_aws_options *options,
                                  const char *service, const char **why);

#endif
