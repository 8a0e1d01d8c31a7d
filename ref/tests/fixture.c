/* SPDX-License-Identifier: AGPL-3.0-only */
#include "fixture.h"

int fixture_group_setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  *state = f;
  server_start(&f->server);
  return 0;
}

int fixture_group_teardown(void **state) {
  fixture *f = *state;
  server_stop(&f->server);
  free(f);
  return 0;
}

brrr_redis *fixture_open_with(fixture *f, const brrr_redis_options *options) {
  brrr_redis *r;
  assert_int_equal(
      brrr_redis_new(&r, heap_alloc(&f->heap), &f->stage.loop, options),
      BRRR_OK);
  return r;
}

brrr_redis *fixture_open(fixture *f, const char *url) {
  return fixture_open_with(f, &(brrr_redis_options){.url = url});
}

subject fixture_subject(fixture *f, brrr_redis *r) {
  return (subject){brrr_redis_backend(r), stage_wait, &f->stage};
}

int fixture_setup(void **state) {
  fixture *f = *state;
  if (!f->server.pid)
    server_start(&f->server);
  freeReplyObject(server_ask(&f->server, "FLUSHALL"));
  f->heap = (heap){0};
  stage_init(&f->stage);
  f->redis = fixture_open(f, f->server.url);
  f->subject = fixture_subject(f, f->redis);
  return 0;
}

static void count(void *ud) { ++*(unsigned *)ud; }

void fixture_close(fixture *f, brrr_redis *r) {
  unsigned closed = 0;
  brrr_redis_close(r, count, &closed);
  stage_wait(&f->stage, &closed);
  assert_int_equal(closed, 1);
}

int fixture_teardown(void **state) {
  fixture *f = *state;
  if (f->redis)
    fixture_close(f, f->redis);
  stage_free(&f->stage);
  assert_int_equal(f->heap.live, 0);
  return 0;
}

typedef struct blocked {
  fixture *f;
  long long count;
} blocked;

static bool is_blocked(void *ud) {
  const blocked *b = ud;
  redisReply *r = server_ask(&b->f->server, "INFO clients");
  const char *at = strstr(r->str, "blocked_clients:");
  assert_non_null(at);
  long long n = strtoll(at + strlen("blocked_clients:"), NULL, 10);
  freeReplyObject(r);
  uv_run(&b->f->stage.loop, UV_RUN_NOWAIT); /* nothing else may wake the loop */
  return n == b->count;
}

void fixture_until_blocked(fixture *f, long long count) {
  blocked b = {f, count};
  const uint64_t start = uv_hrtime();
  while (!is_blocked(&b))
    assert_true(uv_hrtime() - start < (uint64_t)STAGE_DEADLINE_MS * 1000000);
}
