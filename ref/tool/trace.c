/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * trace.c - L7: `brrr trace`: who waits for whom, as a tree.
 *
 * What the store tells: each record of pending returns names the parents that
 * wait for a call. A call that has returned leaves no trace of whom it had
 * asked, and nobody can tell from the store whether a call without a value is
 * queued, running or lost. So the tree shows what still waits, and no more.
 */
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INDENT 40 /* deeper lines begin no further right */

/* That `parent` waits for `child`: places in the list of hashes. */
typedef struct edge {
  size_t parent, child;
} edge;

typedef struct node {
  size_t first;  /* of its edges, which are sorted by parent */
  bool is_child; /* somebody waits for it */
  bool shown;    /* with its children */
} node;

typedef struct trace {
  raw raw;
  brrr_arena *arena;
  brrr_bytes root_id; /* only what waits under it; ptr NULL: all */
  keys hashes;        /* all calls, sorted */
  keys pending;       /* keys of the records */
  keys records;       /* their octets, in the same order */
  edge *edges;
  size_t count, cap;
  node *nodes;
} trace;

#define PREFIX "pending_returns/"

static brrr_bytes child_of(const trace *t, size_t i) {
  const size_t len = strlen(PREFIX);
  return (brrr_bytes){t->pending.list[i].ptr + len,
                      t->pending.list[i].len - len};
}

/* ---- reading ------------------------------------------------------------- */

static int read_records(trace *t) {
  int status = raw_scan(&t->raw, &t->pending, PREFIX "*", NULL);
  for (size_t i = 0; status == EXIT_DONE && i < t->pending.count; i++) {
    brrr_bytes octets = {0}; /* empty if it has gone meanwhile */
    status = raw_text(&t->raw, &octets,
                      RAW_ARGS(BRRR_LIT("GET"), t->pending.list[i]));
    if (status == EXIT_DONE && !keys_add(&t->records, t->arena, octets))
      status = complain("out of memory");
  }
  return status;
}

static bool wanted(const trace *t, const brrr_pending_return *r) {
  return !t->root_id.ptr || brrr_bytes_equal(t->root_id, r->root_id);
}

static bool decode(trace *t, size_t i, brrr_pending_returns *out) {
  brrr_error e = {0};
  if (!t->records.list[i].len)
    return false;
  if (brrr_pending_returns_decode(out, t->arena, t->records.list[i], &e) ==
      BRRR_OK)
    return true;
  (void)complain("%.*s: offset %zu: [%s] %s", (int)t->pending.list[i].len,
                 (const char *)t->pending.list[i].ptr, e.offset, e.requirement,
                 e.reason);
  return false;
}

/* First all hashes, then, when they are sorted, the edges between them. */
static bool collect_hashes(trace *t) {
  bool good = true;
  for (size_t i = 0; i < t->records.count; i++) {
    brrr_pending_returns p;
    bool any = false;
    if (!decode(t, i, &p))
      continue;
    for (size_t n = 0; n < p.count; n++) {
      if (!wanted(t, &p.returns[n]))
        continue;
      any = true;
      good = good && keys_add(&t->hashes, t->arena, p.returns[n].call_hash);
    }
    if (any)
      good = good && keys_add(&t->hashes, t->arena, child_of(t, i));
  }
  keys_sort(&t->hashes);
  return good;
}

static bool edge_add(trace *t, size_t parent, size_t child) {
  if (t->count == t->cap) {
    size_t cap = t->cap ? 2 * t->cap : 64;
    edge *edges = realloc(t->edges, cap * sizeof *edges);
    if (!edges)
      return false;
    t->edges = edges;
    t->cap = cap;
  }
  t->edges[t->count++] = (edge){parent, child};
  return true;
}

static bool collect_edges(trace *t) {
  for (size_t i = 0; i < t->records.count; i++) {
    brrr_pending_returns p;
    if (!t->records.list[i].len ||
        brrr_pending_returns_decode(&p, t->arena, t->records.list[i], NULL) !=
            BRRR_OK)
      continue;
    for (size_t n = 0; n < p.count; n++)
      if (wanted(t, &p.returns[n]) &&
          !edge_add(t, keys_find(&t->hashes, p.returns[n].call_hash),
                    keys_find(&t->hashes, child_of(t, i))))
        return false;
  }
  return true;
}

static int compare_edges(const void *a, const void *b) {
  const edge *x = a, *y = b;
  if (x->parent != y->parent)
    return x->parent < y->parent ? -1 : 1;
  return x->child == y->child ? 0 : x->child < y->child ? -1 : 1;
}

/* Sorts the edges, drops those of a second root, and tells the nodes. */
static bool link_nodes(trace *t) {
  size_t kept = 0, at = 0;
  t->nodes = calloc(t->hashes.count + 1, sizeof *t->nodes);
  if (!t->nodes)
    return false;
  if (t->count)
    qsort(t->edges, t->count, sizeof *t->edges, compare_edges);
  for (size_t i = 0; i < t->count; i++)
    if (!kept || compare_edges(&t->edges[kept - 1], &t->edges[i]) != 0)
      t->edges[kept++] = t->edges[i];
  t->count = kept;
  for (size_t i = 0; i <= t->hashes.count; i++) {
    while (at < kept && t->edges[at].parent < i)
      at++;
    t->nodes[i].first = at;
  }
  for (size_t i = 0; i < kept; i++)
    t->nodes[t->edges[i].child].is_child = true;
  return true;
}

/* ---- printing ------------------------------------------------------------ */

static void print_text(brrr_bytes in, size_t most) {
  for (size_t i = 0; i < in.len && i < most; i++) {
    bool plain = in.ptr[i] >= 0x20 && in.ptr[i] != 0x7f;
    (void)putchar(plain ? in.ptr[i] : '?');
  }
  if (in.len > most)
    (void)fputs("...", stdout);
}

/* Task and payload of a call, and whether it has a value. */
static int print_call(trace *t, size_t i, bool *known) {
  const brrr_bytes hash = t->hashes.list[i];
  const size_t waits = t->nodes[i + 1].first - t->nodes[i].first;
  brrr_bytes octets = {0};
  brrr_call call;
  int64_t done = 0;
  int status =
      raw_text(&t->raw, &octets,
               RAW_ARGS(BRRR_LIT("GET"),
                        raw_join(&t->raw, RAW_ARGS(BRRR_LIT("call/"), hash))));
  if (status == EXIT_DONE)
    status = raw_number(
        &t->raw, &done,
        RAW_ARGS(BRRR_LIT("EXISTS"),
                 raw_join(&t->raw, RAW_ARGS(BRRR_LIT("value/"), hash))));
  if (status != EXIT_DONE)
    return status;
  *known = octets.ptr || done || waits;
  if (brrr_call_decode(&call, octets, NULL) == BRRR_OK) {
    print_text(call.task_name, 80);
    (void)putchar(' ');
    print_text(call.payload, 80);
  } else {
    (void)fputs(octets.ptr ? "(not a Call)" : "(no call)", stdout);
  }
  (void)putchar(' ');
  print_text(hash, 200);
  if (done)
    (void)fputs("  done", stdout);
  else if (waits)
    (void)printf("  waits for %zu", waits);
  else
    (void)fputs("  to do", stdout);
  return status;
}

/* A place in the tree: a node, and how deep. */
typedef struct place {
  size_t node, depth;
} place;

/* Depth first, without recursion. */
static int print_tree(trace *t, size_t root) {
  size_t count = 0;
  place *stack = malloc((t->count + 1) * sizeof *stack);
  if (!stack)
    return complain("out of memory");
  stack[count++] = (place){root, 0};
  int status = EXIT_DONE;
  while (count && status == EXIT_DONE) {
    const place p = stack[--count];
    node *n = &t->nodes[p.node];
    const size_t first = n->first, end = t->nodes[p.node + 1].first;
    bool known = false;
    size_t indent = p.depth < MAX_INDENT ? p.depth : MAX_INDENT;
    (void)printf("%*s", (int)(2 * indent), "");
    if (p.depth > MAX_INDENT)
      (void)printf("(%zu) ", p.depth);
    status = print_call(t, p.node, &known);
    (void)puts(n->shown && first < end ? " (see above)" : "");
    if (status == EXIT_DONE && p.node == root && !p.depth && !known) {
      (void)complain("nothing is known of this call");
      status = EXIT_ABSENT;
    }
    if (n->shown)
      continue;
    n->shown = true;
    for (size_t i = end; i > first; i--) /* the first one on top */
      stack[count++] = (place){t->edges[i - 1].child, p.depth + 1};
  }
  free(stack);
  return status;
}

/* Those for whom nobody waits; then what is left, which waits in a circle. */
static int print_all(trace *t) {
  int status = EXIT_DONE;
  for (size_t i = 0; status == EXIT_DONE && i < t->hashes.count; i++)
    if (!t->nodes[i].is_child)
      status = print_tree(t, i);
  for (size_t i = 0; status == EXIT_DONE && i < t->hashes.count; i++)
    if (!t->nodes[i].shown) {
      (void)puts("In a circle:");
      status = print_tree(t, i);
    }
  return status;
}

/* ---- the command --------------------------------------------------------- */

static int run(trace *t, brrr_bytes hash) {
  int status = read_records(t);
  if (status != EXIT_DONE)
    return status;
  if ((hash.ptr && !keys_add(&t->hashes, t->arena, hash)) ||
      !collect_hashes(t) || !collect_edges(t) || !link_nodes(t))
    return complain("out of memory");
  return hash.ptr ? print_tree(t, keys_find(&t->hashes, hash)) : print_all(t);
}

static int open_and_run(session *s, const places *p, const words *w,
                        const char *hash, const char *root_id) {
  trace t = {.arena = &s->arena};
  brrr_call call = {0};
  int status = EXIT_DONE;
  if (w->count)
    status = session_call(s, w->list[0], w->list[1], &call);
  else if (hash)
    call.call_hash = brrr_bytes_str(hash);
  if (root_id)
    t.root_id = brrr_bytes_str(root_id);
  if (status == EXIT_DONE)
    status = raw_open(&t.raw, s, places_url(p, p->store));
  if (status != EXIT_DONE)
    return status;
  status = run(&t, call.call_hash);
  raw_close(&t.raw);
  keys_free(&t.hashes);
  keys_free(&t.pending);
  keys_free(&t.records);
  free(t.edges);
  free(t.nodes);
  return status;
}

int command_trace(int argc, const char **argv) {
  places p = {0};
  char *hash = NULL, *root_id = NULL;
  const struct poptOption options[] = {
      {"hash", 0, POPT_ARG_STRING, &hash, 0, "of the call with this hash", "H"},
      {"root", 0, POPT_ARG_STRING, &root_id, 0,
       "only what waits under this root_id", "ID"},
      PLACES_OPTIONS(p),
      POPT_AUTOHELP POPT_TABLEEND};
  words w;
  session s;
  int status = words_parse(
      &w, argc, argv, options,
      "trace [OPTION...] [TASK ARGS | --hash H]\n\n"
      "Shows what waits for what, below one call, or of all that wait. A call "
      "is\n"
      "done; or it waits for others; or it is to do: queued, running, or "
      "lost.\n"
      "Children that are done are not shown: the store forgets who asked for\n"
      "them.\n",
      0, 2);
  if (status == EXIT_DONE && (w.count == 1 || (w.count && hash)))
    status = complain_usage("trace: want TASK and ARGS, or --hash, or none");
  if (status == EXIT_DONE) {
    status = session_open(&s, &p, false);
    if (status == EXIT_DONE)
      status = open_and_run(&s, &p, &w, hash, root_id);
    session_close(&s);
  }
  free(hash);
  free(root_id);
  places_free(&p);
  words_free(&w);
  return status;
}
