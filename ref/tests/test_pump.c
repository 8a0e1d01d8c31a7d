/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_pump.c - one operation over backends that answer at once, later, in any
 * order, wrongly, or not at all for want of memory.
 */
#include "answers.h"
#include "pump.h"

#include <brrr/memory.h>

#include <stdio.h>

/* A backend before the one in memory, which watches and may hold back. */
typedef struct gate {
  brrr_memory *memory;
  brrr_backends backends; /* the gate, in all roles */
  bool holds;             /* effects wait in `held` until gate_open */
  struct {
    const brrr_effect *effect;
    brrr_done done;
  } held[64];
  size_t held_count, most_held;
  size_t effects;
  uintptr_t deepest, highest; /* of the stack, at an effect */
  brrr_effect_type bad_type;  /* these end in `bad` instead, if not OK */
  brrr_reply bad;
  const brrr_child *children; /* what the handler defers on; NULL: a value */
  size_t count;
} gate;

static void note_stack(gate *g) {
  const uintptr_t at = (uintptr_t)__builtin_frame_address(0);
  if (!g->effects++)
    g->deepest = g->highest = at;
  g->deepest = at < g->deepest ? at : g->deepest;
  g->highest = at > g->highest ? at : g->highest;
}

static void pass(gate *g, const brrr_effect *e, brrr_done done) {
  const brrr_backend memory = brrr_memory_backend(g->memory);
  if (g->bad.status != BRRR_OK && e->type == g->bad_type)
    done.fn(done.ud, &g->bad);
  else if (e->type != BRRR_INVOKE)
    memory.submit(memory.self, e, done);
  else if (g->children)
    done.fn(done.ud, &(brrr_reply){.status = BRRR_DEFER,
                                   .now = 1700000000,
                                   .children = g->children,
                                   .count = g->count});
  else
    done.fn(done.ud, &(brrr_reply){.value = e->call->payload});
}

static void gate_submit(void *self, const brrr_effect *e, brrr_done done) {
  gate *g = self;
  note_stack(g);
  if (!g->holds) {
    pass(g, e, done);
    return;
  }
  assert_true(g->held_count < 64);
  g->held[g->held_count].effect = e;
  g->held[g->held_count++].done = done;
  if (g->held_count > g->most_held)
    g->most_held = g->held_count;
}

/* Lets the effect through that came last: none ends in the order it came. */
static void gate_open(gate *g) {
  g->held_count--;
  pass(g, g->held[g->held_count].effect, g->held[g->held_count].done);
}

static brrr_backend gate_backend(gate *g) {
  return (brrr_backend){.submit = gate_submit, .self = g};
}

static void gate_init(gate *g) {
  *g = (gate){0};
  assert_int_equal(brrr_memory_new(&g->memory, (brrr_alloc){0}), BRRR_OK);
  g->backends =
      (brrr_backends){gate_backend(g), gate_backend(g), gate_backend(g)};
}

/* ---- what the pump tells at the end -------------------------------------- */

typedef struct ending {
  unsigned times;
  brrr_status status;
  char words[64];
} ending;

static void on_end(void *ud, const brrr_op *op, brrr_status status,
                   brrr_bytes words) {
  ending *e = ud;
  e->times++;
  e->status = status;
  if (status < 0)
    assert_int_equal(brrr_op_error(op)->status, status);
  assert_true(words.len < sizeof e->words);
  (void)snprintf(e->words, sizeof e->words, "%.*s", (int)words.len,
                 words.len ? (const char *)words.ptr : "");
}

static void wait_not(void *ud, const unsigned *times) {
  (void)ud;
  assert_true(*times > 0);
}

static void store(gate *g, brrr_kind kind, const char *hash,
                  const char *octets) {
  const subject s = {brrr_memory_backend(g->memory), wait_not, NULL};
  expect(&s,
         (brrr_effect){.type = BRRR_STORE_SET,
                       .key = {kind, brrr_bytes_str(hash)},
                       .value = brrr_bytes_str(octets)},
         BRRR_OK, NULL);
}

/* Starts to handle a message for the call "p", which is in the store. */
static void start(gate *g, brrr__pump *pump, brrr_alloc alloc, ending *e) {
  brrr_op *op;
  *e = (ending){0};
  store(g, BRRR_KIND_CALL, "p", "d7:payload1:x9:task_name1:te");
  brrr_status s = brrr_op_handle(&op, alloc, NULL, BRRR_LIT("topic"),
                                 BRRR_LIT("li2e1:r1:pe"));
  if (s != BRRR_OK) {
    *e = (ending){.times = 1, .status = s};
    return;
  }
  brrr__pump_start(pump, alloc, op, &g->backends, gate_backend(g),
                   (brrr__pump_end){on_end, e});
}

static void assert_ended(const ending *e, brrr_status status,
                         const char *words) {
  assert_int_equal(e->times, 1);
  assert_string_equal(brrr_status_name(e->status), brrr_status_name(status));
  assert_string_equal(e->words, words);
}

/* ---- tests --------------------------------------------------------------- */

/* Five effects for each child, all answered at once: the stack stays flat. */
static void test_stack_is_flat(void **state) {
  (void)state;
  enum { N = 20000 };
  static char hashes[N][8];
  brrr_child *children = calloc(N, sizeof *children);
  assert_non_null(children);
  for (size_t i = 0; i < N; i++) {
    (void)snprintf(hashes[i], sizeof hashes[i], "%zu", i);
    children[i].call = (brrr_call){.call_hash = brrr_bytes_str(hashes[i]),
                                   .task_name = BRRR_LIT("t"),
                                   .payload = BRRR_LIT("")};
  }
  gate g;
  gate_init(&g);
  g.children = children;
  g.count = N;
  const brrr_handling none = {.limits = {.spawn = INT64_MAX}};
  brrr__pump pump;
  brrr_op *op;
  ending e = {0};
  store(&g, BRRR_KIND_CALL, "p", "d7:payload1:x9:task_name1:te");
  assert_int_equal(brrr_op_handle(&op, (brrr_alloc){0}, &none, BRRR_LIT("t"),
                                  BRRR_LIT("li2e1:r1:pe")),
                   BRRR_OK);
  brrr__pump_start(&pump, (brrr_alloc){0}, op, &g.backends, gate_backend(&g),
                   (brrr__pump_end){on_end, &e});
  assert_ended(&e, BRRR_OK, "");
  assert_int_equal(g.effects, 2 + 4 * N);
  assert_true(g.highest - g.deepest < 1024);
  brrr_memory_free(g.memory);
  free(children);
}

/* Three children: their effects are under way together, whatever the order of
 * the answers; nothing is asked of anybody when all is over. */
static void test_effects_are_under_way_together(void **state) {
  (void)state;
  const brrr_child children[] = {
      {.call = {BRRR_INIT("a"), BRRR_INIT("t"), BRRR_INIT("")}},
      {.call = {BRRR_INIT("b"), BRRR_INIT("t"), BRRR_INIT("")}},
      {.call = {BRRR_INIT("c"), BRRR_INIT("t"), BRRR_INIT("")}}};
  gate g;
  brrr__pump pump;
  ending e;
  gate_init(&g);
  g.holds = true;
  g.children = children;
  g.count = 3;
  start(&g, &pump, (brrr_alloc){0}, &e);
  while (!e.times) {
    assert_true(g.held_count > 0);
    gate_open(&g);
  }
  assert_ended(&e, BRRR_OK, "");
  assert_int_equal(g.held_count, 0);
  assert_int_equal(g.most_held, 3);
  assert_int_equal(g.effects, 2 + 4 * 3);
  brrr_memory_free(g.memory);
}

/* A failure waits for what else is under way, and the words come through. */
static void test_failure(void **state) {
  (void)state;
  const brrr_child children[] = {
      {.call = {BRRR_INIT("a"), BRRR_INIT("t"), BRRR_INIT("")}},
      {.call = {BRRR_INIT("b"), BRRR_INIT("t"), BRRR_INIT("")}}};
  gate g;
  brrr__pump pump;
  ending e;
  gate_init(&g);
  g.holds = true;
  g.children = children;
  g.count = 2;
  start(&g, &pump, (brrr_alloc){0}, &e);
  gate_open(&g); /* get call/p */
  gate_open(&g); /* invoke */
  assert_int_equal(g.held_count, 2);
  g.bad_type = BRRR_STORE_SET;
  g.bad = (brrr_reply){.status = BRRR_E_IO, .value = BRRR_LIT("it is dark")};
  gate_open(&g);
  assert_int_equal(e.times, 0); /* the other one is still under way */
  g.bad.status = BRRR_OK;
  gate_open(&g);
  assert_ended(&e, BRRR_E_IO, "it is dark");
  assert_int_equal(g.held_count, 0);
  brrr_memory_free(g.memory);
}

/* A backend that ends an effect as none of this type can end is an error, not
 * a hang. */
static void test_impossible_reply(void **state) {
  (void)state;
  const brrr_status impossible[] = {BRRR_MISMATCH, BRRR_EMPTY, BRRR_CLOSED,
                                    BRRR_WAIT};
  for (size_t i = 0; i < 4; i++) {
    gate g;
    brrr__pump pump;
    ending e;
    gate_init(&g);
    g.bad_type = BRRR_STORE_GET;
    g.bad = (brrr_reply){.status = impossible[i]};
    start(&g, &pump, (brrr_alloc){0}, &e);
    assert_ended(&e, BRRR_E_MISUSE, "");
    brrr_memory_free(g.memory);
  }
}

/* Every allocation of operation and pump fails once: no leak, one end. */
static void sweep_once(heap *h, void *ud) {
  static char hashes[10][2];
  brrr_child children[10];
  gate g;
  brrr__pump pump;
  ending e;
  (void)ud;
  gate_init(&g);
  for (size_t i = 0; i < 10; i++) {
    hashes[i][0] = (char)('a' + i);
    children[i] = (brrr_child){.call = {.call_hash = brrr_bytes_str(hashes[i]),
                                        .task_name = BRRR_LIT("t")}};
  }
  g.holds = true; /* so that there are more tickets than the first few */
  g.children = children;
  g.count = 10;
  start(&g, &pump, heap_alloc(h), &e);
  while (!e.times && g.held_count)
    gate_open(&g);
  assert_ended(&e, h->fail_at ? BRRR_E_NOMEM : BRRR_OK, "");
  assert_int_equal(g.held_count, 0);
  brrr_memory_free(g.memory);
}

static void test_allocation_failures(void **state) {
  (void)state;
  heap_sweep(sweep_once, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stack_is_flat),
      cmocka_unit_test(test_effects_are_under_way_together),
      cmocka_unit_test(test_failure),
      cmocka_unit_test(test_impossible_reply),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
