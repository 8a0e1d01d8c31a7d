/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * The codec as an app sees it, and JSON at random: what is written is read as
 * the same, and no octets do any harm. The shared vectors have the rest.
 */
#include "support.h"

#include <brrr/json.h>

static uint64_t next_random(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static uint64_t below(uint64_t *seed, uint64_t limit) {
  return next_random(seed) % limit;
}

/* ==== The codec ========================================================== */

static void test_call(void **state) { /* [CODEC-1] to [CODEC-3] */
  (void)state;
  const brrr_codec c = brrr_json_codec();
  brrr_arena a;
  brrr_call call = {0};
  const void *args = NULL;
  int64_t n = 0;
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(c.encode_call(c.self, &a, BRRR_LIT("fib"),
                                 brrr_json_list(&a, brrr_json_integer(&a, 11)),
                                 &call, NULL),
                   BRRR_OK);
  assert_bytes_str(call.task_name, "fib");
  assert_bytes_str(call.payload, "[11]");
  /* printf '["fib",[11]]' | sha256sum */
  assert_bytes_str(
      call.call_hash,
      "dbd7cde11246ca3a0c8cc8cd72076a9d1fe650f12305af457387b4d37021c423");
  assert_int_equal(c.decode_args(c.self, &a, &call, &args, NULL), BRRR_OK);
  assert_true(brrr_json_int(brrr_json_at(args, 0), &n));
  assert_int_equal(n, 11);
  brrr_arena_free(&a);
}

static void test_value(void **state) { /* [CODEC-4] */
  (void)state;
  const brrr_codec c = brrr_json_codec();
  brrr_arena a;
  brrr_bytes octets = {0};
  const void *value = NULL;
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(c.encode_value(c.self, &a, BRRR_LIT("t"),
                                  brrr_json_bool(&a, true), &octets, NULL),
                   BRRR_OK);
  assert_bytes_str(octets, "true");
  assert_int_equal(
      c.decode_value(c.self, &a, BRRR_LIT("t"), octets, &value, NULL), BRRR_OK);
  assert_int_equal(brrr_json_type_of(value), BRRR_JSON_BOOL);
  brrr_arena_free(&a);
}

static void test_refusals(void **state) {
  (void)state;
  const brrr_codec c = brrr_json_codec();
  const brrr_call object = {.payload = BRRR_LIT("{}")};
  const brrr_call broken = {.payload = BRRR_LIT("[1")};
  brrr_arena a;
  brrr_call call = {0};
  brrr_bytes octets = {0};
  brrr_error err = {0};
  const void *out = NULL;
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(
      c.encode_call(c.self, &a, BRRR_LIT("t"), brrr_json_null(&a), &call, &err),
      BRRR_E_CODEC);
  assert_error(&err, BRRR_E_CODEC, "CODEC-2", 0);
  assert_int_equal(c.encode_call(c.self, &a, BRRR_LIT("\xff"),
                                 brrr_json_array(&a, NULL, 0), &call, &err),
                   BRRR_E_CODEC);
  assert_error(&err, BRRR_E_CODEC, "CODEC-14", 1);
  assert_int_equal(c.encode_call(c.self, &a, BRRR_LIT("t"), NULL, &call, &err),
                   BRRR_E_NOMEM);
  assert_null(call.call_hash.ptr);
  assert_int_equal(c.decode_args(c.self, &a, &object, &out, &err),
                   BRRR_E_CODEC);
  assert_error(&err, BRRR_E_CODEC, "CODEC-22", 0);
  assert_int_equal(c.decode_args(c.self, &a, &broken, &out, &err),
                   BRRR_E_CODEC);
  assert_int_equal(
      c.decode_value(c.self, &a, BRRR_LIT("t"), (brrr_bytes){0}, &out, &err),
      BRRR_E_CODEC);
  assert_null(out);
  assert_int_equal(
      c.encode_value(c.self, &a, BRRR_LIT("t"), NULL, &octets, &err),
      BRRR_E_NOMEM);
  assert_null(octets.ptr);
  brrr_arena_free(&a);
}

static void encode_all(heap *h, void *ud) {
  (void)ud;
  const brrr_codec c = brrr_json_codec();
  brrr_arena a;
  brrr_call call = {0};
  brrr_error err = {0};
  brrr_arena_init(&a, heap_alloc(h));
  const brrr_bytes name = repeated("", "n", 100000, "");
  const brrr_status s = c.encode_call(
      c.self, &a, name, brrr_json_list(&a, brrr_json_string(&a, name)), &call,
      &err);
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  assert_int_equal(err.status, s);
  assert_int_equal(call.call_hash.len, s == BRRR_OK ? 64 : 0);
  free((void *)(uintptr_t)name.ptr);
  brrr_arena_free(&a);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(encode_all, NULL);
}

/* ==== At random ========================================================== */

static brrr_bytes random_text(brrr_arena *a, uint64_t *seed) {
  static const char *const parts[] = {"a",
                                      "b",
                                      "\"",
                                      "\\",
                                      "\n",
                                      "\x1f",
                                      "9",
                                      "é",
                                      "\xe2\x82\xac",
                                      "\xf0\x9f\x98\x80",
                                      "\xef\xbf\xbf",
                                      "10",
                                      "/",
                                      "\x7f"};
  brrr_buf b;
  brrr_bytes out = {0};
  brrr_buf_init(&b, a);
  for (uint64_t n = below(seed, 5); n; n--)
    brrr_buf_put(
        &b, brrr_bytes_str(parts[below(seed, sizeof parts / sizeof *parts)]));
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  return out;
}

static const brrr_json *random_scalar(brrr_arena *a, uint64_t *seed) {
  const uint64_t bits = next_random(seed);
  double number;
  switch (below(seed, 5)) {
  case 0:
    return brrr_json_null(a);
  case 1:
    return brrr_json_bool(a, bits & 1);
  case 2:
    return brrr_json_string(a, random_text(a, seed));
  case 3:
    return brrr_json_integer(a, (int64_t)(bits >> 11));
  default:
    memcpy(&number, &bits, sizeof number);
    return brrr_json_number(a, number - number == 0 ? number : 0.1);
  }
}

/* From the leaves: each round makes values of what is there. A name may come
 * twice; then the next one is taken. */
static const brrr_json *random_value(brrr_arena *a, uint64_t *seed) {
  enum { POOL = 12 };
  const brrr_json *pool[POOL];
  for (size_t i = 0; i < POOL; i++)
    pool[i] = random_scalar(a, seed);
  for (int round = 0; round < 20; round++) {
    const size_t count = (size_t)below(seed, 4);
    const brrr_json *items[4];
    brrr_json_member members[4];
    for (size_t i = 0; i < count; i++) {
      items[i] = pool[below(seed, POOL)];
      brrr_bytes name = random_text(a, seed);
      for (size_t k = 0; k < i; k++)
        if (brrr_bytes_equal(members[k].name, name)) {
          name = random_text(a, seed);
          k = (size_t)-1;
        }
      members[i] = (brrr_json_member){name, items[i]};
    }
    pool[below(seed, POOL)] = below(seed, 2)
                                  ? brrr_json_array(a, items, count)
                                  : brrr_json_object(a, members, count);
  }
  return brrr_json_array(a, pool, 2);
}

static brrr_bytes written(brrr_arena *a, const brrr_json *v) {
  brrr_buf b;
  brrr_bytes out = {0};
  brrr_buf_init(&b, a);
  brrr_json_write(&b, v);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  return out;
}

static void test_what_is_written_is_read(void **state) { /* [CODEC-20] */
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < 5000; i++) {
    brrr_arena a;
    brrr_arena_init(&a, (brrr_alloc){0});
    const brrr_bytes once = exact(written(&a, random_value(&a, &seed)));
    const brrr_json *again = NULL;
    assert_int_equal(brrr_json_parse(&a, once, &again, NULL), BRRR_OK);
    assert_bytes(written(&a, again), once);
    exact_free(once);
    brrr_arena_free(&a);
  }
}

/* A canonical text with some octets changed: accepted or refused, with an
 * offset within it; and what is accepted is written as a fixed point. */
static void test_any_octets(void **state) { /* [CODEC-21] */
  (void)state;
  static const char likely[] = "[]{}\",:\\u0123456789dDeE.+- truefalsnl";
  uint64_t seed = 2;
  size_t accepted = 0, refused = 0;
  for (int i = 0; i < 20000; i++) {
    brrr_arena a;
    brrr_arena_init(&a, (brrr_alloc){0});
    const brrr_bytes text = exact(written(&a, random_value(&a, &seed)));
    uint8_t *octets = (uint8_t *)(uintptr_t)text.ptr;
    for (uint64_t n = 1 + below(&seed, 3); n; n--)
      octets[below(&seed, text.len)] =
          below(&seed, 4) ? (uint8_t)likely[below(&seed, sizeof likely)]
                          : (uint8_t)below(&seed, 256);
    const brrr_json *v = NULL, *again = NULL;
    brrr_error err = {0};
    if (brrr_json_parse(&a, text, &v, &err) == BRRR_OK) {
      const brrr_bytes out = written(&a, v);
      assert_int_equal(brrr_json_parse(&a, out, &again, NULL), BRRR_OK);
      assert_bytes(written(&a, again), out);
      accepted++;
    } else {
      assert_int_equal(err.status, BRRR_E_CODEC);
      assert_true(err.offset <= text.len);
      assert_true(strlen(err.requirement) > 0);
      refused++;
    }
    exact_free(text);
    brrr_arena_free(&a);
  }
  assert_true(accepted > 1000 && refused > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_call),
      cmocka_unit_test(test_value),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_what_is_written_is_read),
      cmocka_unit_test(test_any_octets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
