/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * session.h - the backends that a command was told to use, and a loop on which
 * it waits for one answer at a time.
 */
#ifndef BRRR_TOOL_SESSION_H
#define BRRR_TOOL_SESSION_H

#include "tool.h"

#include <brrr/connect.h>

#include <uv.h>

/* ---- where ----------------------------------------------------------------
 */

typedef struct places {
  char *url, *queue, *store, *cache; /* as libpopt allocates them, or NULL */
} places;

#define PLACES_OPTIONS(p)                                                      \
  {"url",                                                                      \
   0,                                                                          \
   POPT_ARG_STRING,                                                            \
   &(p).url,                                                                   \
   0,                                                                          \
   "all backends (else $BRRR_URL, $REDIS_URL, redis://127.0.0.1:6379)",        \
   "URL"},                                                                     \
      {"queue-url", 0, POPT_ARG_STRING, &(p).queue, 0, "the queue", "URL"},    \
      {"store-url", 0, POPT_ARG_STRING, &(p).store, 0, "the store", "URL"}, {  \
    "cache-url", 0, POPT_ARG_STRING, &(p).cache, 0, "the cache", "URL"         \
  }

void places_free(places *p);
/* That of a role's own URL, or the one for all. */
const char *places_url(const places *p, const char *own);

/* ---- the session --------------------------------------------------------- */

typedef struct session {
  uv_loop_t loop;
  brrr_arena arena; /* for as long as the command runs */
  brrr_connection *connection;
  brrr_client client;
  /* the last answer that was waited for; its value is in the arena */
  bool answered;
  brrr_status status;
  brrr_bytes value;
  int64_t num;
} session;

/* EXIT_DONE, or another status after a complaint; session_close after either.
 */
int session_open(session *s, const places *p, bool durable);
/* Runs the loop until nothing is left on it. */
void session_close(session *s);

/* Where to send the next answer; session_wait runs the loop until it is there,
 * and returns its status. */
brrr_done session_done(session *s);
brrr_status session_wait(session *s);

/* The call of a task whose arguments are a JSON text, in the arena. */
int session_call(session *s, const char *task, const char *args,
                 brrr_call *out);

#endif
