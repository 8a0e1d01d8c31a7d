/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * schedule.c - L7: `brrr schedule` and `brrr read`.
 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

#define POLL_MS 100 /* between two looks for a value */

static void print_line(brrr_bytes in) {
  (void)fwrite(in.len ? in.ptr : (const uint8_t *)"", 1, in.len, stdout);
  (void)putchar('\n');
}

static int schedule(session *s, const char *topic, const char *task,
                    const char *args) {
  brrr_call call;
  int status = session_call(s, task, args, &call);
  if (status != EXIT_DONE)
    return status;
  brrr_schedule(&s->client, brrr_bytes_str(topic), &call, session_done(s));
  if (session_wait(s) != BRRR_OK)
    return complain_status("schedule", s->status, s->value);
  print_line(call.call_hash);
  return EXIT_DONE;
}

int command_schedule(int argc, const char **argv) {
  places p = {0};
  const struct poptOption options[] = {PLACES_OPTIONS(p),
                                       POPT_AUTOHELP POPT_TABLEEND};
  words w;
  session s;
  int status = words_parse(&w, argc, argv, options,
                           "schedule [OPTION...] TOPIC TASK ARGS\n\n"
                           "Schedules a call on a topic and prints its hash. "
                           "ARGS is a JSON array.\n",
                           3, 3);
  if (status == EXIT_DONE) {
    status = session_open(&s, &p, false);
    if (status == EXIT_DONE)
      status = schedule(&s, w.list[0], w.list[1], w.list[2]);
    session_close(&s);
  }
  places_free(&p);
  words_free(&w);
  return status;
}

/* ---- read ---------------------------------------------------------------- */

/* What the options of `read` say. */
typedef struct reading {
  char *hash;
  double wait; /* seconds */
  int raw;
} reading;

static void on_pause_end(uv_timer_t *timer) { *(bool *)timer->data = true; }

static void pause_ms(session *s, uint64_t ms) {
  uv_timer_t timer;
  bool over = false;
  uv_timer_init(&s->loop, &timer);
  timer.data = &over;
  uv_timer_start(&timer, on_pause_end, ms, 0);
  while (!over)
    (void)uv_run(&s->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, NULL);
  (void)uv_run(&s->loop, UV_RUN_NOWAIT);
}

/* Looks, and then again until the time is over. */
static brrr_status look(session *s, brrr_bytes hash, double wait) {
  const double end = (double)uv_now(&s->loop) + wait * 1000;
  for (;;) {
    brrr_read(&s->client, hash, session_done(s));
    if (session_wait(s) != BRRR_ABSENT || (double)uv_now(&s->loop) >= end)
      return s->status;
    pause_ms(s, POLL_MS);
  }
}

static int read_value(session *s, const reading *r, const words *w) {
  brrr_call call = {0};
  int status = EXIT_DONE;
  if (r->hash)
    call.call_hash = brrr_bytes_str(r->hash);
  else
    status = session_call(s, w->list[0], w->list[1], &call);
  if (status != EXIT_DONE)
    return status;
  switch (look(s, call.call_hash, r->wait)) {
  case BRRR_OK:
    break;
  case BRRR_ABSENT:
    (void)complain("%.*s: there is no value", (int)call.call_hash.len,
                   (const char *)call.call_hash.ptr);
    return EXIT_ABSENT;
  default:
    return complain_status("read", s->status, s->value);
  }
  if (r->raw)
    (void)fwrite(s->value.ptr, 1, s->value.len, stdout);
  else
    print_line(s->value);
  return EXIT_DONE;
}

int command_read(int argc, const char **argv) {
  places p = {0};
  reading r = {0};
  const struct poptOption options[] = {
      {"hash", 0, POPT_ARG_STRING, &r.hash, 0, "the call with this hash", "H"},
      {"wait", 'w', POPT_ARG_DOUBLE, &r.wait, 0, "until it is there",
       "SECONDS"},
      {"raw", 0, POPT_ARG_NONE, &r.raw, 0, "no newline after it", NULL},
      PLACES_OPTIONS(p),
      POPT_AUTOHELP POPT_TABLEEND};
  words w;
  session s;
  int status = words_parse(
      &w, argc, argv, options,
      "read [OPTION...] TASK ARGS | --hash H\n\n"
      "Prints the value of a call. ARGS is a JSON array. Exit status 3: there\n"
      "is none.\n",
      0, 2);
  if (status == EXIT_DONE && w.count != (r.hash ? 0 : 2))
    status = complain_usage("read: want TASK and ARGS, or --hash");
  if (status == EXIT_DONE && !(r.wait >= 0 && r.wait <= 1e9))
    status = complain_usage("read: --wait: no such time");
  if (status == EXIT_DONE) {
    status = session_open(&s, &p, false);
    if (status == EXIT_DONE)
      status = read_value(&s, &r, &w);
    session_close(&s);
  }
  free(r.hash);
  places_free(&p);
  words_free(&w);
  return status;
}
