/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_interleavings.c - walks every interleaving of the acts of a fleet, and
 * checks the invariants S1 to S8 after each act, and the outcome at each end.
 *
 * The walk is depth-first, by running again from the beginning. A state that
 * was met before is not walked again, for its future is known: so all
 * schedules are covered, and counted, in a number of runs that is that of the
 * states. A queue is a bag: messages are taken in any order.
 */
#include "fleet.h"
#include "table.h"

#include <stdio.h>

enum { DEPTH = 400 };

typedef struct known {
  brrr__entry entry;
  double schedules; /* that lead from this state to an end */
} known;

typedef struct walk {
  const fleet_plan *plan;
  brrr__table states;
  bool again; /* walk a state again that was met before: no memory */
  size_t path[DEPTH];
  size_t depth;
  const char *wrong; /* the first violation; then the walk is over */
} walk;

/* ---- invariants ---------------------------------------------------------- */

static bool is_queued(const fleet *f, char call) {
  for (size_t i = 0; i < f->queue.count; i++)
    if (f->queue.all[i].call == call)
      return true;
  return false;
}

static bool is_held(const fleet *f, char call) {
  for (uint32_t i = 0; i < f->plan->workers; i++)
    if (f->workers[i].op && f->workers[i].message.call == call)
      return true;
  return false;
}

static bool waits_for(const fleet *f, char parent, char child) {
  const fleet_list l = fleet_waiting(f, child);
  for (size_t i = 0; i < l.count; i++)
    if (l.all[i].call == parent)
      return true;
  return false;
}

/* A message or a return that names a call implies that it is stored. */
static bool s1_named_is_stored(const fleet *f) {
  for (size_t i = 0; i < f->queue.count; i++)
    if (!fleet_is_stored(f, BRRR_KIND_CALL, f->queue.all[i].call))
      return false;
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const fleet_list l = fleet_waiting(f, f->plan->calls[i][0]);
    for (size_t n = 0; n < l.count; n++)
      if (!fleet_is_stored(f, BRRR_KIND_CALL, l.all[n].call))
        return false;
  }
  return true;
}

/* Will a call that has deferred run again? There is a message for it, or it is
 * registered with a child that is missing. Between two acts a child may also
 * have its value and yet be queued or held: it returns when it is handled. At
 * the end nothing is queued or held, and this is S4 as it stands. */
static bool is_waiting(const fleet *f, char call) {
  if (is_queued(f, call) || is_held(f, call))
    return true;
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const char child = f->plan->calls[i][0];
    if (waits_for(f, call, child) &&
        (!fleet_is_stored(f, BRRR_KIND_VALUE, child) || is_queued(f, child) ||
         is_held(f, child)))
      return true;
  }
  return false;
}

static bool s4_deferred_waits(const fleet *f) {
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const char call = f->plan->calls[i][0];
    if (f->deferred >> i & 1 && !fleet_is_stored(f, BRRR_KIND_VALUE, call) &&
        !is_waiting(f, call))
      return false;
  }
  return true;
}

/* A child that somebody waits for is queued, held or waits itself, or one of
 * those who wait is still at it. */
static bool s5_awaited_runs(const fleet *f) {
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const char child = f->plan->calls[i][0];
    const fleet_list l = fleet_waiting(f, child);
    bool runs = l.count == 0 || fleet_is_stored(f, BRRR_KIND_VALUE, child) ||
                is_queued(f, child) || is_held(f, child) ||
                (f->deferred >> i & 1 && is_waiting(f, child));
    for (size_t n = 0; n < l.count && !runs; n++)
      runs = is_held(f, l.all[n].call);
    if (!runs)
      return false;
  }
  return true;
}

/* What is stored is canonical: decoded and encoded again, it is the same. */
static bool s8_is_canonical(const fleet *f) {
  brrr_arena a;
  bool same = true;
  brrr_arena_init(&a, (brrr_alloc){0});
  for (size_t i = 0; f->plan->calls[i]; i++) {
    brrr_bytes octets, again;
    brrr_pending_returns p;
    brrr_buf b;
    if (!fleet_stored(f, &a, BRRR_KIND_PENDING_RETURNS, f->plan->calls[i][0],
                      &octets))
      continue;
    assert_int_equal(brrr_pending_returns_decode(&p, &a, octets, NULL),
                     BRRR_OK);
    brrr_buf_init(&b, &a);
    brrr_pending_returns_encode(&b, &p);
    assert_int_equal(brrr_buf_finish(&b, &again, NULL), BRRR_OK);
    same = same && brrr_bytes_equal(octets, again);
  }
  brrr_arena_free(&a);
  return same;
}

/* S2, S3, S6 and S7 are about acts: the fleet watches over them. */
static const char *check(const fleet *f) {
  if (f->wrong)
    return f->wrong;
  if (!s1_named_is_stored(f))
    return "S1: a call is named that is not stored";
  if (!f->plan->spawn_limit && !s4_deferred_waits(f))
    return "S4: a call has deferred, and nothing will run it again";
  if (!f->plan->spawn_limit && !s5_awaited_runs(f))
    return "S5: somebody waits for a call that nothing will run";
  if (!s8_is_canonical(f))
    return "S8: a record is not canonical";
  return NULL;
}

/* Writes the value of a call as it must be: its name, then its children's. */
static void expected_value(const fleet *f, brrr_buf *b, char call) {
  const char own = (char)(call - 'a' + 'A');
  brrr_buf_put(b, (brrr_bytes){(const uint8_t *)&own, 1});
  for (const char *c = f->plan->calls[fleet_call(f, call)] + 1; *c; c++)
    expected_value(f, b, *c);
}

/* Nothing is left to do: every call has its value, and nobody waits. */
static const char *check_end(const fleet *f) {
  brrr_arena a;
  const char *wrong = NULL;
  if (f->plan->spawn_limit)
    return NULL; /* the budget is spent; what was checked on the way counts */
  brrr_arena_init(&a, (brrr_alloc){0});
  for (size_t i = 0; f->plan->calls[i] && !wrong; i++) {
    const char call = f->plan->calls[i][0];
    brrr_bytes value, expected;
    brrr_buf b;
    brrr_buf_init(&b, &a);
    expected_value(f, &b, call);
    assert_int_equal(brrr_buf_finish(&b, &expected, NULL), BRRR_OK);
    if (!fleet_stored(f, &a, BRRR_KIND_VALUE, call, &value) ||
        !brrr_bytes_equal(value, expected))
      wrong = "the end: a call has no value, or a wrong one";
    else if (fleet_waiting(f, call).count)
      wrong = "the end: somebody still waits for a value that is there";
  }
  brrr_arena_free(&a);
  return wrong;
}

/* ---- the walk ------------------------------------------------------------ */

static double explore(walk *w, fleet *f);

static void run_again(const walk *w, fleet *f) {
  fleet_init(f, w->plan);
  for (size_t i = 0; i + 1 < w->depth; i++)
    fleet_act(f, w->path[i]);
}

/* All that can happen next; the first of it to `f` itself. */
static double explore_choices(walk *w, fleet *f, size_t choices) {
  double schedules = 0;
  assert_true(w->depth < DEPTH);
  for (size_t i = 0; i < choices && !w->wrong; i++) {
    fleet other;
    w->path[w->depth++] = i;
    if (i)
      run_again(w, f = &other);
    fleet_act(f, i);
    schedules += explore(w, f);
    if (!w->wrong) /* else the path is the one that leads there */
      w->depth--;
  }
  return schedules;
}

/* How many schedules lead from `f`, which it frees, to an end. */
static double explore(walk *w, fleet *f) {
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  const brrr_bytes state = fleet_state(f, &a);
  const size_t choices = fleet_choices(f);
  known *k = brrr__table_find(&w->states, 0, state);
  double schedules = k ? k->schedules : 1;
  w->wrong = k ? f->wrong : check(f); /* the state was checked before */
  if (!choices && !w->wrong)
    w->wrong = check_end(f);
  if ((!k || w->again) && choices && !w->wrong)
    schedules = explore_choices(w, f, choices);
  else
    fleet_free(f);
  if (!k) {
    k = brrr__table_get(&w->states, 0, state, sizeof *k);
    assert_non_null(k);
    k->schedules = schedules;
  }
  brrr_arena_free(&a);
  return schedules;
}

static void print_path(const walk *w) {
  print_message("%s: %s, after the choices", w->plan->name, w->wrong);
  for (size_t i = 0; i < w->depth; i++)
    print_message(" %zu", w->path[i]);
  print_message("\n");
}

static double walk_all(walk *w, const fleet_plan *plan, bool again) {
  *w = (walk){.plan = plan, .again = again};
  brrr__table_init(&w->states, (brrr_alloc){0});
  fleet f;
  fleet_init(&f, plan);
  const double schedules = explore(w, &f);
  if (w->wrong)
    print_path(w);
  else
    print_message("%s: %.16g schedules, %zu states\n", plan->name, schedules,
                  w->states.count);
  brrr__table_free(&w->states);
  return schedules;
}

static void assert_sound(const fleet_plan *plan) {
  walk w;
  (void)walk_all(&w, plan, false);
  assert_null(w.wrong);
}

static void assert_noticed(const fleet_plan *plan, const char *wrong) {
  walk w;
  (void)walk_all(&w, plan, false);
  assert_non_null(w.wrong);
  assert_memory_equal(w.wrong, wrong, strlen(wrong));
}

/* ---- plans --------------------------------------------------------------- */

static const fleet_plan one_child = {.name = "a child and its parent",
                                     .workers = 2,
                                     .calls = {"pa", "a"},
                                     .messages = {"rau"},
                                     .waiting = {"arpt"}};

/* Two workers finish two children of one parent. */
static const fleet_plan two_children = {.name = "two children of one parent",
                                        .workers = 2,
                                        .calls = {"pab", "a", "b"},
                                        .messages = {"rau", "rbu"},
                                        .waiting = {"arpt", "brpt"}};

/* The same from the beginning: so also while the parent has yet to register the
 * second child, or any. */
static const fleet_plan from_the_root = {.name = "from the root",
                                         .workers = 2,
                                         .calls = {"pab", "a", "b"},
                                         .messages = {"rpt"}};

static const fleet_plan three_workers = {.name = "two children, three workers",
                                         .workers = 3,
                                         .calls = {"pab", "a", "b"},
                                         .messages = {"rau", "rbu"},
                                         .waiting = {"arpt", "brpt"}};

/* One parent waits for the child, another one registers while it returns. */
static const fleet_plan shared_child = {.name = "a shared child",
                                        .workers = 2,
                                        .calls = {"pa", "qa", "a"},
                                        .messages = {"rau", "sqt"},
                                        .waiting = {"arpt"}};

/* Two parents register with a child that neither has asked for yet. */
static const fleet_plan new_shared_child = {.name = "a new shared child",
                                            .workers = 2,
                                            .calls = {"pa", "qa", "a"},
                                            .messages = {"rpt", "sqt"}};

/* Two parents register with a child for which a third one waits. */
static const fleet_plan known_shared_child = {
    .name = "a shared child, known to one",
    .workers = 2,
    .calls = {"oa", "pa", "qa", "a"},
    .messages = {"rau", "spt", "uqt"},
    .waiting = {"arot"}};

/* The parent is scheduled anew while its children run [SCHED-27]. */
static const fleet_plan second_root = {.name = "a second root",
                                       .workers = 2,
                                       .calls = {"pa", "a"},
                                       .messages = {"rau", "spt"},
                                       .waiting = {"arpt"}};

static const fleet_plan diamond = {.name = "a diamond",
                                   .workers = 2,
                                   .calls = {"pab", "ac", "bc", "c"},
                                   .messages = {"rpt"}};

static const fleet_plan duplicate = {.name = "a duplicate message",
                                     .workers = 2,
                                     .calls = {"pab", "a", "b"},
                                     .messages = {"rau", "rau", "rbu"},
                                     .waiting = {"arpt", "brpt"}};

/* [SCHED-12] [RET-5] */
static const fleet_plan spawn_limit = {.name = "at the spawn limit",
                                       .workers = 2,
                                       .calls = {"pab", "a", "b"},
                                       .messages = {"rpt"},
                                       .spawn_limit = 3};

static void test_sound(void **state) {
  const fleet_plan *const all[] = {
      &two_children,     &from_the_root,      &three_workers, &shared_child,
      &new_shared_child, &known_shared_child, &second_root,   &diamond,
      &duplicate,        &spawn_limit};
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    assert_sound(all[i]);
}

/* That a state's future is known is what the count rests on. Where all runs
 * can be made, they are made, and counted one by one. */
static void test_count(void **state) {
  const fleet_plan plans[] = {
      one_child,
      {.name = "two leaves",
       .workers = 2,
       .calls = {"a", "b"},
       .messages = {"rau", "rbu"}},
      {.name = "two children, one worker",
       .workers = 1,
       .calls = {"pab", "a", "b"},
       .messages = {"rau", "rbu"},
       .waiting = {"arpt", "brpt"}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
    walk w;
    const double counted = walk_all(&w, &plans[i], false);
    assert_null(w.wrong);
    assert_true(walk_all(&w, &plans[i], true) == counted);
    assert_null(w.wrong);
  }
}

static fleet_plan with_fault(fleet_plan plan, fleet_fault fault,
                             const char *name) {
  plan.fault = fault;
  plan.name = name;
  return plan;
}

/* A store that does not compare, or a queue that loses what it was given and
 * says that it was not: the walk finds the schedule in which that matters. */
static void test_faults_are_noticed(void **state) {
  (void)state;
  const fleet_plan cad =
      with_fault(shared_child, FLEET_BLIND_CAD, "blind compare-and-delete");
  const fleet_plan cas =
      with_fault(known_shared_child, FLEET_BLIND_CAS, "blind compare-and-set");
  const fleet_plan new =
      with_fault(new_shared_child, FLEET_BLIND_NEW, "blind set-if-new");
  const fleet_plan lossy =
      with_fault(one_child, FLEET_DEAF_PUT, "a lost message");
  assert_noticed(&cad, "S3");
  assert_noticed(&cas, "S4");
  assert_noticed(&new, "S4");
  assert_noticed(&lossy, "S4");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sound),
      cmocka_unit_test(test_count),
      cmocka_unit_test(test_faults_are_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
