/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_sqs.c - the SQS backend over moto's SQS: the contract, deliveries, dead
 * letters, the end of waiting. What goes wrong is in test_sqs_faults.c.
 */
#include "answers.h"
#include "service.h"
#include "stage.h"

#include "aws_client.h"

#include <brrr/sqs.h>

#include <stdio.h>

#define VISIBLE_S 3 /* the least, so that little is waited */

#define GET(topic)                                                             \
  (brrr_effect) { .type = BRRR_QUEUE_GET, .name = BRRR_LIT(topic) }
#define PUT(topic, message)                                                    \
  (brrr_effect) {                                                              \
    .type = BRRR_QUEUE_PUT, .name = BRRR_LIT(topic),                           \
    .value = BRRR_LIT(message)                                                 \
  }

typedef struct theatre {
  service service;
  stage stage;
  heap heap;
  unsigned tests;
  char prefix[16]; /* queues of their own for each test */
  brrr_sqs *sqs;
  subject subject;
  brrr__aws tester; /* asks SQS for itself */
  json_t *told;     /* what it was told last */
  unsigned answers;
} theatre;

static int group_setup(void **state) {
  theatre *t = calloc(1, sizeof *t);
  assert_non_null(t);
  *state = t;
  service_start_sqs(&t->service);
  return 0;
}

static int group_teardown(void **state) {
  theatre *t = *state;
  service_stop(&t->service);
  free(t);
  return 0;
}

static brrr_aws_options place(const theatre *t) {
  return (brrr_aws_options){.endpoint = t->service.url,
                            .region = "us-east-1",
                            .access_key_id = "brrr",
                            .secret_access_key = "secret"};
}

static brrr_sqs *open_queue(theatre *t, uint32_t max_deliveries) {
  brrr_sqs *q;
  const char *why = "";
  const brrr_sqs_options o = {.aws = place(t),
                              .prefix = t->prefix,
                              .visible_s = VISIBLE_S,
                              .max_deliveries = max_deliveries};
  if (brrr_sqs_new(&q, heap_alloc(&t->heap), &t->stage.loop, &o, &why))
    fail_msg("%s", why);
  return q;
}

static subject subject_of(theatre *t, brrr_sqs *q) {
  return (subject){brrr_sqs_backend(q), stage_wait, &t->stage};
}

static void count_up(void *ud) { ++*(unsigned *)ud; }

static void close_queue(theatre *t, brrr_sqs *q) {
  unsigned closed = 0;
  brrr_sqs_close(q, count_up, &closed);
  stage_wait(&t->stage, &closed);
}

static int setup(void **state) {
  theatre *t = *state;
  const char *why = "";
  const brrr_aws_options aws = place(t);
  t->heap = (heap){0};
  (void)snprintf(t->prefix, sizeof t->prefix, "test%u-", ++t->tests);
  stage_init(&t->stage);
  t->sqs = open_queue(t, 0);
  t->subject = subject_of(t, t->sqs);
  assert_int_equal(brrr__aws_open(&t->tester,
                                  &(brrr__aws_options){.loop = &t->stage.loop,
                                                       .service = "sqs",
                                                       .prefix = "AmazonSQS.",
                                                       .aws = &aws},
                                  &why),
                   BRRR_OK);
  return 0;
}

static int teardown(void **state) {
  theatre *t = *state;
  unsigned closed = 0;
  if (t->sqs)
    close_queue(t, t->sqs);
  brrr__aws_close(&t->tester, count_up, &closed);
  stage_wait(&t->stage, &closed);
  json_decref(t->told);
  t->told = NULL;
  stage_free(&t->stage);
  assert_int_equal(t->heap.live, 0);
  return 0;
}

/* ---- asking SQS itself --------------------------------------------------- */

static void on_told(void *ud, const brrr__aws_answer *a) {
  theatre *t = ud;
  if (a->end != AWS_OK)
    fail_msg("%s", a->words);
  json_decref(t->told);
  t->told = json_deep_copy(a->json);
  t->answers++;
}

static const json_t *tell(theatre *t, const char *action, json_t *body) {
  t->answers = 0;
  assert_non_null(brrr__aws_send(
      &t->tester, &(brrr__aws_request){
                      .action = action, .body = body, .fn = on_told, .ud = t}));
  stage_wait(&t->stage, &t->answers);
  return t->told;
}

static const char *url(theatre *t, const char *topic) {
  static char text[128];
  char name[96];
  (void)snprintf(name, sizeof name, "%s%s", t->prefix, topic);
  const json_t *told =
      tell(t, "GetQueueUrl", json_pack("{s:s}", "QueueName", name));
  (void)snprintf(text, sizeof text, "%s",
                 json_string_value(json_object_get(told, "QueueUrl")));
  return text;
}

/* How many messages there are; in hand or not. */
static int messages(theatre *t, const char *topic, bool in_hand) {
  const char *name = in_hand ? "ApproximateNumberOfMessagesNotVisible"
                             : "ApproximateNumberOfMessages";
  const json_t *told = tell(t, "GetQueueAttributes",
                            json_pack("{s:s, s:[s]}", "QueueUrl", url(t, topic),
                                      "AttributeNames", name));
  const json_t *all = json_object_get(told, "Attributes");
  return (int)strtol(json_string_value(json_object_get(all, name)), NULL, 10);
}

static const json_t *receive(theatre *t, const char *topic) {
  const json_t *told = tell(t, "ReceiveMessage",
                            json_pack("{s:s, s:[s]}", "QueueUrl", url(t, topic),
                                      "MessageAttributeNames", "All"));
  return json_array_get(json_object_get(told, "Messages"), 0);
}

static const char *text_of(const json_t *json, const char *name) {
  return json_string_value(json_object_get(json, name));
}

/* ---- a get, and what it brings ------------------------------------------- */

typedef struct delivery {
  unsigned times;
  brrr_status status;
  int64_t num;
  char message[64], receipt[1024];
} delivery;

static void keep(void *ud, const brrr_reply *r) {
  delivery *d = ud;
  d->times++;
  d->status = r->status;
  d->num = r->num;
  (void)snprintf(d->message, sizeof d->message, "%.*s", (int)r->value.len,
                 r->value.ptr ? (const char *)r->value.ptr : "");
  assert_true(r->receipt.len < sizeof d->receipt);
  (void)snprintf(d->receipt, sizeof d->receipt, "%.*s", (int)r->receipt.len,
                 r->receipt.ptr ? (const char *)r->receipt.ptr : "");
}

static void get(const subject *s, delivery *d) {
  const brrr_effect e = GET("t");
  *d = (delivery){0};
  s->backend.submit(s->backend.self, &e, (brrr_done){keep, d});
}

static delivery take(const subject *s) {
  delivery d;
  get(s, &d);
  s->wait(s->ud, &d.times);
  assert_int_equal(d.status, BRRR_OK);
  assert_true(strlen(d.receipt) > 0);
  return d;
}

static void acknowledge(const subject *s, const delivery *d) {
  expect(s,
         (brrr_effect){.type = BRRR_QUEUE_ACK,
                       .name = BRRR_LIT("t"),
                       .receipt = brrr_bytes_str(d->receipt)},
         BRRR_OK, NULL);
}

/* ---- tests --------------------------------------------------------------- */

static void test_contract(void **state) {
  const theatre *t = *state;
  contract_queue(&t->subject);
}

/* [SQS-2]: as long as SQS takes, and one octet more; with the mark and in
 * base64, too. */
static void test_sizes(void **state) {
  const theatre *t = *state;
  const size_t most = 262144, most_binary = (most - 7) / 4 * 3;
  uint8_t *octets = malloc(most + 1);
  assert_non_null(octets);
  for (int binary = 0; binary < 2; binary++) {
    const size_t len = binary ? most_binary : most;
    memset(octets, 'x', most + 1);
    octets[0] = binary ? 0 : 'x';
    brrr_effect e = {
        .type = BRRR_QUEUE_PUT, .name = BRRR_LIT("t"), .value = {octets, len}};
    expect(&t->subject, e, BRRR_OK, NULL);
    answer a = ask(&t->subject, GET("t"));
    assert_bytes(a.value, e.value);
    answer_drop(&a);
    e.value.len++;
    a = ask(&t->subject, e);
    assert_int_equal(a.status, BRRR_E_IO);
    assert_non_null(strstr(brrr_sqs_error(t->sqs), "262144"));
    answer_drop(&a);
  }
  free(octets);
}

static void test_wrong_topics(void **state) {
  const theatre *t = *state;
  expect(&t->subject, PUT("", "m"), BRRR_E_TOPIC, NULL);
  expect(&t->subject, GET("t-dead"), BRRR_E_TOPIC, NULL);
  assert_non_null(strstr(brrr_sqs_error(t->sqs), "-dead"));
  expect(&t->subject,
         (brrr_effect){.type = BRRR_QUEUE_ACK, .name = BRRR_LIT("t")},
         BRRR_E_MISUSE, NULL);
  expect(&t->subject, (brrr_effect){.type = BRRR_STORE_GET}, BRRR_E_MISUSE,
         NULL);
}

/* Many gets share polls; each message has one taker. */
static void test_many(void **state) {
  enum { N = 64 };
  theatre *t = *state;
  static delivery d[N];
  bool seen[N] = {false};
  for (int i = 0; i < N; i++)
    get(&t->subject, &d[i]);
  for (int i = 0; i < N; i++) {
    char text[8];
    (void)snprintf(text, sizeof text, "%d", i);
    expect(&t->subject,
           (brrr_effect){.type = BRRR_QUEUE_PUT,
                         .name = BRRR_LIT("t"),
                         .value = brrr_bytes_str(text)},
           BRRR_OK, NULL);
  }
  for (int i = 0; i < N; i++) {
    stage_wait(&t->stage, &d[i].times);
    assert_int_equal(d[i].status, BRRR_OK);
    const long n = strtol(d[i].message, NULL, 10);
    assert_in_range(n, 0, N - 1);
    assert_false(seen[n]);
    seen[n] = true;
  }
  for (int i = 0; i < N; i++)
    acknowledge(&t->subject, &d[i]);
  assert_int_equal(messages(t, "t", false) + messages(t, "t", true), 0);
}

/* [QUEUE-10] [SQS-5]: nobody else sees it, however long it takes; after the
 * acknowledgement it is gone. */
static void test_held(void **state) {
  theatre *t = *state;
  brrr_sqs *other = open_queue(t, 0);
  const subject others = subject_of(t, other);
  expect(&t->subject, PUT("t", "m"), BRRR_OK, NULL);
  const delivery d = take(&t->subject);
  assert_int_equal(d.num, 0);
  delivery none;
  get(&others, &none);
  stage_run_ms(&t->stage, VISIBLE_S * 1000 + 1500);
  assert_int_equal(none.times, 0);
  assert_int_equal(messages(t, "t", true), 1);
  acknowledge(&t->subject, &d);
  assert_int_equal(messages(t, "t", false) + messages(t, "t", true), 0);
  close_queue(t, other);
  assert_int_equal(none.times, 1);
  assert_int_equal(none.status, BRRR_CLOSED);
  assert_null(strstr(brrr_sqs_error(t->sqs), "delivered again"));
}

/* [QUEUE-11] [QUEUE-12] [QUEUE-21]: who held it is gone: it comes again, and
 * the reply says so; too often, and it is set aside. */
static void test_redelivered(void **state) {
  theatre *t = *state;
  expect(&t->subject, PUT("t", "m"), BRRR_OK, NULL);
  (void)take(&t->subject);
  close_queue(t, t->sqs);
  t->sqs = open_queue(t, 2);
  t->subject = subject_of(t, t->sqs);
  const delivery d = take(&t->subject);
  assert_string_equal(d.message, "m");
  assert_int_equal(d.num, 1);
  close_queue(t, t->sqs);

  t->sqs = open_queue(t, 2);
  t->subject = subject_of(t, t->sqs);
  delivery waits;
  get(&t->subject, &waits);
  stage_run_ms(&t->stage, VISIBLE_S * 1000 + 500);
  assert_int_equal(waits.times, 0);
  assert_int_equal(messages(t, "t", false) + messages(t, "t", true), 0);
  const json_t *dead = receive(t, "t-dead");
  assert_string_equal(text_of(dead, "Body"), "m");
  expect(&t->subject, PUT("t", "next"), BRRR_OK, NULL);
  stage_wait(&t->stage, &waits.times);
  assert_string_equal(waits.message, "next");
}

/* [QUEUE-20] [SQS-6] */
static void test_dead_letter(void **state) {
  theatre *t = *state;
  const brrr_error why = {
      .status = BRRR_E_RECORD, .reason = "not a list", .requirement = "REC-20"};
  expect(&t->subject, PUT("t", "\xff"), BRRR_OK, NULL);
  const delivery d = take(&t->subject);
  expect(&t->subject,
         (brrr_effect){.type = BRRR_QUEUE_DEAD,
                       .name = BRRR_LIT("t"),
                       .value = BRRR_LIT("\xff"),
                       .receipt = brrr_bytes_str(d.receipt),
                       .error = &why,
                       .detail = BRRR_LIT("words")},
         BRRR_OK, NULL);
  assert_int_equal(messages(t, "t", false) + messages(t, "t", true), 0);
  const json_t *dead = receive(t, "t-dead");
  assert_string_equal(text_of(dead, "Body"), "base64:/w==");
  const json_t *reason =
      json_object_get(json_object_get(dead, "MessageAttributes"), "reason");
  assert_string_equal(text_of(reason, "StringValue"),
                      "not a list [REC-20], at 0: words");
}

/* [SQS-3]: a queue that is deleted meanwhile is made again. */
static void test_deleted_queue(void **state) {
  theatre *t = *state;
  expect(&t->subject, PUT("t", "1"), BRRR_OK, NULL);
  (void)tell(t, "DeleteQueue", json_pack("{s:s}", "QueueUrl", url(t, "t")));
  expect(&t->subject, PUT("t", "2"), BRRR_OK, NULL);
  assert_string_equal(take(&t->subject).message, "2");
  (void)tell(t, "DeleteQueue", json_pack("{s:s}", "QueueUrl", url(t, "t")));
  delivery d;
  get(&t->subject, &d);
  expect(&t->subject, PUT("t", "3"), BRRR_OK, NULL);
  stage_wait(&t->stage, &d.times);
  assert_string_equal(d.message, "3");
}

static void test_wake(void **state) {
  enum { N = 55 }; /* more than polls are under way for */
  theatre *t = *state;
  static delivery d[N];
  for (size_t i = 0; i < N; i++)
    get(&t->subject, &d[i]);
  stage_run_ms(&t->stage, 100);
  const uint64_t before = uv_hrtime();
  t->subject.backend.wake(t->subject.backend.self);
  for (size_t i = 0; i < N; i++) {
    stage_wait(&t->stage, &d[i].times);
    assert_int_equal(d[i].status, BRRR_EMPTY);
  }
  assert_true(uv_hrtime() - before < 3000000000u);
  /* Whoever asks afterwards waits as ever. The server has not noticed that a
   * poll was dropped: the message comes when that poll's time with it is over.
   */
  get(&t->subject, &d[0]);
  stage_run_ms(&t->stage, 400);
  assert_int_equal(d[0].times, 0);
  expect(&t->subject, PUT("t", "x"), BRRR_OK, NULL);
  stage_wait(&t->stage, &d[0].times);
  assert_string_equal(d[0].message, "x");
}

/* Whenever the wake comes: what the gets do not bring is still there. */
static void test_wake_loses_nothing(void **state) {
  enum { N = 4, ROUNDS = 12 };
  theatre *t = *state;
  unsigned put = 0, taken = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    delivery d[N];
    for (size_t i = 0; i < N; i++)
      get(&t->subject, &d[i]);
    for (unsigned turn = 0; turn < round; turn++)
      uv_run(&t->stage.loop, UV_RUN_NOWAIT);
    for (unsigned i = 0; i < round % 3; i++, put++)
      expect(&t->subject, PUT("t", "x"), BRRR_OK, NULL);
    t->subject.backend.wake(t->subject.backend.self);
    for (size_t i = 0; i < N; i++) {
      stage_wait(&t->stage, &d[i].times);
      taken += d[i].status == BRRR_OK;
    }
  }
  assert_true(taken > 0);
  assert_int_equal(messages(t, "t", false) + messages(t, "t", true), put);
}

static void test_options(void **state) {
  theatre *t = *state;
  brrr_sqs *q = NULL;
  const brrr_sqs_options wrong[] = {{.aws = place(t), .prefix = "a.b"},
                                    {.aws = place(t), .visible_s = 2},
                                    {.aws = place(t), .visible_s = 43201},
                                    {.aws = {.endpoint = "x",
                                             .region = "r",
                                             .access_key_id = "k",
                                             .secret_access_key = "s"}}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const char *why = NULL;
    assert_int_equal(
        brrr_sqs_new(&q, (brrr_alloc){0}, &t->stage.loop, &wrong[i], &why),
        BRRR_E_MISUSE);
    assert_non_null(why);
    assert_int_equal(
        brrr_sqs_new(&q, (brrr_alloc){0}, &t->stage.loop, &wrong[i], NULL),
        BRRR_E_MISUSE);
  }
  assert_null(q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(test_contract),     TEST(test_sizes),
      TEST(test_wrong_topics), TEST(test_many),
      TEST(test_held),         TEST(test_redelivered),
      TEST(test_dead_letter),  TEST(test_deleted_queue),
      TEST(test_wake),         TEST(test_wake_loses_nothing),
      TEST(test_options),
  };
  return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
