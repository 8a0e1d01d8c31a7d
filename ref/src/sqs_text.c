/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * sqs_text.c - L6: names of queues for topics, and texts for messages.
 *
 * Most topics and all messages of the protocol are what SQS takes as it is; so
 * they are left alone, and whoever looks into a queue can read them.
 */
#include "sqs_text.h"

#include "aws_base64.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static const brrr_bytes mark = BRRR_INIT("base64:");

/* ---- names --------------------------------------------------------------- */

static bool is_hex(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* May the octet at `i` stand for itself? An underscore may not where it would
 * look like an escape. */
static bool is_plain(brrr_bytes topic, size_t i) {
  const uint8_t c = topic.ptr[i];
  if (c == '_')
    return topic.len - i < 3 || !is_hex(topic.ptr[i + 1]) ||
           !is_hex(topic.ptr[i + 2]);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-';
}

static bool ends_in(brrr_bytes text, const char *end) {
  const size_t len = strlen(end);
  return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

const char *brrr__sqs_name(char out[BRRR__SQS_MAX_NAME + 1], const char *prefix,
                           brrr_bytes topic) {
  const size_t most = BRRR__SQS_MAX_NAME - strlen(BRRR__SQS_DEAD);
  char name[BRRR__SQS_MAX_NAME + 1];
  size_t len = strlen(prefix);
  if (topic.len == 0)
    return "the topic is empty";
  if (ends_in(topic, BRRR__SQS_DEAD))
    return "a topic that ends in -dead is no topic on SQS";
  if (len > most)
    return "the prefix is too long for the name of a queue";
  memcpy(name, prefix, len);
  for (size_t i = 0; i < topic.len; i++) {
    const bool plain = is_plain(topic, i);
    if (len + (plain ? 1 : 3) > most)
      return "the topic is too long for the name of a queue on SQS";
    if (plain)
      name[len] = (char)topic.ptr[i];
    else
      (void)snprintf(name + len, 4, "_%02x", topic.ptr[i]);
    len += plain ? 1 : 3;
  }
  name[len] = '\0';
  memcpy(out, name, len + 1);
  return NULL;
}

/* ---- bodies -------------------------------------------------------------- */

static bool begins_with_mark(brrr_bytes text) {
  return text.len >= mark.len && memcmp(text.ptr, mark.ptr, mark.len) == 0;
}

/* No control characters, nor U+FFFE and U+FFFF (EF BF BE, EF BF BF). SQS would
 * take tab and line ends too, but not everybody on the way leaves these as they
 * are. */
static bool is_text(brrr_bytes in) {
  for (size_t i = 0; i < in.len; i++) {
    if (in.ptr[i] < 0x20 || in.ptr[i] == 0x7f)
      return false;
    if (in.ptr[i] == 0xef && in.len - i > 2 && in.ptr[i + 1] == 0xbf &&
        in.ptr[i + 2] >= 0xbe)
      return false;
  }
  return brrr__text_utf8(in) == in.len;
}

brrr_status brrr__sqs_body(brrr_arena *a, brrr_bytes message, brrr_bytes *out) {
  if (message.len && is_text(message) && !begins_with_mark(message))
    return brrr_arena_copy(a, message, out);
  const size_t len = mark.len + brrr__base64_len(message.len);
  char *text = brrr_arena_get(a, len);
  if (!text)
    return BRRR_E_NOMEM;
  memcpy(text, mark.ptr, mark.len);
  brrr__base64_encode(message, text + mark.len);
  *out = (brrr_bytes){(uint8_t *)text, len};
  return BRRR_OK;
}

brrr_status brrr__sqs_message(brrr_arena *a, brrr_bytes body, brrr_bytes *out) {
  brrr_bytes copy;
  size_t len;
  if (brrr_arena_copy(a, body, &copy) != BRRR_OK)
    return BRRR_E_NOMEM;
  if (begins_with_mark(body)) {
    const brrr_bytes rest = {body.ptr + mark.len, body.len - mark.len};
    uint8_t *octets = (uint8_t *)(uintptr_t)copy.ptr;
    if (brrr__base64_decode(rest, octets, &len))
      copy.len = len;
    else /* somebody's text: let the decoder of messages say what is wrong */
      memcpy(octets, body.ptr, body.len);
  }
  *out = copy;
  return BRRR_OK;
}

void brrr__sqs_reason(char *out, size_t size, const brrr_error *error,
                      brrr_bytes detail) {
  int n = 0;
  if (error && error->reason)
    n = snprintf(out, size, "%s%s%s%s, at %zu", error->reason,
                 *error->requirement ? " [" : "", error->requirement,
                 *error->requirement ? "]" : "", error->offset);
  if (detail.len && n >= 0 && (size_t)n < size)
    (void)snprintf(out + n, size - (size_t)n, "%s%.*s", n ? ": " : "",
                   (int)(detail.len < size ? detail.len : size),
                   (const char *)detail.ptr);
  else if (n == 0)
    (void)snprintf(out, size, "no reason given");
  for (char *c = out; *c; c++)
    if (*c < ' ' || *c > '~')
      *c = '?';
}
