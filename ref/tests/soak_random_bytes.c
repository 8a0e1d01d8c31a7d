/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * soak_random_bytes.c - puts random and mutated octets on the queue of a real
 * worker over a real Redis, and into the call that it reads, for a given time.
 * Each message must be handled, or be reported with its own octets, a reason,
 * the requirement and the place; the worker goes on, and nothing leaks.
 *
 *   soak_random_bytes [--seconds N] [--seed N]     (unless told: 2 s, seed 1)
 */
#include "fixture.h"

#include <brrr/worker.h>

#include <stdio.h>

enum { BATCH = 64, LONGEST = 300, BATCHES_PER_FLUSH = 500 };

#define TOPIC "soak"
#define MESSAGE "li2e22:AAAAAAAAAAAAAAAAAAAAAA1:he"
#define CALL "d7:payload3:[1]9:task_name4:leafe"

typedef struct octets {
  uint8_t at[LONGEST];
  size_t len;
} octets;

typedef struct soak {
  fixture f;
  uint64_t seconds, random;
  brrr_worker *worker;
  octets sent[BATCH];
  bool reported[BATCH];
  size_t done; /* of the batch: reported, or given to the handler */
  unsigned ended;
  brrr_status status;
  unsigned long long batches, problems, invocations;
} soak;

/* ---- octets -------------------------------------------------------------- */

/* SplitMix64. */
static uint64_t next(soak *s) {
  uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static size_t below(soak *s, size_t n) { return (size_t)(next(s) % n); }

static uint8_t any(soak *s) {
  static const char bencode[] = "ilde:0123456789-";
  return (uint8_t)(below(s, 2) ? (uint8_t)bencode[below(s, 16)] : next(s));
}

static void random_octets(soak *s, octets *o) {
  o->len = below(s, below(s, 8) ? 24 : LONGEST);
  for (size_t i = 0; i < o->len; i++)
    o->at[i] = any(s);
}

/* One octet changed, removed or put in; or the end cut off. */
static void mutate(soak *s, octets *o) {
  const size_t at = below(s, o->len + 1);
  switch (below(s, 4)) {
  case 0:
    if (at < o->len)
      o->at[at] = any(s);
    break;
  case 1:
    if (at < o->len)
      memmove(o->at + at, o->at + at + 1, --o->len - at);
    break;
  case 2:
    if (o->len < LONGEST) {
      memmove(o->at + at + 1, o->at + at, o->len++ - at);
      o->at[at] = any(s);
    }
    break;
  default:
    o->len = at;
  }
}

/* `text` as it is, or mutated, or something else altogether. */
static octets octets_like(soak *s, const char *text) {
  octets o = {.len = strlen(text)};
  memcpy(o.at, text, o.len);
  const size_t kind = below(s, 8);
  if (kind == 0)
    random_octets(s, &o);
  for (size_t i = below(s, 3) + 1; kind > 2 && i > 0; i--)
    mutate(s, &o);
  return o;
}

static brrr_bytes bytes_of(const octets *o) {
  return (brrr_bytes){o->at, o->len};
}

/* ---- worker -------------------------------------------------------------- */

static void on_handle(void *ud, brrr_invocation *i) {
  soak *s = ud;
  s->invocations++;
  s->done++;
  brrr_invocation_respond(i, brrr_invocation_call(i)->payload);
}

/* A message that is bad in itself is reported as its decoder says. */
static void check_error(const brrr_problem *p) {
  brrr_schedule_message m;
  brrr_error e;
  assert_true(strlen(p->error.reason) > 0);
  if (brrr_schedule_message_decode(&m, p->message, &e) != BRRR_OK) {
    assert_int_equal(p->error.status, e.status);
    assert_int_equal(p->error.offset, e.offset);
    assert_string_equal(p->error.requirement, e.requirement);
    assert_true(e.offset <= p->message.len);
    assert_true(strlen(e.requirement) > 0);
    return;
  }
  assert_true(p->error.status == BRRR_E_CALL ||
              p->error.status == BRRR_E_SYNTAX || /* the stored call */
              p->error.status == BRRR_E_RECORD);
  assert_true(strlen(p->error.requirement) > 0);
}

static brrr_policy on_problem(void *ud, const brrr_problem *p) {
  soak *s = ud;
  size_t i = 0;
  assert_true(p->has_message);
  while (i < BATCH && (s->reported[i] ||
                       !brrr_bytes_equal(p->message, bytes_of(&s->sent[i]))))
    i++;
  assert_true(i < BATCH); /* its own octets, and each only once */
  s->reported[i] = true;
  check_error(p);
  s->problems++;
  s->done++;
  return BRRR_GO_ON;
}

static void on_ended(void *ud, brrr_status status) {
  soak *s = ud;
  s->ended++;
  s->status = status;
}

static void start_worker(soak *s) {
  const brrr_backend b = brrr_redis_backend(s->f.redis);
  const brrr_worker_options options = {.loop = &s->f.stage.loop,
                                       .backends = {b, b, b},
                                       .alloc = heap_alloc(&s->f.heap),
                                       .topics = &BRRR_LIT(TOPIC),
                                       .topic_count = 1,
                                       .concurrency = 8,
                                       .handle = on_handle,
                                       .no_skip =
                                           true, /* each message is seen */
                                       .no_merge = true,
                                       .problem = on_problem,
                                       .ended = on_ended,
                                       .ud = s};
  assert_int_equal(brrr_worker_start(&s->worker, &options), BRRR_OK);
}

/* ---- the soak ------------------------------------------------------------ */

static bool is_done(void *ud) { return ((soak *)ud)->done == BATCH; }

static void run_batch(soak *s) {
  server *redis = &s->f.server;
  if (s->batches++ % BATCHES_PER_FLUSH == 0)
    freeReplyObject(server_ask(redis, "FLUSHALL"));
  const octets call = octets_like(s, CALL);
  freeReplyObject(server_ask(redis, "SET call/h %b", call.at, call.len));
  s->done = 0;
  for (size_t i = 0; i < BATCH; i++) {
    s->reported[i] = false;
    s->sent[i] = octets_like(s, MESSAGE);
    redisAppendCommand(redis->tester, "RPUSH " TOPIC " %b", s->sent[i].at,
                       s->sent[i].len);
  }
  for (size_t i = 0; i < BATCH; i++) {
    void *reply;
    assert_int_equal(redisGetReply(redis->tester, &reply), REDIS_OK);
    freeReplyObject(reply);
  }
  stage_until(&s->f.stage, is_done, s);
  assert_int_equal(server_number(redis, "LLEN " TOPIC), 0);
}

static void test_soak(void **state) {
  soak *s = *state;
  const uint64_t end = uv_hrtime() + s->seconds * UINT64_C(1000000000);
  start_worker(s);
  while (uv_hrtime() < end)
    run_batch(s);
  brrr_worker_stop(s->worker);
  stage_wait(&s->f.stage, &s->ended);
  assert_int_equal(s->status, BRRR_OK);
  brrr_worker_free(s->worker);
  assert_int_equal(s->batches * BATCH, s->problems + s->invocations);
  print_message("%llu messages: %llu reported, %llu handled\n",
                s->batches * BATCH, s->problems, s->invocations);
  assert_true(s->problems > 0 && s->invocations > 0);
}

static int setup(void **state) {
  soak *s = *state;
  server_start(&s->f.server);
  return fixture_setup(state);
}

static int teardown(void **state) {
  soak *s = *state;
  int status = fixture_teardown(state);
  server_stop(&s->f.server);
  return status;
}

int main(int argc, char **argv) {
  uint64_t seconds = 2, seed = 1;
  for (int i = 1; i < argc; i += 2) {
    uint64_t *to = strcmp(argv[i], "--seconds") == 0 ? &seconds
                   : strcmp(argv[i], "--seed") == 0  ? &seed
                                                     : NULL;
    if (!to || !argv[i + 1]) {
      (void)fprintf(stderr, "usage: %s [--seconds N] [--seed N]\n", argv[0]);
      return 2;
    }
    *to = strtoull(argv[i + 1], NULL, 10);
  }
  soak *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->seconds = seconds;
  s->random = seed;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate_setup_teardown(test_soak, setup, teardown, s)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(s);
  return failed;
}
