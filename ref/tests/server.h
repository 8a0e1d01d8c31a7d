/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * server.h - a private redis-server on a free port of 127.0.0.1 and a socket,
 * without persistence unless it is asked for. It dies with the test, however
 * that ends.
 */
#ifndef BRRR_TESTS_SERVER_H
#define BRRR_TESTS_SERVER_H

#include "support.h"

#include <hiredis/hiredis.h>
#include <sys/types.h>

typedef struct server {
  pid_t pid; /* 0 unless it runs */
  uint16_t port;
  const char *password; /* NULL: none */
  bool keeps;           /* what it holds, in a file, over server_kill */
  char folder[64];      /* of socket and file; made by the first start */
  redisContext *tester; /* a connection of the test's own */
  char url[128];        /* redis://..., of database 0 */
  char socket_url[128]; /* unix://..., the same */
} server;

/* Starts it and waits until it accepts connections; again on the same port
 * after server_kill. */
void server_start(server *s);
/* Without notice; what it held is gone, unless it `keeps` that. */
void server_kill(server *s);
/* The group's end. */
void server_stop(server *s);

/* Asks over the test's own connection; an error reply fails the test. */
redisReply *server_ask(server *s, const char *format, ...);
/* The same, for commands that answer with a number. */
long long server_number(server *s, const char *format, ...);
/* How often the server was sent a command, in small letters, since CONFIG
 * RESETSTAT; what scripts do counts, too. */
unsigned long server_calls(server *s, const char *name);

#endif
