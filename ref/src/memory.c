/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * memory.c - L5: queue, store and cache in memory, in one hash table.
 *
 * A callback may use the backend again at once, and so change or remove the
 * very thing that it is being given: stored octets are counted references, and
 * messages and waiting gets leave the table before they are passed on.
 */
#include <brrr/memory.h>

#include "base.h"
#include "table.h"

#include <string.h>

/* Spaces of the table: the three kinds of key [STORE-2], then these. */
enum { SPACE_COUNTER = BRRR_KIND_PENDING_RETURNS + 1, SPACE_TOPIC };

typedef struct blob {
  size_t refs, len;
  uint8_t octets[];
} blob;

typedef struct record {
  brrr__entry entry;
  blob *value;
} record;

typedef struct counter {
  brrr__entry entry;
  int64_t count;
} counter;

/* A message, or a get that waits for one. */
typedef struct node {
  struct node *next;
  brrr_done done; /* a get */
  size_t len;     /* a message */
  uint8_t octets[];
} node;

/* Messages or waiting gets, whichever there are: never both. */
typedef struct topic {
  brrr__entry entry;
  node *head, *tail;
  bool waiting;
} topic;

/* A dead letter; topic, message and detail stand behind it. */
typedef struct dead {
  struct dead *next;
  brrr_memory_letter letter;
} dead;

struct brrr_memory {
  brrr_alloc alloc;
  brrr__table table;
  dead *head, **tail; /* the oldest dead letter first */
  bool closed;
};

static void end_with(brrr_done done, brrr_status status) {
  done.fn(done.ud, &(brrr_reply){.status = status});
}

/* ---- store --------------------------------------------------------------- */

static blob *blob_new(brrr_memory *m, brrr_bytes in) {
  blob *b = brrr__alloc(m->alloc, NULL, 0, sizeof *b + in.len);
  if (!b)
    return NULL;
  b->refs = 1;
  b->len = in.len;
  if (in.len)
    memcpy(b->octets, in.ptr, in.len);
  return b;
}

static void blob_release(brrr_memory *m, blob *b) {
  if (--b->refs == 0)
    brrr__alloc(m->alloc, b, sizeof *b + b->len, 0);
}

static brrr_bytes blob_bytes(const blob *b) {
  return (brrr_bytes){b->octets, b->len};
}

static record *record_find(brrr_memory *m, brrr_key key) {
  return brrr__table_find(&m->table, (uint8_t)key.kind, key.call_hash);
}

static bool record_holds(const record *r, brrr_bytes expected) {
  return r && brrr_bytes_equal(blob_bytes(r->value), expected);
}

static brrr_status record_set(brrr_memory *m, const brrr_effect *e) {
  blob *b = blob_new(m, e->value);
  if (!b)
    return BRRR_E_NOMEM;
  record *r = brrr__table_get(&m->table, (uint8_t)e->key.kind, e->key.call_hash,
                              sizeof *r);
  if (!r) {
    blob_release(m, b);
    return BRRR_E_NOMEM;
  }
  if (r->value)
    blob_release(m, r->value);
  r->value = b;
  return BRRR_OK;
}

static void record_remove(brrr_memory *m, record *r) {
  blob_release(m, r->value);
  brrr__table_remove(&m->table, &r->entry);
}

static void store_get(brrr_memory *m, const brrr_effect *e, brrr_done done) {
  record *r = record_find(m, e->key);
  if (!r) {
    end_with(done, BRRR_ABSENT);
    return;
  }
  blob *b = r->value; /* [STORE-1] */
  b->refs++;
  done.fn(done.ud, &(brrr_reply){.value = blob_bytes(b)});
  blob_release(m, b);
}

/* The store's effects that have no value for a reply. */
static brrr_status store_do(brrr_memory *m, const brrr_effect *e) {
  record *r = record_find(m, e->key);
  switch (e->type) {
  case BRRR_STORE_HAS:
    return r ? BRRR_OK : BRRR_ABSENT;
  case BRRR_STORE_SET:
    return record_set(m, e);
  case BRRR_STORE_SET_NEW: /* this, and the two below: [STORE-3] */
    return r ? BRRR_MISMATCH : record_set(m, e);
  case BRRR_STORE_CAS:
    return record_holds(r, e->expected) ? record_set(m, e) : BRRR_MISMATCH;
  case BRRR_STORE_CAD:
    if (!record_holds(r, e->expected))
      return BRRR_MISMATCH;
    record_remove(m, r);
    return BRRR_OK;
  default:
    return BRRR_E_MISUSE;
  }
}

/* ---- cache --------------------------------------------------------------- */

static void cache_incr(brrr_memory *m, const brrr_effect *e, brrr_done done) {
  counter *c = brrr__table_get(&m->table, SPACE_COUNTER, e->name, sizeof *c);
  if (c)
    done.fn(done.ud, &(brrr_reply){.num = ++c->count}); /* [CACHE-1] */
  else
    end_with(done, BRRR_E_NOMEM);
}

/* ---- queue --------------------------------------------------------------- */

static node *node_new(brrr_memory *m, brrr_bytes message, brrr_done done) {
  node *n = brrr__alloc(m->alloc, NULL, 0, sizeof *n + message.len);
  if (!n)
    return NULL;
  *n = (node){.done = done, .len = message.len};
  if (message.len)
    memcpy(n->octets, message.ptr, message.len);
  return n;
}

static void node_free(brrr_memory *m, node *n) {
  brrr__alloc(m->alloc, n, sizeof *n + n->len, 0);
}

/* The first message, or waiting get, of a topic; or NULL [QUEUE-1]. */
static node *topic_shift(brrr_memory *m, brrr_bytes name, bool waiting) {
  topic *t = brrr__table_find(&m->table, SPACE_TOPIC, name);
  if (!t || !t->head || t->waiting != waiting)
    return NULL;
  node *n = t->head;
  t->head = n->next;
  if (!t->head)
    brrr__table_remove(&m->table, &t->entry);
  return n;
}

/* Appends to the topic what it holds already: messages, or gets. */
static brrr_status topic_append(brrr_memory *m, brrr_bytes name, bool waiting,
                                brrr_bytes message, brrr_done done) {
  node *n = node_new(m, message, done);
  if (!n)
    return BRRR_E_NOMEM;
  topic *t = brrr__table_get(&m->table, SPACE_TOPIC, name, sizeof *t);
  if (!t) {
    node_free(m, n);
    return BRRR_E_NOMEM;
  }
  t->waiting = waiting;
  if (t->head)
    t->tail->next = n;
  else
    t->head = n;
  t->tail = n;
  return BRRR_OK;
}

static void queue_put(brrr_memory *m, const brrr_effect *e, brrr_done done) {
  node *get = topic_shift(m, e->name, true);
  if (!get) {
    end_with(done, topic_append(m, e->name, false, e->value, done));
    return;
  }
  get->done.fn(get->done.ud, &(brrr_reply){.value = e->value});
  node_free(m, get);
  end_with(done, BRRR_OK);
}

static void queue_get(brrr_memory *m, const brrr_effect *e, brrr_done done) {
  node *n = topic_shift(m, e->name, false);
  if (n) {
    /* [QUEUE-2] */
    done.fn(done.ud, &(brrr_reply){.value = {n->octets, n->len}});
    node_free(m, n);
    return;
  }
  brrr_status s = BRRR_CLOSED;
  if (!m->closed)
    s = topic_append(m, e->name, true, (brrr_bytes){0}, done);
  if (s != BRRR_OK)
    end_with(done, s);
}

/* ---- dead letters -------------------------------------------------------- */

static size_t dead_size(const brrr_memory_letter *l) {
  return sizeof(dead) + l->topic.len + l->message.len + l->detail.len;
}

/* Copies octets to `*at`, which moves behind them. */
static brrr_bytes put_behind(uint8_t **at, brrr_bytes in) {
  const brrr_bytes copy = {*at, in.len};
  if (in.len)
    memcpy(*at, in.ptr, in.len);
  *at += in.len;
  return copy;
}

static brrr_status set_aside(brrr_memory *m, const brrr_effect *e) {
  brrr_memory_letter l = {e->name, e->value, *e->error, e->detail};
  dead *d = brrr__alloc(m->alloc, NULL, 0, dead_size(&l));
  if (!d)
    return BRRR_E_NOMEM;
  uint8_t *at = (uint8_t *)(d + 1);
  l.topic = put_behind(&at, l.topic);
  l.message = put_behind(&at, l.message);
  l.detail = put_behind(&at, l.detail);
  *d = (dead){.letter = l};
  *m->tail = d;
  m->tail = &d->next;
  return BRRR_OK;
}

void brrr_memory_dead(const brrr_memory *m,
                      void (*fn)(void *ud, const brrr_memory_letter *letter),
                      void *ud) {
  for (const dead *d = m->head; d; d = d->next)
    fn(ud, &d->letter);
}

/* ---- all ----------------------------------------------------------------- */

static void submit(void *self, const brrr_effect *e, brrr_done done) {
  brrr_memory *m = self;
  switch (e->type) {
  case BRRR_STORE_GET:
    store_get(m, e, done);
    break;
  case BRRR_CACHE_INCR:
    cache_incr(m, e, done);
    break;
  case BRRR_QUEUE_PUT:
    queue_put(m, e, done);
    break;
  case BRRR_QUEUE_GET:
    queue_get(m, e, done);
    break;
  case BRRR_QUEUE_DEAD:
    end_with(done, set_aside(m, e));
    break;
  default: /* nothing here has a receipt, to be acknowledged */
    end_with(done, store_do(m, e));
  }
}

brrr_status brrr_memory_new(brrr_memory **out, brrr_alloc alloc) {
  brrr_memory *m = brrr__alloc(alloc, NULL, 0, sizeof *m);
  if (!m)
    return BRRR_E_NOMEM;
  *m = (brrr_memory){.alloc = alloc};
  m->tail = &m->head;
  brrr__table_init(&m->table, alloc);
  *out = m;
  return BRRR_OK;
}

/* Moves the waiting gets of a topic into the list at `ud`. */
static void collect_waiting(void *ud, void *entry) {
  node **list = ud;
  topic *t = entry;
  if (t->entry.space != SPACE_TOPIC || !t->head || !t->waiting)
    return;
  t->tail->next = *list;
  *list = t->head;
  t->head = NULL;
}

static void end_waiting(brrr_memory *m, brrr_status status) {
  node *list = NULL;
  brrr__table_each(&m->table, collect_waiting, &list);
  while (list) {
    node *n = list;
    list = n->next;
    end_with(n->done, status);
    node_free(m, n);
  }
}

static void wake(void *m) { end_waiting(m, BRRR_EMPTY); }

brrr_backend brrr_memory_backend(brrr_memory *m) {
  return (brrr_backend){.submit = submit, .self = m, .wake = wake};
}

void brrr_memory_close(brrr_memory *m) {
  m->closed = true;
  end_waiting(m, BRRR_CLOSED);
}

static void entry_release(void *ud, void *entry) {
  brrr_memory *m = ud;
  const brrr__entry *e = entry;
  if (e->space < SPACE_COUNTER)
    blob_release(m, ((record *)entry)->value);
  if (e->space != SPACE_TOPIC)
    return;
  for (node *n = ((topic *)entry)->head, *next; n; n = next) {
    next = n->next;
    node_free(m, n);
  }
}

void brrr_memory_free(brrr_memory *m) {
  if (!m)
    return;
  brrr_memory_close(m);
  for (dead *d = m->head, *next; d; d = next) {
    next = d->next;
    brrr__alloc(m->alloc, d, dead_size(&d->letter), 0);
  }
  brrr__table_each(&m->table, entry_release, m);
  brrr__table_free(&m->table);
  brrr__alloc(m->alloc, m, sizeof *m, 0);
}
