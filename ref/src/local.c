/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * local.c - L5: runs a whole call graph in memory, in one call.
 *
 * Store and cache are the memory backend; the queue is a list of this file's
 * own, since here one worker takes the messages of all topics. Everything ends
 * before it returns, so nothing waits for anything.
 */
#include <brrr/local.h>
#include <brrr/memory.h>

#include "app.h"
#include "invoke.h"

#include <string.h>
#include <time.h>

#define MEMO_OCTETS ((size_t)1 << 20)
#define ROOT_ID "local"

typedef struct message {
  struct message *next;
  size_t topic_len, len;
  uint8_t octets[]; /* the topic, then the message */
} message;

typedef struct local {
  brrr_alloc alloc;
  brrr_memory *memory;
  brrr_memo *watch;
  brrr_backends backends;
  brrr_handling how;
  brrr__invoke invoke;
  message *head, **end;

  /* What the operation that ended last came to. */
  brrr_status status;
  brrr_error error;
  brrr_bytes words; /* in the caller's arena, as is: */
  brrr_bytes value;
  brrr_arena *arena;
} local;

/* ---- the queue ----------------------------------------------------------- */

static size_t size_of(const message *m) {
  return sizeof *m + m->topic_len + m->len;
}

static void copy(uint8_t *to, brrr_bytes from) {
  if (from.len)
    memcpy(to, from.ptr, from.len);
}

static void put(void *self, const brrr_effect *e, brrr_done done) {
  local *l = self;
  const size_t size = sizeof(message) + e->name.len + e->value.len;
  message *m = brrr__alloc(l->alloc, NULL, 0, size);
  if (m) {
    *m = (message){.topic_len = e->name.len, .len = e->value.len};
    copy(m->octets, e->name);
    copy(m->octets + m->topic_len, e->value);
    *l->end = m;
    l->end = &m->next;
  }
  done.fn(done.ud, &(brrr_reply){.status = m ? BRRR_OK : BRRR_E_NOMEM});
}

static message *take(local *l) {
  message *m = l->head;
  if (m && !(l->head = m->next))
    l->end = &l->head;
  return m;
}

static void drop(local *l, message *m) {
  brrr__alloc(l->alloc, m, size_of(m), 0);
}

/* ---- operations ---------------------------------------------------------- */

static int64_t now(void) { return time(NULL); }

static void invoke(void *self, const brrr_effect *e, brrr_done done) {
  local *l = self;
  brrr__invoke_start(&l->invoke, e->call, done);
}

static void on_end(void *ud, const brrr_op *op, brrr_status status,
                   brrr_bytes words) {
  local *l = ud;
  l->status = status;
  l->error = *brrr_op_error(op);
  if (brrr_arena_copy(l->arena, words, &l->words) ||
      brrr_arena_copy(l->arena, brrr_op_value(op), &l->value))
    l->status = BRRR_E_NOMEM;
}

/* Runs an operation to its end, unless `s`, what making it came to, is not OK.
 */
static brrr_status run(local *l, brrr_op *op, brrr_status s) {
  brrr__pump pump;
  l->status = s;
  if (s == BRRR_OK)
    brrr__pump_start(&pump, l->alloc, op, &l->backends,
                     (brrr_backend){.submit = invoke, .self = l},
                     (brrr__pump_end){on_end, l});
  return l->status;
}

static brrr_status schedule(local *l, brrr_bytes topic, const brrr_call *call) {
  brrr_op *op = NULL;
  brrr_status s = brrr_op_schedule(&op, l->alloc, &l->how.limits, topic, call,
                                   BRRR_LIT(ROOT_ID));
  return run(l, op, s);
}

static brrr_status handle(local *l, const message *m) {
  brrr_op *op = NULL;
  l->how.now = now();
  brrr_status s = brrr_op_handle(
      &op, l->alloc, &l->how, (brrr_bytes){m->octets, m->topic_len},
      (brrr_bytes){m->octets + m->topic_len, m->len});
  return run(l, op, s);
}

static brrr_status read_value(local *l, brrr_bytes call_hash) {
  brrr_op *op = NULL;
  brrr_status s = brrr_op_read(&op, l->alloc, call_hash);
  return run(l, op, s);
}

/* ---- all ----------------------------------------------------------------- */

static brrr_status open(local *l) {
  brrr_status s = brrr_memory_new(&l->memory, l->alloc);
  if (s == BRRR_OK)
    s = brrr_memo_new(&l->watch, l->alloc, MEMO_OCTETS);
  if (s == BRRR_OK)
    s = brrr_memo_new(&l->invoke.how.asked, l->alloc, MEMO_OCTETS);
  if (s != BRRR_OK)
    return s;
  const brrr_backend memory = brrr_memory_backend(l->memory);
  l->backends = (brrr_backends){
      .queue = {.submit = put, .self = l}, .store = memory, .cache = memory};
  l->how.skip = true;
  l->how.watch = l->watch;
  l->how.consistent = true;
  return BRRR_OK;
}

static void close(local *l) {
  for (message *m; (m = take(l));)
    drop(l, m);
  brrr_memo_free(l->invoke.how.asked);
  brrr_memo_free(l->watch);
  brrr_memory_free(l->memory);
}

/* The value of the call, as octets, in l->value. */
static brrr_status work(local *l, const char *topic, const brrr_call *call) {
  brrr_status s = schedule(l, brrr_bytes_str(topic ? topic : "local"), call);
  for (message *m; s == BRRR_OK && (m = take(l));) {
    s = handle(l, m);
    drop(l, m);
  }
  return s == BRRR_OK ? read_value(l, call->call_hash) : s;
}

static brrr_status decode(local *l, const brrr_ask *ask, const void **value) {
  const brrr_codec *c = l->invoke.app->codec;
  const brrr_bytes name = brrr_bytes_str(ask->task);
  brrr_status s =
      c->decode_value(c->self, l->arena, name, l->value, value, &l->error);
  if (s == BRRR_OK)
    return BRRR_OK;
  return brrr__app_refused(l->arena, s, "value of ", name, &l->error,
                           &l->words);
}

brrr_status brrr_local_call(const brrr_app *app,
                            const brrr_local_options *options,
                            const brrr_ask *ask, brrr_arena *a,
                            const void **value, brrr_error *err,
                            brrr_bytes *detail) {
  const brrr_local_options o = options ? *options : (brrr_local_options){0};
  brrr_call call;
  local l = {.alloc = o.alloc, .how.limits = o.limits, .arena = a};
  l.error = (brrr_error){.reason = "", .requirement = ""};
  l.end = &l.head;
  l.invoke = (brrr__invoke){.app = app,
                            .how.check = o.check_reruns,
                            .backends = &l.backends,
                            .alloc = o.alloc,
                            .now = now};
  brrr_status s = brrr__app_call(app, a, ask, &call, &l.error, &l.words);
  if (s == BRRR_OK)
    s = open(&l);
  if (s == BRRR_OK)
    s = work(&l, ask->topic, &call);
  if (s == BRRR_OK)
    s = decode(&l, ask, value);
  close(&l);
  if (s < 0 && err) {
    *err = l.error;
    err->status = s;
  }
  if (s < 0 && detail)
    *detail = l.words;
  return s;
}
