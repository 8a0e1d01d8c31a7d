/* SPDX-License-Identifier: AGPL-3.0-only */
#include "service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_SECONDS 60 /* a Java on a busy machine */

static struct sockaddr_in local(uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static uint16_t free_port(void) {
  struct sockaddr_in a = local(0);
  socklen_t len = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
  close(fd);
  return ntohs(a.sin_port);
}

static bool accepts(uint16_t port) {
  struct sockaddr_in a = local(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  const bool yes = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
  close(fd);
  return yes;
}

/* In the child. */
static void run(const char *const *words) {
  int quiet = open("/dev/null", O_RDWR);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int fd = 0; fd <= 2; fd++)
    (void)dup2(quiet, fd);
  (void)execvp(words[0], (char *const *)(uintptr_t)words);
  _exit(127);
}

/* It tells nobody when it is ready, so it is asked. */
static bool start(service *s, const char *const *words) {
  s->pid = fork();
  assert_true(s->pid >= 0);
  if (s->pid == 0)
    run(words);
  for (unsigned i = 0; i < START_SECONDS * 50; i++) {
    if (accepts(s->port))
      return true;
    if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
      break;
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
  return false;
}

static void must_exist(const char *path, const char *remedy) {
  if (access(path, F_OK))
    fail_msg("%s is not there: %s", path, remedy);
}

static void choose_port(service *s, char text[8]) {
  s->port = free_port();
  (void)snprintf(text, 8, "%u", s->port);
  (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", s->port);
}

void service_start_dynamodb(service *s) {
  char port[8];
  const char jars[] = BRRR_DYNAMODB "/*";
  must_exist(BRRR_DYNAMODB, "make dynamodb");
  choose_port(s, port);
  const char *words[] = {
      "java",
      "-Xmx256m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-cp",
      jars,
      "software.amazon.dynamodb.services.local.main.ServerRunner",
      "-inMemory",
      "-sharedDb",
      "-disableTelemetry",
      "-port",
      port,
      NULL};
  if (!start(s, words))
    fail_msg("DynamoDBLocal does not start");
}

void service_start_sqs(service *s) {
  char port[8];
  must_exist(BRRR_MOTO, "make deps");
  choose_port(s, port);
  const char *words[] = {BRRR_MOTO, "-H", "127.0.0.1", "-p", port, NULL};
  if (!start(s, words))
    fail_msg("the moto server does not start");
}

void service_stop(service *s) {
  if (s->pid <= 0)
    return;
  (void)kill(s->pid, SIGKILL);
  (void)waitpid(s->pid, NULL, 0);
  s->pid = 0;
}
