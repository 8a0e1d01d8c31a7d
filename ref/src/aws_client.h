/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * aws_client.h - L6: requests to one service of AWS, in its JSON protocol.
 *
 * A request is signed, sent, and sent again where that may help: after a pause,
 * a limited number of times. What comes of it is one of three:
 *
 *   OK        the answer, as JSON
 *   REFUSED   the service said no, and why: it was not carried out
 *   LOST      nobody knows: no answer came, or one that cannot be read
 */
#ifndef BRRR_SRC_AWS_CLIENT_H
#define BRRR_SRC_AWS_CLIENT_H

#include "aws_config.h"
#include "aws_http.h"

#include <jansson.h>

typedef enum brrr__aws_end { AWS_OK, AWS_REFUSED, AWS_LOST } brrr__aws_end;

/* Borrowed for the callback. */
typedef struct brrr__aws_answer {
  brrr__aws_end end;
  const json_t *json; /* OK: an object */
  const char *code;   /* REFUSED: as "ThrottlingException"; "" if unknown */
  const char *words;  /* REFUSED, LOST: what happened */
  bool unsure;        /* REFUSED, LOST: it may have been carried out, by this or
                         an earlier attempt */
} brrr__aws_answer;

typedef struct brrr__aws_request {
  const char *action; /* static, as "GetItem" */
  json_t *body;       /* taken over, also by a failure; NULL: out of memory */
  bool once; /* is not sent again after an attempt whose answer did not come */
  uint32_t pause_ms; /* before it is sent first */
  uint32_t poll_s;   /* how much longer than usual the answer may take */
  void (*fn)(void *ud, const brrr__aws_answer *answer);
  void *ud;
} brrr__aws_request;

typedef struct brrr__aws_options {
  brrr_alloc alloc;
  uv_loop_t *loop;
  const char *service; /* static, as in host names */
  const char *prefix;  /* static, of the action in the header x-amz-target */
  const brrr_aws_options *aws; /* copied */
  brrr_log log;
} brrr__aws_options;

/* A request under way. */
typedef struct brrr__aws_call brrr__aws_call;

typedef struct brrr__aws {
  /* all fields but `closing` and `words` are private */
  brrr__aws_options options;
  brrr__aws_config config;
  brrr_arena arena; /* of the config */
  brrr__http http;
  struct curl_slist *headers; /* that all requests have */
  uv_timer_t timer;           /* until the next one is sent again */
  brrr__aws_call *active;     /* all that are under way, the newest first */
  brrr__aws_call *free;
  brrr__aws_call *queue, **queue_end; /* those that wait for a connection */
  unsigned sent;                      /* transfers now, without long polls */
  uint64_t random;
  bool closing;
  void (*closed)(void *ud);
  void *ud;
  char words[512]; /* of the last failure */
} brrr__aws;

/* BRRR_E_NOMEM, or BRRR_E_MISUSE and in *why what is wrong; then there is
 * nothing to close. */
brrr_status brrr__aws_open(brrr__aws *a, const brrr__aws_options *options,
                           const char **why);
/* The call, whose `fn` will be called, once and from the loop; NULL when memory
 * is out, and then it won't. */
brrr__aws_call *brrr__aws_send(brrr__aws *a, const brrr__aws_request *request);
/* Ends it at once in LOST. */
void brrr__aws_abort(brrr__aws_call *c, const char *words);
/* Notes the words of a failure, and tells the log. */
void brrr__aws_note(brrr__aws *a, brrr_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends all calls in LOST. `closed` is called from the loop when all is gone. */
void brrr__aws_close(brrr__aws *a, void (*closed)(void *ud), void *ud);

#endif
