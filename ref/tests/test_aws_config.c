/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_aws_config.c - options and environment: which comes first, and what is
 * wrong or missing.
 */
#include "support.h"

#include "aws_config.h"

static const char *const names[] = {
    "AWS_ACCESS_KEY_ID",    "AWS_SECRET_ACCESS_KEY",    "AWS_SESSION_TOKEN",
    "AWS_REGION",           "AWS_DEFAULT_REGION",       "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_DYNAMODB"};

static int clear(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(unsetenv(names[i]), 0);
  return 0;
}

static const brrr_aws_options good = {
    .region = "eu-west-1", .access_key_id = "id", .secret_access_key = "s"};

static brrr_arena arena;

static brrr__aws_config init(brrr_aws_options o, const char *service) {
  brrr__aws_config c;
  const char *why = "";
  brrr_arena_init(&arena, (brrr_alloc){0});
  if (brrr__aws_config_init(&c, &arena, &o, service, &why) != BRRR_OK)
    fail_msg("%s", why);
  return c;
}

static void expect_wrong(brrr_aws_options o, const char *words) {
  brrr__aws_config c = {.attempts = 77};
  const char *why = "";
  brrr_arena_init(&arena, (brrr_alloc){0});
  assert_int_equal(brrr__aws_config_init(&c, &arena, &o, "sqs", &why),
                   BRRR_E_MISUSE);
  assert_non_null(strstr(why, words));
  assert_int_equal(c.attempts, 77);
  brrr_arena_free(&arena);
}

static void test_options(void **state) {
  (void)state;
  brrr__aws_config c = init(good, "dynamodb");
  assert_string_equal(c.endpoint, "https://dynamodb.eu-west-1.amazonaws.com");
  assert_string_equal(c.signing, "aws:amz:eu-west-1:dynamodb");
  assert_string_equal(c.access_key_id, "id");
  assert_string_equal(c.secret_access_key, "s");
  assert_null(c.session_token);
  assert_int_equal(c.connect_ms, 5000);
  assert_int_equal(c.answer_ms, 30000);
  assert_int_equal(c.attempts, 8);
  brrr_arena_free(&arena);

  brrr_aws_options o = good;
  o.region = "cn-north-1";
  o.session_token = "t";
  o.connect_ms = 1, o.answer_ms = 2, o.attempts = 3;
  c = init(o, "sqs");
  assert_string_equal(c.endpoint, "https://sqs.cn-north-1.amazonaws.com.cn");
  assert_string_equal(c.session_token, "t");
  assert_int_equal(c.connect_ms * 100 + c.answer_ms * 10 + c.attempts, 123);
  brrr_arena_free(&arena);
}

static void test_environment(void **state) {
  (void)state;
  const brrr_aws_options none = {.region = "", .endpoint = ""};
  setenv("AWS_ACCESS_KEY_ID", "eid", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "es", 1);
  setenv("AWS_SESSION_TOKEN", "et", 1);
  setenv("AWS_DEFAULT_REGION", "r-1", 1);
  setenv("AWS_ENDPOINT_URL", "http://all", 1);
  brrr__aws_config c = init(none, "sqs");
  assert_string_equal(c.access_key_id, "eid");
  assert_string_equal(c.secret_access_key, "es");
  assert_string_equal(c.session_token, "et");
  assert_string_equal(c.signing, "aws:amz:r-1:sqs");
  assert_string_equal(c.endpoint, "http://all");
  brrr_arena_free(&arena);

  setenv("AWS_REGION", "r-2", 1);
  setenv("AWS_ENDPOINT_URL_SQS", "http://sqs", 1);
  setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb", 1);
  c = init(none, "sqs");
  assert_string_equal(c.signing, "aws:amz:r-2:sqs");
  assert_string_equal(c.endpoint, "http://sqs");
  brrr_arena_free(&arena);
  c = init(none, "dynamodb");
  assert_string_equal(c.endpoint, "http://dynamodb");
  brrr_arena_free(&arena);

  /* Options go first; the token of others does not go with our key. */
  brrr_aws_options o = good;
  o.endpoint = "http://mine";
  c = init(o, "sqs");
  assert_string_equal(c.endpoint, "http://mine");
  assert_string_equal(c.access_key_id, "id");
  assert_null(c.session_token);
  assert_string_equal(c.signing, "aws:amz:eu-west-1:sqs");
  brrr_arena_free(&arena);
}

static void test_wrong(void **state) {
  (void)state;
  brrr_aws_options o = good;
  expect_wrong((brrr_aws_options){.region = "r"}, "AWS_ACCESS_KEY_ID");
  o.secret_access_key = NULL;
  setenv("AWS_SECRET_ACCESS_KEY", "es", 1); /* of another key */
  expect_wrong(o, "AWS_SECRET_ACCESS_KEY");
  o = good, o.region = NULL;
  expect_wrong(o, "AWS_REGION");
  o.region = "evil.example/";
  expect_wrong(o, "region");
  o = good, o.access_key_id = "a\r\nb";
  expect_wrong(o, "credentials");
  o = good, o.session_token = "a\nb";
  expect_wrong(o, "credentials");
  static const char *const urls[] = {"ftp://h", "http://", "https://", "h:80",
                                     "http://a b"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    o = good, o.endpoint = urls[i];
    expect_wrong(o, "endpoint");
  }
}

static void once(heap *h, void *ud) {
  brrr_arena a;
  brrr__aws_config c;
  const char *why;
  (void)ud;
  brrr_aws_options o = good;
  o.session_token = "t";
  brrr_arena_init(&a, heap_alloc(h));
  const brrr_status s = brrr__aws_config_init(&c, &a, &o, "sqs", &why);
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  brrr_arena_free(&a);
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_options, clear),
      cmocka_unit_test_setup(test_environment, clear),
      cmocka_unit_test_setup(test_wrong, clear),
      cmocka_unit_test_setup(test_allocation_failures, clear),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
