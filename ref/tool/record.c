/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * record.c - L7: the records of Brrr as JSON objects, and back.
 *
 * The one idea: a table tells which member of the object is which field of the
 * library's struct; two loops do the rest.
 */
#include "record.h"

#include "input.h"
#include "tool.h"

#include <ctype.h>
#include <string.h>

typedef enum content { OCTETS, NUMBER, OPTIONAL_NUMBER, RETURNS } content;

typedef struct field {
  const char *name;
  content content;
  size_t offset; /* in the struct */
} field;

typedef union any {
  brrr_schedule_message schedule_message;
  brrr_pending_return pending_return;
  brrr_pending_returns pending_returns;
  brrr_call call;
  dead_letter dead_letter;
} any;

struct record {
  const char *name;
  brrr_bytes opening; /* the first octets of each such record */
  const field *fields;
  size_t count;
  brrr_status (*decode)(any *out, brrr_arena *a, brrr_bytes in,
                        brrr_error *err);
  void (*encode)(brrr_buf *b, any *in);
};

/* ---- the records --------------------------------------------------------- */

static brrr_status schedule_message_decode(any *out, brrr_arena *a,
                                           brrr_bytes in, brrr_error *err) {
  (void)a;
  return brrr_schedule_message_decode(&out->schedule_message, in, err);
}

static void schedule_message_encode(brrr_buf *b, any *in) {
  brrr_schedule_message_encode(b, &in->schedule_message);
}

static brrr_status pending_return_decode(any *out, brrr_arena *a, brrr_bytes in,
                                         brrr_error *err) {
  (void)a;
  return brrr_pending_return_decode(&out->pending_return, in, err);
}

static void pending_return_encode(brrr_buf *b, any *in) {
  brrr_pending_return_encode(b, &in->pending_return);
}

static brrr_status pending_returns_decode(any *out, brrr_arena *a,
                                          brrr_bytes in, brrr_error *err) {
  return brrr_pending_returns_decode(&out->pending_returns, a, in, err);
}

static void pending_returns_encode(brrr_buf *b, any *in) {
  brrr_pending_returns_encode(b, &in->pending_returns);
}

static brrr_status call_decode(any *out, brrr_arena *a, brrr_bytes in,
                               brrr_error *err) {
  (void)a;
  return brrr_call_decode(&out->call, in, err);
}

static void call_encode(brrr_buf *b, any *in) {
  brrr_call_encode(b, &in->call);
}

/* The next item, which has to be of this type and, if it is a key, this one. */
static bool next_is(brrr_ben *r, brrr_ben_type type, const char *key,
                    brrr_ben_item *item) {
  return brrr_ben_next(r, item) == BRRR_OK && item->type == type &&
         (!key || brrr_bytes_equal(item->str, brrr_bytes_str(key)));
}

brrr_status dead_letter_decode(dead_letter *out, brrr_bytes in,
                               brrr_error *err) {
  brrr_ben r;
  brrr_ben_item item = {0}, at = {0}, message = {0}, reason = {0};
  brrr_ben_init(&r, in);
  bool good = next_is(&r, BRRR_BEN_DICT, NULL, &item) &&
              next_is(&r, BRRR_BEN_STR, "at", &item) &&
              next_is(&r, BRRR_BEN_INT, NULL, &at) &&
              next_is(&r, BRRR_BEN_STR, "message", &item) &&
              next_is(&r, BRRR_BEN_STR, NULL, &message) &&
              next_is(&r, BRRR_BEN_STR, "reason", &item) &&
              next_is(&r, BRRR_BEN_STR, NULL, &reason) &&
              next_is(&r, BRRR_BEN_END, NULL, &item);
  if (!good && r.error.status == BRRR_OK) {
    if (err)
      *err = (brrr_error){BRRR_E_RECORD, item.offset,
                          "not a dict of at, message and reason", "REDIS-40"};
    return BRRR_E_RECORD;
  }
  brrr_status s = brrr_ben_finish(&r, err);
  if (s == BRRR_OK)
    *out = (dead_letter){at.num, message.str, reason.str};
  return s;
}

static brrr_status dead_letter_decode_any(any *out, brrr_arena *a,
                                          brrr_bytes in, brrr_error *err) {
  (void)a;
  return dead_letter_decode(&out->dead_letter, in, err);
}

static void dead_letter_encode(brrr_buf *b, any *in) {
  brrr_ben_put_dict(b);
  brrr_ben_put_str(b, BRRR_LIT("at"));
  brrr_ben_put_int(b, in->dead_letter.at);
  brrr_ben_put_str(b, BRRR_LIT("message"));
  brrr_ben_put_str(b, in->dead_letter.message);
  brrr_ben_put_str(b, BRRR_LIT("reason"));
  brrr_ben_put_str(b, in->dead_letter.reason);
  brrr_ben_put_end(b);
}

static const field schedule_message_fields[] = {
    {"root_id", OCTETS, offsetof(brrr_schedule_message, root_id)},
    {"call_hash", OCTETS, offsetof(brrr_schedule_message, call_hash)}};
static const field pending_return_fields[] = {
    {"root_id", OCTETS, offsetof(brrr_pending_return, root_id)},
    {"call_hash", OCTETS, offsetof(brrr_pending_return, call_hash)},
    {"topic", OCTETS, offsetof(brrr_pending_return, topic)}};
static const field pending_returns_fields[] = {
    {"returns", RETURNS, 0},
    {"scheduled_at", OPTIONAL_NUMBER,
     offsetof(brrr_pending_returns, scheduled_at)}};
static const field call_fields[] = {
    {"task_name", OCTETS, offsetof(brrr_call, task_name)},
    {"payload", OCTETS, offsetof(brrr_call, payload)}};
static const field dead_letter_fields[] = {
    {"at", NUMBER, offsetof(dead_letter, at)},
    {"message", OCTETS, offsetof(dead_letter, message)},
    {"reason", OCTETS, offsetof(dead_letter, reason)}};

#define FIELDS(name) name##_fields, sizeof name##_fields / sizeof(field)

static const record records[] = {
    {"ScheduleMessage", BRRR_INIT("li2e"), FIELDS(schedule_message),
     schedule_message_decode, schedule_message_encode},
    {"PendingReturn", BRRR_INIT("li1e"), FIELDS(pending_return),
     pending_return_decode, pending_return_encode},
    {"PendingReturns", BRRR_INIT("d7:returns"), FIELDS(pending_returns),
     pending_returns_decode, pending_returns_encode},
    {"Call", BRRR_INIT("d7:payload"), FIELDS(call), call_decode, call_encode},
    {"DeadLetter", BRRR_INIT("d2:at"), FIELDS(dead_letter),
     dead_letter_decode_any, dead_letter_encode},
};

const char record_names[] =
    "ScheduleMessage, PendingReturn, PendingReturns, Call, DeadLetter";

#define COUNT (sizeof records / sizeof *records)
#define PENDING_RETURN (&records[1])

/* Capitals, and - or _ between words, make no difference. */
static bool same_name(const char *name, const char *typed) {
  for (; *typed; typed++) {
    if (*typed == '-' || *typed == '_')
      continue;
    if (tolower((unsigned char)*name) != tolower((unsigned char)*typed))
      return false;
    name++;
  }
  return !*name;
}

const record *record_named(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (same_name(records[i].name, name))
      return &records[i];
  return NULL;
}

const record *record_guess(brrr_bytes in) {
  for (size_t i = 0; i < COUNT; i++) {
    brrr_bytes opening = records[i].opening;
    if (in.len >= opening.len && memcmp(in.ptr, opening.ptr, opening.len) == 0)
      return &records[i];
  }
  return NULL;
}

const char *record_name(const record *r) { return r->name; }

/* ---- to JSON ------------------------------------------------------------- */

static json_t *flat_to_json(const record *r, const void *from);

static json_t *returns_to_json(const brrr_pending_returns *from) {
  json_t *list = json_array();
  for (size_t i = 0; list && i < from->count; i++) {
    json_t *one = flat_to_json(PENDING_RETURN, &from->returns[i]);
    if (json_array_append_new(list, one) != 0) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

static json_t *field_to_json(const field *f, const void *from) {
  const void *at = (const uint8_t *)from + f->offset;
  switch (f->content) {
  case OCTETS:
    return octets_to_json(*(const brrr_bytes *)at);
  case NUMBER:
  case OPTIONAL_NUMBER:
    return json_integer(*(const int64_t *)at);
  case RETURNS:
    break;
  }
  return returns_to_json(at);
}

static json_t *flat_to_json(const record *r, const void *from) {
  json_t *object = json_object();
  for (size_t i = 0; object && i < r->count; i++) {
    const field *f = &r->fields[i];
    const uint8_t *at = (const uint8_t *)from + f->offset;
    if (f->content == OPTIONAL_NUMBER &&
        *(const int64_t *)(const void *)at == 0)
      continue; /* unset */
    if (json_object_set_new(object, f->name, field_to_json(f, from)) != 0) {
      json_decref(object);
      return NULL;
    }
  }
  return object;
}

brrr_status record_decode(const record *r, brrr_bytes in, json_t **out,
                          brrr_error *err) {
  any value = {0};
  brrr_arena a;
  brrr_arena_init(&a, (brrr_alloc){0});
  brrr_status s = r->decode(&value, &a, in, err);
  if (s == BRRR_OK) {
    json_t *fields = flat_to_json(r, &value);
    json_t *object = fields ? json_pack("{s:s}", "record", r->name) : NULL;
    if (object && json_object_update(object, fields) == 0) {
      *out = object;
    } else {
      json_decref(object);
      s = BRRR_E_NOMEM;
      if (err)
        *err = (brrr_error){s, 0, brrr_status_text(s), ""};
    }
    json_decref(fields);
  }
  brrr_arena_free(&a);
  return s;
}

/* ---- from JSON ----------------------------------------------------------- */

static bool flat_from_json(const record *r, brrr_arena *a, const json_t *in,
                           void *to);

static bool refuse(const record *r, const char *member, const char *why) {
  (void)complain("%s: %s %s", r->name, member, why);
  return false;
}

static bool returns_from_json(brrr_arena *a, const json_t *in,
                              brrr_pending_returns *to) {
  size_t count = json_array_size(in);
  to->returns = brrr_arena_get(a, (count + 1) * sizeof *to->returns);
  if (!to->returns)
    return complain("out of memory") == EXIT_DONE;
  for (to->count = 0; to->count < count; to->count++)
    if (!flat_from_json(PENDING_RETURN, a, json_array_get(in, to->count),
                        &to->returns[to->count]))
      return false;
  return true;
}

static bool field_from_json(const record *r, const field *f, brrr_arena *a,
                            const json_t *in, void *to) {
  void *at = (uint8_t *)to + f->offset;
  switch (f->content) {
  case RETURNS:
    return json_is_array(in) ? returns_from_json(a, in, at)
                             : refuse(r, f->name, "is no list");
  case OCTETS:
    return octets_from_json(a, in, at) ||
           refuse(r, f->name, "is neither a string nor {\"hex\": \"00ff\"}");
  default:
    if (!json_is_integer(in))
      return refuse(r, f->name, "is no integer");
    *(int64_t *)at = json_integer_value(in);
    return true;
  }
}

static bool flat_from_json(const record *r, brrr_arena *a, const json_t *in,
                           void *to) {
  const json_t *name = json_object_get(in, "record");
  size_t known = name ? 1 : 0;
  if (!json_is_object(in))
    return refuse(r, "it", "is no object");
  if (name &&
      (!json_is_string(name) || record_named(json_string_value(name)) != r))
    return refuse(r, "record", "names another one");
  for (size_t i = 0; i < r->count; i++) {
    const field *f = &r->fields[i];
    const json_t *member = json_object_get(in, f->name);
    if (!member && f->content == OPTIONAL_NUMBER)
      continue;
    if (!member)
      return refuse(r, f->name, "is missing");
    if (!field_from_json(r, f, a, member, to))
      return false;
    known++;
  }
  return json_object_size(in) == known ||
         refuse(r, "it", "has a member that is not known");
}

bool record_encode(const record *r, brrr_arena *a, const json_t *in,
                   brrr_buf *out) {
  any value = {0};
  if (!flat_from_json(r, a, in, &value))
    return false;
  r->encode(out, &value);
  return true;
}
