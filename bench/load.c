/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * load.c - L7: empties a Redis and fills it with jobs to do: calls and
 * messages, and with a parent also who waits for each.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define AT_ONCE 3000 /* commands in a pipeline */

static size_t sent;

static void collect(redisContext *c) {
  for (; sent; sent--) {
    void *reply;
    if (redisGetReply(c, &reply) != REDIS_OK)
      bench_die(c->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
      bench_die(((redisReply *)reply)->str);
    freeReplyObject(reply);
  }
}

static void send(redisContext *c, const char *name, const char *key,
                 const char *value) {
  if (redisAppendCommand(c, "%s %s %s", name, key, value) != REDIS_OK)
    bench_die(c->errstr);
  if (++sent == AT_ONCE)
    collect(c);
}

static void put_job(redisContext *c, size_t n, bool parents) {
  char key[128], value[256];
  (void)snprintf(key, sizeof key, "call/" BENCH_HASH, n);
  send(c, "SET", key, "d7:payload5:[123]9:task_name4:leafe");
  if (parents) {
    (void)snprintf(key, sizeof key, "pending_returns/" BENCH_HASH, n);
    (void)snprintf(
        value, sizeof value,
        "d7:returnslli1e%d:" BENCH_ROOT "%d:p%063zu%zu:" BENCH_PARENTS
        "ee12:scheduled_ati1700000000ee",
        BENCH_ROOT_LEN, n, BENCH_HASH_LEN, n, sizeof BENCH_PARENTS - 1);
    send(c, "SET", key, value);
  }
  (void)snprintf(value, sizeof value, "li2e%d:" BENCH_ROOT "%d:" BENCH_HASH "e",
                 BENCH_ROOT_LEN, n, BENCH_HASH_LEN, n);
  send(c, "RPUSH", BENCH_TOPIC, value);
}

int bench_load(int argc, char **argv) {
  (void)argc;
  redisContext *c = bench_connect(argv[0]);
  const size_t jobs = bench_number(argv[1]);
  const bool parents = bench_number(argv[2]) != 0;
  freeReplyObject(redisCommand(c, "FLUSHALL"));
  for (size_t i = 0; i < jobs; i++)
    put_job(c, i, parents);
  collect(c);
  redisFree(c);
  return 0;
}
