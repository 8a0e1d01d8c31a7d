/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * graph.c - L7: call graphs with the reference: an app with tasks that look
 * sequential, the JSON codec, client and worker in one process.
 *
 *   fib    [root, n]   as everybody knows it
 *   fan    [root, n]   gathers leaf [root, 1] to leaf [root, n]
 *   chain  [root, n]   calls chain [root, n - 1], down to 0
 *
 * The first argument keeps the graphs of several roots apart. The run is
 * measured from the first schedule until each root has its value; then what
 * messages are left are handled, too, so that a run can be counted.
 */
#include "bench.h"

#include <brrr/json.h>
#include <brrr/redis.h>
#include <brrr/worker.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

typedef struct state {
  brrr_redis *redis;
  brrr_worker *worker;
  const char *task; /* of the roots */
  size_t roots;
  size_t left;     /* returns until each root has its value */
  size_t messages; /* that are still to be handled; 0 if nobody knows */
  int64_t n;
  bench_span span;
} state;

/* ---- tasks --------------------------------------------------------------- */

static const brrr_json *list(brrr_arena *a, const brrr_json *root, int64_t n) {
  return brrr_json_list(a, root, brrr_json_integer(a, n));
}

static brrr_status leaf(brrr_run *run, const void *args, const void **value,
                        void *ud) {
  (void)args, (void)ud;
  *value = brrr_json_integer(brrr_run_arena(run), 1);
  return BRRR_OK;
}

static brrr_status fan(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  const brrr_json *root = brrr_json_at(args, 0);
  int64_t n, sum = 0, each;
  (void)ud;
  if (!brrr_json_int(brrr_json_at(args, 1), &n) || n < 1)
    return brrr_run_fail(run, "fan wants a number of children");
  const size_t count = (size_t)n;
  brrr_ask *asks = brrr_arena_get(a, count * sizeof *asks);
  const void **values = brrr_arena_get(a, count * sizeof *values);
  if (!asks || !values)
    return BRRR_E_NOMEM;
  for (int64_t i = 0; i < n; i++)
    asks[i] = (brrr_ask){.task = "leaf", .args = list(a, root, i + 1)};
  const brrr_status s = brrr_run_gather(run, asks, count, values);
  for (size_t i = 0; s == BRRR_OK && i < count; i++)
    sum += brrr_json_int(values[i], &each) ? each : 0;
  *value = brrr_json_integer(a, sum);
  return s;
}

static brrr_status chain(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  const void *below;
  int64_t n;
  (void)ud;
  if (!brrr_json_int(brrr_json_at(args, 1), &n))
    return brrr_run_fail(run, "chain wants a length");
  if (n > 0) {
    const brrr_ask ask = {.task = "chain",
                          .args = list(a, brrr_json_at(args, 0), n - 1)};
    const brrr_status s = brrr_run_call(run, &ask, &below);
    if (s != BRRR_OK)
      return s;
  }
  *value = brrr_json_integer(a, n);
  return BRRR_OK;
}

static brrr_status fib(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  const brrr_json *root = brrr_json_at(args, 0);
  int64_t n, x, y;
  (void)ud;
  if (!brrr_json_int(brrr_json_at(args, 1), &n))
    return brrr_run_fail(run, "fib wants an integer");
  if (n > 1) {
    const brrr_ask asks[] = {{.task = "fib", .args = list(a, root, n - 1)},
                             {.task = "fib", .args = list(a, root, n - 2)}};
    const void *got[2];
    const brrr_status s = brrr_run_gather(run, asks, 2, got);
    if (s != BRRR_OK)
      return s;
    if (!brrr_json_int(got[0], &x) || !brrr_json_int(got[1], &y))
      return brrr_run_fail(run, "fib gave no integer");
    n = x + y;
  }
  *value = brrr_json_integer(a, n);
  return BRRR_OK;
}

static const brrr_task tasks[] = {{.name = "leaf", .fn = leaf},
                                  {.name = "fan", .fn = fan},
                                  {.name = "chain", .fn = chain},
                                  {.name = "fib", .fn = fib}};

/* ---- the process --------------------------------------------------------- */

/* Each call returns once, and the roots are the last. */
static void expect(state *s) {
  const size_t n = (size_t)s->n;
  const bool is_fan = !strcmp(s->task, "fan");
  s->left = s->roots * (is_fan ? 1 : n + 1);
  if (is_fan || !strcmp(s->task, "chain"))
    s->messages = s->roots * (2 * n + 1); /* each child is put, and returns */
}

static void on_measure(void *ud, const brrr_measure *m) {
  state *s = ud;
  if (m->outcome == BRRR_FAILED)
    bench_die("a message that could not be handled");
  if (s->messages)
    s->messages -= 1 + m->merged;
  if (m->outcome == BRRR_RETURNED && s->left &&
      brrr_bytes_equal(m->task_name, brrr_bytes_str(s->task)) && !--s->left)
    bench_end(&s->span, s->roots);
  if (!s->left && !s->messages)
    brrr_worker_stop(s->worker);
}

static void on_ended(void *ud, brrr_status status) {
  state *s = ud;
  if (status != BRRR_OK)
    bench_die(brrr_status_text(status));
  brrr_worker_free(s->worker);
  brrr_redis_close(s->redis, NULL, NULL);
}

static void on_scheduled(void *ud, const brrr_reply *reply) {
  (void)ud;
  if (reply->status != BRRR_OK)
    bench_die("a root could not be scheduled");
}

static brrr_status draw(void *ud, uint8_t *out, size_t len) {
  (void)ud;
  return uv_random(NULL, NULL, out, len, 0, NULL) ? BRRR_E_IO : BRRR_OK;
}

static void schedule(const state *s, const brrr_app *app, brrr_client *c) {
  for (size_t i = 0; i < s->roots; i++) {
    brrr_arena a;
    brrr_arena_init(&a, (brrr_alloc){0});
    const brrr_ask ask = {.task = s->task,
                          .args =
                              list(&a, brrr_json_integer(&a, (int64_t)i), s->n),
                          .topic = BENCH_TOPIC};
    brrr_app_schedule(app, c, &ask, (brrr_done){on_scheduled, NULL});
    brrr_arena_free(&a);
  }
}

int bench_graph(int argc, char **argv) {
  (void)argc;
  char url[64];
  const brrr_bytes topic = BRRR_LIT(BENCH_TOPIC);
  const brrr_codec codec = brrr_json_codec();
  const brrr_app app = {tasks, sizeof tasks / sizeof *tasks, &codec};
  uv_loop_t *loop = uv_default_loop();
  state s = {.task = argv[2],
             .n = (int64_t)bench_number(argv[3]),
             .roots = bench_number(argv[4])};
  expect(&s);
  (void)snprintf(url, sizeof url, "redis://127.0.0.1:%s", argv[0]);
  if (brrr_redis_new(&s.redis, (brrr_alloc){0}, loop,
                     &(brrr_redis_options){.url = url}))
    bench_die("no backend");
  const brrr_backend b = brrr_redis_backend(s.redis);
  brrr_client client = {.backends = {b, b, b}, .random = draw};
  const brrr_worker_options options = {.loop = loop,
                                       .backends = {b, b, b},
                                       .topics = &topic,
                                       .topic_count = 1,
                                       .concurrency =
                                           (uint32_t)bench_number(argv[1]),
                                       .app = &app,
                                       .measure = on_measure,
                                       .ended = on_ended,
                                       .ud = &s};
  bench_begin(&s.span);
  schedule(&s, &app, &client);
  if (brrr_worker_start(&s.worker, &options))
    bench_die("no worker");
  uv_run(loop, UV_RUN_DEFAULT);
  return 0;
}
