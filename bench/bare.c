/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * bare.c - L7: the physical limit: leaf jobs in a loop over plain hiredis.
 *
 * It sends for each job the commands that the reference sends for one, `depth`
 * jobs at a time, over one connection, and as many commands of a job at once as
 * the protocol allows:
 *
 *   BLPOP | MGET value call | SET value, GET pending_returns
 *         | INCR | RPUSH, EVAL                      with a parent only
 *
 * The reference does the same steps, but gathers the reads of all jobs in hand
 * into MGETs, and with one job in flight takes the next one by a script.
 *
 * It does nothing else. It decodes no record (hashes are where they are in the
 * jobs of load.c), runs no handler, looks at no reply that it does not need,
 * and has no worker's duties: no timeouts, no second connection, no orderly
 * end.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the reference has it. */
static const char cad[] = "if redis.call('GET',KEYS[1])==ARGV[1] then "
                          "redis.call('DEL',KEYS[1]) return 1 end return 0";

typedef enum step {
  POPPED,
  LOOKED, /* at nothing: the reply to SET or RPUSH */
  CALL_READ,
  PENDING_READ,
  COUNTED,
  REMOVED
} step;

typedef struct job {
  char hash[BENCH_HASH_LEN + 1], pending[256];
} job;

typedef struct loop {
  redisContext *c;
  size_t depth, left, done; /* jobs: at a time; to be taken; all done */
  job *jobs;
  struct expected {
    step step;
    job *job;
  } * expected; /* replies, a ring */
  size_t first, count, room;
} loop;

static void ask(loop *l, job *j, step s, int argc, const char **argv,
                const size_t *len) {
  if (redisAppendCommandArgv(l->c, argc, argv, len) != REDIS_OK)
    bench_die(l->c->errstr);
  l->expected[(l->first + l->count++) % l->room] = (struct expected){s, j};
}

#define ASK(l, j, s, ...)                                                      \
  do {                                                                         \
    const char *argv_[] = {__VA_ARGS__};                                       \
    const int argc_ = sizeof argv_ / sizeof *argv_;                            \
    size_t len_[sizeof argv_ / sizeof *argv_];                                 \
    for (int i_ = 0; i_ < argc_; i_++)                                         \
      len_[i_] = strlen(argv_[i_]);                                            \
    ask(l, j, s, argc_, argv_, len_);                                          \
  } while (0)

static const char *key(char *out, const char *type, const job *j) {
  const size_t len = strlen(type);
  memcpy(out, type, len);
  memcpy(out + len, j->hash, sizeof j->hash);
  return out;
}

static void pop(loop *l, job *j) {
  if (!l->left)
    return;
  l->left--;
  ASK(l, j, POPPED, "BLPOP", BENCH_TOPIC, "20");
}

static void on_popped(loop *l, job *j, const redisReply *r) {
  char value[96], call[96];
  const redisReply *m = r->element[1];
  memcpy(j->hash, m->str + m->len - 1 - BENCH_HASH_LEN, BENCH_HASH_LEN);
  ASK(l, j, CALL_READ, "MGET", key(value, "value/", j), key(call, "call/", j));
}

static void on_call(loop *l, job *j) {
  char text[96];
  ASK(l, j, LOOKED, "SET", key(text, "value/", j), "1");
  ASK(l, j, PENDING_READ, "GET", key(text, "pending_returns/", j));
}

static void on_pending(loop *l, job *j, const redisReply *r) {
  char text[96] = "brrr_count/";
  if (r->type == REDIS_REPLY_NIL) {
    l->done++;
    pop(l, j);
    return;
  }
  memcpy(j->pending, r->str, r->len + 1);
  strncat(text, strstr(j->pending, "22:") + 3, BENCH_ROOT_LEN);
  ASK(l, j, COUNTED, "INCR", text);
}

static void on_counted(loop *l, job *j) {
  char text[96], message[128];
  const char *root = strstr(j->pending, "22:");
  (void)snprintf(message, sizeof message, "li2e%.*se", 25 + 67, root);
  ASK(l, j, LOOKED, "RPUSH", BENCH_PARENTS, message);
  ASK(l, j, REMOVED, "EVAL", cad, "1", key(text, "pending_returns/", j),
      j->pending);
}

static void turn(loop *l) {
  void *reply;
  if (redisGetReply(l->c, &reply) != REDIS_OK)
    bench_die(l->c->errstr);
  const redisReply *r = reply;
  const struct expected e = l->expected[l->first];
  if (r->type == REDIS_REPLY_ERROR)
    bench_die(r->str);
  l->first = (l->first + 1) % l->room;
  l->count--;
  switch (e.step) {
  case POPPED:
    on_popped(l, e.job, r);
    break;
  case LOOKED:
    break;
  case CALL_READ:
    on_call(l, e.job);
    break;
  case PENDING_READ:
    on_pending(l, e.job, r);
    break;
  case COUNTED:
    on_counted(l, e.job);
    break;
  case REMOVED:
    l->done++;
    pop(l, e.job);
  }
  freeReplyObject(reply);
}

int bench_bare(int argc, char **argv) {
  (void)argc;
  const size_t jobs = bench_number(argv[1]);
  bench_span span;
  loop l = {.c = bench_connect(argv[0]),
            .depth = bench_number(argv[2]),
            .left = jobs};
  l.room = 2 * l.depth;
  l.jobs = calloc(l.depth, sizeof *l.jobs);
  l.expected = calloc(l.room, sizeof *l.expected);
  if (!l.jobs || !l.expected)
    bench_die("out of memory");
  bench_begin(&span);
  for (size_t i = 0; i < l.depth; i++)
    pop(&l, &l.jobs[i]);
  while (l.done < jobs)
    turn(&l);
  bench_end(&span, jobs);
  free(l.jobs);
  free(l.expected);
  redisFree(l.c);
  return 0;
}
