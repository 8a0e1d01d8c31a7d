/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * main.c - L7: the tool `brrr`: finds the command, and sees to it that output
 * which could not be written is no success.
 */
#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct command {
  const char *name;
  int (*run)(int argc, const char **argv);
  const char *about;
} command;

static const command commands[] = {
    {"schedule", command_schedule, "schedule a call, print its hash"},
    {"read", command_read, "print the value of a call"},
    {"worker", command_worker, "run a worker with the demo's tasks"},
    {"monitor", command_monitor, "queues, in flight, workers, dead letters"},
    {"trace", command_trace, "who waits for whom, as a tree"},
    {"dead", command_dead, "list, show, retry or drop dead letters"},
    {"reset", command_reset, "delete what Brrr keeps in a Redis"},
    {"decode", command_decode, "a record's octets as JSON"},
    {"encode", command_encode, "JSON as a record's octets"},
};

#define COUNT (sizeof commands / sizeof *commands)

static void help(FILE *to) {
  (void)fputs("Usage: brrr COMMAND [OPTION...] [ARGUMENT...]\n\n", to);
  for (size_t i = 0; i < COUNT; i++)
    (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
  (void)fputs(
      "\nbrrr COMMAND --help says more.\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such value.\n",
      to);
}

static const command *find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static int run(int argc, const char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  const command *found = find(name);
  if (found)
    return found->run(argc - 1, argv + 1);
  if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
      strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0) {
    help(stdout);
    return EXIT_DONE;
  }
  if (strcmp(name, "--version") == 0) {
    (void)puts("brrr " BRRR_TOOL_VERSION);
    return EXIT_DONE;
  }
  if (!*name) {
    help(stderr);
    return EXIT_USAGE;
  }
  return complain_usage("no such command: %s (try: brrr --help)", name);
}

int main(int argc, char **argv) {
  /* A reader that went away, or a server, is an error like any other. */
  (void)signal(SIGPIPE, SIG_IGN);
  int status = run(argc, (const char **)argv);
  if (fflush(stdout) != 0 || ferror(stdout))
    return complain("standard output: %s", strerror(errno));
  return status;
}
