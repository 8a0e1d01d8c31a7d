/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_sqs_text.c - names of queues for topics [SQS-1], and bodies for messages
 * [SQS-2].
 */
#include "support.h"

#include "sqs_text.h"

static void test_names(void **state) {
  (void)state;
  static const struct {
    const char *topic, *name;
  } rows[] = {
      {"t", "p-t"},
      {"My-topic_9", "p-My-topic_9"},
      {"a/b", "p-a_2fb"},
      {"a.fifo", "p-a_2efifo"},
      {"\xc3\xa9", "p-_c3_a9"},
      {"t\xff \r\n", "p-t_ff_20_0d_0a"},
      {"_", "p-_"},
      {"a_b", "p-a_b"},
      {"a_bc", "p-a_5fbc"}, /* would look like an escape */
      {"a_BC", "p-a_BC"},
      {"a_5fbc", "p-a_5f5fbc"},
      {"a_b/", "p-a_b_2f"},
      {"a__bc", "p-a__5fbc"},
      {"dead", "p-dead"},
      {"-deadline", "p--deadline"},
  };
  char name[81];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const brrr_bytes topic = exact(brrr_bytes_str(rows[i].topic));
    assert_null(brrr__sqs_name(name, "p-", topic));
    assert_string_equal(name, rows[i].name);
    exact_free(topic);
  }
  assert_null(brrr__sqs_name(name, "", BRRR_LIT("a\0b")));
  assert_string_equal(name, "a_00b");
}

/* 75 octets, so that -dead makes 80. */
static void test_wrong_topics(void **state) {
  (void)state;
  char name[81] = "untouched";
  const brrr_bytes long_topic = repeated("", "x", 75, "");
  const brrr_bytes longer = repeated("", "x", 76, "");
  const brrr_bytes escaped = repeated("/", "x", 72, "");
  const brrr_bytes escaped_longer = repeated("/", "x", 73, "");
  assert_non_null(brrr__sqs_name(name, "", longer));
  assert_non_null(brrr__sqs_name(name, "p", long_topic));
  assert_non_null(brrr__sqs_name(name, "", escaped_longer));
  assert_non_null(brrr__sqs_name(name, "", BRRR_LIT("")));
  assert_non_null(brrr__sqs_name(name, "", BRRR_LIT("-dead")));
  assert_non_null(brrr__sqs_name(name, "", BRRR_LIT("t-dead")));
  assert_string_equal(name, "untouched");
  assert_null(brrr__sqs_name(name, "", long_topic));
  assert_int_equal(strlen(name), 75);
  assert_null(brrr__sqs_name(name, "", escaped));
  assert_int_equal(strlen(name), 75);
  free((void *)(uintptr_t)long_topic.ptr);
  free((void *)(uintptr_t)longer.ptr);
  free((void *)(uintptr_t)escaped.ptr);
  free((void *)(uintptr_t)escaped_longer.ptr);
}

static const struct {
  brrr_bytes message;
  const char *body;
} bodies[] = {
    {BRRR_INIT("li2e5:root16:c1hashe"), "li2e5:root16:c1hashe"},
    {BRRR_INIT("li2e2:\xc3\xa9"
               "1:he"),
     "li2e2:\xc3\xa9"
     "1:he"},
    {BRRR_INIT("\xf0\x9f\x92\xa9 \"\\~"), "\xf0\x9f\x92\xa9 \"\\~"},
    {BRRR_INIT("\xef\xbf\xbd"), "\xef\xbf\xbd"},
    {BRRR_INIT(""), "base64:"},
    {BRRR_INIT("a\tb"), "base64:YQli"},
    {BRRR_INIT("a\nb"), "base64:YQpi"},
    {BRRR_INIT("\0"), "base64:AA=="},
    {BRRR_INIT("\x7f"), "base64:fw=="},
    {BRRR_INIT("\xff"), "base64:/w=="},
    {BRRR_INIT("\xc3"), "base64:ww=="},
    {BRRR_INIT("\xef\xbf\xbe"), "base64:77++"},
    {BRRR_INIT("x\xef\xbf\xbf"), "base64:eO+/vw=="},
    {BRRR_INIT("base64:"), "base64:YmFzZTY0Og=="},
    {BRRR_INIT("base64"), "base64"},
};

static void test_bodies(void **state) {
  (void)state;
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    const brrr_bytes message = exact(bodies[i].message);
    brrr_bytes body, back;
    assert_int_equal(brrr__sqs_body(&a, message, &body), BRRR_OK);
    assert_bytes_str(body, bodies[i].body);
    const brrr_bytes sent = exact(body);
    assert_int_equal(brrr__sqs_message(&a, sent, &back), BRRR_OK);
    assert_bytes(back, message);
    exact_free(message);
    exact_free(sent);
  }
  brrr_arena_free(&a);
}

/* What no SDK puts there is handed on as it is. */
static void test_foreign_bodies(void **state) {
  (void)state;
  static const char *const foreign[] = {"",
                                        "base64:?",
                                        "base64:YQ",
                                        "base64:YmFzZTY0Og==x",
                                        "base64:YQli YQli",
                                        "tab\there"};
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    brrr_bytes back;
    assert_int_equal(brrr__sqs_message(&a, brrr_bytes_str(foreign[i]), &back),
                     BRRR_OK);
    assert_bytes_str(back, foreign[i]);
  }
  brrr_arena_free(&a);
}

static void test_reasons(void **state) {
  (void)state;
  char words[40];
  const brrr_error e = {.status = BRRR_E_RECORD,
                        .offset = 7,
                        .reason = "not a list",
                        .requirement = "REC-20"};
  brrr__sqs_reason(words, sizeof words, &e, BRRR_LIT("so\n\xff"));
  assert_string_equal(words, "not a list [REC-20], at 7: so??");
  brrr__sqs_reason(words, sizeof words, &e,
                   BRRR_LIT("much longer than there is room for"));
  assert_int_equal(strlen(words), 39);
  brrr__sqs_reason(words, sizeof words, NULL, BRRR_LIT("detail"));
  assert_string_equal(words, "detail");
  brrr__sqs_reason(words, sizeof words, NULL, BRRR_LIT(""));
  assert_string_equal(words, "no reason given");
}

static void once(heap *h, void *ud) {
  brrr_arena a;
  brrr_bytes out;
  (void)ud;
  brrr_arena_init(&a, heap_alloc(h));
  brrr_status s = brrr__sqs_body(&a, BRRR_LIT("\n"), &out);
  if (s == BRRR_OK)
    s = brrr__sqs_message(&a, BRRR_LIT("base64:Cg=="), &out);
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  brrr_arena_free(&a);
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_wrong_topics),
      cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_foreign_bodies),
      cmocka_unit_test(test_reasons),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
