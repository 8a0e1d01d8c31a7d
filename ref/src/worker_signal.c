/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * worker_signal.c - L6: SIGTERM and SIGINT stop a worker, once.
 */
#include "worker_parts.h"

#include <signal.h>

static void signals_stop(brrr_worker *w) {
  for (size_t i = 0; i < w->signal_count; i++)
    uv_signal_stop(&w->signals[i]);
}

/* From now on both have their usual effect. */
static void on_signal(uv_signal_t *handle, int number) {
  brrr_worker *w = handle->data;
  brrr__worker_log(w, BRRR_INFO, "signal %d", number);
  signals_stop(w);
  brrr_worker_stop(w);
}

brrr_status brrr_worker_stop_on_signals(brrr_worker *w) {
  const int numbers[] = {SIGTERM, SIGINT};
  if (w->stopping || w->signal_count)
    return BRRR_OK;
  for (size_t i = 0; i < 2; i++) {
    uv_signal_t *handle = &w->signals[i];
    if (uv_signal_init(w->options.loop, handle))
      return BRRR_E_IO;
    handle->data = w;
    w->signal_count++;
    w->open++;
    uv_unref((uv_handle_t *)handle); /* no reason for the loop to go on */
    if (uv_signal_start(handle, on_signal, numbers[i]))
      return BRRR_E_IO;
  }
  return BRRR_OK;
}
