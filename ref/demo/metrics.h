/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * metrics.h - what a worker of the demo did, for Prometheus to scrape.
 */
#ifndef BRRR_DEMO_METRICS_H
#define BRRR_DEMO_METRICS_H

#include "tasks.h"

#include <brrr/worker.h>

#define METRICS_OUTCOMES (BRRR_FAILED + 1)

typedef struct metrics_task {
  uint64_t outcomes[METRICS_OUTCOMES];
  uint64_t merged;
  uint64_t wait_ns, handler_ns, total_ns; /* sums */
} metrics_task;

typedef struct metrics {
  metrics_task tasks[DEMO_TASKS + 1]; /* as demo_tasks; last: not known */
} metrics;

void metrics_add(metrics *m, const brrr_measure *measure);
/* In the text format, version 0.0.4. */
void metrics_write(const metrics *m, brrr_buf *out);

#endif
