/* SPDX-License-Identifier: AGPL-3.0-only */
#include "fleet.h"

#define NOW 1700000000
#define CHILD_TOPIC 'u' /* where children are asked for */

/* ---- names --------------------------------------------------------------- */

static brrr_bytes name_of(const char *c) {
  return (brrr_bytes){(const uint8_t *)c, 1};
}

static char letter(brrr_bytes b) {
  assert_int_equal(b.len, 1);
  return (char)b.ptr[0];
}

static const char *children_of(const fleet *f, char name) {
  return f->plan->calls[fleet_call(f, name)] + 1;
}

static void add(fleet_list *l, fleet_message m) {
  assert_true(l->count < FLEET_MESSAGES);
  l->all[l->count++] = m;
}

/* ---- the backend --------------------------------------------------------- */

typedef struct result {
  brrr_arena *arena;
  brrr_reply reply;
} result;

static void keep(void *ud, const brrr_reply *reply) {
  result *r = ud;
  r->reply = *reply;
  if (reply->value.len)
    assert_int_equal(brrr_arena_copy(r->arena, reply->value, &r->reply.value),
                     BRRR_OK);
}

static brrr_reply submit(const fleet *f, brrr_arena *a, const brrr_effect *e) {
  const brrr_backend b = brrr_memory_backend(f->memory);
  result r = {.arena = a};
  b.submit(b.self, e, (brrr_done){keep, &r});
  return r.reply;
}

bool fleet_is_stored(const fleet *f, brrr_kind kind, char call) {
  return submit(f, NULL,
                &(brrr_effect){.type = BRRR_STORE_HAS,
                               .key = {kind, name_of(&call)}})
             .status == BRRR_OK;
}

bool fleet_stored(const fleet *f, brrr_arena *a, brrr_kind kind, char call,
                  brrr_bytes *out) {
  const brrr_reply r = submit(
      f, a,
      &(brrr_effect){.type = BRRR_STORE_GET, .key = {kind, name_of(&call)}});
  *out = r.value;
  return r.status == BRRR_OK;
}

static fleet_list returns_in(brrr_arena *a, brrr_bytes octets) {
  fleet_list l = {.count = 0};
  brrr_pending_returns p;
  assert_int_equal(brrr_pending_returns_decode(&p, a, octets, NULL), BRRR_OK);
  for (size_t i = 0; i < p.count; i++)
    add(&l, (fleet_message){letter(p.returns[i].root_id),
                            letter(p.returns[i].call_hash),
                            letter(p.returns[i].topic)});
  return l;
}

fleet_list fleet_waiting(const fleet *f, char call) {
  fleet_list l = {.count = 0};
  brrr_arena a;
  brrr_bytes octets;
  if (!fleet_is_stored(f, BRRR_KIND_PENDING_RETURNS, call))
    return l;
  brrr_arena_init(&a, (brrr_alloc){0});
  if (fleet_stored(f, &a, BRRR_KIND_PENDING_RETURNS, call, &octets))
    l = returns_in(&a, octets);
  brrr_arena_free(&a);
  return l;
}

/* ---- the beginning ------------------------------------------------------- */

static void store(fleet *f, brrr_arena *a, brrr_kind kind, char call,
                  const brrr_buf *b) {
  brrr_bytes octets;
  assert_int_equal(brrr_buf_finish(b, &octets, NULL), BRRR_OK);
  (void)submit(f, a,
               &(brrr_effect){.type = BRRR_STORE_SET,
                              .key = {kind, name_of(&call)},
                              .value = octets});
}

static void store_call(fleet *f, brrr_arena *a, char call) {
  brrr_buf b;
  brrr_buf_init(&b, a);
  brrr_call_encode(&b, &(brrr_call){.task_name = BRRR_LIT("task"),
                                    .payload = name_of(&call)});
  store(f, a, BRRR_KIND_CALL, call, &b);
}

/* "arpt": for a waits the call p, of root r, from topic t. */
static void store_waiting(fleet *f, brrr_arena *a, const char *text) {
  brrr_buf b;
  brrr_pending_return ret = {name_of(text + 1), name_of(text + 2),
                             name_of(text + 3)};
  brrr_buf_init(&b, a);
  brrr_pending_returns_encode(&b, &(brrr_pending_returns){.returns = &ret,
                                                          .count = 1,
                                                          .scheduled_at = NOW});
  store(f, a, BRRR_KIND_PENDING_RETURNS, text[0], &b);
  f->deferred |= 1u << fleet_call(f, text[2]);
  store_call(f, a, text[0]);
  store_call(f, a, text[2]);
}

/* A worker without a memory of before. */
static void begin_worker(const fleet *f, fleet_worker *w) {
  const fleet_worker *first = f->workers;
  *w = (fleet_worker){.cheap = f->plan->cheap >> (w - first) & 1};
  if (w->cheap && f->plan->one_memo && w != first)
    w->memo = first->memo;
  else if (w->cheap)
    assert_int_equal(brrr_memo_new(&w->memo, (brrr_alloc){0}, 100000), BRRR_OK);
}

static void end_worker(const fleet *f, fleet_worker *w) {
  brrr_op_free(w->op);
  if (!f->plan->one_memo || w == f->workers)
    brrr_memo_free(w->memo);
}

void fleet_init(fleet *f, const fleet_plan *plan) {
  brrr_arena a;
  *f = (fleet){.plan = plan};
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(brrr_memory_new(&f->memory, (brrr_alloc){0}), BRRR_OK);
  for (uint32_t i = 0; i < plan->workers; i++)
    begin_worker(f, &f->workers[i]);
  for (size_t i = 0; plan->messages[i]; i++) {
    const char *m = plan->messages[i];
    add(&f->queue, (fleet_message){m[0], m[1], m[2]});
    store_call(f, &a, m[1]);
  }
  for (size_t i = 0; plan->waiting[i]; i++)
    store_waiting(f, &a, plan->waiting[i]);
  brrr_arena_free(&a);
}

void fleet_free(fleet *f) {
  for (uint32_t i = 0; i < f->plan->workers; i++)
    end_worker(f, &f->workers[i]);
  brrr_memory_free(f->memory);
}

/* ---- acts ---------------------------------------------------------------- */

static fleet_message remove_at(fleet_list *l, size_t at) {
  const fleet_message m = l->all[at];
  l->all[at] = l->all[--l->count];
  return m;
}

static brrr_bytes octets_of(brrr_arena *a, fleet_message m) {
  brrr_buf b;
  brrr_bytes octets;
  brrr_buf_init(&b, a);
  brrr_schedule_message_encode(
      &b, &(brrr_schedule_message){name_of(&m.root), name_of(&m.call)});
  assert_int_equal(brrr_buf_finish(&b, &octets, NULL), BRRR_OK);
  return octets;
}

/* Begins to handle w->message. */
static void begin_handling(fleet *f, fleet_worker *w) {
  const brrr_handling how = {.limits = {.spawn = f->plan->spawn_limit},
                             .skip = w->cheap,
                             .watch = w->memo,
                             .now = NOW,
                             .force = w->force,
                             .consistent = w->cheap};
  brrr_arena a;
  *w = (fleet_worker){.message = w->message,
                      .cheap = w->cheap,
                      .memo = w->memo,
                      .force = w->force,
                      .history = fleet_memo(f, w) + w->force};
  brrr_arena_init(&a, (brrr_alloc){0});
  assert_int_equal(brrr_op_handle(&w->op, (brrr_alloc){0}, &how,
                                  name_of(&w->message.topic),
                                  octets_of(&a, w->message)),
                   BRRR_OK);
  brrr_arena_free(&a);
}

/* What is merged comes next, and as one [WORK-23]. */
static void end_handling(fleet *f, fleet_worker *w) {
  brrr_op_free(w->op);
  w->op = NULL;
  if (w->merged) {
    w->force = w->merged_force;
    begin_handling(f, w);
  } else {
    *w = (fleet_worker){.cheap = w->cheap, .memo = w->memo};
  }
}

/* Can nobody tell when it is done? Calls and values stay as they are. */
static bool is_unseen(const fleet *f, const brrr_effect *e) {
  switch (e->type) {
  case BRRR_CACHE_INCR:
    return !f->plan->spawn_limit;
  case BRRR_STORE_GET:
  case BRRR_STORE_SET:
    return e->key.kind == BRRR_KIND_CALL &&
           fleet_is_stored(f, BRRR_KIND_CALL, letter(e->key.call_hash));
  case BRRR_STORE_HAS:
    return fleet_is_stored(f, e->key.kind, letter(e->key.call_hash));
  default:
    return false;
  }
}

static void carry_out(fleet *f, fleet_worker *w, size_t at);

static bool do_unseen(fleet *f, fleet_worker *w) {
  for (size_t i = 0; f->plan->eager && i < w->count; i++)
    if (is_unseen(f, w->asked[i])) {
      carry_out(f, w, i);
      return true;
    }
  return false;
}

/* Takes what the operation asks for, until it waits or is over. */
static void advance(fleet *f, fleet_worker *w) {
  while (w->op) {
    const brrr_effect *e;
    const brrr_status s = brrr_op_next(w->op, &e);
    if (s == BRRR_EFFECT) {
      assert_true(w->count < FLEET_EFFECTS);
      w->asked[w->count++] = e;
    } else if (s == BRRR_WAIT) {
      if (!do_unseen(f, w))
        return;
    } else {
      if (s != BRRR_OK && !(s == BRRR_E_SPAWN && f->plan->spawn_limit))
        f->wrong = brrr_status_name(s);
      end_handling(f, w);
    }
  }
}

/* Message `at` of the queue, or of those that are delivered again. */
static void take(fleet *f, fleet_worker *w, size_t at) {
  const bool again = at >= f->queue.count;
  w->message = again ? remove_at(&f->again, at - f->queue.count)
                     : remove_at(&f->queue, at);
  w->force = again && f->plan->fault != FLEET_NO_FORCE;
  if (f->plan->fault == FLEET_NO_RETURNS && w->cheap &&
      fleet_is_stored(f, BRRR_KIND_VALUE, w->message.call))
    return;
  begin_handling(f, w);
}

/* A message like the one in hand: handled with it, once it has ended. */
static void merge(fleet *f, fleet_worker *w, fleet_list *l, size_t at) {
  (void)remove_at(l, at);
  if (f->plan->fault == FLEET_MERGE_BEHIND)
    return;
  w->merged++;
  w->merged_force |= l == &f->again;
}

static void crash(fleet *f, fleet_worker *w) {
  for (uint32_t i = 0; i <= w->merged; i++)
    add(&f->again, w->message);
  end_worker(f, w);
  begin_worker(f, w);
  f->crashed++;
}

/* The handler's next look; its answer after the last. */
static bool look(fleet *f, fleet_worker *w, brrr_arena *a, brrr_reply *reply) {
  static const char topic[] = {CHILD_TOPIC};
  const char *children = children_of(f, w->message.call);
  const size_t count = strlen(children);
  brrr_child *missing = brrr_arena_get(a, FLEET_CHILDREN * sizeof *missing);
  brrr_buf value;
  brrr_bytes octets;
  assert_non_null(missing);
  assert_true(count <= FLEET_CHILDREN);
  if (w->looks < count &&
      fleet_stored(f, a, BRRR_KIND_VALUE, children[w->looks], &octets))
    w->present |= 1u << w->looks;
  if (++w->looks < count)
    return false;

  const char own = (char)(w->message.call - 'a' + 'A');
  *reply = (brrr_reply){.status = BRRR_OK, .now = NOW};
  brrr_buf_init(&value, a);
  brrr_buf_put(&value, name_of(&own));
  for (size_t i = 0; i < count; i++) {
    if (w->present >> i & 1) {
      (void)fleet_stored(f, a, BRRR_KIND_VALUE, children[i], &octets);
      brrr_buf_put(&value, octets);
    } else {
      missing[reply->count++] =
          (brrr_child){.topic = {(const uint8_t *)topic, 1},
                       .call = {name_of(&children[i]), BRRR_LIT("task"),
                                name_of(&children[i])}};
    }
  }
  w->returning = reply->count == 0;
  if (w->returning) {
    assert_int_equal(brrr_buf_finish(&value, &reply->value, NULL), BRRR_OK);
  } else {
    reply->status = BRRR_DEFER;
    reply->children = missing;
    f->deferred |= 1u << fleet_call(f, w->message.call);
  }
  return true;
}

/* S3 of the invariants: a return leaves a record only after its message was
 * put, or refused at the spawn limit. */
static void check_removal(fleet *f, const fleet_worker *w, fleet_list removed) {
  for (size_t i = 0; i < removed.count; i++)
    if (!fleet_has(&w->puts, removed.all[i]) &&
        !(f->exhausted[(unsigned char)removed.all[i].root]))
      f->wrong = "S3: a return was removed that had not been put";
}

/* S6: a return runs under its own root and on its own topic. And a child under
 * the root of its parent, on the topic that was asked for. */
static void check_put(fleet *f, const fleet_worker *w, fleet_message m) {
  if (w->returning ? !fleet_has(&w->reads, m)
                   : m.root != w->message.root || m.topic != CHILD_TOPIC ||
                         !strchr(children_of(f, w->message.call), m.call))
    f->wrong = "S6: a message was put that is not due";
  if (fleet_has(&w->puts, m))
    f->wrong = "RET-3, SCHED-29: a message was put twice";
  const int64_t limit = f->plan->spawn_limit;
  if (limit && ++f->puts[(unsigned char)m.root] > limit)
    f->wrong = "S7: more messages than the spawn limit allows";
}

static brrr_reply put(fleet *f, fleet_worker *w, const brrr_effect *e) {
  brrr_schedule_message m;
  assert_int_equal(brrr_schedule_message_decode(&m, e->value, NULL), BRRR_OK);
  const fleet_message message = {letter(m.root_id), letter(m.call_hash),
                                 letter(e->name)};
  check_put(f, w, message);
  add(&w->puts, message);
  const bool deaf = f->plan->lossy || f->plan->fault == FLEET_DEAF_PUT;
  if (!deaf || f->put_count++)
    add(&f->queue, message);
  return (brrr_reply){.status = BRRR_OK};
}

/* S2: values stay, and stay as they are. */
static void check_value(fleet *f, const brrr_effect *e, brrr_bytes old) {
  if (e->type == BRRR_STORE_HAS)
    return;
  if (e->type != BRRR_STORE_SET ||
      (old.len && !brrr_bytes_equal(old, e->value)))
    f->wrong = "S2: a value was changed";
}

/* The effect as a store does it that does not compare. */
static brrr_effect spoil(const fleet *f, brrr_effect e, bool there,
                         brrr_bytes stored) {
  const bool blind =
      (f->plan->fault == FLEET_BLIND_CAD && e.type == BRRR_STORE_CAD) ||
      (f->plan->fault == FLEET_BLIND_CAS && e.type == BRRR_STORE_CAS);
  if (blind && there)
    e.expected = stored;
  if (f->plan->fault == FLEET_BLIND_NEW && e.type == BRRR_STORE_SET_NEW)
    e.type = BRRR_STORE_SET;
  return e;
}

static brrr_reply use_store(fleet *f, fleet_worker *w, brrr_arena *a,
                            const brrr_effect *e) {
  brrr_bytes old;
  const bool there =
      fleet_stored(f, a, e->key.kind, letter(e->key.call_hash), &old);
  const brrr_effect done = spoil(f, *e, there, old);
  const brrr_reply reply = submit(f, a, &done);
  if (e->key.kind == BRRR_KIND_VALUE)
    check_value(f, e, old);
  if (e->type == BRRR_STORE_HAS && reply.status == BRRR_OK)
    w->returning |= letter(e->key.call_hash) == w->message.call; /* a skip */
  if (e->key.kind != BRRR_KIND_PENDING_RETURNS || !there)
    return reply;
  const fleet_list returns = returns_in(a, old);
  if (e->type == BRRR_STORE_CAD && reply.status == BRRR_OK)
    check_removal(f, w, returns);
  for (size_t i = 0; e->type == BRRR_STORE_GET && i < returns.count; i++)
    if (!fleet_has(&w->reads, returns.all[i]))
      add(&w->reads, returns.all[i]);
  return reply;
}

/* The counter's name ends in the root. */
static brrr_reply count(fleet *f, brrr_arena *a, const brrr_effect *e) {
  const brrr_reply reply = submit(f, a, e);
  const uint8_t root = e->name.ptr[e->name.len - 1];
  f->counted[root]++;
  assert_int_equal(reply.num, f->counted[root]);
  if (f->plan->spawn_limit && reply.num > f->plan->spawn_limit)
    f->exhausted[root] = true;
  return reply;
}

static void carry_out(fleet *f, fleet_worker *w, size_t at) {
  const brrr_effect *e = w->asked[at];
  brrr_arena a;
  brrr_reply reply = {.status = BRRR_OK};
  brrr_arena_init(&a, (brrr_alloc){0});
  bool ended = true;
  if (e->type == BRRR_INVOKE)
    ended = look(f, w, &a, &reply);
  else if (e->type == BRRR_QUEUE_PUT)
    reply = put(f, w, e);
  else if (e->type == BRRR_CACHE_INCR)
    reply = count(f, &a, e);
  else
    reply = use_store(f, w, &a, e);
  if (ended) {
    w->asked[at] = w->asked[--w->count];
    fleet_remember(f, w, e->id, &reply);
    assert_int_equal(brrr_op_reply(w->op, e->id, &reply), BRRR_OK);
  }
  brrr_arena_free(&a);
}

/* ---- choices ------------------------------------------------------------- */

static size_t find(const fleet_list *l, fleet_message m) {
  size_t i = 0;
  while (i < l->count && memcmp(&l->all[i], &m, sizeof m) != 0)
    i++;
  return i;
}

/* Where a busy worker may take a message to merge; NULL: nowhere. */
static fleet_list *mergeable(fleet *f, const fleet_worker *w) {
  if (!f->plan->merges || !w->cheap)
    return NULL;
  if (fleet_has(&f->queue, w->message))
    return &f->queue;
  return fleet_has(&f->again, w->message) ? &f->again : NULL;
}

static bool may_crash(const fleet *f, const fleet_worker *w) {
  return w->cheap && f->crashed < f->plan->crashes;
}

static size_t choices_of(fleet *f, const fleet_worker *w) {
  if (!w->op)
    return f->queue.count + (w->cheap ? f->again.count : 0);
  return w->count + (mergeable(f, w) != NULL) + may_crash(f, w);
}

size_t fleet_choices(fleet *f) {
  size_t n = 0;
  for (uint32_t i = 0; i < f->plan->workers; i++)
    n += choices_of(f, &f->workers[i]);
  return n;
}

void fleet_act(fleet *f, size_t choice) {
  f->wrong = NULL;
  fleet_worker *w = f->workers;
  while (choice >= choices_of(f, w))
    choice -= choices_of(f, w++);
  fleet_list *l = mergeable(f, w);
  if (!w->op)
    take(f, w, choice);
  else if (choice < w->count)
    carry_out(f, w, choice);
  else if (choice == w->count && l)
    merge(f, w, l, find(l, w->message));
  else
    crash(f, w);
  advance(f, w);
}
