/* SPDX-License-Identifier: AGPL-3.0-only */
#include "world.h"

#include <stdio.h>

#define MESSAGE "li2e5:root11:pe"
#define MESSAGE_ROOT2 "li2e5:root21:pe"
#define PARENT "d7:payload2:[]9:task_name6:parente"
#define CHILD(hash)                                                            \
  {                                                                            \
    .call = { BRRR_INIT(hash), BRRR_INIT("child"), BRRR_INIT("[" hash "]") }   \
  }
#define STORED_CHILD(hash) "d7:payload3:[" hash "]9:task_name5:childe"

#define P1 "li1e5:root11:p7:topic-te"
#define P2 "li1e5:root21:p7:topic-te"
#define Q1 "li1e5:root11:q7:topic-te"
#define AT "12:scheduled_ati1700000000e"
#define AT_NOW "12:scheduled_ati1795489157e"
#define RETURNS(returns, at) "d7:returnsl" returns "e" at "e"

static const brrr_child one[] = {CHILD("c")};
static const brrr_child three[] = {CHILD("a"), CHILD("b"), CHILD("c")};

static void begin(world *w, const brrr_child *children, size_t count) {
  world_init(w);
  world_set(w, BRRR_KIND_CALL, "p", PARENT);
  w->answer = (brrr_reply){.status = BRRR_DEFER,
                           .now = WORLD_NOW,
                           .children = children,
                           .count = count};
}

/* ==== One child ========================================================== */

static void test_fresh_child(void **state) { /* [SCHED-20] to [SCHED-24] */
  (void)state;
  world w;
  brrr_error err;
  begin(&w, one, 1);
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_log(&w, "get, retry call/p\ninvoke p\n"
                 "set call/c " STORED_CHILD(
                     "c") "\n"
                          "new pending_returns/c " RETURNS(
                              P1, AT_NOW) "\n"
                                          "incr brrr_count/root1\n"
                                          "put topic-t li2e5:root11:ce\n");
  assert_stored(&w, BRRR_KIND_CALL, "c", STORED_CHILD("c"));
  assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", RETURNS(P1, AT_NOW));
  world_free(&w);
}

static void test_topic(void **state) { /* [SCHED-23] [SCHED-22] */
  (void)state;
  const brrr_child child[] = {
      {BRRR_LIT("topic-u"),
       {BRRR_LIT("c"), BRRR_LIT("child"), BRRR_LIT("[c]")}}};
  world w;
  brrr_error err;
  begin(&w, child, 1);
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", RETURNS(P1, AT_NOW));
  assert_non_null(strstr(w.log, "put topic-u li2e5:root11:ce\n"));
  world_free(&w);
}

/* What is stored for the child, who defers, what is stored then, and whether
 * the child is put: every line of the table in defer.c. */
static void test_stored_record(void **state) { /* [SCHED-25] to [SCHED-28] */
  (void)state;
  const struct {
    const char *message, *before, *after;
    bool put;
  } cases[] = {
      /* another parent waits */
      {MESSAGE, RETURNS(Q1, AT), RETURNS(P1 Q1, AT), false},
      /* this very return is there */
      {MESSAGE, RETURNS(P1, AT), RETURNS(P1, AT), false},
      /* the same parent under another root is */
      {MESSAGE_ROOT2, RETURNS(P1, AT), RETURNS(P1 P2, AT), true},
      {MESSAGE, RETURNS(P2, AT), RETURNS(P1 P2, AT), true},
      {MESSAGE, RETURNS(P2 Q1, AT), RETURNS(P1 Q1 P2, AT), true},
      /* both are */
      {MESSAGE, RETURNS(P1 P2, AT), RETURNS(P1 P2, AT), false},
      {MESSAGE_ROOT2, RETURNS(P1 P2, AT), RETURNS(P1 P2, AT), false},
      /* the same parent, from another topic: another return */
      {MESSAGE, RETURNS("li1e5:root21:p7:topic-ue", AT),
       RETURNS(P1 "li1e5:root21:p7:topic-ue", AT), false},
      /* a record of nobody */
      {MESSAGE, RETURNS("", AT), RETURNS(P1, AT), false},
      /* without a time: it stays without */
      {MESSAGE, RETURNS(Q1, ""), RETURNS(P1 Q1, ""), false},
      /* as nobody should write it [REC-20] [REC-21] [REC-22] */
      {MESSAGE, "d1:ai1e7:returnsl" Q1 P2 Q1 "e12:scheduled_ati0ee",
       RETURNS(P1 Q1 P2, ""), true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    begin(&w, one, 1);
    world_set(&w, BRRR_KIND_PENDING_RETURNS, "c", cases[i].before);
    assert_int_equal(world_handle(&w, NULL, cases[i].message, &err), BRRR_OK);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", cases[i].after);
    assert_non_null(strstr(w.log, "cas pending_returns/c"));
    assert_int_equal(strstr(w.log, "put ") != NULL, cases[i].put);
    assert_int_equal(strstr(w.log, "incr ") != NULL, cases[i].put);
    world_free(&w);
  }
}

/* ==== Others at work ===================================================== */

/* Before the first cas or new, another worker is faster. */
static void change_record(world *w, const brrr_effect *e) {
  /* one each time, then NULL; "" removes, "=" leaves it as it is */
  const char **records = w->ud;
  if ((e->type != BRRR_STORE_CAS && e->type != BRRR_STORE_SET_NEW) || !*records)
    return;
  w->ud = records + 1;
  if (**records == '=')
    return;
  if (**records)
    world_set(w, BRRR_KIND_PENDING_RETURNS, "c", *records);
  else
    world_remove(w, BRRR_KIND_PENDING_RETURNS, "c");
}

static void test_mismatch(void **state) { /* [SCHED-26] */
  (void)state;
  const struct {
    const char *before, *others[5], *after;
    bool put;
  } cases[] = {
      /* another parent was first: it puts the child */
      {NULL, {RETURNS(Q1, AT), NULL}, RETURNS(P1 Q1, AT), false},
      /* the record goes, since the child has finished: put it again */
      {RETURNS(Q1, AT), {"=", "", NULL}, RETURNS(P1, AT_NOW), true},
      /* there, gone, there again */
      {RETURNS(Q1, AT),
       {"=", "", RETURNS(Q1, AT), NULL},
       RETURNS(P1 Q1, AT),
       false},
      /* a repeated call shows only at the second attempt */
      {RETURNS(Q1, AT), {"=", RETURNS(P2, AT), NULL}, RETURNS(P1 P2, AT), true},
      /* or no longer */
      {RETURNS(P2, AT),
       {"=", RETURNS(P1 P2, AT), NULL},
       RETURNS(P1 P2, AT),
       false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    begin(&w, one, 1);
    w.before = change_record;
    w.ud = (void *)(uintptr_t)cases[i].others;
    if (cases[i].before)
      world_set(&w, BRRR_KIND_PENDING_RETURNS, "c", cases[i].before);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", cases[i].after);
    assert_int_equal(strstr(w.log, "put ") != NULL, cases[i].put);
    world_free(&w);
  }
}

static void test_attempts(void **state) { /* [STORE-5] [STORE-6] */
  (void)state;
  const struct {
    uint32_t limit, mismatches;
    brrr_status status;
  } cases[] = {{0, 99, BRRR_OK},      {0, 100, BRRR_E_CAS},
               {0, 101, BRRR_E_CAS},  {1, 0, BRRR_OK},
               {1, 1, BRRR_E_CAS},    {101, 100, BRRR_OK},
               {101, 101, BRRR_E_CAS}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const brrr_limits limits = {.cas_attempts = cases[i].limit};
    const world_fault fault = {"new pending_returns/c", BRRR_MISMATCH,
                               cases[i].mismatches};
    world w;
    brrr_error err;
    begin(&w, one, 1);
    w.fault = &fault;
    assert_int_equal(world_handle(&w, &limits, MESSAGE, &err), cases[i].status);
    if (cases[i].status)
      assert_error(&err, BRRR_E_CAS, "STORE-6", 0);
    assert_int_equal(w.faults,
                     cases[i].status
                         ? (limits.cas_attempts ? limits.cas_attempts : 100)
                         : cases[i].mismatches);
    assert_int_equal(strstr(w.log, "put ") != NULL, !cases[i].status);
    world_free(&w);
  }
}

static void test_bad_record(void **state) { /* [WORK-5] */
  (void)state;
  const struct {
    const char *record;
    brrr_status status;
    const char *requirement;
    size_t offset;
  } cases[] = {
      {"", BRRR_E_SYNTAX, "WIRE-12", 0},
      {"d7:returnsi1ee", BRRR_E_RECORD, "REC-27", 10},
      {"d7:returnsle12:scheduled_ati-1ee", BRRR_E_RECORD, "REC-41", 27},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    begin(&w, one, 1);
    world_set(&w, BRRR_KIND_PENDING_RETURNS, "c", cases[i].record);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), cases[i].status);
    assert_error(&err, cases[i].status, cases[i].requirement, cases[i].offset);
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "c", cases[i].record);
    assert_null(strstr(w.log, "incr "));
    world_free(&w);
  }
}

/* ==== Several children =================================================== */

static void test_none(void **state) { /* [SCHED-30] */
  (void)state;
  world w;
  brrr_error err;
  begin(&w, NULL, 0);
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_log(&w, "get, retry call/p\ninvoke p\n");
  world_free(&w);
}

/* Asked for by hash; what else differs does not count, the first one does. */
static void test_same_child_twice(void **state) { /* [SCHED-29] */
  (void)state;
  const brrr_child children[] = {
      CHILD("b"),
      CHILD("a"),
      {BRRR_LIT("topic-u"), {BRRR_LIT("b"), BRRR_LIT("x"), BRRR_LIT("y")}},
      CHILD("a"),
      CHILD("b"),
  };
  world w;
  brrr_error err;
  begin(&w, children, 5);
  assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
  assert_log(
      &w,
      "get, retry call/p\ninvoke p\n"
      "set call/b " STORED_CHILD(
          "b") "\n"
               "set call/a " STORED_CHILD(
                   "a") "\n"
                        "new pending_returns/b " RETURNS(
                            P1,
                            AT_NOW) "\n"
                                    "new pending_returns/a " RETURNS(
                                        P1,
                                        AT_NOW) "\n"
                                                "incr brrr_count/root1\nincr "
                                                "brrr_count/root1\n"
                                                "put topic-t li2e5:root11:be\n"
                                                "put topic-t "
                                                "li2e5:root11:ae\n");
  world_free(&w);
}

/* Nothing is written when one of several children cannot be. */
static void test_child_that_cannot_be_encoded(void **state) {
  (void)state;
  const struct {
    brrr_child child;
    const char *requirement;
    size_t offset;
  } cases[] = {
      {{BRRR_LIT(""), {BRRR_LIT("c\x7f"), BRRR_LIT(""), BRRR_LIT("")}},
       "REC-10",
       1},
      {{BRRR_LIT(""), {BRRR_LIT("c"), BRRR_LIT("ab\xff"), BRRR_LIT("")}},
       "WIRE-5",
       2},
      {{BRRR_LIT("\xff"), {BRRR_LIT("c"), BRRR_LIT(""), BRRR_LIT("")}},
       "WIRE-5",
       0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const brrr_child children[] = {CHILD("a"), cases[i].child};
    world w;
    brrr_error err;
    begin(&w, children, 2);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_E_ENCODE);
    assert_error(&err, BRRR_E_ENCODE, cases[i].requirement, cases[i].offset);
    assert_log(&w, "get, retry call/p\ninvoke p\n");
    world_free(&w);
  }
}

static void test_spawn_limit(void **state) { /* [SCHED-11] [SCHED-12] */
  (void)state;
  const struct {
    int64_t limit, counted;
    brrr_status status;
    size_t put;
  } cases[] = {{0, 9996, BRRR_OK, 3},       {0, 9997, BRRR_OK, 3},
               {0, 9998, BRRR_E_SPAWN, 2},  {0, 9999, BRRR_E_SPAWN, 1},
               {0, 10000, BRRR_E_SPAWN, 0}, {3, 0, BRRR_OK, 3},
               {2, 0, BRRR_E_SPAWN, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    brrr_error err;
    begin(&w, three, 3);
    world_count(&w, "brrr_count/root1", cases[i].counted);
    const brrr_limits limits = {.spawn = cases[i].limit};
    assert_int_equal(world_handle(&w, &limits, MESSAGE, &err), cases[i].status);
    if (cases[i].status) /* [SCHED-31] */
      assert_error(&err, BRRR_E_SPAWN, "SCHED-12", 0);
    size_t put = 0;
    for (const char *p = w.log; (p = strstr(p, "put ")); p++)
      put++;
    assert_int_equal(put, cases[i].put);
    assert_counted(&w, "brrr_count/root1", cases[i].counted + 3);
    world_free(&w);
  }
}

/* ==== All orders ========================================================= */

/* [SCHED-10] [SCHED-20] [SCHED-21] hold whatever comes first. */
static void check_order(world *w, const brrr_effect *e) {
  char line[64];
  const char *hash = (const char *)e->key.call_hash.ptr;
  if (e->type == BRRR_STORE_SET_NEW || e->type == BRRR_STORE_CAS) {
    snprintf(line, sizeof line, "set call/%.1s ", hash);
    assert_non_null(strstr(w->log, line));
  }
  if (e->type == BRRR_QUEUE_PUT) {
    snprintf(line, sizeof line, "new pending_returns/%.1s ",
             (const char *)e->value.ptr + e->value.len - 2);
    assert_non_null(strstr(w->log, line));
    int64_t counted = 0, put = 1;
    for (const char *p = w->log; (p = strstr(p, "incr ")); p++)
      counted++;
    for (const char *p = w->log; (p = strstr(p, "put ")); p++)
      put++;
    assert_true(put <= counted);
  }
}

/* Runs every order of a defer; returns how many there are. */
static size_t walk(const brrr_child *children, size_t count,
                   const char *record_of_all_but_first) {
  choices c = {0};
  size_t runs = 0;
  do {
    world w;
    brrr_error err;
    begin(&w, children, count);
    w.before = check_order;
    w.choose = choices_choose;
    w.ud = &c;
    for (size_t i = 1; record_of_all_but_first && i < count; i++)
      world_set(&w, BRRR_KIND_PENDING_RETURNS,
                (const char *)children[i].call.call_hash.ptr,
                record_of_all_but_first);
    assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_OK);
    assert_stored(&w, BRRR_KIND_CALL, "a", STORED_CHILD("a"));
    assert_stored(&w, BRRR_KIND_CALL, "b", STORED_CHILD("b"));
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "a", RETURNS(P1, AT_NOW));
    assert_stored(&w, BRRR_KIND_PENDING_RETURNS, "b",
                  record_of_all_but_first ? RETURNS(P1 Q1, AT)
                                          : RETURNS(P1, AT_NOW));
    assert_counted(&w, "brrr_count/root1",
                   record_of_all_but_first ? 1 : (int64_t)count);
    world_free(&w);
    runs++;
  } while (choices_next(&c));
  return runs;
}

static void test_all_orders(void **state) {
  (void)state;
  /* 4 effects each: 8! / (4! 4!) */
  assert_int_equal(walk(three, 2, NULL), 70);
  /* 4 effects: thrice with a put, or with a get and a cas: 12! / (4! 4! 4!) */
  assert_int_equal(walk(three, 3, RETURNS(Q1, AT)), 34650);
}

/* With a limit of 2, whoever is third is refused; the others get through. */
static void test_all_orders_at_the_limit(void **state) { /* [SCHED-11] */
  (void)state;
  const brrr_limits limits = {.spawn = 1};
  choices c = {0};
  do {
    world w;
    brrr_error err;
    begin(&w, three, 2);
    w.before = check_order;
    w.choose = choices_choose;
    w.ud = &c;
    assert_int_equal(world_handle(&w, &limits, MESSAGE, &err), BRRR_E_SPAWN);
    const char *put = strstr(w.log, "put ");
    assert_non_null(put);
    assert_null(strstr(put + 1, "put "));
    world_free(&w);
  } while (choices_next(&c));
}

/* One effect fails: no other is started, those under way are waited for. */
static void test_all_orders_with_a_fault(void **state) {
  (void)state;
  const char *const lines[] = {"set call/a", "new pending_returns/a",
                               "incr brrr_count/root1", "put topic-t"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const world_fault fault = {lines[i], BRRR_E_IO, 1};
    choices c = {0};
    do {
      world w;
      brrr_error err;
      begin(&w, three, 2);
      w.fault = &fault;
      w.choose = choices_choose;
      w.ud = &c;
      assert_int_equal(world_handle(&w, NULL, MESSAGE, &err), BRRR_E_IO);
      assert_error(&err, BRRR_E_IO, "", 0);
      /* At most the one that the other child had under way. */
      size_t after = 0;
      for (const char *p = strstr(w.log, lines[i]); (p = strchr(p, '\n')); p++)
        after++;
      assert_in_range(after, 1, 2);
      world_free(&w);
    } while (choices_next(&c));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fresh_child),
      cmocka_unit_test(test_topic),
      cmocka_unit_test(test_stored_record),
      cmocka_unit_test(test_mismatch),
      cmocka_unit_test(test_attempts),
      cmocka_unit_test(test_bad_record),
      cmocka_unit_test(test_none),
      cmocka_unit_test(test_same_child_twice),
      cmocka_unit_test(test_child_that_cannot_be_encoded),
      cmocka_unit_test(test_spawn_limit),
      cmocka_unit_test(test_all_orders),
      cmocka_unit_test(test_all_orders_at_the_limit),
      cmocka_unit_test(test_all_orders_with_a_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
