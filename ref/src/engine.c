/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * engine.c - L3: the life of an operation: strands ask, a driver takes their
 * effects and brings the replies.
 *
 * What the steps are is not in this file, and nothing here knows the protocol,
 * but for the replies that an effect may have.
 */
#include "engine.h"

#include "arena.h"
#include "text.h"

#define SPAWN_LIMIT 10000 /* [SCHED-11] [SCHED-12] */
#define CAS_ATTEMPTS 100u /* [STORE-5] [STORE-6] */
#define NUMBER_SHIFT 32   /* an effect's id: strand number, effect number */

const char *brrr_kind_name(brrr_kind kind) {
  switch (kind) { /* [STORE-2] */
  case BRRR_KIND_CALL:
    return "call";
  case BRRR_KIND_VALUE:
    return "value";
  case BRRR_KIND_PENDING_RETURNS:
    return "pending_returns";
  }
  return "";
}

/* ==== Failure ============================================================ */

brrr_status brrr__op_fail(brrr_op *op, brrr_status status,
                          const char *requirement, const char *reason) {
  op->error = (brrr_error){status, 0, reason, requirement};
  return status;
}

brrr_status brrr__op_no_memory(brrr_op *op) {
  return brrr__op_fail(op, BRRR_E_NOMEM, "", brrr_status_text(BRRR_E_NOMEM));
}

brrr_status brrr__op_copy(brrr_op *op, brrr_arena *a, brrr_bytes in,
                          brrr_bytes *out) {
  return brrr_arena_copy(a, in, out) ? brrr__op_no_memory(op) : BRRR_OK;
}

brrr_status brrr__op_check_topic(brrr_op *op, brrr_bytes topic) {
  if (brrr__text_utf8(topic) < topic.len)
    return brrr__op_fail(op, BRRR_E_ENCODE, "WIRE-5",
                         "topic is not well-formed UTF-8");
  return BRRR_OK;
}

static bool has_failed(const brrr_op *op) { return op->error.status < 0; }

/* ==== Strands ============================================================ */

static brrr_status add_strand(brrr_op *op, brrr__strand *s,
                              brrr__steps *steps) {
  void *all =
      brrr__arena_push(&op->arena, op->strands, op->count, sizeof *op->strands);
  if (!all)
    return brrr__op_no_memory(op);
  op->strands = all;
  *s = (brrr__strand){.steps = steps, .number = op->count};
  brrr_arena_init(&s->scratch, op->arena.alloc);
  op->strands[op->count++] = s;
  return BRRR_OK;
}

brrr__strand *brrr__op_strand(brrr_op *op, brrr__steps *steps) {
  brrr__strand *s = brrr_arena_get(&op->arena, sizeof *s);
  if (!s)
    brrr__op_no_memory(op);
  else if (add_strand(op, s, steps))
    s = NULL;
  else
    op->running++;
  return s;
}

brrr__strand *brrr__op_strand_at(brrr_op *op, size_t number,
                                 brrr__steps *steps) {
  if (number == op->count)
    return brrr__op_strand(op, steps);
  op->strands[number]->steps = steps;
  op->running++;
  return op->strands[number];
}

void brrr__op_run(brrr_op *op, brrr__strand *s) {
  brrr_status status = s->steps(op, s);
  if (status == BRRR_WAIT || status < 0)
    return;
  brrr_arena_free(&s->scratch);
  if (s == &op->main)
    op->status = status;
  else if (--op->running == 0 && op->joining)
    brrr__op_run(op, &op->main); /* and no deeper: that one is the last */
}

void brrr__op_ask(brrr_op *op, brrr__strand *s, brrr_effect effect) {
  effect.id = (uint64_t)s->number << NUMBER_SHIFT | s->asked++;
  s->effect = effect;
  s->phase = BRRR__ASKED;
  s->next = NULL;
  if (op->head)
    op->tail->next = s;
  else
    op->head = s;
  op->tail = s;
}

/* ==== The operation, from its driver's side ============================== */

brrr_status brrr__op_new(brrr_op **out, brrr_alloc alloc,
                         const brrr_limits *limits, brrr__steps *steps) {
  if (limits && limits->spawn < 0)
    return BRRR_E_MISUSE;
  brrr_op *op = brrr__alloc(alloc, NULL, 0, sizeof *op);
  if (!op)
    return BRRR_E_NOMEM;
  *op = (brrr_op){.error = {.reason = "", .requirement = ""}};
  if (limits)
    op->limits = *limits;
  if (!op->limits.spawn)
    op->limits.spawn = SPAWN_LIMIT;
  if (!op->limits.cas_attempts)
    op->limits.cas_attempts = CAS_ATTEMPTS;
  brrr_arena_init(&op->arena, alloc);
  brrr_status s = add_strand(op, &op->main, steps);
  if (s)
    brrr_op_free(op);
  else
    *out = op;
  return s;
}

brrr_status brrr__op_begin(brrr_op *op, brrr_status s, brrr_op **out) {
  if (!s)
    brrr__op_run(op, &op->main);
  if (op->error.status == BRRR_E_NOMEM) {
    brrr_op_free(op);
    return BRRR_E_NOMEM;
  }
  *out = op;
  return BRRR_OK;
}

brrr_status brrr_op_next(brrr_op *op, const brrr_effect **effect) {
  if (!has_failed(op) && op->head) {
    brrr__strand *s = op->head;
    op->head = s->next;
    s->phase = BRRR__UNDER_WAY;
    op->under_way++;
    *effect = &s->effect;
    return BRRR_EFFECT;
  }
  if (op->under_way)
    return BRRR_WAIT;
  return has_failed(op) ? op->error.status : op->status;
}

/* May an effect of this type end like this? */
static bool fits(brrr_effect_type type, const brrr_reply *reply) {
  if (reply->status <= 0)
    return true;
  switch (type) {
  case BRRR_STORE_GET:
  case BRRR_STORE_HAS:
    return reply->status == BRRR_ABSENT;
  case BRRR_STORE_SET_NEW:
  case BRRR_STORE_CAS:
  case BRRR_STORE_CAD:
    return reply->status == BRRR_MISMATCH;
  case BRRR_INVOKE: /* a time of 0 would read as unset [REC-22] */
    return reply->status == BRRR_DEFER && reply->now > 0 &&
           reply->now <= BRRR_BEN_MAX_INT;
  default:
    return false;
  }
}

brrr_status brrr_op_reply(brrr_op *op, uint64_t id, const brrr_reply *reply) {
  const uint64_t number = id >> NUMBER_SHIFT;
  if (number >= op->count)
    return BRRR_E_MISUSE;
  brrr__strand *s = op->strands[number];
  if (s->phase != BRRR__UNDER_WAY || s->effect.id != id ||
      !fits(s->effect.type, reply))
    return BRRR_E_MISUSE;
  s->phase = BRRR__IDLE;
  op->under_way--;
  if (has_failed(op)) /* nothing comes after it [WORK-11] */
    return BRRR_OK;
  if (reply->status < 0) {
    brrr__op_fail(op, reply->status,
                  s->effect.type == BRRR_INVOKE ? "WORK-6" : "",
                  brrr_status_text(reply->status));
    return BRRR_OK;
  }
  s->reply = reply;
  brrr__op_run(op, s);
  return BRRR_OK;
}

brrr_bytes brrr_op_value(const brrr_op *op) { return op->value; }

brrr_outcome brrr_op_outcome(const brrr_op *op) {
  return has_failed(op) ? BRRR_FAILED : op->outcome;
}

const brrr_error *brrr_op_error(const brrr_op *op) { return &op->error; }

void brrr_op_free(brrr_op *op) {
  if (!op)
    return;
  for (size_t i = 0; i < op->count; i++)
    brrr_arena_free(&op->strands[i]->scratch);
  brrr_arena arena = op->arena;
  brrr_arena_free(&arena);
  brrr__alloc(arena.alloc, op, sizeof *op, 0);
}
