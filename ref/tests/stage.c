/* SPDX-License-Identifier: AGPL-3.0-only */
#include "stage.h"

void stage_init(stage *s) {
  assert_int_equal(uv_loop_init(&s->loop), 0);
  assert_int_equal(uv_timer_init(&s->loop, &s->deadline), 0);
  assert_int_equal(uv_prepare_init(&s->loop, &s->look), 0);
}

static void on_deadline(uv_timer_t *timer) {
  (void)timer;
  fail_msg("not within %d ms", STAGE_DEADLINE_MS);
}

/* What a timer has just brought about is no reason to wait for input. */
static void on_look(uv_prepare_t *look) {
  const stage *s = look->data;
  if (s->fn(s->ud))
    uv_stop(look->loop);
}

void stage_until(stage *s, bool (*fn)(void *ud), void *ud) {
  s->fn = fn;
  s->ud = ud;
  s->look.data = s;
  uv_timer_start(&s->deadline, on_deadline, STAGE_DEADLINE_MS, 0);
  uv_prepare_start(&s->look, on_look);
  while (!fn(ud))
    uv_run(&s->loop, UV_RUN_ONCE);
  uv_prepare_stop(&s->look);
  uv_timer_stop(&s->deadline);
}

static bool is_set(void *ud) { return **(const unsigned **)ud != 0; }

void stage_wait(void *ud, const unsigned *times) {
  stage_until(ud, is_set, &times);
}

static void on_time(uv_timer_t *timer) { timer->data = NULL; }

static bool is_over(void *ud) { return ((uv_timer_t *)ud)->data == NULL; }

void stage_run_ms(stage *s, uint64_t ms) {
  s->deadline.data = s;
  uv_timer_start(&s->deadline, on_time, ms, 0);
  while (!is_over(&s->deadline))
    uv_run(&s->loop, UV_RUN_ONCE);
}

void stage_free(stage *s) {
  uv_timer_start(&s->deadline, on_deadline, STAGE_DEADLINE_MS, 0);
  uv_unref((uv_handle_t *)&s->deadline);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&s->deadline, NULL);
  uv_close((uv_handle_t *)&s->look, NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&s->loop), 0);
}
