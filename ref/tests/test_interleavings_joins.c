/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_interleavings_joins.c - cheap workers, alone and beside plain ones, with
 * crashes, in every interleaving. With an argument it walks the large plans
 * too, which takes minutes.
 */
#include "walk.h"

enum { NOBODY = 0, FIRST = 1, BOTH = 3, ALL = 7 };

/* From the root, as everything that a worker remembers is made on the way. */
#define FROM_THE_ROOT(n)                                                       \
  .workers = (n), .calls = {"pab", "a", "b"}, .messages = {"rpt"}, .eager = true
#define DIAMOND                                                                \
  .workers = 2, .calls = {"pab", "ac", "bc", "c"}, .messages = {"rpt"},        \
  .eager = true
#define THREE_CHILDREN                                                         \
  .workers = 2, .calls = {"pabc", "a", "b", "c"}, .messages = {"rpt"},         \
  .eager = true
/* The parent is scheduled anew, at any time. */
#define TWO_ROOTS(n)                                                           \
  .workers = (n), .calls = {"pa", "a"}, .messages = {"rpt", "spt"},            \
  .eager = true
#define ONE_CHILD                                                              \
  .workers = 2, .calls = {"pa", "a"}, .messages = {"rpt"}, .eager = true

static const fleet_plan plans[] = {
    {.name = "cheap", FROM_THE_ROOT(2), .cheap = BOTH},
    {.name = "cheap and plain", FROM_THE_ROOT(2), .cheap = FIRST},
    {.name = "two hands of one worker",
     FROM_THE_ROOT(2),
     .cheap = BOTH,
     .one_memo = true},
    {.name = "merging", FROM_THE_ROOT(2), .cheap = BOTH, .merges = true},
    {.name = "two roots", TWO_ROOTS(2), .cheap = BOTH},
    {.name = "a new root after a loss",
     TWO_ROOTS(1),
     .cheap = FIRST,
     .lossy = true},
    {.name = "diamond", DIAMOND, .cheap = BOTH},
    {.name = "a child, two crashes", ONE_CHILD, .cheap = BOTH, .crashes = 2},
    {.name = "a child, a crash, merging",
     ONE_CHILD,
     .cheap = BOTH,
     .crashes = 1,
     .merges = true},
    {.name = "a crash", FROM_THE_ROOT(2), .cheap = BOTH, .crashes = 1},
};

static const fleet_plan large_plans[] = {
    {.name = "diamond, one plain", DIAMOND, .cheap = FIRST},
    {.name = "a crash beside a plain one",
     FROM_THE_ROOT(2),
     .cheap = FIRST,
     .crashes = 1},
    {.name = "two crashes", FROM_THE_ROOT(2), .cheap = BOTH, .crashes = 2},
    {.name = "a crash, merging",
     FROM_THE_ROOT(2),
     .cheap = BOTH,
     .merges = true,
     .crashes = 1},
    {.name = "two roots, a crash", TWO_ROOTS(2), .cheap = BOTH, .crashes = 1},
    {.name = "three children", THREE_CHILDREN, .cheap = BOTH},
    {.name = "three children, one plain", THREE_CHILDREN, .cheap = FIRST},
    {.name = "three cheap", FROM_THE_ROOT(3), .cheap = ALL},
    {.name = "diamond, a crash", DIAMOND, .cheap = BOTH, .crashes = 1},
};

static void test_sound(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
    assert_sound(&plans[i]);
}

static void test_large(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof large_plans / sizeof *large_plans; i++)
    assert_sound(&large_plans[i]);
}

/* Each rule is needed: without it, the walk finds the schedule that hangs. */
static void test_rules_are_needed(void **state) {
  (void)state;
  const fleet_plan no_returns = {.name = "a skip that forgets the returns",
                                 FROM_THE_ROOT(2),
                                 .cheap = BOTH,
                                 .fault = FLEET_NO_RETURNS};
  const fleet_plan no_force = {.name = "redelivery without force",
                               FROM_THE_ROOT(2),
                               .cheap = BOTH,
                               .crashes = 1,
                               .fault = FLEET_NO_FORCE};
  const fleet_plan behind = {.name = "merged into one under way",
                             FROM_THE_ROOT(2),
                             .cheap = BOTH,
                             .merges = true,
                             .fault = FLEET_MERGE_BEHIND};
  assert_noticed(&no_returns, "the end");
  assert_noticed(&no_force, "S5");
  assert_noticed(&behind, "S4");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rules_are_needed), cmocka_unit_test(test_sound),
      cmocka_unit_test(test_large), /* the last */
  };
  const struct CMUnitTest some[] = {tests[0], tests[1]};
  (void)argv;
  return argc > 1 ? cmocka_run_group_tests(tests, NULL, NULL)
                  : cmocka_run_group_tests(some, NULL, NULL);
}
