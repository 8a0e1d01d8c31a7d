/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_reads.c - which commands the Redis backend makes of reads: those
 * of one turn of the loop are gathered, and none answers for another.
 */
#include "fixture.h"

#include <stdio.h>

#define VALUES 130 /* more than two commands read */
#define LONG 5000  /* octets of a value that is not to be read in vain */

#define READ(effect, hash)                                                     \
  (brrr_effect) {                                                              \
    .type = BRRR_STORE_##effect, .key = { BRRR_KIND_VALUE, hash }              \
  }
#define HASH(text, n)                                                          \
  ((void)snprintf(text, sizeof text, "h%zu", n), brrr_bytes_str(text))

static void start(fixture *f, brrr_effect e, answer *a) {
  f->subject.backend.submit(f->subject.backend.self, &e, answer_into(a));
}

static void finish(fixture *f, answer *a, brrr_status status,
                   const char *value) {
  f->subject.wait(f->subject.ud, &a->times);
  assert_int_equal(a->times, 1);
  assert_int_equal(a->status, status);
  if (value)
    assert_bytes_str(a->value, value);
  answer_drop(a);
}

static void set(fixture *f, brrr_bytes hash, brrr_bytes value) {
  brrr_effect e = READ(SET, hash);
  e.value = value;
  expect(&f->subject, e, BRRR_OK, NULL);
}

static void begin(fixture *f) {
  /* The connection is up. */
  expect(&f->subject, READ(GET, BRRR_LIT("nothing")), BRRR_ABSENT, NULL);
  freeReplyObject(server_ask(&f->server, "CONFIG RESETSTAT"));
}

static void assert_sent(fixture *f, unsigned get, unsigned exists,
                        unsigned mget) {
  assert_int_equal(server_calls(&f->server, "get"), get);
  assert_int_equal(server_calls(&f->server, "exists"), exists);
  assert_int_equal(server_calls(&f->server, "mget"), mget);
}

static void test_one(void **state) {
  fixture *f = *state;
  set(f, BRRR_LIT("a"), BRRR_LIT("1"));
  begin(f);
  expect(&f->subject, READ(GET, BRRR_LIT("a")), BRRR_OK, "1");
  expect(&f->subject, READ(HAS, BRRR_LIT("a")), BRRR_OK, NULL);
  expect(&f->subject, READ(HAS, BRRR_LIT("b")), BRRR_ABSENT, NULL);
  assert_sent(f, 1, 2, 0);
}

/* In one turn, with writes in between. */
static void test_several(void **state) {
  fixture *f = *state;
  answer a[5] = {0}, written = {0};
  brrr_effect write = READ(SET, BRRR_LIT("c"));
  write.value = BRRR_LIT("3");
  set(f, BRRR_LIT("a"), BRRR_LIT("1"));
  set(f, BRRR_LIT("b"), BRRR_LIT(""));
  begin(f);
  start(f, READ(GET, BRRR_LIT("a")), &a[0]);
  start(f, READ(HAS, BRRR_LIT("a")), &a[1]);
  start(f, READ(HAS, BRRR_LIT("none")), &a[2]);
  start(f, write, &written);
  start(f, READ(GET, BRRR_LIT("b")), &a[3]);
  start(f, READ(GET, BRRR_LIT("c")), &a[4]);
  finish(f, &a[0], BRRR_OK, "1");
  finish(f, &a[1], BRRR_OK, NULL);
  finish(f, &a[2], BRRR_ABSENT, NULL);
  finish(f, &a[3], BRRR_OK, "");
  finish(f, &a[4], BRRR_OK, "3"); /* what is asked first is done first */
  finish(f, &written, BRRR_OK, NULL);
  assert_sent(f, 0, 0, 1);
}

static void test_many(void **state) {
  fixture *f = *state;
  answer a[VALUES] = {0};
  char text[16];
  for (size_t i = 0; i < VALUES; i++)
    if (i % 3) {
      const brrr_bytes hash = HASH(text, i);
      set(f, hash, hash);
    }
  begin(f);
  for (size_t i = 0; i < VALUES; i++)
    start(f, READ(GET, HASH(text, i)), &a[i]);
  for (size_t i = 0; i < VALUES; i++) {
    (void)HASH(text, i);
    finish(f, &a[i], i % 3 ? BRRR_OK : BRRR_ABSENT, i % 3 ? text : NULL);
  }
  assert_sent(f, 0, 0, 3); /* of 64, 64 and 2 keys */
}

/* Long values are read in vain once; then they are only looked for, until so
 * many questions have made up for it. */
static void test_long_values(void **state) {
  fixture *f = *state;
  answer a[2] = {0};
  uint8_t octets[LONG] = {0};
  set(f, BRRR_LIT("a"), (brrr_bytes){octets, sizeof octets});
  begin(f);
  for (size_t i = 0; i < 4; i++) {
    start(f, READ(HAS, BRRR_LIT("a")), &a[0]);
    start(f, READ(HAS, BRRR_LIT("b")), &a[1]);
    finish(f, &a[0], BRRR_OK, NULL);
    finish(f, &a[1], BRRR_ABSENT, NULL);
  }
  assert_sent(f, 0, 6, 1);
  for (size_t i = 0; i < LONG / 64; i++)
    expect(&f->subject, READ(HAS, BRRR_LIT("b")), BRRR_ABSENT, NULL);
  freeReplyObject(server_ask(&f->server, "CONFIG RESETSTAT"));
  start(f, READ(HAS, BRRR_LIT("a")), &a[0]);
  start(f, READ(HAS, BRRR_LIT("b")), &a[1]);
  finish(f, &a[0], BRRR_OK, NULL);
  finish(f, &a[1], BRRR_ABSENT, NULL);
  assert_sent(f, 0, 0, 1);
}

/* All of them fail together. */
static void test_failures(void **state) {
  fixture *f = *state;
  answer a[2] = {0};
  begin(f);
  freeReplyObject(server_ask(&f->server, "ACL SETUSER default -mget"));
  start(f, READ(GET, BRRR_LIT("a")), &a[0]);
  start(f, READ(HAS, BRRR_LIT("b")), &a[1]);
  for (size_t i = 0; i < 2; i++) {
    f->subject.wait(f->subject.ud, &a[i].times);
    assert_int_equal(a[i].status, BRRR_E_IO);
    assert_memory_equal(a[i].value.ptr, "NOPERM", 6);
    answer_drop(&a[i]);
    a[i] = (answer){0};
  }
  freeReplyObject(server_ask(&f->server, "ACL SETUSER default +mget"));
  start(f, READ(GET, BRRR_LIT("a")), &a[0]);
  start(f, READ(HAS, BRRR_LIT("b")), &a[1]);
  server_kill(&f->server);
  for (size_t i = 0; i < 2; i++)
    finish(f, &a[i], BRRR_E_IO, NULL);
  server_start(&f->server);
}

/* What is held back when the end comes is not lost. */
static void test_close(void **state) {
  fixture *f = *state;
  answer a[2] = {0};
  brrr_redis *r = fixture_open(f, f->server.url);
  const subject s = fixture_subject(f, r);
  const brrr_effect get = READ(GET, BRRR_LIT("a"));
  expect(&s, get, BRRR_ABSENT, NULL);
  s.backend.submit(s.backend.self, &get, answer_into(&a[0]));
  s.backend.submit(s.backend.self, &get, answer_into(&a[1]));
  fixture_close(f, r);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(a[i].times, 1);
    assert_int_equal(a[i].status, BRRR_E_IO);
    answer_drop(&a[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
      TEST(test_one),         TEST(test_several),  TEST(test_many),
      TEST(test_long_values), TEST(test_failures), TEST(test_close),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
