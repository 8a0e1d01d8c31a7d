/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_connect.c - backends by URL: who shares, what is refused, what is left.
 */
#include "stage.h"

#include <brrr/connect.h>

static void on_closed(void *ud) { ++*(unsigned *)ud; }

static brrr_status connect_to(brrr_connection **out, stage *s, heap *h,
                              const char *queue, const char *store,
                              const char *cache, const char **why) {
  const brrr_connect_options options = {.loop = &s->loop,
                                        .alloc = heap_alloc(h),
                                        .queue = queue,
                                        .store = store,
                                        .cache = cache};
  return brrr_connect(out, &options, why);
}

static void test_refused(void **state) {
  static const struct {
    const char *queue, *store, *cache, *why;
  } all[] = {
      {NULL, "memory:", "memory:", "there is no URL for the queue"},
      {"memory:", "memory:", NULL, "there is no URL for the cache"},
      {"http://x", "memory:", "memory:",
       "the URL for the queue has a scheme that is not known"},
      {"memory:", "",
       "memory:", "the URL for the store has a scheme that is not known"},
      {"memory:x",
       "memory:", "memory:", "the URL for the queue is not well-formed"},
      {"memory:", "redis://h:0",
       "memory:", "the URL for the store is not well-formed"},
      {"memory:", "dynamodb://t?endpoint=", "memory:",
       "the URL for the store is not well-formed"},
      {"memory:", "dynamodb://t?endpoint=%zz",
       "memory:", "the URL for the store is not well-formed"},
      {"memory:", "dynamodb://t?endpoint=%00",
       "memory:", "the URL for the store is not well-formed"},
      {"memory:", "dynamodb://t?region=a&region=b",
       "memory:", "the URL for the store is not well-formed"},
      {"memory:", "dynamodb://t?color=b",
       "memory:", "the URL for the store is not well-formed"},
      {"memory:", "dynamodb://t/u",
       "memory:", "the URL for the store is not well-formed"},
      {"dynamodb://t", "memory:", "memory:",
       "the URL for the queue is of something that is no queue"},
      {"memory:", "sqs://",
       "memory:", "the URL for the store is of something that is no store"},
      {"memory:", "memory:", "dynamodb://t",
       "the URL for the cache is of something that is no cache"},
      {"redis://h", "redis://h/1", "redis://h/x",
       "the URL for the cache is not well-formed"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    stage s;
    heap h = {0};
    brrr_connection *c = NULL;
    const char *why = NULL;
    stage_init(&s);
    assert_int_equal(
        connect_to(&c, &s, &h, all[i].queue, all[i].store, all[i].cache, &why),
        BRRR_E_MISUSE);
    assert_string_equal(why, all[i].why);
    assert_int_equal(
        connect_to(&c, &s, &h, all[i].queue, all[i].store, all[i].cache, NULL),
        BRRR_E_MISUSE);
    assert_null(c);
    stage_free(&s);
    assert_int_equal(h.live, 0);
  }
}

static void close_and_wait(stage *s, brrr_connection *c) {
  unsigned closed = 0;
  brrr_connection_close(c, on_closed, &closed);
  assert_int_equal(closed, 0); /* from the loop */
  stage_wait(s, &closed);
  assert_int_equal(closed, 1);
}

/* Roles with one URL share a backend; those with two don't. */
static void test_shared(void **state) {
  stage s;
  heap h = {0};
  brrr_connection *c = NULL;
  (void)state;
  stage_init(&s);
  assert_int_equal(
      connect_to(&c, &s, &h, "memory:", "redis://h", "memory:", NULL), BRRR_OK);
  brrr_backends b = brrr_connection_backends(c);
  assert_ptr_equal(b.queue.self, b.cache.self);
  assert_ptr_not_equal(b.queue.self, b.store.self);
  close_and_wait(&s, c);
  assert_int_equal(
      connect_to(&c, &s, &h, "unix:///a", "unix:///a?db=1", "redis://h", NULL),
      BRRR_OK);
  b = brrr_connection_backends(c);
  assert_ptr_not_equal(b.queue.self, b.cache.self);
  assert_ptr_not_equal(b.queue.self, b.store.self);
  close_and_wait(&s, c);
  stage_free(&s);
  assert_int_equal(h.live, 0);
}

/* Amazon's may be anywhere; what they lack they say. */
static void test_amazon(void **state) {
  stage s;
  heap h = {0};
  brrr_connection *c = NULL;
  const char *why = NULL;
  (void)state;
  stage_init(&s);
  (void)unsetenv("AWS_ACCESS_KEY_ID");
  assert_int_equal(connect_to(&c, &s, &h, "memory:",
                              "dynamodb://t?region=r&endpoint=http%3a//h:1",
                              "memory:", &why),
                   BRRR_E_MISUSE);
  assert_non_null(why);
  (void)setenv("AWS_ACCESS_KEY_ID", "id", 1);
  (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  assert_int_equal(connect_to(&c, &s, &h, "sqs://p-?region=r",
                              "dynamodb://t?region=r&endpoint=http%3A//h:1",
                              "memory:", &why),
                   BRRR_OK);
  close_and_wait(&s, c);
  stage_free(&s);
  assert_int_equal(h.live, 0);
}

static void on_reply(void *ud, const brrr_reply *reply) {
  *(brrr_status *)ud = reply->status;
}

static void test_client(void **state) {
  stage s;
  heap h = {0};
  brrr_connection *c = NULL;
  brrr_status status = BRRR_WAIT;
  (void)state;
  stage_init(&s);
  const brrr_connect_options options = {
      .loop = &s.loop, .alloc = heap_alloc(&h), .url = "memory:"};
  assert_int_equal(brrr_connect(&c, &options, NULL), BRRR_OK);
  brrr_client client = brrr_connection_client(c);
  const brrr_call call = {BRRR_LIT("h"), BRRR_LIT("task"), BRRR_LIT("[]")};
  brrr_schedule(&client, BRRR_LIT("t"), &call, (brrr_done){on_reply, &status});
  assert_int_equal(status, BRRR_OK);
  brrr_read(&client, BRRR_LIT("h"), (brrr_done){on_reply, &status});
  assert_int_equal(status, BRRR_ABSENT);
  close_and_wait(&s, c);
  stage_free(&s);
  assert_int_equal(h.live, 0);
}

static void connect_once(heap *h, void *ud) {
  stage s;
  brrr_connection *c = NULL;
  (void)ud;
  stage_init(&s);
  brrr_status status =
      connect_to(&c, &s, h, "redis://h", "memory:", "redis://a", NULL);
  if (status == BRRR_OK)
    brrr_connection_close(c, NULL, NULL);
  else
    assert_int_equal(status, BRRR_E_NOMEM);
  stage_free(&s);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(connect_once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused), cmocka_unit_test(test_shared),
      cmocka_unit_test(test_amazon),  cmocka_unit_test(test_client),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
