/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * adapter.c - libbrrr behind proto/adapter.proto: commands come in, and go to
 * those who carry them out.
 */
#include "codec.h"
#include "frames.h"
#include "records.h"
#include "replies.h"
#include "session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void hello(frames *f, uint32_t id) {
  Brrr__Adapter__Welcome out = BRRR__ADAPTER__WELCOME__INIT;
  out.protocol = 1;
  out.sdk = to_pb(BRRR_LIT("libbrrr"));
  out.version = to_pb(BRRR_LIT(ADAPTER_VERSION));
  out.language = to_pb(BRRR_LIT("C"));
  reply_send(f, id, REPLY(WELCOME), &out.base);
}

static void on_command(session *s, const Brrr__Adapter__Command *c) {
  switch (c->command_case) {
  case BRRR__ADAPTER__COMMAND__COMMAND_HELLO:
    hello(s->frames, c->id);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_ENCODE:
    records_encode(s->frames, c->id, c->encode);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_DECODE:
    records_decode(s->frames, c->id, c->decode);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_ENCODE_CALL:
    codec_encode_call(s->frames, c->id, c->encode_call);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_ENCODE_VALUE:
    codec_encode_value(s->frames, c->id, c->encode_value);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_OPEN:
    session_open(s, c->id, c->open);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_SCHEDULE:
    session_schedule(s, c->id, c->schedule);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_READ:
    session_read(s, c->id, c->read);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_SERVE:
    session_serve(s, c->id, c->serve, false);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_SERVE_TASKS:
    session_serve(s, c->id, c->serve_tasks, true);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_SCHEDULE_TASK:
    session_schedule_task(s, c->id, c->schedule_task);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_READ_TASK:
    session_read_task(s, c->id, c->read_task);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_CLOSE:
    session_close(s, c->id);
    break;
  case BRRR__ADAPTER__COMMAND__COMMAND_ANSWER:
    session_answer(s, c->answer);
    break;
  default:
    reply_not_implemented(s->frames, c->id, BRRR_LIT("unknown command"));
  }
}

static void give_up(const char *why) {
  (void)fprintf(stderr, "adapter: %s\n", why);
  exit(2);
}

static void on_frame(void *ud, const uint8_t *ptr, size_t len) {
  Brrr__Adapter__Command *c = brrr__adapter__command__unpack(NULL, len, ptr);
  if (!c)
    give_up("a frame that is no Command");
  on_command(ud, c);
  brrr__adapter__command__free_unpacked(c, NULL);
}

static void on_end(void *ud, const char *error) {
  if (error)
    give_up(error);
  session_end(ud);
}

int main(void) {
  session s;
  frames f = {.loop = uv_default_loop(),
              .on_frame = on_frame,
              .on_end = on_end,
              .ud = &s};
  (void)signal(SIGPIPE, SIG_IGN);
  session_init(&s, &f);
  frames_start(&f);
  uv_run(f.loop, UV_RUN_DEFAULT);
  uv_loop_close(f.loop);
  frames_free(&f);
  return 0;
}
