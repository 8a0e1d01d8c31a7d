/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_worker_signal.c - real processes that receive real signals. Each says
 * through a pipe how far it is.
 */
#include "scene.h"

#include <brrr/memory.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_stopped_by_signal(void *ud) {
  int *pending = ud;
  return *pending;
}

static void on_log(void *ud, brrr_level level, const char *text) {
  (void)level;
  if (strcmp(text, "stopping") == 0)
    *(int *)ud = 1;
}

/* In the child: one message is in hand, one more is in the queue. Returns how
 * the process shall exit: 0 if the first is finished and the second is left. */
static int work(int out) {
  scene s = {.concurrency = 1};
  brrr_memory *m;
  int stopping = 0;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* the parent goes on, not this */
  assert_int_equal(brrr_memory_new(&m, (brrr_alloc){0}), BRRR_OK);
  s.subject = (subject){brrr_memory_backend(m), answers_at_once, NULL};
  scene_init(&s, NULL);
  brrr_worker_options options = scene_options(&s);
  options.log = (brrr_log){on_log, &stopping};
  assert_int_equal(brrr_worker_start(&s.worker, &options), BRRR_OK);
  assert_int_equal(brrr_worker_stop_on_signals(s.worker), BRRR_OK);
  assert_int_equal(brrr_worker_stop_on_signals(s.worker), BRRR_OK);
  scene_call(&s, "a", "later", "");
  scene_call(&s, "b", "echo", "v");
  scene_until_held(&s, 1);
  assert_int_equal(write(out, "h", 1), 1);
  stage_until(s.stage, is_stopped_by_signal, &stopping);
  assert_int_equal(write(out, "s", 1), 1);
  stage_run_ms(s.stage, 100); /* here a second signal may fall */
  assert_int_equal(s.ended, 0);
  scene_answer_held(&s);
  scene_end(&s, BRRR_OK);
  scene_expect_value(&s, "a", "held");
  scene_expect_no_value(&s, "b");
  scene_free(&s);
  brrr_memory_free(m);
  return 0;
}

typedef struct child {
  pid_t pid;
  int in;
} child;

static child child_start(void) {
  int fds[2];
  child c;
  assert_int_equal(pipe(fds), 0);
  c.pid = fork();
  assert_true(c.pid >= 0);
  if (c.pid == 0) {
    close(fds[0]);
    _exit(work(fds[1]));
  }
  close(fds[1]);
  c.in = fds[0];
  return c;
}

static void expect_step(const child *c, char step) {
  char got = 0;
  assert_int_equal(read(c->in, &got, 1), 1);
  assert_int_equal(got, step);
}

static int child_end(const child *c) {
  int status;
  assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
  close(c->in);
  return status;
}

/* What is in hand is finished, and what is in the queue stays there. */
static void test_drains(void **state) {
  (void)state;
  const int signals[] = {SIGTERM, SIGINT};
  for (size_t i = 0; i < 2; i++) {
    const child c = child_start();
    expect_step(&c, 'h');
    assert_int_equal(kill(c.pid, signals[i]), 0);
    expect_step(&c, 's');
    const int status = child_end(&c);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
  }
}

/* Whichever it is. */
static void test_second_ends_the_process(void **state) {
  (void)state;
  const int signals[] = {SIGTERM, SIGINT};
  for (size_t i = 0; i < 4; i++) {
    const int second = signals[i / 2];
    const child c = child_start();
    expect_step(&c, 'h');
    assert_int_equal(kill(c.pid, signals[i % 2]), 0);
    expect_step(&c, 's');
    assert_int_equal(kill(c.pid, second), 0);
    const int status = child_end(&c);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), second);
  }
}

/* Without one, the signals have their usual effect again at its end; and they
 * alone do not keep the loop. */
static void test_off_again(void **state) {
  (void)state;
  scene s = {.concurrency = 1};
  brrr_memory *m;
  struct sigaction before, after;
  assert_int_equal(sigaction(SIGTERM, NULL, &before), 0);
  assert_int_equal(brrr_memory_new(&m, (brrr_alloc){0}), BRRR_OK);
  s.subject = (subject){brrr_memory_backend(m), answers_at_once, NULL};
  scene_init(&s, NULL);
  scene_start(&s);
  assert_int_equal(brrr_worker_stop_on_signals(s.worker), BRRR_OK);
  assert_int_equal(sigaction(SIGTERM, NULL, &after), 0);
  assert_true(before.sa_handler != after.sa_handler);
  assert_int_equal(uv_run(&s.stage->loop, UV_RUN_DEFAULT), 0);
  brrr_worker_stop(s.worker);
  scene_end(&s, BRRR_OK);
  assert_int_equal(sigaction(SIGTERM, NULL, &after), 0);
  assert_true(before.sa_handler == after.sa_handler);
  scene_free(&s);
  brrr_memory_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_drains),
      cmocka_unit_test(test_second_ends_the_process),
      cmocka_unit_test(test_off_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
