/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_joins_cost.c - what a join costs, in effects: all that a store, a cache
 * and a queue are asked for, but for the taking of messages.
 */
#include "memo.h"
#include "support.h"

#include <brrr/memory.h>

#include <stdio.h>

#define NOW 1795489157

enum { CHILDREN = 1000 };

typedef struct costs {
  brrr_memory *memory;
  brrr_handling how;
  brrr_child children[CHILDREN];
  char names[CHILDREN][8];
  size_t finished;               /* children */
  size_t effects, runs, watched; /* runs of the parent */
} costs;

/* An effect under way, in the operation that asked for it. */
typedef struct asked {
  brrr_op *op;
  uint64_t id;
} asked;

static void answer(void *ud, const brrr_reply *reply) {
  const asked *a = ud;
  if (a->op)
    assert_int_equal(brrr_op_reply(a->op, a->id, reply), BRRR_OK);
  else
    assert_int_equal(reply->status, BRRR_OK);
}

static void submit(const costs *c, const brrr_effect *e, asked *a) {
  const brrr_backend b = brrr_memory_backend(c->memory);
  b.submit(b.self, e, (brrr_done){answer, a});
}

static void begin(costs *c) {
  *c = (costs){.how = {.skip = true, .now = NOW, .consistent = true}};
  assert_int_equal(brrr_memory_new(&c->memory, (brrr_alloc){0}), BRRR_OK);
  assert_int_equal(brrr_memo_new(&c->how.watch, (brrr_alloc){0}, 1 << 20),
                   BRRR_OK);
  for (size_t i = 0; i < CHILDREN; i++) {
    snprintf(c->names[i], sizeof c->names[i], "%zu", i);
    c->children[i].call = (brrr_call){brrr_bytes_str(c->names[i]),
                                      BRRR_LIT("child"), BRRR_LIT("")};
  }
  submit(c,
         &(brrr_effect){.type = BRRR_STORE_SET,
                        .key = {BRRR_KIND_CALL, BRRR_LIT("p")},
                        .value = BRRR_LIT("d7:payload0:9:task_name1:pe")},
         &(asked){NULL, 0});
}

static void end(costs *c) {
  brrr_memo_free(c->how.watch);
  brrr_memory_free(c->memory);
}

/* A child has a value; so has the parent, once all of them have. */
static brrr_reply invoke(costs *c, const brrr_call *call) {
  const bool parent = brrr_bytes_equal(call->call_hash, BRRR_LIT("p"));
  c->runs += parent;
  if (parent && c->finished < CHILDREN)
    return (brrr_reply){.status = BRRR_DEFER,
                        .now = NOW,
                        .children = c->children,
                        .count = CHILDREN};
  return (brrr_reply){.value = BRRR_LIT("v")};
}

static brrr_outcome handle(costs *c, const char *hash) {
  char message[32];
  brrr_op *op = NULL;
  const brrr_effect *e = NULL;
  snprintf(message, sizeof message, "li2e1:r%zu:%se", strlen(hash), hash);
  assert_int_equal(brrr_op_handle(&op, (brrr_alloc){0}, &c->how,
                                  BRRR_LIT("topic-t"), brrr_bytes_str(message)),
                   BRRR_OK);
  while (brrr_op_next(op, &e) == BRRR_EFFECT) {
    asked a = {op, e->id};
    if (e->type == BRRR_INVOKE) {
      const brrr_reply reply = invoke(c, e->call);
      answer(&a, &reply);
    } else {
      c->effects++;
      submit(c, e, &a);
    }
  }
  assert_int_equal(brrr_op_next(op, &e), BRRR_OK);
  const brrr_outcome outcome = brrr_op_outcome(op);
  brrr_op_free(op);
  return outcome;
}

static size_t in_order(size_t i) { return i; }
static size_t backwards(size_t i) { return CHILDREN - 1 - i; }
static size_t scattered(size_t i) { return i * 387 % CHILDREN; }

/* The parent is woken after each child. It is run at the beginning and at the
 * end; a child costs 4 effects when it is put, 7 when it is handled, and 4 when
 * the parent is woken: is there a value of its own, are there those of the next
 * two, who waits? More windows come to 2 more for each child at most. */
static void test_one_by_one(void **state) {
  (void)state;
  size_t (*const orders[])(size_t) = {in_order, backwards, scattered};
  for (size_t n = 0; n < sizeof orders / sizeof *orders; n++) {
    costs c;
    begin(&c);
    assert_int_equal(handle(&c, "p"), BRRR_DEFERRED);
    for (size_t i = 0; i < CHILDREN; i++) {
      assert_int_equal(handle(&c, c.names[orders[n](i)]), BRRR_RETURNED);
      c.finished++;
      c.watched += handle(&c, "p") == BRRR_WATCHED;
    }
    assert_int_equal(c.watched, CHILDREN - 1);
    assert_int_equal(c.runs, 2);
    assert_in_range(c.effects, 14 * CHILDREN, 17 * CHILDREN);
    assert_int_equal(handle(&c, "p"), BRRR_SKIPPED);
    end(&c);
  }
}

/* The parent's messages come behind all children, as on a queue that is first
 * in, first out: the first of them runs it, the others skip. */
static void test_all_at_once(void **state) {
  (void)state;
  costs c;
  begin(&c);
  assert_int_equal(handle(&c, "p"), BRRR_DEFERRED);
  for (size_t i = 0; i < CHILDREN; i++)
    assert_int_equal(handle(&c, c.names[i]), BRRR_RETURNED);
  c.finished = CHILDREN;
  assert_int_equal(handle(&c, "p"), BRRR_RETURNED);
  for (size_t i = 1; i < CHILDREN; i++)
    assert_int_equal(handle(&c, "p"), BRRR_SKIPPED);
  assert_int_equal(c.runs, 2);
  assert_in_range(c.effects, 14 * CHILDREN, 17 * CHILDREN);
  end(&c);
}

/* With a memo that has no room for the list, all is as without. */
static void test_without_room(void **state) {
  (void)state;
  costs c;
  begin(&c);
  brrr_memo_free(c.how.watch);
  assert_int_equal(brrr_memo_new(&c.how.watch, (brrr_alloc){0}, 1000), BRRR_OK);
  assert_int_equal(handle(&c, "p"), BRRR_DEFERRED);
  assert_int_equal(handle(&c, "0"), BRRR_RETURNED);
  assert_int_equal(handle(&c, "p"), BRRR_DEFERRED);
  end(&c);
}

/* A window has 2 children, then 4, up to 64. */
static void test_windows(void **state) {
  (void)state;
  enum { COUNT = 200 };
  brrr_handling how = {.now = NOW};
  char names[COUNT][8];
  brrr__memo_item items[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    snprintf(names[i], sizeof names[i], "%zu", i);
    items[i] = (brrr__memo_item){brrr_bytes_str(names[i]), BRRR_LIT("t")};
  }
  assert_int_equal(brrr_memo_new(&how.watch, (brrr_alloc){0}, 20000), BRRR_OK);
  brrr__memo_put(how.watch, BRRR_LIT("7:topic-t5:root11:p"), items, COUNT);

  brrr_op *op = NULL;
  const brrr_effect *e = NULL;
  const size_t windows[] = {2, 4, 8, 16, 32, 64, 64, 10};
  assert_int_equal(brrr_op_handle(&op, (brrr_alloc){0}, &how,
                                  BRRR_LIT("topic-t"),
                                  BRRR_LIT("li2e5:root11:pe")),
                   BRRR_OK);
  for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
    uint64_t ids[64];
    for (size_t i = 0; i < windows[w]; i++) {
      assert_int_equal(brrr_op_next(op, &e), BRRR_EFFECT);
      assert_int_equal(e->type, BRRR_STORE_HAS);
      ids[i] = e->id;
    }
    assert_int_equal(brrr_op_next(op, &e), BRRR_WAIT);
    for (size_t i = windows[w]; i-- > 0;)
      assert_int_equal(
          brrr_op_reply(op, ids[i], &(brrr_reply){.status = BRRR_OK}), BRRR_OK);
  }
  assert_int_equal(brrr_op_next(op, &e), BRRR_EFFECT);
  assert_int_equal(e->type, BRRR_STORE_GET);
  brrr_op_free(op);
  brrr_memo_free(how.watch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_by_one),
      cmocka_unit_test(test_all_at_once),
      cmocka_unit_test(test_without_room),
      cmocka_unit_test(test_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
