/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * topic.h - L5: which topics clients and workers refuse.
 *
 * They refuse what they are asked for: the topic of a root, of a worker, of a
 * child. A pending return that names such a topic is put there all the same
 * [RET-2]: its parent was taken from it, so somebody serves it.
 */
#ifndef BRRR_SRC_TOPIC_H
#define BRRR_SRC_TOPIC_H

#include <brrr/brrr.h>

/* BRRR_OK, or BRRR_E_TOPIC [REDIS-4] [REDIS-41]. */
brrr_status brrr__topic_check(const brrr_backends *backends, brrr_bytes topic);
/* The first topic among those of the children of a defer that must not be
 * used; NULL if there is none. */
const brrr_bytes *brrr__topic_astray(const brrr_backends *backends,
                                     const brrr_reply *defer);

#endif
