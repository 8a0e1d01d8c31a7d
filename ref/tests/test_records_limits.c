/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * Large records, deep ones, and no memory. */
#include "record.h"

#include <stdio.h>

/* ==== Sizes ============================================================== */

static void test_large_message(void **state) { /* [REC-30] */
  (void)state;
  const size_t frame = strlen("li2e65509:1:he");
  for (size_t size = 65535; size <= 65537; size++) {
    char head[32];
    const size_t root = size - frame;
    assert_true(snprintf(head, sizeof head, "li2e%zu:", root) > 0);
    const brrr_bytes in = repeated(head, "r", root, "1:he");
    assert_int_equal(in.len, size);
    assert_accepted(MESSAGE, in, NULL);
    free((void *)(uintptr_t)in.ptr);
  }
}

static void test_large_call(void **state) { /* [REC-30] */
  (void)state;
  const size_t size = (size_t)16 << 20;
  char head[32];
  assert_true(snprintf(head, sizeof head, "d7:payload%zu:", size) > 0);
  const brrr_bytes in = repeated(head, "\xff", size, "9:task_name4:leafe");
  assert_accepted(CALL, in, NULL);
  free((void *)(uintptr_t)in.ptr);
}

static void test_many_returns(void **state) { /* [REC-30] [WIRE-26] */
  (void)state;
  const size_t counts[] = {16383, 16384, 16385, 200000};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    const brrr_bytes in =
        repeated("d7:returnsl", "li1e1:r1:h1:te", counts[i], "ee");
    heap h = {0};
    brrr_arena a;
    brrr_pending_returns p;
    brrr_arena_init(&a, heap_alloc(&h));
    assert_int_equal(brrr_pending_returns_decode(&p, &a, in, NULL), BRRR_OK);
    assert_int_equal(p.count, counts[i]);
    brrr_arena_free(&a);
    assert_int_equal(h.live, 0);
    assert_accepted(RETURNS, in, "d7:returnslli1e1:r1:h1:teee");
    free((void *)(uintptr_t)in.ptr);
  }
}

/* From the last to the first: the order that costs most to sort. */
static void test_many_returns_unsorted(void **state) { /* [REC-7] [REC-30] */
  (void)state;
  enum { COUNT = 16384 };
  char(*names)[8] = calloc(COUNT, sizeof *names);
  brrr_pending_return *returns = calloc(COUNT, sizeof *returns);
  brrr_pending_returns p = {returns, COUNT, 0}, back;
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out;
  assert_non_null(names);
  assert_non_null(returns);
  for (size_t i = 0; i < COUNT; i++) {
    assert_true(snprintf(names[i], sizeof *names, "%05zu", COUNT - i) > 0);
    returns[i] = (brrr_pending_return){BRRR_LIT("r"), brrr_bytes_str(names[i]),
                                       BRRR_LIT("t")};
  }
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  brrr_pending_returns_encode(&b, &p);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  assert_int_equal(brrr_pending_returns_decode(&back, &a, out, NULL), BRRR_OK);
  assert_int_equal(back.count, COUNT);
  for (size_t i = 0; i < COUNT; i++)
    assert_bytes_str(back.returns[i].call_hash, names[COUNT - 1 - i]);
  brrr_arena_free(&a);
  free(returns);
  free(names);
}

/* An unknown key may hold 31 more levels, and as much as it likes. */
static void test_unknown_keys(void **state) { /* [REC-20] [WIRE-27] */
  (void)state;
  for (size_t depth = 30; depth <= 32; depth++) {
    const brrr_bytes lists = repeated("d1:a", "l", depth, "");
    char head[64] = {0};
    memcpy(head, lists.ptr, lists.len);
    const brrr_bytes in =
        repeated(head, "e", depth, "7:payload0:9:task_name0:e");
    free((void *)(uintptr_t)lists.ptr);
    if (depth <= 31)
      assert_accepted(CALL, in, "d7:payload0:9:task_name0:e");
    else
      assert_rejected(CALL, in, BRRR_E_SYNTAX, "WIRE-32", 35);
    free((void *)(uintptr_t)in.ptr);
  }
  const brrr_bytes wide =
      repeated("d1:al", "d1:xle1:yi1ee", 100000, "e7:payload0:9:task_name0:e");
  assert_accepted(CALL, wide, "d7:payload0:9:task_name0:e");
  free((void *)(uintptr_t)wide.ptr);
}

/* ==== Memory ============================================================= */

static const record_example canonical[] = RECORD_EXAMPLES;

/* Only a set is allocated, and the output of an encoder. */
static void test_allocates_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++) {
    heap h = {0};
    brrr_arena a;
    record r;
    brrr_arena_init(&a, heap_alloc(&h));
    assert_int_equal(
        record_decode(canonical[i].type, &r, &a, canonical[i].octets, NULL),
        BRRR_OK);
    assert_int_equal(h.count, canonical[i].type == RETURNS);
    brrr_arena_free(&a);
  }
}

static void round_trip(heap *h, void *ud) {
  (void)ud;
  const brrr_bytes in =
      repeated("d7:returnsl", "li1e1:r1:h1:te", 5000, "e12:scheduled_ati1ee");
  brrr_arena a;
  brrr_buf b;
  brrr_error err = {.status = BRRR_OK};
  brrr_bytes out;
  brrr_pending_returns p = {NULL, 77, 77};
  brrr_arena_init(&a, heap_alloc(h));
  brrr_buf_init(&b, &a);
  brrr_status s = brrr_pending_returns_decode(&p, &a, in, &err);
  if (s) {
    assert_int_equal(p.count, 77);
    assert_int_equal(p.scheduled_at, 77);
  } else {
    for (size_t i = 0; i < p.count; i++) /* so that they differ */
      p.returns[i].root_id.len = i % 2;
    brrr_pending_returns_encode(&b, &p);
    for (int i = 0; i < 200; i++)
      brrr_pending_returns_encode(&b, &p);
    s = brrr_buf_finish(&b, &out, &err);
  }
  if (h->fail_at)
    assert_error(&err, BRRR_E_NOMEM, "", err.offset);
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  brrr_arena_free(&a);
  free((void *)(uintptr_t)in.ptr);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(round_trip, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_large_message),
      cmocka_unit_test(test_large_call),
      cmocka_unit_test(test_many_returns),
      cmocka_unit_test(test_many_returns_unsorted),
      cmocka_unit_test(test_unknown_keys),
      cmocka_unit_test(test_allocates_nothing),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
