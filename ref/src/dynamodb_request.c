/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * dynamodb_request.c - L6: effects on the store as requests, items as octets.
 *
 * `value` is a reserved word in expressions, so it goes by #value there.
 */
#include "dynamodb_request.h"

#include "aws_base64.h"
#include "base.h"
#include "text.h"

#include <string.h>

/* What the names "pk", "sk" and "value" count. */
#define NAME_OCTETS 9

const char *brrr__dynamodb_refusal(const brrr_effect *e) {
  const brrr_bytes hash = e->key.call_hash;
  if (hash.len == 0)
    return "DynamoDB takes no empty call_hash";
  if (hash.len > BRRR__DYNAMODB_MAX_HASH)
    return "DynamoDB takes no call_hash of more than 2048 octets";
  if (brrr__text_utf8(hash) < hash.len)
    return "DynamoDB takes no call_hash that is not UTF-8";
  const size_t others =
      NAME_OCTETS + hash.len + strlen(brrr_kind_name(e->key.kind));
  if (e->value.len > BRRR__DYNAMODB_MAX_ITEM - others)
    return "DynamoDB takes no item of more than 409600 octets";
  return NULL;
}

const char *brrr__dynamodb_action(brrr_effect_type type) {
  switch (type) {
  case BRRR_STORE_GET:
  case BRRR_STORE_HAS:
    return "GetItem";
  case BRRR_STORE_SET:
    return "PutItem";
  case BRRR_STORE_SET_NEW:
  case BRRR_STORE_CAS:
    return "UpdateItem";
  case BRRR_STORE_CAD:
    return "DeleteItem";
  default:
    return NULL;
  }
}

/* All functions below pass NULL on: json_pack takes it for a failure. */

static json_t *binary(brrr_alloc alloc, brrr_bytes octets) {
  const size_t len = brrr__base64_len(octets.len);
  char *text = brrr__alloc(alloc, NULL, 0, len + 1);
  if (!text)
    return NULL;
  brrr__base64_encode(octets, text);
  json_t *json = json_pack("{s:o}", "B", json_stringn_nocheck(text, len));
  brrr__alloc(alloc, text, len + 1, 0);
  return json;
}

static json_t *key_of(const brrr_key *key) {
  const brrr_bytes hash = key->call_hash;
  json_t *pk = json_stringn_nocheck((const char *)hash.ptr, hash.len);
  return json_pack("{s:{s:o}, s:{s:s}}", "pk", "S", pk, "sk", "S",
                   brrr_kind_name(key->kind));
}

/* [DYN-4] [DYN-5] [DYN-8] */
static json_t *get(const char *table, json_t *key) {
  return json_pack("{s:s, s:o, s:b}", "TableName", table, "Key", key,
                   "ConsistentRead", 1);
}

/* [DYN-1] */
static json_t *set(brrr_alloc alloc, const char *table, const brrr_effect *e) {
  json_t *item = key_of(&e->key), *value = binary(alloc, e->value);
  if (json_object_set_new(item, "value", value)) {
    json_decref(item);
    return NULL;
  }
  return json_pack("{s:s, s:o}", "TableName", table, "Item", item);
}

/* [DYN-2] */
static json_t *conditional(brrr_alloc alloc, const char *table,
                           const brrr_effect *e) {
  const char *condition = "attribute_not_exists(#value)";
  if (e->type == BRRR_STORE_CAS)
    condition = "#value = :expected";
  if (e->type == BRRR_STORE_CAD)
    condition = "attribute_exists(#value) AND #value = :expected";
  json_t *values = json_object();
  json_t *body = json_pack("{s:s, s:o, s:s, s:{s:s}, s:O}", "TableName", table,
                           "Key", key_of(&e->key), "ConditionExpression",
                           condition, "ExpressionAttributeNames", "#value",
                           "value", "ExpressionAttributeValues", values);
  int wrong = 0;
  if (e->type != BRRR_STORE_CAD)
    wrong |= json_object_set_new(values, ":value", binary(alloc, e->value)) |
             json_object_set_new(body, "UpdateExpression",
                                 json_string("SET #value = :value"));
  if (e->type != BRRR_STORE_SET_NEW)
    wrong |=
        json_object_set_new(values, ":expected", binary(alloc, e->expected));
  json_decref(values);
  if (!wrong)
    return body;
  json_decref(body);
  return NULL;
}

json_t *brrr__dynamodb_body(brrr_alloc alloc, const char *table,
                            const brrr_effect *e) {
  switch (e->type) {
  case BRRR_STORE_GET:
    return get(table, key_of(&e->key));
  case BRRR_STORE_HAS: {
    json_t *body = get(table, key_of(&e->key));
    if (!json_object_set_new(body, "ProjectionExpression", json_string("pk")))
      return body;
    json_decref(body);
    return NULL;
  }
  case BRRR_STORE_SET:
    return set(alloc, table, e);
  default:
    return conditional(alloc, table, e);
  }
}

const json_t *brrr__dynamodb_written(const json_t *body) {
  const json_t *values = json_object_get(body, "ExpressionAttributeValues");
  return json_object_get(values, ":value");
}

json_t *brrr__dynamodb_read_back(const json_t *body) {
  const char *table = json_string_value(json_object_get(body, "TableName"));
  return get(table, json_incref(json_object_get(body, "Key")));
}

json_t *brrr__dynamodb_table(const char *table) {
  return json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}],"
                   " s:[{s:s, s:s}, {s:s, s:s}], s:s}",
                   "TableName", table, "KeySchema", "AttributeName", "pk",
                   "KeyType", "HASH", "AttributeName", "sk", "KeyType", "RANGE",
                   "AttributeDefinitions", "AttributeName", "pk",
                   "AttributeType", "S", "AttributeName", "sk", "AttributeType",
                   "S", "BillingMode", "PAY_PER_REQUEST");
}

brrr_status brrr__dynamodb_octets(brrr_alloc alloc, const json_t *item,
                                  brrr_bytes *out, size_t *size) {
  const json_t *b = json_object_get(json_object_get(item, "value"), "B");
  const brrr_bytes text = {(const uint8_t *)json_string_value(b),
                           json_string_length(b)};
  if (!b || !text.ptr)
    return BRRR_E_IO;
  const size_t room = text.len / 4 * 3 + 1; /* of nothing, too */
  uint8_t *octets = brrr__alloc(alloc, NULL, 0, room);
  size_t len = 0;
  if (!octets)
    return BRRR_E_NOMEM;
  if (!brrr__base64_decode(text, octets, &len)) {
    brrr__alloc(alloc, octets, room, 0);
    return BRRR_E_IO;
  }
  *out = (brrr_bytes){octets, len};
  *size = room;
  return BRRR_OK;
}
