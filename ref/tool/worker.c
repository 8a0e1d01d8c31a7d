/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker.c - L7: `brrr worker`: a worker with the tasks of the demo.
 */
#include "session.h"

#include "../demo/tasks.h"

#include <brrr/json.h>
#include <brrr/worker.h>

#include <stdio.h>
#include <stdlib.h>

/* What the options of `worker` say. */
typedef struct working {
  int demo, durable, concurrency;
  char **topics;
} working;

static void on_log(void *ud, brrr_level level, const char *text) {
  (void)ud;
  if (level >= BRRR_INFO)
    (void)complain("%s", text);
}

/* Freed by the caller, when the loop is empty. */
typedef struct ending {
  brrr_worker *worker;
  brrr_status status;
  bool ended;
} ending;

static void on_ended(void *ud, brrr_status status) {
  ending *e = ud;
  e->status = status;
  e->ended = true;
}

static brrr_policy on_problem(void *ud, const brrr_problem *problem) {
  const brrr_error *e = &problem->error;
  (void)ud;
  (void)complain("%.*s: %s%s%.*s", (int)problem->topic.len,
                 (const char *)problem->topic.ptr, e->reason,
                 problem->detail.len ? ": " : "", (int)problem->detail.len,
                 problem->detail.len ? (const char *)problem->detail.ptr : "");
  return brrr_problem_advice(problem);
}

static int work(session *s, const working *how, const brrr_bytes *topics,
                size_t count) {
  const brrr_codec codec = brrr_json_codec();
  const brrr_app app = {demo_tasks, DEMO_TASKS, &codec};
  ending e = {0};
  const brrr_worker_options options = {.loop = &s->loop,
                                       .backends = s->client.backends,
                                       .topics = topics,
                                       .topic_count = count,
                                       .concurrency =
                                           (uint32_t)how->concurrency,
                                       .app = &app,
                                       .problem = on_problem,
                                       .ended = on_ended,
                                       .ud = &e,
                                       .log = {on_log, NULL}};
  brrr_status status = brrr_worker_start(&e.worker, &options);
  if (status != BRRR_OK)
    return complain_status("worker", status, (brrr_bytes){0});
  status = brrr_worker_stop_on_signals(e.worker);
  if (status != BRRR_OK)
    brrr_worker_stop(e.worker);
  while (!e.ended)
    (void)uv_run(&s->loop, UV_RUN_ONCE);
  brrr_worker_free(e.worker);
  if (status == BRRR_OK)
    status = e.status;
  return status == BRRR_OK ? EXIT_DONE
                           : complain_status("worker", status, (brrr_bytes){0});
}

static int work_on_topics(session *s, const working *how) {
  char *fallback[] = {"demo", NULL};
  char **topics = how->topics ? how->topics : fallback;
  size_t count = 0;
  while (topics[count])
    count++;
  brrr_bytes *list = brrr_arena_get(&s->arena, count * sizeof *list);
  if (!list)
    return complain("out of memory");
  for (size_t i = 0; i < count; i++)
    list[i] = brrr_bytes_str(topics[i]);
  return work(s, how, list, count);
}

int command_worker(int argc, const char **argv) {
  places p = {0};
  working how = {.concurrency = 16};
  const struct poptOption options[] = {
      {"demo", 0, POPT_ARG_NONE, &how.demo, 0,
       "with the tasks fib, lucas, hello and echo", NULL},
      {"topic", 't', POPT_ARG_ARGV, &how.topics, 0,
       "serve this topic; can be given again (default: demo)", "TOPIC"},
      {"concurrency", 'c', POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT,
       &how.concurrency, 0, "messages at once, for each topic", "N"},
      {"durable", 0, POPT_ARG_NONE, &how.durable, 0,
       "lose no message if the worker dies", NULL},
      PLACES_OPTIONS(p),
      POPT_AUTOHELP POPT_TABLEEND};
  words w;
  session s;
  int status = words_parse(
      &w, argc, argv, options,
      "worker --demo [OPTION...]\n\n"
      "Handles messages until SIGTERM or SIGINT, and then those in hand.\n",
      0, 0);
  if (status == EXIT_DONE && !how.demo)
    status = complain_usage("worker: want --demo: there are no other tasks");
  if (status == EXIT_DONE && (how.concurrency < 1 || how.concurrency > 65536))
    status = complain_usage("worker: --concurrency: from 1 to 65536");
  if (status == EXIT_DONE) {
    status = session_open(&s, &p, how.durable);
    if (status == EXIT_DONE)
      status = work_on_topics(&s, &how);
    session_close(&s);
  }
  for (char **topic = how.topics; topic && *topic; topic++)
    free(*topic);
  free(how.topics);
  places_free(&p);
  words_free(&w);
  return status;
}
