/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * input.h - whole files, and JSON.
 */
#ifndef BRRR_TOOL_INPUT_H
#define BRRR_TOOL_INPUT_H

#include <brrr/brrr.h>

#include <jansson.h>

/* All of a file, or of standard input if it is "-", in the arena. EXIT_DONE, or
 * EXIT_FAILED after a complaint. */
int input_read(brrr_arena *a, const char *name, brrr_bytes *out);

/* Parses JSON of any type; NULL after a complaint. */
json_t *input_json(brrr_bytes text);

/* What may be text, as a JSON string; else as {"hex": "00ff"}. NULL when memory
 * is out. */
json_t *octets_to_json(brrr_bytes in);
/* The other way, borrowed from `in` or in the arena. False if it is neither. */
bool octets_from_json(brrr_arena *a, const json_t *in, brrr_bytes *out);

/* Printed, indented, with a newline. */
int output_json(const json_t *value);

#endif
