/* SPDX-License-Identifier: AGPL-3.0-only */
#include "fleet.h"
#include "memo.h"

#include <stdio.h>

static uint64_t mix(uint64_t h, uint64_t n) {
  h = (h ^ n) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

size_t fleet_call(const fleet *f, char name) {
  for (size_t i = 0; f->plan->calls[i]; i++)
    if (f->plan->calls[i][0] == name)
      return i;
  fail_msg("no call %c", name);
  return 0;
}

bool fleet_has(const fleet_list *l, fleet_message m) {
  for (size_t i = 0; i < l->count; i++)
    if (memcmp(&l->all[i], &m, sizeof m) == 0)
      return true;
  return false;
}

/* ---- what is watched ----------------------------------------------------- */

static const char roots[] = "rsu", topics[] = "tu";

static brrr__memo_list *list_of(const fleet_worker *w, char *key, char topic,
                                char root, char call) {
  snprintf(key, 16, "1:%c1:%c1:%c", topic, root, call);
  return brrr__memo_find(w->memo, brrr_bytes_str(key));
}

static uint64_t mix_list(uint64_t h, const brrr__memo_list *l) {
  brrr__memo_item item;
  for (size_t at = 0; brrr__memo_next(l, &at, &item);)
    h = mix(h, (uint64_t)*item.call_hash.ptr << 8 | *item.label.ptr);
  return h;
}

uint64_t fleet_memo(const fleet *f, const fleet_worker *w) {
  uint64_t h = 0, place = 0;
  char key[16];
  if (!w->cheap)
    return 0;
  for (const char *t = topics; *t; t++)
    for (const char *r = roots; *r; r++)
      for (size_t i = 0; f->plan->calls[i]; i++) {
        const brrr__memo_list *l =
            list_of(w, key, *t, *r, f->plan->calls[i][0]);
        place++;
        if (l)
          h = mix_list(mix(h, place), l);
      }
  return h;
}

/* ---- the state ----------------------------------------------------------- */

/* Of a count, an operation sees only whether it is above the limit. */
void fleet_remember(const fleet *f, fleet_worker *w, uint64_t id,
                    const brrr_reply *r) {
  const int64_t limit = f->plan->spawn_limit;
  uint64_t h = mix(w->history, id);
  h = mix(h, fleet_memo(f, w)); /* which it may read next */
  h = mix(h, (uint64_t)r->status);
  h = mix(h, limit && r->num > limit);
  h = mix(h, r->count);
  h = mix(h, r->value.len);
  for (size_t i = 0; i < r->value.len; i++)
    h = mix(h, r->value.ptr[i]);
  w->history = h;
}

static int by_octets(const void *x, const void *y) {
  return memcmp(x, y, sizeof(fleet_message));
}

static int by_number(const void *x, const void *y) {
  return memcmp(x, y, sizeof(uint64_t[6]));
}

static void put_raw(brrr_buf *b, const void *octets, size_t len) {
  brrr_buf_put(b, (brrr_bytes){octets, len});
}

static void put_list(brrr_buf *b, fleet_list l) {
  qsort(l.all, l.count, sizeof *l.all, by_octets);
  put_raw(b, &l.count, sizeof l.count);
  put_raw(b, l.all, l.count * sizeof *l.all);
}

/* Workers are equal: which is which does not matter. */
static void put_workers(brrr_buf *b, const fleet *f) {
  uint64_t all[FLEET_WORKERS][6] = {{0}};
  for (uint32_t i = 0; i < f->plan->workers; i++) {
    const fleet_worker *w = &f->workers[i];
    all[i][0] = w->history;
    all[i][1] = (uint64_t)w->looks << 32 | w->present;
    all[i][2] = (uint64_t)w->merged << 32 | (uint64_t)w->merged_force << 3 |
                (uint64_t)w->force << 2 | (uint64_t)w->cheap << 1 |
                (uint64_t)(w->op != NULL);
    memcpy(&all[i][3], &w->message, sizeof w->message);
    all[i][4] = fleet_memo(f, w);
    all[i][5] = f->plan->one_memo && w->cheap;
  }
  qsort(all, f->plan->workers, sizeof *all, by_number);
  put_raw(b, all, sizeof all);
}

brrr_bytes fleet_state(const fleet *f, brrr_arena *a) {
  brrr_buf b;
  brrr_bytes octets, out;
  brrr_buf_init(&b, a);
  for (size_t i = 0; f->plan->calls[i]; i++)
    for (int kind = BRRR_KIND_CALL; kind <= BRRR_KIND_PENDING_RETURNS; kind++) {
      const bool there =
          fleet_stored(f, a, (brrr_kind)kind, f->plan->calls[i][0], &octets);
      put_raw(&b, &there, sizeof there);
      brrr_ben_put_str(&b, octets);
    }
  put_list(&b, f->queue);
  put_list(&b, f->again);
  put_raw(&b, &f->crashed, sizeof f->crashed);
  if (f->plan->spawn_limit)
    put_raw(&b, f->counted, sizeof f->counted);
  put_raw(&b, &f->deferred, sizeof f->deferred);
  put_raw(&b, &f->put_count, sizeof f->put_count);
  put_workers(&b, f);
  assert_int_equal(brrr_buf_finish(&b, &out, NULL), BRRR_OK);
  return out;
}
