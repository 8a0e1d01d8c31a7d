/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_dynamodb.c - the DynamoDB backend over Amazon's own DynamoDBLocal: the
 * contract, what lies in the table then, and the limits. What goes wrong is in
 * test_dynamodb_faults.c.
 */
#include "answers.h"
#include "service.h"
#include "stage.h"

#include <brrr/dynamodb.h>

#include <stdio.h>

typedef struct theatre {
  service service;
  stage stage;
  heap heap;
  unsigned tables;
  brrr_dynamodb *dynamodb;
  subject subject;
} theatre;

static int group_setup(void **state) {
  theatre *t = calloc(1, sizeof *t);
  assert_non_null(t);
  *state = t;
  service_start_dynamodb(&t->service);
  return 0;
}

static int group_teardown(void **state) {
  theatre *t = *state;
  service_stop(&t->service);
  free(t);
  return 0;
}

static brrr_dynamodb *open_table(theatre *t, const char *table) {
  brrr_dynamodb *d;
  const char *why = "";
  const brrr_dynamodb_options o = {.aws = {.endpoint = t->service.url,
                                           .region = "us-east-1",
                                           .access_key_id = "brrr",
                                           .secret_access_key = "secret"},
                                   .table = table};
  if (brrr_dynamodb_new(&d, heap_alloc(&t->heap), &t->stage.loop, &o, &why))
    fail_msg("%s", why);
  return d;
}

static void count(void *ud) { ++*(unsigned *)ud; }

static void close_it(theatre *t, brrr_dynamodb *d) {
  unsigned closed = 0;
  brrr_dynamodb_close(d, count, &closed);
  stage_wait(&t->stage, &closed);
}

static int setup(void **state) {
  theatre *t = *state;
  char table[32];
  answer a;
  t->heap = (heap){0};
  stage_init(&t->stage);
  (void)snprintf(table, sizeof table, "table-%u", ++t->tables);
  t->dynamodb = open_table(t, table);
  t->subject =
      (subject){brrr_dynamodb_backend(t->dynamodb), stage_wait, &t->stage};
  for (int i = 0; i < 2; i++) { /* the second finds it there */
    brrr_dynamodb_create_table(t->dynamodb, answer_into(&a));
    stage_wait(&t->stage, &a.times);
    assert_int_equal(a.status, BRRR_OK);
    answer_drop(&a);
  }
  return 0;
}

static int teardown(void **state) {
  theatre *t = *state;
  close_it(t, t->dynamodb);
  stage_free(&t->stage);
  assert_int_equal(t->heap.live, 0);
  return 0;
}

static void test_contract(void **state) {
  const theatre *t = *state;
  contract_store(&t->subject);
}

/* [STORE-3] between clients: of many who expect the same, one is done. */
static void test_atomic(void **state) {
  enum { CLIENTS = 4, ROUNDS = 5 };
  theatre *t = *state;
  brrr_dynamodb *d[CLIENTS];
  char table[32];
  (void)snprintf(table, sizeof table, "table-%u", t->tables);
  for (size_t i = 0; i < CLIENTS; i++)
    d[i] = open_table(t, table);
  for (unsigned round = 0; round < ROUNDS; round++) {
    answer a[CLIENTS];
    unsigned done = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
      const uint8_t before[] = {(uint8_t)round},
                    after[] = {(uint8_t)(round + 1)};
      const brrr_backend b = brrr_dynamodb_backend(d[i]);
      b.submit(
          b.self,
          &(brrr_effect){.type = round ? BRRR_STORE_CAS : BRRR_STORE_SET_NEW,
                         .key = KEY(VALUE, "h"),
                         .value = {after, 1},
                         .expected = {before, 1}},
          answer_into(&a[i]));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
      stage_wait(&t->stage, &a[i].times);
      done += a[i].status == BRRR_OK;
      assert_true(a[i].status == BRRR_OK || a[i].status == BRRR_MISMATCH);
      answer_drop(&a[i]);
    }
    assert_int_equal(done, 1);
  }
  for (size_t i = 0; i < CLIENTS; i++)
    close_it(t, d[i]);
}

/* More than may be sent at once. */
static void test_many(void **state) {
  enum { N = 200 };
  const theatre *t = *state;
  static answer a[N];
  char hash[N][8];
  for (int i = 0; i < N; i++) {
    (void)snprintf(hash[i], sizeof hash[i], "h%d", i);
    const brrr_key key = {BRRR_KIND_VALUE, brrr_bytes_str(hash[i])};
    t->subject.backend.submit(t->subject.backend.self,
                              &(brrr_effect){.type = BRRR_STORE_SET,
                                             .key = key,
                                             .value = key.call_hash},
                              answer_into(&a[i]));
  }
  for (int i = 0; i < N; i++) {
    stage_wait(t->subject.ud, &a[i].times);
    assert_int_equal(a[i].status, BRRR_OK);
    answer_drop(&a[i]);
    expect(&t->subject,
           (brrr_effect){.type = BRRR_STORE_GET,
                         .key = {BRRR_KIND_VALUE, brrr_bytes_str(hash[i])}},
           BRRR_OK, hash[i]);
  }
}

static void expect_refused(theatre *t, brrr_effect e, const char *words) {
  answer a = ask(&t->subject, e);
  assert_string_equal(brrr_status_name(a.status), "E_IO");
  assert_memory_equal(a.value.ptr, words, strlen(words));
  assert_memory_equal(brrr_dynamodb_error(t->dynamodb), words, strlen(words));
  answer_drop(&a);
}

/* [DYN-6]: an item is its names and values. At the limit it comes back as it
 * was; one octet more is refused, before it is sent, with every effect. */
static void test_item_size(void **state) {
  static const brrr_effect_type types[] = {BRRR_STORE_SET, BRRR_STORE_SET_NEW,
                                           BRRR_STORE_CAS};
  theatre *t = *state;
  const size_t most = 409600 - 9 - 5 - 4;
  uint8_t *octets = malloc(most + 1);
  assert_non_null(octets);
  for (size_t i = 0; i <= most; i++)
    octets[i] = (uint8_t)(i * 2654435761u >> 13);
  const brrr_key key = KEY(VALUE, "hash");
  const brrr_bytes v = {octets, most};
  for (size_t i = 0; i < 3; i++) {
    brrr_effect e = {.type = types[i], .key = key, .value = v, .expected = v};
    expect(&t->subject, e,
           types[i] == BRRR_STORE_SET_NEW ? BRRR_MISMATCH : BRRR_OK, NULL);
    answer a =
        ask(&t->subject, (brrr_effect){.type = BRRR_STORE_GET, .key = key});
    assert_bytes(a.value, v);
    answer_drop(&a);
    e.value.len++;
    expect_refused(t, e, "DynamoDB takes no item of more than 409600 octets");
  }
  expect(&t->subject,
         (brrr_effect){.type = BRRR_STORE_CAD, .key = key, .expected = v},
         BRRR_OK, NULL);
  free(octets);
}

/* [DYN-6] */
static void test_call_hash(void **state) {
  theatre *t = *state;
  char *hash = malloc(2049);
  assert_non_null(hash);
  memset(hash, 'h', 2049);
  brrr_effect e = {.type = BRRR_STORE_SET,
                   .key = {BRRR_KIND_VALUE, {(uint8_t *)hash, 2048}},
                   .value = BRRR_LIT("v")};
  expect(&t->subject, e, BRRR_OK, NULL);
  e.key.call_hash.len++;
  expect_refused(t, e, "DynamoDB takes no call_hash of more than 2048");
  e.type = BRRR_STORE_GET;
  expect_refused(t, e, "DynamoDB takes no call_hash of more than 2048");
  e.key.call_hash = BRRR_LIT("");
  expect_refused(t, e, "DynamoDB takes no empty call_hash");
  e.key.call_hash = BRRR_LIT("\xff");
  expect_refused(t, e, "DynamoDB takes no call_hash that is not UTF-8");
  free(hash);
}

static void test_no_table(void **state) {
  theatre *t = *state;
  brrr_dynamodb *d = open_table(t, "no-such-table");
  const subject s = {brrr_dynamodb_backend(d), stage_wait, &t->stage};
  answer a =
      ask(&s, (brrr_effect){.type = BRRR_STORE_GET, .key = KEY(VALUE, "h")});
  assert_int_equal(a.status, BRRR_E_IO);
  const char *words = "GetItem: ResourceNotFoundException";
  assert_memory_equal(a.value.ptr, words, strlen(words));
  answer_drop(&a);
  close_it(t, d);
}

static void test_no_such_effect(void **state) {
  const theatre *t = *state;
  expect(&t->subject,
         (brrr_effect){.type = BRRR_QUEUE_PUT, .name = BRRR_LIT("t")},
         BRRR_E_MISUSE, NULL);
  expect(&t->subject,
         (brrr_effect){.type = BRRR_CACHE_INCR, .name = BRRR_LIT("t")},
         BRRR_E_MISUSE, NULL);
}

static void test_options(void **state) {
  theatre *t = *state;
  brrr_dynamodb *d = NULL;
  const char *why = NULL;
  brrr_dynamodb_options o = {.aws = {.region = "r",
                                     .access_key_id = "k",
                                     .secret_access_key = "s",
                                     .endpoint = "nonsense"}};
  assert_int_equal(
      brrr_dynamodb_new(&d, (brrr_alloc){0}, &t->stage.loop, &o, &why),
      BRRR_E_MISUSE);
  assert_string_equal(why, "no table");
  o.table = "t";
  assert_int_equal(
      brrr_dynamodb_new(&d, (brrr_alloc){0}, &t->stage.loop, &o, NULL),
      BRRR_E_MISUSE);
  assert_null(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(test_contract),       TEST(test_atomic),    TEST(test_many),
      TEST(test_item_size),      TEST(test_call_hash), TEST(test_no_table),
      TEST(test_no_such_effect), TEST(test_options),
  };
  return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
