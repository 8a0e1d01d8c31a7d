/* SPDX-License-Identifier: AGPL-3.0-only */
#include "memo.h"
#include "world.h"

#define MESSAGE "li2e5:root11:pe"
#define MESSAGE_ROOT2 "li2e5:root21:pe"
#define PARENT "d7:payload2:[]9:task_name6:parente"
#define CHILD(hash, topic)                                                     \
  {                                                                            \
    BRRR_INIT(topic), { BRRR_INIT(hash), BRRR_INIT("child"), BRRR_INIT("[]") } \
  }
#define CALL_OF_CHILD "d7:payload2:[]9:task_name5:childe"

#define P1 "li1e5:root11:p7:topic-te"
#define P2 "li1e5:root21:p7:topic-te"
#define Q1 "li1e5:root11:q7:topic-te"
#define AT "12:scheduled_ati1700000000e"
#define AT_NOW "12:scheduled_ati1795489157e"
#define RETURNS(returns, at) "d7:returnsl" returns "e" at "e"

static const brrr_child three[] = {CHILD("a", "topic-u"), CHILD("b", ""),
                                   CHILD("c", "")};

/* A worker: its memo, and how it handles the next message. */
typedef struct subject {
  world world;
  brrr_handling how;
  brrr_outcome outcome;
  brrr_error error;
} subject;

static void begin(subject *s) {
  *s = (subject){.how = {.now = WORLD_NOW}};
  world_init(&s->world);
  world_set(&s->world, BRRR_KIND_CALL, "p", PARENT);
  s->world.answer.value = BRRR_LIT("v");
  assert_int_equal(brrr_memo_new(&s->how.watch, (brrr_alloc){0}, 4096),
                   BRRR_OK);
}

static void end(subject *s) {
  brrr_memo_free(s->how.watch);
  world_free(&s->world);
}

/* Handles a message, with an empty log; returns how it ended. */
static brrr_status handle(subject *s, const char *message) {
  heap h = {0};
  brrr_op *op = NULL;
  s->world.log_len = 0;
  *s->world.log = '\0';
  assert_int_equal(brrr_op_handle(&op, heap_alloc(&h), &s->how, WORLD_TOPIC,
                                  brrr_bytes_str(message)),
                   BRRR_OK);
  const brrr_status status = world_run(&s->world, op);
  s->outcome = brrr_op_outcome(op);
  s->error = *brrr_op_error(op);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  return status;
}

static void defers(subject *s, size_t count) {
  s->world.answer = (brrr_reply){.status = BRRR_DEFER,
                                 .now = WORLD_NOW,
                                 .children = three,
                                 .count = count};
}

/* A full defer on all three children: they are watched now. */
static void begin_deferred(subject *s) {
  begin(s);
  defers(s, 3);
  assert_int_equal(handle(s, MESSAGE), BRRR_OK);
  assert_int_equal(s->outcome, BRRR_DEFERRED);
}

static bool was_invoked(const subject *s) {
  return strstr(s->world.log, "invoke ");
}

static size_t lines(const subject *s, const char *begins) {
  size_t n = 0;
  for (const char *p = s->world.log; *p; p = strchr(p, '\n') + 1)
    n += strncmp(p, begins, strlen(begins)) == 0;
  return n;
}

/* ==== Skip =============================================================== */

static void test_skip(void **state) { /* [WORK-20] */
  (void)state;
  subject s;
  begin(&s);
  s.how.skip = true;
  world_set(&s.world, BRRR_KIND_VALUE, "p", ""); /* of no octets: a value */
  world_set(&s.world, BRRR_KIND_PENDING_RETURNS, "p", RETURNS(Q1, AT));
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_SKIPPED);
  assert_log(&s.world, "has value/p\nget, retry call/p\n"
                       "get pending_returns/p\nincr brrr_count/root1\n"
                       "put topic-t li2e5:root11:qe\ncad pending_returns/p\n");
  assert_stored(&s.world, BRRR_KIND_VALUE, "p", "");
  end(&s);
}

/* Whichever of the two answers comes first; and the call need not be there. */
static void test_skip_in_any_order(void **state) {
  (void)state;
  for (int there = 0; there < 2; there++) {
    choices c = {0};
    size_t runs = 0;
    do {
      subject s;
      begin(&s);
      s.how.skip = true;
      s.world.choose = choices_choose;
      s.world.ud = &c;
      if (there) {
        world_set(&s.world, BRRR_KIND_VALUE, "p", "old");
        world_remove(&s.world, BRRR_KIND_CALL, "p");
      }
      assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
      assert_int_equal(s.outcome, there ? BRRR_SKIPPED : BRRR_RETURNED);
      assert_int_equal(was_invoked(&s), !there);
      assert_stored(&s.world, BRRR_KIND_VALUE, "p", there ? "old" : "v");
      end(&s);
      runs++;
    } while (choices_next(&c));
    assert_int_equal(runs, 2);
  }
}

static void test_skip_without_a_call(void **state) { /* [WORK-5] */
  (void)state;
  subject s;
  begin(&s);
  s.how.skip = true;
  world_remove(&s.world, BRRR_KIND_CALL, "p");
  assert_int_equal(handle(&s, MESSAGE), BRRR_E_CALL);
  assert_error(&s.error, BRRR_E_CALL, "WORK-5", 0);
  assert_int_equal(s.outcome, BRRR_FAILED);
  end(&s);
}

/* Without skip, a value that is there changes nothing. */
static void test_no_skip(void **state) {
  (void)state;
  subject s;
  begin(&s);
  world_set(&s.world, BRRR_KIND_VALUE, "p", "v");
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_RETURNED);
  assert_log(&s.world, "get, retry call/p\ninvoke p\nset value/p v\n"
                       "get pending_returns/p\n");
  end(&s);
}

/* ==== Watch ============================================================== */

/* All are missing: the parent waits for the first of them. */
static void test_watch(void **state) { /* [WORK-21] */
  (void)state;
  subject s;
  begin_deferred(&s);
  s.how.skip = true;
  s.how.consistent = true;
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_WATCHED);
  assert_log(&s.world, "has value/p\nhas value/a\nhas value/b\n"
                       "get pending_returns/a\n");
  s.how.consistent = false;
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_WATCHED);
  assert_log(&s.world, "has value/p\nhas value/a\nhas value/b\n"
                       "get pending_returns/a\n"
                       "cas pending_returns/a " RETURNS(P1, AT_NOW) "\n");
  end(&s);
}

/* What is found there is not looked for again. */
static void test_watch_drops(void **state) {
  (void)state;
  subject s;
  begin_deferred(&s);
  s.how.consistent = true;
  world_set(&s.world, BRRR_KIND_VALUE, "a", "A");
  for (int i = 0; i < 2; i++) {
    assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
    assert_int_equal(s.outcome, BRRR_WATCHED);
    assert_non_null(strstr(s.world.log, "get pending_returns/b\n"));
    assert_int_equal(lines(&s, "has value/a"), i == 0);
  }
  /* b is skipped, for c is missing only */
  world_set(&s.world, BRRR_KIND_VALUE, "b", "B");
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_non_null(strstr(s.world.log, "get pending_returns/c\n"));
  end(&s);
}

/* The child has finished since, or another parent waits for it: as in a defer.
 * It is put on the topic that it was asked for on. */
static void test_watch_registers(void **state) {
  (void)state;
  const struct {
    const char *before, *after;
    bool put;
  } cases[] = {{NULL, RETURNS(P1, AT_NOW), true},
               {RETURNS(Q1, AT), RETURNS(P1 Q1, AT), false},
               {RETURNS(P2, AT), RETURNS(P1 P2, AT), true},
               {RETURNS(P1, AT), RETURNS(P1, AT), false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int consistent = 0; consistent < 2; consistent++) {
      subject s;
      begin_deferred(&s);
      s.how.consistent = consistent;
      world_remove(&s.world, BRRR_KIND_PENDING_RETURNS, "a");
      if (cases[i].before)
        world_set(&s.world, BRRR_KIND_PENDING_RETURNS, "a", cases[i].before);
      assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
      assert_int_equal(s.outcome, BRRR_WATCHED);
      assert_stored(&s.world, BRRR_KIND_PENDING_RETURNS, "a", cases[i].after);
      assert_int_equal(lines(&s, "put topic-u li2e5:root11:ae"), cases[i].put);
      assert_int_equal(lines(&s, "put "), cases[i].put);
      assert_int_equal(lines(&s, "set "), 0);
      end(&s);
    }
}

static void test_watch_at_the_spawn_limit(void **state) { /* [SCHED-31] */
  (void)state;
  subject s;
  begin_deferred(&s);
  s.how.limits.spawn = 3;
  world_remove(&s.world, BRRR_KIND_PENDING_RETURNS, "a");
  assert_int_equal(handle(&s, MESSAGE), BRRR_E_SPAWN);
  assert_int_equal(s.outcome, BRRR_FAILED);
  assert_int_equal(lines(&s, "put "), 0);
  end(&s);
}

/* None is missing: the handler runs, and nothing is watched any more. */
static void test_watch_ends(void **state) { /* [WORK-22] */
  (void)state;
  subject s;
  begin_deferred(&s);
  world_set(&s.world, BRRR_KIND_VALUE, "a", "A");
  world_set(&s.world, BRRR_KIND_VALUE, "b", "B");
  world_set(&s.world, BRRR_KIND_VALUE, "c", "C");
  s.world.answer = (brrr_reply){.value = BRRR_LIT("v"), .now = WORLD_NOW};
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_RETURNED);
  assert_int_equal(lines(&s, "has "), 3);
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(lines(&s, "has "), 0);
  end(&s);
}

/* A value of the parent ends it too, whoever wrote that. */
static void test_watch_skipped(void **state) { /* [WORK-20] */
  (void)state;
  subject s;
  begin_deferred(&s);
  s.how.skip = true;
  world_set(&s.world, BRRR_KIND_VALUE, "p", "v");
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_SKIPPED);
  assert_log(&s.world, "has value/p\nhas value/a\nhas value/b\n"
                       "get pending_returns/p\n");
  world_remove(&s.world, BRRR_KIND_VALUE, "p");
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_true(was_invoked(&s)); /* the list is gone */
  end(&s);
}

/* Of another root, another topic, or another call: not this list. */
static void test_watch_of_others(void **state) { /* [WORK-22] */
  (void)state;
  subject s;
  begin_deferred(&s);
  assert_int_equal(handle(&s, MESSAGE_ROOT2), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_DEFERRED);
  assert_int_equal(lines(&s, "put "), 3); /* [SCHED-27] */
  assert_int_equal(handle(&s, MESSAGE_ROOT2), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_WATCHED); /* it has one of its own */
  world_set(&s.world, BRRR_KIND_CALL, "q", PARENT);
  assert_int_equal(handle(&s, "li2e5:root11:qe"), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_DEFERRED);

  brrr_op *op = NULL;
  assert_int_equal(brrr_op_handle(&op, (brrr_alloc){0}, &s.how,
                                  BRRR_LIT("topic-u"), BRRR_LIT(MESSAGE)),
                   BRRR_OK);
  assert_int_equal(world_run(&s.world, op), BRRR_OK);
  assert_int_equal(brrr_op_outcome(op), BRRR_DEFERRED);
  brrr_op_free(op);
  end(&s);
}

/* A defer that fails half way leaves no list behind: not all of its children
 * are written. */
static void test_watch_after_a_failure(void **state) {
  (void)state;
  const world_fault fault = {"put topic-t li2e5:root11:ce", BRRR_E_IO, 1};
  subject s;
  begin(&s);
  defers(&s, 3);
  s.world.fault = &fault;
  assert_int_equal(handle(&s, MESSAGE), BRRR_E_IO);
  assert_int_equal(s.outcome, BRRR_FAILED);
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_DEFERRED);
  end(&s);
}

/* While values are looked for, another operation of the worker changes the
 * list: it forgets it, shortens it, or writes another. */
static void change_list(world *w, const brrr_effect *e) {
  subject *s = (subject *)w;
  const brrr_bytes key = BRRR_LIT("7:topic-t5:root11:p");
  const int how = *(int *)w->ud;
  brrr__memo_list *l = brrr__memo_find(s->how.watch, key);
  if (e->type != BRRR_STORE_HAS || !l)
    return;
  if (how == 0)
    brrr__memo_forget(s->how.watch, key);
  else if (how == 1)
    brrr__memo_drop(l);
  else
    brrr__memo_put(s->how.watch, key,
                   &(brrr__memo_item){BRRR_LIT("c"), BRRR_LIT("topic-t")}, 1);
}

static void test_list_changes(void **state) {
  (void)state;
  for (int how = 0; how < 3; how++)
    for (int there = 0; there < 2; there++) {
      subject s;
      begin_deferred(&s);
      if (there) {
        world_set(&s.world, BRRR_KIND_VALUE, "a", "A");
        world_set(&s.world, BRRR_KIND_VALUE, "b", "B");
      }
      s.world.before = change_list;
      s.world.ud = &how;
      assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
      assert_int_equal(s.outcome, there && !how ? BRRR_DEFERRED : BRRR_WATCHED);
      end(&s);
    }
}

static void test_watch_wants_the_time(void **state) {
  (void)state;
  const int64_t wrong[] = {0, -1, BRRR_BEN_MAX_INT + 1};
  subject s;
  begin(&s);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    brrr_op *op = NULL;
    s.how.now = wrong[i];
    assert_int_equal(brrr_op_handle(&op, (brrr_alloc){0}, &s.how, WORLD_TOPIC,
                                    BRRR_LIT(MESSAGE)),
                     BRRR_E_MISUSE);
    assert_null(op);
  }
  end(&s);
}

/* ==== Force ============================================================== */

/* The worker before died between the record and the put. */
static void test_force(void **state) { /* [QUEUE-12] */
  (void)state;
  const char *const records[] = {NULL, RETURNS(P1, AT), RETURNS(Q1, AT),
                                 RETURNS(P2, AT)};
  for (size_t i = 0; i < sizeof records / sizeof *records; i++)
    for (int consistent = 0; consistent < 2; consistent++) {
      subject s;
      begin(&s);
      defers(&s, 3);
      s.how.force = true;
      s.how.consistent = consistent;
      if (records[i])
        world_set(&s.world, BRRR_KIND_PENDING_RETURNS, "b", records[i]);
      assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
      assert_int_equal(s.outcome, BRRR_DEFERRED);
      assert_int_equal(lines(&s, "put topic-u li2e5:root11:ae"), 1);
      assert_int_equal(lines(&s, "put topic-t li2e5:root11:be"), 1);
      assert_int_equal(lines(&s, "put topic-t li2e5:root11:ce"), 1);
      end(&s);
    }
}

/* It takes no notice of the watch list, and writes it anew. */
static void test_force_and_watch(void **state) {
  (void)state;
  subject s;
  begin_deferred(&s);
  s.how.force = true;
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_DEFERRED);
  assert_int_equal(lines(&s, "put "), 3);
  assert_int_equal(lines(&s, "has "), 0);
  s.how.force = false;
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_WATCHED);
  end(&s);
}

static void test_force_and_skip(void **state) {
  (void)state;
  subject s;
  begin(&s);
  s.how.force = s.how.skip = true;
  world_set(&s.world, BRRR_KIND_VALUE, "p", "v");
  assert_int_equal(handle(&s, MESSAGE), BRRR_OK);
  assert_int_equal(s.outcome, BRRR_SKIPPED);
  end(&s);
}

/* ==== Without memory ===================================================== */

typedef struct sweep {
  bool watched; /* there is a list; all of it but the last is there */
} sweep;

static void once(heap *h, void *ud) {
  const sweep *w = ud;
  subject s;
  brrr_op *op = NULL;
  if (w->watched)
    begin_deferred(&s);
  else
    begin(&s);
  defers(&s, 3);
  s.how.skip = true;
  if (w->watched) {
    world_set(&s.world, BRRR_KIND_VALUE, "a", "A");
    world_set(&s.world, BRRR_KIND_VALUE, "b", "B");
    world_remove(&s.world, BRRR_KIND_PENDING_RETURNS, "c");
  }
  brrr_status status = brrr_op_handle(&op, heap_alloc(h), &s.how, WORLD_TOPIC,
                                      BRRR_LIT(MESSAGE));
  if (status == BRRR_OK)
    status = world_run(&s.world, op);
  brrr_op_free(op);
  assert_int_equal(status, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  end(&s);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(once, &(sweep){.watched = false});
  heap_sweep(once, &(sweep){.watched = true});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_skip),
      cmocka_unit_test(test_skip_in_any_order),
      cmocka_unit_test(test_skip_without_a_call),
      cmocka_unit_test(test_no_skip),
      cmocka_unit_test(test_watch),
      cmocka_unit_test(test_watch_drops),
      cmocka_unit_test(test_watch_registers),
      cmocka_unit_test(test_watch_at_the_spawn_limit),
      cmocka_unit_test(test_watch_ends),
      cmocka_unit_test(test_watch_skipped),
      cmocka_unit_test(test_watch_of_others),
      cmocka_unit_test(test_watch_after_a_failure),
      cmocka_unit_test(test_list_changes),
      cmocka_unit_test(test_watch_wants_the_time),
      cmocka_unit_test(test_force),
      cmocka_unit_test(test_force_and_watch),
      cmocka_unit_test(test_force_and_skip),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
