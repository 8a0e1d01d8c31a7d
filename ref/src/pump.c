/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * pump.c - L5: runs one operation to its end over backends.
 *
 * The one idea: an answer that comes while the pump is at work is only handed
 * to the operation; the loop that is running already asks what follows from it.
 */
#include "pump.h"

static brrr__ticket *ticket_take(brrr__pump *p) {
  brrr__ticket *t = p->free;
  if (t)
    p->free = t->next;
  else
    t = brrr_arena_get(&p->arena, sizeof *t);
  return t;
}

static void ticket_give(brrr__pump *p, brrr__ticket *t) {
  t->next = p->free;
  p->free = t;
}

/* The caller may free `p` in its callback, so all is copied out before. */
static void finish(brrr__pump *p, brrr_status status) {
  brrr_op *op = p->op;
  brrr_arena arena = p->arena;
  p->op = NULL;
  p->end.fn(p->end.ud, op, status, p->words);
  brrr_op_free(op);
  brrr_arena_free(&arena);
}

static void answer(brrr__pump *p, uint64_t effect, const brrr_reply *reply) {
  if (reply->status < 0 && reply->value.len)
    /* When even the words find no memory, the status must do. */
    (void)brrr_arena_copy(&p->arena, reply->value, &p->words);
  if (brrr_op_reply(p->op, effect, reply) != BRRR_OK)
    /* No effect of this type can end like that: the backend is wrong. */
    (void)brrr_op_reply(p->op, effect, &(brrr_reply){.status = BRRR_E_MISUSE});
}

static void turn(brrr__pump *p);

static void on_done(void *ud, const brrr_reply *reply) {
  brrr__ticket *t = ud;
  brrr__pump *p = t->pump;
  uint64_t effect = t->effect;
  ticket_give(p, t);
  answer(p, effect, reply);
  if (!p->turning)
    turn(p);
}

static const brrr_backend *backend_for(const brrr__pump *p,
                                       brrr_effect_type type) {
  switch (type) {
  case BRRR_CACHE_INCR:
    return &p->backends->cache;
  case BRRR_QUEUE_PUT:
  case BRRR_QUEUE_GET:
    return &p->backends->queue;
  case BRRR_INVOKE:
  case BRRR_RUN:
    return &p->handler;
  default:
    return &p->backends->store;
  }
}

static void start(brrr__pump *p, const brrr_effect *e) {
  brrr__ticket *t = ticket_take(p);
  if (!t) {
    answer(p, e->id, &(brrr_reply){.status = BRRR_E_NOMEM});
    return;
  }
  *t = (brrr__ticket){.pump = p, .effect = e->id};
  const brrr_backend *b = backend_for(p, e->type);
  b->submit(b->self, e, (brrr_done){on_done, t});
}

/* Starts what the operation asks for, until it waits or is over; it is not
 * over before all that it asked for has been answered. */
static void turn(brrr__pump *p) {
  const brrr_effect *e;
  brrr_status s;
  p->turning = true;
  while ((s = brrr_op_next(p->op, &e)) == BRRR_EFFECT)
    start(p, e);
  p->turning = false;
  if (s != BRRR_WAIT)
    finish(p, s);
}

void brrr__pump_start(brrr__pump *p, brrr_alloc alloc, brrr_op *op,
                      const brrr_backends *backends, brrr_backend handler,
                      brrr__pump_end end) {
  *p = (brrr__pump){
      .op = op, .backends = backends, .handler = handler, .end = end};
  brrr_arena_init(&p->arena, alloc);
  for (size_t i = 0; i < sizeof p->first / sizeof *p->first; i++)
    ticket_give(p, &p->first[i]);
  turn(p);
}
