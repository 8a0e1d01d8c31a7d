/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_sqs_faults.c - the SQS backend over a server that answers by a script:
 * what is sent for each effect, lost and odd answers, the end, memory that is
 * out.
 */
#include "answers.h"
#include "web.h"

#include <brrr/sqs.h>
#include <jansson.h>

#define URL "{\"QueueUrl\":\"u\"}"
#define NO_QUEUE "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"
#define MESSAGES(all) "{\"Messages\":[" all "]}"
#define MESSAGE(body, count)                                                   \
  "{\"Body\":\"" body "\",\"ReceiptHandle\":\"r" body "\",\"Attributes\":"     \
  "{\"ApproximateReceiveCount\":\"" count "\"}}"

typedef struct theatre {
  stage stage;
  heap heap;
  web web;
  brrr_sqs *sqs;
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
  return brrr_sqs_new(&t->sqs, alloc, &t->stage.loop,
                      &(brrr_sqs_options){.visible_s = 3,
                                          .aws = {.endpoint = t->web.url,
                                                  .region = "us-east-1",
                                                  .access_key_id = "k",
                                                  .secret_access_key = "s",
                                                  .connect_ms = ms,
                                                  .answer_ms = ms,
                                                  .attempts = 2}},
                      &why);
}

static void open_backend(theatre *t, const web_answer *script, size_t count) {
  web_start(&t->web, &t->stage, script, count);
  t->heap = (heap){0};
  assert_int_equal(create(t, heap_alloc(&t->heap), 5000), BRRR_OK);
  t->subject = (subject){brrr_sqs_backend(t->sqs), stage_wait, &t->stage};
}

static void count_up(void *ud) { ++*(unsigned *)ud; }

static void close_backend(theatre *t) {
  unsigned closed = 0;
  brrr_sqs_close(t->sqs, count_up, &closed);
  stage_wait(&t->stage, &closed);
  web_stop(&t->web);
  assert_int_equal(t->heap.live, 0);
}

static const brrr_error why = {.reason = "bad", .requirement = ""};

static brrr_effect effect(brrr_effect_type type) {
  return (brrr_effect){.type = type,
                       .name = BRRR_LIT("t"),
                       .value = BRRR_LIT("m"),
                       .receipt = BRRR_LIT("rm"),
                       .error = &why};
}

static void start(theatre *t, brrr_effect_type type, answer *a) {
  const brrr_effect e = effect(type);
  t->subject.backend.submit(t->subject.backend.self, &e, answer_into(a));
}

static void assert_asked(const theatre *t, unsigned n, const char *action,
                         const char *body) {
  char target[64];
  (void)snprintf(target, sizeof target, "AmazonSQS.%s", action);
  assert_string_equal(web_header(&t->web, n, "x-amz-target"), target);
  json_t *a = json_loads(t->web.requests[n].body, 0, NULL);
  json_t *b = json_loads(body, 0, NULL);
  assert_non_null(b);
  if (!json_equal(a, b))
    fail_msg("got %s\nwant %s", t->web.requests[n].body, body);
  json_decref(a);
  json_decref(b);
}

/* ---- what is sent -------------------------------------------------------- */

static void test_requests(void **state) {
  theatre *t = *state;
  const web_answer script[] = {
      {400, NO_QUEUE, false},
      {200, URL, false},                         /* find, create */
      {200, "{}", false},                        /* put */
      {200, MESSAGES(MESSAGE("m", "3")), false}, /* get */
      {200, "{}", false},                        /* ack */
      {200, URL, false},                         /* find the other */
      {200, "{}", false},
      {200, "{}", false}}; /* put there, delete here */
  open_backend(t, script, 8);
  expect(&t->subject, effect(BRRR_QUEUE_PUT), BRRR_OK, NULL);
  assert_asked(t, 0, "GetQueueUrl", "{\"QueueName\":\"t\"}");
  assert_asked(t, 1, "CreateQueue",
               "{\"QueueName\":\"t\",\"Attributes\":"
               "{\"MessageRetentionPeriod\":\"1209600\"}}");
  assert_asked(t, 2, "SendMessage",
               "{\"QueueUrl\":\"u\",\"MessageBody\":\"m\"}");
  answer a = ask(&t->subject, effect(BRRR_QUEUE_GET));
  assert_int_equal(a.num, 2);
  assert_bytes_str(a.value, "m");
  answer_drop(&a);
  assert_asked(
      t, 3, "ReceiveMessage",
      "{\"QueueUrl\":\"u\",\"MaxNumberOfMessages\":1,"
      "\"WaitTimeSeconds\":20,\"VisibilityTimeout\":3,"
      "\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\"]}");
  expect(&t->subject, effect(BRRR_QUEUE_ACK), BRRR_OK, NULL);
  assert_asked(t, 4, "DeleteMessage",
               "{\"QueueUrl\":\"u\",\"ReceiptHandle\":\"rm\"}");
  expect(&t->subject, effect(BRRR_QUEUE_DEAD), BRRR_OK, NULL);
  assert_asked(t, 5, "GetQueueUrl", "{\"QueueName\":\"t-dead\"}");
  assert_asked(t, 6, "SendMessage",
               "{\"QueueUrl\":\"u\",\"MessageBody\":\"m\","
               "\"MessageAttributes\":{\"reason\":{\"DataType\":\"String\","
               "\"StringValue\":\"bad, at 0\"}}}");
  assert_asked(t, 7, "DeleteMessage",
               "{\"QueueUrl\":\"u\",\"ReceiptHandle\":\"rm\"}");
  close_backend(t);
}

/* [SQS-5]: each third of the time; not any more after the acknowledgement. */
static void test_renewal(void **state) {
  theatre *t = *state;
  const web_answer script[] = {
      {200, URL, false},
      {200, MESSAGES(MESSAGE("m", "1") "," MESSAGE("n", "1")), false},
      {200, "{\"Failed\":[]}", false}};
  answer a, b;
  open_backend(t, script, 3);
  start(t, BRRR_QUEUE_GET, &a);
  start(t, BRRR_QUEUE_GET, &b);
  web_until(&t->web, 3);
  assert_in_range(t->web.requests[2].at - t->web.requests[1].at, 900, 15000);
  assert_asked(t, 2, "ChangeMessageVisibilityBatch",
               "{\"QueueUrl\":\"u\",\"Entries\":["
               "{\"Id\":\"0\",\"ReceiptHandle\":\"rn\","
               "\"VisibilityTimeout\":3},"
               "{\"Id\":\"1\",\"ReceiptHandle\":\"rm\","
               "\"VisibilityTimeout\":3}]}");
  assert_bytes_str(a.value, "m");
  assert_bytes_str(b.value, "n");
  answer_drop(&a);
  answer_drop(&b);
  expect(&t->subject, effect(BRRR_QUEUE_ACK), BRRR_OK, NULL);
  web_until(&t->web, 5);
  assert_asked(t, 4, "ChangeMessageVisibilityBatch",
               "{\"QueueUrl\":\"u\",\"Entries\":["
               "{\"Id\":\"0\",\"ReceiptHandle\":\"rn\","
               "\"VisibilityTimeout\":3}]}");
  close_backend(t);
}

/* ---- when something goes wrong ------------------------------------------- */

/* Both are answered behind the URL; `asked` counts that, too. Where the
 * connection that brought the URL turns out to be dead, curl asks once more by
 * itself. */
static void play(theatre *t, brrr_effect_type type, web_answer first,
                 web_answer then, brrr_status status, unsigned asked) {
  const web_answer script[] = {{200, URL, false}, first, then};
  open_backend(t, script, 3);
  answer a = ask(&t->subject, effect(type));
  assert_string_equal(brrr_status_name(a.status), brrr_status_name(status));
  assert_int_equal(t->web.asked, asked + (then.status == WEB_CUT));
  if (status < 0)
    assert_true(a.value.len > 0 && *brrr_sqs_error(t->sqs));
  answer_drop(&a);
  close_backend(t);
}

static const web_answer fine = {200, "{}", false};
static const web_answer failures[] = {
    {WEB_CUT, "", false},
    {WEB_HALF, "{}", false},
    {500, "{}", false},
    {503, "<html>", true},
    {200, "garbage", false},
    {400, "{\"__type\":\"x#RequestThrottled\"}", false}};

static void test_sent_again(void **state) {
  theatre *t = *state;
  const web_answer message = {200, MESSAGES(MESSAGE("m", "1")), false};
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    play(t, BRRR_QUEUE_PUT, failures[i], fine, BRRR_OK, 3);
    play(t, BRRR_QUEUE_ACK, failures[i], fine, BRRR_OK, 3);
    play(t, BRRR_QUEUE_GET, failures[i], message, BRRR_OK, 3);
    play(t, BRRR_QUEUE_PUT, failures[i], failures[i], BRRR_E_IO, 3);
    play(t, BRRR_QUEUE_ACK, failures[i], failures[i], BRRR_E_IO, 3);
    play(t, BRRR_QUEUE_GET, failures[i], failures[i], BRRR_E_IO, 3);
  }
}

static void test_refused(void **state) {
  theatre *t = *state;
  const web_answer denied = {403, "{\"__type\":\"AccessDenied\"}", false};
  const web_answer stale = {400, "{\"__type\":\"x#ReceiptHandleIsInvalid\"}",
                            false};
  const web_answer none = {400, NO_QUEUE, false};
  play(t, BRRR_QUEUE_PUT, denied, fine, BRRR_E_IO, 2);
  play(t, BRRR_QUEUE_GET, denied, fine, BRRR_E_IO, 2);
  play(t, BRRR_QUEUE_ACK, denied, fine, BRRR_E_IO, 2);
  /* It cannot be acknowledged any more, now or later. */
  play(t, BRRR_QUEUE_ACK, stale, fine, BRRR_OK, 2);
  play(t, BRRR_QUEUE_ACK, none, fine, BRRR_OK, 2);
  /* The queue cannot be found or created. */
  play(t, BRRR_QUEUE_PUT, none, denied, BRRR_E_IO, 3);
}

static void test_no_url(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{200, "{\"QueueUrl\":7}", false}};
  answer get;
  open_backend(t, script, 1);
  start(t, BRRR_QUEUE_GET, &get);
  expect(&t->subject, effect(BRRR_QUEUE_PUT), BRRR_E_IO,
         "an answer without the URL of a queue");
  stage_wait(&t->stage, &get.times);
  assert_int_equal(get.status, BRRR_E_IO);
  answer_drop(&get);
  close_backend(t);
}

/* Messages that are none are left alone; more than was asked for, too. */
static void test_odd_messages(void **state) {
  theatre *t = *state;
  play(t, BRRR_QUEUE_GET,
       (web_answer){200, MESSAGES("7,{},{\"Body\":\"x\"}"), false},
       (web_answer){200, "{\"Messages\":{}}", false}, BRRR_EMPTY, 3);
  play(t, BRRR_QUEUE_GET,
       (web_answer){200, MESSAGES(MESSAGE("m", "1") "," MESSAGE("n", "x")),
                    false},
       fine, BRRR_OK, 2);
  play(t, BRRR_QUEUE_GET, fine, fine, BRRR_EMPTY, 2);
}

/* ---- the end ------------------------------------------------------------- */

static void test_wake_and_close(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{200, URL, false}, {WEB_SILENT, "", false}};
  answer woken, closed, put;
  open_backend(t, script, 2);
  start(t, BRRR_QUEUE_GET, &woken);
  web_until(&t->web, 2);
  t->subject.backend.wake(t->subject.backend.self);
  assert_int_equal(woken.times, 0); /* a message may be on its way */
  stage_wait(&t->stage, &woken.times);
  assert_int_equal(woken.status, BRRR_EMPTY);
  answer_drop(&woken);
  start(t, BRRR_QUEUE_GET, &woken); /* not sent yet */
  t->subject.backend.wake(t->subject.backend.self);
  assert_int_equal(woken.times, 1);
  answer_drop(&woken);

  start(t, BRRR_QUEUE_GET, &closed);
  start(t, BRRR_QUEUE_PUT, &put);
  web_until(&t->web, 4);
  close_backend(t);
  assert_int_equal(closed.status, BRRR_CLOSED);
  assert_int_equal(put.status, BRRR_E_IO);
  assert_int_equal(closed.times + put.times, 2);
  answer_drop(&closed);
  answer_drop(&put);
}

static void test_close_while_finding(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{WEB_SILENT, "", false}};
  answer get, woken, put;
  open_backend(t, script, 1);
  start(t, BRRR_QUEUE_GET, &woken);
  start(t, BRRR_QUEUE_PUT, &put);
  web_until(&t->web, 1);
  t->subject.backend.wake(t->subject.backend.self);
  start(t, BRRR_QUEUE_GET, &get);
  close_backend(t);
  assert_int_equal(get.times + woken.times + put.times, 3);
  assert_int_equal(get.status, BRRR_CLOSED);
  assert_int_equal(woken.status, BRRR_CLOSED);
  assert_int_equal(put.status, BRRR_E_IO);
  answer_drop(&get);
  answer_drop(&woken);
  answer_drop(&put);
}

/* ---- memory -------------------------------------------------------------- */

/* curl and jansson take theirs from malloc: only ours fails here. */
static void sweep_once(heap *all, void *ud) {
  static const brrr_effect_type types[] = {BRRR_QUEUE_PUT, BRRR_QUEUE_GET,
                                           BRRR_QUEUE_ACK, BRRR_QUEUE_DEAD};
  theatre *t = ud;
  const web_answer script[] = {
      {200, "{\"QueueUrl\":\"u\",\"Messages\":[" MESSAGE("m", "1") "]}",
       false}};
  web_start(&t->web, &t->stage, script, 1);
  if (create(t, heap_alloc(all), 200) != BRRR_OK) {
    assert_true(all->fail_at > 0);
    web_stop(&t->web);
    return;
  }
  const subject s = {brrr_sqs_backend(t->sqs), stage_wait, &t->stage};
  for (size_t i = 0; i < 4; i++) {
    answer a = ask(&s, effect(types[i]));
    assert_true(a.status == BRRR_OK || (a.status < 0 && all->fail_at));
    answer_drop(&a);
  }
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
      TEST(test_renewal),
      TEST(test_sent_again),
      TEST(test_refused),
      TEST(test_no_url),
      TEST(test_odd_messages),
      TEST(test_wake_and_close),
      TEST(test_close_while_finding),
      TEST(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
