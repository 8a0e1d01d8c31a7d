/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * tool.h - what the commands of the tool `brrr` have in common: how they are
 * called, how they end, how they complain, and how they take options.
 *
 * Results go to standard output, everything else to standard error.
 */
#ifndef BRRR_TOOL_TOOL_H
#define BRRR_TOOL_TOOL_H

#include <brrr/brrr.h>

#include <popt.h>

enum {
  EXIT_DONE = 0,
  EXIT_FAILED = 1,
  EXIT_USAGE = 2, /* the command line is wrong */
  EXIT_ABSENT = 3 /* there is no such value */
};

/* Each is given its own words only, its name first; and returns an exit status,
 * after it has said what is wrong. */
int command_decode(int argc, const char **argv);
int command_encode(int argc, const char **argv);
int command_schedule(int argc, const char **argv);
int command_read(int argc, const char **argv);
int command_worker(int argc, const char **argv);
int command_monitor(int argc, const char **argv);
int command_trace(int argc, const char **argv);
int command_dead(int argc, const char **argv);
int command_reset(int argc, const char **argv);

/* One line on standard error, after "brrr: "; returns EXIT_FAILED. */
__attribute__((format(printf, 1, 2))) int complain(const char *format, ...);
/* The same for a wrong command line; returns EXIT_USAGE. */
__attribute__((format(printf, 1, 2))) int complain_usage(const char *format,
                                                         ...);
/* What a status, or a reply of a backend with its words, means. */
int complain_status(const char *doing, brrr_status status, brrr_bytes detail);

/* ---- the words of a command ---------------------------------------------- */

typedef struct words {
  poptContext context;
  const char **list; /* what is no option; ends in NULL */
  int count;
} words;

/* Reads the options of `table` and checks the number of the other words, which
 * the first line of `synopsis` names. EXIT_DONE or EXIT_USAGE; words_free after
 * either. */
int words_parse(words *w, int argc, const char **argv,
                const struct poptOption *table, const char *synopsis, int min,
                int max);
void words_free(words *w);

#endif
