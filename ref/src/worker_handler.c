/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_handler.c - L6: what handles a message: the app, or a raw handler.
 */
#include "worker_parts.h"

#include "topic.h"

#include <assert.h>
#include <time.h>

static void answer(brrr__hand *h, brrr_done done, const brrr_reply *reply) {
  h->handler_ns = uv_hrtime() - h->invoked;
  if (reply->status == BRRR_OK)
    brrr__ahead_ask(h);
  done.fn(done.ud, reply);
}

/* ==== The app ============================================================ */

static int64_t now(void) { return time(NULL); }

static void on_invoked(void *ud, const brrr_reply *reply) {
  brrr__hand *h = ud;
  answer(h, h->invocation.done, reply);
}

static void on_work(uv_work_t *work) {
  const brrr__hand *h = work->data;
  brrr_run_task(h->run);
}

static void on_worked(uv_work_t *work, int status) {
  const brrr__hand *h = work->data;
  (void)status; /* nobody cancels it */
  h->ran.fn(h->ran.ud, &(brrr_reply){.status = BRRR_OK});
}

/* Carries BRRR_RUN out; of these there is one at a time. */
static void run(void *hand, const brrr_effect *e, brrr_done done) {
  brrr__hand *h = hand;
  if (!brrr_run_blocks(e->run)) {
    brrr_run_task(e->run);
    done.fn(done.ud, &(brrr_reply){.status = BRRR_OK});
    return;
  }
  h->run = e->run;
  h->ran = done;
  h->work.data = h;
  /* It fails without a function only. */
  (void)uv_queue_work(h->lane->worker->options.loop, &h->work, on_work,
                      on_worked);
}

static void invoke_app(brrr__hand *h, const brrr_call *call) {
  const brrr_worker_options *o = &h->lane->worker->options;
  h->invoke = (brrr__invoke){
      .app = o->app,
      .how = {.asked = h->lane->worker->asked, .check = o->check_reruns},
      .backends = &o->backends,
      .alloc = o->alloc,
      .runner = {.submit = run, .self = h},
      .now = now,
  };
  brrr__invoke_start(&h->invoke, call, (brrr_done){on_invoked, h});
}

/* ==== The raw handler ==================================================== */

void brrr__hand_invoke(void *hand, const brrr_effect *e, brrr_done done) {
  brrr__hand *h = hand;
  const brrr_worker_options *o = &h->lane->worker->options;
  h->invocation.call = e->call;
  h->invocation.done = done;
  h->invoked = uv_hrtime();
  if (o->app)
    invoke_app(h, e->call);
  else
    o->handle(o->ud, &h->invocation); /* [WORK-2] [WORK-3] */
}

static void invocation_end(brrr_invocation *i, const brrr_reply *reply) {
  assert(i->call); /* it must be answered once only */
  i->call = NULL;
  answer(i->hand, i->done, reply);
}

const brrr_call *brrr_invocation_call(const brrr_invocation *i) {
  return i->call;
}

brrr_bytes brrr_invocation_topic(const brrr_invocation *i) {
  return i->hand->lane->topic;
}

void brrr_invocation_respond(brrr_invocation *i, brrr_bytes value) {
  invocation_end(i, &(brrr_reply){.value = value});
}

void brrr_invocation_defer(brrr_invocation *i, const brrr_child *children,
                           size_t count) {
  const brrr_reply defer = {
      .status = BRRR_DEFER, .now = now(), .children = children, .count = count};
  const brrr_bytes *astray =
      brrr__topic_astray(&i->hand->lane->worker->options.backends, &defer);
  if (astray)
    invocation_end(i, &(brrr_reply){.status = BRRR_E_TOPIC, .value = *astray});
  else
    invocation_end(i, &defer);
}

void brrr_invocation_fail(brrr_invocation *i, brrr_bytes why) {
  invocation_end(i, &(brrr_reply){.status = BRRR_E_TASK, .value = why});
}
