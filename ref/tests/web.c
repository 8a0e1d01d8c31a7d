/* SPDX-License-Identifier: AGPL-3.0-only */
#include "web.h"

#include <arpa/inet.h>
#include <stdio.h>

typedef struct visit {
  uv_tcp_t tcp; /* first: the handle is the visit */
  web *web;
  struct visit *next;
  unsigned number;
  bool closing;
  size_t len;
  char octets[1 << 20];
} visit;

typedef struct writing {
  uv_write_t write;
  visit *visit;
  bool last;
  char text[16384];
} writing;

static void on_visit_closed(uv_handle_t *handle) {
  visit *v = (visit *)handle;
  visit **at = &v->web->first;
  while (*at != v)
    at = &(*at)->next;
  *at = v->next;
  v->web->open--;
  free(v);
}

static void leave(visit *v) {
  if (!v->closing)
    uv_close((uv_handle_t *)&v->tcp, on_visit_closed);
  v->closing = true;
}

static void on_written(uv_write_t *write, int status) {
  writing *w = (writing *)write;
  if (w->last && status == 0)
    leave(w->visit);
  free(w);
}

static void answer(visit *v, const web_answer *a) {
  if (a->status == WEB_CUT)
    leave(v);
  if (a->status == WEB_CUT || a->status == WEB_SILENT)
    return;
  writing *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->visit = v;
  w->last = a->last || a->status < 0;
  if (a->status == WEB_NOISE)
    (void)snprintf(w->text, sizeof w->text, "\x01\x02 noise\r\n\r\n");
  else
    (void)snprintf(w->text, sizeof w->text,
                   "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n%s",
                   a->status < 0 ? 200 : a->status,
                   strlen(a->body) + (a->status == WEB_HALF ? 100 : 0),
                   a->last ? "Connection: close\r\n" : "", a->body);
  uv_buf_t buf = uv_buf_init(w->text, (unsigned)strlen(w->text));
  assert_int_equal(
      uv_write(&w->write, (uv_stream_t *)&v->tcp, &buf, 1, on_written), 0);
}

/* Takes one whole request from what has come. */
static bool take(visit *v) {
  web *w = v->web;
  v->octets[v->len] = '\0';
  char *end = strstr(v->octets, "\r\n\r\n");
  char *at = strcasestr(v->octets, "\r\nContent-Length:");
  if (!end || !at || at > end)
    return false;
  const size_t head = (size_t)(end + 4 - v->octets);
  const size_t body = strtoul(at + 17, NULL, 10);
  if (v->len < head + body)
    return false;
  assert_true(w->asked < WEB_REQUESTS);
  const unsigned n = w->asked++;
  w->requests[n] = (web_request){.head = strndup(v->octets, head),
                                 .body = strndup(v->octets + head, body),
                                 .at = uv_now(&w->stage->loop),
                                 .visit = v->number};
  v->len -= head + body;
  memmove(v->octets, v->octets + head + body, v->len);
  answer(v, &w->script[n < w->count ? n : w->count - 1]);
  return true;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  visit *v = (visit *)handle;
  (void)suggested;
  *buf = uv_buf_init(v->octets + v->len,
                     (unsigned)(sizeof v->octets - 1 - v->len));
}

static void on_octets(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
  visit *v = (visit *)stream;
  (void)buf;
  if (len < 0) {
    leave(v);
    return;
  }
  v->len += (size_t)len;
  while (!v->closing && take(v))
    ;
}

static void on_visit(uv_stream_t *listener, int status) {
  web *w = listener->data;
  visit *v = calloc(1, sizeof *v);
  assert_int_equal(status, 0);
  assert_non_null(v);
  *v = (visit){.web = w, .next = w->first, .number = ++w->visits};
  w->first = v;
  assert_int_equal(uv_tcp_init(listener->loop, &v->tcp), 0);
  w->open++;
  assert_int_equal(uv_accept(listener, (uv_stream_t *)&v->tcp), 0);
  assert_int_equal(uv_read_start((uv_stream_t *)&v->tcp, on_room, on_octets),
                   0);
}

void web_start(web *w, stage *s, const web_answer *script, size_t count) {
  struct sockaddr_in address;
  int len = sizeof address;
  *w = (web){.stage = s, .script = script, .count = count};
  assert_int_equal(uv_tcp_init(&s->loop, &w->listener), 0);
  w->listener.data = w;
  w->open = 1;
  assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
  assert_int_equal(uv_tcp_bind(&w->listener, (struct sockaddr *)&address, 0),
                   0);
  assert_int_equal(uv_listen((uv_stream_t *)&w->listener, 64, on_visit), 0);
  assert_int_equal(
      uv_tcp_getsockname(&w->listener, (struct sockaddr *)&address, &len), 0);
  (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u",
                 ntohs(address.sin_port));
}

static void on_listener_closed(uv_handle_t *handle) {
  ((web *)handle->data)->open--;
}

static bool is_closed(void *ud) { return ((web *)ud)->open == 0; }

void web_stop(web *w) {
  uv_close((uv_handle_t *)&w->listener, on_listener_closed);
  for (visit *v = w->first; v; v = v->next)
    leave(v);
  stage_until(w->stage, is_closed, w);
  for (unsigned i = 0; i < w->asked; i++) {
    free(w->requests[i].head);
    free(w->requests[i].body);
  }
}

typedef struct asked {
  const web *web;
  unsigned count;
} asked;

static bool was_asked(void *ud) {
  const asked *a = ud;
  return a->web->asked >= a->count;
}

void web_until(web *w, unsigned count) {
  stage_until(w->stage, was_asked, &(asked){w, count});
}

const char *web_header(const web *w, unsigned request, const char *name) {
  static char value[1024];
  char line[128];
  (void)snprintf(line, sizeof line, "\r\n%s:", name);
  const char *at = strcasestr(w->requests[request].head, line);
  if (!at)
    return "";
  at += strlen(line);
  at += strspn(at, " ");
  (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
  return value;
}
