/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker.c - L6: takes messages from a topic and handles them.
 *
 * The one idea: callbacks only note what happened to a hand and put it on the
 * list of those that can move. Whatever the worker starts, it starts from its
 * own turn of the loop. So a backend that answers at once causes no recursion,
 * and the commands of all hands that moved leave in one batch.
 */
#include <brrr/worker.h>

#include "base.h"
#include "pump.h"
#include "topic.h"

#include <assert.h>
#include <string.h>
#include <time.h>
#include <uv.h>

/* How long the worker leaves a queue alone that has failed. */
#define PAUSE_MS 100

struct brrr_invocation {
  brrr_worker *worker;
  const brrr_call *call; /* NULL unless it waits for its answer */
  brrr_done done;
};

typedef enum hand_state {
  HAND_EMPTY,  /* may ask for a message */
  HAND_ASKING, /* a get is under way */
  HAND_TAKEN,  /* has a message that is still to be handled */
  HAND_BUSY    /* handles its message */
} hand_state;

typedef struct hand {
  brrr_worker *worker;
  struct hand *next; /* in the list `ready` or `resting` */
  hand_state state;
  uint8_t *message; /* kept from message to message */
  size_t len, cap;
  brrr_invocation invocation;
  brrr__pump pump;
} hand;

struct brrr_worker {
  brrr_worker_options options;
  brrr_bytes topic;
  uv_idle_t turn;   /* active while a hand is ready */
  uv_timer_t pause; /* active while the queue is left alone */
  hand *ready;      /* can move, first come first */
  hand **ready_end;
  hand *resting; /* empty, and waiting for the end of the pause */
  hand *hands;
  uint32_t count;
  uint32_t at_work; /* hands that have not been laid down */
  unsigned open;    /* handles of libuv */
  bool stopping;
  brrr_status status;
};

static void on_turn(uv_idle_t *handle);

static void hand_ready(hand *h, hand_state state) {
  brrr_worker *w = h->worker;
  h->state = state;
  h->next = NULL;
  *w->ready_end = h;
  w->ready_end = &h->next;
  uv_idle_start(&w->turn, on_turn);
}

static void wake_resting(brrr_worker *w) {
  while (w->resting) {
    hand *h = w->resting;
    w->resting = h->next;
    hand_ready(h, HAND_EMPTY);
  }
}

void brrr_worker_stop(brrr_worker *w) {
  if (w->stopping)
    return;
  w->stopping = true;
  wake_resting(w);
  if (w->options.backends.queue.wake && w->at_work)
    w->options.backends.queue.wake(w->options.backends.queue.self);
}

static void stop_with(brrr_worker *w, brrr_status status) {
  if (w->status == BRRR_OK)
    w->status = status;
  brrr_worker_stop(w);
}

/* No message is dropped in silence [WORK-4] [WORK-5] [WORK-6]. */
static void report(brrr_worker *w, const brrr_bytes *message,
                   const brrr_error *error, brrr_bytes detail) {
  const brrr_problem p = {.topic = w->topic,
                          .has_message = message,
                          .message = message ? *message : (brrr_bytes){0},
                          .error = *error,
                          .detail = detail};
  if (!w->options.problem || w->options.problem(w->options.ud, &p) == BRRR_STOP)
    stop_with(w, error->status); /* [WORK-7] */
}

static void report_status(brrr_worker *w, const brrr_bytes *message,
                          brrr_status status, brrr_bytes detail) {
  const brrr_error error = {
      .status = status, .reason = brrr_status_text(status), .requirement = ""};
  report(w, message, &error, detail);
}

/* ---- taking a message ---------------------------------------------------- */

static void message_drop(hand *h) {
  if (h->message)
    brrr__alloc(h->worker->options.alloc, h->message, h->cap, 0);
  h->message = NULL;
}

static bool message_keep(hand *h, brrr_bytes in) {
  if (in.len > h->cap) {
    uint8_t *p = brrr__alloc(h->worker->options.alloc, NULL, 0, in.len);
    if (!p)
      return false;
    message_drop(h);
    h->message = p;
    h->cap = in.len;
  }
  if (in.len)
    memcpy(h->message, in.ptr, in.len);
  h->len = in.len;
  return true;
}

static void on_pause_end(uv_timer_t *timer) { wake_resting(timer->data); }

static void on_got(void *ud, const brrr_reply *reply) {
  hand *h = ud;
  brrr_worker *w = h->worker;
  switch (reply->status) {
  case BRRR_OK:
    if (message_keep(h, reply->value)) {
      hand_ready(h, HAND_TAKEN);
      return;
    }
    report_status(w, &reply->value, BRRR_E_NOMEM, (brrr_bytes){0});
    break;
  case BRRR_EMPTY: /* the next turn asks again [WORK-1] */
    break;
  case BRRR_CLOSED:
    stop_with(w, BRRR_CLOSED);
    break;
  default:
    report_status(w, NULL, reply->status, reply->value);
    uv_timer_start(&w->pause, on_pause_end, PAUSE_MS, 0);
  }
  hand_ready(h, HAND_EMPTY);
}

static void ask(hand *h) {
  const brrr_backend *queue = &h->worker->options.backends.queue;
  h->state = HAND_ASKING;
  queue->submit(
      queue->self,
      &(brrr_effect){.type = BRRR_QUEUE_GET, .name = h->worker->topic},
      (brrr_done){on_got, h});
}

/* ---- handling it --------------------------------------------------------- */

static void on_handled(void *ud, const brrr_op *op, brrr_status status,
                       brrr_bytes words) {
  hand *h = ud;
  const brrr_bytes message = {h->message, h->len};
  if (status < 0)
    report(h->worker, &message, brrr_op_error(op), words);
  hand_ready(h, HAND_EMPTY);
}

static void invoke(void *self, const brrr_effect *e, brrr_done done) {
  hand *h = self;
  const brrr_worker_options *o = &h->worker->options;
  h->invocation.call = e->call;
  h->invocation.done = done;
  o->handle(o->ud, &h->invocation); /* [WORK-2] [WORK-3] */
}

static void begin(hand *h) {
  brrr_worker *w = h->worker;
  brrr_bytes message = {h->message, h->len};
  brrr_op *op = NULL;
  brrr_status s = brrr_op_handle(&op, w->options.alloc,
                                 &(brrr_handling){.limits = w->options.limits},
                                 w->topic, message);
  if (s != BRRR_OK) {
    report_status(w, &message, s, (brrr_bytes){0});
    hand_ready(h, HAND_EMPTY);
    return;
  }
  h->state = HAND_BUSY;
  brrr__pump_start(&h->pump, w->options.alloc, op, &w->options.backends,
                   (brrr_backend){.submit = invoke, .self = h},
                   (brrr__pump_end){on_handled, h});
}

const brrr_call *brrr_invocation_call(const brrr_invocation *i) {
  return i->call;
}

brrr_bytes brrr_invocation_topic(const brrr_invocation *i) {
  return i->worker->topic;
}

static void answer(brrr_invocation *i, const brrr_reply *reply) {
  assert(i->call); /* it must be answered once only */
  i->call = NULL;
  i->done.fn(i->done.ud, reply);
}

void brrr_invocation_respond(brrr_invocation *i, brrr_bytes value) {
  answer(i, &(brrr_reply){.value = value});
}

void brrr_invocation_defer(brrr_invocation *i, const brrr_child *children,
                           size_t count) {
  const brrr_backends *backends = &i->worker->options.backends;
  for (size_t n = 0; n < count; n++) {
    brrr_bytes topic = children[n].topic;
    if (topic.len && brrr__topic_check(backends, topic) != BRRR_OK) {
      answer(i, &(brrr_reply){.status = BRRR_E_TOPIC, .value = topic});
      return;
    }
  }
  answer(i, &(brrr_reply){.status = BRRR_DEFER,
                          .now = time(NULL),
                          .children = children,
                          .count = count});
}

void brrr_invocation_fail(brrr_invocation *i, brrr_bytes why) {
  answer(i, &(brrr_reply){.status = BRRR_E_TASK, .value = why});
}

/* ---- the worker's life --------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
  brrr_worker *w = handle->data;
  if (--w->open == 0 && w->options.ended)
    w->options.ended(w->options.ud, w->status);
}

static void lay_down(brrr_worker *w) {
  if (--w->at_work)
    return;
  uv_close((uv_handle_t *)&w->turn, on_closed);
  uv_close((uv_handle_t *)&w->pause, on_closed);
}

static void move(hand *h) {
  brrr_worker *w = h->worker;
  if (h->state == HAND_TAKEN) { /* even while stopping [WORK-7] */
    begin(h);
  } else if (w->stopping) {
    lay_down(w);
  } else if (uv_is_active((uv_handle_t *)&w->pause)) {
    h->next = w->resting;
    w->resting = h;
  } else {
    ask(h);
  }
}

static void on_turn(uv_idle_t *handle) {
  brrr_worker *w = handle->data;
  hand *list = w->ready;
  w->ready = NULL;
  w->ready_end = &w->ready;
  uv_idle_stop(&w->turn);
  while (list) {
    hand *h = list;
    list = h->next;
    move(h);
  }
}

/* The worker, with a copy of the topic behind it, and its hands. */
static brrr_worker *worker_new(const brrr_worker_options *o) {
  uint32_t count = o->concurrency ? o->concurrency : 1;
  brrr_worker *w = brrr__alloc(o->alloc, NULL, 0, sizeof *w + o->topics->len);
  hand *hands = brrr__alloc(o->alloc, NULL, 0, count * sizeof *hands);
  if (!w || !hands) {
    if (w)
      brrr__alloc(o->alloc, w, sizeof *w + o->topics->len, 0);
    if (hands)
      brrr__alloc(o->alloc, hands, count * sizeof *hands, 0);
    return NULL;
  }
  *w = (brrr_worker){.options = *o, .hands = hands, .count = count};
  uint8_t *topic = (uint8_t *)(w + 1);
  memcpy(topic, o->topics->ptr, o->topics->len);
  w->topic = (brrr_bytes){topic, o->topics->len};
  return w;
}

brrr_status brrr_worker_start(brrr_worker **out,
                              const brrr_worker_options *options) {
  brrr_status s = brrr__topic_check(&options->backends, *options->topics);
  if (s != BRRR_OK)
    return s;
  brrr_worker *w = worker_new(options);
  if (!w)
    return BRRR_E_NOMEM;
  /* Neither of the two can fail. */
  uv_idle_init(options->loop, &w->turn);
  uv_timer_init(options->loop, &w->pause);
  w->turn.data = w->pause.data = w;
  w->open = 2;
  w->at_work = w->count;
  w->ready_end = &w->ready;
  for (uint32_t n = 0; n < w->count; n++) {
    w->hands[n] = (hand){.worker = w, .invocation = {.worker = w}};
    hand_ready(&w->hands[n], HAND_EMPTY);
  }
  *out = w;
  return BRRR_OK;
}

void brrr_worker_free(brrr_worker *w) {
  if (!w)
    return;
  assert(w->open == 0);
  for (uint32_t n = 0; n < w->count; n++)
    message_drop(&w->hands[n]);
  brrr__alloc(w->options.alloc, w->hands, w->count * sizeof *w->hands, 0);
  brrr__alloc(w->options.alloc, w, sizeof *w + w->topic.len, 0);
}
