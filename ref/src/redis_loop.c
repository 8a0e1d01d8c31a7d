/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_loop.c - L6: hiredis on a libuv loop: five hooks and a uv_poll_t.
 */
#include "redis_loop.h"

#include "base.h"

typedef struct glue {
  uv_poll_t poll;        /* first: the handle is the glue */
  redisAsyncContext *ac; /* NULL once hiredis has let go */
  int events;            /* what hiredis wants to hear of */
  brrr_alloc alloc;
  void (*gone)(void *ud);
  void *ud;
} glue;

static void watch(glue *g, int events);

/* An error is passed on as an event: hiredis meets it again when it reads, and
 * ends the connection. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  glue *g = (glue *)poll;
  if (status < 0)
    events = UV_READABLE;
  if (events & UV_READABLE)
    redisAsyncHandleRead(g->ac);
  /* Reading may have freed the context; the glue lives until it is closed. */
  if (g->ac && events & UV_WRITABLE)
    redisAsyncHandleWrite(g->ac);
  /* libuv stops a handle with an error. */
  if (g->ac && status < 0)
    watch(g, g->events);
}

static void watch(glue *g, int events) {
  g->events = events;
  if (events)
    uv_poll_start(&g->poll, events, on_poll);
  else
    uv_poll_stop(&g->poll);
}

static void add_read(void *ud) {
  glue *g = ud;
  if (!(g->events & UV_READABLE))
    watch(g, g->events | UV_READABLE);
}

static void del_read(void *ud) {
  glue *g = ud;
  watch(g, g->events & ~UV_READABLE);
}

static void add_write(void *ud) {
  glue *g = ud;
  if (!(g->events & UV_WRITABLE))
    watch(g, g->events | UV_WRITABLE);
}

static void del_write(void *ud) {
  glue *g = ud;
  watch(g, g->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *handle) {
  glue *g = (glue *)handle;
  void (*gone)(void *) = g->gone;
  void *ud = g->ud;
  brrr__alloc(g->alloc, g, sizeof *g, 0);
  gone(ud);
}

/* hiredis closes the socket after this. */
static void cleanup(void *ud) {
  glue *g = ud;
  g->ac = NULL;
  uv_close((uv_handle_t *)&g->poll, on_closed);
}

brrr_status brrr__redis_loop_attach(redisAsyncContext *ac, uv_loop_t *loop,
                                    brrr_alloc alloc, void (*gone)(void *ud),
                                    void *ud) {
  glue *g = brrr__alloc(alloc, NULL, 0, sizeof *g);
  if (!g)
    return BRRR_E_NOMEM;
  *g = (glue){.ac = ac, .alloc = alloc, .gone = gone, .ud = ud};
  if (uv_poll_init_socket(loop, &g->poll, ac->c.fd)) {
    brrr__alloc(alloc, g, sizeof *g, 0);
    return BRRR_E_IO;
  }
  ac->ev.data = g;
  ac->ev.addRead = add_read;
  ac->ev.delRead = del_read;
  ac->ev.addWrite = add_write;
  ac->ev.delWrite = del_write;
  ac->ev.cleanup = cleanup;
  return BRRR_OK;
}
