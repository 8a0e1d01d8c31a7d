/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_url.c - L6: takes a Redis URL apart, in a copy of it.
 */
#include "redis_url.h"

#include "base.h"

#include <string.h>

#define SCHEME "redis://"
#define SOCKET_SCHEME "unix://"
#define DB_OPTION "?db="
#define DEFAULT_PORT 6379
#define MAX_DB 999999

static bool parse_number(const char *text, uint32_t max, uint32_t *out) {
  uint32_t n = 0;
  if (!*text)
    return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9')
      return false;
    n = n * 10 + (uint32_t)(*text - '0');
    if (n > max)
      return false;
  }
  *out = n;
  return true;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* Decodes in place: the result is never longer. */
static bool percent_decode(char *text, brrr_bytes *out) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    int high = hex_digit(from[1]);
    int low = high < 0 ? -1 : hex_digit(from[2]);
    if (low < 0)
      return false;
    *to++ = (char)(high << 4 | low);
    from += 2;
  }
  *out = (brrr_bytes){(uint8_t *)text, (size_t)(to - text)};
  return true;
}

/* [user]:password */
static bool parse_login(brrr__redis_url *url, char *login) {
  char *colon = strchr(login, ':');
  if (!colon)
    return false;
  *colon = '\0';
  return percent_decode(login, &url->user) &&
         percent_decode(colon + 1, &url->password);
}

/* host, host:port, [address] or [address]:port */
static bool parse_place(brrr__redis_url *url, char *place) {
  char *rest = place;
  if (*place == '[') {
    place++;
    rest = strchr(place, ']');
    if (!rest)
      return false;
    *rest++ = '\0';
    if (*rest && *rest != ':')
      return false;
  }
  char *colon = strchr(rest, ':');
  if (colon) {
    *colon = '\0';
    if (!parse_number(colon + 1, 65535, &url->port))
      return false;
  }
  url->host = place;
  return *place && url->port;
}

static bool parse_server(brrr__redis_url *url, char *rest) {
  char *slash = strchr(rest, '/');
  if (slash) {
    *slash = '\0';
    if (slash[1] && !parse_number(slash + 1, MAX_DB, &url->db))
      return false;
  }
  char *at = strrchr(rest, '@');
  if (at) {
    *at = '\0';
    if (!parse_login(url, rest))
      return false;
    rest = at + 1;
  }
  return parse_place(url, rest);
}

/* The path begins at the first slash. */
static bool parse_socket(brrr__redis_url *url, char *rest) {
  char *path = strchr(rest, '/');
  brrr_bytes decoded;
  if (!path)
    return false;
  char *option = strchr(path, '?');
  if (option) {
    if (strncmp(option, DB_OPTION, strlen(DB_OPTION)) != 0 ||
        !parse_number(option + strlen(DB_OPTION), MAX_DB, &url->db))
      return false;
    *option = '\0';
  }
  if (!percent_decode(path, &decoded) || memchr(path, '\0', decoded.len))
    return false;
  path[decoded.len] = '\0';
  url->path = path;
  if (path == rest)
    return path[1];
  if (path[-1] != '@')
    return false;
  path[-1] = '\0';
  return path[1] && parse_login(url, rest);
}

static bool parse(brrr__redis_url *url) {
  if (strncmp(url->text, SCHEME, strlen(SCHEME)) == 0)
    return parse_server(url, url->text + strlen(SCHEME));
  if (strncmp(url->text, SOCKET_SCHEME, strlen(SOCKET_SCHEME)) == 0)
    return parse_socket(url, url->text + strlen(SOCKET_SCHEME));
  return false;
}

brrr_status brrr__redis_url_parse(brrr__redis_url *out, brrr_alloc alloc,
                                  const char *text) {
  brrr__redis_url url = {.size = strlen(text) + 1, .port = DEFAULT_PORT};
  url.text = brrr__alloc(alloc, NULL, 0, url.size);
  if (!url.text)
    return BRRR_E_NOMEM;
  memcpy(url.text, text, url.size);
  if (!parse(&url)) {
    brrr__redis_url_free(&url, alloc);
    return BRRR_E_MISUSE;
  }
  *out = url;
  return BRRR_OK;
}

void brrr__redis_url_free(brrr__redis_url *url, brrr_alloc alloc) {
  if (url->text)
    brrr__alloc(alloc, url->text, url->size, 0);
  url->text = NULL;
}
