/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * invoke.c - L5: answers BRRR_INVOKE by running a call of an app, as an
 * operation of its own inside that of the message.
 */
#include "invoke.h"

#include "topic.h"

static void run_here(void *self, const brrr_effect *e, brrr_done done) {
  (void)self;
  brrr_run_task(e->run);
  done.fn(done.ud, &(brrr_reply){.status = BRRR_OK});
}

static void on_deferred(brrr__invoke *i, const brrr_op *op) {
  brrr_reply r = {.status = BRRR_DEFER, .now = i->now()};
  r.children = brrr_op_children(op, &r.count);
  const brrr_bytes *bad = brrr__topic_astray(i->backends, &r);
  if (bad)
    r = (brrr_reply){.status = BRRR_E_TOPIC, .value = *bad};
  i->done.fn(i->done.ud, &r);
}

/* The most that there is to say about a failure: what the task said, or the
 * backend; or else the reason. */
static brrr_bytes words_of(const brrr_op *op, brrr_bytes words) {
  const brrr_bytes detail = brrr_op_detail(op);
  if (detail.len)
    return detail;
  return words.len ? words : brrr_bytes_str(brrr_op_error(op)->reason);
}

static void on_end(void *ud, const brrr_op *op, brrr_status status,
                   brrr_bytes words) {
  brrr__invoke *i = ud;
  if (status == BRRR_DEFER) {
    on_deferred(i, op);
    return;
  }
  const brrr_bytes value =
      status == BRRR_OK ? brrr_op_value(op) : words_of(op, words);
  i->done.fn(i->done.ud, &(brrr_reply){.status = status, .value = value});
}

void brrr__invoke_start(brrr__invoke *i, const brrr_call *call,
                        brrr_done done) {
  brrr_op *op;
  brrr_status s = brrr_op_run(&op, i->alloc, i->app, &i->how, call);
  if (s) {
    done.fn(done.ud, &(brrr_reply){.status = s});
    return;
  }
  i->done = done;
  if (!i->runner.submit)
    i->runner.submit = run_here;
  brrr__pump_start(&i->pump, i->alloc, op, i->backends, i->runner,
                   (brrr__pump_end){on_end, i});
}
