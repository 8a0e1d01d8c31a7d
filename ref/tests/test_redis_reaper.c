/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_reaper.c - the durable queue when workers stop in odd ways: a
 * process that is paused, a long list, a server that restarts.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEAD_MS 200u
#define TOPIC "t{\0} \xff"

static brrr_effect of(brrr_effect_type type, const answer *m) {
  return (brrr_effect){.type = type,
                       .name = BRRR_LIT(TOPIC),
                       .value = m ? m->value : (brrr_bytes){0},
                       .receipt = m ? BRRR_LIT("r") : (brrr_bytes){0}};
}

static void start(brrr_redis *r, brrr_effect e, answer *a) {
  const brrr_backend b = brrr_redis_backend(r);
  b.submit(b.self, &e, answer_into(a));
}

static brrr_redis *durable(fixture *f) {
  return fixture_open_with(f, &(brrr_redis_options){.url = f->server.url,
                                                    .durable = true,
                                                    .dead_after_ms = DEAD_MS});
}

/* Again for as long as there is no connection: that is said at once, so the
 * loop has to turn in between. */
static void acknowledge(fixture *f, brrr_redis *r, const answer *get) {
  answer ack;
  for (;;) {
    start(r, of(BRRR_QUEUE_ACK, get), &ack);
    stage_wait(&f->stage, &ack.times);
    answer_drop(&ack);
    if (ack.status != BRRR_E_IO)
      break;
    stage_run_ms(&f->stage, 1);
  }
  assert_int_equal(ack.status, BRRR_OK);
}

/* Takes what waits and acknowledges it. */
static void expect_message(fixture *f, brrr_redis *r, brrr_bytes octets,
                           int64_t again) {
  answer get;
  start(r, of(BRRR_QUEUE_GET, NULL), &get);
  stage_wait(&f->stage, &get.times);
  assert_int_equal(get.status, BRRR_OK);
  assert_bytes(get.value, octets);
  assert_int_equal(get.num, again);
  acknowledge(f, r, &get);
  answer_drop(&get);
}

static void push(fixture *f, brrr_bytes octets) {
  (void)server_number(&f->server, "RPUSH %b %b", TOPIC, sizeof TOPIC - 1,
                      octets.ptr, octets.len);
}

static long long in_flight(fixture *f) {
  return server_number(
      &f->server, "EVAL %s 0",
      "local n=0 for _,k in ipairs(redis.call('KEYS','brrr:inflight:*')) do "
      "n=n+redis.call('LLEN',k) end return n");
}

/* ---- a process that is paused -------------------------------------------- */

/* In the child: waits in a pop, for ever. */
static void wait_in_pop(const char *url) {
  uv_loop_t loop;
  brrr_redis *r;
  answer a;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (uv_loop_init(&loop) ||
      brrr_redis_new(&r, (brrr_alloc){0}, &loop,
                     &(brrr_redis_options){.url = url,
                                           .durable = true,
                                           .dead_after_ms = DEAD_MS}))
    _exit(1);
  start(r, of(BRRR_QUEUE_GET, NULL), &a);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  _exit(1);
}

/* Its pop takes a message while everybody takes it for dead: that is found,
 * since it is still in the registry [REDIS-36]. */
static void test_paused(void **state) {
  fixture *f = *state;
  const brrr_bytes m = BRRR_LIT("m\0\r\n\xff");
  answer get;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0)
    wait_in_pop(f->server.url);
  fixture_until_blocked(f, 1);
  assert_int_equal(kill(child, SIGSTOP), 0);
  brrr_redis *r = durable(f);
  start(r, of(BRRR_QUEUE_GET, NULL), &get);
  fixture_until_blocked(f, 2);
  stage_run_ms(&f->stage, UINT64_C(2) * DEAD_MS);
  push(f, m);
  assert_int_equal(get.times, 0); /* the other has it */
  stage_wait(&f->stage, &get.times);
  assert_int_equal(get.status, BRRR_OK);
  assert_bytes(get.value, m);
  assert_int_equal(get.num, 1);
  assert_int_equal(in_flight(f), 1);
  answer_drop(&get);
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, NULL, 0), child);
  fixture_close(f, r);
}

/* Several dead workers held the same message: that is no reason to take it for
 * one that kills whoever has it. */
static void test_same_message(void **state) {
  enum { DEAD = 8 };
  fixture *f = *state;
  brrr_redis *r = durable(f);
  for (int i = 0; i < DEAD; i++) {
    (void)server_number(&f->server, "ZADD brrr:workers:{%b} 1000 dead%d", TOPIC,
                        sizeof TOPIC - 1, i);
    (void)server_number(&f->server, "RPUSH brrr:inflight:{%b}:dead%d same",
                        TOPIC, sizeof TOPIC - 1, i);
  }
  for (int i = 0; i < DEAD; i++)
    expect_message(f, r, BRRR_LIT("same"), 1);
  assert_int_equal(in_flight(f), 0);
  fixture_close(f, r);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
}

/* ---- a long list --------------------------------------------------------- */

/* More than is moved in one step. */
static void test_long_list(void **state) {
  enum { N = 350 };
  fixture *f = *state;
  answer *all = calloc(N, sizeof *all);
  assert_non_null(all);
  brrr_redis *dies = durable(f);
  for (uint8_t i = 0; i < 250; i++)
    push(f, (brrr_bytes){&i, 1});
  for (uint8_t i = 0; i < 100; i++)
    push(f, (brrr_bytes){(uint8_t[]){'x', i}, 2});
  for (size_t i = 0; i < N; i++)
    start(dies, of(BRRR_QUEUE_GET, NULL), &all[i]);
  for (size_t i = 0; i < N; i++) {
    stage_wait(&f->stage, &all[i].times);
    answer_drop(&all[i]);
  }
  fixture_close(f, dies);
  brrr_redis *r = durable(f);
  for (uint8_t i = 0; i < 250; i++)
    expect_message(f, r, (brrr_bytes){&i, 1}, 1);
  for (uint8_t i = 0; i < 100; i++)
    expect_message(f, r, (brrr_bytes){(uint8_t[]){'x', i}, 2}, 1);
  assert_int_equal(in_flight(f), 0);
  fixture_close(f, r);
  free(all);
}

/* ---- the server ---------------------------------------------------------- */

/* It comes back with what it held: what was taken before is in hand, and is
 * not delivered again. */
static void test_restart_with_data(void **state) {
  fixture *f = *state;
  server own = {.keeps = true};
  const server shared = f->server;
  answer first, get;
  server_start(&own);
  f->server = own;
  brrr_redis *r = durable(f);
  push(f, BRRR_LIT("one"));
  start(r, of(BRRR_QUEUE_GET, NULL), &first);
  stage_wait(&f->stage, &first.times);
  assert_int_equal(first.status, BRRR_OK);
  start(r, of(BRRR_QUEUE_GET, NULL), &get);
  fixture_until_blocked(f, 1);
  push(f, BRRR_LIT("two")); /* its answer may be cut off */
  server_kill(&f->server);
  server_start(&f->server);
  stage_wait(&f->stage, &get.times);
  assert_int_equal(get.status, BRRR_OK);
  assert_bytes_str(get.value, "two");
  assert_int_equal(get.num, 0);
  assert_int_equal(in_flight(f), 2);
  answer *const both[] = {&first, &get};
  for (size_t i = 0; i < 2; i++) {
    acknowledge(f, r, both[i]);
    answer_drop(both[i]);
  }
  fixture_close(f, r);
  assert_int_equal(server_number(&f->server, "DBSIZE"), 0);
  server_stop(&f->server);
  f->server = shared;
}

/* A close has a deadline of its own. */
static void test_close_without_answers(void **state) {
  fixture *f = *state;
  brrr_redis *r = durable(f);
  answer get;
  push(f, BRRR_LIT("m"));
  start(r, of(BRRR_QUEUE_GET, NULL), &get);
  stage_wait(&f->stage, &get.times);
  answer_drop(&get);
  start(r, of(BRRR_QUEUE_GET, NULL), &get);
  fixture_until_blocked(f, 1);
  (void)kill(f->server.pid, SIGSTOP);
  const uint64_t before = uv_hrtime();
  fixture_close(f, r);
  assert_true(uv_hrtime() - before < 3000000000u);
  (void)kill(f->server.pid, SIGCONT);
  assert_int_equal(get.status, BRRR_CLOSED);
  answer_drop(&get);
  assert_int_equal(in_flight(f), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_paused),
      TEST(test_same_message),
      TEST(test_long_list),
      TEST(test_restart_with_data),
      TEST(test_close_without_answers),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
