/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * dynamodb.c - L6: a store on one DynamoDB table.
 *
 * The one idea: what is not known is read. Every read is consistent. A set_new
 * or cas that may have been carried out although its answer did not come is not
 * taken for done, nor for a mismatch: if it was done, the record holds the
 * caller's own return, which the caller would then take for somebody's who has
 * put the child, and nobody would run it [DYN-7]. So the record is read:
 *
 *   it holds what was to be written    OK: be it ours or another's, the state
 *                                      is the one that was asked for, and a
 *                                      child that is put twice does no harm
 *   anything else                      E_IO: the worker tries its message
 *                                      again, with force, and puts the child
 *
 * A set or cad may be sent again: a set does the same, and after a cad a
 * mismatch only makes the worker read the record again.
 */
#include <brrr/dynamodb.h>

#include "aws_client.h"
#include "base.h"
#include "dynamodb_request.h"

#include <stdio.h>
#include <string.h>

#define TABLE_PAUSE_MS 250
#define TABLE_TRIES 240 /* so for a minute */

struct brrr_dynamodb {
  brrr_alloc alloc;
  brrr__aws aws;
  char *table;
  void (*closed)(void *ud);
  void *ud;
};

/* An effect on its way. */
typedef struct order {
  brrr_dynamodb *dynamodb;
  brrr_effect_type type;
  brrr_done done;
  json_t *read_back; /* SET_NEW, CAS: a request, */
  json_t *written;   /* and what makes it a success */
  unsigned tries;    /* create_table */
} order;

static order *order_new(brrr_dynamodb *d, brrr_done done) {
  order *o = brrr__alloc(d->alloc, NULL, 0, sizeof *o);
  if (o)
    *o = (order){.dynamodb = d, .done = done};
  return o;
}

static void order_end(order *o, brrr_reply reply) {
  const brrr_done done = o->done;
  json_decref(o->read_back);
  json_decref(o->written);
  brrr__alloc(o->dynamodb->alloc, o, sizeof *o, 0);
  done.fn(done.ud, &reply);
}

static void order_fail(order *o, brrr_status status, const char *words) {
  char copy[sizeof o->dynamodb->aws.words];
  (void)snprintf(copy, sizeof copy, "%s", words);
  memcpy(o->dynamodb->aws.words, copy, sizeof copy);
  order_end(o, (brrr_reply){.status = status, .value = brrr_bytes_str(copy)});
}

static void dispatch(order *o, brrr__aws_request request) {
  request.ud = o;
  if (!brrr__aws_send(&o->dynamodb->aws, &request))
    order_fail(o, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
}

/* ---- what has been sent, and what comes back ----------------------------- */

static bool is_mismatch(const brrr__aws_answer *answer) { /* [DYN-3] */
  return answer->end == AWS_REFUSED &&
         strcmp(answer->code, "ConditionalCheckFailedException") == 0;
}

static void on_record(order *o, const json_t *item) {
  const brrr_alloc alloc = o->dynamodb->alloc;
  brrr_bytes octets;
  size_t size;
  const brrr_status s = brrr__dynamodb_octets(alloc, item, &octets, &size);
  if (s != BRRR_OK) {
    brrr__aws_note(&o->dynamodb->aws, BRRR_ERROR, "GetItem: %s",
                   s == BRRR_E_IO ? "the item has no value of type B"
                                  : brrr_status_text(s));
    order_fail(o, s, o->dynamodb->aws.words);
    return;
  }
  order_end(o, (brrr_reply){.value = octets});
  brrr__alloc(alloc, (void *)(uintptr_t)octets.ptr, size, 0);
}

static void on_read_back(void *ud, const brrr__aws_answer *answer) {
  order *o = ud;
  const json_t *item = json_object_get(answer->json, "Item");
  if (json_equal(json_object_get(item, "value"), o->written)) {
    order_end(o, (brrr_reply){0});
    return;
  }
  brrr__aws_note(&o->dynamodb->aws, BRRR_ERROR,
                 "UpdateItem: nobody knows whether it was carried out");
  order_fail(o, BRRR_E_IO, o->dynamodb->aws.words);
}

static void on_answer(void *ud, const brrr__aws_answer *answer) {
  order *o = ud;
  const json_t *item = json_object_get(answer->json, "Item");
  if (answer->end != AWS_OK && answer->unsure && o->read_back &&
      !o->dynamodb->aws.closing) {
    json_t *body = o->read_back;
    o->read_back = NULL;
    dispatch(o, (brrr__aws_request){
                    .action = "GetItem", .body = body, .fn = on_read_back});
  } else if (is_mismatch(answer)) {
    order_end(o, (brrr_reply){.status = BRRR_MISMATCH});
  } else if (answer->end != AWS_OK) {
    order_fail(o, BRRR_E_IO, o->dynamodb->aws.words);
  } else if (o->type == BRRR_STORE_GET && item) {
    on_record(o, item);
  } else {
    const bool is_read = o->type == BRRR_STORE_GET || o->type == BRRR_STORE_HAS;
    order_end(o,
              (brrr_reply){.status = is_read && !item ? BRRR_ABSENT : BRRR_OK});
  }
}

/* ---- the backend --------------------------------------------------------- */

/* What a set_new or cas needs if its answer does not come. */
static bool prepare_read_back(order *o, const json_t *body) {
  o->written = json_incref((json_t *)(uintptr_t)brrr__dynamodb_written(body));
  o->read_back = brrr__dynamodb_read_back(body);
  return o->read_back;
}

static void refuse(brrr_dynamodb *d, brrr_status status, const char *words,
                   brrr_done done) {
  (void)snprintf(d->aws.words, sizeof d->aws.words, "%s", words);
  done.fn(done.ud,
          &(brrr_reply){.status = status, .value = brrr_bytes_str(words)});
}

static void submit(void *self, const brrr_effect *e, brrr_done done) {
  brrr_dynamodb *d = self;
  const char *action = brrr__dynamodb_action(e->type);
  const char *wrong = action ? brrr__dynamodb_refusal(e) : "no such effect";
  if (wrong) { /* [DYN-6] */
    refuse(d, action ? BRRR_E_IO : BRRR_E_MISUSE, wrong, done);
    return;
  }
  const bool once =
      e->type == BRRR_STORE_SET_NEW || e->type == BRRR_STORE_CAS; /* [DYN-7] */
  json_t *body = brrr__dynamodb_body(d->alloc, d->table, e);
  order *o = body ? order_new(d, done) : NULL;
  if (!o) {
    json_decref(body);
    refuse(d, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM), done);
    return;
  }
  o->type = e->type;
  if (once && !prepare_read_back(o, body)) {
    json_decref(body);
    order_fail(o, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM));
    return;
  }
  dispatch(o,
           (brrr__aws_request){
               .action = action, .body = body, .once = once, .fn = on_answer});
}

brrr_backend brrr_dynamodb_backend(brrr_dynamodb *d) {
  return (brrr_backend){.submit = submit, .self = d};
}

const char *brrr_dynamodb_error(const brrr_dynamodb *d) { return d->aws.words; }

/* ---- the table ----------------------------------------------------------- */

static void on_table(void *ud, const brrr__aws_answer *answer) {
  order *o = ud;
  brrr_dynamodb *d = o->dynamodb;
  const bool exists = strcmp(answer->code, "ResourceInUseException") == 0;
  const json_t *table = json_object_get(answer->json, "Table");
  const char *state = json_string_value(json_object_get(table, "TableStatus"));
  if (answer->end != AWS_OK && !exists) {
    order_fail(o, BRRR_E_IO, d->aws.words);
  } else if (state && strcmp(state, "ACTIVE") == 0) {
    order_end(o, (brrr_reply){0});
  } else if (o->tries++ == TABLE_TRIES) {
    order_fail(o, BRRR_E_IO, "the table does not become active");
  } else {
    dispatch(o, (brrr__aws_request){
                    .action = "DescribeTable",
                    .body = json_pack("{s:s}", "TableName", d->table),
                    .pause_ms = o->tries > 1 ? TABLE_PAUSE_MS : 0,
                    .fn = on_table});
  }
}

void brrr_dynamodb_create_table(brrr_dynamodb *d, brrr_done done) {
  order *o = order_new(d, done);
  if (o)
    dispatch(o, (brrr__aws_request){.action = "CreateTable",
                                    .body = brrr__dynamodb_table(d->table),
                                    .fn = on_table});
  else
    refuse(d, BRRR_E_NOMEM, brrr_status_text(BRRR_E_NOMEM), done);
}

/* ---- from beginning to end ----------------------------------------------- */

static void dynamodb_free(brrr_dynamodb *d) {
  if (d->table)
    brrr__alloc(d->alloc, d->table, strlen(d->table) + 1, 0);
  brrr__alloc(d->alloc, d, sizeof *d, 0);
}

brrr_status brrr_dynamodb_new(brrr_dynamodb **out, brrr_alloc alloc,
                              struct uv_loop_s *loop,
                              const brrr_dynamodb_options *options,
                              const char **why) {
  const char *unwanted;
  if (!why)
    why = &unwanted;
  if (!options->table || !*options->table) {
    *why = "no table";
    return BRRR_E_MISUSE;
  }
  brrr_dynamodb *d = brrr__alloc(alloc, NULL, 0, sizeof *d);
  if (!d)
    return BRRR_E_NOMEM;
  const size_t size = strlen(options->table) + 1;
  *d = (brrr_dynamodb){.alloc = alloc};
  d->table = brrr__alloc(alloc, NULL, 0, size);
  brrr_status s = d->table ? brrr__aws_open(&d->aws,
                                            &(brrr__aws_options){
                                                .alloc = alloc,
                                                .loop = loop,
                                                .service = "dynamodb",
                                                .prefix = "DynamoDB_20120810.",
                                                .aws = &options->aws,
                                                .log = options->log,
                                            },
                                            why)
                           : BRRR_E_NOMEM;
  if (d->table)
    memcpy(d->table, options->table, size);
  if (s != BRRR_OK) {
    dynamodb_free(d);
    return s;
  }
  *out = d;
  return BRRR_OK;
}

static void on_closed(void *ud) {
  brrr_dynamodb *d = ud;
  void (*closed)(void *) = d->closed;
  void *closed_ud = d->ud;
  dynamodb_free(d);
  if (closed)
    closed(closed_ud);
}

void brrr_dynamodb_close(brrr_dynamodb *d, void (*closed)(void *ud), void *ud) {
  d->closed = closed;
  d->ud = ud;
  brrr__aws_close(&d->aws, on_closed, d);
}
