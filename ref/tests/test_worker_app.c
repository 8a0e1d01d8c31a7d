/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_app.c - a worker with tasks of an app, several topics, and tasks
 * that block; over the backend in memory.
 */
#include "scene.h"
#include "toy.h"

#include <brrr/memory.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

typedef struct play {
  stage stage;
  brrr_memory *memory;
  subject subject;
  brrr_worker *worker;
  brrr_alloc alloc;
  brrr_problem problem; /* the last one; without what it borrows */
  char detail[128];
  unsigned problems, ended;
  bool check_reruns;
  brrr_status status;
} play;

static brrr_policy on_problem(void *ud, const brrr_problem *p) {
  play *y = ud;
  y->problems++;
  y->problem = *p;
  (void)snprintf(y->detail, sizeof y->detail, "%.*s", (int)p->detail.len,
                 (const char *)p->detail.ptr);
  return BRRR_GO_ON;
}

static void on_ended(void *ud, brrr_status status) {
  play *y = ud;
  y->ended++;
  y->status = status;
}

static brrr_worker_options options_of(play *y, const brrr_app *app) {
  static const brrr_bytes topics[] = {BRRR_INIT("t"), BRRR_INIT("u")};
  const brrr_backend b = y->subject.backend;
  return (brrr_worker_options){.loop = &y->stage.loop,
                               .backends = {b, b, b},
                               .alloc = y->alloc,
                               .topics = topics,
                               .topic_count = 2,
                               .concurrency = 2,
                               .app = app,
                               .check_reruns = y->check_reruns,
                               .problem = on_problem,
                               .ended = on_ended,
                               .ud = y};
}

static void begin(play *y, const brrr_app *app) {
  stage_init(&y->stage);
  assert_int_equal(brrr_memory_new(&y->memory, (brrr_alloc){0}), BRRR_OK);
  y->subject = (subject){brrr_memory_backend(y->memory), answers_at_once, NULL};
  const brrr_worker_options options = options_of(y, app);
  if (app && brrr_worker_start(&y->worker, &options) != BRRR_OK)
    y->worker = NULL;
}

static void end(play *y) {
  if (y->worker) {
    brrr_worker_stop(y->worker);
    stage_wait(&y->stage, &y->ended);
    assert_int_equal(y->status, BRRR_OK);
  }
  brrr_worker_free(y->worker);
  stage_free(&y->stage);
  brrr_memory_free(y->memory);
}

static brrr_status zero(void *ud, uint8_t *out, size_t len) {
  memset(out, *(uint8_t *)ud, len);
  return BRRR_OK;
}

static void schedule(play *y, const brrr_app *app, const char *topic,
                     const char *task, int64_t n) {
  static uint8_t root;
  const brrr_backend b = y->subject.backend;
  brrr_client c = {.backends = {b, b, b}, .random = zero, .ud = &root};
  const brrr_codec *codec = app->codec;
  brrr_arena a;
  brrr_call call;
  brrr_error err;
  answer got;
  root++;
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(codec->encode_call(codec->self, &a, brrr_bytes_str(task), &n,
                                      &call, &err),
                   BRRR_OK);
  brrr_schedule(&c, brrr_bytes_str(topic), &call, answer_into(&got));
  assert_int_equal(got.status, BRRR_OK);
  answer_drop(&got);
  brrr_arena_free(&a);
}

typedef struct goal {
  play *y;
  const char *hash;
  unsigned problems; /* a further one ends it, too */
} goal;

static bool is_over(void *ud) {
  const goal *g = ud;
  answer a =
      ask(&g->y->subject,
          (brrr_effect){.type = BRRR_STORE_HAS,
                        .key = {BRRR_KIND_VALUE, brrr_bytes_str(g->hash)}});
  answer_drop(&a);
  return a.status == BRRR_OK || g->y->problems > g->problems;
}

static void until_value(play *y, const char *hash, const char *value) {
  stage_until(&y->stage, is_over, &(goal){y, hash, y->problems});
  expect(&y->subject,
         (brrr_effect){.type = BRRR_STORE_GET,
                       .key = {BRRR_KIND_VALUE, brrr_bytes_str(hash)}},
         BRRR_OK, value);
}

static void until_problem(play *y) {
  stage_until(&y->stage, is_over, &(goal){y, "none", y->problems});
}

/* ---- tasks --------------------------------------------------------------- */

/* Calls fib on the other topic. */
static brrr_status far(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  (void)ud;
  return brrr_run_call(
      run, &(brrr_ask){.task = "fib", .args = args, .topic = "u"}, value);
}

static brrr_status astray(brrr_run *run, const void *args, const void **value,
                          void *ud) {
  (void)ud;
  return brrr_run_call(
      run, &(brrr_ask){.task = "fib", .args = args, .topic = "call/x"}, value);
}

static brrr_status fails(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  (void)args;
  (void)value;
  (void)ud;
  return brrr_run_fail(run, "no luck");
}

/* Asks for other calls each time. */
static brrr_status fickle(brrr_run *run, const void *args, const void **value,
                          void *ud) {
  int64_t *n = ud;
  (void)args;
  if (*n < 5)
    ++*n;
  return brrr_run_call(run, &(brrr_ask){.task = "fib", .args = n}, value);
}

/* Counts its runs. */
static brrr_status steady(brrr_run *run, const void *args, const void **value,
                          void *ud) {
  ++*(unsigned *)ud;
  return brrr_run_call(run, &(brrr_ask){.task = "fib", .args = args}, value);
}

/* Waits until as many of it run at once as there are in the barrier. */
typedef struct meeting {
  pthread_barrier_t barrier;
  pthread_t loop;
  atomic_int came;
} meeting;

static brrr_status meet(brrr_run *run, const void *args, const void **value,
                        void *ud) {
  meeting *m = ud;
  if (pthread_equal(pthread_self(), m->loop))
    return brrr_run_fail(run, "on the loop's thread");
  atomic_fetch_add(&m->came, 1);
  (void)pthread_barrier_wait(&m->barrier);
  return toy_end(run, *(const int64_t *)args, value);
}

/* ---- tests --------------------------------------------------------------- */

static void test_graph(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib},
                             {.name = "far", .fn = far}};
  const brrr_app app = {tasks, 2, &codec};
  play y = {.problems = 0};
  begin(&y, &app);
  schedule(&y, &app, "t", "far", 15);
  until_value(&y, "far:15", "610");
  schedule(&y, &app, "u", "fib", 20); /* both topics are served */
  until_value(&y, "fib:20", "6765");
  end(&y);
  assert_int_equal(y.problems, 0);
}

static void test_problems(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib},
                             {.name = "astray", .fn = astray},
                             {.name = "fails", .fn = fails}};
  const struct {
    const char *task, *detail;
    brrr_status status;
  } rows[] = {
      {"fails", "no luck", BRRR_E_TASK},
      {"astray", "call/x", BRRR_E_TOPIC},
      {"nobody", NULL, BRRR_E_UNKNOWN},
  };
  const brrr_app app = {tasks, 3, &codec};
  play y = {.problems = 0};
  begin(&y, &app);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    schedule(&y, &app, i % 2 ? "t" : "u", rows[i].task, 3);
    until_problem(&y);
    assert_int_equal(y.problem.error.status, rows[i].status);
    if (rows[i].detail)
      assert_string_equal(y.detail, rows[i].detail);
  }
  end(&y);
}

/* What a call asked for last time is looked for before it is run again: one run
 * to ask, and one that has it. */
static void test_prefetch(void **state) {
  (void)state;
  unsigned runs = 0;
  const brrr_codec codec = toy_codec();
  const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib},
                             {.name = "steady", .fn = steady, .ud = &runs}};
  const brrr_app app = {tasks, 2, &codec};
  play y = {.problems = 0};
  begin(&y, &app);
  schedule(&y, &app, "t", "steady", 1);
  until_value(&y, "steady:1", "1");
  end(&y);
  assert_int_equal(runs, 2);
}

static void test_check_reruns(void **state) {
  (void)state;
  for (int check = 0; check < 2; check++) {
    int64_t runs = 0;
    const brrr_codec codec = toy_codec();
    const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib},
                               {.name = "fickle", .fn = fickle, .ud = &runs}};
    const brrr_app app = {tasks, 2, &codec};
    play y = {.check_reruns = check};
    begin(&y, &app);
    schedule(&y, &app, "t", "fickle", 1);
    if (check) {
      until_problem(&y);
      assert_int_equal(y.problem.error.status, BRRR_E_RERUN);
      assert_non_null(strstr(y.detail, "fib"));
    } else {
      until_value(&y, "fib:3", "2");
    }
    end(&y);
    assert_int_equal(y.problems, check);
  }
}

/* In the pool, and as many at once as there are hands; the end waits for
 * them. */
static void test_blocks(void **state) {
  (void)state;
  meeting m = {.loop = pthread_self()};
  const brrr_codec codec = toy_codec();
  const brrr_task tasks[] = {
      {.name = "meet", .fn = meet, .ud = &m, .blocks = true}};
  const brrr_app app = {tasks, 1, &codec};
  play y = {.problems = 0};
  assert_int_equal(pthread_barrier_init(&m.barrier, NULL, 4), 0);
  begin(&y, &app);
  schedule(&y, &app, "t", "meet", 1);
  schedule(&y, &app, "t", "meet", 2);
  schedule(&y, &app, "u", "meet", 3);
  const uint64_t start = uv_hrtime();
  while (atomic_load(&m.came) < 3) {
    uv_run(&y.stage.loop, UV_RUN_NOWAIT);
    assert_true(uv_hrtime() - start < UINT64_C(10000000000));
  }
  brrr_worker_stop(y.worker);
  stage_run_ms(&y.stage, 20);
  assert_int_equal(y.ended, 0);
  (void)pthread_barrier_wait(&m.barrier);
  until_value(&y, "meet:3", "3");
  until_value(&y, "meet:1", "1");
  end(&y);
  assert_int_equal(y.problems, 0);
  (void)pthread_barrier_destroy(&m.barrier);
}

static void test_misuse(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib}};
  const brrr_app app = {tasks, 1, &codec};
  const brrr_bytes bad[] = {BRRR_LIT("t"), BRRR_LIT("call/x")};
  play y = {.problems = 0};
  begin(&y, NULL);
  brrr_worker_options o = options_of(&y, NULL);
  assert_int_equal(brrr_worker_start(&y.worker, &o), BRRR_E_MISUSE);
  o = options_of(&y, &app);
  o.topic_count = 0;
  assert_int_equal(brrr_worker_start(&y.worker, &o), BRRR_E_MISUSE);
  o = options_of(&y, &app);
  o.topics = bad;
  assert_int_equal(brrr_worker_start(&y.worker, &o), BRRR_E_TOPIC);
  assert_null(y.worker);
  end(&y);
}

/* Whichever allocation fails: it is reported, nothing leaks, and what comes
 * later is done. */
static void sweep_once(heap *h, void *ud) {
  const brrr_app *app = ud;
  play y = {.alloc = heap_alloc(h)};
  begin(&y, app);
  if (y.worker) {
    schedule(&y, app, "t", "far", 2);
    stage_until(&y.stage, is_over, &(goal){&y, "far:2", 0});
    schedule(&y, app, "u", "fib", 0);
    stage_until(&y.stage, is_over, &(goal){&y, "fib:0", y.problems});
    if (y.problems)
      assert_int_equal(y.problem.error.status, BRRR_E_NOMEM);
    else
      until_value(&y, "far:2", "1");
  }
  assert_true(y.problems <= (h->fail_at > 0));
  end(&y);
}

static void test_allocation_failures(void **state) {
  (void)state;
  const brrr_codec codec = toy_codec();
  const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib},
                             {.name = "far", .fn = far}};
  brrr_app app = {tasks, 2, &codec};
  heap_sweep(sweep_once, &app);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_graph),
      cmocka_unit_test(test_problems),
      cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_prefetch),
      cmocka_unit_test(test_check_reruns),
      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
