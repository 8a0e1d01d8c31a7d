/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * words.c - L7: the command line of a command, with libpopt; and complaints.
 */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(const char *format, va_list args) {
  (void)fputs("brrr: ", stderr);
  (void)vfprintf(stderr, format, args);
  (void)fputc('\n', stderr);
}

int complain(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(format, args);
  va_end(args);
  return EXIT_FAILED;
}

int complain_usage(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(format, args);
  va_end(args);
  return EXIT_USAGE;
}

int complain_status(const char *doing, brrr_status status, brrr_bytes detail) {
  const char *text = brrr_status_text(status);
  if (detail.len)
    return complain("%s: %s: %.*s", doing, text, (int)detail.len,
                    (const char *)detail.ptr);
  return complain("%s: %s", doing, text);
}

int words_parse(words *w, int argc, const char **argv,
                const struct poptOption *table, const char *synopsis, int min,
                int max) {
  const char *command = argv[0];
  *w = (words){0};
  argv[0] = "brrr"; /* as libpopt's help begins */
  w->context = poptGetContext("brrr", argc, argv, table, 0);
  if (!w->context)
    return complain("out of memory");
  poptSetOtherOptionHelp(w->context, synopsis);
  int got = poptGetNextOpt(w->context);
  if (got < -1)
    return complain_usage("%s: %s: %s", command,
                          poptBadOption(w->context, POPT_BADOPTION_NOALIAS),
                          poptStrerror(got));
  w->list = poptGetArgs(w->context);
  while (w->list && w->list[w->count])
    w->count++;
  if (w->count < min || w->count > max)
    return complain_usage("%s: want: brrr %.*s", command,
                          (int)strcspn(synopsis, "\n"), synopsis);
  return EXIT_DONE;
}

void words_free(words *w) {
  if (w->context)
    poptFreeContext(w->context);
}
