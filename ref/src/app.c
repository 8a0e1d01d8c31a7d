/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * app.c - L4: runs a call of an app: the task's code, then a batch of look-ups
 * of what it asked for, in turn, until it has a value or waits for one.
 *
 * A task's code is run at most once for each batch that found all it looked
 * for. How it asks is in run.c.
 */
#include "app.h"

#include "arena.h"
#include "buf.h"
#include "memo.h"

#define SHOWN ((size_t)32) /* calls of a list, at most */

/* ==== Looking values up ================================================== */

static brrr_status take_value(brrr_op *op, brrr__strand *s) {
  brrr__ask *ask = *brrr__ask_at(op->run, s->job.call_hash);
  if (s->reply->status == BRRR_ABSENT) {
    ask->state = BRRR__ASK_ABSENT;
    return BRRR_OK;
  }
  ask->state = BRRR__ASK_PRESENT;
  return brrr__op_copy(op, &op->arena, s->reply->value, &ask->value);
}

static brrr_status look_up(brrr_op *op, brrr__strand *s) {
  BRRR__BEGIN(s->at[0]);
  BRRR__AWAIT(op, s, .type = BRRR_STORE_GET,
              .key = {BRRR_KIND_VALUE, s->job.call_hash});
  BRRR__END(take_value(op, s));
}

/* All at once: one strand for each that has not been looked up. */
static brrr_status start_looking_up(brrr_op *op, const brrr__asks *list) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->all[i]->state != BRRR__ASK_NEW)
      continue;
    brrr__strand *s = brrr__op_strand(op, look_up);
    if (!s)
      return op->error.status;
    s->job.call_hash = list->all[i]->child.call.call_hash;
    brrr__op_run(op, s);
  }
  return BRRR_OK;
}

/* ==== Running ============================================================ */

/* What the call asked for when it ran last, as if that had been a run of this
 * operation: so its values are looked for before the first one. */
static brrr_status recall(brrr_op *op) {
  brrr_run *run = op->run;
  brrr_arena *a = &op->arena;
  const brrr__memo_list *list =
      run->how.asked ? brrr__memo_find(run->how.asked, run->call->call_hash)
                     : NULL;
  brrr__memo_item item;
  for (size_t at = 0; list && brrr__memo_next(list, &at, &item);) {
    brrr__ask **place = brrr__ask_at(run, item.call_hash);
    brrr__ask *ask =
        *place ? *place : brrr__ask_new(run, place, item.call_hash);
    if (!ask || !brrr__asks_add(run, &run->now, ask) ||
        brrr_arena_copy(a, item.label, &ask->child.call.task_name))
      return brrr__op_no_memory(op);
  }
  return BRRR_OK;
}

/* A memo may forget: without memory for the list nothing is remembered. */
static void remember(brrr_run *run) {
  brrr_memo *m = run->how.asked;
  const brrr_bytes key = run->call->call_hash;
  const brrr__asks *now = &run->now;
  brrr__memo_item *items = NULL;
  if (m && run->status == BRRR_DEFER)
    items = brrr__arena_array(&run->op->arena, now->count, sizeof *items);
  for (size_t i = 0; items && i < now->count; i++)
    items[i] = (brrr__memo_item){now->all[i]->child.call.call_hash,
                                 now->all[i]->child.call.task_name};
  if (items)
    brrr__memo_put(m, key, items, now->count);
  else if (m)
    brrr__memo_forget(m, key);
}

static void begin_run(brrr_run *run) {
  const brrr__asks last = run->last;
  brrr_arena_free(&run->op->main.scratch);
  run->last = run->now;
  run->now = last;
  run->now.count = 0;
  run->number++;
  run->missing = 0;
  run->error = (brrr_error){0};
  run->detail = (brrr_bytes){0};
}

/* How many calls both lists begin with. Of each call there is one ask. */
static size_t count_alike(const brrr__asks *a, const brrr__asks *b) {
  size_t n = 0;
  while (n < a->count && n < b->count && a->all[n] == b->all[n])
    n++;
  return n;
}

/* Did the task ask for other calls than when it ran before? It may well ask for
 * more; for fewer only if a value that was there is not seen any more. */
static bool has_strayed(const brrr_run *run) {
  const brrr__asks *now = &run->now, *last = &run->last;
  if (!run->how.check || run->status < 0)
    return false;
  const size_t alike = count_alike(now, last);
  return alike < last->count && (alike < now->count || run->status == BRRR_OK);
}

/* As much of a list as a reader looks at, from its `first` on. */
static void put_asks(brrr_buf *b, const char *title, const brrr__asks *list,
                     size_t first) {
  brrr_buf_put(b, brrr_bytes_str(title));
  if (first)
    brrr_buf_put(b, BRRR_LIT(" ...,"));
  for (size_t i = first; i < list->count && i < first + SHOWN; i++) {
    const brrr_call *call = &list->all[i]->child.call;
    brrr_buf_put(b, i > first ? BRRR_LIT(", ") : BRRR_LIT(" "));
    brrr_buf_put(b, call->task_name);
    brrr_buf_put(b, BRRR_LIT(" "));
    brrr_buf_put(b, call->call_hash);
  }
  if (list->count > first + SHOWN)
    brrr_buf_put(b, BRRR_LIT(", ..."));
}

/* Both lists; long ones from shortly before the first difference. */
static brrr_status fail_strayed(brrr_op *op) {
  brrr_run *run = op->run;
  const size_t alike = count_alike(&run->now, &run->last);
  const size_t first = alike < SHOWN ? 0 : alike - SHOWN / 2;
  brrr_buf b;
  brrr_buf_init(&b, &op->arena);
  put_asks(&b, "before:", &run->last, first);
  put_asks(&b, "; now:", &run->now, first);
  if (brrr_buf_finish(&b, &run->detail, NULL))
    return brrr__op_no_memory(op);
  return brrr__op_fail(op, BRRR_E_RERUN, "APP-4",
                       brrr_status_text(BRRR_E_RERUN));
}

/* Does the operation go on, after a run? */
static brrr_status judge(brrr_op *op) {
  brrr_run *run = op->run;
  if (has_strayed(run))
    run->status = fail_strayed(op);
  else if (run->status < 0)
    op->error = run->error;
  if (run->status != BRRR_DEFER)
    remember(run);
  return run->status;
}

/* The children to defer on, if a value that this run asked for is absent. */
static brrr_status find_children(brrr_op *op) {
  brrr_run *run = op->run;
  run->children =
      brrr__arena_array(&op->arena, run->now.count, sizeof *run->children);
  if (!run->children)
    return brrr__op_no_memory(op);
  run->child_count = 0;
  for (size_t i = 0; i < run->now.count; i++) /* [APP-2] [APP-5] */
    if (run->now.all[i]->state == BRRR__ASK_ABSENT)
      run->children[run->child_count++] = run->now.all[i]->child;
  return BRRR_OK;
}

static brrr_status run_call(brrr_op *op, brrr__strand *s) {
  brrr_run *run = op->run;
  BRRR__BEGIN(s->at[0]);
  if (recall(op) || start_looking_up(op, &run->now))
    BRRR__RETURN(op->error.status);
  BRRR__JOIN(op);
  do {
    begin_run(run);
    BRRR__AWAIT(op, s, .type = BRRR_RUN, .run = run);
    if (judge(op) != BRRR_DEFER)
      BRRR__RETURN(run->status);
    if (start_looking_up(op, &run->now))
      BRRR__RETURN(op->error.status);
    BRRR__JOIN(op);
    if (find_children(op))
      BRRR__RETURN(op->error.status);
  } while (!run->child_count);
  remember(run);
  BRRR__END(BRRR_DEFER);
}

/* ==== The operation ====================================================== */

static const brrr_task *find_task(const brrr_app *app, brrr_bytes name) {
  for (size_t i = 0; i < app->count; i++)
    if (brrr_bytes_equal(brrr_bytes_str(app->tasks[i].name), name))
      return &app->tasks[i];
  return NULL;
}

static brrr_status prepare(brrr_op *op, const brrr_app *app,
                           const brrr_running *how, const brrr_call *call) {
  brrr_run *run = brrr_arena_get(&op->arena, sizeof *run);
  if (!run)
    return brrr__op_no_memory(op);
  *run = (brrr_run){.op = op, .app = app, .call = call};
  op->run = run;
  if (how)
    run->how = *how;
  run->task = find_task(app, call->task_name);
  if (!run->task) {
    run->detail = call->task_name;
    return brrr__op_fail(op, BRRR_E_UNKNOWN, "APP-6",
                         brrr_status_text(BRRR_E_UNKNOWN));
  }
  const brrr_codec *c = app->codec;
  brrr_error err = {0};
  brrr_status s = c->decode_args(c->self, &op->arena, call, &run->args, &err);
  if (s) {
    s = brrr__app_refused(&op->arena, s, "arguments of ", call->task_name, &err,
                          &run->detail);
    op->error = err;
  }
  return s;
}

brrr_status brrr_op_run(brrr_op **out, brrr_alloc alloc, const brrr_app *app,
                        const brrr_running *how, const brrr_call *call) {
  brrr_op *op;
  brrr_status s = brrr__op_new(&op, alloc, NULL, run_call);
  if (s)
    return s;
  return brrr__op_begin(op, prepare(op, app, how, call), out);
}

const brrr_child *brrr_op_children(const brrr_op *op, size_t *count) {
  *count = op->run ? op->run->child_count : 0;
  return op->run ? op->run->children : NULL;
}

brrr_bytes brrr_op_detail(const brrr_op *op) {
  return op->run && op->error.status < 0 ? op->run->detail : (brrr_bytes){0};
}
