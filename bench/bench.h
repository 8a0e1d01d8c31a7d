/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * bench.h - L7: what the parts of brrr-bench have in common: the jobs of the
 * contests, and how a run is measured.
 *
 * A run prints one line of JSON: {"jobs": N, "seconds": S, "cpu_seconds": C}.
 */
#ifndef BRRR_BENCH_H
#define BRRR_BENCH_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#define BENCH_TOPIC "jobs"      /* that the jobs are on */
#define BENCH_PARENTS "parents" /* that their parents are put back on */
#define BENCH_ROOT_LEN 22       /* as long as root ids and hashes are in use */
#define BENCH_HASH_LEN 64
#define BENCH_ROOT "%022zu" /* of job number n */
#define BENCH_HASH "%064zu"

typedef struct bench_span {
  double wall, cpu; /* in seconds, of this process */
} bench_span;

void bench_begin(bench_span *s);
void bench_end(bench_span *s, size_t jobs);

/* Ends the process where anything goes wrong: no contest can be had then. */
_Noreturn void bench_die(const char *words);
redisContext *bench_connect(const char *port);
size_t bench_number(const char *text);

/* The commands of brrr-bench. Each takes its own arguments and their number. */
typedef int bench_command(int argc, char **argv);
bench_command bench_load;  /* PORT JOBS PARENTS */
bench_command bench_leaf;  /* PORT JOBS DEPTH */
bench_command bench_bare;  /* PORT JOBS DEPTH */
bench_command bench_graph; /* PORT DEPTH TASK N ROOTS */
bench_command bench_codec; /* message|call|returns measure|print */

#endif
