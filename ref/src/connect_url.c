/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * connect_url.c - L7: takes a URL of Amazon Web Services apart, in a copy.
 */
#include "connect_url.h"

#include "base.h"

#include <string.h>

static int hex_digit(char c) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) % 16 : -1;
}

/* In place: the result is never longer. No NUL may come of it. */
static bool percent_decode(char *text) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    int high = hex_digit(from[1]);
    int low = high < 0 ? -1 : hex_digit(from[2]);
    if (low < 0 || !(high | low))
      return false;
    *to++ = (char)(high << 4 | low);
    from += 2;
  }
  *to = '\0';
  return true;
}

/* Ends the text at the first `mark`; what comes after it, or NULL. */
static char *cut(char *text, char mark) {
  char *at = strchr(text, mark);
  if (!at)
    return NULL;
  *at = '\0';
  return at + 1;
}

static bool parse_parameter(brrr__connect_url *url, char *text) {
  char *value = cut(text, '=');
  if (!value || !*value || !percent_decode(value))
    return false;
  const char **slot = NULL;
  if (strcmp(text, "endpoint") == 0)
    slot = &url->endpoint;
  else if (strcmp(text, "region") == 0)
    slot = &url->region;
  if (!slot || *slot)
    return false;
  *slot = value;
  return true;
}

static bool parse(brrr__connect_url *url) {
  char *rest = cut(url->text, '?');
  url->name = url->text;
  while (rest) {
    char *parameter = rest;
    rest = cut(parameter, '&');
    if (!parse_parameter(url, parameter))
      return false;
  }
  return !strpbrk(url->name, "/%#@:");
}

brrr_status brrr__connect_url_parse(brrr__connect_url *out, brrr_alloc alloc,
                                    const char *text) {
  brrr__connect_url url = {.size = strlen(text) + 1};
  url.text = brrr__alloc(alloc, NULL, 0, url.size);
  if (!url.text)
    return BRRR_E_NOMEM;
  memcpy(url.text, text, url.size);
  if (!parse(&url)) {
    brrr__connect_url_free(&url, alloc);
    return BRRR_E_MISUSE;
  }
  *out = url;
  return BRRR_OK;
}

void brrr__connect_url_free(brrr__connect_url *url, brrr_alloc alloc) {
  brrr__alloc(alloc, url->text, url->size, 0);
}
