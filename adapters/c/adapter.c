/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * adapter.c - libbrrr behind proto/adapter.proto. Encode and Decode are in
 * records.c, what is said to the runner in replies.c, framing in frames.c.
 */
#include "frames.h"
#include "records.h"
#include "replies.h"

#include <brrr/redis.h>
#include <brrr/worker.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 1000 /* what Close leaves to handlers and commands */

typedef struct adapter {
  uv_loop_t *loop;
  uv_timer_t grace;
  frames frames;
  brrr_client client;
  brrr_redis *redis; /* NULL unless open */
  struct serve *serves;
  struct invocation *invocations; /* that wait for an answer */
  uint32_t last_invocation;
  enum { RUNNING, STOPPING, CLOSING } state;
  uint32_t close_id; /* of the Close under way */
  bool at_end;       /* of the input: it is closed without a Close */
} adapter;

typedef struct serve {
  struct serve *next;
  adapter *adapter;
  brrr_worker *worker;
  uint32_t id;
  bool go_on;
  trouble trouble; /* for which the worker has stopped, if it has */
  brrr_arena arena;
} serve;

typedef struct invocation {
  struct invocation *next;
  uint32_t number;
  brrr_invocation *invocation;
} invocation;

/* A Schedule or Read under way. */
typedef struct job {
  adapter *adapter;
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

static void fail(adapter *a, uint32_t id, brrr_status status) {
  const trouble t = trouble_of(status);
  reply_failure(&a->frames, id, &t);
}

/* ---- client ---------------------------------------------------------------
 */

static brrr_status on_random(void *ud, uint8_t *out, size_t len) {
  (void)ud;
  return uv_random(NULL, NULL, out, len, 0, NULL) ? BRRR_E_IO : BRRR_OK;
}

static brrr_done job_new(adapter *a, uint32_t id,
                         void (*fn)(void *, const brrr_reply *)) {
  job *j = get(sizeof *j);
  *j = (job){a, id};
  return (brrr_done){fn, j};
}

static void job_failed(const job *j, const brrr_reply *r) {
  trouble t = trouble_of(r->status);
  t.detail = r->value;
  reply_failure(&j->adapter->frames, j->id, &t);
}

static void on_scheduled(void *ud, const brrr_reply *r) {
  job *j = ud;
  if (r->status == BRRR_OK)
    reply_done(&j->adapter->frames, j->id);
  else
    job_failed(j, r);
  free(j);
}

static void on_found(void *ud, const brrr_reply *r) {
  job *j = ud;
  Brrr__Adapter__Found found = BRRR__ADAPTER__FOUND__INIT;
  reply answer = BRRR__ADAPTER__REPLY__INIT;
  if (r->status < 0) {
    job_failed(j, r);
  } else {
    if (r->status == BRRR_OK) {
      found.found_case = BRRR__ADAPTER__FOUND__FOUND_VALUE;
      found.value = to_pb(r->value);
    }
    answer.reply_case = BRRR__ADAPTER__REPLY__REPLY_FOUND;
    answer.found = &found;
    reply_send(&j->adapter->frames, j->id, &answer);
  }
  free(j);
}

static brrr_call call_of(const Brrr__Adapter__Ask *ask) {
  return (brrr_call){.call_hash = from_pb(ask->call_hash),
                     .task_name = from_pb(ask->task_name),
                     .payload = from_pb(ask->payload)};
}

static void on_schedule(adapter *a, uint32_t id,
                        const Brrr__Adapter__Schedule *in) {
  if (!in->ask) {
    fail(a, id, BRRR_E_MISUSE);
    return;
  }
  const brrr_call call = call_of(in->ask);
  brrr_schedule(&a->client, from_pb(in->ask->topic), &call,
                job_new(a, id, on_scheduled));
}

/* ---- worker ---------------------------------------------------------------
 */

static void on_handle(void *ud, brrr_invocation *i) {
  serve *s = ud;
  adapter *a = s->adapter;
  const brrr_call *call = brrr_invocation_call(i);
  Brrr__Adapter__Invocation out = BRRR__ADAPTER__INVOCATION__INIT;
  reply r = BRRR__ADAPTER__REPLY__INIT;
  invocation *mine = get(sizeof *mine);
  *mine = (invocation){a->invocations, ++a->last_invocation, i};
  a->invocations = mine;
  out.invocation = mine->number;
  out.topic = to_pb(brrr_invocation_topic(i));
  out.call_hash = to_pb(call->call_hash);
  out.task_name = to_pb(call->task_name);
  out.payload = to_pb(call->payload);
  r.reply_case = BRRR__ADAPTER__REPLY__REPLY_INVOCATION;
  r.invocation = &out;
  reply_send(&a->frames, s->id, &r);
}

static void defer(brrr_invocation *i, const Brrr__Adapter__Defer *in) {
  brrr_child *children = get((in->n_children + 1) * sizeof *children);
  for (size_t n = 0; n < in->n_children; n++)
    children[n] = (brrr_child){.topic = from_pb(in->children[n]->topic),
                               .call = call_of(in->children[n])};
  brrr_invocation_defer(i, children, in->n_children);
  free(children);
}

static void on_answer(adapter *a, const Brrr__Adapter__Answer *in) {
  invocation **at = &a->invocations;
  while (*at && (*at)->number != in->invocation)
    at = &(*at)->next;
  invocation *found = *at;
  if (!found) /* Close may have come first */
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
    brrr_invocation_fail(i, BRRR_LIT("an answer without an answer"));
}

/* With STOP the reply waits for the end of the worker. */
static brrr_policy on_problem(void *ud, const brrr_problem *p) {
  serve *s = ud;
  const trouble t = {.error = p->error,
                     .detail = p->detail,
                     .message = p->message,
                     .has_message = p->has_message};
  if (s->go_on && s->adapter->state != CLOSING)
    reply_problem(&s->adapter->frames, s->id, &t);
  if (!s->go_on && s->trouble.error.status == BRRR_OK) {
    s->trouble = (trouble){.error = t.error, .has_message = t.has_message};
    (void)brrr_arena_copy(&s->arena, t.detail, &s->trouble.detail);
    (void)brrr_arena_copy(&s->arena, t.message, &s->trouble.message);
  }
  return s->go_on ? BRRR_GO_ON : BRRR_STOP;
}

static void close_redis(adapter *a);

static void on_ended(void *ud, brrr_status status) {
  serve *s = ud;
  adapter *a = s->adapter;
  serve **at = &a->serves;
  while (*at != s)
    at = &(*at)->next;
  *at = s->next;
  if (s->trouble.error.status != BRRR_OK)
    reply_failure(&a->frames, s->id, &s->trouble);
  else if (status == BRRR_OK || status == BRRR_CLOSED) /* by Close */
    reply_done(&a->frames, s->id);
  else
    fail(a, s->id, status);
  brrr_worker_free(s->worker);
  brrr_arena_free(&s->arena);
  free(s);
  if (a->state == STOPPING && !a->serves)
    close_redis(a);
}

static void on_serve(adapter *a, uint32_t id, const Brrr__Adapter__Serve *in) {
  serve *s = get(sizeof *s);
  *s = (serve){.adapter = a,
               .id = id,
               .go_on = in->on_problem == BRRR__ADAPTER__ON_PROBLEM__GO_ON};
  brrr_arena_init(&s->arena, (brrr_alloc){0});
  const brrr_worker_options options = {.loop = a->loop,
                                       .backends = a->client.backends,
                                       .topic = from_pb(in->topic),
                                       .concurrency = in->concurrency,
                                       .handle = on_handle,
                                       .problem = on_problem,
                                       .ended = on_ended,
                                       .wake = brrr_redis_wake,
                                       .ud = s};
  brrr_status status = brrr_worker_start(&s->worker, &options);
  if (status != BRRR_OK) {
    fail(a, id, status);
    free(s);
    return;
  }
  s->next = a->serves;
  a->serves = s;
}

/* ---- open and close -------------------------------------------------------
 */

static void on_open(adapter *a, uint32_t id, const Brrr__Adapter__Open *in) {
  if (in->dynamodb) {
    reply_not_implemented(&a->frames, id,
                          BRRR_LIT("the store is on Redis only"));
    return;
  }
  const brrr_bytes text = from_pb(in->redis_url);
  char *url = get(text.len + 1);
  brrr_status s = BRRR_E_MISUSE;
  if (text.len)
    memcpy(url, text.ptr, text.len);
  if (!a->redis)
    s = brrr_redis_new(&a->redis, (brrr_alloc){0}, a->loop, url);
  free(url);
  if (s != BRRR_OK) {
    fail(a, id, s);
    return;
  }
  const brrr_backend b = brrr_redis_backend(a->redis);
  a->client = (brrr_client){.backends = {b, b, b}, .random = on_random};
  reply_done(&a->frames, id);
}

static void on_closed(void *ud) {
  adapter *a = ud;
  a->redis = NULL;
  a->state = RUNNING;
  if (!a->at_end)
    reply_done(&a->frames, a->close_id);
}

static void close_redis(adapter *a) {
  a->state = CLOSING;
  uv_timer_stop(&a->grace);
  brrr_redis_close(a->redis, on_closed, a);
}

/* Handlers that were not answered will not be. */
static void on_grace_over(uv_timer_t *timer) {
  adapter *a = timer->data;
  a->state = CLOSING;
  while (a->invocations)
    on_answer(a, &(Brrr__Adapter__Answer){
                     .invocation = a->invocations->number,
                     .answer_case = BRRR__ADAPTER__ANSWER__ANSWER_FAIL,
                     .fail = to_pb(BRRR_LIT("closed before the answer"))});
  close_redis(a);
}

static void on_close(adapter *a, uint32_t id) {
  if (!a->redis) {
    reply_done(&a->frames, id);
    return;
  }
  if (a->state != RUNNING) {
    fail(a, id, BRRR_E_MISUSE);
    return;
  }
  a->close_id = id;
  a->state = STOPPING;
  for (serve *s = a->serves; s; s = s->next)
    brrr_worker_stop(s->worker);
  if (a->serves)
    uv_timer_start(&a->grace, on_grace_over, a->at_end ? 0 : GRACE_MS, 0);
  else
    close_redis(a);
}

/* ---- commands -------------------------------------------------------------
 */

static void on_hello(adapter *a, uint32_t id) {
  Brrr__Adapter__Welcome welcome = BRRR__ADAPTER__WELCOME__INIT;
  reply r = BRRR__ADAPTER__REPLY__INIT;
  welcome.protocol = 1;
  welcome.sdk = to_pb(BRRR_LIT("libbrrr"));
  welcome.version = to_pb(BRRR_LIT(ADAPTER_VERSION));
  welcome.language = to_pb(BRRR_LIT("C"));
  r.reply_case = BRRR__ADAPTER__REPLY__REPLY_WELCOME;
  r.welcome = &welcome;
  reply_send(&a->frames, id, &r);
}

static void on_encode(adapter *a, uint32_t id,
                      const Brrr__Adapter__Encode *in) {
  Brrr__Adapter__Encoded encoded = BRRR__ADAPTER__ENCODED__INIT;
  reply r = BRRR__ADAPTER__REPLY__INIT;
  trouble t = {0};
  brrr_bytes out;
  brrr_arena arena;
  brrr_arena_init(&arena, (brrr_alloc){0});
  brrr_status s = record_encode(&out, &arena, in, &t.error);
  if (s == BRRR_OK) {
    encoded.octets = to_pb(out);
    r.reply_case = BRRR__ADAPTER__REPLY__REPLY_ENCODED;
    r.encoded = &encoded;
    reply_send(&a->frames, id, &r);
  } else if (s == BRRR_E_MISUSE) {
    reply_unknown(&a->frames, id);
  } else {
    reply_failure(&a->frames, id, &t);
  }
  brrr_arena_free(&arena);
}

static void on_decode(adapter *a, uint32_t id,
                      const Brrr__Adapter__Decode *in) {
  reply r = BRRR__ADAPTER__REPLY__INIT;
  trouble t = {0};
  decoded out;
  brrr_arena arena;
  brrr_arena_init(&arena, (brrr_alloc){0});
  brrr_status s = record_decode(&out, &arena, in, &t.error);
  if (s == BRRR_OK) {
    r.reply_case = BRRR__ADAPTER__REPLY__REPLY_DECODED;
    r.decoded = &out.message;
    reply_send(&a->frames, id, &r);
  } else if (s == BRRR_E_MISUSE) {
    reply_unknown(&a->frames, id);
  } else {
    reply_failure(&a->frames, id, &t);
  }
  brrr_arena_free(&arena);
}

/* The commands that need a connection, Open among them: that needs none. */
static void on_connected_command(adapter *a, const Brrr__Adapter__Command *c) {
  if (a->state != RUNNING || !a->redis) {
    fail(a, c->id, BRRR_E_MISUSE);
    return;
  }
  if (c->command_case == BRRR__ADAPTER__COMMAND__COMMAND_SCHEDULE)
    on_schedule(a, c->id, c->schedule);
  else if (c->command_case == BRRR__ADAPTER__COMMAND__COMMAND_READ)
    brrr_read(&a->client, from_pb(c->read->call_hash),
              job_new(a, c->id, on_found));
  else
    on_serve(a, c->id, c->serve);
}

static void on_command(adapter *a, const Brrr__Adapter__Command *c) {
  switch (c->command_case) {
  case BRRR__ADAPTER__COMMAND__COMMAND_HELLO:
    on_hello(a, c->id);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_ENCODE:
    on_encode(a, c->id, c->encode);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_DECODE:
    on_decode(a, c->id, c->decode);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_OPEN:
    on_open(a, c->id, c->open);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_CLOSE:
    on_close(a, c->id);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_ANSWER:
    on_answer(a, c->answer);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_SCHEDULE:
  case BRRR__ADAPTER__COMMAND__COMMAND_READ:
  case BRRR__ADAPTER__COMMAND__COMMAND_SERVE:
    on_connected_command(a, c);
    break;
  default:
    reply_unknown(&a->frames, c->id);
  }
}

/* ---- the process ----------------------------------------------------------
 */

static void give_up(const char *why) {
  (void)fprintf(stderr, "adapter: %s\n", why);
  exit(2);
}

static void on_frame(void *ud, const uint8_t *ptr, size_t len) {
  Brrr__Adapter__Command *c = brrr__adapter__command__unpack(NULL, len, ptr);
  if (!c)
    give_up("a frame that is no Command");
  on_command(ud, c);
  brrr__adapter__command__free_unpacked(c, NULL);
}

static void on_end(void *ud, const char *error) {
  adapter *a = ud;
  if (error)
    give_up(error);
  a->at_end = true;
  if (a->redis && a->state == RUNNING)
    on_close(a, 0);
}

int main(void) {
  adapter a = {.loop = uv_default_loop()};
  (void)signal(SIGPIPE, SIG_IGN);
  uv_timer_init(a.loop, &a.grace);
  a.grace.data = &a;
  a.frames = (frames){
      .loop = a.loop, .on_frame = on_frame, .on_end = on_end, .ud = &a};
  frames_start(&a.frames);
  uv_run(a.loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&a.grace, NULL);
  uv_run(a.loop, UV_RUN_DEFAULT);
  uv_loop_close(a.loop);
  frames_free(&a.frames);
  return 0;
}
