/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * records.h - L2: the tables that drive encoder and decoder. records.gen.c
 * fills them from proto/records.proto.
 */
#ifndef BRRR_SRC_RECORDS_H
#define BRRR_SRC_RECORDS_H

#include "base.h"

typedef enum brrr__content {
  BRRR__UTF8,   /* a string; in the struct a brrr_bytes */
  BRRR__ASCII,  /* the same, %x20-7E only */
  BRRR__OCTETS, /* the same, whatever it holds */
  BRRR__NUMBER, /* an integer of at least 0; in the struct an int64_t */
  BRRR__SET     /* a list of records; in the struct a pointer, and `count` */
} brrr__content;

typedef struct brrr__layout brrr__layout;

typedef struct brrr__field {
  brrr_bytes name; /* the key, in a dict */
  brrr__content content;
  bool optional;               /* the key may be missing; 0 stands for that */
  size_t offset;               /* in the struct */
  size_t count_offset;         /* SET: of `count` */
  const brrr__layout *element; /* SET */
  /* What is wrong, in words. */
  const char *wrong_type, *wrong_content, *missing;
} brrr__field;

struct brrr__layout {
  bool dict;   /* fields in ascending order of their keys; else a list */
  int64_t tag; /* the first element of a list */
  size_t size; /* of the struct */
  const brrr__field *fields;
  size_t count;
  const char *wrong_type, *wrong_tag, *wrong_arity;
};

#endif
