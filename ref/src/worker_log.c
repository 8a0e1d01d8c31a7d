/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_log.c - L6: what happens in a worker, in words.
 */
#include "worker_parts.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_OCTETS 800

/* What came over a wire shall not steer anybody's terminal. */
static void make_printable(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == '\x7f')
      *text = '?';
}

void brrr__worker_log(const brrr_worker *w, brrr_level level,
                      const char *format, ...) {
  const brrr_log *log = &w->options.log;
  char text[LINE_MAX_OCTETS];
  va_list args;
  if (!log->fn)
    return;
  va_start(args, format);
  const int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (len < 0)
    return;
  make_printable(text);
  log->fn(log->ud, level, text);
}

static const char *words_for(const brrr_problem *p, brrr_policy policy) {
  if (policy == BRRR_STOP)
    return "the worker stops";
  if (!p->has_message)
    return "trying again";
  switch (policy) {
  case BRRR_DEAD_LETTER:
    return "the message is set aside";
  case BRRR_RETRY:
    return "it is tried again";
  default:
    return "going on";
  }
}

/* Who is asked what to do knows already. */
void brrr__problem_log(const brrr_worker *w, const brrr_problem *p,
                       brrr_policy policy) {
  const bool known = w->options.problem;
  const brrr_level level = policy == BRRR_STOP ? BRRR_ERROR : BRRR_WARN;
  brrr__worker_log(w, known ? BRRR_DEBUG : level,
                   "topic %.*s: message %.*s, attempt %u: %s: %s %s %.*s; %s",
                   BRRR__TEXT(p->topic), BRRR__TEXT(p->message), p->attempts,
                   brrr_status_name(p->error.status), p->error.reason,
                   p->error.requirement, BRRR__TEXT(p->detail),
                   words_for(p, policy));
}
