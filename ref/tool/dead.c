/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * dead.c - L7: `brrr dead`: the dead letters of a topic on a Redis.
 *
 * A letter is removed by its octets, not by its number, which may have changed
 * meanwhile.
 */
#include "input.h"
#include "raw.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOT_OCTETS 16
#define ROOT_CHARS 22 /* in base64url without padding */

static void print_text(brrr_bytes in) {
  for (size_t i = 0; i < in.len; i++) {
    if (in.ptr[i] < 0x20 || in.ptr[i] > 0x7e)
      (void)printf("\\x%02x", (unsigned)in.ptr[i]);
    else
      (void)putchar(in.ptr[i]);
  }
}

static void print_letter(size_t number, brrr_bytes octets) {
  dead_letter letter;
  char when[32] = "";
  if (dead_letter_decode(&letter, octets, NULL) != BRRR_OK) {
    (void)printf("%zu\t-\tnot a dead letter [REDIS-40]\t", number);
    print_text(octets);
    (void)putchar('\n');
    return;
  }
  const time_t at = (time_t)letter.at;
  struct tm utc;
  if (gmtime_r(&at, &utc))
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
  (void)printf("%zu\t%s\t", number, when);
  print_text(letter.reason);
  (void)putchar('\t');
  print_text(letter.message);
  (void)putchar('\n');
}

static int list(raw *r, brrr_bytes key) {
  keys letters = {0};
  int status = raw_texts(
      r, &letters,
      RAW_ARGS(BRRR_LIT("LRANGE"), key, BRRR_LIT("0"), BRRR_LIT("-1")));
  for (size_t i = 0; status == EXIT_DONE && i < letters.count; i++)
    print_letter(i + 1, letters.list[i]);
  keys_free(&letters);
  return status;
}

static int show(brrr_bytes octets) {
  json_t *letter = NULL, *message = NULL;
  dead_letter decoded;
  brrr_error e = {0};
  if (record_decode(record_named("DeadLetter"), octets, &letter, &e) !=
          BRRR_OK ||
      dead_letter_decode(&decoded, octets, &e) != BRRR_OK)
    return complain("offset %zu: %s", e.offset, e.reason);
  if (record_decode(record_named("ScheduleMessage"), decoded.message, &message,
                    NULL) == BRRR_OK)
    (void)json_object_set_new(letter, "decoded", message);
  int status = output_json(letter);
  json_decref(letter);
  return status;
}

static int drop(raw *r, brrr_bytes key, brrr_bytes octets) {
  int64_t removed = 0;
  int status = raw_number(
      r, &removed, RAW_ARGS(BRRR_LIT("LREM"), key, BRRR_LIT("1"), octets));
  if (status == EXIT_DONE && !removed)
    return complain("somebody else has removed it");
  return status;
}

/* ---- retry --------------------------------------------------------------- */

/* [SCHED-3] */
static brrr_status root_new(const brrr_client *c, uint8_t out[ROOT_CHARS]) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint8_t octets[ROOT_OCTETS + 2] = {0};
  brrr_status s = c->random(c->ud, octets, ROOT_OCTETS);
  for (size_t i = 0; i < ROOT_CHARS; i++) {
    size_t bit = 6 * i, at = bit / 8;
    unsigned pair = (unsigned)octets[at] << 8 | octets[at + 1];
    out[i] = (uint8_t)digits[pair >> (10 - bit % 8) & 63];
  }
  return s;
}

static brrr_status carry_out(session *s, const brrr_backend *b,
                             const brrr_effect *e) {
  b->submit(b->self, e, session_done(s));
  return session_wait(s);
}

/* Puts a message for the call under a new root_id. Not by scheduling it anew:
 * that does nothing if the value exists, though those who wait for it may not
 * have been told. */
static int put_again(raw *r, brrr_bytes topic, brrr_bytes call_hash) {
  session *s = r->session;
  const brrr_backends *b = &s->client.backends;
  uint8_t root[ROOT_CHARS];
  const brrr_key call = {BRRR_KIND_CALL, call_hash};
  brrr_status status = carry_out(
      s, &b->store, &(brrr_effect){.type = BRRR_STORE_HAS, .key = call});
  if (status == BRRR_ABSENT)
    return complain("its call is not in the store");
  if (status == BRRR_OK)
    status = root_new(&s->client, root);
  const brrr_schedule_message m = {{root, sizeof root}, call_hash};
  brrr_bytes message;
  brrr_buf octets;
  brrr_buf_init(&octets, &s->arena);
  brrr_schedule_message_encode(&octets, &m);
  if (status == BRRR_OK)
    status = brrr_buf_finish(&octets, &message, NULL);
  if (status == BRRR_OK) /* [SCHED-10] */
    status = carry_out(
        s, &b->cache,
        &(brrr_effect){
            .type = BRRR_CACHE_INCR,
            .name = raw_join(r, RAW_ARGS(BRRR_LIT("brrr_count/"), m.root_id))});
  if (status == BRRR_OK)
    status =
        carry_out(s, &b->queue,
                  &(brrr_effect){
                      .type = BRRR_QUEUE_PUT, .name = topic, .value = message});
  return status == BRRR_OK ? EXIT_DONE
                           : complain_status("retry", status, s->value);
}

static int retry(raw *r, brrr_bytes topic, brrr_bytes key, brrr_bytes octets) {
  dead_letter letter;
  brrr_schedule_message m;
  if (dead_letter_decode(&letter, octets, NULL) != BRRR_OK ||
      brrr_schedule_message_decode(&m, letter.message, NULL) != BRRR_OK)
    return complain("it holds no ScheduleMessage: nothing to retry");
  int status = put_again(r, topic, m.call_hash);
  return status == EXIT_DONE ? drop(r, key, octets) : status;
}

/* ---- the command --------------------------------------------------------- */

static int one(raw *r, const char *verb, const char *number, brrr_bytes topic,
               brrr_bytes key) {
  char *end = NULL;
  char index[24];
  brrr_bytes octets = {0};
  unsigned long n = strtoul(number, &end, 10);
  if (*end || *number < '1' || *number > '9' || n > INT32_MAX)
    return complain_usage("dead: %s is no number of a letter", number);
  (void)snprintf(index, sizeof index, "%lu", n - 1);
  int status = raw_text(
      r, &octets, RAW_ARGS(BRRR_LIT("LINDEX"), key, brrr_bytes_str(index)));
  if (status != EXIT_DONE)
    return status;
  if (!octets.ptr) {
    (void)complain("dead: there is no letter %lu", n);
    return EXIT_ABSENT;
  }
  if (strcmp(verb, "show") == 0)
    return show(octets);
  if (strcmp(verb, "drop") == 0)
    return drop(r, key, octets);
  return retry(r, topic, key, octets);
}

static int dead(session *s, const places *p, const words *w) {
  raw r;
  const char *verb = w->list[0];
  const brrr_bytes topic = brrr_bytes_str(w->list[w->count - 1]);
  int status = raw_open(&r, s, places_url(p, p->queue));
  if (status != EXIT_DONE)
    return status;
  const brrr_bytes key =
      raw_join(&r, RAW_ARGS(BRRR_LIT("brrr:dead:{"), topic, BRRR_LIT("}")));
  if (!key.ptr)
    status = complain("out of memory");
  else if (w->count == 2)
    status = list(&r, key);
  else
    status = one(&r, verb, w->list[1], topic, key);
  raw_close(&r);
  return status;
}

static bool good_verb(const words *w) {
  static const char *const verbs[] = {"show", "retry", "drop"};
  if (strcmp(w->list[0], "list") == 0)
    return w->count == 2;
  for (size_t i = 0; i < 3; i++)
    if (strcmp(w->list[0], verbs[i]) == 0)
      return w->count == 3;
  return false;
}

int command_dead(int argc, const char **argv) {
  places p = {0};
  const struct poptOption options[] = {PLACES_OPTIONS(p),
                                       POPT_AUTOHELP POPT_TABLEEND};
  words w;
  session s;
  int status = words_parse(
      &w, argc, argv, options,
      "dead [OPTION...] list TOPIC | show N TOPIC | retry N TOPIC | "
      "drop N TOPIC\n\n"
      "Dead letters of a topic: messages that no worker could handle. `list`\n"
      "prints number, time, reason and message. `retry` puts the call under a\n"
      "new root_id, and drops the letter.\n",
      2, 3);
  if (status == EXIT_DONE && !good_verb(&w))
    status = complain_usage("dead: want list TOPIC, or show, retry or drop "
                            "with N TOPIC");
  if (status == EXIT_DONE) {
    status = session_open(&s, &p, false);
    if (status == EXIT_DONE)
      status = dead(&s, &p, &w);
    session_close(&s);
  }
  places_free(&p);
  words_free(&w);
  return status;
}
