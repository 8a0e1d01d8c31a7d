/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * What the shared vectors cannot tell: values made in memory, what is found in
 * them, offsets, memory that is out. That every text is read and written right,
 * the vectors tell (codec-json.jsonl).
 */
#include "support.h"

#include <brrr/json.h>
#include <math.h>

static brrr_arena arena;

static int set_up(void **state) {
  (void)state;
  brrr_arena_init(&arena, (brrr_alloc){0});
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  brrr_arena_free(&arena);
  return 0;
}

static const brrr_json *parse(const char *text) {
  const brrr_json *v = NULL;
  const brrr_bytes in = exact(brrr_bytes_str(text));
  assert_int_equal(brrr_json_parse(&arena, in, &v, NULL), BRRR_OK);
  exact_free(in);
  return v;
}

static brrr_bytes written(const brrr_json *v) {
  brrr_buf b;
  brrr_bytes out = {0};
  brrr_buf_init(&b, &arena);
  brrr_json_write(&b, v);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  return out;
}

static void assert_refused(const brrr_json *v, const char *requirement) {
  brrr_buf b;
  brrr_bytes out;
  brrr_error err = {0};
  brrr_buf_init(&b, &arena);
  brrr_json_write(&b, v);
  assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_E_CODEC);
  assert_string_equal(err.requirement, requirement);
  assert_true(strlen(err.reason) > 0);
}

static const brrr_json *string(const char *text) {
  return brrr_json_string(&arena, brrr_bytes_str(text));
}

/* ==== Making ============================================================= */

static void test_scalars(void **state) {
  (void)state;
  assert_bytes_str(written(brrr_json_null(&arena)), "null");
  assert_bytes_str(written(brrr_json_bool(&arena, true)), "true");
  assert_bytes_str(written(brrr_json_bool(&arena, false)), "false");
  assert_bytes_str(written(brrr_json_number(&arena, 11)), "11");
  assert_bytes_str(written(brrr_json_number(&arena, -0.5)), "-0.5");
  assert_bytes_str(written(brrr_json_integer(&arena, -7)), "-7");
  assert_bytes_str(written(string("a\"b")), "\"a\\\"b\"");
  assert_bytes_str(written(brrr_json_string(&arena, (brrr_bytes){0})), "\"\"");
}

static void test_arrays(void **state) {
  (void)state;
  const brrr_json *one = brrr_json_number(&arena, 1);
  const brrr_json *list = brrr_json_list(&arena, one, string("x"), one);
  assert_bytes_str(written(list), "[1,\"x\",1]");
  assert_bytes_str(written(brrr_json_list(&arena, list, list)),
                   "[[1,\"x\",1],[1,\"x\",1]]");
  assert_bytes_str(written(brrr_json_array(&arena, NULL, 0)), "[]");
}

static void test_objects_are_sorted(void **state) { /* [CODEC-15] */
  (void)state;
  const brrr_json *v = brrr_json_null(&arena);
  const brrr_json_member members[] = {{BRRR_LIT("\xee\x80\x80"), v},
                                      {BRRR_LIT("\xf0\x90\x80\x80"), v},
                                      {BRRR_LIT("9"), v},
                                      {BRRR_LIT(""), v},
                                      {BRRR_LIT("\xed\x9f\xbf"), v},
                                      {BRRR_LIT("10"), v},
                                      {BRRR_LIT("\xef\xbf\xbf"), v},
                                      {BRRR_LIT("1"), v}};
  const brrr_json *o = brrr_json_object(&arena, members, 8);
  const char *order[] = {"",
                         "1",
                         "10",
                         "9",
                         "\xed\x9f\xbf",
                         "\xf0\x90\x80\x80",
                         "\xee\x80\x80",
                         "\xef\xbf\xbf"};
  assert_int_equal(brrr_json_count(o), 8);
  for (size_t i = 0; i < 8; i++) {
    assert_bytes_str(brrr_json_member_at(o, i)->name, order[i]);
    assert_ptr_equal(brrr_json_get(o, order[i]), v);
  }
  assert_null(brrr_json_get(o, "2"));
  assert_null(brrr_json_member_at(o, 8));
  assert_bytes_str(written(brrr_json_object(&arena, NULL, 0)), "{}");
}

static void test_arguments_are_copied(void **state) {
  (void)state;
  char name[] = "name", text[] = "text";
  const brrr_json *item = brrr_json_string(&arena, brrr_bytes_str(text));
  brrr_json_member member = {brrr_bytes_str(name), item};
  const brrr_json *o = brrr_json_object(&arena, &member, 1);
  const brrr_json *l = brrr_json_array(&arena, &item, 1);
  member = (brrr_json_member){0};
  item = NULL;
  memset(name, 'x', 4);
  memset(text, 'x', 4);
  assert_bytes_str(written(o), "{\"name\":\"text\"}");
  assert_bytes_str(written(l), "[\"text\"]");
}

static void test_null_goes_through(void **state) {
  (void)state;
  const brrr_json *one = brrr_json_number(&arena, 1);
  const brrr_json_member members[] = {{BRRR_LIT("a"), one},
                                      {BRRR_LIT("b"), NULL}};
  brrr_buf b;
  brrr_bytes out = {0};
  assert_null(brrr_json_list(&arena, one, NULL));
  assert_null(brrr_json_object(&arena, members, 2));
  brrr_buf_init(&b, &arena);
  brrr_json_write(&b, NULL);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_E_NOMEM);
}

/* ==== What cannot be written ============================================= */

static void test_refused_numbers(void **state) { /* [CODEC-11] [CODEC-12] */
  (void)state;
  assert_refused(brrr_json_number(&arena, (double)NAN), "CODEC-11");
  assert_refused(brrr_json_number(&arena, (double)INFINITY), "CODEC-11");
  assert_refused(brrr_json_number(&arena, (double)-INFINITY), "CODEC-11");
  const int64_t gap = BRRR_BEN_MAX_INT + 2; /* 2^53+1 */
  assert_refused(brrr_json_integer(&arena, gap), "CODEC-12");
  assert_refused(brrr_json_integer(&arena, -gap), "CODEC-12");
  assert_refused(brrr_json_integer(&arena, INT64_MAX), "CODEC-12");
  assert_bytes_str(written(brrr_json_integer(&arena, gap - 1)),
                   "9007199254740992");
  assert_bytes_str(written(brrr_json_integer(&arena, INT64_MIN)),
                   "-9223372036854776000");
}

static void test_refused_text(void **state) { /* [CODEC-14] [CODEC-17] */
  (void)state;
  const brrr_json *one = brrr_json_number(&arena, 1);
  const brrr_json_member lone = {BRRR_LIT("\xed\xa0\x80"), one};
  const brrr_json_member nul = {BRRR_LIT("a\0b"), one};
  assert_refused(string("\xff"), "CODEC-14");
  assert_refused(string("a\xed\xa0\x80"), "CODEC-14");
  assert_refused(brrr_json_object(&arena, &lone, 1), "CODEC-14");
  assert_refused(brrr_json_object(&arena, &nul, 1), "CODEC-17");
  assert_bytes_str(written(brrr_json_string(&arena, BRRR_LIT("a\0b"))),
                   "\"a\\u0000b\"");
}

static void test_refused_twice(void **state) { /* [CODEC-16] */
  (void)state;
  const brrr_json *one = brrr_json_number(&arena, 1);
  const brrr_json_member members[] = {
      {BRRR_LIT("a"), one}, {BRRR_LIT("b"), one}, {BRRR_LIT("a"), one}};
  assert_refused(brrr_json_object(&arena, members, 3), "CODEC-16");
  assert_refused(brrr_json_list(&arena, brrr_json_object(&arena, members, 3)),
                 "CODEC-16");
}

static void test_refused_depth(void **state) { /* [CODEC-18] */
  (void)state;
  const brrr_json *v = brrr_json_null(&arena);
  for (int i = 0; i < BRRR_JSON_MAX_DEPTH; i++)
    v = brrr_json_list(&arena, v);
  assert_int_equal(written(v).len, 2 * BRRR_JSON_MAX_DEPTH + 4);
  assert_refused(brrr_json_list(&arena, v), "CODEC-18");
  const brrr_json_member member = {BRRR_LIT("a"), v};
  assert_refused(brrr_json_object(&arena, &member, 1), "CODEC-18");
}

/* ==== Looking ============================================================ */

static void test_types(void **state) {
  (void)state;
  const char *texts[] = {"null", "true", "1", "\"a\"", "[]", "{}"};
  const brrr_json_type types[] = {BRRR_JSON_NULL,   BRRR_JSON_BOOL,
                                  BRRR_JSON_NUMBER, BRRR_JSON_STRING,
                                  BRRR_JSON_ARRAY,  BRRR_JSON_OBJECT};
  for (size_t i = 0; i < 6; i++) {
    const brrr_json *v = parse(texts[i]);
    bool truth;
    double number;
    int64_t integer;
    brrr_bytes text;
    assert_int_equal(brrr_json_type_of(v), types[i]);
    assert_int_equal(brrr_json_truth(v, &truth), i == 1);
    assert_int_equal(brrr_json_double(v, &number), i == 2);
    assert_int_equal(brrr_json_int(v, &integer), i == 2);
    assert_int_equal(brrr_json_text(v, &text), i == 3);
    assert_null(brrr_json_at(v, 0));
    assert_null(brrr_json_get(v, "a"));
    assert_null(brrr_json_member_at(v, 0));
    assert_int_equal(brrr_json_count(v), 0);
  }
  assert_int_equal(brrr_json_type_of(NULL), BRRR_JSON_NONE);
}

static void test_paths(void **state) {
  (void)state;
  const brrr_json *v = parse("[{\"n\":[true,\"x\"]},2]");
  const brrr_json *inner = brrr_json_get(brrr_json_at(v, 0), "n");
  bool truth = false;
  brrr_bytes text;
  int64_t n = 5;
  assert_true(brrr_json_truth(brrr_json_at(inner, 0), &truth));
  assert_true(truth);
  assert_true(brrr_json_text(brrr_json_at(inner, 1), &text));
  assert_bytes_str(text, "x");
  assert_int_equal(brrr_json_count(v), 2);
  assert_false(brrr_json_int(brrr_json_get(brrr_json_at(v, 7), "n"), &n));
  assert_int_equal(n, 5);
  assert_true(brrr_json_int(brrr_json_at(v, 1), &n));
  assert_int_equal(n, 2);
}

static void test_int(void **state) {
  (void)state;
  const struct {
    const char *text;
    bool is;
    int64_t n;
  } cases[] = {{"0", true, 0},
               {"-0", true, 0},
               {"1.0", true, 1},
               {"-3e2", true, -300},
               {"0.5", false, 0},
               {"9007199254740991", true, BRRR_BEN_MAX_INT},
               {"-9007199254740991", true, -BRRR_BEN_MAX_INT},
               {"9007199254740992", false, 0},
               {"-9007199254740992", false, 0},
               {"1e300", false, 0},
               {"-1e300", false, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t n = 77;
    assert_int_equal(brrr_json_int(parse(cases[i].text), &n), cases[i].is);
    assert_int_equal(n, cases[i].is ? cases[i].n : 77);
  }
  double number;
  assert_false(brrr_json_double(brrr_json_integer(&arena, INT64_MAX), &number));
}

/* ==== Where it is wrong ================================================== */

static void test_offsets(void **state) {
  (void)state;
  const struct {
    const char *text, *requirement;
    size_t from, to; /* the offset is one of these */
  } cases[] = {
      {"", "CODEC-21", 0, 0},
      {"[1,]", "CODEC-21", 3, 4},
      {"[1] x", "CODEC-21", 4, 5},
      {"[\"a\xff\"]", "CODEC-23", 3, 3},
      {"\xef\xbb\xbf[]", "CODEC-23", 0, 0},
      {"[\"\\ud800\"]", "CODEC-23", 1, 9},
      {"{\"a\":1,\"a\":2}", "CODEC-24", 7, 10},
      {"{\"\\u0000\":1}", "CODEC-24", 1, 9},
      {"[1e999]", "CODEC-25", 1, 6},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const brrr_json *v = NULL;
    brrr_error err = {0};
    const brrr_bytes in = exact(brrr_bytes_str(cases[i].text));
    assert_int_equal(brrr_json_parse(&arena, in, &v, &err), BRRR_E_CODEC);
    exact_free(in);
    assert_null(v);
    assert_int_equal(err.status, BRRR_E_CODEC);
    assert_string_equal(err.requirement, cases[i].requirement);
    assert_in_range(err.offset, cases[i].from, cases[i].to);
  }
}

static void test_depth(void **state) { /* [CODEC-26] */
  (void)state;
  const char *open[] = {"[", "{\"[\":"}, *closed[] = {"]", "}"};
  for (size_t kind = 0; kind < 2; kind++)
    for (size_t n = BRRR_JSON_MAX_DEPTH - 1; n <= 100000; n += n < 70 ? 1 : n) {
      const brrr_bytes begin = repeated("", open[kind], n, "1");
      const brrr_bytes end = repeated("", closed[kind], n, "");
      brrr_buf b;
      brrr_bytes whole = {0};
      const brrr_json *v = NULL;
      brrr_error err = {0};
      brrr_buf_init(&b, &arena);
      brrr_buf_put(&b, begin);
      brrr_buf_put(&b, end);
      assert_int_equal(brrr_buf_finish(&b, &whole, NULL), BRRR_OK);
      const brrr_status s = brrr_json_parse(&arena, whole, &v, &err);
      if (n <= BRRR_JSON_MAX_DEPTH) {
        assert_int_equal(s, BRRR_OK);
        assert_bytes(written(v), whole);
      } else {
        assert_int_equal(s, BRRR_E_CODEC);
        assert_string_equal(err.requirement, "CODEC-26");
        assert_int_equal(err.offset, BRRR_JSON_MAX_DEPTH * strlen(open[kind]));
      }
      free((void *)(uintptr_t)begin.ptr);
      free((void *)(uintptr_t)end.ptr);
    }
}

/* ==== Memory ============================================================= */

/* Whatever fails, the end is BRRR_E_NOMEM, and nothing was given out. */
static void read_and_write(heap *h, void *ud) {
  (void)ud;
  brrr_arena a;
  brrr_buf b;
  brrr_bytes out = {0};
  const brrr_json *v = NULL;
  brrr_error err = {0};
  brrr_arena_init(&a, heap_alloc(h));
  const brrr_bytes long_string =
      repeated("[{\"k\":\"", "x", 70000, "\"},1,[]]");
  brrr_status s = brrr_json_parse(&a, long_string, &v, &err);
  if (s == BRRR_OK) {
    v = brrr_json_list(&a, v, brrr_json_integer(&a, 1), brrr_json_null(&a));
    const brrr_json_member member = {BRRR_LIT("name"), v};
    brrr_buf_init(&b, &a);
    brrr_json_write(&b, brrr_json_object(&a, &member, 1));
    s = brrr_buf_finish(&b, &out, &err);
  } else {
    assert_null(v);
  }
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  assert_int_equal(err.status, s);
  assert_int_equal(out.len > 70000, s == BRRR_OK);
  free((void *)(uintptr_t)long_string.ptr);
  brrr_arena_free(&a);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(read_and_write, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_scalars),
      TEST(test_arrays),
      TEST(test_objects_are_sorted),
      TEST(test_arguments_are_copied),
      TEST(test_null_goes_through),
      TEST(test_refused_numbers),
      TEST(test_refused_text),
      TEST(test_refused_twice),
      TEST(test_refused_depth),
      TEST(test_types),
      TEST(test_paths),
      TEST(test_int),
      TEST(test_offsets),
      TEST(test_depth),
      TEST(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
