/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_killed.c - real worker processes on a durable queue of a real
 * Redis. One is killed with messages in hand, and another completes what it
 * has left behind.
 */
#include "fixture.h"
#include "scene.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEAD_AFTER_MS 500

typedef struct child {
  pid_t pid;
  int in; /* what it has to say */
} child;

static void count(void *ud) { ++*(unsigned *)ud; }

/* In the child: serves until SIGTERM. One that hangs tells when its last hand
 * is full, of calls for "later" that are never answered. */
static int work(const char *url, int out, bool hangs) {
  enum { HANDS = 3 };
  stage own;
  unsigned closed = 0;
  brrr_redis *r;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* the parent goes on, not this */
  stage_init(&own);
  assert_int_equal(
      brrr_redis_new(&r, (brrr_alloc){0}, &own.loop,
                     &(brrr_redis_options){.url = url,
                                           .durable = true,
                                           .dead_after_ms = DEAD_AFTER_MS}),
      BRRR_OK);
  scene s = {.concurrency = HANDS,
             .policy = BRRR_RETRY,
             .subject = {brrr_redis_backend(r), stage_wait, &own}};
  scene_init(&s, &own);
  scene_start(&s);
  assert_int_equal(brrr_worker_stop_on_signals(s.worker), BRRR_OK);
  if (hangs) {
    scene_until_held(&s, HANDS);
    assert_int_equal(write(out, "h", 1), 1);
  }
  while (!s.ended) {
    if (!hangs && s.held_count)
      scene_answer_held(&s);
    uv_run(&own.loop, UV_RUN_ONCE);
  }
  scene_end(&s, BRRR_OK);
  scene_free(&s);
  brrr_redis_close(r, count, &closed);
  stage_wait(&own, &closed);
  stage_free(&own);
  return 0;
}

static child child_start(const fixture *f, bool hangs) {
  int fds[2];
  child c;
  assert_int_equal(pipe(fds), 0);
  c.pid = fork();
  assert_true(c.pid >= 0);
  if (c.pid == 0) {
    close(fds[0]);
    _exit(work(f->server.url, fds[1], hangs));
  }
  close(fds[1]);
  c.in = fds[0];
  return c;
}

static int child_end(const child *c, int number) {
  int status;
  assert_int_equal(kill(c->pid, number), 0);
  assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
  close(c->in);
  return status;
}

static void test_killed_in_its_handlers(void **state) {
  fixture *f = *state;
  char step = 0;
  scene s = {.subject = f->subject};
  scene_init(&s, &f->stage);
  const child dies = child_start(f, true);
  scene_call(&s, "a", "later", "");
  scene_call(&s, "b", "later", "");
  scene_call(&s, "c", "later", "");
  assert_int_equal(read(dies.in, &step, 1), 1);
  scene_call(&s, "p", "join", "defg");
  const child lives = child_start(f, false);
  assert_true(WIFSIGNALED(child_end(&dies, SIGKILL)));
  scene_until_value(&s, "a");
  scene_until_value(&s, "b");
  scene_until_value(&s, "c");
  scene_until_value(&s, "p");
  scene_expect_value(&s, "p", "defg");
  const int status = child_end(&lives, SIGTERM);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);

  redisReply *keys = server_ask(&f->server, "KEYS brrr:inflight:*");
  assert_int_equal(keys->elements, 0);
  freeReplyObject(keys);
  assert_int_equal(server_number(&f->server, "LLEN t"), 0);
  assert_int_equal(server_number(&f->server, "LLEN brrr:dead:{t}"), 0);
  assert_int_equal(server_number(&f->server, "HLEN brrr:attempts:{t}"), 0);
  scene_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_killed_in_its_handlers,
                                      fixture_setup, fixture_teardown),
  };
  return cmocka_run_group_tests(tests, fixture_group_setup,
                                fixture_group_teardown);
}
