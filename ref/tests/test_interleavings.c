/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_interleavings.c - plain workers, in every interleaving.
 */
#include "walk.h"

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
