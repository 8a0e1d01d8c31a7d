/* SPDX-License-Identifier: AGPL-3.0-only */
#include "durable.h"

#include <stdio.h>

static brrr_backend memory_of(const durable *d) {
  return brrr_memory_backend(d->memory);
}

/* A get that waits for its message. */
typedef struct getting {
  durable *d;
  brrr_done done;
} getting;

static void on_got(void *ud, const brrr_reply *reply) {
  getting g = *(getting *)ud;
  durable *d = g.d;
  char receipt[16];
  free(ud);
  if (reply->status != BRRR_OK) {
    g.done.fn(g.done.ud, reply);
    return;
  }
  assert_true(d->taken_count < DURABLE_MAX);
  (void)snprintf(receipt, sizeof receipt, "r%u", d->taken_count);
  d->taken[d->taken_count++].message = exact(reply->value);
  d->in_flight++;
  g.done.fn(g.done.ud, &(brrr_reply){.value = reply->value,
                                     .num = d->num,
                                     .receipt = brrr_bytes_str(receipt)});
}

static void get(durable *d, const brrr_effect *e, brrr_done done) {
  getting *g = malloc(sizeof *g);
  assert_non_null(g);
  *g = (getting){d, done};
  const brrr_backend m = memory_of(d);
  m.submit(m.self, e, (brrr_done){on_got, g});
}

/* None is acknowledged twice, and each with its own octets. */
static void land(durable *d, const brrr_effect *e) {
  char text[16] = "";
  assert_in_range(e->receipt.len, 2, sizeof text - 1);
  memcpy(text, e->receipt.ptr, e->receipt.len);
  const unsigned long n = strtoul(text + 1, NULL, 10);
  assert_true(n < d->taken_count);
  assert_non_null(d->taken[n].message.ptr);
  assert_bytes(d->taken[n].message, e->value);
  exact_free(d->taken[n].message);
  d->taken[n].message = (brrr_bytes){0};
  d->in_flight--;
}

static void answer_with(brrr_done done, brrr_status status) {
  const brrr_bytes words =
      status < 0 ? BRRR_LIT("it is dark") : (brrr_bytes){0};
  done.fn(done.ud, &(brrr_reply){.status = status, .value = words});
}

static void acknowledge(durable *d, const brrr_effect *e, brrr_done done) {
  d->acks++;
  if (d->ack_fails) {
    d->ack_fails--;
    answer_with(done, BRRR_E_IO);
    return;
  }
  land(d, e);
  if (d->hold_acks)
    d->held[d->held_count++] = done;
  else
    answer_with(done, BRRR_OK);
}

static void set_aside(durable *d, const brrr_effect *e, brrr_done done) {
  if (d->dead_fails) {
    d->dead_fails--;
    answer_with(done, BRRR_E_IO);
    return;
  }
  land(d, e);
  assert_true(d->letter_count < DURABLE_MAX);
  d->letters[d->letter_count++] =
      (durable_letter){exact(e->value), exact(e->detail), *e->error};
  answer_with(done, BRRR_OK);
}

static void submit(void *self, const brrr_effect *e, brrr_done done) {
  durable *d = self;
  const brrr_backend m = memory_of(d);
  switch (e->type) {
  case BRRR_QUEUE_GET:
    get(d, e, done);
    break;
  case BRRR_QUEUE_ACK:
    acknowledge(d, e, done);
    break;
  case BRRR_QUEUE_DEAD:
    set_aside(d, e, done);
    break;
  default:
    m.submit(m.self, e, done);
  }
}

static void wake(void *self) {
  const brrr_backend m = memory_of(self);
  m.wake(m.self);
}

subject durable_init(durable *d) {
  assert_int_equal(brrr_memory_new(&d->memory, (brrr_alloc){0}), BRRR_OK);
  const brrr_backend b = {.submit = submit, .self = d, .wake = wake};
  return (subject){b, answers_at_once, NULL};
}

void durable_release(durable *d) {
  while (d->held_count)
    answer_with(d->held[--d->held_count], BRRR_OK);
}

void durable_free(durable *d) {
  assert_int_equal(d->held_count, 0);
  for (unsigned i = 0; i < d->taken_count; i++)
    if (d->taken[i].message.ptr)
      exact_free(d->taken[i].message);
  for (unsigned i = 0; i < d->letter_count; i++) {
    exact_free(d->letters[i].message);
    exact_free(d->letters[i].detail);
  }
  brrr_memory_free(d->memory);
}
