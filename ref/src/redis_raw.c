/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_raw.c - L6: raw commands, for tools.
 *
 * An answer is hiredis' own, seen through functions: it is not copied.
 */
#include "base.h"
#include "redis_hub.h"

typedef struct raw {
  brrr__request request;
  brrr_redis *redis;
  brrr_redis_answered fn;
  void *ud;
} raw;

static const redisReply *reply_of(const brrr_redis_answer *a) {
  return (const redisReply *)a;
}

brrr_bytes brrr_redis_answer_text(const brrr_redis_answer *a) {
  const redisReply *r = reply_of(a);
  if (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)
    return (brrr_bytes){0};
  return (brrr_bytes){(const uint8_t *)r->str, r->len};
}

int64_t brrr_redis_answer_number(const brrr_redis_answer *a) {
  const redisReply *r = reply_of(a);
  return r->type == REDIS_REPLY_INTEGER ? r->integer : 0;
}

size_t brrr_redis_answer_count(const brrr_redis_answer *a) {
  const redisReply *r = reply_of(a);
  return r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
}

const brrr_redis_answer *brrr_redis_answer_at(const brrr_redis_answer *a,
                                              size_t i) {
  return (const brrr_redis_answer *)reply_of(a)->element[i];
}

static void on_answer(brrr__request *request, const redisReply *answer,
                      const char *words) {
  raw *w = request->ud;
  const raw copy = *w;
  brrr__alloc(w->redis->alloc, w, sizeof *w, 0);
  if (answer && answer->type != REDIS_REPLY_ERROR) {
    copy.fn(copy.ud, BRRR_OK, (const brrr_redis_answer *)answer);
    return;
  }
  brrr__redis_failed(copy.redis,
                     answer ? (brrr_bytes){(uint8_t *)answer->str, answer->len}
                            : brrr_bytes_str(words));
  copy.fn(copy.ud, BRRR_E_IO, NULL);
}

void brrr_redis_do(brrr_redis *r, const brrr_bytes *args, size_t count,
                   brrr_redis_answered fn, void *ud) {
  brrr_status s = BRRR_E_NOMEM;
  raw *w = brrr__alloc(r->alloc, NULL, 0, sizeof *w);
  if (w) {
    *w = (raw){.redis = r, .fn = fn, .ud = ud};
    w->request = (brrr__request){.fn = on_answer, .ud = w};
    s = brrr__redis_format(&w->request.command, &w->request.len, r->alloc, args,
                           count);
  }
  if (s == BRRR_OK) {
    brrr__link_send(&r->commands, &w->request);
    return;
  }
  if (w)
    brrr__alloc(r->alloc, w, sizeof *w, 0);
  brrr__redis_failed(r, brrr_bytes_str(brrr_status_text(s)));
  fn(ud, s, NULL);
}
