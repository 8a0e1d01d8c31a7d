/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_client.c - schedule and read, over the backend in memory.
 */
#include "answers.h"
#include "toy.h"

#include <brrr/memory.h>

#include <stdio.h>

static void wait_not(void *ud, const unsigned *times) {
  (void)ud;
  assert_true(*times > 0);
}

/* "Random" octets that the test knows. */
typedef struct dice {
  uint8_t octets[16];
  brrr_status status;
} dice;

static brrr_status roll(void *ud, uint8_t *out, size_t len) {
  const dice *d = ud;
  assert_int_equal(len, sizeof d->octets);
  if (d->status == BRRR_OK)
    memcpy(out, d->octets, len);
  return d->status;
}

typedef struct setup {
  brrr_memory *memory;
  subject subject;
  brrr_client client;
  dice dice;
} setup;

static void setup_init(setup *s, brrr_alloc alloc) {
  *s = (setup){.dice = {.octets = {0}}};
  assert_int_equal(brrr_memory_new(&s->memory, (brrr_alloc){0}), BRRR_OK);
  const brrr_backend b = brrr_memory_backend(s->memory);
  s->subject = (subject){b, wait_not, NULL};
  s->client = (brrr_client){
      .backends = {b, b, b}, .alloc = alloc, .random = roll, .ud = &s->dice};
}

static const brrr_call leaf = {.call_hash = BRRR_INIT("h"),
                               .task_name = BRRR_INIT("leaf"),
                               .payload = BRRR_INIT("[1]")};

static brrr_status schedule(setup *s, const char *topic) {
  answer a;
  brrr_schedule(&s->client, brrr_bytes_str(topic), &leaf, answer_into(&a));
  assert_int_equal(a.times, 1);
  answer_drop(&a);
  return a.status;
}

static void expect_call(setup *s, brrr_status status) {
  expect(&s->subject,
         (brrr_effect){.type = BRRR_STORE_HAS, .key = KEY(CALL, "h")}, status,
         NULL);
}

/* The message that lies on the topic "t". */
static void expect_message(setup *s, const char *message) {
  expect(&s->subject,
         (brrr_effect){.type = BRRR_QUEUE_GET, .name = BRRR_LIT("t")}, BRRR_OK,
         message);
}

/* [SCHED-3]: RFC 4648, checked with another implementation. */
static void test_root_id(void **state) {
  static const struct {
    uint8_t octets[16];
    const char *root_id;
  } cases[] = {
      {{0}, "AAAAAAAAAAAAAAAAAAAAAA"},
      {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255},
       "_____________________w"},
      {{0xfb, 0xef, 0xbe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
       "----AQIDBAUGBwgJCgsMDQ"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char message[64];
    setup s;
    setup_init(&s, (brrr_alloc){0});
    memcpy(s.dice.octets, cases[i].octets, 16);
    assert_int_equal(schedule(&s, "t"), BRRR_OK);
    (void)snprintf(message, sizeof message, "li2e22:%s1:he", cases[i].root_id);
    expect_message(&s, message);
    brrr_memory_free(s.memory);
  }
}

static void test_schedule_and_read(void **state) {
  (void)state;
  const brrr_effect set_value = {.type = BRRR_STORE_SET,
                                 .key = KEY(VALUE, "h"),
                                 .value = BRRR_LIT("v\0w")};
  setup s;
  answer a;
  setup_init(&s, (brrr_alloc){0});
  brrr_read(&s.client, leaf.call_hash, answer_into(&a));
  assert_int_equal(a.times, 1);
  assert_int_equal(a.status, BRRR_ABSENT);
  answer_drop(&a);

  assert_int_equal(schedule(&s, "t"), BRRR_OK);
  expect(&s.subject,
         (brrr_effect){.type = BRRR_STORE_GET, .key = KEY(CALL, "h")}, BRRR_OK,
         "d7:payload3:[1]9:task_name4:leafe");
  expect_message(&s, "li2e22:AAAAAAAAAAAAAAAAAAAAAA1:he");
  expect(&s.subject, set_value, BRRR_OK, NULL);

  brrr_read(&s.client, leaf.call_hash, answer_into(&a));
  assert_int_equal(a.status, BRRR_OK);
  assert_bytes(a.value, BRRR_LIT("v\0w"));
  answer_drop(&a);
  assert_int_equal(schedule(&s, "t"), BRRR_OK); /* [SCHED-1]: puts nothing */
  brrr_memory_close(s.memory);
  expect(&s.subject,
         (brrr_effect){.type = BRRR_QUEUE_GET, .name = BRRR_LIT("t")},
         BRRR_CLOSED, NULL);
  brrr_memory_free(s.memory);
}

/* The same for a call of an app: the codec makes it. */
static void test_app(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_app app = {.codec = &codec};
  const int64_t n = 3, bad = TOY_BAD_ARGS;
  const brrr_ask to_t = {.task = "fib", .args = &n, .topic = "t"};
  setup s;
  answer a;
  setup_init(&s, (brrr_alloc){0});
  brrr_app_schedule(&app, &s.client, &to_t, answer_into(&a));
  assert_int_equal(a.status, BRRR_OK);
  answer_drop(&a);
  expect(&s.subject,
         (brrr_effect){.type = BRRR_STORE_GET, .key = KEY(CALL, "fib:3")},
         BRRR_OK, "d7:payload1:39:task_name3:fibe");
  expect_message(&s, "li2e22:AAAAAAAAAAAAAAAAAAAAAA5:fib:3e");
  brrr_app_read(&app, &s.client, &to_t, answer_into(&a));
  assert_int_equal(a.status, BRRR_ABSENT);
  answer_drop(&a);
  expect(&s.subject,
         (brrr_effect){.type = BRRR_STORE_SET,
                       .key = KEY(VALUE, "fib:3"),
                       .value = BRRR_LIT("2")},
         BRRR_OK, NULL);
  brrr_app_read(&app, &s.client, &to_t, answer_into(&a));
  assert_int_equal(a.status, BRRR_OK);
  assert_bytes_str(a.value, "2");
  answer_drop(&a);

  const brrr_ask nowhere = {.task = "fib", .args = &n};
  brrr_app_schedule(&app, &s.client, &nowhere, answer_into(&a));
  assert_int_equal(a.status, BRRR_E_TOPIC);
  answer_drop(&a);
  const brrr_ask refused = {.task = "fib", .args = &bad, .topic = "t"};
  brrr_app_schedule(&app, &s.client, &refused, answer_into(&a));
  assert_int_equal(a.status, BRRR_E_CODEC);
  assert_bytes_str(a.value, "arguments of fib: minus one");
  answer_drop(&a);
  brrr_app_read(&app, &s.client, &refused, answer_into(&a));
  assert_int_equal(a.status, BRRR_E_CODEC);
  answer_drop(&a);
  brrr_memory_free(s.memory);
}

/* What is refused is refused before anything is written. */
static void test_refusals(void **state) {
  static const char *const topics[] = {"", "call/t", "brrr_count/r"};
  (void)state;
  setup s;
  setup_init(&s, (brrr_alloc){0});
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(schedule(&s, topics[i]), BRRR_E_TOPIC); /* [REDIS-4] */
    expect_call(&s, BRRR_ABSENT);
  }
  s.dice.status = BRRR_E_IO; /* no root_id, no root */
  assert_int_equal(schedule(&s, "t"), BRRR_E_IO);
  expect_call(&s, BRRR_ABSENT);
  brrr_memory_free(s.memory);
}

static void no_submit(void *self, const brrr_effect *e, brrr_done done) {
  (void)self;
  (void)e;
  done.fn(done.ud,
          &(brrr_reply){.status = BRRR_E_IO, .value = BRRR_LIT("it is dark")});
}

static void test_words_of_a_backend(void **state) {
  (void)state;
  setup s;
  answer a;
  setup_init(&s, (brrr_alloc){0});
  s.client.backends.store = (brrr_backend){.submit = no_submit};
  brrr_read(&s.client, leaf.call_hash, answer_into(&a));
  assert_int_equal(a.status, BRRR_E_IO);
  assert_bytes_str(a.value, "it is dark");
  answer_drop(&a);
  brrr_memory_free(s.memory);
}

static void sweep_once(heap *h, void *ud) {
  (void)ud;
  setup s;
  answer a;
  setup_init(&s, heap_alloc(h));
  brrr_status scheduled = schedule(&s, "t");
  brrr_read(&s.client, leaf.call_hash, answer_into(&a));
  assert_int_equal(a.times, 1);
  if (h->fail_at == 0) {
    assert_int_equal(scheduled, BRRR_OK);
    assert_int_equal(a.status, BRRR_ABSENT);
  } else { /* one of the two */
    assert_true((scheduled == BRRR_E_NOMEM) != (a.status == BRRR_E_NOMEM));
  }
  answer_drop(&a);
  brrr_memory_free(s.memory);
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(sweep_once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_root_id),
      cmocka_unit_test(test_schedule_and_read),
      cmocka_unit_test(test_app),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_words_of_a_backend),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
