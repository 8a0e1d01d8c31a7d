/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * http.c - L7: libmicrohttpd on a libuv loop.
 */
#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_S 10u /* a connection that says nothing for so long is closed */

struct request {
  http *http;
  struct MHD_Connection *connection;
  const char *method, *path;
  bool begun, suspended;
  unsigned code;
  struct MHD_Response *response; /* NULL until there is an answer */
};

struct http {
  http_options options;
  struct MHD_Daemon *daemon;
  uv_poll_t poll;
  uv_timer_t timer;
  unsigned requests; /* not finished yet */
  unsigned handles;  /* open, while it stops */
  bool stopping;
};

/* ---- requests ------------------------------------------------------------ */

bool request_is(const request *r, const char *method) {
  return strcmp(r->method, method) == 0;
}

const char *request_path(const request *r) { return r->path; }

bool request_parameter(const request *r, const char *name, brrr_bytes *out) {
  const char *value = NULL;
  size_t len = 0;
  if (MHD_lookup_connection_value_n(r->connection, MHD_GET_ARGUMENT_KIND, name,
                                    strlen(name), &value, &len) != MHD_YES ||
      !value)
    return false;
  *out = (brrr_bytes){(const uint8_t *)value, len};
  return true;
}

void *request_user(const request *r) { return r->http->options.ud; }

static void go_on_soon(http *h);

void request_answer(request *r, const response *what) {
  r->code = what->code;
  r->response = MHD_create_response_from_buffer(
      what->body.len, (void *)what->body.ptr, MHD_RESPMEM_MUST_COPY);
  if (!r->response)
    abort(); /* only without memory */
  (void)MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                what->type);
  if (what->allow)
    (void)MHD_add_response_header(r->response, MHD_HTTP_HEADER_ALLOW,
                                  what->allow);
  if (!r->suspended)
    return; /* on_request goes on */
  MHD_resume_connection(r->connection);
  go_on_soon(r->http);
}

/* Called when the head of a request is there, for each piece of its body, and
 * when it is whole; and again when a suspended one was resumed. */
static enum MHD_Result on_request(void *ud, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_len, void **slot) {
  http *h = ud;
  request *r = *slot;
  (void)version;
  (void)upload;
  if (!r) {
    r = calloc(1, sizeof *r);
    if (!r)
      return MHD_NO;
    r->http = h;
    r->connection = connection;
    h->requests++;
    *slot = r;
    return MHD_YES;
  }
  if (*upload_len) {
    *upload_len = 0;
    return MHD_YES;
  }
  if (!r->begun) {
    r->begun = true;
    r->method = method;
    r->path = url;
    h->options.handle(h->options.ud, r);
  }
  if (r->response)
    return MHD_queue_response(connection, r->code, r->response);
  r->suspended = true;
  MHD_suspend_connection(connection);
  return MHD_YES;
}

static void on_request_end(void *ud, struct MHD_Connection *connection,
                           void **slot, enum MHD_RequestTerminationCode why) {
  http *h = ud;
  request *r = *slot;
  (void)connection;
  (void)why;
  if (!r)
    return;
  if (r->response)
    MHD_destroy_response(r->response);
  free(r);
  *slot = NULL;
  h->requests--;
}

/* ---- the server ---------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle) {
  http *h = handle->data;
  if (--h->handles)
    return;
  void (*stopped)(void *) = h->options.stopped;
  void *ud = h->options.ud;
  free(h);
  stopped(ud);
}

static void end(http *h) {
  if (h->handles)
    return;
  h->handles = 2;
  (void)uv_poll_stop(&h->poll);
  uv_close((uv_handle_t *)&h->poll, on_handle_closed);
  uv_close((uv_handle_t *)&h->timer, on_handle_closed);
  MHD_stop_daemon(h->daemon);
}

static void on_timer(uv_timer_t *timer);

static void go_on(http *h) {
  MHD_UNSIGNED_LONG_LONG ms = 0;
  (void)MHD_run(h->daemon);
  if (h->stopping && !h->requests)
    end(h);
  else if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
    (void)uv_timer_start(&h->timer, on_timer, ms, 0);
  else
    (void)uv_timer_stop(&h->timer);
}

static void on_timer(uv_timer_t *timer) { go_on(timer->data); }

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  go_on(poll->data);
}

static void go_on_soon(http *h) {
  (void)uv_timer_start(&h->timer, on_timer, 0, 0);
}

http *http_start(const http_options *options) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(options->port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  http *h = calloc(1, sizeof *h);
  if (!h)
    return NULL;
  h->options = *options;
  h->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, h,
      MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
      on_request_end, h, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
  if (!h->daemon) {
    free(h);
    return NULL;
  }
  int fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  (void)uv_poll_init(options->loop, &h->poll, fd);
  (void)uv_timer_init(options->loop, &h->timer);
  h->poll.data = h->timer.data = h;
  (void)uv_poll_start(&h->poll, UV_READABLE, on_poll);
  return h;
}

uint16_t http_port(const http *h) {
  return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_stop(http *h) {
  if (h->stopping)
    return;
  h->stopping = true;
  MHD_socket listener = MHD_quiesce_daemon(h->daemon);
  if (listener != MHD_INVALID_SOCKET)
    (void)close(listener);
  go_on_soon(h);
}
