/* SPDX-License-Identifier: AGPL-3.0-only */
#include "signature.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

static void hex(char out[65], const uint8_t in[32]) {
  for (int i = 0; i < 32; i++)
    (void)snprintf(out + (size_t)i * 2, 3, "%02x", in[i]);
}

static void hash(char out[65], const char *text) {
  uint8_t octets[32];
  assert_true(EVP_Digest(text, strlen(text), octets, NULL, EVP_sha256(), NULL));
  hex(out, octets);
}

static void mac(uint8_t out[32], const uint8_t *key, size_t key_len,
                const char *text, size_t len) {
  assert_non_null(HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text,
                       len, out, NULL));
}

/* The value of the header, without the spaces around it. */
static void header(const char *head, const char *name, char *out, size_t size) {
  char line[128];
  (void)snprintf(line, sizeof line, "\r\n%s:", name);
  const char *at = strcasestr(head, line);
  if (!at)
    fail_msg("signed, but not there: %s", name);
  assert(at);
  at += strlen(line);
  at += strspn(at, " ");
  (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

/* Method, path and query of the request line, then headers and body. */
static void canonical(char *out, size_t size, const char *head,
                      const char *body, const char *signed_headers) {
  char method[16], path[128], names[512], value[4096], digest[65];
  assert_int_equal(sscanf(head, "%15s %127s", method, path), 2);
  int n = snprintf(out, size, "%s\n%s\n\n", method, path);
  (void)snprintf(names, sizeof names, "%s", signed_headers);
  char *rest = names, *name;
  while ((name = strsep(&rest, ";"))) {
    header(head, name, value, sizeof value);
    n += snprintf(out + n, size - (size_t)n, "%s:%s\n", name, value);
  }
  hash(digest, body);
  (void)snprintf(out + n, size - (size_t)n, "\n%s\n%s", signed_headers, digest);
}

void signature(char out[65], const char *head, const char *body,
               const char *signed_headers, const char *scope,
               const char *secret) {
  char request[16384], digest[65], date[32], text[512], key_text[256];
  uint8_t key[32];
  canonical(request, sizeof request, head, body, signed_headers);
  hash(digest, request);
  header(head, "x-amz-date", date, sizeof date);
  (void)snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope,
                 digest);
  (void)snprintf(key_text, sizeof key_text, "AWS4%s", secret);
  const uint8_t *by = (const uint8_t *)key_text;
  size_t by_len = strlen(key_text);
  for (const char *part = scope; part; by = key, by_len = 32) {
    uint8_t next[32];
    mac(next, by, by_len, part, strcspn(part, "/"));
    memcpy(key, next, 32);
    part = strchr(part, '/');
    part = part ? part + 1 : NULL;
  }
  uint8_t last[32];
  mac(last, key, 32, text, strlen(text));
  hex(out, last);
}
