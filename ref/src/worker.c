/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker.c - L6: takes messages from topics and handles them.
 *
 * This file is the worker's life; worker_parts.h is the map of the others.
 */
#include "worker_parts.h"

#include "arena.h"
#include "base.h"
#include "topic.h"

#include <assert.h>

#define MEMO_OCTETS ((size_t)1024 * 1024)

/* ==== Turns of the loop ================================================== */

static void on_turn(uv_idle_t *handle);

void brrr__hand_ready(brrr__hand *h, brrr__hand_state state) {
  brrr_worker *w = h->lane->worker;
  h->state = state;
  h->next = NULL;
  *w->ready_end = h;
  w->ready_end = &h->next;
  uv_idle_start(&w->turn, on_turn);
}

static void on_closed(uv_handle_t *handle) {
  brrr_worker *w = handle->data;
  if (--w->open)
    return;
  brrr__worker_log(w, BRRR_INFO, "ended: %s", brrr_status_text(w->status));
  if (w->options.ended)
    w->options.ended(w->options.ud, w->status);
}

static void close_handle(brrr_worker *w, void *handle) {
  ((uv_handle_t *)handle)->data = w;
  uv_close(handle, on_closed);
}

static void lay_down(brrr_worker *w) {
  if (--w->at_work)
    return;
  close_handle(w, &w->turn);
  for (size_t i = 0; i < w->signal_count; i++)
    close_handle(w, &w->signals[i]);
  for (size_t i = 0; i < w->lane_count; i++)
    close_handle(w, &w->lanes[i].pause);
  for (size_t i = 0; i < w->hand_count; i++)
    close_handle(w, &w->hands[i].timer);
}

static void on_turn(uv_idle_t *handle) {
  brrr_worker *w = handle->data;
  brrr__hand *list = w->ready;
  w->ready = NULL;
  w->ready_end = &w->ready;
  uv_idle_stop(&w->turn);
  while (list) {
    brrr__hand *h = list;
    list = h->next;
    if (h->state == BRRR__HAND_TAKEN) /* even while stopping [WORK-12] */
      brrr__hand_begin(h);
    else if (w->stopping)
      lay_down(w);
    else
      brrr__hand_ask(h);
  }
}

/* ==== The worker's life ================================================== */

static brrr_status check(const brrr_worker_options *o) {
  if (!o->topic_count || !o->app == !o->handle)
    return BRRR_E_MISUSE;
  for (size_t i = 0; i < o->topic_count; i++) {
    brrr_status s = brrr__topic_check(&o->backends, o->topics[i]);
    if (s != BRRR_OK)
      return s;
  }
  return BRRR_OK;
}

/* The arrays of a worker, in its arena. */
static brrr_status get_room(brrr_worker *w) {
  const brrr_worker_options *o = &w->options;
  const size_t concurrency = o->concurrency ? o->concurrency : 1;
  w->lane_count = o->topic_count;
  if (w->lane_count > SIZE_MAX / concurrency / 2)
    return BRRR_E_NOMEM;
  w->hand_count = w->lane_count * concurrency;
  for (w->bucket_count = 1; w->bucket_count < w->hand_count;)
    w->bucket_count *= 2;
  w->lanes = brrr__arena_array(&w->arena, w->lane_count, sizeof *w->lanes);
  w->hands = brrr__arena_array(&w->arena, w->hand_count, sizeof *w->hands);
  w->leaders =
      brrr__arena_array(&w->arena, w->bucket_count, sizeof(brrr__hand *));
  if (!w->lanes || !w->hands || !w->leaders)
    return BRRR_E_NOMEM;
  for (size_t i = 0; i < w->lane_count; i++) {
    w->lanes[i] = (brrr__lane){.worker = w};
    if (brrr_arena_copy(&w->arena, o->topics[i], &w->lanes[i].topic))
      return BRRR_E_NOMEM;
  }
  return BRRR_OK;
}

static brrr_status get_memos(brrr_worker *w) {
  const brrr_worker_options *o = &w->options;
  const size_t octets = o->memo_octets ? o->memo_octets : MEMO_OCTETS;
  brrr_status s = BRRR_OK;
  if (!o->no_watch)
    s = brrr_memo_new(&w->watch, o->alloc, octets);
  if (s == BRRR_OK && o->app)
    s = brrr_memo_new(&w->asked, o->alloc, octets);
  return s;
}

/* Nothing here can fail. */
static void begin(brrr_worker *w) {
  uv_loop_t *loop = w->options.loop;
  const size_t concurrency = w->hand_count / w->lane_count;
  w->ready_end = &w->ready;
  w->at_work = w->hand_count;
  w->open = 1 + w->lane_count + w->hand_count;
  uv_idle_init(loop, &w->turn);
  w->turn.data = w;
  for (size_t i = 0; i < w->lane_count; i++) {
    uv_timer_init(loop, &w->lanes[i].pause);
    w->lanes[i].pause.data = &w->lanes[i];
  }
  for (size_t i = 0; i < w->bucket_count; i++)
    w->leaders[i] = NULL;
  for (size_t i = 0; i < w->hand_count; i++) {
    brrr__hand *h = &w->hands[i];
    *h = (brrr__hand){.lane = &w->lanes[i / concurrency]};
    h->invocation.hand = h;
    uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    brrr__hand_ready(h, BRRR__HAND_EMPTY);
  }
}

/* Before it begins, or after it has ended. */
static void dispose(brrr_worker *w) {
  brrr_memo_free(w->watch);
  brrr_memo_free(w->asked);
  brrr_arena_free(&w->arena);
  brrr__alloc(w->options.alloc, w, sizeof *w, 0);
}

brrr_status brrr_worker_start(brrr_worker **out,
                              const brrr_worker_options *options) {
  brrr_status s = check(options);
  if (s != BRRR_OK)
    return s;
  brrr_worker *w = brrr__alloc(options->alloc, NULL, 0, sizeof *w);
  if (!w)
    return BRRR_E_NOMEM;
  *w = (brrr_worker){.options = *options};
  brrr_arena_init(&w->arena, options->alloc);
  s = get_room(w);
  if (s == BRRR_OK)
    s = get_memos(w);
  if (s != BRRR_OK) {
    dispose(w);
    return s;
  }
  w->options.topics = NULL; /* the lanes have them */
  begin(w);
  *out = w;
  return BRRR_OK;
}

void brrr_worker_stop(brrr_worker *w) {
  if (w->stopping)
    return;
  w->stopping = true;
  brrr__worker_log(w, BRRR_INFO, "stopping");
  for (size_t i = 0; i < w->lane_count; i++)
    brrr__lane_rouse(&w->lanes[i]);
  for (size_t i = 0; i < w->hand_count; i++)
    brrr__hand_stop(&w->hands[i]);
  if (w->options.backends.queue.wake && w->at_work)
    w->options.backends.queue.wake(w->options.backends.queue.self);
}

void brrr__worker_stop_with(brrr_worker *w, brrr_status status) {
  if (w->status == BRRR_OK)
    w->status = status;
  brrr_worker_stop(w);
}

void brrr_worker_free(brrr_worker *w) {
  if (!w)
    return;
  assert(w->open == 0);
  for (size_t i = 0; i < w->hand_count; i++)
    brrr__hand_free(&w->hands[i]);
  dispose(w);
}
