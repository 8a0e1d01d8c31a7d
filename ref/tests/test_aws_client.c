/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_aws_client.c - requests to a server that answers by a script: how they
 * are signed, when they are sent again, and what comes of them.
 */
#include "signature.h"
#include "web.h"

#include "aws_client.h"

#include <stdio.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

typedef struct theatre {
  stage stage;
  heap heap;
  web web;
  brrr__aws aws;
  unsigned logged;
} theatre;

typedef struct outcome {
  unsigned times;
  brrr__aws_end end;
  bool unsure;
  char code[64], words[256], json[256];
} outcome;

static void keep(void *ud, const brrr__aws_answer *a) {
  outcome *o = ud;
  o->times++;
  o->end = a->end;
  o->unsure = a->unsure;
  (void)snprintf(o->code, sizeof o->code, "%s", a->code ? a->code : "");
  (void)snprintf(o->words, sizeof o->words, "%s", a->words);
  char *text = a->json ? json_dumps(a->json, JSON_COMPACT) : NULL;
  (void)snprintf(o->json, sizeof o->json, "%s", text ? text : "");
  free(text);
}

static int setup(void **state) {
  theatre *t = calloc(1, sizeof *t);
  assert_non_null(t);
  *state = t;
  stage_init(&t->stage);
  return 0;
}

static int teardown(void **state) {
  theatre *t = *state;
  stage_free(&t->stage);
  assert_int_equal(t->heap.live, 0);
  free(t);
  return 0;
}

static void on_log(void *ud, brrr_level level, const char *text) {
  assert_int_equal(level, BRRR_WARN);
  assert_non_null(strstr(text, "again in "));
  ++*(unsigned *)ud;
}

static void open_client(theatre *t, const web_answer *script, size_t count,
                        brrr_aws_options o) {
  const char *why = "";
  web_start(&t->web, &t->stage, script, count);
  if (!o.endpoint)
    o.endpoint = t->web.url;
  o.region = "eu-west-1";
  o.access_key_id = "AKIDEXAMPLE";
  o.secret_access_key = SECRET;
  if (brrr__aws_open(&t->aws,
                     &(brrr__aws_options){.alloc = heap_alloc(&t->heap),
                                          .loop = &t->stage.loop,
                                          .service = "dynamodb",
                                          .prefix = "Prefix.",
                                          .aws = &o,
                                          .log = {on_log, &t->logged}},
                     &why))
    fail_msg("%s", why);
}

static void on_closed(void *ud) { ++*(unsigned *)ud; }

static void close_client(theatre *t) {
  unsigned closed = 0;
  brrr__aws_close(&t->aws, on_closed, &closed);
  stage_wait(&t->stage, &closed);
  web_stop(&t->web);
}

static brrr__aws_call *start(theatre *t, outcome *o, bool once) {
  *o = (outcome){0};
  brrr__aws_call *c = brrr__aws_send(
      &t->aws,
      &(brrr__aws_request){.action = "Act",
                           .body = json_pack("{s:s}", "k", "v\xc3\xa9"),
                           .once = once,
                           .fn = keep,
                           .ud = o});
  assert_non_null(c);
  assert_int_equal(o->times, 0);
  return c;
}

static outcome act(theatre *t, bool once) {
  outcome o;
  start(t, &o, once);
  stage_wait(&t->stage, &o.times);
  assert_int_equal(o.times, 1);
  return o;
}

/* ---- signatures ---------------------------------------------------------- */

/* Those of Amazon's own test suite: get-vanilla and post-vanilla. */
static void test_the_judge(void **state) {
  (void)state;
  const char *scope = "20150830/us-east-1/service/aws4_request";
  char s[65];
  signature(s,
            "GET / HTTP/1.1\r\nHost:example.amazonaws.com\r\n"
            "X-Amz-Date:20150830T123600Z\r\n\r\n",
            "", "host;x-amz-date", scope, SECRET);
  assert_string_equal(
      s, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  signature(s,
            "POST / HTTP/1.1\r\nHost:example.amazonaws.com\r\n"
            "X-Amz-Date:20150830T123600Z\r\n\r\n",
            "", "host;x-amz-date", scope, SECRET);
  assert_string_equal(
      s, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

static void assert_signed(const web *w, unsigned n, const char *names) {
  char credential[128], signed_headers[256], theirs[65], ours[65];
  const char *a = web_header(w, n, "authorization");
  if (sscanf(a,
             "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%127[^,], "
             "SignedHeaders=%255[^,], Signature=%64s",
             credential, signed_headers, theirs) != 3)
    fail_msg("authorization: %s", a);
  assert_string_equal(credential + 8, "/eu-west-1/dynamodb/aws4_request");
  assert_memory_equal(credential, web_header(w, n, "x-amz-date"), 8);
  assert_string_equal(signed_headers, names);
  signature(ours, w->requests[n].head, w->requests[n].body, signed_headers,
            credential, SECRET);
  assert_string_equal(theirs, ours);
}

static void test_signed(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{200, "{\"a\":1}", false}};
  open_client(t, script, 1, (brrr_aws_options){0});
  outcome o = act(t, false);
  assert_int_equal(o.end, AWS_OK);
  assert_string_equal(o.json, "{\"a\":1}");
  const char *line = "POST / HTTP/1.1\r\n";
  assert_memory_equal(t->web.requests[0].head, line, strlen(line));
  assert_string_equal(t->web.requests[0].body, "{\"k\":\"v\xc3\xa9\"}");
  assert_string_equal(web_header(&t->web, 0, "x-amz-target"), "Prefix.Act");
  assert_string_equal(web_header(&t->web, 0, "content-type"),
                      "application/x-amz-json-1.0");
  assert_string_equal(web_header(&t->web, 0, "x-amz-security-token"), "");
  assert_signed(&t->web, 0, "content-type;host;x-amz-date;x-amz-target");
  close_client(t);
}

static void test_session_token(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{200, "{}", false}};
  char token[2001];
  memset(token, 'T', 2000);
  token[2000] = '\0';
  open_client(t, script, 1, (brrr_aws_options){.session_token = token});
  assert_int_equal(act(t, false).end, AWS_OK);
  assert_signed(
      &t->web, 0,
      "content-type;host;x-amz-date;x-amz-security-token;x-amz-target");
  close_client(t);
}

/* ---- what is sent again -------------------------------------------------- */

#define THROTTLED                                                              \
  "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"                            \
  "ProvisionedThroughputExceededException\",\"message\":\"slow down\"}"

static const struct attempt {
  const char *what;
  web_answer first;
  bool once_again, unsure; /* is a `once` sent again, and may it be done */
} attempts[] = {
    {"throttled", {400, THROTTLED, false}, true, false},
    {"throttled, another code",
     {400, "{\"__type\":\"ThrottlingException\"}", 0},
     true,
     false},
    {"too many", {429, "", false}, true, false},
    {"500", {500, "{\"__type\":\"InternalServerError\"}", false}, true, true},
    {"503, and no JSON", {503, "<html>", true}, true, true},
    {"cut", {WEB_CUT, "", false}, false, true},
    {"half", {WEB_HALF, "{}", false}, false, true},
    {"noise", {WEB_NOISE, "", false}, false, true},
    {"silent", {WEB_SILENT, "", false}, false, true},
    {"no JSON", {200, "{\"Item\":", false}, false, true},
    {"no object", {200, "[]", false}, false, true},
    {"nothing", {200, "", false}, false, true},
};

static void test_again(void **state) {
  theatre *t = *state;
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
    const struct attempt *a = &attempts[i];
    const web_answer script[] = {a->first, {200, "{}", false}};
    const uint32_t ms = a->first.status == WEB_SILENT ? 300 : 5000;
    for (int once = 0; once < 2; once++) {
      open_client(t, script, 2, (brrr_aws_options){.answer_ms = ms});
      const outcome o = act(t, once);
      const bool again = !once || a->once_again;
      if (t->web.asked != (again ? 2 : 1))
        fail_msg("%s%s", a->what, once ? ", once" : "");
      assert_int_equal(o.end, again ? AWS_OK : AWS_LOST);
      assert_int_equal(o.unsure, again ? 0 : 1);
      assert_int_equal(t->logged, again ? 1 : 0);
      if (again)
        assert_true(t->web.requests[1].at - t->web.requests[0].at >= 24);
      t->logged = 0;
      close_client(t);
    }
  }
}

/* A refusal that is for good: sent once. */
static void test_refused(void **state) {
  theatre *t = *state;
  const web_answer script[] = {
      {400, "{\"__type\":\"a.b#SomeException\",\"message\":\"words\"}", false},
      {403, "forbidden", false},
      {413, "{\"__type\":7,\"message\":{}}", false},
      {302, "", false}};
  open_client(t, script, 4, (brrr_aws_options){0});
  outcome o = act(t, false);
  assert_int_equal(o.end, AWS_REFUSED);
  assert_string_equal(o.code, "SomeException");
  assert_string_equal(o.words, "SomeException: words");
  assert_string_equal(t->aws.words, "Act: SomeException: words");
  assert_false(o.unsure);
  o = act(t, false);
  assert_int_equal(o.end, AWS_REFUSED);
  assert_string_equal(o.words, "HTTP status 403");
  assert_int_equal(act(t, false).end, AWS_REFUSED);
  assert_int_equal(act(t, false).end, AWS_REFUSED);
  assert_int_equal(t->web.asked, 4);
  close_client(t);
}

/* The limit, and that an error which may have been carried out is remembered
 * when another follows. */
static void test_attempts(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{500, "{}", false}, {400, THROTTLED, false}};
  open_client(t, script, 2, (brrr_aws_options){.attempts = 3});
  const outcome o = act(t, false);
  assert_int_equal(o.end, AWS_REFUSED);
  assert_true(o.unsure);
  assert_int_equal(t->web.asked, 3);
  assert_int_equal(t->logged, 2);
  /* 50 ms, then 100 ms, less up to a half */
  assert_in_range(t->web.requests[2].at - t->web.requests[1].at, 49, 5000);
  close_client(t);
}

/* No server at all: nothing was sent, so even a `once` is tried again. */
static void test_no_server(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{200, "{}", false}};
  open_client(
      t, script, 1,
      (brrr_aws_options){.endpoint = "http://127.0.0.1:1", .attempts = 2});
  const outcome o = act(t, true);
  assert_int_equal(o.end, AWS_LOST);
  assert_false(o.unsure);
  assert_int_equal(t->logged, 1);
  close_client(t);
}

/* A kept connection dies with the second request on it. curl would send that
 * again by itself: for a `once` it must not [DYN-7]. */
static void test_dead_connection(void **state) {
  theatre *t = *state;
  const web_answer script[] = {
      {200, "{}", false}, {WEB_CUT, "", false}, {200, "{}", false}};
  open_client(t, script, 3, (brrr_aws_options){0});
  assert_int_equal(act(t, false).end, AWS_OK);
  const outcome o = act(t, true);
  assert_int_equal(t->web.requests[1].visit, 1); /* it was kept */
  assert_int_equal(o.end, AWS_LOST);
  assert_true(o.unsure);
  assert_int_equal(t->web.asked, 2);
  assert_int_equal(act(t, true).end, AWS_OK);
  close_client(t);
}

/* ---- many, and the end --------------------------------------------------- */

static void test_at_once(void **state) {
  enum { N = 60 };
  theatre *t = *state;
  const web_answer script[] = {{200, "{}", false}};
  outcome o[N];
  open_client(t, script, 1, (brrr_aws_options){0});
  for (size_t i = 0; i < N; i++)
    start(t, &o[i], false);
  for (size_t i = 0; i < N; i++) {
    stage_wait(&t->stage, &o[i].times);
    assert_int_equal(o[i].end, AWS_OK);
  }
  assert_int_equal(t->web.asked, N);
  close_client(t);
}

/* Whatever state a call is in: it ends once. */
static void test_abort_and_close(void **state) {
  theatre *t = *state;
  const web_answer script[] = {{WEB_SILENT, "", false}, {500, "{}", true}};
  outcome silent, paused, fresh, aborted;
  open_client(t, script, 2, (brrr_aws_options){0});
  start(t, &silent, false);
  web_until(&t->web, 1);
  start(t, &paused, false);
  stage_wait(&t->stage, &t->logged);
  brrr__aws_call *c = start(t, &aborted, false);
  brrr__aws_abort(c, "no longer wanted");
  assert_int_equal(aborted.times, 1);
  assert_string_equal(aborted.words, "no longer wanted");
  start(t, &fresh, false);
  close_client(t);
  assert_int_equal(silent.times + paused.times + fresh.times, 3);
  assert_int_equal(silent.end, AWS_LOST);
  assert_string_equal(silent.words, "closed");
  assert_true(silent.unsure);
  assert_true(paused.unsure);
  assert_false(fresh.unsure);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(test_the_judge),     TEST(test_signed),
      TEST(test_session_token), TEST(test_again),
      TEST(test_refused),       TEST(test_attempts),
      TEST(test_no_server),     TEST(test_dead_connection),
      TEST(test_at_once),       TEST(test_abort_and_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
