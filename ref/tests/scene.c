/* SPDX-License-Identifier: AGPL-3.0-only */
#include "scene.h"

void scene_init(scene *s, struct stage *shared) {
  s->stage = shared ? shared : &s->own;
  if (!shared)
    stage_init(&s->own);
}

void scene_free(scene *s) {
  assert_null(s->worker);
  for (unsigned i = 0; i < s->problem_count; i++) {
    exact_free(s->problems[i].message);
    exact_free(s->problems[i].detail);
  }
  if (s->stage == &s->own)
    stage_free(&s->own);
}

/* ---- handler ------------------------------------------------------------- */

static brrr_effect get_value(brrr_bytes hash) {
  return (brrr_effect){.type = BRRR_STORE_GET, .key = {BRRR_KIND_VALUE, hash}};
}

/* A handler that waits for what it reads. */
typedef struct joining {
  brrr_invocation *invocation;
  brrr_bytes names;
  struct joined *joined; /* one for each name */
  size_t came;
} joining;

typedef struct joined {
  joining *joining;
  answer answer;
} joined;

static void join_end(joining *j) {
  brrr_child missing[SCENE_MAX];
  uint8_t value[SCENE_MAX];
  size_t count = 0, len = 0;
  for (size_t n = 0; n < j->names.len; n++) {
    const brrr_bytes hash = {j->names.ptr + n, 1};
    answer *a = &j->joined[n].answer;
    if (a->status == BRRR_OK)
      value[len++] = a->value.ptr[0];
    else
      missing[count++] = (brrr_child){.call = {.call_hash = hash,
                                               .task_name = BRRR_LIT("echo"),
                                               .payload = hash}};
    answer_drop(a);
  }
  if (count)
    brrr_invocation_defer(j->invocation, missing, count);
  else
    brrr_invocation_respond(j->invocation, (brrr_bytes){value, len});
  free(j->joined);
  free(j);
}

static void on_joined(void *ud, const brrr_reply *reply) {
  joined *one = ud;
  joining *j = one->joining;
  const brrr_done keep = answer_into(&one->answer);
  keep.fn(keep.ud, reply);
  if (++j->came == j->names.len)
    join_end(j);
}

static void join(scene *s, brrr_invocation *i) {
  joining *j = malloc(sizeof *j);
  assert_non_null(j);
  *j = (joining){.invocation = i, .names = brrr_invocation_call(i)->payload};
  j->joined = calloc(j->names.len, sizeof *j->joined);
  assert_non_null(j->joined);
  assert_true(j->names.len <= SCENE_MAX);
  for (size_t n = 0, len = j->names.len; n < len; n++) {
    const brrr_effect get = get_value((brrr_bytes){j->names.ptr + n, 1});
    j->joined[n].joining = j;
    s->subject.backend.submit(s->subject.backend.self, &get,
                              (brrr_done){on_joined, &j->joined[n]});
  }
}

static void on_handle(void *ud, brrr_invocation *i) {
  scene *s = ud;
  const brrr_call *call = brrr_invocation_call(i);
  const brrr_bytes task = call->task_name;
  s->invocations++;
  assert_bytes_str(brrr_invocation_topic(i), s->topic ? s->topic : "t");
  if (brrr_bytes_equal(task, BRRR_LIT("echo"))) {
    brrr_invocation_respond(i, call->payload);
  } else if (brrr_bytes_equal(task, BRRR_LIT("join"))) {
    join(s, i);
  } else if (brrr_bytes_equal(task, BRRR_LIT("fail"))) {
    brrr_invocation_fail(i, call->payload);
  } else if (brrr_bytes_equal(task, BRRR_LIT("flaky"))) {
    if (s->flaky_fails && s->flaky_fails--)
      brrr_invocation_fail(i, call->payload);
    else
      brrr_invocation_respond(i, call->payload);
  } else if (brrr_bytes_equal(task, BRRR_LIT("later"))) {
    assert_true(s->held_count < SCENE_MAX);
    s->held[s->held_count++] = i;
  } else {
    const brrr_child child = {.topic = call->payload,
                              .call = {.call_hash = BRRR_LIT("child")}};
    assert_bytes_str(task, "astray");
    brrr_invocation_defer(i, &child, 1);
  }
}

static brrr_policy on_problem(void *ud, const brrr_problem *p) {
  scene *s = ud;
  assert_true(s->problem_count < SCENE_MAX);
  s->problems[s->problem_count++] =
      (scene_problem){p->has_message, exact(p->message), exact(p->detail),
                      p->attempts, p->error};
  return s->policy;
}

static void on_measure(void *ud, const brrr_measure *m) {
  scene *s = ud;
  if (s->measure_count < SCENE_MAX)
    s->measures[s->measure_count] = (scene_measure){
        m->outcome, m->merged, m->wait_ns, m->handler_ns, m->total_ns};
  s->measure_count++;
}

static void on_ended(void *ud, brrr_status status) {
  scene *s = ud;
  s->ended++;
  s->status = status;
}

/* ---- life ---------------------------------------------------------------- */

brrr_worker_options scene_options(scene *s) {
  const brrr_backend b = s->subject.backend;
  s->topic_bytes = brrr_bytes_str(s->topic ? s->topic : "t");
  return (brrr_worker_options){.loop = &s->stage->loop,
                               .backends = {b, b, b},
                               .alloc = s->alloc,
                               .topics = &s->topic_bytes,
                               .topic_count = 1,
                               .concurrency = s->concurrency,
                               .take_ahead = s->take_ahead,
                               .no_skip = s->no_skip,
                               .no_watch = s->no_watch,
                               .no_merge = s->no_merge,
                               .handle = on_handle,
                               .problem = s->no_problem ? NULL : on_problem,
                               .measure = on_measure,
                               .ended = on_ended,
                               .ud = s};
}

void scene_start(scene *s) {
  const brrr_worker_options options = scene_options(s);
  s->ended = 0;
  assert_int_equal(brrr_worker_start(&s->worker, &options), BRRR_OK);
}

void scene_end(scene *s, brrr_status status) {
  stage_wait(s->stage, &s->ended);
  assert_int_equal(s->ended, 1);
  assert_string_equal(brrr_status_name(s->status), brrr_status_name(status));
  brrr_worker_free(s->worker);
  s->worker = NULL;
}

/* ---- what the test does -------------------------------------------------- */

void scene_put(scene *s, brrr_bytes message) {
  const brrr_effect put = {.type = BRRR_QUEUE_PUT,
                           .name = brrr_bytes_str(s->topic ? s->topic : "t"),
                           .value = message};
  expect(&s->subject, put, BRRR_OK, NULL);
}

void scene_call(scene *s, const char *hash, const char *task,
                const char *payload) {
  brrr_arena a;
  brrr_buf b;
  brrr_bytes octets;
  const brrr_call call = {.task_name = brrr_bytes_str(task),
                          .payload = brrr_bytes_str(payload)};
  const brrr_schedule_message message = {BRRR_LIT("root"),
                                         brrr_bytes_str(hash)};
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_buf_init(&b, &a);
  brrr_call_encode(&b, &call);
  assert_int_equal(brrr_buf_finish(&b, &octets, NULL), BRRR_OK);
  expect(&s->subject,
         (brrr_effect){.type = BRRR_STORE_SET,
                       .key = {BRRR_KIND_CALL, brrr_bytes_str(hash)},
                       .value = octets},
         BRRR_OK, NULL);
  brrr_buf_init(&b, &a);
  brrr_schedule_message_encode(&b, &message);
  assert_int_equal(brrr_buf_finish(&b, &octets, NULL), BRRR_OK);
  scene_put(s, octets);
  brrr_arena_free(&a);
}

void scene_expect_value(scene *s, const char *hash, const char *value) {
  expect(&s->subject, get_value(brrr_bytes_str(hash)), BRRR_OK, value);
}

void scene_expect_no_value(scene *s, const char *hash) {
  expect(&s->subject, get_value(brrr_bytes_str(hash)), BRRR_ABSENT, NULL);
}

typedef struct at_least {
  const unsigned *have;
  unsigned want;
} at_least;

static bool is_enough(void *ud) {
  const at_least *a = ud;
  return *a->have >= a->want;
}

void scene_until(scene *s, const unsigned *have, unsigned want) {
  stage_until(s->stage, is_enough, &(at_least){have, want});
}

void scene_until_held(scene *s, unsigned count) {
  scene_until(s, &s->held_count, count);
}

void scene_until_problems(scene *s, unsigned count) {
  scene_until(s, &s->problem_count, count);
}

void scene_until_value(scene *s, const char *hash) {
  const uint64_t start = uv_hrtime();
  for (;;) {
    answer a = ask(&s->subject, get_value(brrr_bytes_str(hash)));
    answer_drop(&a);
    if (a.status == BRRR_OK)
      return;
    assert_true(uv_hrtime() - start < (uint64_t)STAGE_DEADLINE_MS * 1000000);
    uv_run(&s->stage->loop, UV_RUN_NOWAIT);
  }
}

void scene_answer_held(scene *s) {
  assert_true(s->held_count > 0);
  brrr_invocation_respond(s->held[--s->held_count], BRRR_LIT("held"));
}
