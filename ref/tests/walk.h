/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * walk.h - walks every interleaving of the acts of a fleet, and checks the
 * invariants S1 to S8 after each act, and the outcome at each end.
 *
 * The walk is depth-first, by running again from the beginning. A state that
 * was met before is not walked again, for its future is known: so all
 * schedules are covered, and counted, in a number of runs that is that of the
 * states. A queue is a bag: messages are taken in any order.
 */
#ifndef BRRR_TESTS_WALK_H
#define BRRR_TESTS_WALK_H

#include "fleet.h"
#include "table.h"

enum { WALK_DEPTH = 400 };

typedef struct walk {
  const fleet_plan *plan;
  brrr__table states;
  bool again; /* walk a state again that was met before: no memory */
  size_t path[WALK_DEPTH];
  size_t depth;
  const char *wrong; /* the first violation; then the walk is over */
} walk;

/* Returns how many schedules there are, up to a violation. */
double walk_all(walk *w, const fleet_plan *plan, bool again);

void assert_sound(const fleet_plan *plan);
/* There is a violation, and it begins like this. */
void assert_noticed(const fleet_plan *plan, const char *wrong);

#endif
