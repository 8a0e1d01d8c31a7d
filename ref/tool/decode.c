/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * decode.c - L7: `brrr decode` and `brrr encode`.
 */
#include "input.h"
#include "record.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>

#define AROUND 24 /* octets shown before and after a wrong one */

/* Prints an octet as it can be read in a line; how wide that was. */
static int show_octet(FILE *to, uint8_t octet) {
  if (octet < 0x20 || octet > 0x7e)
    return fprintf(to, "\\x%02x", (unsigned)octet);
  (void)fputc(octet, to);
  return 1;
}

/* The octets around the place, and a mark under it. */
static void show_place(brrr_bytes in, size_t offset) {
  size_t from = offset > AROUND ? offset - AROUND : 0;
  size_t to = in.len - offset > AROUND ? offset + AROUND : in.len;
  int before = fprintf(stderr, from ? "  ..." : "  ");
  for (size_t i = from; i < to; i++) {
    int width = show_octet(stderr, in.ptr[i]);
    if (i < offset)
      before += width;
  }
  (void)fprintf(stderr, "%s\n%*s^\n", to < in.len ? "..." : "", before, "");
}

static int complain_record(const char *name, brrr_bytes in,
                           const brrr_error *e) {
  (void)fprintf(stderr, "brrr: %s: offset %zu: ", name, e->offset);
  if (*e->requirement)
    (void)fprintf(stderr, "[%s] ", e->requirement);
  (void)fprintf(stderr, "%s\n", e->reason);
  if (e->status != BRRR_E_NOMEM && e->offset <= in.len)
    show_place(in, e->offset);
  return EXIT_FAILED;
}

/* What is wrong with octets that begin like no record: as bencode, or else that
 * they are another value. */
static int complain_unknown(brrr_bytes in) {
  brrr_ben r;
  brrr_ben_item item;
  brrr_error e = {BRRR_E_RECORD, 0, "no record begins like this", ""};
  brrr_ben_init(&r, in);
  while (brrr_ben_next(&r, &item) == BRRR_OK)
    ;
  (void)brrr_ben_finish(&r, &e);
  return complain_record("no record", in, &e);
}

static int decode(const record *r, brrr_bytes in) {
  brrr_error e = {0};
  json_t *object = NULL;
  if (!r)
    r = record_guess(in);
  if (!r)
    return complain_unknown(in);
  if (record_decode(r, in, &object, &e) != BRRR_OK)
    return complain_record(record_name(r), in, &e);
  int status = output_json(object);
  json_decref(object);
  return status;
}

int command_decode(int argc, const char **argv) {
  const struct poptOption options[] = {POPT_AUTOHELP POPT_TABLEEND};
  words w;
  brrr_arena a;
  brrr_bytes in;
  brrr_arena_init(&a, (brrr_alloc){0});
  int status = words_parse(&w, argc, argv, options,
                           "decode [RECORD] [FILE|-]\n\n"
                           "Prints a record's octets as JSON. Without RECORD "
                           "its first octets tell.\n",
                           0, 2);
  const record *r = w.count ? record_named(w.list[0]) : NULL;
  if (status == EXIT_DONE && w.count == 2 && !r)
    status = complain_usage("no such record: %s (there are %s)", w.list[0],
                            record_names);
  const char *file = w.count > (r ? 1 : 0) ? w.list[w.count - 1] : "-";
  if (status == EXIT_DONE)
    status = input_read(&a, file, &in);
  if (status == EXIT_DONE)
    status = decode(r, in);
  brrr_arena_free(&a);
  words_free(&w);
  return status;
}

/* ---- encode -------------------------------------------------------------- */

static int encode(const record *r, brrr_arena *a, const json_t *in) {
  brrr_buf b;
  brrr_bytes octets;
  brrr_error e = {0};
  brrr_buf_init(&b, a);
  if (!record_encode(r, a, in, &b))
    return EXIT_FAILED;
  if (brrr_buf_finish(&b, &octets, &e) != BRRR_OK)
    return *e.requirement ? complain("%s: [%s] %s", record_name(r),
                                     e.requirement, e.reason)
                          : complain("%s: %s", record_name(r), e.reason);
  (void)fwrite(octets.ptr, 1, octets.len, stdout);
  return EXIT_DONE;
}

/* The JSON itself, or all of standard input. */
static int encode_text(const record *r, const char *text) {
  brrr_arena a;
  brrr_bytes in = brrr_bytes_str(text);
  brrr_arena_init(&a, (brrr_alloc){0});
  int status = strcmp(text, "-") == 0 ? input_read(&a, "-", &in) : EXIT_DONE;
  json_t *object = status == EXIT_DONE ? input_json(in) : NULL;
  status = object ? encode(r, &a, object) : EXIT_FAILED;
  json_decref(object);
  brrr_arena_free(&a);
  return status;
}

int command_encode(int argc, const char **argv) {
  const struct poptOption options[] = {POPT_AUTOHELP POPT_TABLEEND};
  words w;
  int status = words_parse(&w, argc, argv, options,
                           "encode RECORD [JSON|-]\n\n"
                           "Prints the octets of a record that is given as "
                           "decode prints it.\n",
                           1, 2);
  const record *r = status == EXIT_DONE ? record_named(w.list[0]) : NULL;
  if (status == EXIT_DONE && !r)
    status = complain_usage("no such record: %s (there are %s)", w.list[0],
                            record_names);
  if (status == EXIT_DONE)
    status = encode_text(r, w.count == 2 ? w.list[1] : "-");
  words_free(&w);
  return status;
}
