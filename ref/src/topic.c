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

static bool is_record(brrr_bytes topic) {
  return begins_with(topic, "call/") || begins_with(topic, "value/") ||
         begins_with(topic, "pending_returns/") ||
         begins_with(topic, "brrr_count/");
}

/* What a durable queue keeps beside its topics [REDIS-41]. */
static bool is_kept(brrr_bytes topic) {
  return begins_with(topic, "brrr:inflight:") ||
         begins_with(topic, "brrr:workers:") ||
         begins_with(topic, "brrr:attempts:") ||
         begins_with(topic, "brrr:dead:");
}

/* The same object in two roles means one database for both, in which a topic
 * could be taken for a record [REDIS-4]. An empty topic means "none" to a
 * defer [SCHED-23], so no queue can be called that. */
brrr_status brrr__topic_check(const brrr_backends *backends, brrr_bytes topic) {
  bool shared = backends->queue.self == backends->store.self ||
                backends->queue.self == backends->cache.self;
  if (topic.len == 0 || is_kept(topic) || (shared && is_record(topic)))
    return BRRR_E_TOPIC;
  return BRRR_OK;
}

const brrr_bytes *brrr__topic_astray(const brrr_backends *backends,
                                     const brrr_reply *defer) {
  for (size_t i = 0; i < defer->count; i++) {
    const brrr_bytes *topic = &defer->children[i].topic;
    if (topic->len && brrr__topic_check(backends, *topic) != BRRR_OK)
      return topic;
  }
  return NULL;
}
