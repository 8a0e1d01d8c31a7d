/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * main.c - L7: brrr-bench, the programs of `make bench` that are in C: those of
 * the reference, and the bare loop that they are held against.
 */
#include "bench.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static bench_span now(void) {
  struct timespec wall;
  struct rusage usage;
  (void)clock_gettime(CLOCK_MONOTONIC, &wall);
  (void)getrusage(RUSAGE_SELF, &usage);
  return (bench_span){(double)wall.tv_sec + (double)wall.tv_nsec / 1e9,
                      seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

void bench_begin(bench_span *s) { *s = now(); }

void bench_end(bench_span *s, size_t jobs) {
  const bench_span end = now();
  (void)printf("{\"jobs\": %zu, \"seconds\": %.9f, \"cpu_seconds\": %.9f}\n",
               jobs, end.wall - s->wall, end.cpu - s->cpu);
}

void bench_die(const char *words) {
  (void)fprintf(stderr, "brrr-bench: %s\n", words);
  exit(1);
}

size_t bench_number(const char *text) {
  char *end;
  const unsigned long n = strtoul(text, &end, 10);
  if (*end || end == text)
    bench_die("a number is wanted");
  return n;
}

redisContext *bench_connect(const char *port) {
  redisContext *c = redisConnect("127.0.0.1", (int)bench_number(port));
  if (!c || c->err)
    bench_die(c ? c->errstr : "out of memory");
  return c;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int argc;
    bench_command *run;
  } commands[] = {
      {"load", 3, bench_load},   {"leaf", 3, bench_leaf},
      {"bare", 3, bench_bare},   {"graph", 5, bench_graph},
      {"codec", 2, bench_codec},
  };
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (argc == commands[i].argc + 2 && !strcmp(argv[1], commands[i].name))
      return commands[i].run(argc - 2, argv + 2);
  bench_die("see bench.h for what can be asked for");
}
