/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_problem.c - L6: what went wrong, and what shall be done about it.
 */
#include "worker_parts.h"

#define MAX_TRIES 5
#define MAX_OUTAGE_TRIES 40 /* about five minutes */

#define MIN_PAUSE_MS 100
#define MAX_PAUSE_MS 10000
#define MAX_DOUBLINGS 7 /* 100 ms doubled as often is more than the maximum */

brrr_policy brrr_problem_advice(const brrr_problem *p) {
  if (!p->has_message)
    return BRRR_GO_ON;
  switch (p->error.status) {
  case BRRR_E_IO: /* a server that restarts is no fault of it [QUEUE-15] */
    return p->attempts < MAX_OUTAGE_TRIES ? BRRR_RETRY : BRRR_DEAD_LETTER;
  case BRRR_E_TASK:
  case BRRR_E_CAS:
    return p->attempts < MAX_TRIES ? BRRR_RETRY : BRRR_DEAD_LETTER;
  default:
    return BRRR_DEAD_LETTER; /* [QUEUE-21] */
  }
}

brrr_policy brrr__problem_report(brrr_worker *w, const brrr_problem *p) {
  const brrr_worker_options *o = &w->options;
  const brrr_policy policy =
      o->problem ? o->problem(o->ud, p) : brrr_problem_advice(p);
  brrr__problem_log(w, p, policy);
  if (policy == BRRR_STOP)
    brrr__worker_stop_with(w, p->error.status); /* [WORK-7] */
  return policy;
}

brrr_error brrr__problem_error(brrr_status status) {
  return (brrr_error){
      .status = status, .reason = brrr_status_text(status), .requirement = ""};
}

/* Many workers that lost the same server shall not come back as one. */
uint64_t brrr__pause_ms(uint32_t failures) {
  uint32_t random = 0;
  uint64_t ms = MAX_PAUSE_MS;
  if (failures < MAX_DOUBLINGS)
    ms = (uint64_t)MIN_PAUSE_MS << failures;
  /* Where there is no randomness, the pause is a short one. */
  (void)uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
  return ms - ms / 4 + random % (ms / 2 + 1);
}
