/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * fib.c - L7: a task that calls itself, and its call graph run in memory. The
 * README shows it.
 */
#include <brrr/json.h>
#include <brrr/local.h>
#include <stdio.h>

static brrr_status fib(brrr_run *run, const void *args, const void **value,
                       void *ud) {
  (void)ud;
  brrr_arena *a = brrr_run_arena(run);
  int64_t n, x, y;
  if (!brrr_json_int(brrr_json_at(args, 0), &n))
    return brrr_run_fail(run, "fib wants an integer");
  if (n > 1) {
    const brrr_ask asks[] = {
        {.task = "fib", .args = brrr_json_list(a, brrr_json_integer(a, n - 1))},
        {.task = "fib", .args = brrr_json_list(a, brrr_json_integer(a, n - 2))},
    };
    const void *got[2];
    brrr_status status = brrr_run_gather(run, asks, 2, got);
    if (status != BRRR_OK) /* not there yet: fib is run again when they are */
      return status;
    if (!brrr_json_int(got[0], &x) || !brrr_json_int(got[1], &y))
      return brrr_run_fail(run, "fib gave no integer");
    n = x + y;
  }
  *value = brrr_json_integer(a, n);
  return BRRR_OK;
}

int main(void) {
  const brrr_codec codec = brrr_json_codec();
  const brrr_task task = {.name = "fib", .fn = fib};
  const brrr_app app = {.tasks = &task, .count = 1, .codec = &codec};
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  const brrr_ask ask = {.task = "fib",
                        .args = brrr_json_list(&a, brrr_json_integer(&a, 70))};
  const void *value;
  int64_t n;
  const bool ok =
      brrr_local_call(&app, NULL, &ask, &a, &value, NULL, NULL) == BRRR_OK &&
      brrr_json_int(value, &n);
  if (ok)
    printf("fib(70) is %lld\n", (long long)n);
  brrr_arena_free(&a);
  return !ok;
}
