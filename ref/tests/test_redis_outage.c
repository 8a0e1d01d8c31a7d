/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_outage.c - where a Redis is, and what happens while it cannot
 * serve: sockets, names, deadlines, a failover; and what the log says.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>

#define SET                                                                    \
  (brrr_effect) {                                                              \
    .type = BRRR_STORE_SET, .key = KEY(VALUE, "h"), .value = BRRR_LIT("v")     \
  }
#define TAKE                                                                   \
  (brrr_effect) { .type = BRRR_QUEUE_GET, .name = BRRR_LIT("t") }

static void start(brrr_redis *r, brrr_effect e, answer *a) {
  const brrr_backend b = brrr_redis_backend(r);
  b.submit(b.self, &e, answer_into(a));
}

static void assert_failed(answer *a, const char *words) {
  assert_string_equal(brrr_status_name(a->status), "E_IO");
  if (a->value.len < strlen(words) ||
      memcmp(a->value.ptr, words, strlen(words)) != 0)
    fail_msg("%.*s", (int)a->value.len, (const char *)a->value.ptr);
  answer_drop(a);
}

/* ---- the log ------------------------------------------------------------- */

typedef struct lines {
  char text[4096];
  size_t len;
} lines;

static void on_line(void *ud, brrr_level level, const char *text) {
  lines *l = ud;
  assert_in_range(level, BRRR_DEBUG, BRRR_ERROR);
  const size_t len = strlen(text);
  assert_true(l->len + len + 1 < sizeof l->text);
  memcpy(l->text + l->len, text, len);
  l->len += len;
  l->text[l->len++] = '\n';
}

static void test_log(void **state) {
  fixture *f = *state;
  lines all = {.len = 0};
  brrr_redis *r = fixture_open_with(
      f, &(brrr_redis_options){.url = f->server.url, .log = {on_line, &all}});
  const subject s = fixture_subject(f, r);
  expect(&s, SET, BRRR_OK, NULL);
  assert_non_null(strstr(all.text, ": connected\n"));
  server_kill(&f->server);
  stage_run_ms(&f->stage, 20);
  assert_non_null(strstr(all.text, ": connection lost: "));
  answer a = ask(&s, SET);
  assert_failed(&a, "Connection refused");
  assert_non_null(strstr(all.text, ": no connection: Connection refused\n"));
  server_start(&f->server);
  freeReplyObject(server_ask(&f->server, "CONFIG SET requirepass secret"));
  fixture_close(f, r);

  char url[64];
  (void)snprintf(url, sizeof url, "redis://:hidden@127.0.0.1:%u",
                 f->server.port);
  r = fixture_open_with(
      f, &(brrr_redis_options){.url = url, .log = {on_line, &all}});
  const subject wrong = fixture_subject(f, r);
  answer b = ask(&wrong, SET);
  assert_failed(&b, "WRONGPASS");
  assert_non_null(strstr(all.text, ": login refused: WRONGPASS"));
  assert_null(strstr(all.text, "hidden"));
  fixture_close(f, r);
  server_kill(&f->server); /* with its password */
}

/* ---- places -------------------------------------------------------------- */

static void works_at(fixture *f, const char *url) {
  brrr_redis *r = fixture_open(f, url);
  const subject s = fixture_subject(f, r);
  expect(&s, SET, BRRR_OK, NULL);
  (void)server_number(&f->server, "RPUSH t m");
  expect(&s, TAKE, BRRR_OK, "m");
  fixture_close(f, r);
}

static void test_socket(void **state) {
  fixture *f = *state;
  works_at(f, f->server.socket_url);
  brrr_redis *r = fixture_open(f, "unix:///tmp/no/such/socket");
  const subject s = fixture_subject(f, r);
  answer a = ask(&s, SET);
  assert_failed(&a, "No such file");
  fixture_close(f, r);
}

/* A name, and its addresses in turn: nobody listens on ::1. */
static void test_name(void **state) {
  fixture *f = *state;
  char url[64];
  (void)snprintf(url, sizeof url, "redis://localhost:%u", f->server.port);
  works_at(f, url);
}

static void test_close_while_looking(void **state) {
  fixture *f = *state;
  answer a, b;
  brrr_redis *r = fixture_open(f, "redis://no-such-host.invalid");
  start(r, SET, &a);
  start(r, TAKE, &b);
  fixture_close(f, r);
  assert_int_equal(a.status, BRRR_E_IO);
  assert_int_equal(b.status, BRRR_CLOSED);
  answer_drop(&a);
  answer_drop(&b);
}

/* ---- deadlines ----------------------------------------------------------- */

static void test_no_answer(void **state) {
  fixture *f = *state;
  brrr_redis *r = fixture_open_with(
      f, &(brrr_redis_options){.url = f->server.url, .command_ms = 100});
  const subject s = fixture_subject(f, r);
  expect(&s, SET, BRRR_OK, NULL);
  (void)kill(f->server.pid, SIGSTOP);
  answer first, second;
  start(r, SET, &first);
  start(r, SET, &second);
  stage_wait(&f->stage, &first.times);
  stage_wait(&f->stage, &second.times);
  assert_failed(&first, "no answer before the deadline");
  assert_failed(&second, "");
  (void)kill(f->server.pid, SIGCONT);
  expect(&s, SET, BRRR_OK, NULL);
  stage_run_ms(&f->stage, 300); /* nothing is due, so nothing is late */
  expect(&s, SET, BRRR_OK, NULL);
  fixture_close(f, r);
}

/* It listens, and does not greet. */
static void test_no_greeting(void **state) {
  fixture *f = *state;
  char url[64];
  (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u/1", f->server.port);
  brrr_redis *r = fixture_open_with(
      f, &(brrr_redis_options){.url = url, .connect_ms = 100});
  const subject s = fixture_subject(f, r);
  (void)kill(f->server.pid, SIGSTOP);
  answer a = ask(&s, SET);
  assert_failed(&a, "no connection before the deadline");
  (void)kill(f->server.pid, SIGCONT);
  expect(&s, SET, BRRR_OK, NULL);
  fixture_close(f, r);
}

/* ---- not now ------------------------------------------------------------- */

/* The server becomes a replica and a master again: a command fails, a get
 * waits. */
static void failover(fixture *f, bool durable) {
  brrr_redis *r = fixture_open_with(
      f, &(brrr_redis_options){.url = f->server.url, .durable = durable});
  const subject s = fixture_subject(f, r);
  answer get;
  start(r, TAKE, &get);
  fixture_until_blocked(f, 1);
  freeReplyObject(server_ask(&f->server, "REPLICAOF 127.0.0.1 1"));
  for (int i = 0; i < 3; i++) {
    answer a = ask(&s, SET);
    assert_failed(&a, "READONLY");
  }
  stage_run_ms(&f->stage, 100);
  assert_int_equal(get.times, 0);
  freeReplyObject(server_ask(&f->server, "REPLICAOF NO ONE"));
  expect(&s, SET, BRRR_OK, NULL);
  (void)server_number(&f->server, "RPUSH t m");
  stage_wait(&f->stage, &get.times);
  assert_int_equal(get.status, BRRR_OK);
  assert_bytes_str(get.value, "m");
  answer_drop(&get);
  fixture_close(f, r);
}

static void test_failover(void **state) { failover(*state, false); }

static void test_failover_durable(void **state) { failover(*state, true); }

/* Somebody ends the pop with an error: it is asked again. */
static void unblocked(fixture *f, bool durable) {
  brrr_redis *r = fixture_open_with(
      f, &(brrr_redis_options){.url = f->server.url, .durable = durable});
  answer get;
  start(r, TAKE, &get);
  fixture_until_blocked(f, 1);
  redisReply *list = server_ask(&f->server, "CLIENT LIST");
  const char *at = strstr(list->str, durable ? "cmd=blmove" : "cmd=blpop");
  assert_non_null(at);
  while (at > list->str && at[-1] != '\n')
    at--;
  long long id = strtoll(at + strlen("id="), NULL, 10);
  freeReplyObject(list);
  assert_int_equal(server_number(&f->server, "CLIENT UNBLOCK %lld ERROR", id),
                   1);
  fixture_until_blocked(f, 1);
  assert_int_equal(get.times, 0);
  (void)server_number(&f->server, "RPUSH t m");
  stage_wait(&f->stage, &get.times);
  assert_bytes_str(get.value, "m");
  answer_drop(&get);
  fixture_close(f, r);
}

static void test_unblocked(void **state) { unblocked(*state, false); }

static void test_unblocked_durable(void **state) { unblocked(*state, true); }

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_log),       TEST(test_socket),
      TEST(test_name),      TEST(test_close_while_looking),
      TEST(test_no_answer), TEST(test_no_greeting),
      TEST(test_failover),  TEST(test_failover_durable),
      TEST(test_unblocked), TEST(test_unblocked_durable),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
