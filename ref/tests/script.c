/* SPDX-License-Identifier: AGPL-3.0-only */
#include "script.h"

#include <stdio.h>

static brrr_status scripted(brrr_run *run, const void *args, const void **value,
                            void *ud) {
  script *s = ud;
  (void)args;
  s->runs++;
  s->kept = run;
  return s->act(s, run, value);
}

void cast_init(cast *c, script *s) {
  *c = (cast){toy_codec(),
              {.name = "t", .fn = scripted, .ud = s},
              {&c->task, 1, &c->codec},
              {BRRR_LIT("t:1"), BRRR_LIT("t"), BRRR_LIT("1")}};
}

static void copy(char *to, size_t size, brrr_bytes from) {
  (void)snprintf(to, size, "%.*s", (int)from.len, (const char *)from.ptr);
}

script_end script_look(const brrr_op *op, brrr_status s) {
  script_end e = {.status = s, .error = *brrr_op_error(op)};
  copy(e.detail, sizeof e.detail, brrr_op_detail(op));
  copy(e.value, sizeof e.value, brrr_op_value(op));
  const brrr_child *c = brrr_op_children(op, &e.children);
  for (size_t i = 0, at = 0; i < e.children; i++, at = strlen(e.child))
    (void)snprintf(e.child + at, sizeof e.child - at, "%.*s@%.*s ",
                   (int)c[i].call.call_hash.len,
                   (const char *)c[i].call.call_hash.ptr, (int)c[i].topic.len,
                   (const char *)c[i].topic.ptr);
  return e;
}

script_end script_run(world *w, script *s, const brrr_running *how) {
  cast c;
  heap h = {0};
  brrr_op *op = NULL;
  cast_init(&c, s);
  assert_int_equal(brrr_op_run(&op, heap_alloc(&h), &c.app, how, &c.call),
                   BRRR_OK);
  const script_end e = script_look(op, world_run(w, op));
  assert_int_equal(e.error.status, e.status < 0 ? e.status : BRRR_OK);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  return e;
}

script_end script_run_with(script *s, const char *log,
                           const char *const *present) {
  world w;
  world_init(&w);
  for (; present && *present; present++)
    world_set(&w, BRRR_KIND_VALUE, *present, "7");
  const script_end e = script_run(&w, s, NULL);
  if (log)
    assert_log(&w, log);
  world_free(&w);
  return e;
}

brrr_status script_call(brrr_run *run, int64_t n, const char *topic,
                        const void **value) {
  return brrr_run_call(
      run, &(brrr_ask){.task = "c", .args = &n, .topic = topic}, value);
}

brrr_status script_gather(brrr_run *run, const int64_t *n, size_t count,
                          const void **values) {
  brrr_ask asks[8];
  for (size_t i = 0; i < count; i++)
    asks[i] = (brrr_ask){.task = "c", .args = &n[i]};
  return brrr_run_gather(run, asks, count, values);
}
