/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_handler.c - L6: what handles a message: a raw handler.
 */
#include "worker_parts.h"

#include "topic.h"

#include <assert.h>
#include <time.h>

/* The first topic among those of children that must not be used [REDIS-4];
 * NULL if there is none. */
static const brrr_bytes *find_astray(const brrr_backends *backends,
                                     const brrr_reply *reply) {
  for (size_t n = 0; n < reply->count; n++) {
    const brrr_bytes *topic = &reply->children[n].topic;
    if (topic->len && brrr__topic_check(backends, *topic) != BRRR_OK)
      return topic;
  }
  return NULL;
}

static void answer(brrr_invocation *i, const brrr_reply *reply) {
  brrr__hand *h = i->hand;
  assert(i->call); /* it must be answered once only */
  i->call = NULL;
  h->handler_ns = uv_hrtime() - h->invoked;
  const brrr_bytes *astray =
      find_astray(&h->lane->worker->options.backends, reply);
  if (astray)
    i->done.fn(i->done.ud,
               &(brrr_reply){.status = BRRR_E_TOPIC, .value = *astray});
  else
    i->done.fn(i->done.ud, reply);
}

void brrr__hand_invoke(void *hand, const brrr_effect *e, brrr_done done) {
  brrr__hand *h = hand;
  const brrr_worker_options *o = &h->lane->worker->options;
  h->invocation.call = e->call;
  h->invocation.done = done;
  h->invoked = uv_hrtime();
  o->handle(o->ud, &h->invocation); /* [WORK-2] [WORK-3] */
}

const brrr_call *brrr_invocation_call(const brrr_invocation *i) {
  return i->call;
}

brrr_bytes brrr_invocation_topic(const brrr_invocation *i) {
  return i->hand->lane->topic;
}

void brrr_invocation_respond(brrr_invocation *i, brrr_bytes value) {
  answer(i, &(brrr_reply){.value = value});
}

void brrr_invocation_defer(brrr_invocation *i, const brrr_child *children,
                           size_t count) {
  answer(i, &(brrr_reply){.status = BRRR_DEFER,
                          .now = time(NULL),
                          .children = children,
                          .count = count});
}

void brrr_invocation_fail(brrr_invocation *i, brrr_bytes why) {
  answer(i, &(brrr_reply){.status = BRRR_E_TASK, .value = why});
}
