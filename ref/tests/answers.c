/* SPDX-License-Identifier: AGPL-3.0-only */
#include "answers.h"

static void keep(void *ud, const brrr_reply *reply) {
  answer *a = ud;
  answer_drop(a);
  a->times++;
  a->status = reply->status;
  a->num = reply->num;
  a->value = exact(reply->value);
}

brrr_done answer_into(answer *a) {
  *a = (answer){0};
  return (brrr_done){keep, a};
}

void answer_drop(answer *a) {
  if (a->value.ptr)
    exact_free(a->value);
  a->value = (brrr_bytes){0};
}

void answers_at_once(void *ud, const unsigned *times) {
  (void)ud;
  assert_true(*times > 0);
}

answer ask(const subject *s, brrr_effect e) {
  answer a;
  s->backend.submit(s->backend.self, &e, answer_into(&a));
  s->wait(s->ud, &a.times);
  assert_int_equal(a.times, 1);
  return a;
}

static void expect_octets(const subject *s, brrr_effect e, brrr_status status,
                          const brrr_bytes *value) {
  answer a = ask(s, e);
  assert_string_equal(brrr_status_name(a.status), brrr_status_name(status));
  if (value)
    assert_bytes(a.value, *value);
  answer_drop(&a);
}

void expect(const subject *s, brrr_effect e, brrr_status status,
            const char *value) {
  brrr_bytes octets = value ? brrr_bytes_str(value) : (brrr_bytes){0};
  expect_octets(s, e, status, value ? &octets : NULL);
}

#define GET(k)                                                                 \
  (brrr_effect) { .type = BRRR_STORE_GET, .key = k }
#define HAS(k)                                                                 \
  (brrr_effect) { .type = BRRR_STORE_HAS, .key = k }
#define SET(k, v)                                                              \
  (brrr_effect) { .type = BRRR_STORE_SET, .key = k, .value = v }
#define SET_NEW(k, v)                                                          \
  (brrr_effect) { .type = BRRR_STORE_SET_NEW, .key = k, .value = v }
#define CAS(k, v, old)                                                         \
  (brrr_effect) {                                                              \
    .type = BRRR_STORE_CAS, .key = k, .value = v, .expected = old              \
  }
#define CAD(k, old)                                                            \
  (brrr_effect) { .type = BRRR_STORE_CAD, .key = k, .expected = old }
#define PUT(topic, v)                                                          \
  (brrr_effect) { .type = BRRR_QUEUE_PUT, .name = topic, .value = v }
#define TAKE(topic)                                                            \
  (brrr_effect) { .type = BRRR_QUEUE_GET, .name = topic }
#define INCR(counter)                                                          \
  (brrr_effect) { .type = BRRR_CACHE_INCR, .name = counter }

/* [STORE-1] and [STORE-3], for one key. */
static void contract_key(const subject *s, brrr_key key) {
  const brrr_bytes one = BRRR_LIT("one"), two = BRRR_LIT("two\0\xff\r\n"),
                   none = BRRR_LIT("");
  expect(s, GET(key), BRRR_ABSENT, "");
  expect(s, HAS(key), BRRR_ABSENT, NULL);
  expect(s, CAS(key, one, none), BRRR_MISMATCH, NULL);
  expect(s, CAD(key, none), BRRR_MISMATCH, NULL);
  expect(s, HAS(key), BRRR_ABSENT, NULL);

  expect(s, SET_NEW(key, one), BRRR_OK, NULL);
  expect(s, SET_NEW(key, two), BRRR_MISMATCH, NULL);
  expect_octets(s, GET(key), BRRR_OK, &one);
  expect(s, HAS(key), BRRR_OK, NULL);
  expect(s, CAS(key, two, two), BRRR_MISMATCH, NULL);
  expect(s, CAS(key, two, BRRR_LIT("on")), BRRR_MISMATCH, NULL);
  expect(s, CAS(key, two, none), BRRR_MISMATCH, NULL);
  expect_octets(s, GET(key), BRRR_OK, &one);
  expect(s, CAS(key, two, one), BRRR_OK, NULL);
  expect_octets(s, GET(key), BRRR_OK, &two);
  expect(s, CAS(key, two, two), BRRR_OK, NULL);
  expect(s, CAD(key, one), BRRR_MISMATCH, NULL);
  expect_octets(s, GET(key), BRRR_OK, &two);

  expect(s, SET(key, none), BRRR_OK, NULL);
  expect_octets(s, GET(key), BRRR_OK, &none);
  expect(s, HAS(key), BRRR_OK, NULL);
  expect(s, SET_NEW(key, one), BRRR_MISMATCH, NULL);
  expect(s, CAS(key, none, none), BRRR_OK, NULL);
  expect(s, CAS(key, one, none), BRRR_OK, NULL);
  expect(s, CAD(key, one), BRRR_OK, NULL);
  expect(s, GET(key), BRRR_ABSENT, "");
  expect(s, CAD(key, one), BRRR_MISMATCH, NULL);
}

static void contract_keys(const subject *s, brrr_bytes call_hash) {
  for (int kind = BRRR_KIND_CALL; kind <= BRRR_KIND_PENDING_RETURNS; kind++)
    contract_key(s, (brrr_key){(brrr_kind)kind, call_hash});
}

void contract_store_odd(const subject *s) {
  contract_keys(s, BRRR_LIT(""));
  contract_keys(s, BRRR_LIT("h \0\xff/\r\n$3"));
}

void contract_store(const subject *s) {
  contract_keys(s, BRRR_LIT("h"));
  contract_keys(s, BRRR_LIT(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"));

  /* [STORE-2] */
  for (int kind = BRRR_KIND_CALL; kind <= BRRR_KIND_PENDING_RETURNS; kind++)
    expect(s,
           SET(((brrr_key){(brrr_kind)kind, BRRR_LIT("same")}),
               brrr_bytes_str(brrr_kind_name((brrr_kind)kind))),
           BRRR_OK, NULL);
  expect(s, CAD(((brrr_key)KEY(VALUE, "same")), BRRR_LIT("value")), BRRR_OK,
         NULL);
  expect(s, GET(((brrr_key)KEY(CALL, "same"))), BRRR_OK, "call");
  expect(s, GET(((brrr_key)KEY(VALUE, "same"))), BRRR_ABSENT, "");
  expect(s, GET(((brrr_key)KEY(PENDING_RETURNS, "same"))), BRRR_OK,
         "pending_returns");
}

/* [CACHE-1] */
void contract_cache(const subject *s) {
  enum { N = 100 };
  const brrr_bytes names[] = {BRRR_LIT("brrr_count/a"),
                              BRRR_LIT("brrr_count/\0\xff")};
  for (int64_t n = 1; n <= 3; n++)
    for (size_t i = 0; i < 2; i++) {
      answer a = ask(s, INCR(names[i]));
      assert_int_equal(a.status, BRRR_OK);
      assert_int_equal(a.num, n);
      answer_drop(&a);
    }
  answer all[N];
  bool seen[N + 1] = {false};
  for (size_t i = 0; i < N; i++)
    s->backend.submit(s->backend.self, &INCR(BRRR_LIT("brrr_count/n")),
                      answer_into(&all[i]));
  for (size_t i = 0; i < N; i++) {
    s->wait(s->ud, &all[i].times);
    assert_int_equal(all[i].status, BRRR_OK);
    assert_in_range(all[i].num, 1, N);
    assert_false(seen[all[i].num]);
    seen[all[i].num] = true;
    answer_drop(&all[i]);
  }
}

/* [QUEUE-1] [QUEUE-2] */
void contract_queue(const subject *s) {
  const brrr_bytes binary = BRRR_LIT("b\0\xff\r\n"), none = BRRR_LIT("");
  const brrr_bytes t = BRRR_LIT("t"), odd = BRRR_LIT("t\0\xff/ \r\n");
  expect(s, PUT(t, BRRR_LIT("1")), BRRR_OK, NULL);
  expect(s, PUT(odd, BRRR_LIT("2")), BRRR_OK, NULL);
  expect(s, PUT(t, binary), BRRR_OK, NULL);
  expect(s, PUT(t, none), BRRR_OK, NULL);
  expect(s, TAKE(odd), BRRR_OK, "2");
  expect(s, TAKE(t), BRRR_OK, "1");
  expect_octets(s, TAKE(t), BRRR_OK, &binary);
  expect_octets(s, TAKE(t), BRRR_OK, &none);

  /* Gets that wait are answered as messages come, and none of them twice. */
  answer first, second, other;
  s->backend.submit(s->backend.self, &TAKE(t), answer_into(&first));
  s->backend.submit(s->backend.self, &TAKE(odd), answer_into(&other));
  s->backend.submit(s->backend.self, &TAKE(t), answer_into(&second));
  expect(s, PUT(t, BRRR_LIT("3")), BRRR_OK, NULL);
  s->wait(s->ud, &first.times);
  assert_bytes_str(first.value, "3");
  assert_int_equal(second.times + other.times, 0);
  expect(s, PUT(t, BRRR_LIT("4")), BRRR_OK, NULL);
  s->wait(s->ud, &second.times);
  assert_bytes_str(second.value, "4");
  expect(s, PUT(odd, BRRR_LIT("5")), BRRR_OK, NULL);
  s->wait(s->ud, &other.times);
  assert_bytes_str(other.value, "5");
  assert_int_equal(first.times + second.times + other.times, 3);
  answer_drop(&first);
  answer_drop(&second);
  answer_drop(&other);
}

void contract_size(const subject *s, size_t size) {
  const brrr_key key = KEY(VALUE, "large");
  const brrr_bytes t = BRRR_LIT("large");
  uint8_t *octets = malloc(size), *others = malloc(size);
  assert_non_null(octets);
  assert_non_null(others);
  for (size_t i = 0; i < size; i++)
    octets[i] = others[i] = (uint8_t)(i * 2654435761u >> 16);
  others[size - 1] ^= 1;
  const brrr_bytes v = {octets, size}, w = {others, size};
  expect(s, SET_NEW(key, v), BRRR_OK, NULL);
  expect_octets(s, GET(key), BRRR_OK, &v);
  expect(s, CAS(key, v, w), BRRR_MISMATCH, NULL);
  expect(s, CAS(key, w, v), BRRR_OK, NULL);
  expect_octets(s, GET(key), BRRR_OK, &w);
  expect(s, CAD(key, v), BRRR_MISMATCH, NULL);
  expect(s, CAD(key, w), BRRR_OK, NULL);
  expect(s, PUT(t, v), BRRR_OK, NULL);
  expect_octets(s, TAKE(t), BRRR_OK, &v);
  free(octets);
  free(others);
}
