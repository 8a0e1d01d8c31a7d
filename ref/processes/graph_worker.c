/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * graph_worker.c - L7: a worker process with tasks whose values are known in
 * advance; for the tests that need whole processes (storm.py, soak_memory.py).
 *
 *   graph_worker [-d] [-a DEAD_AFTER_MS] [-c CONCURRENCY] REDIS_URL TOPIC...
 *
 * It works until SIGTERM, then prints how its messages have ended, in JSON. A
 * payload is text; a call's hash is its task, a colon, and its payload, so that
 * a script can make calls and tell their values:
 *
 *   leaf   ROOT.PATH              1
 *   fan    ROOT.N                 N, the sum of leaf ROOT.1 to leaf ROOT.N
 *   chain  ROOT.N                 N, one more than chain ROOT.(N-1)
 *   tree   ROOT.DEPTH.WIDTH.MS.PATH  the number of nodes below and with it; a
 *                                 node blocks for MS milliseconds each time
 */
#include <brrr/redis.h>
#include <brrr/worker.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define MAX_TOPICS 8

/* ---- codec: text as it is ------------------------------------------------ */

static const char *text(brrr_arena *a, brrr_bytes in) {
  char *out = brrr_arena_get(a, in.len + 1);
  if (out) {
    if (in.len)
      memcpy(out, in.ptr, in.len);
    out[in.len] = '\0';
  }
  return out;
}

static brrr_status encode_call(void *self, brrr_arena *a, brrr_bytes task_name,
                               const void *args, brrr_call *out,
                               brrr_error *err) {
  const char *payload = args;
  size_t size = task_name.len + strlen(payload) + 2;
  char *hash = brrr_arena_get(a, size);
  (void)self;
  if (!hash) {
    err->status = BRRR_E_NOMEM;
    return BRRR_E_NOMEM;
  }
  (void)snprintf(hash, size, "%.*s:%s", (int)task_name.len,
                 (const char *)task_name.ptr, payload);
  *out = (brrr_call){brrr_bytes_str(hash), task_name, brrr_bytes_str(payload)};
  return BRRR_OK;
}

static brrr_status to_text(brrr_arena *a, brrr_bytes in, const void **out,
                           brrr_error *err) {
  const char *t = text(a, in);
  if (!t)
    return err->status = BRRR_E_NOMEM;
  *out = t;
  return BRRR_OK;
}

static brrr_status decode_args(void *self, brrr_arena *a, const brrr_call *call,
                               const void **args, brrr_error *err) {
  (void)self;
  return to_text(a, call->payload, args, err);
}

static brrr_status encode_value(void *self, brrr_arena *a, brrr_bytes task_name,
                                const void *value, brrr_bytes *out,
                                brrr_error *err) {
  (void)self, (void)task_name;
  /* The run that made `value` ends before its octets are used. */
  err->status = brrr_arena_copy(a, brrr_bytes_str(value), out);
  return err->status;
}

static brrr_status decode_value(void *self, brrr_arena *a, brrr_bytes task_name,
                                brrr_bytes octets, const void **value,
                                brrr_error *err) {
  (void)self, (void)task_name;
  return to_text(a, octets, value, err);
}

static const brrr_codec codec = {encode_call, decode_args, encode_value,
                                 decode_value, NULL};

/* ---- tasks --------------------------------------------------------------- */

static const char *print(brrr_run *run, const char *format, const char *root,
                         long n) {
  size_t size = strlen(root) + 32;
  char *out = brrr_arena_get(brrr_run_arena(run), size);
  if (out)
    (void)snprintf(out, size, format, root, n);
  return out;
}

static brrr_status number(brrr_run *run, long n, const void **value) {
  *value = print(run, "%s%ld", "", n);
  return *value ? BRRR_OK : BRRR_E_NOMEM;
}

/* Splits "ROOT.N" at its last point. */
static brrr_status split(brrr_run *run, const char *args, const char **root,
                         long *n) {
  const char *point = strrchr(args, '.');
  if (!point)
    return brrr_run_fail(run, "payload is not ROOT.N");
  *n = strtol(point + 1, NULL, 10);
  *root = text(brrr_run_arena(run),
               (brrr_bytes){(const uint8_t *)args, (size_t)(point - args)});
  return *root ? BRRR_OK : BRRR_E_NOMEM;
}

static brrr_status sum_of(brrr_run *run, const brrr_ask *asks, long count,
                          long *sum) {
  const void **values =
      brrr_arena_get(brrr_run_arena(run), (size_t)count * sizeof *values);
  if (!values)
    return BRRR_E_NOMEM;
  brrr_status s = brrr_run_gather(run, asks, (size_t)count, values);
  for (long i = 0; s == BRRR_OK && i < count; i++)
    *sum += strtol(values[i], NULL, 10);
  return s;
}

static brrr_status leaf(brrr_run *run, const void *args, const void **value,
                        void *ud) {
  (void)args, (void)ud;
  return number(run, 1, value);
}

static brrr_status fan(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  const char *root = NULL;
  long n = 0, sum = 0;
  (void)ud;
  brrr_status s = split(run, args, &root, &n);
  if (s != BRRR_OK)
    return s;
  brrr_ask *asks =
      brrr_arena_get(brrr_run_arena(run), (size_t)n * sizeof *asks);
  if (!asks)
    return BRRR_E_NOMEM;
  for (long i = 0; i < n; i++)
    asks[i] =
        (brrr_ask){.task = "leaf", .args = print(run, "%s.%ld", root, i + 1)};
  s = sum_of(run, asks, n, &sum);
  return s == BRRR_OK ? number(run, sum, value) : s;
}

static brrr_status chain(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  const char *root = NULL;
  const void *below;
  long n = 0;
  (void)ud;
  brrr_status s = split(run, args, &root, &n);
  if (s != BRRR_OK)
    return s;
  if (n == 0)
    return number(run, 0, value);
  const brrr_ask ask = {.task = "chain",
                        .args = print(run, "%s.%ld", root, n - 1)};
  s = brrr_run_call(run, &ask, &below);
  return s == BRRR_OK ? number(run, strtol(below, NULL, 10) + 1, value) : s;
}

static brrr_status tree(brrr_run *run, const void *args, const void **value,
                        void *ud) {
  char root[32] = "", *rest;
  long sum = 1;
  (void)ud;
  const size_t root_len = strcspn(args, ".");
  if (root_len >= sizeof root || !((const char *)args)[root_len] ||
      strlen(args) > 100)
    return brrr_run_fail(run, "payload is not ROOT.DEPTH.WIDTH.MS.PATH");
  memcpy(root, args, root_len);
  const long depth = strtol((const char *)args + root_len + 1, &rest, 10);
  const long width = strtol(rest + (*rest == '.'), &rest, 10);
  const long ms = strtol(rest + (*rest == '.'), &rest, 10);
  const char *path = rest + (*rest == '.');
  const struct timespec pause = {.tv_nsec = ms * 1000000};
  (void)nanosleep(&pause, NULL);
  if (depth == 0)
    return number(run, 1, value);
  brrr_arena *a = brrr_run_arena(run);
  brrr_ask *asks = brrr_arena_get(a, (size_t)width * sizeof *asks);
  for (long i = 0; asks && i < width; i++) {
    char *child = brrr_arena_get(a, 160);
    if (!child)
      return BRRR_E_NOMEM;
    (void)snprintf(child, 160, "%s.%ld.%ld.%ld.%s-%ld", root, depth - 1, width,
                   ms, path, i);
    asks[i] = (brrr_ask){.task = "tree", .args = child};
  }
  brrr_status s = asks ? sum_of(run, asks, width, &sum) : BRRR_E_NOMEM;
  return s == BRRR_OK ? number(run, sum, value) : s;
}

static const brrr_task tasks[] = {{.name = "leaf", .fn = leaf},
                                  {.name = "fan", .fn = fan},
                                  {.name = "chain", .fn = chain},
                                  {.name = "tree", .fn = tree, .blocks = true}};

static const brrr_app app = {tasks, sizeof tasks / sizeof *tasks, &codec};

/* ---- the process --------------------------------------------------------- */

typedef struct process {
  brrr_redis *redis;
  brrr_worker *worker;
  brrr_status status;
  uint64_t outcomes[BRRR_FAILED + 1], merged;
} process;

static void on_measure(void *ud, const brrr_measure *m) {
  process *p = ud;
  p->outcomes[m->outcome]++;
  p->merged += m->merged;
}

static void on_log(void *ud, brrr_level level, const char *words) {
  (void)ud;
  if (level >= BRRR_WARN)
    (void)fprintf(stderr, "graph_worker %ld: %s\n", (long)getpid(), words);
}

static void on_ended(void *ud, brrr_status status) {
  process *p = ud;
  p->status = status;
  brrr_worker_free(p->worker);
  brrr_redis_close(p->redis, NULL, NULL);
}

static int usage(void) {
  (void)fputs("usage: graph_worker [-d] [-a DEAD_AFTER_MS] [-c CONCURRENCY] "
              "REDIS_URL TOPIC...\n",
              stderr);
  return 2;
}

static uint32_t natural(const char *s) {
  return (uint32_t)strtoul(s, NULL, 10);
}

int main(int argc, char **argv) {
  process p = {0};
  brrr_bytes topics[MAX_TOPICS];
  const brrr_log log = {.fn = on_log};
  brrr_redis_options redis = {.log = log};
  brrr_worker_options worker = {.loop = uv_default_loop(),
                                .app = &app,
                                .topics = topics,
                                .measure = on_measure,
                                .ended = on_ended,
                                .log = log,
                                .ud = &p};
  for (int c; (c = getopt(argc, argv, "da:c:")) != -1;)
    if (c == 'd')
      redis.durable = true;
    else if (c == 'a')
      redis.dead_after_ms = natural(optarg);
    else if (c == 'c')
      worker.concurrency = natural(optarg);
    else
      return usage();
  if (argc - optind < 2 || argc - optind - 1 > MAX_TOPICS)
    return usage();
  redis.url = argv[optind++];
  while (optind < argc)
    topics[worker.topic_count++] = brrr_bytes_str(argv[optind++]);
  if (brrr_redis_new(&p.redis, (brrr_alloc){0}, worker.loop, &redis))
    return usage();
  const brrr_backend b = brrr_redis_backend(p.redis);
  worker.backends = (brrr_backends){b, b, b};
  if (brrr_worker_start(&p.worker, &worker) ||
      brrr_worker_stop_on_signals(p.worker))
    return 1;
  uv_run(worker.loop, UV_RUN_DEFAULT);
  (void)printf("{\"returned\": %" PRIu64 ", \"deferred\": %" PRIu64
               ", \"watched\": %" PRIu64 ", \"skipped\": %" PRIu64
               ", \"failed\": %" PRIu64 ", \"merged\": %" PRIu64 "}\n",
               p.outcomes[BRRR_RETURNED], p.outcomes[BRRR_DEFERRED],
               p.outcomes[BRRR_WATCHED], p.outcomes[BRRR_SKIPPED],
               p.outcomes[BRRR_FAILED], p.merged);
  return p.status == BRRR_OK ? 0 : 1;
}
