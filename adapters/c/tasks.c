/* SPDX-License-Identifier: AGPL-3.0-only */
#include "tasks.h"

#define MAX_CALLS 1000 /* of one run, as conformance/programs.md says */
#define MAX_FIB 78     /* from there on, values pass 2^53 */

const char *tasks_text(brrr_arena *a, brrr_bytes text) {
  brrr_buf b;
  brrr_bytes octets;
  brrr_buf_init(&b, a);
  brrr_buf_put(&b, text);
  brrr_buf_put(&b, (brrr_bytes){(const uint8_t *)"", 1});
  return brrr_buf_finish(&b, &octets, NULL) ? NULL : (const char *)octets.ptr;
}

/* NULL where there is no text. */
static const char *text_of(brrr_arena *a, const brrr_json *v) {
  brrr_bytes text;
  return brrr_json_text(v, &text) ? tasks_text(a, text) : NULL;
}

static const brrr_json *at_index(const brrr_json *list, const brrr_json *at) {
  int64_t index;
  const bool is_one = brrr_json_int(at, &index) && index >= 0;
  return is_one ? brrr_json_at(list, (size_t)index) : NULL;
}

/* ---- hello, fib, echo ---------------------------------------------------- */

static brrr_status hello(brrr_run *run, const void *args, const void **value,
                         void *ud) {
  brrr_buf text;
  brrr_bytes greetee, octets;
  (void)ud;
  if (!brrr_json_text(brrr_json_at(args, 0), &greetee))
    return brrr_run_fail(run, "hello wants a string");
  brrr_buf_init(&text, brrr_run_arena(run));
  brrr_buf_put(&text, BRRR_LIT("Hello, "));
  brrr_buf_put(&text, greetee);
  brrr_buf_put(&text, BRRR_LIT("!"));
  const brrr_status s = brrr_buf_finish(&text, &octets, NULL);
  if (s == BRRR_OK)
    *value = brrr_json_string(brrr_run_arena(run), octets);
  return s;
}

static brrr_status fib(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  const void *values[2] = {NULL, NULL};
  int64_t n, x = 0, y = 0;
  (void)ud;
  if (!brrr_json_int(brrr_json_at(args, 0), &n) || n > MAX_FIB)
    return brrr_run_fail(run, "fib wants an integer up to 78");
  if (n < 2) {
    *value = brrr_json_integer(a, n);
    return BRRR_OK;
  }
  const brrr_ask asks[] = {
      {.task = "fib", .args = brrr_json_list(a, brrr_json_integer(a, n - 1))},
      {.task = "fib", .args = brrr_json_list(a, brrr_json_integer(a, n - 2))}};
  const brrr_status s = brrr_run_gather(run, asks, 2, values);
  if (s == BRRR_OK && brrr_json_int(values[0], &x) &&
      brrr_json_int(values[1], &y))
    *value = brrr_json_integer(a, x + y);
  return s;
}

static brrr_status echo(brrr_run *run, const void *args, const void **value,
                        void *ud) {
  (void)run;
  (void)ud;
  *value = brrr_json_at(args, 0);
  return BRRR_OK;
}

/* ---- program ------------------------------------------------------------- */

static brrr_ask ask_of(brrr_arena *a, const brrr_json *nodes,
                       const brrr_json *edge) {
  const brrr_json *at = brrr_json_at(edge, 0), *node = at_index(nodes, at);
  const brrr_json *args = brrr_json_get(node, "args");
  const char *task = text_of(a, brrr_json_get(node, "task"));
  return (brrr_ask){.task = task ? task : "program",
                    .args = args ? args : brrr_json_list(a, nodes, at),
                    .topic = text_of(a, brrr_json_at(edge, 1))};
}

/* What the node is worth that has all its values. */
static const brrr_json *result_of(brrr_arena *a, const brrr_json *node,
                                  const brrr_json *const *values,
                                  size_t count) {
  const brrr_json *given = brrr_json_get(node, "return");
  int64_t big, take;
  if (brrr_json_int(brrr_json_get(node, "big"), &big)) {
    brrr_buf text;
    brrr_bytes octets;
    brrr_buf_init(&text, a);
    while (big-- > 0)
      brrr_buf_put(&text, BRRR_LIT("x"));
    return brrr_buf_finish(&text, &octets, NULL) ? NULL
                                                 : brrr_json_string(a, octets);
  }
  if (brrr_json_int(brrr_json_get(node, "take"), &take))
    return take >= 0 && (size_t)take < count ? values[take] : NULL;
  return given ? given : brrr_json_array(a, values, count);
}

static brrr_status program(brrr_run *run, const void *args, const void **value,
                           void *ud) {
  brrr_arena *a = brrr_run_arena(run);
  const brrr_json *nodes = brrr_json_at(args, 0), *step;
  const brrr_json *node = at_index(nodes, brrr_json_at(args, 1));
  const brrr_json *steps = brrr_json_get(node, "do"), *values[MAX_CALLS];
  const void *found[MAX_CALLS];
  brrr_ask asks[MAX_CALLS];
  brrr_status s = node ? BRRR_OK : brrr_run_fail(run, "no such node");
  size_t count = 0;
  (void)ud;
  for (size_t i = 0; s == BRRR_OK && (step = brrr_json_at(steps, i)); i++) {
    const size_t n = brrr_json_count(step);
    if (count + n > MAX_CALLS)
      return brrr_run_fail(run, "too many calls");
    for (size_t k = 0; k < n; k++)
      asks[k] = ask_of(a, nodes, brrr_json_at(step, k));
    s = n == 1 ? brrr_run_call(run, asks, found)
               : brrr_run_gather(run, asks, n, found);
    for (size_t k = 0; s == BRRR_OK && k < n; k++)
      values[count++] = found[k];
  }
  const char *why = text_of(a, brrr_json_get(node, "raise"));
  if (s == BRRR_OK && why)
    s = brrr_run_fail(run, why);
  if (s != BRRR_OK)
    *value = brrr_json_get(node, "catch");
  else
    *value = result_of(a, node, values, count);
  return *value ? BRRR_OK : s;
}

static const brrr_task tasks[] = {{.name = "hello", .fn = hello},
                                  {.name = "fib", .fn = fib},
                                  {.name = "echo", .fn = echo},
                                  {.name = "program", .fn = program}};

brrr_app tasks_app(const brrr_codec *codec) {
  return (brrr_app){tasks, sizeof tasks / sizeof *tasks, codec};
}
