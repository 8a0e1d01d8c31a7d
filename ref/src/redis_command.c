/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_command.c - L6: effects as Redis commands, replies as replies.
 *
 *   STORE_GET      GET key                       string, or nil
 *   STORE_HAS      EXISTS key                    1 or 0
 *   STORE_SET      SET key value                 OK
 *   STORE_SET_NEW  SET key value NX              OK, or nil
 *   STORE_CAS      EVAL script 1 key old new     1 or 0
 *   STORE_CAD      EVAL script 1 key old         1 or 0
 *   CACHE_INCR     INCR name                     number
 *   QUEUE_PUT      RPUSH topic message           number
 *   several GET    MGET keys                     a string or nil for each
 *   QUEUE_GET      BLPOP topic 20                topic and message, or nil
 *     ahead        EVAL script 1 topic             what the script says, or nil
 *   QUEUE_DEAD     EVAL script 1 list message reason     1
 *
 * No key is given an expiry [REDIS-11] [REDIS-23].
 */
#include "redis_command.h"

#include "base.h"
#include "redis_reason.h"
#include "redis_script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 6
/* Redis has this limit. */
#define MAX_STRING ((size_t)512 << 20)
#define MAX_COUNT ((size_t)1 << 20) /* strings in a command */

/* EVAL rather than EVALSHA: a server may forget its scripts at any time, a
 * fallback would have to keep all arguments until the reply, and the gain was
 * measured to be below a tenth. */
static const char cas[] =
    "if redis.call('GET',KEYS[1])==ARGV[1] then "
    "redis.call('SET',KEYS[1],ARGV[2]) return 1 end return 0";
static const char cad[] = "if redis.call('GET',KEYS[1])==ARGV[1] then "
                          "redis.call('DEL',KEYS[1]) return 1 end return 0";

typedef struct args {
  int count;
  bool too_long;
  const char *ptr[MAX_ARGS];
  size_t len[MAX_ARGS];
} args;

static void add(args *a, brrr_bytes in) {
  a->ptr[a->count] = (const char *)in.ptr;
  a->len[a->count++] = in.len;
  a->too_long |= in.len > MAX_STRING;
}

static void add_text(args *a, const char *text) {
  add(a, brrr_bytes_str(text));
}

static void add_script(args *a, const char *script, brrr_bytes key) {
  add_text(a, "EVAL");
  add_text(a, script);
  add_text(a, "1");
  add(a, key);
}

void brrr__redis_key_free(brrr__redis_key *key) {
  if (key->ptr)
    brrr__alloc(key->alloc, key->ptr, key->cap, 0);
  key->ptr = NULL;
  key->cap = 0;
}

static bool key_reserve(brrr__redis_key *scratch, size_t len) {
  if (len <= scratch->cap)
    return true;
  uint8_t *p = brrr__alloc(scratch->alloc, NULL, 0, len);
  if (!p)
    return false;
  brrr__redis_key_free(scratch);
  scratch->ptr = p;
  scratch->cap = len;
  return true;
}

brrr_status brrr__redis_store_key(brrr__redis_key *scratch, brrr_key key,
                                  brrr_bytes *out) {
  brrr_bytes kind = brrr_bytes_str(brrr_kind_name(key.kind));
  size_t len = kind.len + 1 + key.call_hash.len;
  if (!key_reserve(scratch, len))
    return BRRR_E_NOMEM;
  memcpy(scratch->ptr, kind.ptr, kind.len);
  scratch->ptr[kind.len] = '/';
  if (key.call_hash.len)
    memcpy(scratch->ptr + kind.len + 1, key.call_hash.ptr, key.call_hash.len);
  *out = (brrr_bytes){scratch->ptr, len};
  return BRRR_OK;
}

static void add_store(args *a, const brrr_effect *e, brrr_bytes key) {
  switch (e->type) {
  case BRRR_STORE_GET:
  case BRRR_STORE_HAS:
    add_text(a, e->type == BRRR_STORE_GET ? "GET" : "EXISTS");
    add(a, key);
    break;
  case BRRR_STORE_SET:
  case BRRR_STORE_SET_NEW:
    add_text(a, "SET");
    add(a, key);
    add(a, e->value); /* [REDIS-21] */
    if (e->type == BRRR_STORE_SET_NEW)
      add_text(a, "NX"); /* [REDIS-22] */
    break;
  case BRRR_STORE_CAS:
    add_script(a, cas, key);
    add(a, e->expected);
    add(a, e->value);
    break;
  default:
    add_script(a, cad, key);
    add(a, e->expected);
  }
}

/* Names of a durable queue keep all that is of a topic in one slot. */
static brrr_status name_build(brrr__redis_key *scratch, const char *before,
                              brrr_bytes topic, brrr_bytes *out) {
  const brrr_bytes first = brrr_bytes_str(before);
  const size_t len = first.len + 1 + topic.len + 1;
  if (!key_reserve(scratch, len))
    return BRRR_E_NOMEM;
  memcpy(scratch->ptr, first.ptr, first.len);
  scratch->ptr[first.len] = '{';
  memcpy(scratch->ptr + first.len + 1, topic.ptr, topic.len);
  scratch->ptr[len - 1] = '}';
  *out = (brrr_bytes){scratch->ptr, len};
  return BRRR_OK;
}

/* ---- as octets ----------------------------------------------------------- */

static size_t digits_of(size_t n) {
  size_t count = 1;
  for (; n >= 10; n /= 10)
    count++;
  return count;
}

/* The type, a number in decimal, and the end of the line. */
static char *put_head(char *to, char type, size_t n) {
  const size_t digits = digits_of(n);
  *to = type;
  for (size_t i = digits; i > 0; n /= 10)
    to[i--] = (char)('0' + n % 10);
  memcpy(to + 1 + digits, "\r\n", 2);
  return to + digits + 3;
}

/* As redisFormatCommandArgv does, which prints each length with sprintf: that
 * was a third of what a worker did. hiredis looks for arguments with strchr, so
 * a NUL ends the command; it is not counted and not sent. */
static brrr_status write_all(char **out, size_t *len, size_t count,
                             const char *const *ptr, const size_t *lens) {
  size_t size = digits_of(count) + 3;
  for (size_t i = 0; i < count; i++) {
    const size_t more = digits_of(lens[i]) + 5 + lens[i];
    if (more > SIZE_MAX / 2 - size)
      return BRRR_E_NOMEM;
    size += more;
  }
  char *to = malloc(size + 1);
  if (!to)
    return BRRR_E_NOMEM;
  *out = to;
  *len = size;
  to = put_head(to, '*', count);
  for (size_t i = 0; i < count; i++) {
    to = put_head(to, '$', lens[i]);
    if (lens[i])
      memcpy(to, ptr[i], lens[i]);
    memcpy(to + lens[i], "\r\n", 2);
    to += lens[i] + 2;
  }
  *to = '\0';
  return BRRR_OK;
}

void brrr__redis_command_free(char *command) { free(command); }

static brrr_status args_finish(const args *a, char **out, size_t *len) {
  if (a->too_long)
    return BRRR_E_MISUSE;
  return write_all(out, len, (size_t)a->count, a->ptr, a->len);
}

/* ---- effects ------------------------------------------------------------- */

/* A message that no list holds: the dead letter is all there is to it. */
static brrr_status set_aside(char **out, size_t *len, brrr__redis_key *key,
                             const brrr_effect *e) {
  args a = {0};
  char reason[BRRR__REASON_MAX];
  brrr_bytes name;
  brrr_status s = name_build(key, "brrr:dead:", e->name, &name);
  if (s != BRRR_OK)
    return s;
  add_script(&a, brrr__script_letter, name); /* [REDIS-40] */
  add(&a, e->value);
  add(&a, (brrr_bytes){(uint8_t *)reason, brrr__redis_reason(reason, e)});
  return args_finish(&a, out, len);
}

brrr_status brrr__redis_command(char **out, size_t *len, brrr__redis_key *key,
                                const brrr_effect *e) {
  args a = {0};
  brrr_bytes name;
  switch (e->type) {
  case BRRR_CACHE_INCR:
    add_text(&a, "INCR"); /* [REDIS-10] */
    add(&a, e->name);
    break;
  case BRRR_QUEUE_PUT:
    add_text(&a, "RPUSH"); /* [REDIS-1] */
    add(&a, e->name);      /* [REDIS-3] */
    add(&a, e->value);
    break;
  case BRRR_QUEUE_GET:
    if (e->ahead) {
      add_script(&a, brrr__script_ahead, e->name);
      break;
    }
    add_text(&a, "BLPOP"); /* [REDIS-2] */
    add(&a, e->name);
    add_text(&a, "20");
    break;
  case BRRR_QUEUE_DEAD:
    return set_aside(out, len, key, e);
  case BRRR_INVOKE:
  case BRRR_RUN:
  case BRRR_QUEUE_ACK:
    return BRRR_E_MISUSE;
  default: {
    brrr_status s = brrr__redis_store_key(key, e->key, &name);
    if (s != BRRR_OK)
      return s;
    add_store(&a, e, name);
  }
  }
  return args_finish(&a, out, len);
}

brrr_status brrr__redis_read(char **out, size_t *len, brrr_effect_type type,
                             const brrr_bytes *keys, size_t count) {
  const char *argv[1 + BRRR__READ_MAX];
  size_t argvlen[1 + BRRR__READ_MAX];
  argv[0] = count > 1 ? "MGET" : type == BRRR_STORE_GET ? "GET" : "EXISTS";
  argvlen[0] = strlen(argv[0]);
  for (size_t i = 0; i < count; i++) {
    if (keys[i].len > MAX_STRING)
      return BRRR_E_MISUSE;
    argv[1 + i] = (const char *)keys[i].ptr;
    argvlen[1 + i] = keys[i].len;
  }
  return write_all(out, len, 1 + count, argv, argvlen);
}

static brrr_status format(char **out, size_t *len, const brrr_bytes *in,
                          size_t count, const char **argv, size_t *argvlen) {
  for (size_t i = 0; i < count; i++) {
    if (in[i].len > MAX_STRING)
      return BRRR_E_MISUSE;
    argv[i] = (const char *)in[i].ptr;
    argvlen[i] = in[i].len;
  }
  return write_all(out, len, count, argv, argvlen);
}

brrr_status brrr__redis_format(char **out, size_t *len, brrr_alloc alloc,
                               const brrr_bytes *in, size_t count) {
  if (count == 0 || count > MAX_COUNT)
    return BRRR_E_MISUSE;
  const size_t size = count * (sizeof(char *) + sizeof(size_t));
  void *both = brrr__alloc(alloc, NULL, 0, size);
  if (!both)
    return BRRR_E_NOMEM;
  const char **argv = both;
  brrr_status s =
      format(out, len, in, count, argv, (size_t *)(void *)(argv + count));
  brrr__alloc(alloc, both, size, 0);
  return s;
}

brrr_status brrr__redis_unblock(char **out, size_t *len, int64_t id) {
  args a = {0};
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%" PRId64, id);
  add_text(&a, "CLIENT");
  add_text(&a, "UNBLOCK");
  add_text(&a, digits);
  return args_finish(&a, out, len);
}

/* Redis 6 quotes the error that a script has met: "... -READONLY ...". */
bool brrr__redis_not_now(const redisReply *reply) {
  static const char *const all[] = {"LOADING",     "READONLY", "MASTERDOWN",
                                    "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED"};
  if (reply->type != REDIS_REPLY_ERROR)
    return false;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *at = strstr(reply->str, all[i]);
    if (at && (at == reply->str || at[-1] == '-'))
      return true;
  }
  return false;
}

static brrr_reply failed(const char *words) {
  return (brrr_reply){.status = BRRR_E_IO, .value = brrr_bytes_str(words)};
}

static brrr_reply with_value(const redisReply *reply) {
  return (brrr_reply){.value = {(const uint8_t *)reply->str, reply->len}};
}

static brrr_reply number(brrr_effect_type type, const redisReply *reply) {
  bool compares = type == BRRR_STORE_CAS || type == BRRR_STORE_CAD;
  if (type == BRRR_CACHE_INCR)
    return (brrr_reply){.num = reply->integer};
  if (reply->integer == 0 && compares)
    return (brrr_reply){.status = BRRR_MISMATCH};
  if (reply->integer == 0 && type == BRRR_STORE_HAS)
    return (brrr_reply){.status = BRRR_ABSENT};
  if (compares || type == BRRR_STORE_HAS || type == BRRR_QUEUE_PUT ||
      type == BRRR_QUEUE_DEAD)
    return (brrr_reply){.status = BRRR_OK};
  return failed("unexpected reply: a number");
}

static brrr_reply nil(brrr_effect_type type) {
  switch (type) {
  case BRRR_STORE_GET:
    return (brrr_reply){.status = BRRR_ABSENT};
  case BRRR_STORE_SET_NEW:
    return (brrr_reply){.status = BRRR_MISMATCH};
  case BRRR_QUEUE_GET:
    return (brrr_reply){.status = BRRR_EMPTY};
  default:
    return failed("unexpected reply: nil");
  }
}

brrr_reply brrr__redis_reply(brrr_effect_type type, const redisReply *reply) {
  switch (reply->type) {
  case REDIS_REPLY_ERROR:
    return (brrr_reply){.status = BRRR_E_IO,
                        .value = {(const uint8_t *)reply->str, reply->len}};
  case REDIS_REPLY_NIL:
    return nil(type);
  case REDIS_REPLY_INTEGER:
    return number(type, reply);
  case REDIS_REPLY_STATUS:
    if (type == BRRR_STORE_SET || type == BRRR_STORE_SET_NEW)
      return (brrr_reply){.status = BRRR_OK};
    break;
  case REDIS_REPLY_STRING:
    if (type == BRRR_STORE_GET)
      return with_value(reply);
    break;
  case REDIS_REPLY_ARRAY:
    if (type == BRRR_QUEUE_GET && reply->elements == 2 &&
        reply->element[1]->type == REDIS_REPLY_STRING)
      return with_value(reply->element[1]);
    break;
  default:
    break;
  }
  return failed("unexpected type of reply");
}
