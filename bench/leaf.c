/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * leaf.c - L7: leaf jobs with the reference's worker, as anybody would start
 * it: a handler that has its value at once.
 */
#include "bench.h"

#include <brrr/redis.h>
#include <brrr/worker.h>

#include <stdio.h>
#include <uv.h>

typedef struct state {
  brrr_redis *redis;
  brrr_worker *worker;
  size_t jobs, done;
  bench_span span;
} state;

static void on_invocation(void *ud, brrr_invocation *i) {
  (void)ud;
  brrr_invocation_respond(i, BRRR_LIT("1"));
}

static void on_measure(void *ud, const brrr_measure *m) {
  state *s = ud;
  if (m->outcome != BRRR_RETURNED)
    bench_die("a job that has not returned");
  if (++s->done < s->jobs)
    return;
  bench_end(&s->span, s->jobs);
  brrr_worker_stop(s->worker);
}

static void on_ended(void *ud, brrr_status status) {
  state *s = ud;
  if (status != BRRR_OK)
    bench_die(brrr_status_text(status));
  brrr_worker_free(s->worker);
  brrr_redis_close(s->redis, NULL, NULL);
}

int bench_leaf(int argc, char **argv) {
  (void)argc;
  char url[64];
  const brrr_bytes topic = BRRR_LIT(BENCH_TOPIC);
  state s = {.jobs = bench_number(argv[1])};
  uv_loop_t *loop = uv_default_loop();
  (void)snprintf(url, sizeof url, "redis://127.0.0.1:%s", argv[0]);
  if (brrr_redis_new(&s.redis, (brrr_alloc){0}, loop,
                     &(brrr_redis_options){.url = url}))
    bench_die("no backend");
  const brrr_backend b = brrr_redis_backend(s.redis);
  const brrr_worker_options options = {.loop = loop,
                                       .backends = {b, b, b},
                                       .topics = &topic,
                                       .topic_count = 1,
                                       .concurrency =
                                           (uint32_t)bench_number(argv[2]),
                                       .take_ahead = true,
                                       .handle = on_invocation,
                                       .measure = on_measure,
                                       .ended = on_ended,
                                       .ud = &s};
  bench_begin(&s.span);
  if (brrr_worker_start(&s.worker, &options))
    bench_die("no worker");
  uv_run(loop, UV_RUN_DEFAULT);
  return 0;
}
