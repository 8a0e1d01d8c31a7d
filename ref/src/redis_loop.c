/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_loop.c - L6: hiredis on a libuv loop: five hooks, a uv_poll_t to read,
 * and a uv_prepare_t to write.
 *
 * What a turn of the loop has to say is written at once, before the loop waits:
 * one write, and no asking first whether the socket would take it. Only what it
 * did not take waits until it is writable.
 *
 * The writing is done here: hiredis would move all that is left of its buffer
 * to the front after each write, which takes minutes for a gigabyte, and would
 * die of SIGPIPE when the server is gone.
 */
#include "redis_loop.h"

#include "base.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A buffer that has grown beyond this is given back when it is empty. */
#define KEEP_OCTETS ((size_t)64 << 10)

typedef struct glue {
  uv_poll_t poll;
  uv_prepare_t prepare;  /* active while there is something to write */
  unsigned open;         /* of these two handles */
  redisAsyncContext *ac; /* NULL once hiredis has let go */
  int events;            /* what is waited for */
  size_t written;        /* of hiredis' output buffer */
  brrr_alloc alloc;
  void (*before)(redisAsyncContext *ac);
  void (*gone)(void *ud);
  void *ud;
} glue;

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(glue *g, int events) {
  g->events = events;
  if (events)
    uv_poll_start(&g->poll, events, on_poll);
  else
    uv_poll_stop(&g->poll);
}

static void all_written(glue *g) {
  redisContext *c = &g->ac->c;
  g->written = 0;
  if (sdsalloc(c->obuf) > KEEP_OCTETS) {
    sdsfree(c->obuf);
    c->obuf = sdsempty();
  } else {
    sdsclear(c->obuf);
  }
  if (g->events & UV_WRITABLE)
    watch(g, g->events & ~UV_WRITABLE);
}

/* An error that lasts is met again when hiredis reads, which ends the
 * connection. */
static void write_out(glue *g) {
  redisContext *c = &g->ac->c;
  const size_t len = sdslen(c->obuf);
  ssize_t n = send(c->fd, c->obuf + g->written, len - g->written, MSG_NOSIGNAL);
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
      watch(g, g->events | UV_WRITABLE);
    else
      watch(g, UV_READABLE);
    return;
  }
  g->written += (size_t)n;
  if (g->written == len) {
    all_written(g);
    return;
  }
  watch(g, g->events | UV_WRITABLE);
  if (g->written > len / 2) { /* so that less is moved than was sent */
    memmove(c->obuf, c->obuf + g->written, len - g->written);
    sdssetlen(c->obuf, len - g->written);
    g->written = 0;
  }
}

static bool is_connected(const glue *g) {
  return g->ac->c.flags & REDIS_CONNECTED;
}

/* Whoever is told may have more to say; and may learn that the connection is of
 * no use, and let go of it. */
static void on_prepare(uv_prepare_t *prepare) {
  glue *g = prepare->data;
  uv_prepare_stop(prepare);
  g->before(g->ac);
  uv_prepare_stop(prepare); /* what was said meanwhile is written now, too */
  if (g->ac && !(g->events & UV_WRITABLE) && sdslen(g->ac->c.obuf))
    write_out(g);
}

/* Reading may free the context; the glue lives until it is closed. What is
 * wrong with a connection, hiredis finds out when it reads; and that it has
 * been made, too. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  glue *g = poll->data;
  if (status < 0 || !is_connected(g) || events & UV_READABLE)
    redisAsyncHandleRead(g->ac);
  if (g->ac && status == 0 && events & UV_WRITABLE && is_connected(g))
    write_out(g);
  if (g->ac && status < 0) /* libuv has stopped it */
    watch(g, g->events);
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

/* A connection that is being made is there when its socket is writable. */
static void add_write(void *ud) {
  glue *g = ud;
  if (g->events & UV_WRITABLE)
    return;
  if (is_connected(g))
    uv_prepare_start(&g->prepare, on_prepare);
  else
    watch(g, g->events | UV_WRITABLE);
}

static void del_write(void *ud) {
  glue *g = ud;
  watch(g, g->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *handle) {
  glue *g = handle->data;
  if (--g->open)
    return;
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
  uv_close((uv_handle_t *)&g->prepare, on_closed);
}

void brrr__redis_loop_expect(redisAsyncContext *ac) {
  glue *g = ac->ev.data;
  uv_prepare_start(&g->prepare, on_prepare);
}

brrr_status brrr__redis_loop_attach(redisAsyncContext *ac, uv_loop_t *loop,
                                    brrr_alloc alloc,
                                    void (*before)(redisAsyncContext *ac),
                                    void (*gone)(void *ud), void *ud) {
  glue *g = brrr__alloc(alloc, NULL, 0, sizeof *g);
  if (!g)
    return BRRR_E_NOMEM;
  *g = (glue){.open = 2,
              .ac = ac,
              .alloc = alloc,
              .before = before,
              .gone = gone,
              .ud = ud};
  if (uv_poll_init_socket(loop, &g->poll, ac->c.fd)) {
    brrr__alloc(alloc, g, sizeof *g, 0);
    return BRRR_E_IO;
  }
  uv_prepare_init(loop, &g->prepare);
  g->poll.data = g->prepare.data = g;
  ac->ev.data = g;
  ac->ev.addRead = add_read;
  ac->ev.delRead = del_read;
  ac->ev.addWrite = add_write;
  ac->ev.delWrite = del_write;
  ac->ev.cleanup = cleanup;
  return BRRR_OK;
}
