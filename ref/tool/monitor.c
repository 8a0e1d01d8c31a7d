/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * monitor.c - L7: `brrr monitor`: how many messages wait, are in flight, or are
 * dead letters, and how many durable workers there are, topic by topic.
 */
#include "input.h"
#include "raw.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct row {
  int64_t queued, in_flight, workers, dead;
} row;

typedef struct monitoring {
  int once, json;
} monitoring;

/* ---- which topics -------------------------------------------------------- */

static bool begins_with(brrr_bytes text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* The topic whose key this is: a list of its own name, or, as in
 * brrr:dead:{topic}, in braces. False if it is none. */
static bool topic_of(brrr_bytes key, brrr_bytes *out) {
  static const char *const braced[] = {"brrr:workers:{", "brrr:dead:{"};
  static const char *const others[] = {"brrr:", "call/", "value/",
                                       "pending_returns/", "brrr_count/"};
  for (size_t i = 0; i < sizeof braced / sizeof *braced; i++) {
    size_t len = strlen(braced[i]);
    if (!begins_with(key, braced[i]) || key.ptr[key.len - 1] != '}')
      continue;
    *out = (brrr_bytes){key.ptr + len, key.len - len - 1};
    return true;
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (begins_with(key, others[i]))
      return false;
  *out = key;
  return true;
}

static int find_topics(raw *r, keys *out) {
  keys found = {0};
  int status = raw_scan(r, &found, "*", "list");
  if (status == EXIT_DONE)
    status = raw_scan(r, &found, "brrr:workers:*", "zset");
  for (size_t i = 0; status == EXIT_DONE && i < found.count; i++) {
    brrr_bytes topic;
    if (topic_of(found.list[i], &topic) &&
        !keys_add(out, &r->session->arena, topic))
      status = complain("out of memory");
  }
  keys_free(&found);
  keys_sort(out);
  return status;
}

/* ---- one look ------------------------------------------------------------ */

static int look_in_flight(raw *r, brrr_bytes topic, row *out) {
  keys workers = {0};
  brrr_bytes key =
      raw_join(r, RAW_ARGS(BRRR_LIT("brrr:workers:{"), topic, BRRR_LIT("}")));
  int status = raw_texts(
      r, &workers,
      RAW_ARGS(BRRR_LIT("ZRANGE"), key, BRRR_LIT("0"), BRRR_LIT("-1")));
  out->workers = (int64_t)workers.count;
  for (size_t i = 0; status == EXIT_DONE && i < workers.count; i++) {
    int64_t count = 0;
    key = raw_join(r, RAW_ARGS(BRRR_LIT("brrr:inflight:{"), topic,
                               BRRR_LIT("}:"), workers.list[i]));
    status = raw_number(r, &count, RAW_ARGS(BRRR_LIT("LLEN"), key));
    out->in_flight += count;
  }
  keys_free(&workers);
  return status;
}

static int look(raw *r, brrr_bytes topic, row *out) {
  *out = (row){0};
  brrr_bytes dead =
      raw_join(r, RAW_ARGS(BRRR_LIT("brrr:dead:{"), topic, BRRR_LIT("}")));
  int status = raw_number(r, &out->queued, RAW_ARGS(BRRR_LIT("LLEN"), topic));
  if (status == EXIT_DONE)
    status = raw_number(r, &out->dead, RAW_ARGS(BRRR_LIT("LLEN"), dead));
  return status == EXIT_DONE ? look_in_flight(r, topic, out) : status;
}

static json_t *row_to_json(brrr_bytes topic, const row *v) {
  return json_pack("{s:o, s:I, s:I, s:I, s:I}", "topic", octets_to_json(topic),
                   "queued", (json_int_t)v->queued, "in_flight",
                   (json_int_t)v->in_flight, "workers", (json_int_t)v->workers,
                   "dead", (json_int_t)v->dead);
}

static void print_row(brrr_bytes topic, const row *v) {
  (void)printf("%-30.*s %10lld %10lld %8lld %8lld\n", (int)topic.len,
               (const char *)topic.ptr, (long long)v->queued,
               (long long)v->in_flight, (long long)v->workers,
               (long long)v->dead);
}

static int show(raw *r, const keys *topics, bool json) {
  json_t *rows = json_array();
  int status = EXIT_DONE;
  if (!json)
    (void)printf("%-30s %10s %10s %8s %8s\n", "TOPIC", "QUEUED", "IN FLIGHT",
                 "WORKERS", "DEAD");
  for (size_t i = 0; status == EXIT_DONE && i < topics->count; i++) {
    row v;
    status = look(r, topics->list[i], &v);
    if (status != EXIT_DONE)
      break;
    if (!json)
      print_row(topics->list[i], &v);
    else if (json_array_append_new(rows, row_to_json(topics->list[i], &v)) != 0)
      status = complain("out of memory");
  }
  if (json && status == EXIT_DONE)
    status = output_json(rows);
  json_decref(rows);
  return status;
}

static int look_once(session *s, const places *p, const words *w, bool json) {
  raw r;
  keys topics = {0};
  int status = raw_open(&r, s, places_url(p, p->queue));
  if (status != EXIT_DONE)
    return status;
  for (int i = 0; status == EXIT_DONE && i < w->count; i++)
    if (!keys_add(&topics, &s->arena, brrr_bytes_str(w->list[i])))
      status = complain("out of memory");
  if (status == EXIT_DONE && !w->count)
    status = find_topics(&r, &topics);
  if (status == EXIT_DONE)
    status = show(&r, &topics, json);
  keys_free(&topics);
  raw_close(&r);
  return status;
}

/* A session for each look, so that nothing grows. */
static int look_in_session(const places *p, const words *w, bool json) {
  session s;
  int status = session_open(&s, p, false);
  if (status == EXIT_DONE)
    status = look_once(&s, p, w, json);
  session_close(&s);
  return status;
}

static int monitor(const places *p, const words *w, const monitoring *how) {
  if (how->once || how->json || !isatty(STDOUT_FILENO))
    return look_in_session(p, w, how->json);
  for (;;) {
    (void)fputs("\033[H\033[J", stdout);
    int status = look_in_session(p, w, false);
    if (status != EXIT_DONE || fflush(stdout) != 0)
      return status;
    (void)sleep(1);
  }
}

int command_monitor(int argc, const char **argv) {
  places p = {0};
  monitoring how = {0};
  const struct poptOption options[] = {
      {"once", '1', POPT_ARG_NONE, &how.once, 0,
       "one table, also on a terminal", NULL},
      {"json", 0, POPT_ARG_NONE, &how.json, 0, "once, as JSON", NULL},
      PLACES_OPTIONS(p),
      POPT_AUTOHELP POPT_TABLEEND};
  words w;
  int status = words_parse(
      &w, argc, argv, options,
      "monitor [OPTION...] [TOPIC...]\n\n"
      "Shows topics on a Redis, on a terminal each second: messages that "
      "wait,\n"
      "messages in flight at durable workers, these workers, dead letters.\n"
      "Without TOPIC, all that are there now.\n",
      0, 10000);
  if (status == EXIT_DONE)
    status = monitor(&p, &w, &how);
  places_free(&p);
  words_free(&w);
  return status;
}
