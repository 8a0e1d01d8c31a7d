/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_link.h - L6: one connection to Redis that comes back.
 *
 * It connects when there is something to send, logs in, sends requests as they
 * come, and gives each of them its reply, or none if the connection was lost.
 * Nothing is sent twice: who wants that sends it again.
 *
 * A request may be held back until the end of the turn of the loop, and then be
 * sent in another form, together with others.
 *
 * Names are looked up off the loop, and their addresses tried in turn. Where
 * nothing is heard for too long while an answer is due, the connection counts
 * as lost; and after an answer that says "not now" it is made anew, since
 * another server may have the name by then.
 */
#ifndef BRRR_SRC_REDIS_LINK_H
#define BRRR_SRC_REDIS_LINK_H

#include "redis_url.h"

#include <hiredis/async.h>
#include <uv.h>

typedef struct brrr__request {
  struct brrr__request *next;
  struct brrr__link *link;
  char *command; /* freed with brrr__redis_command_free */
  size_t len;
  bool keep; /* else `command` is freed, and NULL, once it is sent */
  /* Called once for each send. `reply` is borrowed; NULL if there is none,
   * and then `words` says why. */
  void (*fn)(struct brrr__request *r, const redisReply *reply,
             const char *words);
  void *ud;
} brrr__request;

typedef struct brrr__link_options {
  uv_loop_t *loop;
  brrr_alloc alloc;
  const brrr__redis_url *url;
  bool wants_id; /* ask the server for the id of this connection */
  uint32_t connect_ms, answer_ms; /* deadlines */
  brrr_log log;
  /* Sends what was held back, as it likes; called at the end of a turn in which
   * something was. NULL if nothing ever is. */
  void (*gather)(void *ud, brrr__request *held);
  /* Told of each handle on the loop: when it is opened, and when it is closed
   * for good. The link must live until as many are closed as were opened. */
  void (*opened)(void *ud);
  void (*closed)(void *ud);
  void *ud;
} brrr__link_options;

typedef struct brrr__link {
  brrr__link_options options;
  redisAsyncContext *ac; /* NULL while there is no connection */
  bool trying;           /* to connect and log in */
  bool looking;          /* `lookup` is under way */
  uv_getaddrinfo_t lookup;
  struct addrinfo *found, *next_address; /* not tried yet */
  bool up;           /* logged in: requests are sent at once */
  bool was_up;       /* has been up before */
  bool refused;      /* the last login was refused */
  bool put_off;      /* the last answer was "not now" */
  bool late;         /* an answer is overdue; look once more */
  unsigned owed;     /* answers */
  uint64_t heard_at; /* or when the first of those was asked for */
  bool closing;
  unsigned greetings;         /* replies that are missing until it is up */
  unsigned failures;          /* since the last reply */
  uint64_t lost_at;           /* when it was useful last, in the loop's time */
  uint64_t not_before;        /* when it may try to connect again */
  uv_timer_t timer;           /* the pause before a try, its deadline, or that
                                 of an answer */
  brrr__request *head, *tail; /* what could not be sent yet */
  brrr__request *held, **held_end; /* until the end of the turn */
  char why[128];                   /* the connection was lost last */
  int64_t id; /* of the connection, if wanted; 0 if unknown */
} brrr__link;

void brrr__link_open(brrr__link *l, const brrr__link_options *options);
/* `r` is the caller's, and in use until its `fn` is called. */
void brrr__link_send(brrr__link *l, brrr__request *r);
/* Holds a request back, with or without a command, until the link is up if it
 * is not; false if it closes, and then it did not. */
bool brrr__link_hold(brrr__link *l, brrr__request *r);
/* Ends, without a reply, what has not been sent yet. */
void brrr__link_abandon(brrr__link *l, const char *words);
/* Ends everything, and what may still be sent, without a reply. */
void brrr__link_close(brrr__link *l);

#endif
