/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_memory.c - the backend in memory: the contract, waiting gets, and what
 * a callback may do.
 */
#include "answers.h"

#include <brrr/memory.h>

#include <stdio.h>

static void wait_not(void *ud, const unsigned *times) {
  (void)ud;
  assert_true(*times > 0); /* every effect ends at once */
}

static subject subject_new(brrr_memory **m) {
  assert_int_equal(brrr_memory_new(m, (brrr_alloc){0}), BRRR_OK);
  return (subject){.backend = brrr_memory_backend(*m), .wait = wait_not};
}

static void test_contract(void **state) {
  (void)state;
  brrr_memory *m;
  subject s = subject_new(&m);
  contract_store(&s);
  contract_store_odd(&s);
  contract_cache(&s);
  contract_queue(&s);
  contract_size(&s, 1);
  contract_size(&s, (size_t)16 << 20);
  brrr_memory_free(m);
}

static brrr_effect take(const char *topic) {
  return (brrr_effect){.type = BRRR_QUEUE_GET, .name = brrr_bytes_str(topic)};
}

static brrr_effect put(const char *topic, const char *message) {
  return (brrr_effect){.type = BRRR_QUEUE_PUT,
                       .name = brrr_bytes_str(topic),
                       .value = brrr_bytes_str(message)};
}

static void test_wake_ends_waiting_gets_only(void **state) {
  (void)state;
  brrr_memory *m;
  subject s = subject_new(&m);
  answer a[3], later;
  const brrr_effect t = take("t"), u = take("u");
  s.backend.submit(m, &t, answer_into(&a[0]));
  s.backend.submit(m, &u, answer_into(&a[1]));
  s.backend.submit(m, &t, answer_into(&a[2]));
  s.backend.wake(m);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(a[i].times, 1);
    assert_int_equal(a[i].status, BRRR_EMPTY);
    answer_drop(&a[i]);
  }
  /* The topics are as good as new. */
  expect(&s, put("t", "x"), BRRR_OK, NULL);
  s.backend.submit(m, &u, answer_into(&later));
  assert_int_equal(later.times, 0);
  expect(&s, t, BRRR_OK, "x");
  expect(&s, put("u", "y"), BRRR_OK, NULL);
  assert_int_equal(later.times, 1);
  assert_bytes_str(later.value, "y");
  answer_drop(&later);
  brrr_memory_free(m);
}

static void test_close(void **state) {
  (void)state;
  brrr_memory *m;
  subject s = subject_new(&m);
  answer waiting;
  const brrr_effect t = take("t");
  expect(&s, put("full", "x"), BRRR_OK, NULL);
  s.backend.submit(m, &t, answer_into(&waiting));
  brrr_memory_close(m);
  assert_int_equal(waiting.times, 1);
  assert_int_equal(waiting.status, BRRR_CLOSED);
  answer_drop(&waiting);
  expect(&s, t, BRRR_CLOSED, NULL);
  expect(&s, take("full"), BRRR_OK, "x"); /* what is there can be had */
  expect(&s, take("full"), BRRR_CLOSED, NULL);
  brrr_memory_free(m);
}

static void test_free_ends_waiting_gets(void **state) {
  (void)state;
  brrr_memory *m;
  subject s = subject_new(&m);
  answer waiting;
  const brrr_effect t = take("t");
  s.backend.submit(m, &t, answer_into(&waiting));
  brrr_memory_free(m);
  assert_int_equal(waiting.status, BRRR_CLOSED);
  answer_drop(&waiting);
}

/* ---- callbacks that use the backend -------------------------------------- */

static void ignore(void *ud, const brrr_reply *reply) {
  (void)ud;
  (void)reply;
}

/* Removes the very thing that it is given, and then looks at it. */
static void remove_and_look(void *ud, const brrr_reply *reply) {
  const subject *s = ud;
  const brrr_key key = KEY(VALUE, "h");
  const brrr_effect set = {
      .type = BRRR_STORE_SET, .key = key, .value = BRRR_LIT("another")};
  const brrr_effect remove = {
      .type = BRRR_STORE_CAD, .key = key, .expected = BRRR_LIT("another")};
  s->backend.submit(s->backend.self, &set, (brrr_done){ignore, NULL});
  s->backend.submit(s->backend.self, &remove, (brrr_done){ignore, NULL});
  assert_bytes_str(reply->value, "first");
}

/* Puts into its own topic, which is empty at that moment. */
static void put_again(void *ud, const brrr_reply *reply) {
  const subject *s = ud;
  const brrr_effect e = put("t", "again");
  s->backend.submit(s->backend.self, &e, (brrr_done){ignore, NULL});
  assert_bytes_str(reply->value, "first");
}

static void test_callback_may_use_the_backend(void **state) {
  (void)state;
  brrr_memory *m;
  subject s = subject_new(&m);
  const brrr_key key = KEY(VALUE, "h");
  const brrr_effect get = {.type = BRRR_STORE_GET, .key = key};
  const brrr_effect t = take("t");
  expect(&s,
         (brrr_effect){
             .type = BRRR_STORE_SET, .key = key, .value = BRRR_LIT("first")},
         BRRR_OK, NULL);
  s.backend.submit(m, &get, (brrr_done){remove_and_look, &s});
  expect(&s, get, BRRR_ABSENT, NULL);

  s.backend.submit(m, &t, (brrr_done){put_again, &s}); /* waits */
  expect(&s, put("t", "first"), BRRR_OK, NULL);
  expect(&s, t, BRRR_OK, "again");
  expect(&s, put("t", "first"), BRRR_OK, NULL);
  s.backend.submit(m, &t, (brrr_done){put_again, &s}); /* finds one */
  expect(&s, t, BRRR_OK, "again");
  brrr_memory_free(m);
}

/* ---- size and memory ----------------------------------------------------- */

static void test_many_keys(void **state) {
  (void)state;
  enum { N = 100000 };
  brrr_memory *m;
  subject s = subject_new(&m);
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < N; i++) {
      char text[16];
      (void)snprintf(text, sizeof text, "%d", i);
      const brrr_bytes octets = brrr_bytes_str(text);
      const brrr_key key = {BRRR_KIND_VALUE, octets};
      if (pass == 0)
        expect(&s,
               (brrr_effect){
                   .type = BRRR_STORE_SET_NEW, .key = key, .value = octets},
               BRRR_OK, NULL);
      else
        expect(&s,
               (brrr_effect){
                   .type = BRRR_STORE_CAD, .key = key, .expected = octets},
               BRRR_OK, NULL);
    }
  brrr_memory_free(m);
}

/* An effect without memory ends in BRRR_E_NOMEM and changes nothing. */
static void act(brrr_memory *m, const brrr_effect *e, answer *a) {
  const brrr_backend b = brrr_memory_backend(m);
  b.submit(b.self, e, answer_into(a));
}

static void sweep_once(heap *h, void *ud) {
  (void)ud;
  const brrr_key key = KEY(VALUE, "h");
  const brrr_effect effects[] = {
      {.type = BRRR_STORE_SET, .key = key, .value = BRRR_LIT("1")},
      {.type = BRRR_STORE_CAS,
       .key = key,
       .value = BRRR_LIT("22"),
       .expected = BRRR_LIT("1")},
      {.type = BRRR_STORE_GET, .key = key},
      {.type = BRRR_CACHE_INCR, .name = BRRR_LIT("n")},
      put("t", "x"),
      take("t"),
      take("waits"),
  };
  enum { N = sizeof effects / sizeof *effects };
  answer a[N];
  brrr_memory *m;
  if (brrr_memory_new(&m, heap_alloc(h)) != BRRR_OK) {
    assert_int_equal(h->fail_at, 1);
    return;
  }
  size_t failed = 0;
  for (size_t i = 0; i < N; i++) {
    act(m, &effects[i], &a[i]);
    failed += a[i].times && a[i].status == BRRR_E_NOMEM;
    if (i == 2 && a[1].status == BRRR_E_NOMEM)
      assert_bytes_str(a[2].value, "1");
    if (i == 5 && a[4].status != BRRR_OK)
      assert_int_equal(a[5].times, 0); /* nothing was put */
  }
  assert_int_equal(failed, h->fail_at > 0);
  brrr_memory_free(m);
  for (size_t i = 0; i < N; i++) {
    assert_int_equal(a[i].times, 1);
    answer_drop(&a[i]);
  }
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(sweep_once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_contract),
      cmocka_unit_test(test_wake_ends_waiting_gets_only),
      cmocka_unit_test(test_close),
      cmocka_unit_test(test_free_ends_waiting_gets),
      cmocka_unit_test(test_callback_may_use_the_backend),
      cmocka_unit_test(test_many_keys),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
