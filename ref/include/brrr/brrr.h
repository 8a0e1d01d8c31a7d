/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * brrr.h - the public interface of the reference implementation.
 *
 * Read it top to bottom: each section uses only the sections above it.
 *
 *   1 Status, bytes, errors      6 Operations: the protocol, without I/O
 *   2 Memory                     7 Backends: who carries effects out
 *   3 Bencode                    8 Client: schedule and read
 *   4 Records                    9 App: tasks, call and gather
 *   5 Effects: what an operation asks for
 *
 * Add-on headers: memory.h and local.h (without a server), json.h (a codec),
 * redis.h, dynamodb.h, sqs.h (backends), connect.h (backends by URL), worker.h.
 *
 * Rules that hold for every function here, unless its comment says otherwise:
 *
 *   - It returns BRRR_OK, a positive outcome, or a negative error.
 *   - A brrr_bytes is borrowed. As an argument it need only live until the
 *     function returns; as a result it lives as long as the arena, buffer or
 *     object named in the comment.
 *   - On error every out-parameter is left as it was.
 *   - It is not thread-safe: one thread per object. There are no globals.
 *
 * Tags such as [WIRE-12] name requirements in spec/.
 */
#ifndef BRRR_H
#define BRRR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef BRRR_API
#define BRRR_API __attribute__((visibility("default")))
#endif

/* ==== 1 Status, bytes, errors ============================================ */

/* Outcomes (> 0) are part of the protocol; errors (< 0) end the operation. */
#define BRRR_STATUS_MAP(X)                                                     \
  X(OK, 0, "ok")                                                               \
  X(ABSENT, 1, "no such value")                                                \
  X(MISMATCH, 2, "stored octets differ from the expected ones")                \
  X(EMPTY, 3, "no message before the deadline")                                \
  X(CLOSED, 4, "queue closed")                                                 \
  X(DEFER, 5, "task needs values that are not there yet")                      \
  X(EFFECT, 6, "operation has an effect to carry out")                         \
  X(WAIT, 7, "operation waits for replies")                                    \
  X(E_NOMEM, -1, "out of memory")                                              \
  X(E_SYNTAX, -2, "not bencode as the specification allows it")                \
  X(E_RECORD, -3, "well-formed bencode, wrong record")                         \
  X(E_ENCODE, -4, "record holds what cannot be encoded")                       \
  X(E_SPAWN, -5, "spawn limit reached")                                        \
  X(E_CAS, -6, "compare-and-set attempts exhausted")                           \
  X(E_CALL, -7, "message names a call that is not in the store")               \
  X(E_TASK, -8, "handler failed")                                              \
  X(E_IO, -9, "backend failed")                                                \
  X(E_TOPIC, -10, "topic begins with a reserved prefix or is empty")           \
  X(E_MISUSE, -11, "called out of order or with bad arguments")                \
  X(E_UNKNOWN, -12, "no task has this name")                                   \
  X(E_RERUN, -13, "task asked for other calls than when it ran before")        \
  X(E_CODEC, -14, "codec refused arguments or a value")

typedef enum brrr_status {
#define X(name, value, text) BRRR_##name = value,
  BRRR_STATUS_MAP(X)
#undef X
} brrr_status;

/* The name without prefix, as "E_SYNTAX"; static, never NULL. */
BRRR_API const char *brrr_status_name(brrr_status s);
/* The text beside the name above; static, never NULL. */
BRRR_API const char *brrr_status_text(brrr_status s);

typedef struct brrr_bytes {
  const uint8_t *ptr; /* may be NULL only if len is 0 */
  size_t len;
} brrr_bytes;

/* The octets of a string literal; BRRR_INIT where a constant is needed, as to
 * initialise a static object. */
#define BRRR_INIT(s)                                                           \
  { (const uint8_t *)("" s), sizeof(s) - 1 }
#ifdef __cplusplus
#define BRRR_LIT(s) (brrr_bytes BRRR_INIT(s))
#else
#define BRRR_LIT(s) ((brrr_bytes)BRRR_INIT(s))
#endif

/* The octets of a NUL-terminated string, without the NUL. */
BRRR_API brrr_bytes brrr_bytes_str(const char *s);
BRRR_API bool brrr_bytes_equal(brrr_bytes a, brrr_bytes b);
/* < 0, 0 or > 0, by octets; a proper prefix comes first [REC-7]. */
BRRR_API int brrr_bytes_compare(brrr_bytes a, brrr_bytes b);

/* Where and why: filled by every function that takes one, when it fails.
 * Pass NULL if you do not want to know. */
typedef struct brrr_error {
  brrr_status status;
  size_t offset;           /* of the first wrong octet of the input */
  const char *reason;      /* in words; static */
  const char *requirement; /* as "WIRE-13"; static; "" if none applies */
} brrr_error;

/* ==== 2 Memory =========================================================== */

/* One function does all: allocate (ptr NULL), resize, free (nsize 0). */
typedef void *(*brrr_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);

typedef struct brrr_alloc {
  brrr_alloc_fn fn; /* NULL means realloc and free */
  void *ud;
} brrr_alloc;

/* Everything one operation or invocation needs lives in one arena and dies
 * with it. */
typedef struct brrr_arena {
  /* all fields are private */
  brrr_alloc alloc;
  struct brrr__block *head;
} brrr_arena;

BRRR_API void brrr_arena_init(brrr_arena *a, brrr_alloc alloc);
/* Aligned for any type, not cleared; NULL when memory is out. */
BRRR_API void *brrr_arena_get(brrr_arena *a, size_t size);
BRRR_API brrr_status brrr_arena_copy(brrr_arena *a, brrr_bytes in,
                                     brrr_bytes *out);
/* Frees all; the arena can be used again. */
BRRR_API void brrr_arena_free(brrr_arena *a);
/* The same, but keeps its largest block of memory for what comes next. */
BRRR_API void brrr_arena_reset(brrr_arena *a);

/* An output buffer in an arena. Errors stick: check once, at the end. */
typedef struct brrr_buf {
  /* all fields are private */
  brrr_arena *arena;
  uint8_t *ptr;
  size_t len, cap;
  brrr_error error;
} brrr_buf;

BRRR_API void brrr_buf_init(brrr_buf *b, brrr_arena *a);
BRRR_API void brrr_buf_put(brrr_buf *b, brrr_bytes in);
/* What was put, in the arena; or the first error that occurred. */
BRRR_API brrr_status brrr_buf_finish(const brrr_buf *b, brrr_bytes *out,
                                     brrr_error *err);

/* ==== 3 Bencode ========================================================== */

typedef enum brrr_ben_type {
  BRRR_BEN_INT,
  BRRR_BEN_STR,
  BRRR_BEN_LIST, /* a list opens */
  BRRR_BEN_DICT, /* a dict opens: keys and values follow in turn */
  BRRR_BEN_END   /* the innermost list or dict closes */
} brrr_ben_type;

typedef struct brrr_ben_item {
  brrr_ben_type type;
  int64_t num;    /* set for BRRR_BEN_INT */
  brrr_bytes str; /* set for BRRR_BEN_STR; borrowed from the input */
  size_t offset;  /* of its first octet */
} brrr_ben_item;

#define BRRR_BEN_MAX_DEPTH 32                      /* [WIRE-27] [WIRE-32] */
#define BRRR_BEN_MAX_INT INT64_C(9007199254740991) /* 2^53-1 [WIRE-24] */

/* A pull reader over a whole input; allocates nothing. It enforces every rule
 * of the wire chapter, level 2 included, but for text [WIRE-25], which only
 * the record's layout knows. */
typedef struct brrr_ben {
  /* all fields are private */
  const uint8_t *base, *pos, *end;
  brrr_bytes key[BRRR_BEN_MAX_DEPTH];
  uint8_t state[BRRR_BEN_MAX_DEPTH + 1];
  uint32_t depth;
  brrr_error error;
} brrr_ben;

BRRR_API void brrr_ben_init(brrr_ben *r, brrr_bytes in);
/* The next item. BRRR_EMPTY after the end of the one value. Errors stick. */
BRRR_API brrr_status brrr_ben_next(brrr_ben *r, brrr_ben_item *out);
/* Reads past the value that `item`, just returned, begins. */
BRRR_API brrr_status brrr_ben_skip(brrr_ben *r, const brrr_ben_item *item);
/* BRRR_OK if one whole value, and nothing else, was read [WIRE-14]. */
BRRR_API brrr_status brrr_ben_finish(brrr_ben *r, brrr_error *err);

/* The writer: the caller puts keys in order. */
BRRR_API void brrr_ben_put_int(brrr_buf *b, int64_t num);    /* [WIRE-1] */
BRRR_API void brrr_ben_put_str(brrr_buf *b, brrr_bytes str); /* [WIRE-2] */
BRRR_API void brrr_ben_put_list(brrr_buf *b);
BRRR_API void brrr_ben_put_dict(brrr_buf *b);
BRRR_API void brrr_ben_put_end(brrr_buf *b);

/* ==== 4 Records ========================================================== */

/* What to run. Stored under type call. */
typedef struct brrr_call {
  brrr_bytes call_hash; /* the key; not part of the encoded record */
  brrr_bytes task_name;
  brrr_bytes payload;
} brrr_call;

/* The body of a queue message. */
typedef struct brrr_schedule_message {
  brrr_bytes root_id, call_hash;
} brrr_schedule_message;

/* Who waits: all three of the parent. */
typedef struct brrr_pending_return {
  brrr_bytes root_id, call_hash, topic;
} brrr_pending_return;

/* Everybody who waits for one call. Stored under type pending_returns. */
typedef struct brrr_pending_returns {
  brrr_pending_return *returns;
  size_t count;
  int64_t scheduled_at; /* Unix seconds; 0 when unset */
} brrr_pending_returns;

/* Decoders: BRRR_OK, BRRR_E_SYNTAX, BRRR_E_RECORD or BRRR_E_NOMEM. Strings are
 * borrowed from `in`. Only the returns array is allocated, in the arena. */
BRRR_API brrr_status brrr_schedule_message_decode(brrr_schedule_message *out,
                                                  brrr_bytes in,
                                                  brrr_error *err);
BRRR_API brrr_status brrr_pending_return_decode(brrr_pending_return *out,
                                                brrr_bytes in, brrr_error *err);
BRRR_API brrr_status brrr_pending_returns_decode(brrr_pending_returns *out,
                                                 brrr_arena *a, brrr_bytes in,
                                                 brrr_error *err);
/* Leaves call_hash alone: it is the key that `in` was stored under. */
BRRR_API brrr_status brrr_call_decode(brrr_call *out, brrr_bytes in,
                                      brrr_error *err);

/* Encoders. What cannot be encoded is the buffer's error, BRRR_E_ENCODE. */
BRRR_API void brrr_schedule_message_encode(brrr_buf *b,
                                           const brrr_schedule_message *in);
BRRR_API void brrr_pending_return_encode(brrr_buf *b,
                                         const brrr_pending_return *in);
/* Sorts in->returns in place and skips duplicates first [REC-6] [REC-7]. */
BRRR_API void brrr_pending_returns_encode(brrr_buf *b,
                                          brrr_pending_returns *in);
BRRR_API void brrr_call_encode(brrr_buf *b, const brrr_call *in);

/* ==== 5 Effects ========================================================== */

typedef enum brrr_kind {
  BRRR_KIND_CALL,
  BRRR_KIND_VALUE,
  BRRR_KIND_PENDING_RETURNS
} brrr_kind;

/* A key of the store [STORE-2]. */
typedef struct brrr_key {
  brrr_kind kind;
  brrr_bytes call_hash;
} brrr_key;

/* "call", "value" or "pending_returns": static. */
BRRR_API const char *brrr_kind_name(brrr_kind kind);

/* One act on the outside world, and the reply that it may have. Any of them
 * may end in a negative status instead. */
typedef enum brrr_effect_type {
  BRRR_STORE_GET,     /* OK and value, or ABSENT */
  BRRR_STORE_HAS,     /* OK or ABSENT */
  BRRR_STORE_SET,     /* OK */
  BRRR_STORE_SET_NEW, /* OK or MISMATCH */
  BRRR_STORE_CAS,     /* OK or MISMATCH */
  BRRR_STORE_CAD,     /* OK or MISMATCH */
  BRRR_CACHE_INCR,    /* OK and num */
  BRRR_QUEUE_PUT,     /* OK */
  BRRR_INVOKE,        /* OK and value, DEFER and children, or E_TASK */
  BRRR_RUN,           /* OK: brrr_run_task(effect->run) was called and is over;
                         asked for by brrr_op_run only */
  /* Asked for by a worker, never by an operation: */
  BRRR_QUEUE_GET, /* OK, value, receipt and num; EMPTY or CLOSED */
  BRRR_QUEUE_ACK, /* OK: a message with a receipt has been handled [QUEUE-10] */
  BRRR_QUEUE_DEAD /* OK: a message was set aside as a dead letter, and
                     acknowledged if it has a receipt [QUEUE-20] */
} brrr_effect_type;

typedef struct brrr_run brrr_run;

typedef struct brrr_effect {
  uint64_t id; /* unique within its operation; names the effect in a reply */
  brrr_effect_type type;
  bool retry;          /* STORE_GET: absent may mean not visible yet [WORK-5] */
  bool ahead;          /* QUEUE_GET: see brrr_backend.get_ahead */
  brrr_key key;        /* STORE_* */
  brrr_bytes name;     /* CACHE_INCR: the counter; QUEUE_*: the topic */
  brrr_bytes value;    /* the octets to store or to put; the message */
  brrr_bytes expected; /* STORE_CAS, STORE_CAD */
  brrr_bytes receipt;  /* QUEUE_ACK, QUEUE_DEAD: as QUEUE_GET gave it */
  const brrr_call *call;   /* INVOKE */
  brrr_run *run;           /* RUN */
  const brrr_error *error; /* QUEUE_DEAD: why */
  brrr_bytes detail;       /* QUEUE_DEAD: what else is known, in words */
} brrr_effect;

/* A call that a handler asks for. */
typedef struct brrr_child {
  brrr_bytes topic; /* empty: the worker's own topic [SCHED-23] */
  brrr_call call;
} brrr_child;

/* What a queue has read in the store for a message that it gives. */
typedef struct brrr_ahead {
  bool has_value;  /* its call has one */
  brrr_bytes call; /* as it is stored; ptr is NULL if there is none */
} brrr_ahead;

/* How an effect ended. Borrowed by whoever receives it, for that call only. */
typedef struct brrr_reply {
  brrr_status status;
  brrr_bytes value;           /* STORE_GET, QUEUE_GET, INVOKE; with a negative
                                 status: why, in words, or empty */
  int64_t num;                /* CACHE_INCR: the count. QUEUE_GET: how often
                                 the message was delivered before, 0 if never or
                                 unknown */
  int64_t now;                /* INVOKE: Unix seconds, when it ended */
  const brrr_child *children; /* INVOKE that ended in DEFER */
  size_t count;
  brrr_bytes receipt; /* QUEUE_GET: names this delivery in its acknowledgement;
                         empty if the queue wants none */
  const brrr_ahead *ahead; /* QUEUE_GET: NULL if nothing was read */
} brrr_reply;

/* ==== 6 Operations ======================================================= */

/* One protocol operation in progress: no I/O, no clock, no randomness. Its
 * driver alternates:
 *
 *   for (;;) switch (brrr_op_next(op, &e)) {
 *     case BRRR_EFFECT: start e; go on
 *     case BRRR_WAIT:   wait until an effect ends, brrr_op_reply, go on
 *     default:          the operation is over, with that status
 *   }
 *
 * Several effects may be under way at once, and may end in any order. */
typedef struct brrr_op brrr_op;

typedef struct brrr_limits {
  int64_t spawn; /* messages a root [SCHED-11]; 0 means 10 000; not < 0 */
  uint32_t cas_attempts; /* [STORE-5]; 0 means 100 */
} brrr_limits;

/* A bounded memory of who asked for what: the least recently used is forgotten
 * first. It makes joins cheap, and losing any of it costs no more than one full
 * run. Belongs to one worker. */
typedef struct brrr_memo brrr_memo;

/* `octets` bounds all that it holds, its own overhead included. */
BRRR_API brrr_status brrr_memo_new(brrr_memo **out, brrr_alloc alloc,
                                   size_t octets);
BRRR_API void brrr_memo_free(brrr_memo *m);

/* How to handle a message. All zero is the plain algorithm. */
typedef struct brrr_handling {
  brrr_limits limits;
  bool skip;        /* deliver the returns of a value that exists, and do not
                       invoke the handler [WORK-20] */
  brrr_memo *watch; /* children that were missing at the last full run
                       [WORK-21]; outlives the operation; NULL for none */
  int64_t now;      /* Unix seconds: needed with `watch` */
  bool force;       /* put every missing child, whatever its record says: the
                       message was taken before, by a worker that may have died
                       between the record and the put [QUEUE-12] */
  bool consistent;  /* a read of pending returns is never behind, so that a
                       compare-and-set which would change nothing can be left
                       out; see spec/joins.md */
  bool in_order;    /* the store does first what it is asked first: the pending
                       returns are asked for right behind the value [RET-1] */
  const brrr_ahead *ahead; /* what is known of the call; NULL for nothing */
} brrr_handling;

/* How the handling of a message has ended. */
typedef enum brrr_outcome {
  BRRR_RETURNED, /* a value was written */
  BRRR_DEFERRED, /* the handler was run, and waits for children */
  BRRR_WATCHED,  /* was not run: a child is known to be missing [WORK-21] */
  BRRR_SKIPPED,  /* was not run: the value exists [WORK-20] */
  BRRR_FAILED    /* in a negative status: a problem */
} brrr_outcome;

/* Each copies its arguments. `limits` and `how` may be NULL. Free with
 * brrr_op_free. What is wrong with the arguments (a topic that is empty, text
 * that cannot be encoded, a message that is none) the operation itself tells:
 * it ends at the first brrr_op_next, with an error and its details. */
BRRR_API brrr_status brrr_op_schedule(brrr_op **out, brrr_alloc alloc,
                                      const brrr_limits *limits,
                                      brrr_bytes topic, const brrr_call *call,
                                      brrr_bytes root_id);
BRRR_API brrr_status brrr_op_read(brrr_op **out, brrr_alloc alloc,
                                  brrr_bytes call_hash);
BRRR_API brrr_status brrr_op_handle(brrr_op **out, brrr_alloc alloc,
                                    const brrr_handling *how, brrr_bytes topic,
                                    brrr_bytes message);

/* An effect is borrowed until its reply. */
BRRR_API brrr_status brrr_op_next(brrr_op *op, const brrr_effect **effect);
/* Tells how the effect `id` ended. BRRR_E_MISUSE if no such one is under way,
 * or if it cannot end like that (see brrr_effect_type; DEFER needs `now`); then
 * nothing has changed. The operation copies what it needs of the reply. */
BRRR_API brrr_status brrr_op_reply(brrr_op *op, uint64_t id,
                                   const brrr_reply *reply);
/* read: the value, after BRRR_OK; lives as long as the operation. */
BRRR_API brrr_bytes brrr_op_value(const brrr_op *op);
/* handle: what it came to. */
BRRR_API brrr_outcome brrr_op_outcome(const brrr_op *op);
/* Details after a negative status. */
BRRR_API const brrr_error *brrr_op_error(const brrr_op *op);
/* Also before its end: effects under way must then be left unanswered. */
BRRR_API void brrr_op_free(brrr_op *op);

/* ==== 7 Backends ========================================================= */

/* Called exactly once, possibly before the starting function returns. */
typedef struct brrr_done {
  void (*fn)(void *ud, const brrr_reply *reply);
  void *ud;
} brrr_done;

/* Whoever carries effects out: a store, a cache, a queue, or all of them. It
 * copies what it needs of the effect before `submit` returns. */
typedef struct brrr_backend {
  void (*submit)(void *self, const brrr_effect *effect, brrr_done done);
  void *self;
  /* Optional. Ends every get that waits now soon: in BRRR_EMPTY, or with a
   * message that is on its way already, so that none is lost. */
  void (*wake)(void *self);
  /* What a store is asked first it does first, even before it answers. */
  bool in_order;
  /* A get with `ahead` ends at once, in BRRR_EMPTY if there is no message;
   * where queue and store are one backend, it may read what a worker wants to
   * know first, in the same step. */
  bool get_ahead;
} brrr_backend;

/* The same backend may play several roles. */
typedef struct brrr_backends {
  brrr_backend queue, store, cache;
} brrr_backends;

/* What a backend or worker has to tell its operator. Nothing here writes
 * anywhere by itself. */
typedef enum brrr_level {
  BRRR_DEBUG,
  BRRR_INFO,
  BRRR_WARN,
  BRRR_ERROR
} brrr_level;

typedef struct brrr_log {
  void (*fn)(void *ud, brrr_level level, const char *text); /* NULL: silence */
  void *ud;
} brrr_log;

/* ==== 8 Client =========================================================== */

typedef struct brrr_client {
  brrr_backends backends;
  brrr_alloc alloc;
  brrr_limits limits;
  /* Fills `out` with secure random octets, for root ids [SCHED-3]. */
  brrr_status (*random)(void *ud, uint8_t *out, size_t len);
  void *ud;
} brrr_client;

/* `done` receives BRRR_OK, or a negative status. */
BRRR_API void brrr_schedule(brrr_client *c, brrr_bytes topic,
                            const brrr_call *call, brrr_done done);
/* `done` receives BRRR_OK and the value, BRRR_ABSENT, or a negative status. */
BRRR_API void brrr_read(brrr_client *c, brrr_bytes call_hash, brrr_done done);

/* ==== 9 App ============================================================== */

/* Arguments and values as octets. What `args` and `value` point to is a matter
 * of codec and tasks. Each returns BRRR_OK, BRRR_E_CODEC or BRRR_E_NOMEM, and
 * fills `err` (never NULL) on failure. Results live in the arena. The call_hash
 * MUST be the same for the same task and arguments [CODEC-1]. */
typedef struct brrr_codec {
  brrr_status (*encode_call)(void *self, brrr_arena *a, brrr_bytes task_name,
                             const void *args, brrr_call *out, brrr_error *err);
  brrr_status (*decode_args)(void *self, brrr_arena *a, const brrr_call *call,
                             const void **args, brrr_error *err);
  brrr_status (*encode_value)(void *self, brrr_arena *a, brrr_bytes task_name,
                              const void *value, brrr_bytes *out,
                              brrr_error *err);
  brrr_status (*decode_value)(void *self, brrr_arena *a, brrr_bytes task_name,
                              brrr_bytes octets, const void **value,
                              brrr_error *err);
  void *self;
} brrr_codec;

/* Returns BRRR_OK and *value; what call or gather returned, if that is not
 * BRRR_OK, unchanged; or BRRR_E_TASK, after brrr_run_fail if there is something
 * to say. It is run again from the top whenever values have come, so it must be
 * safe to run again, and must ask for the same calls each time [APP-4]. A value
 * that it returns in spite of a BRRR_DEFER, or a BRRR_DEFER of its own making,
 * ends in BRRR_E_MISUSE. */
typedef brrr_status (*brrr_task_fn)(brrr_run *run, const void *args,
                                    const void **value, void *ud);

typedef struct brrr_task {
  const char *name;
  brrr_task_fn fn;
  void *ud;
  /* It may block: a worker runs it in a thread of its pool. It may use its run
   * and the run's arena there, and nothing else of libbrrr. Then codec and
   * allocator must be thread-safe. */
  bool blocks;
} brrr_task;

typedef struct brrr_app {
  const brrr_task *tasks;
  size_t count;
  const brrr_codec *codec;
} brrr_app;

/* A call to make. */
typedef struct brrr_ask {
  const char *task;
  const void *args;
  const char *topic; /* NULL: the worker's own topic */
} brrr_ask;

/* BRRR_OK and *value, which lives as long as the run; BRRR_DEFER: the value is
 * not there yet; or an error. BRRR_E_MISUSE outside of a task that runs
 * [APP-3], as in run_fail. A run belongs to the thread that runs its task. */
BRRR_API brrr_status brrr_run_call(brrr_run *run, const brrr_ask *ask,
                                   const void **value);
/* The same for any number of calls: either all of the values, or none. They are
 * looked for in one batch, and made at the same time. */
BRRR_API brrr_status brrr_run_gather(brrr_run *run, const brrr_ask *asks,
                                     size_t count, const void **values);
/* Where a task allocates; freed when its run ends. This and the next: NULL
 * outside of a task that runs. */
BRRR_API brrr_arena *brrr_run_arena(brrr_run *run);
/* The call that is run. */
BRRR_API const brrr_call *brrr_run_this(const brrr_run *run);
/* Says why the task is about to return BRRR_E_TASK; copies. Returns that. */
BRRR_API brrr_status brrr_run_fail(brrr_run *run, const char *why);

typedef struct brrr_running {
  brrr_memo *asked; /* what calls asked for when they ran last, to look for
                       these values before the first run; NULL for none */
  bool check;       /* a run that asks for other calls than the one before it
                       ends in BRRR_E_RERUN, with both lists as the detail
                       (of long ones what is about the first difference);
                       needs `asked` to see it from one message to the next */
} brrr_running;

/* Runs a call of the app: what a driver answers BRRR_INVOKE with. Asks for
 * BRRR_STORE_GET and BRRR_RUN only. Ends in BRRR_OK and brrr_op_value;
 * BRRR_DEFER and brrr_op_children; BRRR_E_UNKNOWN, E_CODEC, E_RERUN, E_TASK or
 * another error, with brrr_op_detail. `app` and `call` outlive it; `how` may be
 * NULL. */
BRRR_API brrr_status brrr_op_run(brrr_op **out, brrr_alloc alloc,
                                 const brrr_app *app, const brrr_running *how,
                                 const brrr_call *call);
/* Runs the task's code once: what BRRR_RUN asks for, and only meanwhile; on any
 * thread. The operation must not be freed before it is over. */
BRRR_API void brrr_run_task(brrr_run *run);
/* Whether that code may block: see brrr_task. */
BRRR_API bool brrr_run_blocks(const brrr_run *run);
/* After BRRR_DEFER; both live as long as the operation. */
BRRR_API const brrr_child *brrr_op_children(const brrr_op *op, size_t *count);
/* What the task said, or both lists: in words; empty if there is nothing. */
BRRR_API brrr_bytes brrr_op_detail(const brrr_op *op);

/* Schedules and reads a call of the app over a client. `done` as in section 8,
 * and BRRR_E_CODEC. The value that is read is as it is stored: decode it with
 * the codec. */
BRRR_API void brrr_app_schedule(const brrr_app *app, brrr_client *c,
                                const brrr_ask *ask, brrr_done done);
BRRR_API void brrr_app_read(const brrr_app *app, brrr_client *c,
                            const brrr_ask *ask, brrr_done done);

#ifdef __cplusplus
}
#endif

#endif /* BRRR_H */
