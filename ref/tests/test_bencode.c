/* SPDX-License-Identifier: AGPL-3.0-only */
#include "support.h"

static void write_item(brrr_buf *out, const brrr_ben_item *item) {
  switch (item->type) {
  case BRRR_BEN_INT:
    brrr_ben_put_int(out, item->num);
    break;
  case BRRR_BEN_STR:
    brrr_ben_put_str(out, item->str);
    break;
  case BRRR_BEN_LIST:
    brrr_ben_put_list(out);
    break;
  case BRRR_BEN_DICT:
    brrr_ben_put_dict(out);
    break;
  case BRRR_BEN_END:
    brrr_ben_put_end(out);
    break;
  }
}

/* Reads a whole value, item by item, and writes it where `out` is wanted. */
static brrr_status read_all(brrr_bytes in, brrr_buf *out, brrr_error *err) {
  brrr_ben r;
  brrr_ben_item item;
  brrr_ben_init(&r, in);
  while (!brrr_ben_next(&r, &item))
    if (out)
      write_item(out, &item);
  return brrr_ben_finish(&r, err);
}

/* The same with one skip. */
static brrr_status skip_all(brrr_bytes in, brrr_error *err) {
  brrr_ben r;
  brrr_ben_item item;
  brrr_ben_init(&r, in);
  if (!brrr_ben_next(&r, &item))
    (void)brrr_ben_skip(&r, &item); /* an error sticks */
  return brrr_ben_finish(&r, err);
}

/* Accepted, and written again as it was. */
static void assert_accepted(brrr_bytes literal) {
  const brrr_bytes in = exact(literal);
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out;
  brrr_error err;
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  if (read_all(in, &b, &err))
    fail_msg("%s: %s, at %zu", err.requirement, err.reason, err.offset);
  assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_OK);
  assert_bytes(out, in);
  assert_int_equal(skip_all(in, &err), BRRR_OK);
  brrr_arena_free(&a);
  exact_free(in);
}

static void assert_rejected(brrr_bytes literal, const char *requirement,
                            size_t offset) {
  const brrr_bytes in = exact(literal);
  for (int skip = 0; skip < 2; skip++) {
    brrr_error err = {.status = BRRR_OK, .requirement = "", .reason = ""};
    (void)(skip ? skip_all(in, &err) : read_all(in, NULL, &err));
    if (strcmp(err.requirement, requirement) != 0 || err.offset != offset)
      fail_msg("%.*s: got %s at %zu, want %s at %zu", (int)in.len,
               (const char *)in.ptr, err.requirement, err.offset, requirement,
               offset);
    assert_error(&err, BRRR_E_SYNTAX, requirement, offset);
  }
  exact_free(in);
}

/* ==== The reader: what it accepts, what it rejects ======================= */

static void test_accepts(void **state) { /* [WIRE-10] */
  (void)state;
  const brrr_bytes cases[] = {
      BRRR_INIT("i0e"),
      BRRR_INIT("i7e"),
      BRRR_INIT("i-1e"),
      BRRR_INIT("i10e"),
      BRRR_INIT("i9007199254740991e"),
      BRRR_INIT("i-9007199254740991e"),
      BRRR_INIT("0:"),
      BRRR_INIT("3:a\0\xff"),
      BRRR_INIT("10:0123456789"),
      BRRR_INIT("le"),
      BRRR_INIT("de"),
      BRRR_INIT("lledee"),
      BRRR_INIT("li1e1:ad1:ai2eee"),
      BRRR_INIT("d0:i1e1:ale2:aadee"),
      BRRR_INIT("d1:Bi1e1:ai1ee"),
      BRRR_INIT("d2:aai1e1:bi1ee"),
      BRRR_INIT("d1:ade1:bde1:cd1:ai1eee"), /* each dict has keys of its own */
      BRRR_INIT("d1:bd1:ai1ee1:ci2ee"),
      BRRR_INIT("d1:\x7f"
                "0:1:\x80"
                "0:e"), /* octets have no sign */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_accepted(cases[i]);
}

static void test_rejects(void **state) {
  (void)state;
  const struct {
    const char *in, *requirement;
    size_t offset;
  } cases[] = {
      {"", "WIRE-12", 0},
      /* cut off */
      {"i", "WIRE-13", 1},
      {"i-", "WIRE-13", 2},
      {"i1", "WIRE-13", 2},
      {"1", "WIRE-13", 1},
      {"l", "WIRE-13", 1},
      {"d", "WIRE-13", 1},
      {"li1e", "WIRE-13", 4},
      {"d1:a", "WIRE-13", 4},
      {"d1:ai1e", "WIRE-13", 7},
      /* more than one value */
      {"i1ei1e", "WIRE-14", 3},
      {"lee", "WIRE-14", 2},
      {"0:\n", "WIRE-14", 2},
      {"de ", "WIRE-14", 2},
      /* no value */
      {"x", "WIRE-15", 0},
      {"e", "WIRE-15", 0},
      {":5:root1", "WIRE-15", 0},
      {" i1e", "WIRE-15", 0},
      {"l:e", "WIRE-15", 1},
      {"d:e", "WIRE-15", 1},
      {"I1e", "WIRE-15", 0},
      /* integers */
      {"ie", "WIRE-16", 1},
      {"i-e", "WIRE-16", 2},
      {"i00e", "WIRE-17", 1},
      {"i01e", "WIRE-17", 1},
      {"i-0e", "WIRE-17", 2},
      {"i-01e", "WIRE-17", 2},
      {"i+1e", "WIRE-18", 1},
      {"i 1e", "WIRE-18", 1},
      {"i1 e", "WIRE-18", 2},
      {"i1_0e", "WIRE-18", 2},
      {"i1.0e", "WIRE-18", 2},
      {"i1e5e", "WIRE-14", 3},
      {"i--1e", "WIRE-18", 2},
      {"i1-e", "WIRE-18", 2},
      {"i0x1e", "WIRE-18", 2},
      {"i\xd9\xa1"
       "e",
       "WIRE-18", 1},
      {"i9007199254740992e", "WIRE-31", 16},
      {"i-9007199254740992e", "WIRE-31", 17},
      {"i10000000000000000e", "WIRE-31", 17},
      {"i9223372036854775808e", "WIRE-31", 16},
      {"i18446744073709551617e", "WIRE-31", 17},
      /* lengths */
      {"01:a", "WIRE-17", 0},
      {"00:", "WIRE-17", 0},
      {"-1:a", "WIRE-19", 0},
      {"l-3:e", "WIRE-19", 1},
      {"l+1:ae", "WIRE-19", 1},
      {"d1:ai1e-6:e", "WIRE-19", 7},
      {"l1 :ae", "WIRE-19", 2},
      {"l1_0:aaaaaaaaaae", "WIRE-19", 2},
      {"1a", "WIRE-19", 1},
      {"1-1:a", "WIRE-19", 1},
      {"1:", "WIRE-21", 0},
      {"2:a", "WIRE-21", 0},
      {"l3:abe", "WIRE-13", 6},
      {"l4:abe", "WIRE-21", 1},
      {"9999999999:a", "WIRE-21", 0},
      {"99999999999999999999999999:a", "WIRE-21", 0},
      {"18446744073709551617:a", "WIRE-21", 0}, /* 2^64 + 1 */
      {"18446744073709551616:", "WIRE-21", 0},
      {"4294967297:a", "WIRE-21", 0}, /* 2^32 + 1 */
      /* dicts */
      {"di1ei2ee", "WIRE-22", 1},
      {"dlei2ee", "WIRE-22", 1},
      {"d1:ai1edee", "WIRE-22", 7},
      {"d1:ae", "WIRE-23", 4},
      {"d1:ai1e1:be", "WIRE-23", 10},
      {"d1:bi1e1:ai2ee", "WIRE-30", 7},
      {"d1:ai1e1:ai1ee", "WIRE-30", 7},
      {"d2:aai1e1:ai1ee", "WIRE-30", 8}, /* a prefix comes first */
      {"d1:ai1e0:i1ee", "WIRE-30", 7},
      {"d1:\x80"
       "0:1:\x7f"
       "0:e",
       "WIRE-30", 6},
      {"d1:ad1:bi1e1:ai1eee", "WIRE-30", 11},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_rejected(brrr_bytes_str(cases[i].in), cases[i].requirement,
                    cases[i].offset);
}

/* Cut at every offset, and with one octet more. */
static void test_every_cut(void **state) { /* [WIRE-12] [WIRE-13] [WIRE-14] */
  (void)state;
  const brrr_bytes whole =
      BRRR_LIT("d0:le4:dictd1:ai-10e2:ab10:0123456789e4:listlli0eelleee"
               "3:num"
               "i9007199254740991ee");
  assert_accepted(whole);
  for (size_t len = 0; len < whole.len; len++) {
    const brrr_bytes cut = exact((brrr_bytes){whole.ptr, len});
    brrr_error err;
    assert_int_equal(read_all(cut, NULL, &err), BRRR_E_SYNTAX);
    assert_int_equal(skip_all(cut, &err), BRRR_E_SYNTAX);
    assert_true(err.offset <= len);
    exact_free(cut);
  }
  uint8_t longer[128];
  memcpy(longer, whole.ptr, whole.len);
  for (unsigned c = 0; c < 256; c++) {
    longer[whole.len] = (uint8_t)c;
    assert_rejected((brrr_bytes){longer, whole.len + 1}, "WIRE-14", whole.len);
  }
}

/* Every octet replaced by every other: the reader ends, in whichever way. */
static void test_every_octet(void **state) { /* [WIRE-26] */
  (void)state;
  const brrr_bytes whole = BRRR_LIT("d1:al1:xi-1eedee3:keyd0:10:0123456789ee");
  const brrr_bytes in = exact(whole);
  uint8_t *octets = (uint8_t *)(uintptr_t)in.ptr;
  for (size_t i = 0; i < in.len; i++)
    for (unsigned c = 0; c < 256; c++) {
      brrr_error err = {.status = BRRR_OK};
      octets[i] = (uint8_t)c;
      const brrr_status s =
          c & 1 ? skip_all(in, &err) : read_all(in, NULL, &err);
      assert_true(s == BRRR_OK || (s == BRRR_E_SYNTAX && s == err.status &&
                                   err.offset <= in.len));
      octets[i] = whole.ptr[i];
    }
  exact_free(in);
}

/* ==== Depth ============================================================== */

static void test_depth(void **state) { /* [WIRE-27] [WIRE-32] */
  (void)state;
  for (size_t depth = 31; depth <= 33; depth++) {
    const brrr_bytes inner = repeated("", "e", depth, "");
    const brrr_bytes lists = repeated("", "l", depth, "");
    const brrr_bytes dicts = repeated("", "d0:", depth - 1, "d");
    uint8_t octets[256];
    for (int dict = 0; dict < 2; dict++) {
      const brrr_bytes open = dict ? dicts : lists;
      memcpy(octets, open.ptr, open.len);
      memcpy(octets + open.len, inner.ptr, inner.len);
      const brrr_bytes in = {octets, open.len + inner.len};
      if (depth <= BRRR_BEN_MAX_DEPTH)
        assert_accepted(in);
      else
        assert_rejected(in, "WIRE-32", open.len - 1);
    }
    free((void *)(uintptr_t)inner.ptr);
    free((void *)(uintptr_t)lists.ptr);
    free((void *)(uintptr_t)dicts.ptr);
  }
}

static void test_hostile_lengths(void **state) { /* [WIRE-26] */
  (void)state;
  const struct {
    const char *unit, *requirement;
    size_t offset;
  } cases[] = {{"l", "WIRE-32", 32},
               {"d0:", "WIRE-32", 96},
               {"9", "WIRE-21", 0},
               {"i", "WIRE-18", 1},
               {"de", "WIRE-14", 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const brrr_bytes in = repeated("", cases[i].unit, 100000, "");
    assert_rejected(in, cases[i].requirement, cases[i].offset);
    free((void *)(uintptr_t)in.ptr);
  }
  const brrr_bytes wide = repeated("l", "lleede", 100000, "e");
  brrr_error err;
  assert_int_equal(skip_all(wide, &err), BRRR_OK);
  free((void *)(uintptr_t)wide.ptr);
}

/* ==== The reader as an interface ========================================= */

static void test_items(void **state) {
  (void)state;
  const struct {
    brrr_ben_type type;
    size_t offset;
    int64_t num;
    const char *str;
  } items[] = {
      {BRRR_BEN_DICT, 0, 0, ""}, {BRRR_BEN_STR, 1, 0, "a"},
      {BRRR_BEN_LIST, 4, 0, ""}, {BRRR_BEN_INT, 5, -12, ""},
      {BRRR_BEN_STR, 10, 0, ""}, {BRRR_BEN_END, 12, 0, ""},
      {BRRR_BEN_END, 13, 0, ""},
  };
  brrr_ben r;
  brrr_ben_item item;
  brrr_ben_init(&r, BRRR_LIT("d1:ali-12e0:ee"));
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
    assert_int_equal(item.type, items[i].type);
    assert_int_equal(item.offset, items[i].offset);
    if (item.type == BRRR_BEN_INT)
      assert_int_equal(item.num, items[i].num);
    if (item.type == BRRR_BEN_STR)
      assert_bytes_str(item.str, items[i].str);
  }
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_EMPTY);
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_EMPTY);
  assert_int_equal(brrr_ben_finish(&r, NULL), BRRR_OK);
  assert_int_equal(brrr_ben_finish(&r, NULL), BRRR_OK);
}

static void test_error_sticks(void **state) {
  (void)state;
  brrr_ben r;
  brrr_ben_item item = {0}, before;
  brrr_error err;
  brrr_ben_init(&r, BRRR_LIT("li1exi2ee"));
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  before = item;
  for (int i = 0; i < 3; i++)
    assert_int_equal(brrr_ben_next(&r, &item), BRRR_E_SYNTAX);
  assert_memory_equal(&item, &before, sizeof item); /* left as it was */
  assert_int_equal(brrr_ben_skip(&r, &item), BRRR_E_SYNTAX);
  assert_int_equal(brrr_ben_finish(&r, &err), BRRR_E_SYNTAX);
  assert_error(&err, BRRR_E_SYNTAX, "WIRE-15", 4);
}

static void test_skip(void **state) {
  (void)state;
  brrr_ben r;
  brrr_ben_item item;
  brrr_ben_init(&r, BRRR_LIT("ld1:allleeee3:abci5ee"));
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK); /* the list */
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK); /* the dict */
  assert_int_equal(brrr_ben_skip(&r, &item), BRRR_OK);
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  assert_bytes_str(item.str, "abc");
  assert_int_equal(brrr_ben_skip(&r, &item), BRRR_OK); /* past it already */
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  assert_int_equal(item.num, 5);
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  assert_int_equal(brrr_ben_skip(&r, &item), BRRR_OK); /* an end */
  assert_int_equal(brrr_ben_finish(&r, NULL), BRRR_OK);
}

static void test_finish_too_early(void **state) {
  (void)state;
  brrr_ben r;
  brrr_ben_item item;
  brrr_error err;
  brrr_ben_init(&r, BRRR_LIT("le"));
  assert_int_equal(brrr_ben_finish(&r, &err), BRRR_E_MISUSE);
  assert_error(&err, BRRR_E_MISUSE, "", 0);
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  assert_int_equal(brrr_ben_finish(&r, &err), BRRR_E_MISUSE);
  assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
  assert_int_equal(brrr_ben_finish(&r, &err), BRRR_OK);
}

/* ==== The writer ========================================================= */

static void assert_int_written(int64_t num, const char *expected) {
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out;
  brrr_error err;
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  brrr_ben_put_int(&b, num);
  const brrr_status s = brrr_buf_finish(&b, &out, &err);
  if (expected) {
    assert_int_equal(s, BRRR_OK);
    assert_bytes_str(out, expected);
  } else {
    assert_int_equal(s, BRRR_E_ENCODE);
    assert_error(&err, BRRR_E_ENCODE, "WIRE-4", 0);
  }
  brrr_arena_free(&a);
}

static void test_put_int(void **state) { /* [WIRE-1] [WIRE-4] */
  (void)state;
  assert_int_written(0, "i0e");
  assert_int_written(9, "i9e");
  assert_int_written(10, "i10e");
  assert_int_written(-1, "i-1e");
  assert_int_written(9007199254740990, "i9007199254740990e");
  assert_int_written(9007199254740991, "i9007199254740991e");
  assert_int_written(9007199254740992, NULL);
  assert_int_written(-9007199254740991, "i-9007199254740991e");
  assert_int_written(-9007199254740992, NULL);
  assert_int_written(INT64_MAX, NULL);
  assert_int_written(INT64_MIN, NULL);
}

/* Lengths of one, two and more digits. */
static void test_put_str(void **state) { /* [WIRE-2] */
  (void)state;
  const size_t lengths[] = {0, 1, 9, 10, 11, 99, 100, 101, 65535, 65536};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const brrr_bytes str = repeated("", "x", lengths[i], "");
    brrr_arena a;
    brrr_buf b;
    brrr_bytes out;
    brrr_ben r;
    brrr_ben_item item;
    brrr_arena_init(&a, (brrr_alloc){0});
    brrr_buf_init(&b, &a);
    brrr_ben_put_str(&b, str);
    assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
    brrr_ben_init(&r, out);
    assert_int_equal(brrr_ben_next(&r, &item), BRRR_OK);
    assert_bytes(item.str, str);
    assert_int_equal(brrr_ben_finish(&r, NULL), BRRR_OK);
    brrr_arena_free(&a);
    free((void *)(uintptr_t)str.ptr);
  }
}

static void test_put_str_too_long(void **state) {
  (void)state;
  heap h = {0};
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out;
  brrr_arena_init(&a, heap_alloc(&h));
  brrr_buf_init(&b, &a);
  brrr_ben_put_str(&b, (brrr_bytes){(const uint8_t *)"x", SIZE_MAX});
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_E_NOMEM);
  brrr_arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accepts),
      cmocka_unit_test(test_rejects),
      cmocka_unit_test(test_every_cut),
      cmocka_unit_test(test_every_octet),
      cmocka_unit_test(test_depth),
      cmocka_unit_test(test_hostile_lengths),
      cmocka_unit_test(test_items),
      cmocka_unit_test(test_error_sticks),
      cmocka_unit_test(test_skip),
      cmocka_unit_test(test_finish_too_early),
      cmocka_unit_test(test_put_int),
      cmocka_unit_test(test_put_str),
      cmocka_unit_test(test_put_str_too_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
