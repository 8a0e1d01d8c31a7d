/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * client.c - L5: schedule and read, over any backends; the same for
 * calls of an app.
 */
#include "app.h"
#include "base.h"
#include "pump.h"
#include "topic.h"

#define ROOT_OCTETS 16
#define ROOT_CHARS 22 /* 16 octets in base64url without padding */

typedef struct job {
  brrr__pump pump;
  brrr_alloc alloc;
  brrr_done done;
} job;

static void end_with(brrr_done done, brrr_status status) {
  done.fn(done.ud, &(brrr_reply){.status = status});
}

static void on_end(void *ud, const brrr_op *op, brrr_status status,
                   brrr_bytes words) {
  job *j = ud;
  brrr_bytes value = status == BRRR_OK ? brrr_op_value(op) : words;
  j->done.fn(j->done.ud, &(brrr_reply){.status = status, .value = value});
  brrr__alloc(j->alloc, j, sizeof *j, 0);
}

/* Takes `op` over. */
static void run(const brrr_client *c, brrr_op *op, brrr_done done) {
  job *j = brrr__alloc(c->alloc, NULL, 0, sizeof *j);
  if (!j) {
    brrr_op_free(op);
    end_with(done, BRRR_E_NOMEM);
    return;
  }
  j->alloc = c->alloc;
  j->done = done;
  brrr__pump_start(&j->pump, c->alloc, op, &c->backends, (brrr_backend){0},
                   (brrr__pump_end){on_end, j});
}

/* Base64url [RFC 4648] of 16 octets: five groups of three octets, and one. */
static void root_id_write(uint8_t out[ROOT_CHARS],
                          const uint8_t in[ROOT_OCTETS]) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint32_t bits = 0;
  unsigned have = 0, n = 0;
  for (size_t i = 0; i < ROOT_OCTETS; i++) {
    bits = bits << 8 | in[i];
    for (have += 8; have >= 6; have -= 6)
      out[n++] = (uint8_t)digits[bits >> (have - 6) & 63];
  }
  out[n] = (uint8_t)digits[bits << (6 - have) & 63];
}

static brrr_status root_id_new(const brrr_client *c, uint8_t out[ROOT_CHARS]) {
  uint8_t octets[ROOT_OCTETS];
  brrr_status s = c->random(c->ud, octets, sizeof octets);
  if (s == BRRR_OK)
    root_id_write(out, octets); /* [SCHED-3] */
  return s;
}

void brrr_schedule(brrr_client *c, brrr_bytes topic, const brrr_call *call,
                   brrr_done done) {
  uint8_t root_id[ROOT_CHARS];
  brrr_op *op = NULL;
  /* Before anything is written [REDIS-4]. */
  brrr_status s = brrr__topic_check(&c->backends, topic);
  if (s == BRRR_OK)
    s = root_id_new(c, root_id);
  if (s == BRRR_OK)
    s = brrr_op_schedule(&op, c->alloc, &c->limits, topic, call,
                         (brrr_bytes){root_id, sizeof root_id});
  if (s == BRRR_OK)
    run(c, op, done);
  else
    end_with(done, s);
}

void brrr_read(brrr_client *c, brrr_bytes call_hash, brrr_done done) {
  brrr_op *op = NULL;
  brrr_status s = brrr_op_read(&op, c->alloc, call_hash);
  if (s == BRRR_OK)
    run(c, op, done);
  else
    end_with(done, s);
}

/* ---- calls of an app ----------------------------------------------------- */

/* In `a`, which the caller frees; where the codec refuses it, `done` is called.
 */
static bool call_of(const brrr_app *app, brrr_arena *a, const brrr_ask *ask,
                    brrr_call *out, brrr_done done) {
  brrr_error err = {0};
  brrr_bytes detail = {0};
  brrr_status s = brrr__app_call(app, a, ask, out, &err, &detail);
  if (s != BRRR_OK)
    done.fn(done.ud, &(brrr_reply){.status = s, .value = detail});
  return s == BRRR_OK;
}

void brrr_app_schedule(const brrr_app *app, brrr_client *c, const brrr_ask *ask,
                       brrr_done done) {
  brrr_arena a;
  brrr_call call;
  brrr_arena_init(&a, c->alloc);
  if (call_of(app, &a, ask, &call, done))
    brrr_schedule(c, brrr_bytes_str(ask->topic ? ask->topic : ""), &call, done);
  brrr_arena_free(&a);
}

void brrr_app_read(const brrr_app *app, brrr_client *c, const brrr_ask *ask,
                   brrr_done done) {
  brrr_arena a;
  brrr_call call;
  brrr_arena_init(&a, c->alloc);
  if (call_of(app, &a, ask, &call, done))
    brrr_read(c, call.call_hash, done);
  brrr_arena_free(&a);
}
