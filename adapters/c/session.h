/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * session.h - the commands between Open and Close: libbrrr's client and worker
 * over Redis and DynamoDB, with the runner for a handler.
 */
#ifndef BRRR_ADAPTER_SESSION_H
#define BRRR_ADAPTER_SESSION_H

#include <brrr/dynamodb.h>
#include <brrr/redis.h>
#include <brrr/worker.h>

#include "frames.h"
#include "replies.h"

typedef struct session {
  frames *frames;
  uv_timer_t grace;        /* how long Close waits for handlers and commands */
  brrr_redis *redis;       /* NULL unless open */
  bool durable;            /* its queue keeps what was taken */
  brrr_dynamodb *dynamodb; /* NULL if the store is on Redis, too */
  brrr_client client;
  brrr_codec codec; /* of the app */
  brrr_app app;     /* the tasks of conformance/programs.md */
  struct serving *servings;
  struct invocation *invocations; /* that wait for an answer */
  uint32_t last_invocation;
  enum { RUNNING, STOPPING, CLOSING } state;
  uint32_t close_id; /* of the Close under way */
  bool at_end;       /* of the input: it closes without a Close */
} session;

void session_init(session *s, frames *f);
/* At the end of input. The loop runs on until all is closed. */
void session_end(session *s);

/* Each sends its reply, now or later; Answer has none. */
void session_open(session *s, uint32_t id, const Brrr__Adapter__Open *in);
void session_schedule(session *s, uint32_t id,
                      const Brrr__Adapter__Schedule *in);
void session_read(session *s, uint32_t id, const Brrr__Adapter__Read *in);
void session_schedule_task(session *s, uint32_t id,
                           const Brrr__Adapter__ScheduleTask *in);
void session_read_task(session *s, uint32_t id,
                       const Brrr__Adapter__ReadTask *in);
/* With `tasks`, the worker runs those of the app; else it asks the runner. */
void session_serve(session *s, uint32_t id, const Brrr__Adapter__Serve *in,
                   bool tasks);
void session_answer(session *s, const Brrr__Adapter__Answer *in);
void session_close(session *s, uint32_t id);

#endif
