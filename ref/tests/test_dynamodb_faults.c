/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_dynamodb_faults.c - the DynamoDB backend over a server that answers by a
 * script: what is sent for each effect, lost answers, odd ones, memory that is
 * out.
 */
#include "answers.h"
#include "web.h"

#include <brrr/dynamodb.h>
#include <jansson.h>

#include <stdio.h>

#define MISMATCH                                                               \
  "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"                            \
  "ConditionalCheckFailedException\",\"message\":\"no\"}"
#define ITEM(b)                                                                \
  "{\"Item\":{\"pk\":{\"S\":\"h\"},\"sk\":{\"S\":\"value\"},"                  \
  "\"value\":{\"B\":\"" b "\"}}}"
#define KEY_OF_H "\"Key\":{\"pk\":{\"S\":\"h\"},\"sk\":{\"S\":\"value\"}},"

typedef struct theatre {
  stage stage;
  heap heap;
  web web;
  brrr_dynamodb *dynamodb;
  subject subject;
} theatre;

static int setup(void **state) {
  theatre *t = calloc(1, sizeof *t);
  assert_non_null(t);
  *state = t;
  stage_init(&t->stage);
  return 0;
}

static int teardown(void **state) {
  theatre *t = *state;
  stage_free(&t->stage);
  free(t);
  return 0;
}

static brrr_status create(theatre *t, brrr_alloc alloc, uint32_t ms) {
  const char *why;
  return brrr_dynamodb_new(
      &t->dynamodb, alloc, &t->stage.loop,
      &(brrr_dynamodb_options){.table = "t",
                               .aws = {.endpoint = t->web.url,
                                       .region = "us-east-1",
                                       .access_key_id = "k",
                                       .secret_access_key = "s",
                                       .connect_ms = ms,
                                       .answer_ms = ms,
                                       .attempts = 2}},
      &why);
}

/* So long that a busy machine is in time; short where no answer comes. */
static uint32_t patience(const web_answer *script, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (script[i].status == WEB_SILENT)
      return 300;
  return 5000;
}

static void open_backend(theatre *t, const web_answer *script, size_t count) {
  web_start(&t->web, &t->stage, script, count);
  t->heap = (heap){0};
  assert_int_equal(create(t, heap_alloc(&t->heap), patience(script, count)),
                   BRRR_OK);
  t->subject =
      (subject){brrr_dynamodb_backend(t->dynamodb), stage_wait, &t->stage};
}

static void count_up(void *ud) { ++*(unsigned *)ud; }

static void close_backend(theatre *t) {
  unsigned closed = 0;
  brrr_dynamodb_close(t->dynamodb, count_up, &closed);
  stage_wait(&t->stage, &closed);
  web_stop(&t->web);
  assert_int_equal(t->heap.live, 0);
}

static const brrr_key h = {BRRR_KIND_VALUE, BRRR_INIT("h")};

static brrr_effect effect(brrr_effect_type type) {
  return (brrr_effect){.type = type,
                       .key = h,
                       .value = BRRR_LIT("new"),
                       .expected = BRRR_LIT("old")};
}

/* Two JSON texts say the same. */
static void assert_json(const char *actual, const char *expected) {
  json_t *a = json_loads(actual, 0, NULL), *b = json_loads(expected, 0, NULL);
  assert_non_null(b);
  if (!json_equal(a, b))
    fail_msg("got %s\nwant %s", actual, expected);
  json_decref(a);
  json_decref(b);
}

/* ---- what is sent [DYN-1] [DYN-2] [DYN-4] [DYN-5] -------------------------
 */

static const struct {
  brrr_effect_type type;
  const char *target, *body;
} requests[] = {
    {BRRR_STORE_GET, "DynamoDB_20120810.GetItem",
     "{\"TableName\":\"t\"," KEY_OF_H "\"ConsistentRead\":true}"},
    {BRRR_STORE_HAS, "DynamoDB_20120810.GetItem",
     "{\"TableName\":\"t\"," KEY_OF_H
     "\"ConsistentRead\":true,\"ProjectionExpression\":\"pk\"}"},
    {BRRR_STORE_SET, "DynamoDB_20120810.PutItem",
     "{\"TableName\":\"t\",\"Item\":{\"pk\":{\"S\":\"h\"},\"sk\":{\"S\":"
     "\"value\"},\"value\":{\"B\":\"bmV3\"}}}"},
    {BRRR_STORE_SET_NEW, "DynamoDB_20120810.UpdateItem",
     "{\"TableName\":\"t\"," KEY_OF_H
     "\"UpdateExpression\":\"SET #value = :value\",\"ConditionExpression\":"
     "\"attribute_not_exists(#value)\",\"ExpressionAttributeNames\":"
     "{\"#value\":\"value\"},\"ExpressionAttributeValues\":"
     "{\":value\":{\"B\":\"bmV3\"}}}"},
    {BRRR_STORE_CAS, "DynamoDB_20120810.UpdateItem",
     "{\"TableName\":\"t\"," KEY_OF_H
     "\"UpdateExpression\":\"SET #value = :value\",\"ConditionExpression\":"
     "\"#value = :expected\",\"ExpressionAttributeNames\":"
     "{\"#value\":\"value\"},\"ExpressionAttributeValues\":"
     "{\":value\":{\"B\":\"bmV3\"},\":expected\":{\"B\":\"b2xk\"}}}"},
    {BRRR_STORE_CAD, "DynamoDB_20120810.DeleteItem",
     "{\"TableName\":\"t\"," KEY_OF_H
     "\"ConditionExpression\":\"attribute_exists(#value) AND #value = "
     ":expected\",\"ExpressionAttributeNames\":{\"#value\":\"value\"},"
     "\"ExpressionAttributeValues\":{\":expected\":{\"B\":\"b2xk\"}}}"},
};

static void test_requests(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{200, "{}", false}};
  open_backend(t, script, 1);
  for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
    expect(&t->subject, effect(requests[i].type), i < 2 ? BRRR_ABSENT : BRRR_OK,
           NULL);
    assert_string_equal(web_header(&t->web, i, "x-amz-target"),
                        requests[i].target);
    assert_json(t->web.requests[i].body, requests[i].body);
  }
  close_backend(t);
}

/* ---- answers that do not come [DYN-3] [DYN-7] -----------------------------
 */

/* `asked` in all; the last answer of a script is for all that follow. */
static void play(theatre *t, brrr_effect_type type, const web_answer *script,
                 size_t count, brrr_status status, unsigned asked) {
  open_backend(t, script, count);
  answer a = ask(&t->subject, effect(type));
  assert_string_equal(brrr_status_name(a.status), brrr_status_name(status));
  assert_int_equal(t->web.asked, asked);
  if (status < 0)
    assert_true(a.value.len > 0);
  answer_drop(&a);
  close_backend(t);
}

#define PLAY(type, status, asked, ...)                                         \
  play(t, type, (const web_answer[]){__VA_ARGS__},                             \
       sizeof((const web_answer[]){__VA_ARGS__}) / sizeof(web_answer), status, \
       asked)
#define OK_EMPTY                                                               \
  { 200, "{}", false }
#define OK_ITEM(b)                                                             \
  { 200, ITEM(b), false }
#define NO                                                                     \
  { 400, MISMATCH, false }

static const web_answer losses[] = {{WEB_CUT, "", false},
                                    {WEB_HALF, "{}", false},
                                    {WEB_NOISE, "", false},
                                    {WEB_SILENT, "", false},
                                    {200, "garbage", false}};

static void test_lost_answers(void **state) {
  theatre *t = *state;
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
    const web_answer lost = losses[i];
    for (int n = 0; n < 2; n++) {
      const brrr_effect_type type = n ? BRRR_STORE_CAS : BRRR_STORE_SET_NEW;
      /* read back: what was to be written; something else; nothing */
      PLAY(type, BRRR_OK, 2, lost, OK_ITEM("bmV3"));
      PLAY(type, BRRR_E_IO, 2, lost, OK_ITEM("b2xk"));
      PLAY(type, BRRR_E_IO, 2, lost, OK_EMPTY);
      PLAY(type, BRRR_E_IO, 2, lost, {400, "{}", false});
    }
    /* the others are sent again */
    PLAY(BRRR_STORE_SET, BRRR_OK, 2, lost, OK_EMPTY);
    PLAY(BRRR_STORE_CAD, BRRR_OK, 2, lost, OK_EMPTY);
    PLAY(BRRR_STORE_CAD, BRRR_MISMATCH, 2, lost, NO);
    PLAY(BRRR_STORE_GET, BRRR_OK, 2, lost, OK_ITEM("bmV3"));
  }
}

/* An answer that says 5xx has come, so the request may be sent again; but then
 * a mismatch may be of its own making. */
static void test_server_errors(void **state) {
  theatre *t = *state;
  const web_answer error = {500, "{\"__type\":\"InternalServerError\"}", false};
  PLAY(BRRR_STORE_CAS, BRRR_OK, 2, error, OK_EMPTY);
  PLAY(BRRR_STORE_CAS, BRRR_OK, 3, error, NO, OK_ITEM("bmV3"));
  PLAY(BRRR_STORE_CAS, BRRR_E_IO, 3, error, NO, OK_ITEM("eHg="));
  PLAY(BRRR_STORE_SET_NEW, BRRR_OK, 3, error, error, OK_ITEM("bmV3"));
  PLAY(BRRR_STORE_SET_NEW, BRRR_E_IO, 4, error);
  PLAY(BRRR_STORE_CAD, BRRR_MISMATCH, 2, error, NO);
  PLAY(BRRR_STORE_GET, BRRR_E_IO, 2, error);
}

static void test_throttled(void **state) {
  theatre *t = *state;
  const web_answer slow = {400, "{\"__type\":\"x#RequestLimitExceeded\"}",
                           false};
  PLAY(BRRR_STORE_CAS, BRRR_OK, 2, slow, OK_EMPTY);
  PLAY(BRRR_STORE_CAS, BRRR_MISMATCH, 2, slow, NO); /* it was not done */
  PLAY(BRRR_STORE_CAS, BRRR_E_IO, 2, slow);
}

/* No other error is a mismatch [DYN-3]. */
static void test_refused(void **state) {
  theatre *t = *state;
  static const char *const codes[] = {
      "ValidationException",
      "ResourceNotFoundException",
      "AccessDeniedException",
      "ItemCollectionSizeLimitExceededException",
      "TransactionConflictException",
      "conditionalcheckfailedexception"};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    char body[128];
    (void)snprintf(body, sizeof body, "{\"__type\":\"%s\"}", codes[i]);
    const web_answer no = {400, body, false};
    PLAY(BRRR_STORE_SET_NEW, BRRR_E_IO, 1, no);
    PLAY(BRRR_STORE_CAS, BRRR_E_IO, 1, no);
    PLAY(BRRR_STORE_CAD, BRRR_E_IO, 1, no);
  }
}

/* Items that are no records. */
static void test_odd_items(void **state) {
  theatre *t = *state;
  static const char *const bodies[] = {
      "{\"Item\":{}}", "{\"Item\":{\"value\":{\"S\":\"x\"}}}",
      "{\"Item\":{\"value\":{\"B\":7}}}", "{\"Item\":{\"value\":[]}}",
      "{\"Item\":{\"value\":{\"B\":\"?\"}}}"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    PLAY(BRRR_STORE_GET, BRRR_E_IO, 1, {200, bodies[i], false});
}

static void test_create_table(void **state) {
  theatre *t = *state;
  const web_answer script[] = {
      OK_EMPTY,
      {200, "{\"Table\":{\"TableStatus\":\"CREATING\"}}", false},
      {200, "{\"Table\":{\"TableStatus\":\"ACTIVE\"}}", false},
      {400, "{\"__type\":\"x#AccessDeniedException\"}", false}};
  answer a;
  open_backend(t, script, 4);
  brrr_dynamodb_create_table(t->dynamodb, answer_into(&a));
  stage_wait(&t->stage, &a.times);
  assert_int_equal(a.status, BRRR_OK);
  assert_int_equal(t->web.asked, 3);
  answer_drop(&a);
  brrr_dynamodb_create_table(t->dynamodb, answer_into(&a));
  stage_wait(&t->stage, &a.times);
  assert_int_equal(a.status, BRRR_E_IO);
  answer_drop(&a);
  close_backend(t);
}

static void test_close_under_way(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{WEB_SILENT, "", false}};
  answer get, cas;
  open_backend(t, script, 1);
  const brrr_backend b = t->subject.backend;
  b.submit(b.self, &(brrr_effect){.type = BRRR_STORE_GET, .key = h},
           answer_into(&get));
  const brrr_effect e = effect(BRRR_STORE_CAS);
  b.submit(b.self, &e, answer_into(&cas));
  web_until(&t->web, 2);
  close_backend(t);
  assert_int_equal(get.status, BRRR_E_IO);
  assert_int_equal(cas.status, BRRR_E_IO);
  assert_int_equal(get.times + cas.times, 2);
  answer_drop(&get);
  answer_drop(&cas);
}

/* ---- memory -------------------------------------------------------------- */

/* curl and jansson take theirs from malloc: only ours fails here. Where a
 * socket could not be watched, the attempt ends at its deadline. */
static void sweep_once(heap *all, void *ud) {
  theatre *t = ud;
  const web_answer script[] = {OK_ITEM("bmV3")};
  web_start(&t->web, &t->stage, script, 1);
  if (create(t, heap_alloc(all), 200) != BRRR_OK) {
    assert_true(all->fail_at > 0);
    web_stop(&t->web);
    return;
  }
  const subject s = {brrr_dynamodb_backend(t->dynamodb), stage_wait, &t->stage};
  answer get = ask(&s, effect(BRRR_STORE_GET));
  answer cas = ask(&s, effect(BRRR_STORE_CAS));
  assert_true(get.status == BRRR_OK || (get.status < 0 && all->fail_at));
  assert_true(cas.status == BRRR_OK || (cas.status < 0 && all->fail_at));
  answer_drop(&get);
  answer_drop(&cas);
  t->heap = (heap){0};
  close_backend(t);
}

static void test_allocation_failures(void **state) {
  heap_sweep(sweep_once, *state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(test_requests),
      TEST(test_lost_answers),
      TEST(test_server_errors),
      TEST(test_throttled),
      TEST(test_refused),
      TEST(test_odd_items),
      TEST(test_create_table),
      TEST(test_close_under_way),
      TEST(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
