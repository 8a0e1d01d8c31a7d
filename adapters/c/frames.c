/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * frames.c - messages on standard input and output.
 */
#include "frames.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 4
#define CHUNK ((size_t)64 << 10)
#define MAX_FRAME ((size_t)256 << 20) /* more than this is no frame */

/* The octets of `o`, with room for `more`. */
static uint8_t *reserve(frames_buf *o, size_t more) {
  if (o->cap - o->len < more) {
    size_t cap = 2 * o->cap > o->len + more ? 2 * o->cap : o->len + more;
    uint8_t *p = realloc(o->ptr, cap);
    if (!p) {
      (void)fputs("adapter: out of memory\n", stderr);
      exit(1);
    }
    o->ptr = p;
    o->cap = cap;
  }
  return o->ptr + o->len;
}

static size_t frame_len(const uint8_t *p) {
  return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* Passes on what is whole, and keeps the rest; false if it is no frame. */
static bool take_frames(frames *f) {
  size_t at = 0;
  while (f->in.len - at >= HEAD) {
    size_t len = frame_len(f->in.ptr + at);
    if (len > MAX_FRAME)
      return false;
    if (f->in.len - at - HEAD < len)
      break;
    f->on_frame(f->ud, f->in.ptr + at + HEAD, len);
    at += HEAD + len;
  }
  f->in.len -= at;
  memmove(f->in.ptr, f->in.ptr + at, f->in.len);
  return true;
}

static void read_more(frames *f);

static void on_read(uv_fs_t *req) {
  frames *f = req->data;
  ssize_t n = req->result;
  uv_fs_req_cleanup(req);
  if (n > 0) {
    f->in.len += (size_t)n;
    if (take_frames(f))
      read_more(f);
    else
      f->on_end(f->ud, "a frame longer than 256 MiB");
  } else if (n < 0) {
    f->on_end(f->ud, uv_strerror((int)n));
  } else {
    f->on_end(f->ud, f->in.len ? "the input ends within a frame" : NULL);
  }
}

static void read_more(frames *f) {
  uv_buf_t buf = uv_buf_init((char *)reserve(&f->in, CHUNK), CHUNK);
  uv_fs_read(f->loop, &f->reading, 0, &buf, 1, -1, on_read);
}

void frames_start(frames *f) {
  f->reading.data = f->writing.data = f;
  read_more(f);
}

static void write_more(frames *f);

static void on_written(uv_fs_t *req) {
  frames *f = req->data;
  ssize_t n = req->result;
  uv_fs_req_cleanup(req);
  /* Nobody is there any more to be told: the end of input will come. */
  f->written = n < 0 ? f->out.len : f->written + (size_t)n;
  write_more(f);
}

static void write_more(frames *f) {
  if (f->written == f->out.len) {
    frames_buf empty = f->out;
    empty.len = f->written = 0;
    f->out = f->next_out;
    f->next_out = empty;
  }
  if (f->out.len == 0)
    return;
  uv_buf_t buf = uv_buf_init((char *)f->out.ptr + f->written,
                             (unsigned)(f->out.len - f->written));
  uv_fs_write(f->loop, &f->writing, 1, &buf, 1, -1, on_written);
}

uint8_t *frames_put(frames *f, size_t len) {
  uint8_t *p = reserve(&f->next_out, HEAD + len);
  for (int i = 0; i < HEAD; i++)
    p[i] = (uint8_t)(len >> 8 * (HEAD - 1 - i));
  f->next_out.len += HEAD + len;
  return p + HEAD;
}

void frames_send(frames *f) {
  if (f->out.len == 0) /* else on_written goes on */
    write_more(f);
}

void frames_free(frames *f) {
  free(f->in.ptr);
  free(f->out.ptr);
  free(f->next_out.ptr);
}
