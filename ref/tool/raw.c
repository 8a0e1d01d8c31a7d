/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * raw.c - L7: looks into a Redis, one command at a time.
 */
#include "raw.h"

#include <stdlib.h>
#include <string.h>

/* ---- keys ---------------------------------------------------------------- */

bool keys_add(keys *k, brrr_arena *a, brrr_bytes key) {
  if (k->count == k->cap) {
    size_t cap = k->cap ? 2 * k->cap : 64;
    brrr_bytes *list = realloc(k->list, cap * sizeof *list);
    if (!list)
      return false;
    k->list = list;
    k->cap = cap;
  }
  if (brrr_arena_copy(a, key, &k->list[k->count]) != BRRR_OK)
    return false;
  k->count++;
  return true;
}

static int compare(const void *a, const void *b) {
  return brrr_bytes_compare(*(const brrr_bytes *)a, *(const brrr_bytes *)b);
}

void keys_sort(keys *k) {
  size_t kept = 0;
  if (k->count)
    qsort(k->list, k->count, sizeof *k->list, compare);
  for (size_t i = 0; i < k->count; i++)
    if (!kept || !brrr_bytes_equal(k->list[kept - 1], k->list[i]))
      k->list[kept++] = k->list[i];
  k->count = kept;
}

size_t keys_find(const keys *k, brrr_bytes key) {
  const brrr_bytes *found =
      k->count ? bsearch(&key, k->list, k->count, sizeof *k->list, compare)
               : NULL;
  return found ? (size_t)(found - k->list) : k->count;
}

void keys_free(keys *k) { free(k->list); }

/* ---- commands ------------------------------------------------------------ */

int raw_open(raw *r, session *s, const char *url) {
  *r = (raw){.session = s};
  if (strncmp(url, "redis://", 8) != 0 && strncmp(url, "unix://", 7) != 0)
    return complain_usage("this needs a Redis, and %.8s... is none", url);
  brrr_status status = brrr_redis_new(&r->redis, (brrr_alloc){0}, &s->loop,
                                      &(brrr_redis_options){.url = url});
  return status == BRRR_OK ? EXIT_DONE
                           : complain("redis: %s", brrr_status_text(status));
}

void raw_close(raw *r) {
  if (r->redis)
    brrr_redis_close(r->redis, NULL, NULL);
}

static void on_answer(void *ud, brrr_status status,
                      const brrr_redis_answer *a) {
  raw *r = ud;
  r->answered = true;
  r->status = status;
  if (status == BRRR_OK)
    r->fn(r->ud, a);
}

int raw_do(raw *r, const brrr_bytes *args, size_t count,
           void (*fn)(void *ud, const brrr_redis_answer *a), void *ud) {
  r->answered = false;
  r->fn = fn;
  r->ud = ud;
  brrr_redis_do(r->redis, args, count, on_answer, r);
  while (!r->answered)
    (void)uv_run(&r->session->loop, UV_RUN_ONCE);
  return r->status == BRRR_OK
             ? EXIT_DONE
             : complain("redis: %s", brrr_redis_error(r->redis));
}

static void take_number(void *ud, const brrr_redis_answer *a) {
  *(int64_t *)ud = brrr_redis_answer_number(a);
}

int raw_number(raw *r, int64_t *out, const brrr_bytes *args, size_t count) {
  return raw_do(r, args, count, take_number, out);
}

/* Where texts go, and whether there was memory for them. */
typedef struct taking {
  brrr_arena *arena;
  brrr_bytes text;
  keys *keys;
  bool full;
} taking;

static int taken(const taking *t, int status) {
  return t->full ? complain("out of memory") : status;
}

static void take_text(void *ud, const brrr_redis_answer *a) {
  taking *t = ud;
  const brrr_bytes text = brrr_redis_answer_text(a);
  if (text.ptr)
    t->full = brrr_arena_copy(t->arena, text, &t->text) != BRRR_OK;
}

int raw_text(raw *r, brrr_bytes *out, const brrr_bytes *args, size_t count) {
  taking t = {.arena = &r->session->arena};
  int status = taken(&t, raw_do(r, args, count, take_text, &t));
  if (status == EXIT_DONE)
    *out = t.text;
  return status;
}

static void take_texts(void *ud, const brrr_redis_answer *a) {
  taking *t = ud;
  for (size_t i = 0; i < brrr_redis_answer_count(a); i++)
    if (!keys_add(t->keys, t->arena,
                  brrr_redis_answer_text(brrr_redis_answer_at(a, i))))
      t->full = true;
}

int raw_texts(raw *r, keys *out, const brrr_bytes *args, size_t count) {
  taking t = {.arena = &r->session->arena, .keys = out};
  return taken(&t, raw_do(r, args, count, take_texts, &t));
}

/* SCAN answers with a cursor and a list. */
static void take_page(void *ud, const brrr_redis_answer *a) {
  if (brrr_redis_answer_count(a) != 2)
    return;
  take_text(ud, brrr_redis_answer_at(a, 0));
  take_texts(ud, brrr_redis_answer_at(a, 1));
}

int raw_scan(raw *r, keys *out, const char *pattern, const char *type) {
  taking t = {.arena = &r->session->arena, .text = BRRR_LIT("0"), .keys = out};
  const size_t count = type ? 8 : 6;
  do {
    const brrr_bytes args[] = {
        BRRR_LIT("SCAN"),  t.text,
        BRRR_LIT("MATCH"), brrr_bytes_str(pattern),
        BRRR_LIT("COUNT"), BRRR_LIT("1000"),
        BRRR_LIT("TYPE"),  brrr_bytes_str(type ? type : "")};
    int status = taken(&t, raw_do(r, args, count, take_page, &t));
    if (status != EXIT_DONE)
      return status;
  } while (!brrr_bytes_equal(t.text, BRRR_LIT("0")));
  keys_sort(out);
  return EXIT_DONE;
}

brrr_bytes raw_join(raw *r, const brrr_bytes *parts, size_t count) {
  brrr_bytes out = {0};
  brrr_buf b;
  brrr_buf_init(&b, &r->session->arena);
  for (size_t i = 0; i < count; i++)
    brrr_buf_put(&b, parts[i]);
  (void)brrr_buf_finish(&b, &out, NULL);
  return out;
}
