/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_client.c - L6: requests to one service of AWS, in its JSON protocol.
 *
 *            .-----------------------------------------.
 *            v                                         |
 *   send -> queue -> transfer -> judge -> end          |
 *                                  '----> pause -------'
 *
 * What the service said, or what happened instead, is judged in aws_verdict.c.
 */
#include "aws_client.h"

#include "aws_verdict.h"
#include "base.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MAX_TRANSFERS 64 /* at once, long polls not counted */
#define MAX_ANSWER ((size_t)8 << 20)
#define MIN_PAUSE_MS 50
#define MAX_PAUSE_MS 5000

struct brrr__aws_call {
  brrr__aws *aws;
  brrr__aws_call *prev, *next; /* of the active ones; next: of the free ones */
  brrr__aws_call *queued;      /* the next in the queue */
  brrr__aws_request request;
  CURL *easy;                 /* kept from call to call */
  struct curl_slist *headers; /* x-amz-target, then those of all */
  char *text;                 /* the body, of jansson */
  uint8_t *answer;            /* kept from attempt to attempt */
  size_t len, cap;
  uint32_t attempts;
  bool transferring, waiting, pausing; /* none or one of them */
  bool sent;   /* this attempt: octets may have reached the service */
  bool unsure; /* see brrr__aws_answer */
  uint64_t due;
  char curl_words[CURL_ERROR_SIZE];
};

static void go_on(brrr__aws *a);

void brrr__aws_note(brrr__aws *a, brrr_level level, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(a->words, sizeof a->words, format, args);
  va_end(args);
  if (a->options.log.fn)
    a->options.log.fn(a->options.log.ud, level, a->words);
}

/* ---- the life of a call -------------------------------------------------- */

static void call_drop_body(brrr__aws_call *c) {
  if (c->answer)
    brrr__alloc(c->aws->options.alloc, c->answer, c->cap, 0);
  free(c->text);
  curl_slist_free_all(c->headers);
  c->answer = NULL;
  c->text = NULL;
  c->headers = NULL;
  c->len = c->cap = 0;
}

static void call_free(brrr__aws_call *c) {
  curl_easy_cleanup(c->easy);
  brrr__alloc(c->aws->options.alloc, c, sizeof *c, 0);
}

static brrr__aws_call *call_take(brrr__aws *a) {
  brrr__aws_call *c = a->free;
  if (c) {
    a->free = c->next;
  } else {
    c = brrr__alloc(a->options.alloc, NULL, 0, sizeof *c);
    CURL *easy = c ? curl_easy_init() : NULL;
    if (!easy) {
      if (c)
        brrr__alloc(a->options.alloc, c, sizeof *c, 0);
      return NULL;
    }
    c->easy = easy;
  }
  *c = (brrr__aws_call){.aws = a, .easy = c->easy, .next = a->active};
  if (a->active)
    a->active->prev = c;
  a->active = c;
  return c;
}

/* Puts it back where it can be taken again. */
static void call_give(brrr__aws_call *c) {
  brrr__aws *a = c->aws;
  call_drop_body(c);
  if (c->prev)
    c->prev->next = c->next;
  else
    a->active = c->next;
  if (c->next)
    c->next->prev = c->prev;
  c->next = a->free;
  a->free = c;
}

/* The call can be taken again by what `fn` does. */
static void call_end(brrr__aws_call *c, const brrr__aws_answer *answer) {
  brrr__aws *a = c->aws;
  const brrr__aws_request request = c->request;
  char words[CURL_ERROR_SIZE];
  brrr__aws_answer copy = *answer;
  (void)snprintf(words, sizeof words, "%s", answer->words ? answer->words : "");
  copy.words = words;
  call_give(c);
  if (answer->end != AWS_OK)
    (void)snprintf(a->words, sizeof a->words, "%s: %s", request.action, words);
  request.fn(request.ud, &copy);
}

/* ---- a pause ------------------------------------------------------------- */

/* A half to all of 50 ms, 100 ms, ..., 5 s: who was refused at one moment does
 * not come back at one moment. */
static uint64_t pause_ms(brrr__aws *a, uint32_t attempts) {
  uint64_t ms = MAX_PAUSE_MS;
  if (attempts < 8)
    ms = (uint64_t)MIN_PAUSE_MS << (attempts - 1);
  if (ms > MAX_PAUSE_MS)
    ms = MAX_PAUSE_MS;
  a->random ^= a->random << 13; /* xorshift64: no secret */
  a->random ^= a->random >> 7;
  a->random ^= a->random << 17;
  return ms - a->random % (ms / 2 + 1);
}

static void on_timer(uv_timer_t *timer);

static void set_timer(brrr__aws *a) {
  uint64_t due = UINT64_MAX;
  for (const brrr__aws_call *c = a->active; c; c = c->next)
    if (c->pausing && c->due < due)
      due = c->due;
  const uint64_t now = uv_now(a->options.loop);
  if (due != UINT64_MAX)
    uv_timer_start(&a->timer, on_timer, due > now ? due - now : 0, 0);
}

static void enqueue(brrr__aws_call *c) {
  brrr__aws *a = c->aws;
  c->waiting = true;
  c->queued = NULL;
  *a->queue_end = c;
  a->queue_end = &c->queued;
}

static void on_timer(uv_timer_t *timer) {
  brrr__aws *a = timer->data;
  const uint64_t now = uv_now(a->options.loop);
  for (brrr__aws_call *c = a->active; c; c = c->next)
    if (c->pausing && c->due <= now) {
      c->pausing = false;
      enqueue(c);
    }
  set_timer(a);
  go_on(a);
}

/* ---- a transfer ---------------------------------------------------------- */

static size_t on_octets(char *octets, size_t one, size_t len, void *ud) {
  brrr__aws_call *c = ud;
  (void)one;
  if (len > MAX_ANSWER - c->len)
    return 0;
  if (len > c->cap - c->len) {
    size_t cap = c->cap ? c->cap : 1024;
    while (cap - c->len < len)
      cap *= 2;
    uint8_t *p = brrr__alloc(c->aws->options.alloc, c->answer, c->cap, cap);
    if (!p)
      return 0;
    c->answer = p;
    c->cap = cap;
  }
  memcpy(c->answer + c->len, octets, len);
  c->len += len;
  return len;
}

/* Called before octets are sent on a connection; again when curl would send
 * them once more by itself, because a connection that it had kept turns out to
 * be dead [DYN-7]. The type is curl's. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static int on_connected(void *ud, char *remote_ip, char *local_ip,
                        int remote_port, int local_port) {
  brrr__aws_call *c = ud;
  (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  if (c->sent && c->request.once)
    return CURL_PREREQFUNC_ABORT;
  c->sent = true;
  return CURL_PREREQFUNC_OK;
}

static bool set_up(brrr__aws_call *c) {
  const brrr__aws_config *config = &c->aws->config;
  const long poll_ms = 1000L * (long)c->request.poll_s;
  CURL *e = c->easy;
  CURLcode wrong = CURLE_OK;
  curl_easy_reset(e); /* keeps its connections */
#define SET(option, value)                                                     \
  wrong = wrong ? wrong : curl_easy_setopt(e, CURLOPT_##option, value)
  SET(URL, config->endpoint);
  SET(HTTPHEADER, c->headers);
  SET(POSTFIELDSIZE_LARGE, (curl_off_t)strlen(c->text));
  SET(POSTFIELDS, c->text);
  SET(AWS_SIGV4, config->signing);
  SET(USERNAME, config->access_key_id);
  SET(PASSWORD, config->secret_access_key);
  SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(PROTOCOLS_STR, "http,https");
  SET(CONNECTTIMEOUT_MS, (long)config->connect_ms);
  SET(TIMEOUT_MS, (long)config->answer_ms + poll_ms);
  SET(TCP_KEEPALIVE, 1L);
  SET(NOSIGNAL, 1L);
  SET(ERRORBUFFER, c->curl_words);
  SET(WRITEFUNCTION, on_octets);
  SET(WRITEDATA, c);
  SET(PREREQFUNCTION, on_connected);
  SET(PREREQDATA, c);
#undef SET
  return wrong == CURLE_OK;
}

static void fail(brrr__aws_call *c, const char *words) {
  call_end(c, &(brrr__aws_answer){
                  .end = AWS_LOST, .words = words, .unsure = c->unsure});
}

static void start(brrr__aws_call *c) {
  c->waiting = false;
  c->sent = false;
  c->len = 0;
  c->curl_words[0] = '\0';
  c->attempts++;
  if (!set_up(c) || brrr__http_start(&c->aws->http, c->easy, c) != BRRR_OK) {
    fail(c, brrr_status_text(BRRR_E_NOMEM));
    return;
  }
  c->transferring = true;
  if (!c->request.poll_s)
    c->aws->sent++;
}

static void stop(brrr__aws_call *c) {
  c->transferring = false;
  if (!c->request.poll_s)
    c->aws->sent--;
}

/* Starts what waits, as far as there is room. */
static void go_on(brrr__aws *a) {
  brrr__aws_call **at = &a->queue;
  while (*at) {
    brrr__aws_call *c = *at;
    if (!c->request.poll_s && a->sent >= MAX_TRANSFERS) {
      at = &c->queued;
      continue;
    }
    *at = c->queued;
    if (!*at)
      a->queue_end = at;
    start(c);
  }
}

static void unqueue(brrr__aws_call *c) {
  brrr__aws_call **at = &c->aws->queue;
  while (*at != c)
    at = &(*at)->queued;
  *at = c->queued;
  if (!*at)
    c->aws->queue_end = at;
  c->waiting = false;
}

static void rest(brrr__aws_call *c, uint64_t ms) {
  c->due = uv_now(c->aws->options.loop) + ms;
  c->pausing = true;
  set_timer(c->aws);
}

static void try_again(brrr__aws_call *c, const char *words) {
  brrr__aws *a = c->aws;
  const uint64_t ms = pause_ms(a, c->attempts);
  brrr__aws_note(a, BRRR_WARN, "%s: %s; again in %u ms", c->request.action,
                 words, (unsigned)ms);
  rest(c, ms);
}

static void on_transferred(void *transfer, CURLcode code) {
  brrr__aws_call *c = transfer;
  brrr__aws *a = c->aws;
  const char *words =
      c->curl_words[0] ? c->curl_words : curl_easy_strerror(code);
  long status = 0;
  brrr__verdict v;
  stop(c);
  curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK)
    brrr__verdict_of(&v, status, (brrr_bytes){c->answer, c->len});
  else
    brrr__verdict_lost(&v, words);
  /* What never left has not been carried out. */
  const bool unsure = v.unsure && c->sent;
  c->unsure = c->unsure || unsure;
  const bool lost = v.answer.end == AWS_LOST && unsure;
  if (v.again && c->attempts < a->config.attempts &&
      !(lost && c->request.once)) {
    try_again(c, v.answer.words);
  } else {
    v.answer.unsure = c->unsure && v.answer.end != AWS_OK;
    call_end(c, &v.answer);
  }
  brrr__verdict_free(&v);
  if (!a->closing)
    go_on(a);
}

/* ---- for the backends ---------------------------------------------------- */

static bool call_set_body(brrr__aws_call *c, const brrr__aws_options *o) {
  char target[64];
  (void)snprintf(target, sizeof target, "X-Amz-Target: %s%s", o->prefix,
                 c->request.action);
  c->headers = curl_slist_append(NULL, target);
  for (const struct curl_slist *h = c->aws->headers; h && c->headers;
       h = h->next) {
    struct curl_slist *more = curl_slist_append(c->headers, h->data);
    if (!more)
      return false;
    c->headers = more;
  }
  c->text = json_dumps(c->request.body, JSON_COMPACT);
  return c->headers && c->text;
}

brrr__aws_call *brrr__aws_send(brrr__aws *a, const brrr__aws_request *request) {
  brrr__aws_call *c = request->body && !a->closing ? call_take(a) : NULL;
  bool ready = false;
  if (c) {
    c->request = *request;
    ready = call_set_body(c, &a->options);
  }
  json_decref(request->body);
  if (!ready) {
    if (c)
      call_give(c);
    return NULL;
  }
  c->request.body = NULL;
  rest(c, request->pause_ms); /* `fn` is never called from within this */
  return c;
}

void brrr__aws_abort(brrr__aws_call *c, const char *words) {
  c->unsure = c->unsure || (c->transferring && c->sent);
  if (c->transferring) {
    brrr__http_stop(&c->aws->http, c->easy);
    stop(c);
  }
  if (c->waiting)
    unqueue(c);
  fail(c, words);
}

static bool make_headers(brrr__aws *a) {
  char token[4096];
  const char *lines[] = {"Content-Type: application/x-amz-json-1.0", token};
  const char *session = a->config.session_token;
  if (session && strlen(session) > sizeof token - 32)
    return false;
  if (session)
    (void)snprintf(token, sizeof token, "X-Amz-Security-Token: %s", session);
  for (size_t i = 0; i < (session ? 2 : 1); i++) {
    struct curl_slist *more = curl_slist_append(a->headers, lines[i]);
    if (!more)
      return false;
    a->headers = more;
  }
  return true;
}

brrr_status brrr__aws_open(brrr__aws *a, const brrr__aws_options *options,
                           const char **why) {
  *a = (brrr__aws){.options = *options};
  a->queue_end = &a->queue;
  a->random = uv_hrtime() | 1;
  brrr_arena_init(&a->arena, options->alloc);
  brrr_status s = brrr__aws_config_init(&a->config, &a->arena, options->aws,
                                        options->service, why);
  if (s == BRRR_OK)
    s = make_headers(a) ? brrr__http_open(&a->http, options->alloc,
                                          options->loop, on_transferred)
                        : BRRR_E_NOMEM;
  if (s != BRRR_OK) {
    curl_slist_free_all(a->headers);
    brrr_arena_free(&a->arena);
    return s;
  }
  uv_timer_init(options->loop, &a->timer);
  a->timer.data = a;
  return BRRR_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
  brrr__aws *a = handle->data;
  curl_slist_free_all(a->headers);
  brrr_arena_free(&a->arena);
  a->closed(a->ud);
}

static void on_http_closed(void *ud) {
  brrr__aws *a = ud;
  uv_close((uv_handle_t *)&a->timer, on_timer_closed);
}

void brrr__aws_close(brrr__aws *a, void (*closed)(void *ud), void *ud) {
  a->closing = true;
  a->closed = closed;
  a->ud = ud;
  while (a->active)
    brrr__aws_abort(a->active, "closed");
  for (brrr__aws_call *c = a->free, *next; c; c = next) {
    next = c->next;
    call_free(c);
  }
  a->free = NULL;
  uv_timer_stop(&a->timer);
  brrr__http_close(&a->http, on_http_closed, a);
}
