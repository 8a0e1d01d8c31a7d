/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_config.c - L6: where a service is, and who asks.
 *
 * Deliberately absent: profiles in ~/.aws, roles, the metadata of an instance.
 * Whoever runs on those has a tool that puts credentials into the environment.
 */
#include "aws_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000
#define ANSWER_MS 30000
#define ATTEMPTS 8

/* Empty counts as unset, in options and environment. */
static const char *either(const char *option, const char *name) {
  if (!option || !*option)
    option = getenv(name);
  return option && *option ? option : NULL;
}

/* A copy of up to five texts, one after the other; NULL when memory is out. */
static const char *join(brrr_arena *a, const char *const *parts, size_t count) {
  size_t len = 0;
  for (size_t i = 0; i < count; i++)
    len += strlen(parts[i]);
  char *text = brrr_arena_get(a, len + 1), *at = text;
  if (!text)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    len = strlen(parts[i]);
    memcpy(at, parts[i], len);
    at += len;
  }
  *at = '\0';
  return text;
}

static const char *copy(brrr_arena *a, const char *text) {
  return join(a, &text, 1);
}

/* It becomes part of a host name and of what is signed. */
static bool is_region(const char *text) {
  for (; *text; text++)
    if (!isalnum((unsigned char)*text) && *text != '-')
      return false;
  return true;
}

/* A line break would start a header of its own. */
static bool is_printable(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text > '~')
      return false;
  return true;
}

static bool is_http(const char *url) {
  return (strncmp(url, "http://", 7) == 0 && url[7]) ||
         (strncmp(url, "https://", 8) == 0 && url[8]);
}

static const char *find_endpoint(const char *option, const char *service) {
  const bool is_sqs = strcmp(service, "sqs") == 0;
  const char *own =
      is_sqs ? "AWS_ENDPOINT_URL_SQS" : "AWS_ENDPOINT_URL_DYNAMODB";
  return either(either(option, own), "AWS_ENDPOINT_URL");
}

/* What is missing or wrong, or NULL; all copied. */
static const char *find_credentials(brrr__aws_config *c,
                                    const brrr_aws_options *o) {
  const bool given = o->access_key_id && *o->access_key_id;
  const char *id = o->access_key_id, *secret = o->secret_access_key,
             *token = o->session_token;
  if (!given) { /* never a mixture of two */
    id = either(NULL, "AWS_ACCESS_KEY_ID");
    secret = either(NULL, "AWS_SECRET_ACCESS_KEY");
    token = either(NULL, "AWS_SESSION_TOKEN");
  }
  if (!id)
    return "no access key id: AWS_ACCESS_KEY_ID is not set";
  if (!secret || !*secret)
    return "no secret access key: AWS_SECRET_ACCESS_KEY is not set";
  if (!is_printable(id) || !is_printable(secret) ||
      (token && !is_printable(token)))
    return "the credentials hold a space or control character";
  c->access_key_id = id;
  c->secret_access_key = secret;
  c->session_token = token && *token ? token : NULL;
  return NULL;
}

static bool copy_texts(brrr__aws_config *c, brrr_arena *a, const char *region,
                       const char *endpoint, const char *service) {
  const char *host[] = {"https://", service, ".", region, ".amazonaws.com"};
  const char *china[] = {"https://", service, ".", region, ".amazonaws.com.cn"};
  const char *signing[] = {"aws:amz:", region, ":", service};
  if (endpoint)
    c->endpoint = copy(a, endpoint);
  else
    c->endpoint = join(a, strncmp(region, "cn-", 3) ? host : china, 5);
  c->signing = join(a, signing, 4);
  c->access_key_id = copy(a, c->access_key_id);
  c->secret_access_key = copy(a, c->secret_access_key);
  if (c->session_token) {
    c->session_token = copy(a, c->session_token);
    if (!c->session_token)
      return false;
  }
  return c->endpoint && c->signing && c->access_key_id && c->secret_access_key;
}

brrr_status brrr__aws_config_init(brrr__aws_config *out, brrr_arena *a,
                                  const brrr_aws_options *options,
                                  const char *service, const char **why) {
  brrr__aws_config c = {
      .connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS,
      .answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS,
      .attempts = options->attempts ? options->attempts : ATTEMPTS};
  const char *endpoint = find_endpoint(options->endpoint, service);
  const char *region = either(options->region, "AWS_REGION");
  region = either(region, "AWS_DEFAULT_REGION");
  const char *wrong = find_credentials(&c, options);
  if (!region)
    wrong = "no region: AWS_REGION is not set";
  else if (!is_region(region))
    wrong = "the region is none";
  else if (endpoint && (!is_http(endpoint) || !is_printable(endpoint)))
    wrong = "the endpoint is no URL of http or https";
  if (wrong) {
    *why = wrong;
    return BRRR_E_MISUSE;
  }
  if (!copy_texts(&c, a, region, endpoint, service))
    return BRRR_E_NOMEM;
  *out = c;
  return BRRR_OK;
}
