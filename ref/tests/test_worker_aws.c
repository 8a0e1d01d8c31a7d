/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_aws.c - workers over SQS and DynamoDB: a graph, acknowledgements,
 * a message whose worker is gone.
 */
#include "scene.h"
#include "service.h"

#include <brrr/dynamodb.h>
#include <brrr/memory.h>
#include <brrr/sqs.h>

#include <stdio.h>

typedef struct theatre {
  service dynamodb_service, sqs_service;
  stage stage;
  heap heap;
  unsigned tests;
  char name[16]; /* of the table, and the prefix of the queues */
  brrr_dynamodb *dynamodb;
  brrr_sqs *sqs;
  brrr_memory *memory;
  unsigned puts, acks; /* of messages, submitted */
} theatre;

static int group_setup(void **state) {
  theatre *t = calloc(1, sizeof *t);
  assert_non_null(t);
  *state = t;
  service_start_dynamodb(&t->dynamodb_service);
  service_start_sqs(&t->sqs_service);
  return 0;
}

static int group_teardown(void **state) {
  theatre *t = *state;
  service_stop(&t->dynamodb_service);
  service_stop(&t->sqs_service);
  free(t);
  return 0;
}

static brrr_aws_options place(const service *s) {
  return (brrr_aws_options){.endpoint = s->url,
                            .region = "us-east-1",
                            .access_key_id = "brrr",
                            .secret_access_key = "secret"};
}

static void open_sqs(theatre *t) {
  assert_int_equal(
      brrr_sqs_new(&t->sqs, heap_alloc(&t->heap), &t->stage.loop,
                   &(brrr_sqs_options){.aws = place(&t->sqs_service),
                                       .prefix = t->name,
                                       .visible_s = 3},
                   NULL),
      BRRR_OK);
}

static int setup(void **state) {
  theatre *t = *state;
  answer a;
  t->heap = (heap){0};
  t->puts = t->acks = 0;
  (void)snprintf(t->name, sizeof t->name, "test%u", ++t->tests);
  stage_init(&t->stage);
  assert_int_equal(brrr_memory_new(&t->memory, (brrr_alloc){0}), BRRR_OK);
  assert_int_equal(
      brrr_dynamodb_new(
          &t->dynamodb, heap_alloc(&t->heap), &t->stage.loop,
          &(brrr_dynamodb_options){.aws = place(&t->dynamodb_service),
                                   .table = t->name},
          NULL),
      BRRR_OK);
  brrr_dynamodb_create_table(t->dynamodb, answer_into(&a));
  stage_wait(&t->stage, &a.times);
  assert_int_equal(a.status, BRRR_OK);
  answer_drop(&a);
  open_sqs(t);
  return 0;
}

static void count_up(void *ud) { ++*(unsigned *)ud; }

static void close_sqs(theatre *t) {
  unsigned closed = 0;
  brrr_sqs_close(t->sqs, count_up, &closed);
  stage_wait(&t->stage, &closed);
}

static int teardown(void **state) {
  theatre *t = *state;
  unsigned closed = 0;
  close_sqs(t);
  brrr_dynamodb_close(t->dynamodb, count_up, &closed);
  stage_wait(&t->stage, &closed);
  brrr_memory_free(t->memory);
  stage_free(&t->stage);
  assert_int_equal(t->heap.live, 0);
  return 0;
}

/* One backend for all roles, as a scene has it. */
static void submit(void *self, const brrr_effect *e, brrr_done done) {
  theatre *t = self;
  brrr_backend b = brrr_sqs_backend(t->sqs);
  t->puts += e->type == BRRR_QUEUE_PUT;
  t->acks += e->type == BRRR_QUEUE_ACK;
  if (e->type <= BRRR_STORE_CAD)
    b = brrr_dynamodb_backend(t->dynamodb);
  else if (e->type == BRRR_CACHE_INCR)
    b = brrr_memory_backend(t->memory);
  b.submit(b.self, e, done);
}

static void wake(void *self) {
  const brrr_backend b = brrr_sqs_backend(((theatre *)self)->sqs);
  b.wake(b.self);
}

static void begin(scene *s, theatre *t) {
  s->subject = (subject){
      {.submit = submit, .self = t, .wake = wake}, stage_wait, &t->stage};
  s->alloc = heap_alloc(&t->heap);
  scene_init(s, &t->stage);
  scene_start(s);
}

static void stop(scene *s) {
  const uint64_t before = uv_hrtime();
  brrr_worker_stop(s->worker);
  scene_end(s, BRRR_OK);
  assert_true(uv_hrtime() - before < 5000000000u); /* no long poll delays it */
  scene_free(s);
}

static bool all_acknowledged(void *ud) {
  const theatre *t = ud;
  return t->acks >= t->puts; /* one may be tried twice */
}

/* A graph, by one worker; each message is acknowledged, and none is left. */
static void test_graph(void **state) {
  theatre *t = *state;
  scene s = {.concurrency = 8};
  begin(&s, t);
  scene_call(&s, "parent", "join", "abcdefghijkl");
  scene_until_value(&s, "parent");
  scene_expect_value(&s, "parent", "abcdefghijkl");
  assert_int_equal(s.problem_count, 0);
  stage_until(&t->stage, all_acknowledged, t); /* late wake-ups, too */
  stop(&s);
  answer a;
  const brrr_effect get = {.type = BRRR_QUEUE_GET, .name = BRRR_LIT("t")};
  submit(t, &get, answer_into(&a));
  stage_run_ms(&t->stage, 4000); /* longer than a message stays invisible */
  assert_int_equal(a.times, 0);
  wake(t);
  stage_wait(&t->stage, &a.times);
  assert_int_equal(a.status, BRRR_EMPTY);
  answer_drop(&a);
}

/* Somebody took the message and was never seen again [QUEUE-11]. */
static void test_lost_worker(void **state) {
  theatre *t = *state;
  scene s = {.concurrency = 2};
  begin(&s, t);
  stop(&s);
  scene again = {.concurrency = 2};
  again.subject = s.subject;
  scene_init(&again, &t->stage);
  scene_call(&again, "p", "join", "ab");
  answer lost = ask(&again.subject, (brrr_effect){.type = BRRR_QUEUE_GET,
                                                  .name = BRRR_LIT("t")});
  assert_int_equal(lost.status, BRRR_OK);
  answer_drop(&lost);
  close_sqs(t);
  open_sqs(t);
  again.alloc = heap_alloc(&t->heap);
  scene_start(&again);
  scene_until_value(&again, "p");
  scene_expect_value(&again, "p", "ab");
  stop(&again);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(test_graph),
      TEST(test_lost_worker),
  };
  return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
