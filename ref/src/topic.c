/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * topic.c - L5: which topics clients and workers refuse.
 */
#include "topic.h"

#include <string.h>

static bool begins_with(brrr_bytes text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* The same object in two roles means one database for both, in which a topic
 * could be taken for a record [REDIS-4]. An empty topic means "none" to a
 * defer [SCHED-23], so no queue can be called that. */
brrr_status brrr__topic_check(const brrr_backends *backends, brrr_bytes topic) {
  static const char *const reserved[] = {"call/", "value/", "pending_returns/",
                                         "brrr_count/"};
  if (topic.len == 0)
    return BRRR_E_TOPIC;
  if (backends->queue.self != backends->store.self &&
      backends->queue.self != backends->cache.self)
    return BRRR_OK;
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (begins_with(topic, reserved[i]))
      return BRRR_E_TOPIC;
  return BRRR_OK;
}
