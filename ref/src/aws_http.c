/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_http.c - L6: libcurl on a libuv loop: a uv_poll_t for each socket, and
 * one timer.
 */
#include "aws_http.h"

#include "base.h"

#include <assert.h>

#define KEPT_CONNECTIONS 64L

typedef struct watch {
  uv_poll_t poll; /* first: the handle is the watch */
  brrr__http *http;
  curl_socket_t fd;
  int events; /* what curl wants to hear of */
} watch;

static void on_handle_closed(brrr__http *h) {
  if (--h->handles == 0)
    h->closed(h->ud);
}

/* Tells of the transfers that have ended. Their ends may start others. */
static void reap(brrr__http *h) {
  CURLMsg *m;
  int left;
  while ((m = curl_multi_info_read(h->multi, &left))) {
    CURL *easy = m->easy_handle;
    const CURLcode code = m->data.result;
    char *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    brrr__http_stop(h, easy); /* `m` is gone now */
    h->ended(transfer, code);
    if (!h->multi) /* closed by that */
      return;
  }
}

static void act(brrr__http *h, curl_socket_t fd, int events) {
  int running;
  curl_multi_socket_action(h->multi, fd, events, &running);
  reap(h);
}

static void on_timer(uv_timer_t *timer) {
  act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* curl wants no call back from here, so not even 0 ms is done at once. */
static int on_wanted_time(CURLM *multi, long ms, void *ud) {
  brrr__http *h = ud;
  (void)multi;
  if (ms < 0)
    uv_timer_stop(&h->timer);
  else
    uv_timer_start(&h->timer, on_timer, (uint64_t)ms, 0);
  return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  const watch *w = (const watch *)poll; /* not freed before this returns */
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  if (events & UV_READABLE)
    flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE)
    flags |= CURL_CSELECT_OUT;
  act(w->http, w->fd, flags);
  if (status < 0 && !uv_is_closing((uv_handle_t *)poll)) /* libuv stopped it */
    uv_poll_start(poll, w->events, on_poll);
}

static void on_watch_closed(uv_handle_t *handle) {
  watch *w = (watch *)handle;
  brrr__http *h = w->http;
  brrr__alloc(h->alloc, w, sizeof *w, 0);
  on_handle_closed(h);
}

static watch *watch_new(brrr__http *h, curl_socket_t fd) {
  watch *w = brrr__alloc(h->alloc, NULL, 0, sizeof *w);
  if (!w)
    return NULL;
  *w = (watch){.http = h, .fd = fd};
  if (uv_poll_init_socket(h->loop, &w->poll, fd)) {
    brrr__alloc(h->alloc, w, sizeof *w, 0);
    return NULL;
  }
  h->handles++;
  curl_multi_assign(h->multi, fd, w);
  return w;
}

/* A socket that cannot be watched, for want of memory, stays silent: what needs
 * it ends at its deadline. To tell curl of it would end all transfers. */
static int on_wanted_socket(CURL *easy, curl_socket_t fd, int what, void *ud,
                            void *assigned) {
  watch *w = assigned;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (w)
      uv_close((uv_handle_t *)&w->poll, on_watch_closed);
    return 0;
  }
  if (!w)
    w = watch_new(ud, fd);
  if (!w)
    return 0;
  w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
              (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  uv_poll_start(&w->poll, w->events, on_poll);
  return 0;
}

brrr_status brrr__http_open(brrr__http *h, brrr_alloc alloc, uv_loop_t *loop,
                            void (*ended)(void *transfer, CURLcode code)) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT))
    return BRRR_E_NOMEM;
  CURLM *multi = curl_multi_init();
  if (!multi) {
    curl_global_cleanup();
    return BRRR_E_NOMEM;
  }
  *h = (brrr__http){
      .loop = loop, .alloc = alloc, .multi = multi, .ended = ended};
  uv_timer_init(loop, &h->timer);
  h->timer.data = h;
  h->handles = 1;
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_wanted_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, h);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_wanted_time);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, h);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
  return BRRR_OK;
}

brrr_status brrr__http_start(brrr__http *h, CURL *easy, void *transfer) {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  return curl_multi_add_handle(h->multi, easy) ? BRRR_E_NOMEM : BRRR_OK;
}

void brrr__http_stop(brrr__http *h, CURL *easy) {
  curl_multi_remove_handle(h->multi, easy);
}

static void on_timer_closed(uv_handle_t *handle) {
  on_handle_closed(handle->data);
}

void brrr__http_close(brrr__http *h, void (*closed)(void *ud), void *ud) {
  CURLM *multi = h->multi;
  h->closed = closed;
  h->ud = ud;
  uv_close((uv_handle_t *)&h->timer, on_timer_closed);
  /* Closing connections, curl gives its watches back, and may ask for time. */
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, NULL);
  curl_multi_cleanup(multi);
  h->multi = NULL;
  curl_global_cleanup();
}
