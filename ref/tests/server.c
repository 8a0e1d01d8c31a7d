/* SPDX-License-Identifier: AGPL-3.0-only */
#include "server.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET "redis.sock" /* in the folder */

static uint16_t free_port(void) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
  close(fd);
  return ntohs(a.sin_port);
}

/* In the child. */
static void run(const server *s, int out) {
  char port[8];
  (void)snprintf(port, sizeof port, "%u", s->port);
  if (chdir(s->folder))
    _exit(126);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)dup2(out, STDOUT_FILENO);
  (void)execlp("redis-server", "redis-server", "--port", port, "--bind",
               "127.0.0.1", "--unixsocket", SOCKET, "--dir", s->folder,
               "--save", "", "--appendonly", s->keeps ? "yes" : "no",
               "--requirepass", s->password ? s->password : "", (char *)NULL);
  _exit(127);
}

/* Reads the server's log until it says that it is ready. */
static bool becomes_ready(int fd) {
  char log[8192];
  size_t len = 0;
  ssize_t n;
  while (len < sizeof log - 1 &&
         (n = read(fd, log + len, sizeof log - 1 - len)) > 0) {
    len += (size_t)n;
    log[len] = '\0';
    if (strstr(log, "Ready to accept connections"))
      return true;
  }
  return false;
}

static bool start(server *s) {
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  s->pid = fork();
  assert_true(s->pid >= 0);
  if (s->pid == 0)
    run(s, fds[1]);
  close(fds[1]);
  bool ready = becomes_ready(fds[0]);
  close(
      fds[0]); /* what it logs from now on is lost to it: SIGPIPE is ignored */
  return ready;
}

void server_start(server *s) {
  const bool again = s->port;
  if (!*s->folder) {
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/brrr-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
  }
  for (int i = 0; i < 10; i++) { /* somebody may take the port meanwhile */
    if (!again)
      s->port = free_port();
    if (start(s))
      break;
    server_kill(s);
  }
  assert_true(s->pid > 0);
  (void)snprintf(s->url, sizeof s->url, "redis://%s%s%s127.0.0.1:%u",
                 s->password ? ":" : "", s->password ? s->password : "",
                 s->password ? "@" : "", s->port);
  (void)snprintf(s->socket_url, sizeof s->socket_url, "unix://%s%s%s%s/%s",
                 s->password ? ":" : "", s->password ? s->password : "",
                 s->password ? "@" : "", s->folder, SOCKET);
  s->tester = redisConnect("127.0.0.1", s->port);
  assert_non_null(s->tester);
  assert_int_equal(s->tester->err, 0);
  if (s->password)
    freeReplyObject(server_ask(s, "AUTH %s", s->password));
}

void server_kill(server *s) {
  if (s->tester)
    redisFree(s->tester);
  s->tester = NULL;
  if (s->pid <= 0)
    return;
  (void)kill(s->pid, SIGKILL);
  (void)waitpid(s->pid, NULL, 0);
  s->pid = 0;
}

static int drop(const char *path, const struct stat *st, int type,
                struct FTW *at) {
  (void)st;
  (void)type;
  (void)at;
  return remove(path);
}

void server_stop(server *s) {
  server_kill(s);
  if (*s->folder)
    (void)nftw(s->folder, drop, 4, FTW_DEPTH | FTW_PHYS);
}

static redisReply *ask(server *s, const char *format, va_list args) {
  redisReply *r = redisvCommand(s->tester, format, args);
  assert_non_null(r);
  if (r->type == REDIS_REPLY_ERROR)
    fail_msg("%s: %s", format, r->str);
  return r;
}

redisReply *server_ask(server *s, const char *format, ...) {
  va_list args;
  va_start(args, format);
  redisReply *r = ask(s, format, args);
  va_end(args);
  return r;
}

long long server_number(server *s, const char *format, ...) {
  va_list args;
  va_start(args, format);
  redisReply *r = ask(s, format, args);
  va_end(args);
  assert_int_equal(r->type, REDIS_REPLY_INTEGER);
  long long n = r->integer;
  freeReplyObject(r);
  return n;
}

unsigned long server_calls(server *s, const char *name) {
  char line[64];
  redisReply *r = server_ask(s, "INFO commandstats");
  (void)snprintf(line, sizeof line, "cmdstat_%s:calls=", name);
  const char *at = strstr(r->str, line);
  const unsigned long n = at ? strtoul(at + strlen(line), NULL, 10) : 0;
  freeReplyObject(r);
  return n;
}
