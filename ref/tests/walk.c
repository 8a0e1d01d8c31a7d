/* SPDX-License-Identifier: AGPL-3.0-only */
#include "walk.h"

#include <stdio.h>

typedef struct known {
  brrr__entry entry;
  double schedules; /* that lead from this state to an end */
} known;

/* ---- invariants ---------------------------------------------------------- */

static bool holds(const fleet_list *l, char call) {
  for (size_t i = 0; i < l->count; i++)
    if (l->all[i].call == call)
      return true;
  return false;
}

static bool is_queued(const fleet *f, char call) {
  return holds(&f->queue, call) || holds(&f->again, call);
}

static bool is_held(const fleet *f, char call) {
  for (uint32_t i = 0; i < f->plan->workers; i++)
    if (f->workers[i].op && f->workers[i].message.call == call)
      return true;
  return false;
}

static bool waits_for(const fleet *f, char parent, char child) {
  const fleet_list l = fleet_waiting(f, child);
  for (size_t i = 0; i < l.count; i++)
    if (l.all[i].call == parent)
      return true;
  return false;
}

/* A message or a return that names a call implies that it is stored. */
static bool s1_named_is_stored(const fleet *f) {
  for (size_t i = 0; i < f->queue.count; i++)
    if (!fleet_is_stored(f, BRRR_KIND_CALL, f->queue.all[i].call))
      return false;
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const fleet_list l = fleet_waiting(f, f->plan->calls[i][0]);
    for (size_t n = 0; n < l.count; n++)
      if (!fleet_is_stored(f, BRRR_KIND_CALL, l.all[n].call))
        return false;
  }
  return true;
}

/* Will a call that has deferred run again? There is a message for it, or it is
 * registered with a child that is missing. Between two acts a child may also
 * have its value and yet be queued or held: it returns when it is handled. At
 * the end nothing is queued or held, and this is S4 as it stands. */
static bool is_waiting(const fleet *f, char call) {
  if (is_queued(f, call) || is_held(f, call))
    return true;
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const char child = f->plan->calls[i][0];
    if (waits_for(f, call, child) &&
        (!fleet_is_stored(f, BRRR_KIND_VALUE, child) || is_queued(f, child) ||
         is_held(f, child)))
      return true;
  }
  return false;
}

static bool s4_deferred_waits(const fleet *f) {
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const char call = f->plan->calls[i][0];
    if (f->deferred >> i & 1 && !fleet_is_stored(f, BRRR_KIND_VALUE, call) &&
        !is_waiting(f, call))
      return false;
  }
  return true;
}

/* A child that somebody waits for is queued, held or waits itself, or one of
 * those who wait is still at it, or will be again after a crash. */
static bool s5_awaited_runs(const fleet *f) {
  for (size_t i = 0; f->plan->calls[i]; i++) {
    const char child = f->plan->calls[i][0];
    const fleet_list l = fleet_waiting(f, child);
    bool runs = l.count == 0 || fleet_is_stored(f, BRRR_KIND_VALUE, child) ||
                is_queued(f, child) || is_held(f, child) ||
                (f->deferred >> i & 1 && is_waiting(f, child));
    for (size_t n = 0; n < l.count && !runs; n++)
      runs = is_held(f, l.all[n].call) || holds(&f->again, l.all[n].call);
    if (!runs)
      return false;
  }
  return true;
}

/* What is stored is canonical: decoded and encoded again, it is the same. */
static bool s8_is_canonical(const fleet *f) {
  brrr_arena a;
  bool same = true;
  brrr_arena_init(&a, (brrr_alloc){0});
  for (size_t i = 0; f->plan->calls[i]; i++) {
    brrr_bytes octets, again;
    brrr_pending_returns p;
    brrr_buf b;
    if (!fleet_stored(f, &a, BRRR_KIND_PENDING_RETURNS, f->plan->calls[i][0],
                      &octets))
      continue;
    assert_int_equal(brrr_pending_returns_decode(&p, &a, octets, NULL),
                     BRRR_OK);
    brrr_buf_init(&b, &a);
    brrr_pending_returns_encode(&b, &p);
    assert_int_equal(brrr_buf_finish(&b, &again, NULL), BRRR_OK);
    same = same && brrr_bytes_equal(octets, again);
  }
  brrr_arena_free(&a);
  return same;
}

/* S2, S3, S6 and S7 are about acts: the fleet watches over them. */
static const char *check(const fleet *f) {
  if (f->wrong)
    return f->wrong;
  if (!s1_named_is_stored(f))
    return "S1: a call is named that is not stored";
  const bool endless = !f->plan->spawn_limit && !f->plan->lossy;
  if (endless && !s4_deferred_waits(f))
    return "S4: a call has deferred, and nothing will run it again";
  if (endless && !s5_awaited_runs(f))
    return "S5: somebody waits for a call that nothing will run";
  if (!s8_is_canonical(f))
    return "S8: a record is not canonical";
  return NULL;
}

/* Writes the value of a call as it must be: its name, then its children's. */
static void expected_value(const fleet *f, brrr_buf *b, char call) {
  const char own = (char)(call - 'a' + 'A');
  brrr_buf_put(b, (brrr_bytes){(const uint8_t *)&own, 1});
  for (const char *c = f->plan->calls[fleet_call(f, call)] + 1; *c; c++)
    expected_value(f, b, *c);
}

/* Nothing is left to do: every call has its value, and nobody waits. But a
 * worker that came late with its defer, and died in it, has left a return
 * behind: its call has a value, so nothing comes of that. */
static const char *check_end(const fleet *f) {
  brrr_arena a;
  const char *wrong = NULL;
  if (f->plan->spawn_limit)
    return NULL; /* the budget is spent; what was checked on the way counts */
  brrr_arena_init(&a, (brrr_alloc){0});
  for (size_t i = 0; f->plan->calls[i] && !wrong; i++) {
    const char call = f->plan->calls[i][0];
    brrr_bytes value, expected;
    brrr_buf b;
    brrr_buf_init(&b, &a);
    expected_value(f, &b, call);
    assert_int_equal(brrr_buf_finish(&b, &expected, NULL), BRRR_OK);
    if (!fleet_stored(f, &a, BRRR_KIND_VALUE, call, &value) ||
        !brrr_bytes_equal(value, expected))
      wrong = "the end: a call has no value, or a wrong one";
    else if (!f->crashed && fleet_waiting(f, call).count)
      wrong = "the end: somebody still waits for a value that is there";
  }
  brrr_arena_free(&a);
  return wrong;
}

/* ---- the walk ------------------------------------------------------------ */

static double explore(walk *w, fleet *f);

static void run_again(const walk *w, fleet *f) {
  fleet_init(f, w->plan);
  for (size_t i = 0; i + 1 < w->depth; i++)
    fleet_act(f, w->path[i]);
}

/* All that can happen next; the first of it to `f` itself. */
static double explore_choices(walk *w, fleet *f, size_t choices) {
  double schedules = 0;
  assert_true(w->depth < WALK_DEPTH);
  for (size_t i = 0; i < choices && !w->wrong; i++) {
    fleet other;
    w->path[w->depth++] = i;
    if (i)
      run_again(w, f = &other);
    fleet_act(f, i);
    schedules += explore(w, f);
    if (!w->wrong) /* else the path is the one that leads there */
      w->depth--;
  }
  return schedules;
}

/* How many schedules lead from `f`, which it frees, to an end. */
static double explore(walk *w, fleet *f) {
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  const brrr_bytes state = fleet_state(f, &a);
  const size_t choices = fleet_choices(f);
  known *k = brrr__table_find(&w->states, 0, state);
  double schedules = k ? k->schedules : 1;
  w->wrong = k ? f->wrong : check(f); /* the state was checked before */
  if (!choices && !w->wrong)
    w->wrong = check_end(f);
  if ((!k || w->again) && choices && !w->wrong)
    schedules = explore_choices(w, f, choices);
  else
    fleet_free(f);
  if (!k) {
    k = brrr__table_get(&w->states, 0, state, sizeof *k);
    assert_non_null(k);
    k->schedules = schedules;
  }
  brrr_arena_free(&a);
  return schedules;
}

static void print_path(const walk *w) {
  print_message("%s: %s, after the choices", w->plan->name, w->wrong);
  for (size_t i = 0; i < w->depth; i++)
    print_message(" %zu", w->path[i]);
  print_message("\n");
}

double walk_all(walk *w, const fleet_plan *plan, bool again) {
  *w = (walk){.plan = plan, .again = again};
  brrr__table_init(&w->states, (brrr_alloc){0});
  fleet f;
  fleet_init(&f, plan);
  const double schedules = explore(w, &f);
  if (w->wrong)
    print_path(w);
  else
    print_message("%s: %.16g schedules, %zu states\n", plan->name, schedules,
                  w->states.count);
  brrr__table_free(&w->states);
  return schedules;
}

void assert_sound(const fleet_plan *plan) {
  walk w;
  (void)walk_all(&w, plan, false);
  assert_null(w.wrong);
}

void assert_noticed(const fleet_plan *plan, const char *wrong) {
  walk w;
  (void)walk_all(&w, plan, false);
  assert_non_null(w.wrong);
  assert_memory_equal(w.wrong, wrong, strlen(wrong));
}
