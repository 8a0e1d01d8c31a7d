/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * reset.c - L7: `brrr reset`: deletes what Brrr keeps in a Redis, and nothing
 * else.
 */
#include "raw.h"

#include <stdio.h>

#define BATCH 500 /* keys deleted by one command */

static int delete_all(raw *r, const keys *k) {
  brrr_bytes args[BATCH + 1] = {BRRR_LIT("UNLINK")};
  for (size_t at = 0; at < k->count; at += BATCH) {
    size_t n = k->count - at < BATCH ? k->count - at : BATCH;
    int64_t deleted = 0;
    for (size_t i = 0; i < n; i++)
      args[i + 1] = k->list[at + i];
    int status = raw_number(r, &deleted, args, n + 1);
    if (status != EXIT_DONE)
      return status;
  }
  return EXIT_DONE;
}

static int reset_pattern(raw *r, const char *pattern, bool yes) {
  keys found = {0};
  int status = raw_scan(r, &found, pattern, NULL);
  if (status == EXIT_DONE && yes)
    status = delete_all(r, &found);
  if (status == EXIT_DONE)
    (void)printf("%-20s %zu\n", pattern, found.count);
  keys_free(&found);
  return status;
}

/* A topic is a list; whatever else has this name is somebody else's. */
static int reset_topic(raw *r, const char *name, bool yes) {
  int64_t count = 0;
  const brrr_bytes topic = brrr_bytes_str(name);
  int status = raw_number(r, &count, RAW_ARGS(BRRR_LIT("LLEN"), topic));
  const keys one = {.list = &(brrr_bytes){topic.ptr, topic.len}, .count = 1};
  if (status == EXIT_DONE && yes)
    status = delete_all(r, &one);
  if (status == EXIT_DONE)
    (void)printf("%-20s %lld\n", name, (long long)count);
  return status;
}

static int reset_at(session *s, const char *url, const char *const *patterns,
                    const char *const *topics, bool yes) {
  raw r;
  int status = raw_open(&r, s, url);
  if (status != EXIT_DONE)
    return status;
  for (; status == EXIT_DONE && topics && *topics; topics++)
    status = reset_topic(&r, *topics, yes);
  for (; status == EXIT_DONE && *patterns; patterns++)
    status = reset_pattern(&r, *patterns, yes);
  raw_close(&r);
  return status;
}

static int reset(session *s, const places *p, const char *const *topics,
                 bool yes) {
  static const char *const queue[] = {"brrr:inflight:*", "brrr:workers:*",
                                      "brrr:attempts:*", "brrr:dead:*", NULL};
  static const char *const store[] = {"call/*", "value/*", "pending_returns/*",
                                      NULL};
  static const char *const cache[] = {"brrr_count/*", NULL};
  int status = reset_at(s, places_url(p, p->queue), queue, topics, yes);
  if (status == EXIT_DONE)
    status = reset_at(s, places_url(p, p->store), store, NULL, yes);
  if (status == EXIT_DONE)
    status = reset_at(s, places_url(p, p->cache), cache, NULL, yes);
  if (status == EXIT_DONE && !yes)
    status = complain_usage("nothing was deleted: add --yes to delete these");
  return status;
}

int command_reset(int argc, const char **argv) {
  places p = {0};
  int yes = 0;
  const struct poptOption options[] = {
      {"yes", 0, POPT_ARG_NONE, &yes, 0, "do it; else only count", NULL},
      PLACES_OPTIONS(p),
      POPT_AUTOHELP POPT_TABLEEND};
  words w;
  session s;
  int status =
      words_parse(&w, argc, argv, options,
                  "reset [OPTION...] [TOPIC...]\n\n"
                  "Deletes all records, counters, dead letters and messages in "
                  "flight from a\n"
                  "Redis, and the messages of the topics that are named.\n",
                  0, 10000);
  if (status == EXIT_DONE) {
    status = session_open(&s, &p, false);
    if (status == EXIT_DONE)
      status = reset(&s, &p, (const char *const *)w.list, yes);
    session_close(&s);
  }
  places_free(&p);
  words_free(&w);
  return status;
}
