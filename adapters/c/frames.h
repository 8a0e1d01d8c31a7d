/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * frames.h - messages on standard input and output, each behind its length in
 * four octets, big-endian. Without blocking the loop, whatever the two are:
 * pipes, files or terminals.
 */
#ifndef BRRR_ADAPTER_FRAMES_H
#define BRRR_ADAPTER_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef struct frames_buf {
  uint8_t *ptr;
  size_t len, cap;
} frames_buf;

typedef struct frames {
  /* Set these, then call frames_start. */
  uv_loop_t *loop;
  void (*on_frame)(void *ud, const uint8_t *ptr, size_t len);
  /* The end of input: NULL, or what is wrong with it. */
  void (*on_end)(void *ud, const char *error);
  void *ud;

  /* private */
  uv_fs_t reading, writing;
  frames_buf in;            /* read, but not yet a whole frame */
  frames_buf out, next_out; /* what is being written, and what comes after it */
  size_t written;           /* of `out` */
} frames;

void frames_start(frames *f);
/* Room for a frame of `len` octets; fill it, then frames_send. Memory that is
 * out ends the program. */
uint8_t *frames_put(frames *f, size_t len);
void frames_send(frames *f);
void frames_free(frames *f);

#endif
