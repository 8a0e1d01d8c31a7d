/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * connect.c - L7: backends by URL.
 *
 * The one idea: a table says for each scheme which roles it can play, and how
 * it is opened and closed. Roles with the same URL share one backend, and so
 * its connections.
 */
#include <brrr/connect.h>
#include <brrr/dynamodb.h>
#include <brrr/memory.h>
#include <brrr/redis.h>
#include <brrr/sqs.h>

#include "base.h"
#include "connect_url.h"

#include <string.h>
#include <uv.h>

typedef enum role { QUEUE, STORE, CACHE, ROLES } role;

#define ALL (1u << QUEUE | 1u << STORE | 1u << CACHE)

typedef struct part part;

typedef struct scheme {
  const char *prefix; /* of the URL */
  unsigned roles;     /* a bit for each that it can play */
  /* After BRRR_E_MISUSE, *why may say more than that the URL is none. */
  brrr_status (*open)(part *p, const brrr_connect_options *options,
                      const char **why);
  void (*close)(part *p); /* calls part_closed, now or later */
} scheme;

/* An open backend, for all roles with its URL. */
struct part {
  brrr_connection *connection;
  const scheme *scheme;
  const char *url; /* the caller's: during brrr_connect only */
  void *self;
  brrr_backend backend;
};

struct brrr_connection {
  brrr_alloc alloc;
  part parts[ROLES];
  size_t count;
  brrr_backends backends;
  uv_idle_t handle; /* never active: its end is told from the loop */
  size_t open;      /* parts and handles */
  void (*closed)(void *ud);
  void *ud;
};

static void part_closed(void *ud) {
  brrr_connection *c = ((part *)ud)->connection;
  if (--c->open)
    return;
  void (*closed)(void *) = c->closed;
  void *closed_ud = c->ud;
  brrr__alloc(c->alloc, c, sizeof *c, 0);
  if (closed)
    closed(closed_ud);
}

/* ---- schemes ------------------------------------------------------------- */

static brrr_status memory_open(part *p, const brrr_connect_options *options,
                               const char **why) {
  (void)why;
  brrr_memory *m = NULL;
  if (strcmp(p->url, p->scheme->prefix) != 0)
    return BRRR_E_MISUSE;
  brrr_status s = brrr_memory_new(&m, options->alloc);
  if (s != BRRR_OK)
    return s;
  p->self = m;
  p->backend = brrr_memory_backend(m);
  return BRRR_OK;
}

static void memory_close(part *p) {
  brrr_memory_free(p->self);
  part_closed(p);
}

static brrr_status redis_open(part *p, const brrr_connect_options *options,
                              const char **why) {
  (void)why;
  brrr_redis *r = NULL;
  const brrr_redis_options redis = {.url = p->url,
                                    .log = options->log,
                                    .durable = options->durable,
                                    .dead_after_ms = options->dead_after_ms};
  brrr_status s = brrr_redis_new(&r, options->alloc, options->loop, &redis);
  if (s != BRRR_OK)
    return s;
  p->self = r;
  p->backend = brrr_redis_backend(r);
  return BRRR_OK;
}

static void redis_close(part *p) { brrr_redis_close(p->self, part_closed, p); }

static brrr_status dynamodb_open(part *p, const brrr_connect_options *options,
                                 const char **why) {
  brrr__connect_url url;
  brrr_dynamodb *d = NULL;
  brrr_status s = brrr__connect_url_parse(&url, options->alloc,
                                          p->url + strlen(p->scheme->prefix));
  if (s != BRRR_OK)
    return s;
  const brrr_dynamodb_options dynamodb = {
      .aws = {.endpoint = url.endpoint, .region = url.region},
      .table = url.name,
      .log = options->log};
  s = brrr_dynamodb_new(&d, options->alloc, options->loop, &dynamodb, why);
  brrr__connect_url_free(&url, options->alloc);
  if (s != BRRR_OK)
    return s;
  p->self = d;
  p->backend = brrr_dynamodb_backend(d);
  return BRRR_OK;
}

static void dynamodb_close(part *p) {
  brrr_dynamodb_close(p->self, part_closed, p);
}

static brrr_status sqs_open(part *p, const brrr_connect_options *options,
                            const char **why) {
  brrr__connect_url url;
  brrr_sqs *q = NULL;
  brrr_status s = brrr__connect_url_parse(&url, options->alloc,
                                          p->url + strlen(p->scheme->prefix));
  if (s != BRRR_OK)
    return s;
  const brrr_sqs_options sqs = {
      .aws = {.endpoint = url.endpoint, .region = url.region},
      .prefix = url.name,
      .log = options->log};
  s = brrr_sqs_new(&q, options->alloc, options->loop, &sqs, why);
  brrr__connect_url_free(&url, options->alloc);
  if (s != BRRR_OK)
    return s;
  p->self = q;
  p->backend = brrr_sqs_backend(q);
  return BRRR_OK;
}

static void sqs_close(part *p) { brrr_sqs_close(p->self, part_closed, p); }

static const scheme schemes[] = {
    {"memory:", ALL, memory_open, memory_close},
    {"redis://", ALL, redis_open, redis_close},
    {"unix://", ALL, redis_open, redis_close},
    {"dynamodb://", 1u << STORE, dynamodb_open, dynamodb_close},
    {"sqs://", 1u << QUEUE, sqs_open, sqs_close},
};

static const scheme *scheme_of(const char *url) {
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
      return &schemes[i];
  return NULL;
}

/* ---- what can be wrong --------------------------------------------------- */

typedef enum flaw { NO_URL, NO_SCHEME, NO_ROLE, NO_GOOD } flaw;

#define FLAWS(name)                                                            \
  {                                                                            \
    "there is no URL for the " name,                                           \
        "the URL for the " name " has a scheme that is not known",             \
        "the URL for the " name " is of something that is no " name,           \
        "the URL for the " name " is not well-formed"                          \
  }

static brrr_status refuse(role r, flaw f, const char **why) {
  static const char *const words[ROLES][NO_GOOD + 1] = {
      FLAWS("queue"), FLAWS("store"), FLAWS("cache")};
  if (why)
    *why = words[r][f];
  return BRRR_E_MISUSE;
}

/* ---- the connection ------------------------------------------------------ */

static const char *url_for(const brrr_connect_options *options, role r) {
  const char *const own[ROLES] = {options->queue, options->store,
                                  options->cache};
  return own[r] ? own[r] : options->url;
}

/* What the role is to be played by: before anything is opened. */
typedef struct choice {
  const char *url;
  const scheme *scheme;
} choice;

static brrr_status choose(choice *out, const brrr_connect_options *options,
                          role r, const char **why) {
  out->url = url_for(options, r);
  if (!out->url)
    return refuse(r, NO_URL, why);
  out->scheme = scheme_of(out->url);
  if (!out->scheme)
    return refuse(r, NO_SCHEME, why);
  return out->scheme->roles & 1u << r ? BRRR_OK : refuse(r, NO_ROLE, why);
}

/* The open part with this URL, or a new one. */
static brrr_status part_get(brrr_connection *c,
                            const brrr_connect_options *options,
                            const choice *chosen, part **out,
                            const char **why) {
  for (size_t i = 0; i < c->count; i++) {
    if (strcmp(c->parts[i].url, chosen->url) == 0) {
      *out = &c->parts[i];
      return BRRR_OK;
    }
  }
  part *p = &c->parts[c->count];
  *p = (part){.connection = c, .scheme = chosen->scheme, .url = chosen->url};
  brrr_status s = p->scheme->open(p, options, why);
  if (s != BRRR_OK)
    return s;
  c->count++;
  *out = p;
  return BRRR_OK;
}

static brrr_status open_all(brrr_connection *c,
                            const brrr_connect_options *options,
                            const choice *chosen, const char **why) {
  brrr_backend *const backends[ROLES] = {&c->backends.queue, &c->backends.store,
                                         &c->backends.cache};
  for (role r = QUEUE; r < ROLES; r++) {
    part *p = NULL;
    const char *reason = NULL;
    brrr_status s = part_get(c, options, &chosen[r], &p, &reason);
    if (s == BRRR_E_MISUSE && !reason)
      return refuse(r, NO_GOOD, why);
    if (s == BRRR_E_MISUSE && why)
      *why = reason;
    if (s != BRRR_OK)
      return s;
    *backends[r] = p->backend;
  }
  return BRRR_OK;
}

/* One more than the parts is open, until this has closed the last of them. */
static void close_all(brrr_connection *c) {
  size_t count = c->count;
  for (size_t i = 0; i < count; i++)
    c->parts[i].scheme->close(&c->parts[i]);
}

static void on_handle_closed(uv_handle_t *handle) { part_closed(handle->data); }

brrr_status brrr_connect(brrr_connection **out,
                         const brrr_connect_options *options,
                         const char **why) {
  choice chosen[ROLES];
  for (role r = QUEUE; r < ROLES; r++) {
    brrr_status s = choose(&chosen[r], options, r, why);
    if (s != BRRR_OK)
      return s;
  }
  brrr_connection *c = brrr__alloc(options->alloc, NULL, 0, sizeof *c);
  if (!c)
    return BRRR_E_NOMEM;
  *c = (brrr_connection){.alloc = options->alloc};
  brrr_status s = open_all(c, options, chosen, why);
  c->open = c->count + 1;
  if (s != BRRR_OK) {
    close_all(c);
    part_closed(&(part){.connection = c});
    return s;
  }
  uv_idle_init(options->loop, &c->handle);
  c->handle.data = &c->parts[0];
  *out = c;
  return BRRR_OK;
}

brrr_backends brrr_connection_backends(const brrr_connection *c) {
  return c->backends;
}

static brrr_status on_random(void *ud, uint8_t *out, size_t len) {
  (void)ud;
  return uv_random(NULL, NULL, out, len, 0, NULL) ? BRRR_E_IO : BRRR_OK;
}

brrr_client brrr_connection_client(const brrr_connection *c) {
  return (brrr_client){
      .backends = c->backends, .alloc = c->alloc, .random = on_random};
}

void brrr_connection_close(brrr_connection *c, void (*closed)(void *ud),
                           void *ud) {
  c->closed = closed;
  c->ud = ud;
  close_all(c);
  uv_close((uv_handle_t *)&c->handle, on_handle_closed);
}
