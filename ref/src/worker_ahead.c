/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_ahead.c - L6: the next message of a hand, asked for before it is done
 * with the one that it has.
 *
 * The one idea: while the value of a call is being returned, its worker waits
 * for nothing but the server. So the question for the next message rides along,
 * and its answer comes in the same round trip. Never earlier: a message is not
 * to wait behind a handler.
 *
 * This is for a lane with one hand. Where there are several, their messages
 * share round trips already, and what one step does on the server costs it more
 * than it spares.
 */
#include "worker_parts.h"

static void end(brrr__hand *h) {
  h->asks_ahead = false;
  if (h->state == BRRR__HAND_ASKING)
    brrr__ahead_take(h);
}

static void on_parted_unkept(void *ud, const brrr_reply *reply) {
  brrr__hand *h = ud;
  if (reply->status != BRRR_OK)
    brrr__worker_log(h->lane->worker, BRRR_ERROR,
                     "topic %.*s: a message could not be kept, nor set aside",
                     BRRR__TEXT(h->lane->topic));
  end(h);
}

/* What was read with the message is a gain, and no more: where there is no
 * memory for it, it is read again. */
static void keep_call(brrr__hand *h, const brrr_ahead *ahead) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  brrr__kept_clear(&h->call, alloc);
  h->knows_call = ahead && brrr__kept_append(&h->call, alloc, ahead->call.ptr,
                                             ahead->call.len);
  if (!h->knows_call)
    return;
  h->ahead = (brrr_ahead){.has_value = ahead->has_value};
  if (ahead->call.ptr)
    h->ahead.call = h->call.len ? brrr__kept_bytes(&h->call) : BRRR_LIT("");
}

static bool keep(brrr__hand *h, const brrr_reply *reply) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  const brrr_bytes message = reply->value;
  if (!brrr__kept_append(&h->next_message, alloc, message.ptr, message.len))
    return false;
  if (!brrr__batch_add(&h->next_batch, alloc, reply)) {
    brrr__kept_clear(&h->next_message, alloc);
    return false;
  }
  keep_call(h, reply->ahead);
  return true;
}

static void on_got(void *ud, const brrr_reply *reply) {
  brrr__hand *h = ud;
  if (reply->status != BRRR_OK) { /* the hand will ask again, and wait */
    end(h);
  } else if (keep(h, reply)) {
    h->has_next = true;
    end(h);
  } else {
    brrr__hand_take_unkept(h, reply, (brrr_done){on_parted_unkept, h});
  }
}

static bool may_ask(const brrr__hand *h) {
  const brrr_worker *w = h->lane->worker;
  const brrr_backend *queue = &w->options.backends.queue;
  const brrr_backend *store = &w->options.backends.store;
  return w->options.take_ahead && queue->get_ahead &&
         queue->self == store->self && queue->submit == store->submit &&
         w->hand_count == w->lane_count && !w->stopping && !h->asks_ahead &&
         !h->has_next && !h->later.count &&
         !uv_is_active((const uv_handle_t *)&h->lane->pause);
}

void brrr__ahead_ask(brrr__hand *h) {
  if (!may_ask(h))
    return;
  const brrr_backend *queue = &h->lane->worker->options.backends.queue;
  h->asks_ahead = true;
  queue->submit(queue->self,
                &(brrr_effect){.type = BRRR_QUEUE_GET,
                               .name = h->lane->topic,
                               .ahead = true},
                (brrr_done){on_got, h});
}

void brrr__ahead_take(brrr__hand *h) {
  if (h->asks_ahead) {
    h->state = BRRR__HAND_ASKING;
    return;
  }
  if (!h->has_next) {
    brrr__hand_ready(h, BRRR__HAND_EMPTY);
    return;
  }
  const brrr__kept message = h->message;
  const brrr__batch batch = h->now;
  h->message = h->next_message;
  h->now = h->next_batch;
  h->next_message = message; /* empty: their room is used again */
  h->next_batch = batch;
  h->has_next = false;
  brrr__merge_enter(h);
}

void brrr__ahead_free(brrr__hand *h) {
  const brrr_alloc alloc = h->lane->worker->options.alloc;
  brrr__kept_free(&h->next_message, alloc);
  brrr__kept_free(&h->call, alloc);
  brrr__batch_free(&h->next_batch, alloc);
}
