/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_redis_url.c - Redis URLs, good and bad.
 */
#include "redis_url.h"
#include "support.h"

typedef struct good {
  const char *text, *host;
  uint32_t port;
  const char *user, *password;
  uint32_t db;
} good;

static void test_good(void **state) {
  static const good all[] = {
      {"redis://h", "h", 6379, "", "", 0},
      {"redis://h/", "h", 6379, "", "", 0},
      {"redis://127.0.0.1:1/15", "127.0.0.1", 1, "", "", 15},
      {"redis://h:65535/999999", "h", 65535, "", "", 999999},
      {"redis://[::1]", "::1", 6379, "", "", 0},
      {"redis://[::1]:7/2", "::1", 7, "", "", 2},
      {"redis://:pw@h", "h", 6379, "", "pw", 0},
      {"redis://me:pw@h:7/2", "h", 7, "me", "pw", 2},
      {"redis://m%65:%2f%3A%40%25@h", "h", 6379, "me", "/:@%", 0},
      {"redis://:a:b@c@h", "h", 6379, "", "a:b@c", 0},
      {"redis://:@h", "h", 6379, "", "", 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    brrr__redis_url url;
    assert_int_equal(brrr__redis_url_parse(&url, (brrr_alloc){0}, all[i].text),
                     BRRR_OK);
    assert_string_equal(url.host, all[i].host);
    assert_int_equal(url.port, all[i].port);
    assert_bytes_str(url.user, all[i].user);
    assert_bytes_str(url.password, all[i].password);
    assert_int_equal(url.db, all[i].db);
    brrr__redis_url_free(&url, (brrr_alloc){0});
  }
}

typedef struct socket_url {
  const char *text, *path, *user, *password;
  uint32_t db;
} socket_url;

static void test_sockets(void **state) {
  static const socket_url all[] = {
      {"unix:///run/redis.sock", "/run/redis.sock", "", "", 0},
      {"unix:///s?db=3", "/s", "", "", 3},
      {"unix://:p%2fw@/s", "/s", "", "p/w", 0},
      {"unix://me:pw@/a@b?db=999999", "/a@b", "me", "pw", 999999},
      {"unix:///a%20b%3f", "/a b?", "", "", 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    brrr__redis_url url;
    assert_int_equal(brrr__redis_url_parse(&url, (brrr_alloc){0}, all[i].text),
                     BRRR_OK);
    assert_string_equal(url.path, all[i].path);
    assert_bytes_str(url.user, all[i].user);
    assert_bytes_str(url.password, all[i].password);
    assert_int_equal(url.db, all[i].db);
    brrr__redis_url_free(&url, (brrr_alloc){0});
  }
}

static void test_bad(void **state) {
  static const char *const all[] = {
      "",
      "h",
      "redis:",
      "redis://",
      "redis:///0",
      "rediss://h",
      "Redis://h",
      "redis://:1",
      "redis://h:",
      "redis://h:0",
      "redis://h:65536",
      "redis://h:4294967297",
      "redis://h:-1",
      "redis://h:1x",
      "redis://h:1:2",
      "redis://h/x",
      "redis://h/-1",
      "redis://h/1000000",
      "redis://h/1/2",
      "redis://h/1?x=y",
      "redis://me@h", /* a user without a password cannot log in */
      "redis://me:%@h",
      "redis://me:%4@h",
      "redis://me:%4g@h",
      "redis://me:pw@",
      "redis://[::1",
      "redis://[::1]7",
      "redis://[]",
      "unix:",
      "unix://",
      "unix:///",
      "unix://s",
      "unix://me@/s",
      "unix://me:pw/s",
      "unix:///s?",
      "unix:///s?db=",
      "unix:///s?db=x",
      "unix:///s?db=1000000",
      "unix:///s?x=1",
      "unix:///s?db=1&x=1",
      "unix:///s%00",
      "unix:///s%4",
  };
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    heap h = {0};
    brrr__redis_url url;
    brrr_bytes text =
        exact((brrr_bytes){(const uint8_t *)all[i], strlen(all[i]) + 1});
    brrr_status s =
        brrr__redis_url_parse(&url, heap_alloc(&h), (const char *)text.ptr);
    if (s != BRRR_E_MISUSE)
      fail_msg("accepted: %s", all[i]);
    assert_int_equal(h.live, 0);
    exact_free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_sockets),
      cmocka_unit_test(test_bad),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
