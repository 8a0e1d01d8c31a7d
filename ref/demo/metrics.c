/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * metrics.c - L7: what a worker of the demo did, for Prometheus to scrape.
 */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const outcome_names[METRICS_OUTCOMES] = {
    [BRRR_RETURNED] = "returned",
    [BRRR_DEFERRED] = "deferred",
    [BRRR_WATCHED] = "watched",
    [BRRR_SKIPPED] = "skipped",
    [BRRR_FAILED] = "failed"};

void metrics_add(metrics *m, const brrr_measure *measure) {
  size_t i = 0;
  while (i < DEMO_TASKS && !brrr_bytes_equal(brrr_bytes_str(demo_tasks[i].name),
                                             measure->task_name))
    i++;
  metrics_task *t = &m->tasks[i];
  t->outcomes[measure->outcome]++;
  t->merged += measure->merged;
  t->wait_ns += measure->wait_ns;
  t->handler_ns += measure->handler_ns;
  t->total_ns += measure->total_ns;
}

__attribute__((format(printf, 2, 3))) static void put(brrr_buf *out,
                                                      const char *format, ...) {
  char line[160];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof line, format, args);
  va_end(args);
  brrr_buf_put(out, brrr_bytes_str(line));
}

static const char *name_of(size_t i) {
  return i < DEMO_TASKS ? demo_tasks[i].name : "";
}

static uint64_t count_of(const metrics_task *t) {
  uint64_t count = 0;
  for (size_t i = 0; i < METRICS_OUTCOMES; i++)
    count += t->outcomes[i];
  return count;
}

static void put_seconds(brrr_buf *out, const metrics *m, const char *name,
                        const char *help, size_t offset) {
  put(out, "# HELP %s %s\n# TYPE %s summary\n", name, help, name);
  for (size_t i = 0; i <= DEMO_TASKS; i++) {
    const uint8_t *at = (const uint8_t *)&m->tasks[i] + offset;
    put(out, "%s_sum{task=\"%s\"} %.9f\n", name, name_of(i),
        (double)*(const uint64_t *)(const void *)at / 1e9);
    put(out, "%s_count{task=\"%s\"} %" PRIu64 "\n", name, name_of(i),
        count_of(&m->tasks[i]));
  }
}

void metrics_write(const metrics *m, brrr_buf *out) {
  put(out, "# HELP brrr_messages_total Messages that were handled.\n"
           "# TYPE brrr_messages_total counter\n");
  for (size_t i = 0; i <= DEMO_TASKS; i++)
    for (size_t o = 0; o < METRICS_OUTCOMES; o++)
      put(out, "brrr_messages_total{task=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
          name_of(i), outcome_names[o], m->tasks[i].outcomes[o]);
  put(out, "# HELP brrr_merged_total Messages handled with another one.\n"
           "# TYPE brrr_merged_total counter\n");
  for (size_t i = 0; i <= DEMO_TASKS; i++)
    put(out, "brrr_merged_total{task=\"%s\"} %" PRIu64 "\n", name_of(i),
        m->tasks[i].merged);
  put_seconds(out, m, "brrr_wait_seconds", "From message to handling.",
              offsetof(metrics_task, wait_ns));
  put_seconds(out, m, "brrr_handler_seconds", "In the task.",
              offsetof(metrics_task, handler_ns));
  put_seconds(out, m, "brrr_total_seconds", "From message to its end.",
              offsetof(metrics_task, total_ns));
}
