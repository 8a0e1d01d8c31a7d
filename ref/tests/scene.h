/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * scene.h - a worker on a loop, with a handler that does what the call's
 * task_name says, and a record of what happened.
 *
 *   echo     has its payload for a value
 *   join     has the values of the calls named in its payload, one octet each,
 *            one after the other; defers on those that are missing
 *   fail     fails, with its payload for a reason
 *   flaky    fails as often as `flaky_fails` says, then is as echo
 *   later    is kept in `held`, to be answered by the test
 *   astray   defers on a call for the topic that is its payload
 */
#ifndef BRRR_TESTS_SCENE_H
#define BRRR_TESTS_SCENE_H

#include "answers.h"
#include "stage.h"

#include <brrr/worker.h>

#define SCENE_MAX 64

typedef struct scene_problem {
  bool has_message;
  brrr_bytes message, detail; /* copies */
  uint32_t attempts;
  brrr_error error;
} scene_problem;

typedef struct scene_measure {
  brrr_outcome outcome;
  uint32_t merged;
  uint64_t wait_ns, handler_ns, total_ns;
} scene_measure;

typedef struct scene {
  /* Set these first. */
  subject subject; /* queue, store and cache, answering at once or not */
  brrr_policy policy;
  brrr_alloc alloc;
  uint32_t concurrency;
  bool take_ahead;
  bool no_skip, no_watch, no_merge;
  bool no_problem; /* no callback for problems */
  unsigned flaky_fails;
  const char *topic; /* NULL: "t" */
  brrr_bytes topic_bytes;

  struct stage *stage;
  struct stage own; /* unless it is shared */
  brrr_worker *worker;
  brrr_invocation *held[SCENE_MAX];
  unsigned held_count;
  unsigned invocations;
  scene_problem problems[SCENE_MAX];
  unsigned problem_count;
  scene_measure measures[SCENE_MAX]; /* the first so many */
  unsigned measure_count;
  unsigned ended;
  brrr_status status;
} scene;

/* On a stage of its own if `shared` is NULL. */
void scene_init(scene *s, struct stage *shared);
/* Asserts that the worker, if there is one, has ended. */
void scene_free(scene *s);
/* `options` for a worker of this scene. */
brrr_worker_options scene_options(scene *s);
void scene_start(scene *s);
/* Waits until the worker has ended; asserts how, and frees it. */
void scene_end(scene *s, brrr_status status);

/* Stores a call and puts a message for it on the scene's topic. */
void scene_call(scene *s, const char *hash, const char *task,
                const char *payload);
void scene_put(scene *s, brrr_bytes message);
void scene_expect_value(scene *s, const char *hash, const char *value);
void scene_expect_no_value(scene *s, const char *hash);
/* Waits for so many of them, at least. */
void scene_until(scene *s, const unsigned *have, unsigned want);
void scene_until_held(scene *s, unsigned count);
void scene_until_problems(scene *s, unsigned count);
void scene_until_value(scene *s, const char *hash);

void scene_answer_held(scene *s); /* the last one, with "held" */

#endif
