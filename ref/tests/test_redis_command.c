/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_command.c - every effect as octets for Redis, every kind of reply
 * as what it means for every effect.
 */
#include "redis_command.h"
#include "support.h"

static void assert_command(brrr_effect e, const char *expected) {
  brrr__redis_key key = {.ptr = NULL};
  char *command;
  size_t len;
  assert_int_equal(brrr__redis_command(&command, &len, &key, &e), BRRR_OK);
  assert_bytes_str(((brrr_bytes){(uint8_t *)command, len}), expected);
  brrr__redis_command_free(command);
  brrr__redis_key_free(&key);
}

static void test_commands(void **state) {
  (void)state;
  const brrr_key call = {BRRR_KIND_CALL, BRRR_LIT("h")};
  const brrr_key value = {BRRR_KIND_VALUE, BRRR_LIT("")};
  const brrr_key returns = {BRRR_KIND_PENDING_RETURNS, BRRR_LIT("a b")};
  assert_command((brrr_effect){.type = BRRR_STORE_GET, .key = call},
                 "*2\r\n$3\r\nGET\r\n$6\r\ncall/h\r\n");
  assert_command((brrr_effect){.type = BRRR_STORE_HAS, .key = value},
                 "*2\r\n$6\r\nEXISTS\r\n$6\r\nvalue/\r\n");
  assert_command((brrr_effect){.type = BRRR_STORE_SET, .key = call},
                 "*3\r\n$3\r\nSET\r\n$6\r\ncall/h\r\n$0\r\n\r\n");
  assert_command((brrr_effect){.type = BRRR_STORE_SET_NEW,
                               .key = returns,
                               .value = BRRR_LIT("x\r\n")},
                 "*4\r\n$3\r\nSET\r\n$19\r\npending_returns/a b\r\n"
                 "$3\r\nx\r\n\r\n$2\r\nNX\r\n");
  assert_command((brrr_effect){.type = BRRR_STORE_CAS,
                               .key = call,
                               .value = BRRR_LIT("new"),
                               .expected = BRRR_LIT("old")},
                 "*6\r\n$4\r\nEVAL\r\n$98\r\n"
                 "if redis.call('GET',KEYS[1])==ARGV[1] then "
                 "redis.call('SET',KEYS[1],ARGV[2]) return 1 end return 0\r\n"
                 "$1\r\n1\r\n$6\r\ncall/h\r\n$3\r\nold\r\n$3\r\nnew\r\n");
  assert_command((brrr_effect){.type = BRRR_STORE_CAD,
                               .key = call,
                               .expected = BRRR_LIT("old")},
                 "*5\r\n$4\r\nEVAL\r\n$90\r\n"
                 "if redis.call('GET',KEYS[1])==ARGV[1] then "
                 "redis.call('DEL',KEYS[1]) return 1 end return 0\r\n"
                 "$1\r\n1\r\n$6\r\ncall/h\r\n$3\r\nold\r\n");
  assert_command(
      (brrr_effect){.type = BRRR_CACHE_INCR, .name = BRRR_LIT("brrr_count/r")},
      "*2\r\n$4\r\nINCR\r\n$12\r\nbrrr_count/r\r\n");
  assert_command((brrr_effect){.type = BRRR_QUEUE_PUT,
                               .name = BRRR_LIT("t"),
                               .value = BRRR_LIT("m")},
                 "*3\r\n$5\r\nRPUSH\r\n$1\r\nt\r\n$1\r\nm\r\n");
  assert_command((brrr_effect){.type = BRRR_QUEUE_GET, .name = BRRR_LIT("t")},
                 "*3\r\n$5\r\nBLPOP\r\n$1\r\nt\r\n$2\r\n20\r\n");
}

static void test_unblock(void **state) {
  (void)state;
  char *command;
  size_t len;
  assert_int_equal(brrr__redis_unblock(&command, &len, 1234567890123), BRRR_OK);
  assert_bytes_str(((brrr_bytes){(uint8_t *)command, len}),
                   "*3\r\n$6\r\nCLIENT\r\n$7\r\nUNBLOCK\r\n"
                   "$13\r\n1234567890123\r\n");
  brrr__redis_command_free(command);
}

/* ---- replies ------------------------------------------------------------- */

enum { REPLIES = 7 };

/* What the replies below mean for an effect. */
typedef struct meaning {
  brrr_effect_type type;
  brrr_status of[REPLIES];
} meaning;

static void test_replies(void **state) {
  char text[] = "text";
  redisReply string = {
      .type = REDIS_REPLY_STRING, .str = text, .len = sizeof text - 1};
  redisReply *pair[] = {&string, &string};
  const redisReply replies[REPLIES] = {
      {.type = REDIS_REPLY_STATUS, .str = text, .len = 4},
      {.type = REDIS_REPLY_NIL},
      {.type = REDIS_REPLY_INTEGER, .integer = 0},
      {.type = REDIS_REPLY_INTEGER, .integer = 1},
      string,
      {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = pair},
      {.type = REDIS_REPLY_ERROR, .str = text, .len = 4},
  };
#define OK BRRR_OK
#define BAD BRRR_E_IO
  /* clang-format off */
  static const meaning all[] = {
      /*                   OK   nil            0              1    text [] error */
      {BRRR_STORE_GET,     {BAD, BRRR_ABSENT,   BAD,           BAD, OK,  BAD, BAD}},
      {BRRR_STORE_HAS,     {BAD, BAD,           BRRR_ABSENT,   OK,  BAD, BAD, BAD}},
      {BRRR_STORE_SET,     {OK,  BAD,           BAD,           BAD, BAD, BAD, BAD}},
      {BRRR_STORE_SET_NEW, {OK,  BRRR_MISMATCH, BAD,           BAD, BAD, BAD, BAD}},
      {BRRR_STORE_CAS,     {BAD, BAD,           BRRR_MISMATCH, OK,  BAD, BAD, BAD}},
      {BRRR_STORE_CAD,     {BAD, BAD,           BRRR_MISMATCH, OK,  BAD, BAD, BAD}},
      {BRRR_CACHE_INCR,    {BAD, BAD,           OK,            OK,  BAD, BAD, BAD}},
      {BRRR_QUEUE_PUT,     {BAD, BAD,           OK,            OK,  BAD, BAD, BAD}},
      {BRRR_QUEUE_GET,     {BAD, BRRR_EMPTY,    BAD,           BAD, BAD, OK,  BAD}},
  };
  /* clang-format on */
#undef OK
#undef BAD
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (size_t n = 0; n < REPLIES; n++) {
      const brrr_reply r = brrr__redis_reply(all[i].type, &replies[n]);
      assert_int_equal(r.status, all[i].of[n]);
      if (r.status < 0)
        assert_true(r.value.len > 0); /* the reason, in words */
      if (r.status == BRRR_OK && n >= 4)
        assert_bytes_str(r.value, "text");
      if (r.status == BRRR_OK && all[i].type == BRRR_CACHE_INCR)
        assert_int_equal(r.num, replies[n].integer);
    }
}

static void test_odd_arrays(void **state) {
  redisReply number = {.type = REDIS_REPLY_INTEGER};
  redisReply *one[] = {&number}, *two[] = {&number, &number};
  const redisReply replies[] = {
      {.type = REDIS_REPLY_ARRAY},
      {.type = REDIS_REPLY_ARRAY, .elements = 1, .element = one},
      {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = two},
      {.type = 99}};
  (void)state;
  for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
    assert_int_equal(brrr__redis_reply(BRRR_QUEUE_GET, &replies[i]).status,
                     BRRR_E_IO);
}

/* ---- what cannot be ------------------------------------------------------ */

static void test_refusals(void **state) {
  (void)state;
  const uint8_t x = 'x'; /* never read: it is only said to be that long */
  const size_t most = (size_t)512 << 20;
  const brrr_bytes too_long = {&x, most + 1};
  const brrr_effect all[] = {
      {.type = BRRR_INVOKE},
      {.type = BRRR_STORE_SET, .value = too_long},
      {.type = BRRR_STORE_CAS, .expected = too_long},
      {.type = BRRR_QUEUE_PUT, .name = too_long},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    brrr__redis_key key = {.ptr = NULL};
    char *command;
    size_t len;
    assert_int_equal(brrr__redis_command(&command, &len, &key, &all[i]),
                     BRRR_E_MISUSE);
    brrr__redis_key_free(&key);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_commands), cmocka_unit_test(test_unblock),
      cmocka_unit_test(test_replies),  cmocka_unit_test(test_odd_arrays),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
