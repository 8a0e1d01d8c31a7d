/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * fleet.h - a few workers over the backend in memory, moved one act at a time
 * by whoever tests: an act is the taking of a message, one effect of an
 * operation, one look of a handler for the value of a child, or a crash. What
 * is carried out between two acts of one worker is up to the test.
 *
 * Calls, roots and topics have names of one letter. The handler of a call looks
 * for the values of all its children, in order; if some are missing it defers
 * on them, else its value is its own name in capitals, then theirs.
 */
#ifndef BRRR_TESTS_FLEET_H
#define BRRR_TESTS_FLEET_H

#include "support.h"

#include <brrr/memory.h>

enum {
  FLEET_WORKERS = 3,
  FLEET_CALLS = 6,
  FLEET_CHILDREN = 3,
  FLEET_MESSAGES = 32, /* on the queue, or put or read in one handling */
  FLEET_EFFECTS = 8    /* under way in one operation */
};

/* An effect that is carried out wrongly, to see that it is noticed. */
typedef enum fleet_fault {
  FLEET_SOUND,
  FLEET_BLIND_CAD, /* removes whatever is there */
  FLEET_BLIND_CAS, /* overwrites whatever is there */
  FLEET_BLIND_NEW, /* the same */
  FLEET_DEAF_PUT,  /* loses the first message that is put */
  /* Of cheap workers: */
  FLEET_NO_RETURNS,  /* skips without delivering the returns */
  FLEET_NO_FORCE,    /* handles what was delivered before like the rest */
  FLEET_MERGE_BEHIND /* takes a message for one that is under way already */
} fleet_fault;

/* Where everything begins. */
typedef struct fleet_plan {
  const char *name;
  uint32_t workers;
  const char *calls[FLEET_CALLS + 1];    /* "pab": p has the children a and b */
  const char *messages[FLEET_CALLS + 1]; /* "rpt": root, call, topic */
  const char *waiting[FLEET_CALLS + 1];  /* "arpt": for a waits rpt */
  int64_t spawn_limit;                   /* 0: that of the protocol */
  /* Of these workers, by number, each a bit: they skip, watch, and write no
   * more than they must; their queue is durable. The others are plain. */
  uint32_t cheap;
  uint32_t crashes; /* of cheap ones; what they held is delivered again */
  bool merges;      /* cheap ones merge equal messages [WORK-23] */
  bool one_memo;    /* cheap ones are hands of one worker */
  bool lossy;       /* the first message that is put is lost */
  bool eager;       /* acts that nobody else can notice are done at once */
  fleet_fault fault;
} fleet_plan;

/* A message, or a pending return. */
typedef struct fleet_message {
  char root, call, topic;
} fleet_message;

typedef struct fleet_list {
  fleet_message all[FLEET_MESSAGES];
  size_t count;
} fleet_list;

typedef struct fleet_worker {
  brrr_op *op; /* NULL: idle */
  bool cheap;
  brrr_memo *memo; /* of a cheap one */
  fleet_message message;
  bool force;      /* it was delivered before */
  uint32_t merged; /* equal messages, to be handled next, as one */
  bool merged_force;
  const brrr_effect *asked[FLEET_EFFECTS]; /* under way */
  size_t count;
  uint32_t looks, present; /* of the handler: how many, and who was there */
  bool returning;          /* the handler had a value */
  fleet_list puts;         /* what it has put, or was refused to put */
  fleet_list reads;        /* the pending returns that it has read */
  uint64_t history;        /* of all replies so far */
} fleet_worker;

typedef struct fleet {
  const fleet_plan *plan;
  brrr_memory *memory;
  fleet_worker workers[FLEET_WORKERS];
  fleet_list queue; /* what lies on all topics; a bag */
  fleet_list again; /* what is delivered again, to cheap workers */
  uint32_t crashed;
  uint32_t deferred; /* calls that have deferred, by number */
  /* By root, which is a small letter. */
  uint8_t counted[128], puts[128];
  bool exhausted[128];
  uint32_t put_count;
  const char *wrong; /* what the last act did that it must not; or NULL */
} fleet;

void fleet_init(fleet *f, const fleet_plan *plan);
void fleet_free(fleet *f);

/* How many acts are possible now; none when all is done. */
size_t fleet_choices(fleet *f);
/* Carries one of them out, and goes on until the worker waits again. */
void fleet_act(fleet *f, size_t choice);

/* The number of a call, in the order of the plan. */
size_t fleet_call(const fleet *f, char name);
bool fleet_has(const fleet_list *l, fleet_message m);
bool fleet_is_stored(const fleet *f, brrr_kind kind, char call);
/* Octets from the store, borrowed from `a`; false if there are none. */
bool fleet_stored(const fleet *f, brrr_arena *a, brrr_kind kind, char call,
                  brrr_bytes *out);
/* The pending returns of a call. */
fleet_list fleet_waiting(const fleet *f, char call);
/* Adds a reply, and what its worker may read next, to the history. */
void fleet_remember(const fleet *f, fleet_worker *w, uint64_t id,
                    const brrr_reply *r);
/* All that the memo of a worker holds. */
uint64_t fleet_memo(const fleet *f, const fleet_worker *w);
/* All that the future depends on, in `a`. */
brrr_bytes fleet_state(const fleet *f, brrr_arena *a);

#endif
