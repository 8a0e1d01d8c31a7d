/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * script.h - for tests of tasks: one task whose code the test writes, run as
 * "t:1" in a world; it calls "c", with the codec of toy.h.
 */
#ifndef BRRR_TESTS_SCRIPT_H
#define BRRR_TESTS_SCRIPT_H

#include "toy.h"
#include "world.h"

typedef struct script script;
typedef brrr_status script_act(script *s, brrr_run *run, const void **value);

struct script {
  script_act *act;
  unsigned runs;
  brrr_run *kept; /* for whoever uses it when it is too late */
};

/* The script as the one task of an app; `app` points into the cast. */
typedef struct cast {
  brrr_codec codec;
  brrr_task task;
  brrr_app app;
  brrr_call call;
} cast;

void cast_init(cast *c, script *s);

/* What an operation ended in, cut where there is more. */
typedef struct script_end {
  brrr_status status;
  brrr_error error;
  char detail[8192];
  char value[64];
  size_t children;
  char child[128]; /* hash@topic, each with a space behind it */
} script_end;

script_end script_look(const brrr_op *op, brrr_status s);

/* Runs the script in `w`, or in a world in which these calls have the value 7;
 * checks that nothing leaks, and the log unless that is NULL. */
script_end script_run(world *w, script *s, const brrr_running *how);
script_end script_run_with(script *s, const char *log,
                           const char *const *present);

brrr_status script_call(brrr_run *run, int64_t n, const char *topic,
                        const void **value);
/* At most 8. */
brrr_status script_gather(brrr_run *run, const int64_t *n, size_t count,
                          const void **values);

#endif
