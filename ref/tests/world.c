/* SPDX-License-Identifier: AGPL-3.0-only */
#include "world.h"

#include <stdio.h>

#define ENTRIES_MAX 16
#define LOG_MAX ((size_t)64 * 1024)

static brrr_bytes keep(world *w, brrr_bytes in) {
  brrr_bytes out;
  assert_int_equal(brrr_arena_copy(&w->arena, in, &out), BRRR_OK);
  return out;
}

void world_init(world *w) {
  *w = (world){.answer = {.status = BRRR_OK, .now = WORLD_NOW}};
  brrr_arena_init(&w->arena, (brrr_alloc){0});
  w->entries = brrr_arena_get(&w->arena, ENTRIES_MAX * sizeof *w->entries);
  w->counters = brrr_arena_get(&w->arena, ENTRIES_MAX * sizeof *w->counters);
  w->log = brrr_arena_get(&w->arena, LOG_MAX);
  assert_non_null(w->entries);
  assert_non_null(w->counters);
  assert_non_null(w->log);
  *w->log = '\0';
}

void world_free(world *w) { brrr_arena_free(&w->arena); }

/* ==== State ============================================================== */

static world_entry *find(world *w, brrr_key key) {
  for (size_t i = 0; i < w->entry_count; i++)
    if (w->entries[i].kind == key.kind &&
        brrr_bytes_equal(w->entries[i].call_hash, key.call_hash))
      return &w->entries[i];
  return NULL;
}

void world_put(world *w, brrr_key key, brrr_bytes octets) {
  world_entry *e = find(w, key);
  if (!e) {
    assert_true(w->entry_count < ENTRIES_MAX);
    e = &w->entries[w->entry_count++];
    e->kind = key.kind;
    e->call_hash = keep(w, key.call_hash);
  }
  e->octets = keep(w, octets);
}

static void drop(world *w, world_entry *e) {
  *e = w->entries[--w->entry_count];
}

static world_counter *counter(world *w, brrr_bytes name) {
  for (size_t i = 0; i < w->counter_count; i++)
    if (brrr_bytes_equal(w->counters[i].name, name))
      return &w->counters[i];
  assert_true(w->counter_count < ENTRIES_MAX);
  world_counter *c = &w->counters[w->counter_count++];
  *c = (world_counter){keep(w, name), 0};
  return c;
}

void world_set(world *w, brrr_kind kind, const char *hash, const char *octets) {
  world_put(w, (brrr_key){kind, brrr_bytes_str(hash)}, brrr_bytes_str(octets));
}

void world_remove(world *w, brrr_kind kind, const char *hash) {
  world_entry *e = find(w, (brrr_key){kind, brrr_bytes_str(hash)});
  assert_non_null(e);
  drop(w, e);
}

void world_count(world *w, const char *name, int64_t num) {
  counter(w, brrr_bytes_str(name))->num = num;
}

void assert_stored(world *w, brrr_kind kind, const char *hash,
                   const char *octets) {
  const world_entry *e = find(w, (brrr_key){kind, brrr_bytes_str(hash)});
  if (!octets)
    assert_null(e);
  else if (!e)
    fail_msg("%s/%s is absent", brrr_kind_name(kind), hash);
  else
    assert_bytes_str(e->octets, octets);
}

void assert_counted(world *w, const char *name, int64_t num) {
  assert_int_equal(counter(w, brrr_bytes_str(name))->num, num);
}

void assert_log(const world *w, const char *log) {
  assert_string_equal(w->log, log);
}

/* ==== Long texts ========================================================== */

brrr_bytes world_long(world *w, char fill) {
  const size_t len = 17000;
  uint8_t *all = brrr_arena_get(&w->arena, len);
  assert_non_null(all);
  memset(all, fill, len);
  return (brrr_bytes){all, len};
}

static brrr_bytes finish(const brrr_buf *b) {
  brrr_bytes out;
  assert_int_equal(brrr_buf_finish(b, &out, NULL), BRRR_OK);
  return out;
}

brrr_bytes world_call(world *w, const brrr_call *call) {
  brrr_buf b;
  brrr_buf_init(&b, &w->arena);
  brrr_call_encode(&b, call);
  return finish(&b);
}

brrr_bytes world_message(world *w, brrr_bytes root_id, brrr_bytes call_hash) {
  brrr_buf b;
  brrr_buf_init(&b, &w->arena);
  brrr_schedule_message_encode(&b,
                               &(brrr_schedule_message){root_id, call_hash});
  return finish(&b);
}

brrr_bytes world_returns(world *w, brrr_pending_return *returns, size_t count) {
  brrr_buf b;
  brrr_buf_init(&b, &w->arena);
  brrr_pending_returns_encode(&b, &(brrr_pending_returns){returns, count, 1});
  return finish(&b);
}

/* ==== Acts =============================================================== */

static int shown(brrr_bytes text) {
  return text.len < 1000 ? (int)text.len : 1000;
}

static void write_log(world *w, const char *verb, const char *kind,
                      brrr_bytes name, brrr_bytes octets) {
  w->line = w->log_len;
  const int len =
      snprintf(w->log + w->log_len, LOG_MAX - w->log_len, "%s %s%.*s%s%.*s\n",
               verb, kind, shown(name), (const char *)name.ptr,
               octets.len ? " " : "", shown(octets), (const char *)octets.ptr);
  assert_true(len > 0 && (size_t)len < LOG_MAX - w->log_len);
  w->log_len += (size_t)len;
}

static void log_effect(world *w, const brrr_effect *e) {
  static const char *const verbs[] = {
      [BRRR_STORE_GET] = "get", [BRRR_STORE_HAS] = "has",
      [BRRR_STORE_SET] = "set", [BRRR_STORE_SET_NEW] = "new",
      [BRRR_STORE_CAS] = "cas", [BRRR_STORE_CAD] = "cad",
  };
  const brrr_bytes none = {NULL, 0};
  char kind[32];
  switch (e->type) {
  case BRRR_CACHE_INCR:
    write_log(w, "incr", "", e->name, none);
    break;
  case BRRR_QUEUE_PUT:
    write_log(w, "put", "", e->name, e->value);
    break;
  case BRRR_INVOKE:
    write_log(w, "invoke", "", e->call->call_hash, none);
    break;
  case BRRR_RUN:
    write_log(w, "run", "", BRRR_LIT("task"), none);
    break;
  default:
    assert_true((size_t)e->type < sizeof verbs / sizeof *verbs);
    snprintf(kind, sizeof kind, "%s/", brrr_kind_name(e->key.kind));
    write_log(w, e->retry ? "get, retry" : verbs[e->type], kind,
              e->key.call_hash, e->value);
  }
}

static brrr_reply store(world *w, const brrr_effect *e) {
  world_entry *found = find(w, e->key);
  brrr_reply reply = {.status = BRRR_OK};
  switch (e->type) {
  case BRRR_STORE_GET:
  case BRRR_STORE_HAS:
    reply.status = found ? BRRR_OK : BRRR_ABSENT;
    if (found && e->type == BRRR_STORE_GET)
      reply.value = found->octets;
    return reply;
  case BRRR_STORE_SET:
    world_put(w, e->key, e->value);
    return reply;
  case BRRR_STORE_SET_NEW:
    reply.status = found ? BRRR_MISMATCH : BRRR_OK;
    if (!found)
      world_put(w, e->key, e->value);
    return reply;
  default:
    if (!found || !brrr_bytes_equal(found->octets, e->expected))
      reply.status = BRRR_MISMATCH;
    else if (e->type == BRRR_STORE_CAS)
      world_put(w, e->key, e->value);
    else
      drop(w, found);
    return reply;
  }
}

/* Is the effect whose line was logged last to end in the fault? */
static bool is_faulty(world *w) {
  const world_fault *f = w->fault;
  if (!f || w->faults >= f->times)
    return false;
  const size_t len = strlen(f->line);
  if (strncmp(w->log + w->line, f->line, len) != 0 ||
      (w->log[w->line + len] != '\n' && w->log[w->line + len] != ' '))
    return false;
  w->faults++;
  return true;
}

brrr_reply world_act(world *w, const brrr_effect *e) {
  if (w->before)
    w->before(w, e);
  log_effect(w, e);
  if (is_faulty(w))
    return (brrr_reply){.status = w->fault->status};
  switch (e->type) {
  case BRRR_CACHE_INCR:
    return (brrr_reply){.num = ++counter(w, e->name)->num};
  case BRRR_QUEUE_PUT:
    return (brrr_reply){.status = BRRR_OK};
  case BRRR_INVOKE:
    return w->answer;
  case BRRR_RUN:
    brrr_run_task(e->run);
    return (brrr_reply){.status = BRRR_OK};
  default:
    return store(w, e);
  }
}

/* The engine must copy what it needs of a reply: a sanitizer sees it when it
 * has not. */
static brrr_reply lend(brrr_reply reply) {
  brrr_child *children = malloc((reply.count + 1) * sizeof *children);
  assert_non_null(children);
  for (size_t i = 0; i < reply.count; i++) {
    const brrr_child *c = &reply.children[i];
    children[i] =
        (brrr_child){exact(c->topic),
                     {exact(c->call.call_hash), exact(c->call.task_name),
                      exact(c->call.payload)}};
  }
  reply.children = children;
  reply.value = exact(reply.value);
  return reply;
}

static void take_back(const brrr_reply *reply) {
  for (size_t i = 0; i < reply->count; i++) {
    const brrr_child *c = &reply->children[i];
    exact_free(c->topic);
    exact_free(c->call.call_hash);
    exact_free(c->call.task_name);
    exact_free(c->call.payload);
  }
  free((void *)(uintptr_t)reply->children);
  exact_free(reply->value);
}

brrr_status world_run(world *w, brrr_op *op) {
  const brrr_effect *asked[CHOICES_MAX] = {NULL};
  size_t count = 0;
  for (;;) {
    const brrr_effect *e = NULL;
    brrr_status s = brrr_op_next(op, &e);
    if (s == BRRR_EFFECT) {
      assert_true(count < CHOICES_MAX);
      asked[count++] = e;
      continue;
    }
    if (s != BRRR_WAIT) {
      assert_int_equal(count, 0);
      assert_int_equal(brrr_op_next(op, &e), s); /* it stays at its end */
      return s;
    }
    assert_true(count > 0);
    size_t i = w->choose ? w->choose(w->ud, count) : 0;
    if (!(e = asked[i]))
      abort(); /* chosen from beyond what was asked for */
    memmove(&asked[i], &asked[i + 1], (--count - i) * sizeof *asked);
    const uint64_t id = e->id;
    const brrr_reply reply = lend(world_act(w, e));
    assert_int_equal(brrr_op_reply(op, id, &reply), BRRR_OK);
    assert_int_equal(brrr_op_reply(op, id, &reply), BRRR_E_MISUSE);
    take_back(&reply);
  }
}

brrr_status world_handle(world *w, const brrr_limits *limits,
                         const char *message, brrr_error *err) {
  const brrr_handling how = {.limits = limits ? *limits : (brrr_limits){0}};
  heap h = {0};
  brrr_op *op = NULL;
  const brrr_bytes topic = exact(WORLD_TOPIC);
  const brrr_bytes octets = exact(brrr_bytes_str(message));
  assert_int_equal(brrr_op_handle(&op, heap_alloc(&h), &how, topic, octets),
                   BRRR_OK);
  exact_free(octets);
  exact_free(topic);
  const brrr_status s = world_run(w, op);
  *err = *brrr_op_error(op);
  assert_int_equal(err->status, s < 0 ? s : BRRR_OK);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  return s;
}

void world_sweep_handle(heap *h, void *before) {
  world_before *const *begin = before;
  world w;
  const brrr_bytes message = (*begin)(&w);
  brrr_op *const untouched = (brrr_op *)&w, *op = untouched;
  brrr_status s =
      brrr_op_handle(&op, heap_alloc(h), NULL, WORLD_TOPIC, message);
  if (s) {
    assert_int_equal(s, BRRR_E_NOMEM);
    assert_ptr_equal(op, untouched);
  } else {
    s = world_run(&w, op);
    brrr_op_free(op);
  }
  assert_int_equal(s, h->fail_at ? BRRR_E_NOMEM : BRRR_OK);
  world_free(&w);
}

/* ==== All orders ========================================================= */

size_t choices_choose(void *ud, size_t count) {
  choices *c = ud;
  assert_true(c->depth < CHOICES_MAX);
  const size_t i = c->depth++;
  if (c->of[i] == 0) /* not been here: the first */
    c->taken[i] = 0;
  c->of[i] = count;
  return c->taken[i];
}

bool choices_next(choices *c) {
  while (c->depth > 0) {
    const size_t i = --c->depth;
    if (++c->taken[i] < c->of[i]) {
      memset(&c->of[i + 1], 0, (CHOICES_MAX - i - 1) * sizeof *c->of);
      c->depth = 0;
      return true;
    }
  }
  return false;
}
