/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * session.c - L7: backends and a loop for one command.
 */
#include "session.h"

#include <brrr/json.h>

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_URL "redis://127.0.0.1:6379"

void places_free(places *p) {
  free(p->url);
  free(p->queue);
  free(p->store);
  free(p->cache);
}

static const char *from_environment(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

const char *places_url(const places *p, const char *own) {
  const char *url = own ? own : p->url;
  if (!url)
    url = from_environment("BRRR_URL");
  if (!url)
    url = from_environment("REDIS_URL");
  return url ? url : DEFAULT_URL;
}

static void on_log(void *ud, brrr_level level, const char *text) {
  (void)ud;
  if (level >= BRRR_WARN)
    (void)complain("%s", text);
}

int session_open(session *s, const places *p, bool durable) {
  const char *why = "out of memory";
  *s = (session){0};
  brrr_arena_init(&s->arena, (brrr_alloc){0});
  if (uv_loop_init(&s->loop) != 0)
    abort(); /* only without memory or descriptors */
  const brrr_connect_options options = {.loop = &s->loop,
                                        .queue = places_url(p, p->queue),
                                        .store = places_url(p, p->store),
                                        .cache = places_url(p, p->cache),
                                        .durable = durable,
                                        .log = {on_log, NULL}};
  brrr_status status = brrr_connect(&s->connection, &options, &why);
  if (status == BRRR_E_MISUSE)
    return complain_usage("%s", why);
  if (status != BRRR_OK)
    return complain("%s", why);
  s->client = brrr_connection_client(s->connection);
  return EXIT_DONE;
}

void session_close(session *s) {
  if (s->connection)
    brrr_connection_close(s->connection, NULL, NULL);
  (void)uv_run(&s->loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&s->loop);
  brrr_arena_free(&s->arena);
}

static void on_answer(void *ud, const brrr_reply *reply) {
  session *s = ud;
  s->answered = true;
  s->status = reply->status;
  s->num = reply->num;
  s->value = (brrr_bytes){0};
  if (brrr_arena_copy(&s->arena, reply->value, &s->value) != BRRR_OK)
    s->status = BRRR_E_NOMEM;
}

brrr_done session_done(session *s) {
  s->answered = false;
  return (brrr_done){on_answer, s};
}

brrr_status session_wait(session *s) {
  while (!s->answered)
    (void)uv_run(&s->loop, UV_RUN_ONCE);
  return s->status;
}

int session_call(session *s, const char *task, const char *args,
                 brrr_call *out) {
  const brrr_codec codec = brrr_json_codec();
  const brrr_json *value = NULL;
  brrr_error e = {0};
  brrr_status status =
      brrr_json_parse(&s->arena, brrr_bytes_str(args), &value, &e);
  if (status != BRRR_OK)
    return complain("arguments: offset %zu: %s", e.offset, e.reason);
  if (brrr_json_type_of(value) != BRRR_JSON_ARRAY)
    return complain("arguments: not a JSON array");
  status = codec.encode_call(codec.self, &s->arena, brrr_bytes_str(task), value,
                             out, &e);
  return status == BRRR_OK ? EXIT_DONE : complain("arguments: %s", e.reason);
}
