/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_script.h - L6: what queues do in one atomic step, in Lua.
 *
 * The scripts of a durable topic have the same five keys: the topic, the list
 * of this worker, the registry of workers, the attempts, the dead letters. The
 * reaper also makes the names of other workers' lists; all are in one slot of a
 * cluster. Messages are octets, which Lua's strings are too.
 */
#ifndef BRRR_SRC_REDIS_SCRIPT_H
#define BRRR_SRC_REDIS_SCRIPT_H

/* worker: registers it, and gives what its list holds: message, how often
 * delivered again, and so on [REDIS-32] [REDIS-37] */
extern const char brrr__script_sync[];
/* worker, dead time, limit of redeliveries, prefix of lists, reason, limit of
 * messages: renews the worker's time [REDIS-33], and reaps [REDIS-35]. Gives
 * the length of its list before that, and then messages as above */
extern const char brrr__script_beat[];
/* count: takes up to so many messages [REDIS-30] */
extern const char brrr__script_take[];
/* message: acknowledges one that was delivered again [REDIS-34] */
extern const char brrr__script_ack[];
/* message, reason: sets it aside, if it is in the list [REDIS-40] */
extern const char brrr__script_dead[];
/* worker: takes it off the registry unless its list holds something */
extern const char brrr__script_leave[];

/* Of one key, the topic of a plain queue: takes a message, if there is one, and
 * reads for it: the message; whether its call has a value, and the call. Only
 * the message where that cannot be told. [REDIS-2] */
extern const char brrr__script_ahead[];

/* Of one key, the dead letters. message, reason: sets aside a message that no
 * list holds */
extern const char brrr__script_letter[];

#endif
