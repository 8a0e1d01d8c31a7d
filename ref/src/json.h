/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * json.h - L6: what the files of the JSON codec know of each other.
 */
#ifndef BRRR_SRC_JSON_H
#define BRRR_SRC_JSON_H

#include <brrr/json.h>

struct brrr_json {
  brrr_json_type type;
  bool lost;    /* a number: it was made of an integer that no double holds */
  size_t count; /* of items or members */
  union {
    bool truth;
    double number;
    brrr_bytes text;
    const brrr_json *const *items;
    const brrr_json_member *members; /* in canonical order */
  } as;
};

/* The order of names [CODEC-15]. */
int brrr__json_compare(brrr_bytes a, brrr_bytes b);
/* Puts members into that order. */
void brrr__json_sort(brrr_json_member *members, size_t count);

/* A string with its quotes, a finite number: in canonical form. */
void brrr__json_put_string(brrr_buf *b, brrr_bytes text);
void brrr__json_put_number(brrr_buf *b, double number);

#endif
