/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * world.h - a store, a cache, a queue and a handler, for tests of the engine.
 *
 * It carries out an operation's effects one by one, in an order that the test
 * chooses, and writes down what it did. Effects are carried out when they are
 * answered: in every order of answers, so in every order of acts.
 */
#ifndef BRRR_TESTS_WORLD_H
#define BRRR_TESTS_WORLD_H

#include "support.h"

typedef struct world_entry {
  brrr_kind kind;
  brrr_bytes call_hash, octets;
} world_entry;

typedef struct world_counter {
  brrr_bytes name;
  int64_t num;
} world_counter;

/* What an effect shall end in instead. */
typedef struct world_fault {
  const char *line; /* as in the log */
  brrr_status status;
  uint32_t times; /* how often */
} world_fault;

typedef struct world {
  brrr_arena arena;
  world_entry *entries;
  size_t entry_count;
  world_counter *counters;
  size_t counter_count;
  char *log; /* one line for each effect that was carried out */
  size_t log_len;
  size_t line;              /* where the last line begins */
  brrr_reply answer;        /* the handler's */
  const world_fault *fault; /* NULL: none */
  uint32_t faults;          /* how often it has happened */
  /* Called before an effect is carried out, if it is there. */
  void (*before)(struct world *w, const brrr_effect *e);
  /* Which of `count` effects is next; NULL: the one that was asked for first.
   */
  size_t (*choose)(void *ud, size_t count);
  void *ud;
} world;

#define WORLD_NOW 1795489157
#define WORLD_TOPIC BRRR_LIT("topic-t") /* where messages are taken from */

void world_init(world *w);
void world_free(world *w);

/* NUL-terminated, for tests: a value is set and read back. NULL means absent.
 */
void world_set(world *w, brrr_kind kind, const char *hash, const char *octets);
void world_remove(world *w, brrr_kind kind, const char *hash);
void world_put(world *w, brrr_key key, brrr_bytes octets);
void world_count(world *w, const char *name, int64_t num);
void assert_stored(world *w, brrr_kind kind, const char *hash,
                   const char *octets);
void assert_counted(world *w, const char *name, int64_t num);
/* The log: lines such as "get call/h", "set value/h v", "put topic-t li2e..."
 */
void assert_log(const world *w, const char *log);

/* A text so long that an arena allocates for it alone: with such ones, every
 * allocation in an arena is one of the heap. Records of them. */
brrr_bytes world_long(world *w, char fill);
brrr_bytes world_call(world *w, const brrr_call *call);
brrr_bytes world_message(world *w, brrr_bytes root_id, brrr_bytes call_hash);
brrr_bytes world_returns(world *w, brrr_pending_return *returns, size_t count);

/* Carries out `e`. The reply is borrowed from the world. */
brrr_reply world_act(world *w, const brrr_effect *e);
/* Runs `op` to its end; returns the status in which it ended. */
brrr_status world_run(world *w, brrr_op *op);

/* Handles a message of topic-t, in a fresh operation; checks that nothing
 * leaks. `limits` may be NULL. */
brrr_status world_handle(world *w, const brrr_limits *limits,
                         const char *message, brrr_error *err);
/* For heap_sweep: the same, with allocations that fail. Then it ends in
 * BRRR_E_NOMEM, otherwise in BRRR_OK. `before`, a world_before *, makes the
 * world and returns the message, which lives in it. */
typedef brrr_bytes world_before(world *w);
void world_sweep_handle(heap *h, void *before);

/* ==== All orders ========================================================= */

#define CHOICES_MAX 64

/* Walks all runs that differ in an order: a depth-first search by running
 * again. Use as `choose` and `ud` of a world. */
typedef struct choices {
  size_t taken[CHOICES_MAX], of[CHOICES_MAX];
  size_t depth; /* of this run */
} choices;

size_t choices_choose(void *ud, size_t count);
/* Makes the next run another one; false when all have been. */
bool choices_next(choices *c);

#endif
