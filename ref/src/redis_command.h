/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_command.h - L6: effects as Redis commands, replies as replies.
 */
#ifndef BRRR_SRC_REDIS_COMMAND_H
#define BRRR_SRC_REDIS_COMMAND_H

#include <brrr/brrr.h>

#include <hiredis/hiredis.h>

/* Where keys are put together; kept from command to command. */
typedef struct brrr__redis_key {
  brrr_alloc alloc;
  uint8_t *ptr;
  size_t cap;
} brrr__redis_key;

void brrr__redis_key_free(brrr__redis_key *key);

/* The key of a record: type "/" call_hash [REDIS-20]; in `scratch`.
 * BRRR_E_NOMEM. */
brrr_status brrr__redis_store_key(brrr__redis_key *scratch, brrr_key key,
                                  brrr_bytes *out);

/* NULL is fine. */
void brrr__redis_command_free(char *command);

/* The command for `e`, to be freed with that. BRRR_E_NOMEM, or
 * BRRR_E_MISUSE if a string is longer than Redis takes. */
brrr_status brrr__redis_command(char **out, size_t *len, brrr__redis_key *key,
                                const brrr_effect *e);

/* The keys that one command may read. */
#define BRRR__READ_MAX 64

/* The command that reads `keys`, which are not none: a STORE_GET or STORE_HAS,
 * or an MGET for several of them. As above. */
brrr_status brrr__redis_read(char **out, size_t *len, brrr_effect_type type,
                             const brrr_bytes *keys, size_t count);

/* Any command, to be freed in the same way. */
brrr_status brrr__redis_format(char **out, size_t *len, brrr_alloc alloc,
                               const brrr_bytes *in, size_t count);

/* CLIENT UNBLOCK for the connection `id`. */
brrr_status brrr__redis_unblock(char **out, size_t *len, int64_t id);

/* Whether it is an error that says "not now": a server that starts, a replica,
 * a cluster that is being rearranged, a pop that somebody has ended. */
bool brrr__redis_not_now(const redisReply *reply);

/* What `reply` means for an effect of this type; borrows from it. */
brrr_reply brrr__redis_reply(brrr_effect_type type, const redisReply *reply);

#endif
