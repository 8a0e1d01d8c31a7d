/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_verdict.c - L6: what one attempt of a request means.
 *
 *   answer                          end      again  may have been carried out
 *   2xx, a JSON object              OK
 *   2xx, anything else              LOST     yes    yes
 *   throttled (a code, or 429)      REFUSED  yes    no
 *   5xx                             REFUSED  yes    yes
 *   any other                       REFUSED  no     no
 *   none                            LOST     yes    yes, if anything was sent
 */
#include "aws_verdict.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *json, const char *name) {
  const char *text = json_string_value(json_object_get(json, name));
  return text ? text : "";
}

/* "com.amazonaws.dynamodb.v20120810#ThrottlingException" has the code behind
 * the #. SQS has "AWS.SimpleQueueService.NonExistentQueue" there for queues
 * that do not exist, or "QueueDoesNotExist". */
static const char *code_of(const json_t *json) {
  const char *type = text_of(json, "__type"), *mark = strrchr(type, '#');
  return mark ? mark + 1 : type;
}

static bool is_throttled(const char *code) {
  static const char *const codes[] = {
      "ProvisionedThroughputExceededException",
      "ThrottlingException",
      "Throttling",
      "ThrottledException",
      "RequestLimitExceeded",
      "RequestThrottled",
      "RequestThrottledException",
      "TooManyRequestsException",
      "OverLimit",
  };
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(code, codes[i]) == 0)
      return true;
  return false;
}

void brrr__verdict_lost(brrr__verdict *v, const char *words) {
  *v = (brrr__verdict){
      .answer = {.end = AWS_LOST, .code = ""}, .again = true, .unsure = true};
  (void)snprintf(v->words, sizeof v->words, "%s", words);
  v->answer.words = v->words;
}

static void refuse(brrr__verdict *v, long status) {
  const char *code = code_of(v->json), *said = text_of(v->json, "message");
  const bool throttled = status == 429 || is_throttled(code);
  if (!*said)
    said = text_of(v->json, "Message");
  if (*code)
    (void)snprintf(v->words, sizeof v->words, "%.80s: %.160s", code, said);
  else
    (void)snprintf(v->words, sizeof v->words, "HTTP status %ld", status);
  v->answer =
      (brrr__aws_answer){.end = AWS_REFUSED, .code = code, .words = v->words};
  v->again = throttled || status >= 500;
  v->unsure = status >= 500 && !throttled;
}

void brrr__verdict_of(brrr__verdict *v, long status, brrr_bytes body) {
  json_t *json = NULL;
  if (body.len)
    json = json_loadb((const char *)body.ptr, body.len, JSON_ALLOW_NUL, NULL);
  if (!json_is_object(json)) {
    json_decref(json);
    json = NULL;
  }
  if (status >= 200 && status < 300 && !json) {
    brrr__verdict_lost(v, "an answer that is no JSON object");
    return;
  }
  *v = (brrr__verdict){.json = json};
  if (status >= 200 && status < 300)
    v->answer = (brrr__aws_answer){
        .end = AWS_OK, .json = json, .code = "", .words = ""};
  else
    refuse(v, status);
}

void brrr__verdict_free(brrr__verdict *v) { json_decref(v->json); }
