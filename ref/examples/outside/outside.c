/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * outside.c - a program over an installed libbrrr: schedules a call of a task,
 * works it off in the same process, and prints the value.
 *
 *   ./outside [URL]     memory: unless a URL is given
 */
#include <brrr/connect.h>
#include <brrr/json.h>
#include <brrr/worker.h>

#include <stdio.h>
#include <uv.h>

typedef struct program {
  brrr_app app;
  brrr_call call;
  brrr_client client;
  brrr_connection *connection;
  brrr_worker *worker;
  int status;
} program;

/* count [n]: n, after it has called itself n times. */
static brrr_status count(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  int64_t n = 0;
  (void)ud;
  if (!brrr_json_int(brrr_json_at(args, 0), &n))
    return brrr_run_fail(run, "count wants an integer");
  *value = brrr_json_integer(a, 0);
  if (n <= 0)
    return BRRR_OK;
  const brrr_ask less = {
      .task = "count", .args = brrr_json_list(a, brrr_json_integer(a, n - 1))};
  brrr_status s = brrr_run_call(run, &less, value);
  if (s != BRRR_OK)
    return s;
  if (!brrr_json_int(*value, &n))
    return brrr_run_fail(run, "count gave no integer");
  *value = brrr_json_integer(a, n + 1);
  return BRRR_OK;
}

static void on_read(void *ud, const brrr_reply *reply) {
  program *p = ud;
  if (reply->status == BRRR_ABSENT)
    return; /* not yet */
  if (reply->status == BRRR_OK)
    p->status = printf("%.*s\n", (int)reply->value.len,
                       (const char *)reply->value.ptr) < 0;
  brrr_worker_stop(p->worker);
}

/* After each message: is the value there? */
static void on_measure(void *ud, const brrr_measure *measure) {
  program *p = ud;
  (void)measure;
  brrr_read(&p->client, p->call.call_hash, (brrr_done){on_read, p});
}

static void on_ended(void *ud, brrr_status status) {
  program *p = ud;
  (void)status;
  brrr_worker_free(p->worker);
  brrr_connection_close(p->connection, NULL, NULL);
}

static void on_scheduled(void *ud, const brrr_reply *reply) {
  program *p = ud;
  if (reply->status == BRRR_OK)
    return;
  (void)fprintf(stderr, "schedule: %s\n", brrr_status_text(reply->status));
  brrr_worker_stop(p->worker);
}

int main(int argc, char **argv) {
  static const brrr_task tasks[] = {{.name = "count", .fn = count}};
  const brrr_bytes topic = BRRR_LIT("outside");
  const brrr_codec codec = brrr_json_codec();
  program p = {.app = {tasks, 1, &codec}, .status = 1};
  brrr_arena a;
  brrr_error error;
  const char *why = "out of memory";
  const brrr_connect_options options = {.loop = uv_default_loop(),
                                        .url = argc > 1 ? argv[1] : "memory:"};
  if (brrr_connect(&p.connection, &options, &why) != BRRR_OK) {
    (void)fprintf(stderr, "%s\n", why);
    return 2;
  }
  p.client = brrr_connection_client(p.connection);
  const brrr_worker_options worker = {.loop = options.loop,
                                      .backends = p.client.backends,
                                      .topics = &topic,
                                      .topic_count = 1,
                                      .app = &p.app,
                                      .measure = on_measure,
                                      .ended = on_ended,
                                      .ud = &p};
  if (brrr_worker_start(&p.worker, &worker) != BRRR_OK)
    return 1;
  brrr_arena_init(&a, (brrr_alloc){0});
  if (codec.encode_call(codec.self, &a, BRRR_LIT("count"),
                        brrr_json_list(&a, brrr_json_integer(&a, 10)), &p.call,
                        &error) != BRRR_OK)
    return 1;
  brrr_schedule(&p.client, topic, &p.call, (brrr_done){on_scheduled, &p});
  uv_run(options.loop, UV_RUN_DEFAULT);
  brrr_arena_free(&a);
  uv_loop_close(options.loop);
  return p.status;
}
