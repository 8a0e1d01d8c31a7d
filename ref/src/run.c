/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * run.c - L4: one run of a task's code, and what it may do meanwhile: call,
 * gather, allocate.
 *
 * The one idea is the protocol's own: a call whose value is not at hand is only
 * noted, and answered by BRRR_DEFER. Nothing here waits.
 */
#include "app.h"

#include "arena.h"
#include "buf.h"

#include <string.h>

/* ==== Asks =============================================================== */

/* A tree with four branches at each node, by two bits at a time of a hash
 * (FNV-1a) of the call_hash. */
brrr__ask **brrr__ask_at(brrr_run *run, brrr_bytes call_hash) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < call_hash.len; i++)
    hash = (hash ^ call_hash.ptr[i]) * UINT64_C(1099511628211);
  brrr__ask **at = &run->root;
  for (; *at; hash >>= 2) {
    if (brrr_bytes_equal((*at)->child.call.call_hash, call_hash))
      break;
    at = &(*at)->below[hash & 3];
  }
  return at;
}

brrr__ask *brrr__ask_new(brrr_run *run, brrr__ask **at, brrr_bytes call_hash) {
  brrr__ask *ask = brrr_arena_get(&run->op->arena, sizeof *ask);
  if (!ask)
    return NULL;
  *ask = (brrr__ask){.run = 0};
  if (brrr_arena_copy(&run->op->arena, call_hash, &ask->child.call.call_hash))
    return NULL;
  return *at = ask;
}

bool brrr__asks_add(brrr_run *run, brrr__asks *list, brrr__ask *ask) {
  const size_t size = sizeof *list->all, had = list->capacity;
  if (list->count == had) {
    const size_t wanted = had ? 2 * had : 4;
    void *all =
        brrr__arena_grow(&run->op->arena, list->all, had * size, wanted * size);
    if (!all)
      return false;
    list->all = all;
    list->capacity = wanted;
  }
  list->all[list->count++] = ask;
  return true;
}

/* ==== The codec ========================================================== */

brrr_status brrr__app_refused(brrr_arena *a, brrr_status s, const char *what,
                              brrr_bytes task_name, brrr_error *err,
                              brrr_bytes *detail) {
  brrr_buf b;
  if (s != BRRR_E_NOMEM)
    s = BRRR_E_CODEC;
  err->status = s;
  if (!err->reason)
    err->reason = brrr_status_text(s);
  if (!err->requirement)
    err->requirement = "";
  brrr_buf_init(&b, a);
  brrr_buf_put(&b, brrr_bytes_str(what));
  brrr_buf_put(&b, task_name);
  brrr_buf_put(&b, BRRR_LIT(": "));
  brrr_buf_put(&b, brrr_bytes_str(err->reason));
  /* When even the words find no memory, the status must do. */
  (void)brrr_buf_finish(&b, detail, NULL);
  return s;
}

brrr_status brrr__app_call(const brrr_app *app, brrr_arena *a,
                           const brrr_ask *ask, brrr_call *out, brrr_error *err,
                           brrr_bytes *detail) {
  const brrr_codec *c = app->codec;
  const brrr_bytes name = brrr_bytes_str(ask->task);
  brrr_status s = c->encode_call(c->self, a, name, ask->args, out, err);
  if (s)
    return brrr__app_refused(a, s, "arguments of ", name, err, detail);
  return BRRR_OK;
}

/* ==== What a task may do ================================================= */

static bool is_running(const brrr_run *run) {
  return run && atomic_load(&run->running);
}

static brrr_status no_memory(brrr_run *run) {
  const char *why = brrr_status_text(BRRR_E_NOMEM);
  run->error = (brrr_error){BRRR_E_NOMEM, 0, why, ""};
  return BRRR_E_NOMEM;
}

/* The first time that this run asks for a call. The task's own strings need not
 * live as long as the operation. */
static brrr_status first_mention(brrr_run *run, brrr__ask *ask,
                                 const brrr_ask *in, const brrr_call *call) {
  brrr_arena *a = &run->op->arena;
  brrr_child *child = &ask->child;
  if (!ask->run &&
      (brrr_arena_copy(a, brrr_bytes_str(in->topic ? in->topic : ""),
                       &child->topic) ||
       brrr_arena_copy(a, brrr_bytes_str(in->task), &child->call.task_name) ||
       brrr_arena_copy(a, call->payload, &child->call.payload)))
    return no_memory(run);
  if (!brrr__asks_add(run, &run->now, ask))
    return no_memory(run);
  ask->run = run->number;
  run->missing += ask->state != BRRR__ASK_PRESENT;
  return BRRR_OK;
}

static brrr_status note(brrr_run *run, const brrr_ask *in, brrr__ask **out) {
  brrr_call call;
  brrr_error err = {0};
  brrr_status s = brrr__app_call(run->app, &run->op->main.scratch, in, &call,
                                 &err, &run->detail);
  if (s) {
    run->error = err;
    return s;
  }
  brrr__ask **at = brrr__ask_at(run, call.call_hash);
  brrr__ask *ask = *at ? *at : brrr__ask_new(run, at, call.call_hash);
  if (!ask)
    return no_memory(run);
  *out = ask;
  return ask->run == run->number ? BRRR_OK : first_mention(run, ask, in, &call);
}

static brrr_status decode(brrr_run *run, const brrr__ask *ask,
                          const void **value) {
  const brrr_codec *c = run->app->codec;
  const brrr_bytes name = ask->child.call.task_name;
  brrr_arena *a = &run->op->main.scratch;
  brrr_error err = {0};
  brrr_status s = c->decode_value(c->self, a, name, ask->value, value, &err);
  if (s) {
    s = brrr__app_refused(&run->op->arena, s, "value of ", name, &err,
                          &run->detail);
    run->error = err;
  }
  return s;
}

brrr_status brrr_run_gather(brrr_run *run, const brrr_ask *asks, size_t count,
                            const void **values) {
  if (!is_running(run))
    return BRRR_E_MISUSE; /* [APP-3] */
  brrr_arena *a = &run->op->main.scratch;
  brrr__ask **found = brrr__arena_array(a, count, sizeof *found);
  const void **decoded = brrr__arena_array(a, count, sizeof *decoded);
  bool all = true;
  if (!found || !decoded)
    return no_memory(run);
  for (size_t i = 0; i < count; i++) {
    brrr_status s = note(run, &asks[i], &found[i]);
    if (s)
      return s;
    all = all && found[i]->state == BRRR__ASK_PRESENT;
  }
  if (!all)
    return BRRR_DEFER;
  for (size_t i = 0; i < count; i++) {
    brrr_status s = decode(run, found[i], &decoded[i]);
    if (s)
      return s;
  }
  if (count)
    memcpy(values, decoded, count * sizeof *values);
  return BRRR_OK;
}

brrr_status brrr_run_call(brrr_run *run, const brrr_ask *ask,
                          const void **value) {
  return brrr_run_gather(run, ask, 1, value);
}

brrr_arena *brrr_run_arena(brrr_run *run) {
  return is_running(run) ? &run->op->main.scratch : NULL;
}

const brrr_call *brrr_run_this(const brrr_run *run) {
  return is_running(run) ? run->call : NULL;
}

brrr_status brrr_run_fail(brrr_run *run, const char *why) {
  if (!is_running(run))
    return BRRR_E_MISUSE;
  /* When even the words find no memory, the status must do. */
  (void)brrr_arena_copy(&run->op->arena, brrr_bytes_str(why), &run->detail);
  return BRRR_E_TASK;
}

/* ==== A run ============================================================== */

bool brrr_run_blocks(const brrr_run *run) { return run->task->blocks; }

static brrr_status encode(brrr_run *run, const void *value) {
  const brrr_codec *c = run->app->codec;
  const brrr_bytes name = run->call->task_name;
  brrr_op *op = run->op;
  brrr_error err = {0};
  brrr_status s =
      c->encode_value(c->self, &op->arena, name, value, &op->value, &err);
  if (s) {
    s = brrr__app_refused(&op->arena, s, "value of ", name, &err, &run->detail);
    run->error = err;
  }
  return s;
}

/* What a task's code may not end in, or NULL. */
static const char *find_misuse(const brrr_run *run, brrr_status s) {
  if (s == BRRR_OK && run->missing) /* [APP-7] */
    return "task returned a value though a call it asked for has none yet";
  if (s == BRRR_DEFER && !run->missing)
    return "task deferred though it misses no value";
  if (s > 0 && s != BRRR_DEFER)
    return "task returned what is no status of a task";
  return NULL;
}

static void fail(brrr_run *run, brrr_status s, const char *reason) {
  run->error = (brrr_error){s, 0, reason, ""};
}

void brrr_run_task(brrr_run *run) {
  const void *value = NULL;
  atomic_store(&run->running, true);
  brrr_status s = run->task->fn(run, run->args, &value, run->task->ud);
  atomic_store(&run->running, false);
  const char *misuse = find_misuse(run, s);
  if (misuse)
    fail(run, s = BRRR_E_MISUSE, misuse);
  else if (s == BRRR_OK)
    s = encode(run, value);
  else if (s < 0 && run->error.status != s)
    fail(run, s, brrr_status_text(s));
  run->status = s;
}
