/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * dynamodb_request.h - L6: effects on the store as requests, items as octets.
 */
#ifndef BRRR_SRC_DYNAMODB_REQUEST_H
#define BRRR_SRC_DYNAMODB_REQUEST_H

#include <brrr/brrr.h>

#include <jansson.h>

#define BRRR__DYNAMODB_MAX_ITEM 409600
#define BRRR__DYNAMODB_MAX_HASH 2048

/* Why DynamoDB would refuse the effect [DYN-6], in words; NULL if it would
 * not. */
const char *brrr__dynamodb_refusal(const brrr_effect *e);

/* As "GetItem"; NULL if the effect is none on a store. */
const char *brrr__dynamodb_action(brrr_effect_type type);
/* The body of the request; NULL when memory is out. */
json_t *brrr__dynamodb_body(brrr_alloc alloc, const char *table,
                            const brrr_effect *e);
/* The attribute `value` that the request for a set_new or cas would write,
 * borrowed from it. */
const json_t *brrr__dynamodb_written(const json_t *body);
/* A GetItem for the record that another request is about. */
json_t *brrr__dynamodb_read_back(const json_t *body);
/* Creates the table. */
json_t *brrr__dynamodb_table(const char *table);

/* The octets of an item's `value`, from `alloc`, of *size octets. BRRR_E_IO if
 * the item is no record. */
brrr_status brrr__dynamodb_octets(brrr_alloc alloc, const json_t *item,
                                  brrr_bytes *out, size_t *size);

#endif
