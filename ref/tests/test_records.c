/* SPDX-License-Identifier: AGPL-3.0-only */
#include "record.h"

/* ==== Decoders: what they read =========================================== */

static void test_schedule_message(void **state) { /* [REC-1] */
  (void)state;
  brrr_schedule_message m;
  assert_int_equal(brrr_schedule_message_decode(
                       &m, BRRR_LIT("li2e4:r\xc3\xbct6:c1hashe"), NULL),
                   BRRR_OK);
  assert_bytes_str(m.root_id, "r\xc3\xbct");
  assert_bytes_str(m.call_hash, "c1hash");
}

static void test_pending_return(void **state) { /* [REC-2] */
  (void)state;
  brrr_pending_return r;
  assert_int_equal(
      brrr_pending_return_decode(
          &r, BRRR_LIT("li1e5:root110:parenthash7:topic-te"), NULL),
      BRRR_OK);
  assert_bytes_str(r.root_id, "root1");
  assert_bytes_str(r.call_hash, "parenthash");
  assert_bytes_str(r.topic, "topic-t");
}

static void test_pending_returns(void **state) { /* [REC-3] */
  (void)state;
  brrr_arena a;
  brrr_pending_returns p;
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(brrr_pending_returns_decode(
                       &p, &a,
                       BRRR_LIT("d7:returnslli1e1:a1:h1:teli1e1:b1:i1:uee"
                                "12:scheduled_ati1795489157ee"),
                       NULL),
                   BRRR_OK);
  assert_int_equal(p.count, 2);
  assert_bytes_str(p.returns[0].root_id, "a");
  assert_bytes_str(p.returns[0].topic, "t");
  assert_bytes_str(p.returns[1].call_hash, "i");
  assert_int_equal(p.scheduled_at, 1795489157);
  assert_int_equal(
      brrr_pending_returns_decode(&p, &a, BRRR_LIT("d7:returnslee"), NULL),
      BRRR_OK);
  assert_int_equal(p.count, 0);
  assert_int_equal(p.scheduled_at, 0);
  brrr_arena_free(&a);
}

static void test_call(void **state) { /* [REC-4] */
  (void)state;
  brrr_call c = {.call_hash = BRRR_LIT("key")};
  assert_int_equal(
      brrr_call_decode(&c, BRRR_LIT("d7:payload3:\x00\xff[9:task_name4:leafe"),
                       NULL),
      BRRR_OK);
  assert_bytes(c.payload, BRRR_LIT("\0\xff["));
  assert_bytes_str(c.task_name, "leaf");
  assert_bytes_str(c.call_hash, "key"); /* left alone */
}

static void test_accepts(void **state) {
  (void)state;
  const struct {
    record_type type;
    const char *in, *canonical;
  } cases[] = {
      {MESSAGE, "li2e0:0:e", NULL},
      {MESSAGE, "li2e1:r2: ~e", NULL},
      {RETURN, "li1e0:0:0:e", NULL},
      {CALL, "d7:payload0:9:task_name0:e", NULL},
      {CALL, "d7:payload0:9:task_name7:\xef\xbb\xbfleafe",
       NULL}, /* [WIRE-11] */
      {CALL,
       "d7:payload1:\xff"
       "9:task_name4:\xf4\x8f\xbf\xbf"
       "e",
       NULL},
      {RETURNS, "d7:returnslee", NULL},
      {RETURNS, "d7:returnsle12:scheduled_ati1ee", NULL},
      {RETURNS, "d7:returnsle12:scheduled_ati9007199254740991ee", NULL},
      {RETURNS, "d7:returnslli1e1:a1:h1:teee", NULL},
      /* [REC-22] [REC-8] */
      {RETURNS, "d7:returnsle12:scheduled_ati0ee", "d7:returnslee"},
      /* [REC-20] [REC-11], whatever they hold and wherever they sort */
      {RETURNS, "d0:le1:ad1:xi1ee7:returnslee", "d7:returnslee"},
      {RETURNS, "d7:returnsle1:zdee", "d7:returnslee"},
      {RETURNS, "d7:returnsle12:scheduled_ati5e2:zzllleeee",
       "d7:returnsle12:scheduled_ati5ee"},
      {CALL,
       "d1:ad7:payload1:x9:task_name1:ye7:payload2:[]8:payload23:xyz"
       "9:task_name4:leafe",
       "d7:payload2:[]9:task_name4:leafe"},
      /* [REC-21] [REC-6] [REC-7] */
      {RETURNS, "d7:returnslli1e1:b1:h1:teli1e1:a1:h1:teli1e1:b1:h1:teee",
       "d7:returnslli1e1:a1:h1:teli1e1:b1:h1:teee"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_accepted(cases[i].type, brrr_bytes_str(cases[i].in),
                    cases[i].canonical);
}

/* ==== Decoders: what they reject ========================================= */

static void test_rejects_lists(void **state) {
  (void)state;
  const struct {
    record_type type;
    const char *in, *requirement;
    size_t offset;
  } cases[] = {
      {MESSAGE, "i2e", "REC-23", 0},
      {MESSAGE, "4:li2e", "REC-23", 0},
      {MESSAGE, "de", "REC-23", 0},
      {MESSAGE, "li1e5:root16:c1hashe", "REC-24", 1},
      {MESSAGE, "li3e5:root16:c1hashe", "REC-24", 1},
      {MESSAGE, "li-2e5:root16:c1hashe", "REC-24", 1},
      {MESSAGE, "l1:25:root16:c1hashe", "REC-24", 1},
      {MESSAGE, "lli2ee5:root16:c1hashe", "REC-24", 1},
      {MESSAGE, "le", "REC-25", 1},
      {MESSAGE, "li2ee", "REC-25", 4},
      {MESSAGE, "li2e5:root1e", "REC-25", 11},
      {MESSAGE, "li2e5:root16:c1hash7:topic-te", "REC-25", 19},
      {MESSAGE, "li2e5:root16:c1hashlee", "REC-25", 19},
      {MESSAGE, "li2ei5e6:c1hashe", "REC-40", 4},
      {MESSAGE, "li2e5:root1lee", "REC-40", 11},
      {MESSAGE, "li2ede6:c1hashe", "REC-40", 4},
      {MESSAGE,
       "li2e5:root11:\x7f"
       "e",
       "REC-42", 13},
      {MESSAGE,
       "li2e5:root12:a\x1f"
       "e",
       "REC-42", 14},
      {MESSAGE,
       "li2e5:root12:\xc3\xa9"
       "e",
       "REC-42", 13},
      {MESSAGE,
       "li2e3:ab\xff"
       "1:he",
       "WIRE-25", 8},
      {RETURN, "de", "REC-23", 0},
      {RETURN, "li2e1:r1:h1:te", "REC-24", 1},
      {RETURN, "li1e1:r1:he", "REC-25", 10},
      {RETURN, "li1e1:r1:h1:t0:e", "REC-25", 13},
      {RETURN, "li1e1:r1:hi1ee", "REC-40", 10},
      {RETURN,
       "li1e1:r1:h2:\xc0\x80"
       "e",
       "WIRE-25", 12},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_rejected(cases[i].type, brrr_bytes_str(cases[i].in), BRRR_E_RECORD,
                    cases[i].requirement, cases[i].offset);
}

static void test_rejects_dicts(void **state) {
  (void)state;
  const struct {
    record_type type;
    const char *in, *requirement;
    size_t offset;
  } cases[] = {
      {CALL, "le", "REC-23", 0},
      {CALL, "i1e", "REC-23", 0},
      {CALL, "de", "REC-26", 1},
      {CALL, "d7:payload2:[]e", "REC-26", 14},
      {CALL, "d9:task_name4:leafe", "REC-26", 18},
      {CALL, "d7:Payload2:[]9:task_name4:leafe", "REC-26", 31},
      {CALL, "d7:payloae2:[]9:task_name4:leafe", "REC-26", 31},
      {CALL,
       "d8:payload\x01"
       "2:[]9:task_name4:leafe",
       "REC-26", 32},
      {CALL, "d6:payloa2:[]9:task_name4:leafe", "REC-26", 30},
      {CALL, "d1:ad7:payload2:[]9:task_name4:leafee", "REC-26", 36},
      {CALL, "d9:__proto__d7:payload1:x9:task_name1:yee", "REC-26", 40},
      {CALL, "d7:payloadi1e9:task_name4:leafe", "REC-40", 10},
      {CALL, "d7:payload0:9:task_namelee", "REC-40", 23},
      {CALL,
       "d7:payload0:9:task_name1:\xc3"
       "e",
       "WIRE-25", 25},
      {CALL,
       "d7:payload0:9:task_name4:\xf4\x90\x80\x80"
       "e",
       "WIRE-25", 25},
      {RETURNS, "le", "REC-23", 0},
      {RETURNS, "de", "REC-26", 1},
      {RETURNS, "d12:scheduled_ati1ee", "REC-26", 19},
      {RETURNS, "d7:returnsi1ee", "REC-27", 10},
      {RETURNS, "d7:returns0:e", "REC-27", 10},
      {RETURNS, "d7:returnsdee", "REC-27", 10},
      {RETURNS, "d7:returnsli1eee", "REC-27", 11},
      {RETURNS, "d7:returnsldeee", "REC-27", 11},
      {RETURNS, "d7:returnslleee", "REC-25", 12},
      {RETURNS, "d7:returnslli2e1:r1:heee", "REC-24", 12},
      {RETURNS, "d7:returnslli1e1:r1:h1:teli1e1:r1:heee", "REC-25", 35},
      {RETURNS, "d7:returnsle12:scheduled_ati-1ee", "REC-41", 27},
      {RETURNS, "d7:returnsle12:scheduled_at1:5e", "REC-41", 27},
      {RETURNS, "d7:returnsle12:scheduled_atlee", "REC-41", 27},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_rejected(cases[i].type, brrr_bytes_str(cases[i].in), BRRR_E_RECORD,
                    cases[i].requirement, cases[i].offset);
}

/* What the reader rejects comes out as it is, inside unknown keys too. */
static void test_rejects_syntax(void **state) {
  (void)state;
  const struct {
    record_type type;
    const char *in, *requirement;
    size_t offset;
  } cases[] = {
      {MESSAGE, "", "WIRE-12", 0},
      {MESSAGE, "li2e5:root16:c1hashe\n", "WIRE-14", 20},
      {MESSAGE, "l-3:e", "WIRE-19", 1},
      {RETURN, "li1e1:r1:h1:t", "WIRE-13", 13},
      {CALL, "d7:payload0:7:payload0:9:task_name0:e", "WIRE-30", 12},
      {CALL, "d9:task_name0:7:payload0:e", "WIRE-30", 14},
      {CALL, "d7:payload0:9:task_name0:1:zi0e", "WIRE-13", 31},
      {CALL, "d1:ad1:ai01eee", "WIRE-17", 9},
      {CALL, "d7:payload0:9:task_name0:2:zzi9007199254740992ee", "WIRE-31", 45},
      {RETURNS, "d7:returnsle12:scheduled_ati9007199254740992ee", "WIRE-31",
       43},
      {RETURNS, "d7:returnsl-1:ee", "WIRE-19", 11},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_rejected(cases[i].type, brrr_bytes_str(cases[i].in), BRRR_E_SYNTAX,
                    cases[i].requirement, cases[i].offset);
}

static const record_example canonical[] = RECORD_EXAMPLES;

static void test_every_cut(void **state) { /* [WIRE-13] */
  (void)state;
  for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++) {
    const brrr_bytes whole = canonical[i].octets;
    assert_accepted(canonical[i].type, whole, NULL); /* [REC-12] */
    for (size_t len = 0; len < whole.len; len++) {
      const brrr_bytes cut = exact((brrr_bytes){whole.ptr, len});
      brrr_arena a;
      brrr_error err;
      record r;
      brrr_arena_init(&a, (brrr_alloc){0});
      assert_int_equal(record_decode(canonical[i].type, &r, &a, cut, &err),
                       BRRR_E_SYNTAX);
      assert_true(err.offset <= len);
      brrr_arena_free(&a);
      exact_free(cut);
    }
  }
}

/* Every octet replaced by every other: rejected with a place and a requirement,
 * or a record that comes out as its canonical self, and stays that way. */
static void test_every_octet(void **state) { /* [WIRE-26] [REC-12] */
  (void)state;
  for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++) {
    const brrr_bytes in = exact(canonical[i].octets);
    uint8_t *octets = (uint8_t *)(uintptr_t)in.ptr;
    for (size_t k = 0; k < in.len * 256; k++) {
      brrr_arena a;
      brrr_buf b;
      brrr_error err = {.requirement = ""};
      brrr_bytes out;
      record r;
      octets[k / 256] = (uint8_t)k;
      brrr_arena_init(&a, (brrr_alloc){0});
      brrr_buf_init(&b, &a);
      if (record_decode(canonical[i].type, &r, &a, in, &err)) {
        assert_true(strlen(err.requirement) > 0 && err.offset <= in.len);
      } else {
        record_encode(canonical[i].type, &b, &r);
        assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_OK);
        assert_accepted(canonical[i].type, out, NULL);
      }
      brrr_arena_free(&a);
      octets[k / 256] = canonical[i].octets.ptr[k / 256];
    }
    exact_free(in);
  }
}

/* ==== Encoders =========================================================== */

static void assert_refused(record_type type, record *in,
                           const char *requirement, size_t offset) {
  brrr_arena a;
  brrr_buf b;
  brrr_error err;
  brrr_bytes out = BRRR_LIT("untouched");
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  record_encode(type, &b, in);
  assert_int_equal(brrr_buf_finish(&b, &out, &err), BRRR_E_ENCODE);
  assert_error(&err, BRRR_E_ENCODE, requirement, offset);
  assert_bytes_str(out, "untouched");
  brrr_arena_free(&a);
}

static void test_refuses_text(void **state) { /* [WIRE-5] [REC-10] */
  (void)state;
  const brrr_bytes h = BRRR_LIT("h"), bad = BRRR_LIT("ab\xed\xa0\x80");
  record r = {.message = {bad, h}};
  assert_refused(MESSAGE, &r, "WIRE-5", 2);
  r.message = (brrr_schedule_message){h, BRRR_LIT("h\x7f")};
  assert_refused(MESSAGE, &r, "REC-10", 1);
  r.message = (brrr_schedule_message){h, BRRR_LIT("\x1f")};
  assert_refused(MESSAGE, &r, "REC-10", 0);
  r.message = (brrr_schedule_message){h, BRRR_LIT("h\xc3\xa9")};
  assert_refused(MESSAGE, &r, "REC-10", 1);
  r.ret = (brrr_pending_return){h, h, bad};
  assert_refused(RETURN, &r, "WIRE-5", 2);
  brrr_pending_return returns[] = {{h, h, h}, {bad, h, h}};
  r.returns = (brrr_pending_returns){returns, 2, 0};
  assert_refused(RETURNS, &r, "WIRE-5", 2);
  r.call = (brrr_call){h, bad, h};
  assert_refused(CALL, &r, "WIRE-5", 2);
}

static void test_scheduled_at(void **state) { /* [REC-8] [REC-9] [WIRE-4] */
  (void)state;
  const struct {
    int64_t scheduled_at;
    const char *octets, *requirement;
    size_t offset;
  } cases[] = {
      {INT64_MIN, NULL, "REC-9", 0},
      {-1, NULL, "REC-9", 0},
      {0, "d7:returnslee", NULL, 0},
      {1, "d7:returnsle12:scheduled_ati1ee", NULL, 0},
      {9007199254740990, "d7:returnsle12:scheduled_ati9007199254740990ee", NULL,
       0},
      {9007199254740991, "d7:returnsle12:scheduled_ati9007199254740991ee", NULL,
       0},
      {9007199254740992, NULL, "WIRE-4", 27},
      {INT64_MAX, NULL, "WIRE-4", 27},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    record r = {.returns = {NULL, 0, cases[i].scheduled_at}};
    if (cases[i].octets) {
      brrr_arena a;
      brrr_buf b;
      brrr_bytes out;
      brrr_arena_init(&a, (brrr_alloc){0});
      brrr_buf_init(&b, &a);
      record_encode(RETURNS, &b, &r);
      assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
      assert_bytes_str(out, cases[i].octets);
      brrr_arena_free(&a);
    } else {
      assert_refused(RETURNS, &r, cases[i].requirement, cases[i].offset);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_schedule_message),
      cmocka_unit_test(test_pending_return),
      cmocka_unit_test(test_pending_returns),
      cmocka_unit_test(test_call),
      cmocka_unit_test(test_accepts),
      cmocka_unit_test(test_rejects_lists),
      cmocka_unit_test(test_rejects_dicts),
      cmocka_unit_test(test_rejects_syntax),
      cmocka_unit_test(test_every_cut),
      cmocka_unit_test(test_every_octet),
      cmocka_unit_test(test_refuses_text),
      cmocka_unit_test(test_scheduled_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
