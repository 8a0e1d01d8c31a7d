/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * codec.c - L7: how long the reference takes for a record: to decode it, and
 * to decode and encode it again.
 *
 *   message    a ScheduleMessage of 97 octets
 *   call       a Call with a payload of 1 MiB; beside it one with 1 KiB, and a
 *              memcpy of 1 MiB
 *   returns    PendingReturns with 1 000 elements
 *
 * `measure` prints nanoseconds, as JSON; `print` the record itself.
 */
#include "bench.h"

#include <brrr/brrr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS 4e6 /* one sample takes about that */
#define SAMPLES 11

typedef struct subject {
  brrr_bytes in;
  brrr_arena arena; /* kept from turn to turn */
  uint8_t *copy;    /* room for a memcpy of `in` */
} subject;

static void check(brrr_status status) {
  if (status != BRRR_OK)
    bench_die("a record is not what it should be");
}

static void encoded(subject *s, const brrr_buf *b) {
  brrr_bytes out;
  check(brrr_buf_finish(b, &out, NULL));
  if (out.len != s->in.len)
    bench_die("a record comes out otherwise");
  brrr_arena_reset(&s->arena);
}

/* ---- what is measured ---------------------------------------------------- */

static void decode_message(subject *s) {
  brrr_schedule_message m;
  check(brrr_schedule_message_decode(&m, s->in, NULL));
}

static void turn_message(subject *s) {
  brrr_schedule_message m;
  brrr_buf b;
  check(brrr_schedule_message_decode(&m, s->in, NULL));
  brrr_buf_init(&b, &s->arena);
  brrr_schedule_message_encode(&b, &m);
  encoded(s, &b);
}

static void decode_call(subject *s) {
  brrr_call c;
  check(brrr_call_decode(&c, s->in, NULL));
}

static void turn_call(subject *s) {
  brrr_call c;
  brrr_buf b;
  check(brrr_call_decode(&c, s->in, NULL));
  brrr_buf_init(&b, &s->arena);
  brrr_call_encode(&b, &c);
  encoded(s, &b);
}

static void decode_returns(subject *s) {
  brrr_pending_returns p;
  check(brrr_pending_returns_decode(&p, &s->arena, s->in, NULL));
  brrr_arena_reset(&s->arena);
}

static void turn_returns(subject *s) {
  brrr_pending_returns p;
  brrr_buf b;
  check(brrr_pending_returns_decode(&p, &s->arena, s->in, NULL));
  brrr_buf_init(&b, &s->arena);
  brrr_pending_returns_encode(&b, &p);
  encoded(s, &b);
}

static void copy(subject *s) {
  memcpy(s->copy, s->in.ptr, s->in.len);
  __asm__ volatile("" : : "r"(s->copy) : "memory");
}

/* ---- how it is measured -------------------------------------------------- */

static double now_ns(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

static double span_ns(void (*fn)(subject *), subject *s, size_t turns) {
  const double start = now_ns();
  for (size_t i = 0; i < turns; i++)
    fn(s);
  return now_ns() - start;
}

/* The median of some samples, after as many turns as fill one. */
static double measure(void (*fn)(subject *), subject *s) {
  double samples[SAMPLES];
  size_t turns = 1;
  while (span_ns(fn, s, turns) < SLICE_NS)
    turns *= 2;
  for (size_t k = 0; k < SAMPLES; k++)
    samples[k] = span_ns(fn, s, turns) / (double)turns;
  qsort(samples, SAMPLES, sizeof *samples, compare);
  return samples[SAMPLES / 2];
}

/* ---- the records --------------------------------------------------------- */

static subject make_message(brrr_arena *a) {
  subject s = {0};
  brrr_buf b;
  brrr_buf_init(&b, a);
  brrr_schedule_message_encode(
      &b, &(brrr_schedule_message){
              brrr_bytes_str("Y3VyaW91cz8gc29hbWkhIQ"),
              brrr_bytes_str("0123456789abcdef0123456789abcdef0123456789abcdef"
                             "0123456789abcdef")});
  check(brrr_buf_finish(&b, &s.in, NULL));
  return s;
}

static subject make_call(brrr_arena *a, size_t len) {
  subject s = {0};
  brrr_buf b;
  uint8_t *payload = brrr_arena_get(a, len);
  if (!payload)
    bench_die("out of memory");
  memset(payload, 'x', len);
  brrr_buf_init(&b, a);
  brrr_call_encode(&b, &(brrr_call){.task_name = BRRR_LIT("task"),
                                    .payload = {payload, len}});
  check(brrr_buf_finish(&b, &s.in, NULL));
  return s;
}

static subject make_returns(brrr_arena *a, size_t count) {
  subject s = {0};
  brrr_pending_returns p = {brrr_arena_get(a, count * sizeof *p.returns), count,
                            1700000000};
  brrr_buf b;
  for (size_t i = 0; i < count; i++) {
    char *text = brrr_arena_get(a, 96);
    if (!text)
      bench_die("out of memory");
    (void)snprintf(text, 96, BENCH_ROOT BENCH_HASH, i % 100, i);
    p.returns[i] = (brrr_pending_return){
        .root_id = {(uint8_t *)text, BENCH_ROOT_LEN},
        .call_hash = {(uint8_t *)text + BENCH_ROOT_LEN, BENCH_HASH_LEN},
        .topic = BRRR_LIT("topic")};
  }
  brrr_buf_init(&b, a);
  brrr_pending_returns_encode(&b, &p);
  check(brrr_buf_finish(&b, &s.in, NULL));
  return s;
}

/* ---- the command --------------------------------------------------------- */

/* All of a record, but for what is more about a call. */
static void report(void (*decode)(subject *), void (*turn)(subject *),
                   subject *s) {
  (void)printf("{\"decode_ns\": %.3f, \"turn_ns\": %.3f", measure(decode, s),
               measure(turn, s));
}

static void report_call(brrr_arena *a, subject *s) {
  subject small = make_call(a, 1024);
  s->copy = brrr_arena_get(a, s->in.len);
  if (!s->copy)
    bench_die("out of memory");
  report(decode_call, turn_call, s);
  (void)printf(", \"small_decode_ns\": %.3f, \"memcpy_ns\": %.3f",
               measure(decode_call, &small), measure(copy, s));
}

int bench_codec(int argc, char **argv) {
  const char *const record = argv[0];
  const bool is_message = !strcmp(record, "message");
  const bool is_call = !strcmp(record, "call");
  brrr_arena a;
  (void)argc;
  brrr_arena_init(&a, (brrr_alloc){0});
  subject s = is_message ? make_message(&a)
              : is_call  ? make_call(&a, (size_t)1 << 20)
                         : make_returns(&a, 1000);
  if (!strcmp(argv[1], "print")) {
    (void)fwrite(s.in.ptr, 1, s.in.len, stdout);
  } else {
    if (is_message)
      report(decode_message, turn_message, &s);
    else if (is_call)
      report_call(&a, &s);
    else
      report(decode_returns, turn_returns, &s);
    (void)puts("}");
  }
  brrr_arena_free(&s.arena);
  brrr_arena_free(&a);
  return 0;
}
