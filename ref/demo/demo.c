/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * demo.c - L7: an HTTP server and a worker in one process, on one loop.
 *
 *   POST /hello?greetee=John           202: scheduled
 *   GET  /hello?greetee=John           200 and the value, or 404
 *   POST, GET /calc_and_print?op=fib&n=11
 *   GET  /metrics                      for Prometheus
 *
 * PORT and REDIS_URL of the environment say where: else 8080, in memory.
 */
#include "http.h"
#include "metrics.h"
#include "tasks.h"

#include <brrr/connect.h>
#include <brrr/json.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "demo"
#define JSON "application/json"

typedef struct demo {
  uv_loop_t *loop;
  brrr_connection *connection;
  brrr_client client;
  brrr_codec codec;
  brrr_app app;
  brrr_worker *worker;
  http *http;
  metrics metrics;
  uv_signal_t signals[2];
} demo;

static void say(const char *text) { (void)fprintf(stderr, "demo: %s\n", text); }

/* ---- answers ------------------------------------------------------------- */

static void answer_json(request *r, response what, const char *key,
                        const char *text) {
  json_t *object = json_pack("{s:s}", key, text);
  char *body = object ? json_dumps(object, 0) : NULL;
  what.type = JSON;
  what.body = brrr_bytes_str(body ? body : "{}"); /* without memory */
  request_answer(r, &what);
  free(body);
  json_decref(object);
}

static void answer_error(request *r, unsigned code, const char *why) {
  answer_json(r, (response){.code = code}, "error", why);
}

static void answer_wrong_method(request *r, const char *allow) {
  answer_json(r, (response){.code = 405, .allow = allow}, "error",
              "method not allowed");
}

static void answer_unknown(request *r, brrr_bytes name) {
  char why[128];
  (void)snprintf(why, sizeof why, "no such task: %.*s",
                 name.len < 64 ? (int)name.len : 64, (const char *)name.ptr);
  json_t *text = json_string(why); /* NULL if it is no UTF-8 */
  answer_error(r, 404, text ? why : "no such task");
  json_decref(text);
}

static void answer_failure(request *r, const brrr_reply *reply) {
  say(brrr_status_text(reply->status));
  answer_error(r, 503, brrr_status_text(reply->status));
}

static void on_scheduled(void *ud, const brrr_reply *reply) {
  if (reply->status == BRRR_OK)
    answer_json(ud, (response){.code = 202}, "status", "accepted");
  else
    answer_failure(ud, reply);
}

static void on_read(void *ud, const brrr_reply *reply) {
  if (reply->status == BRRR_OK)
    request_answer(
        ud, &(response){.code = 200, .type = JSON, .body = reply->value});
  else if (reply->status == BRRR_ABSENT)
    answer_error(ud, 404, "no result yet");
  else
    answer_failure(ud, reply);
}

/* ---- requests ------------------------------------------------------------ */

/* Decimal digits, up to `max`; -1 otherwise. */
static int64_t parse_number(brrr_bytes in, int64_t max) {
  int64_t n = 0;
  if (!in.len)
    return -1;
  for (size_t i = 0; i < in.len; i++) {
    if (in.ptr[i] < '0' || in.ptr[i] > '9')
      return -1;
    n = n * 10 + (in.ptr[i] - '0');
    if (n > max)
      return -1;
  }
  return n;
}

/* What a request asks for; `args` lives in the arena. */
typedef struct wanted {
  brrr_bytes task;
  const brrr_json *args;
} wanted;

/* These are false if they have answered that it is not well asked for. */
static bool want_hello(request *r, brrr_arena *a, wanted *out) {
  brrr_bytes greetee;
  if (!request_parameter(r, "greetee", &greetee)) {
    answer_error(r, 400, "greetee is missing");
    return false;
  }
  *out = (wanted){BRRR_LIT("hello"),
                  brrr_json_list(a, brrr_json_string(a, greetee))};
  return true;
}

static bool want_number(request *r, brrr_arena *a, wanted *out) {
  brrr_bytes op, n;
  int64_t max = -1;
  if (!request_parameter(r, "op", &op)) {
    answer_error(r, 400, "op is missing");
    return false;
  }
  for (size_t i = 0; i < DEMO_TASKS; i++)
    if (brrr_bytes_equal(op, brrr_bytes_str(demo_tasks[i].name)))
      max = demo_task_max(demo_tasks[i].name);
  if (max < 0) {
    answer_unknown(r, op);
    return false;
  }
  int64_t number = request_parameter(r, "n", &n) ? parse_number(n, max) : -1;
  if (number < 0) {
    char why[64];
    (void)snprintf(why, sizeof why, "n must be an integer from 0 to %d",
                   (int)max);
    answer_error(r, 400, why);
    return false;
  }
  *out = (wanted){op, brrr_json_list(a, brrr_json_integer(a, number))};
  return true;
}

static bool want(request *r, brrr_arena *a, wanted *out) {
  const char *path = request_path(r);
  if (strcmp(path, "/hello") == 0)
    return want_hello(r, a, out);
  if (strcmp(path, "/calc_and_print") == 0)
    return want_number(r, a, out);
  answer_unknown(r, brrr_bytes_str(*path ? path + 1 : path));
  return false;
}

static void schedule_or_read(demo *d, request *r, brrr_arena *a) {
  wanted w;
  brrr_call call;
  brrr_error e;
  if (!want(r, a, &w))
    return;
  if (d->codec.encode_call(d->codec.self, a, w.task, w.args, &call, &e) !=
      BRRR_OK)
    answer_error(r, 400, e.reason);
  else if (request_is(r, "POST"))
    brrr_schedule(&d->client, BRRR_LIT(TOPIC), &call,
                  (brrr_done){on_scheduled, r});
  else
    brrr_read(&d->client, call.call_hash, (brrr_done){on_read, r});
}

static void answer_metrics(const demo *d, request *r, brrr_arena *a) {
  brrr_buf b;
  brrr_bytes text;
  brrr_buf_init(&b, a);
  metrics_write(&d->metrics, &b);
  if (brrr_buf_finish(&b, &text, NULL) == BRRR_OK)
    request_answer(r, &(response){.code = 200,
                                  .type = "text/plain; version=0.0.4",
                                  .body = text});
  else
    answer_error(r, 503, "out of memory");
}

static void on_request(void *ud, request *r) {
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  bool scraped = strcmp(request_path(r), "/metrics") == 0;
  bool get = request_is(r, "GET");
  if (scraped && get)
    answer_metrics(ud, r, &a);
  else if (get || (request_is(r, "POST") && !scraped))
    schedule_or_read(ud, r, &a);
  else
    answer_wrong_method(r, scraped ? "GET" : "GET, POST");
  brrr_arena_free(&a);
}

/* ---- the worker ---------------------------------------------------------- */

static void on_log(void *ud, brrr_level level, const char *text) {
  (void)ud;
  if (level >= BRRR_WARN)
    say(text);
}

static void on_measure(void *ud, const brrr_measure *measure) {
  metrics_add(&((demo *)ud)->metrics, measure);
}

static void on_ended(void *ud, brrr_status status) {
  demo *d = ud;
  if (status != BRRR_OK)
    say(brrr_status_text(status));
  brrr_worker_free(d->worker);
  brrr_connection_close(d->connection, NULL, NULL);
}

static brrr_status worker_start(demo *d) {
  static const brrr_bytes topic = BRRR_INIT(TOPIC);
  const brrr_worker_options options = {.loop = d->loop,
                                       .backends = d->client.backends,
                                       .topics = &topic,
                                       .topic_count = 1,
                                       .concurrency = 16,
                                       .app = &d->app,
                                       .measure = on_measure,
                                       .ended = on_ended,
                                       .ud = d,
                                       .log = {on_log, NULL}};
  return brrr_worker_start(&d->worker, &options);
}

/* ---- the end, in this order: HTTP, worker, connection -------------------- */

static void on_http_stopped(void *ud) {
  brrr_worker_stop(((demo *)ud)->worker);
}

/* The second signal has its usual effect. */
static void on_signal(uv_signal_t *handle, int number) {
  demo *d = handle->data;
  (void)number;
  for (size_t i = 0; i < 2; i++)
    uv_close((uv_handle_t *)&d->signals[i], NULL);
  http_stop(d->http);
}

static void signals_start(demo *d) {
  static const int numbers[2] = {SIGTERM, SIGINT};
  for (size_t i = 0; i < 2; i++) {
    (void)uv_signal_init(d->loop, &d->signals[i]);
    d->signals[i].data = d;
    (void)uv_signal_start(&d->signals[i], on_signal, numbers[i]);
  }
}

static bool port_of(const char *text, uint16_t *out) {
  int64_t port = parse_number(brrr_bytes_str(text), UINT16_MAX);
  if (port < 0)
    return false;
  *out = (uint16_t)port;
  return true;
}

static const char *environment(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value && *value ? value : otherwise;
}

static bool demo_start(demo *d, uint16_t port) {
  const char *why = "out of memory";
  const brrr_connect_options options = {.loop = d->loop,
                                        .url =
                                            environment("REDIS_URL", "memory:"),
                                        .log = {on_log, NULL}};
  d->http = http_start(&(http_options){.loop = d->loop,
                                       .port = port,
                                       .handle = on_request,
                                       .stopped = on_http_stopped,
                                       .ud = d});
  if (!d->http) {
    say("the port cannot be had");
    return false;
  }
  if (brrr_connect(&d->connection, &options, &why) != BRRR_OK) {
    say(why);
    return false;
  }
  d->client = brrr_connection_client(d->connection);
  d->codec = brrr_json_codec();
  d->app = (brrr_app){demo_tasks, DEMO_TASKS, &d->codec};
  return worker_start(d) == BRRR_OK;
}

int main(void) {
  static demo d;
  uint16_t port = 0;
  d.loop = uv_default_loop();
  (void)signal(SIGPIPE, SIG_IGN);
  if (!port_of(environment("PORT", "8080"), &port)) {
    say("PORT is no port");
    return 2;
  }
  if (!demo_start(&d, port))
    return 1;
  signals_start(&d);
  (void)printf("http://127.0.0.1:%d\n", (int)http_port(d.http));
  (void)fflush(stdout);
  (void)uv_run(d.loop, UV_RUN_DEFAULT);
  return uv_loop_close(d.loop) == 0 ? 0 : 1;
}
