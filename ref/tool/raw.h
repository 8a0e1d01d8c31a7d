/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * raw.h - looks into a Redis, one command at a time, for what the protocol has
 * no operation for. And lists of keys.
 */
#ifndef BRRR_TOOL_RAW_H
#define BRRR_TOOL_RAW_H

#include "session.h"

#include <brrr/redis.h>

/* ---- keys ---------------------------------------------------------------- */

typedef struct keys {
  brrr_bytes *list;
  size_t count, cap;
} keys;

/* Copies the octets into the arena. False without memory. */
bool keys_add(keys *k, brrr_arena *a, brrr_bytes key);
/* Sorts, and removes what is there twice. */
void keys_sort(keys *k);
/* The place in a sorted list; k->count if it is not there. */
size_t keys_find(const keys *k, brrr_bytes key);
void keys_free(keys *k);

/* ---- commands ------------------------------------------------------------ */

typedef struct raw {
  session *session;
  brrr_redis *redis;
  bool answered;
  brrr_status status;
  /* of the command that waits */
  void (*fn)(void *ud, const brrr_redis_answer *a);
  void *ud;
} raw;

/* EXIT_DONE, or another status after a complaint; raw_close after the first. */
int raw_open(raw *r, session *s, const char *url);
void raw_close(raw *r);

/* Sends a command and waits; `fn` gets the answer. EXIT_DONE, or EXIT_FAILED
 * after a complaint. */
int raw_do(raw *r, const brrr_bytes *args, size_t count,
           void (*fn)(void *ud, const brrr_redis_answer *a), void *ud);
#define RAW_ARGS(...)                                                          \
  (const brrr_bytes[]){__VA_ARGS__},                                           \
      sizeof((const brrr_bytes[]){__VA_ARGS__}) / sizeof(brrr_bytes)

/* The same for commands with one number, text or list of texts. */
int raw_number(raw *r, int64_t *out, const brrr_bytes *args, size_t count);
/* In the session's arena; ptr is NULL if there is none. */
int raw_text(raw *r, brrr_bytes *out, const brrr_bytes *args, size_t count);
int raw_texts(raw *r, keys *out, const brrr_bytes *args, size_t count);

/* All keys that match, and are of this type unless that is NULL; sorted. */
int raw_scan(raw *r, keys *out, const char *pattern, const char *type);

/* One text of several, in the session's arena; empty without memory. */
brrr_bytes raw_join(raw *r, const brrr_bytes *parts, size_t count);

#endif
