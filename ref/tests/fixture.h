/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * fixture.h - a Redis backend on a loop, over a private server. The server is
 * started once for a group of tests and emptied before each.
 */
#ifndef BRRR_TESTS_FIXTURE_H
#define BRRR_TESTS_FIXTURE_H

#include "answers.h"
#include "server.h"
#include "stage.h"

#include <brrr/redis.h>

typedef struct fixture {
  server server;
  stage stage;
  heap heap; /* of the backend: nothing of it is left at the end */
  brrr_redis *redis;
  subject subject; /* the backend, and how to wait for it */
} fixture;

/* For cmocka; *state is the fixture. */
int fixture_group_setup(void **state);
int fixture_group_teardown(void **state);
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Another backend on the same loop, to be closed by fixture_close. */
brrr_redis *fixture_open(fixture *f, const char *url);
/* The same, with any options; its alloc and loop are the fixture's. */
brrr_redis *fixture_open_with(fixture *f, const brrr_redis_options *options);
/* Closes it, and waits until that is done. */
void fixture_close(fixture *f, brrr_redis *r);
subject fixture_subject(fixture *f, brrr_redis *r);

/* Runs the loop until so many clients of the server are blocked. */
void fixture_until_blocked(fixture *f, long long count);

#endif
