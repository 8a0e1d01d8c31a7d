/* SPDX-License-Identifier: AGPL-3.0-only */
#include "session.h"
#include "tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 1000

typedef struct serving {
  struct serving *next;
  session *session;
  brrr_worker *worker;
  uint32_t id;
  brrr_policy policy;
  trouble trouble; /* for which the worker has stopped, if it has */
  brrr_arena arena;
} serving;

typedef struct invocation {
  struct invocation *next;
  uint32_t number;
  brrr_invocation *invocation;
} invocation;

/* A Schedule or Read under way. */
typedef struct job {
  frames *frames;
  uint32_t id;
} job;

static void *get(size_t size) {
  void *p = calloc(1, size);
  if (!p) {
    (void)fputs("adapter: out of memory\n", stderr);
    exit(1);
  }
  return p;
}

static bool is_open(const session *s, uint32_t id) {
  if (s->redis && s->state == RUNNING)
    return true;
  reply_failure(s->frames, id, BRRR_E_MISUSE, BRRR_LIT("not open"));
  return false;
}

/* ---- client ------------------------------------------------------------- */

static brrr_status on_random(void *ud, uint8_t *out, size_t len) {
  (void)ud;
  return uv_random(NULL, NULL, out, len, 0, NULL) ? BRRR_E_IO : BRRR_OK;
}

static brrr_done job_new(const session *s, uint32_t id,
                         void (*fn)(void *, const brrr_reply *)) {
  job *j = get(sizeof *j);
  *j = (job){s->frames, id};
  return (brrr_done){fn, j};
}

static void on_scheduled(void *ud, const brrr_reply *r) {
  job *j = ud;
  if (r->status == BRRR_OK)
    reply_done(j->frames, j->id);
  else
    reply_failure(j->frames, j->id, r->status, r->value);
  free(j);
}

static void on_found(void *ud, const brrr_reply *r) {
  job *j = ud;
  Brrr__Adapter__Found found = BRRR__ADAPTER__FOUND__INIT;
  if (r->status == BRRR_OK) {
    found.found_case = BRRR__ADAPTER__FOUND__FOUND_VALUE;
    found.value = to_pb(r->value);
  }
  if (r->status < 0)
    reply_failure(j->frames, j->id, r->status, r->value);
  else
    reply_send(j->frames, j->id, REPLY(FOUND), &found.base);
  free(j);
}

static brrr_call call_of(const Brrr__Adapter__Ask *ask) {
  return (brrr_call){.call_hash = from_pb(ask->call_hash),
                     .task_name = from_pb(ask->task_name),
                     .payload = from_pb(ask->payload)};
}

void session_schedule(session *s, uint32_t id,
                      const Brrr__Adapter__Schedule *in) {
  static const Brrr__Adapter__Ask none; /* has no topic, so it is refused */
  const Brrr__Adapter__Ask *ask = in->ask ? in->ask : &none;
  const brrr_call call = call_of(ask);
  if (is_open(s, id))
    brrr_schedule(&s->client, from_pb(ask->topic), &call,
                  job_new(s, id, on_scheduled));
}

void session_read(session *s, uint32_t id, const Brrr__Adapter__Read *in) {
  if (is_open(s, id))
    brrr_read(&s->client, from_pb(in->call_hash), job_new(s, id, on_found));
}

/* What is asked for, in the arena; or the command has failed. */
static bool task_of(session *s, uint32_t id, brrr_arena *a,
                    ProtobufCBinaryData task_name, ProtobufCBinaryData args,
                    brrr_ask *out) {
  const brrr_json *list;
  trouble t = {0};
  if (!is_open(s, id))
    return false;
  if (brrr_json_parse(a, from_pb(args), &list, &t.error)) {
    reply_trouble(s->frames, id, REPLY(FAILURE), &t);
    return false;
  }
  *out = (brrr_ask){.task = tasks_text(a, from_pb(task_name)), .args = list};
  return true;
}

void session_schedule_task(session *s, uint32_t id,
                           const Brrr__Adapter__ScheduleTask *in) {
  brrr_arena a;
  brrr_ask ask;
  brrr_arena_init(&a, (brrr_alloc){0});
  if (task_of(s, id, &a, in->task_name, in->args, &ask)) {
    ask.topic = tasks_text(&a, from_pb(in->topic));
    brrr_app_schedule(&s->app, &s->client, &ask, job_new(s, id, on_scheduled));
  }
  brrr_arena_free(&a);
}

/* The codec is that of JSON, so the value is JSON as it is stored. */
void session_read_task(session *s, uint32_t id,
                       const Brrr__Adapter__ReadTask *in) {
  brrr_arena a;
  brrr_ask ask;
  brrr_arena_init(&a, (brrr_alloc){0});
  if (task_of(s, id, &a, in->task_name, in->args, &ask))
    brrr_app_read(&s->app, &s->client, &ask, job_new(s, id, on_found));
  brrr_arena_free(&a);
}

/* ---- worker ------------------------------------------------------------- */

static void on_handle(void *ud, brrr_invocation *i) {
  const serving *v = ud;
  session *s = v->session;
  const brrr_call *call = brrr_invocation_call(i);
  Brrr__Adapter__Invocation out = BRRR__ADAPTER__INVOCATION__INIT;
  invocation *mine = get(sizeof *mine);
  *mine = (invocation){s->invocations, ++s->last_invocation, i};
  s->invocations = mine;
  out.invocation = mine->number;
  out.topic = to_pb(brrr_invocation_topic(i));
  out.call_hash = to_pb(call->call_hash);
  out.task_name = to_pb(call->task_name);
  out.payload = to_pb(call->payload);
  reply_send(s->frames, v->id, REPLY(INVOCATION), &out.base);
}

static void defer(brrr_invocation *i, const Brrr__Adapter__Defer *in) {
  brrr_child *children = get((in->n_children + 1) * sizeof *children);
  for (size_t n = 0; n < in->n_children; n++)
    children[n] = (brrr_child){.topic = from_pb(in->children[n]->topic),
                               .call = call_of(in->children[n])};
  brrr_invocation_defer(i, children, in->n_children);
  free(children);
}

void session_answer(session *s, const Brrr__Adapter__Answer *in) {
  invocation **at = &s->invocations;
  while (*at && (*at)->number != in->invocation)
    at = &(*at)->next;
  invocation *found = *at;
  if (!found) /* Close came first */
    return;
  brrr_invocation *i = found->invocation;
  *at = found->next;
  free(found);
  if (in->answer_case == BRRR__ADAPTER__ANSWER__ANSWER_RESPONSE)
    brrr_invocation_respond(i, from_pb(in->response->value));
  else if (in->answer_case == BRRR__ADAPTER__ANSWER__ANSWER_DEFER)
    defer(i, in->defer);
  else if (in->answer_case == BRRR__ADAPTER__ANSWER__ANSWER_FAIL)
    brrr_invocation_fail(i, from_pb(in->fail));
  else
    brrr_invocation_fail(i, BRRR_LIT("no answer"));
}

/* With STOP, the first problem is the reply, once the worker has ended. */
static brrr_policy on_problem(void *ud, const brrr_problem *p) {
  serving *v = ud;
  const trouble t = {p->error, p->detail, p->message, p->has_message};
  if (v->session->state == CLOSING) /* by its handler, which is given up */
    return BRRR_STOP;
  if (v->policy != BRRR_STOP)
    reply_trouble(v->session->frames, v->id, REPLY(PROBLEM), &t);
  else if (v->trouble.error.status == BRRR_OK) {
    v->trouble = (trouble){.error = t.error, .has_message = t.has_message};
    (void)brrr_arena_copy(&v->arena, t.detail, &v->trouble.detail);
    (void)brrr_arena_copy(&v->arena, t.message, &v->trouble.message);
  }
  if (v->policy != BRRR_STOP && v->session->durable && t.has_message &&
      t.error.status == BRRR_E_IO)
    return BRRR_RETRY; /* [QUEUE-15] */
  return v->policy;
}

static void close_backends(session *s);

/* BRRR_CLOSED is the work of Close, too: the queue ends with the session. */
static void on_ended(void *ud, brrr_status status) {
  serving *v = ud;
  session *s = v->session;
  serving **at = &s->servings;
  while (*at != v)
    at = &(*at)->next;
  *at = v->next;
  if (v->trouble.error.status != BRRR_OK)
    reply_trouble(s->frames, v->id, REPLY(FAILURE), &v->trouble);
  else if (status < 0 && s->state != CLOSING)
    reply_failure(s->frames, v->id, status, (brrr_bytes){0});
  else
    reply_done(s->frames, v->id);
  brrr_worker_free(v->worker);
  brrr_arena_free(&v->arena);
  free(v);
  if (s->state == STOPPING && !s->servings)
    close_backends(s);
}

static brrr_policy policy_of(Brrr__Adapter__OnProblem on_problem) {
  if (on_problem == BRRR__ADAPTER__ON_PROBLEM__GO_ON)
    return BRRR_GO_ON;
  if (on_problem == BRRR__ADAPTER__ON_PROBLEM__DEAD_LETTER)
    return BRRR_DEAD_LETTER;
  return BRRR_STOP;
}

void session_serve(session *s, uint32_t id, const Brrr__Adapter__Serve *in,
                   bool tasks) {
  if (!is_open(s, id))
    return;
  serving *v = get(sizeof *v);
  *v = (serving){.session = s, .id = id, .policy = policy_of(in->on_problem)};
  const brrr_bytes topic = from_pb(in->topic);
  const brrr_worker_options options = {.loop = s->frames->loop,
                                       .backends = s->client.backends,
                                       .topics = &topic,
                                       .topic_count = 1,
                                       .concurrency = in->concurrency,
                                       .take_ahead = getenv("BRRR_C_AHEAD"),
                                       .app = tasks ? &s->app : NULL,
                                       .handle = tasks ? NULL : on_handle,
                                       .problem = on_problem,
                                       .ended = on_ended,
                                       .ud = v};
  brrr_status status = brrr_worker_start(&v->worker, &options);
  if (status == BRRR_OK) {
    brrr_arena_init(&v->arena, (brrr_alloc){0});
    v->next = s->servings;
    s->servings = v;
  } else {
    reply_failure(s->frames, id, status, (brrr_bytes){0});
    free(v);
  }
}

/* ---- open and close ----------------------------------------------------- */

void session_init(session *s, frames *f) {
  *s = (session){.frames = f, .codec = brrr_json_codec()};
  s->app = tasks_app(&s->codec);
  uv_timer_init(f->loop, &s->grace);
  s->grace.data = s;
}

/* NUL-terminated; the caller frees it. */
static char *text_of(ProtobufCBinaryData in) {
  char *text = get(in.len + 1);
  if (in.len)
    memcpy(text, in.data, in.len);
  return text;
}

static brrr_status open_redis(session *s, const Brrr__Adapter__Open *in) {
  char *url = text_of(in->redis_url);
  s->durable = in->durable;
  const brrr_redis_options options = {
      .url = url, .durable = in->durable, .dead_after_ms = in->dead_after_ms};
  brrr_status status =
      brrr_redis_new(&s->redis, (brrr_alloc){0}, s->frames->loop, &options);
  free(url);
  return status;
}

static brrr_status open_dynamodb(session *s,
                                 const Brrr__Adapter__DynamoDb *in) {
  char *endpoint = text_of(in->endpoint), *region = text_of(in->region);
  char *key = text_of(in->access_key_id), *table = text_of(in->table);
  char *secret = text_of(in->secret_access_key);
  const brrr_dynamodb_options options = {.aws = {.endpoint = endpoint,
                                                 .region = region,
                                                 .access_key_id = key,
                                                 .secret_access_key = secret},
                                         .table = table};
  brrr_status status = brrr_dynamodb_new(&s->dynamodb, (brrr_alloc){0},
                                         s->frames->loop, &options, NULL);
  free(endpoint);
  free(region);
  free(key);
  free(table);
  free(secret);
  return status;
}

void session_open(session *s, uint32_t id, const Brrr__Adapter__Open *in) {
  brrr_status status = s->redis ? BRRR_E_MISUSE : open_redis(s, in);
  if (status != BRRR_OK) {
    reply_failure(s->frames, id, status,
                  BRRR_LIT("open already, or no such URL"));
    return;
  }
  const brrr_backend b = brrr_redis_backend(s->redis);
  s->client = (brrr_client){.backends = {b, b, b}, .random = on_random};
  if (in->dynamodb) {
    status = open_dynamodb(s, in->dynamodb);
    if (status == BRRR_OK)
      s->client.backends.store = brrr_dynamodb_backend(s->dynamodb);
  }
  if (status == BRRR_OK)
    reply_done(s->frames, id);
  else
    reply_failure(s->frames, id, status, BRRR_LIT("no such table"));
}

static void on_store_closed(void *ud) {
  session *s = ud;
  s->dynamodb = NULL;
  s->redis = NULL;
  s->state = RUNNING;
  if (!s->at_end)
    reply_done(s->frames, s->close_id);
}

static void on_redis_closed(void *ud) {
  session *s = ud;
  if (s->dynamodb)
    brrr_dynamodb_close(s->dynamodb, on_store_closed, s);
  else
    on_store_closed(s);
}

static void close_backends(session *s) {
  s->state = CLOSING;
  uv_timer_stop(&s->grace);
  brrr_redis_close(s->redis, on_redis_closed, s);
}

/* Handlers that have not been answered will not be. */
static void on_grace_over(uv_timer_t *timer) {
  session *s = timer->data;
  s->state = CLOSING;
  while (s->invocations)
    session_answer(s, &(Brrr__Adapter__Answer){
                          .invocation = s->invocations->number,
                          .answer_case = BRRR__ADAPTER__ANSWER__ANSWER_FAIL,
                          .fail = to_pb(BRRR_LIT("closed before the answer"))});
  close_backends(s);
}

void session_close(session *s, uint32_t id) {
  if (!s->redis) {
    reply_done(s->frames, id);
    return;
  }
  if (!is_open(s, id))
    return;
  s->close_id = id;
  s->state = STOPPING;
  for (serving *v = s->servings; v; v = v->next)
    brrr_worker_stop(v->worker);
  if (s->servings)
    uv_timer_start(&s->grace, on_grace_over, s->at_end ? 0 : GRACE_MS, 0);
  else
    close_backends(s);
}

void session_end(session *s) {
  s->at_end = true;
  if (s->redis && s->state == RUNNING)
    session_close(s, 0);
}
