# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/durable.md: a durable queue on Redis."""

from __future__ import annotations

import uuid

from durable import DurableWorker

from mutants.kit import breaks


class ScriptsOtherwise(DurableWorker):
    """Has something else in its scripts."""

    there, here = "", ""

    async def script(self, script, keys, *args):
        await super().script(script.replace(self.there, self.here), keys, *args)


@breaks("REDIS-30", first="how_messages_are_taken")
class TakesFromTheWrongEnd(DurableWorker):
    """The message at the tail of the topic is taken."""

    async def move(self):
        pause = str(self.pause)
        return await self.brrr.do(
            "BLMOVE", self.topic, self.own, "RIGHT", "RIGHT", pause
        )


@breaks("REDIS-30", first="how_messages_are_taken")
class TakesInTwoSteps(DurableWorker):
    """A message is popped in one step, and added to the worker's list in another."""

    async def move(self):
        reply = await self.brrr.do("BLPOP", self.topic, str(self.pause), on=self.line)
        if reply is None:
            return None
        await self.brrr.do("RPUSH", self.own, reply[1])
        return reply[1]


@breaks("REDIS-30", first="how_messages_are_taken")
class WaitsForEver(DurableWorker):
    """A worker waits for a message without end."""

    async def move(self):
        line = self.line
        if not self.client_id:
            self.client_id = await self.brrr.do("CLIENT ID", on=line)
        self.polling = True
        try:
            return await self.brrr.do(
                "BLMOVE", self.topic, self.own, "LEFT", "RIGHT", 60, on=line
            )
        finally:
            self.polling = False


@breaks("REDIS-31", first="names_of_workers")
class NamesWorkersByTopic(DurableWorker):
    """The name of a worker is that of its topic."""

    def __init__(self, *args):
        super().__init__(*args)
        self.name = self.topic
        self.own = self.inflight(self.name)


@breaks("REDIS-31", first="names_of_workers")
class NamesWorkersOnce(DurableWorker):
    """The name of a worker is made when its process starts, for all of its runs."""

    once = str(uuid.uuid4())

    def __init__(self, *args):
        super().__init__(*args)
        self.name = self.once
        self.own = self.inflight(self.name)


@breaks("REDIS-31", first="names_of_workers")
class NumbersWorkers(DurableWorker):
    """The name of a worker is its number in its process."""

    number = 0

    def __init__(self, *args):
        super().__init__(*args)
        NumbersWorkers.number += 1
        self.name = str(self.number)
        self.own = self.inflight(self.name)


@breaks("REDIS-32", first="how_messages_are_taken")
class BeatsAfterItsFirstMessage(DurableWorker):
    """A worker enters itself when it has taken its first message."""

    began = False

    async def beat(self):
        if self.began:
            await super().beat()

    async def get(self):
        message = await super().get()
        self.began = True
        return message


@breaks("REDIS-33", first="handler_takes_long")
class BeatsOnceInItsLife(DurableWorker):
    """A worker enters its time once, and looks for the dead only."""

    began = False

    async def beat(self):
        if not self.began:
            self.began = True
            await super().beat()


@breaks("REDIS-33", first="handler_takes_long")
class BeatsTooSeldom(DurableWorker):
    """A worker renews its time once within the dead time and a half."""

    def __init__(self, *args):
        super().__init__(*args)
        self.pause = self.dead_after_ms * 1.5 / 1000


@breaks("REDIS-34", first="dies_while_its_handler")
class LeavesTheAttempts(ScriptsOtherwise):
    """How often a message was delivered stays when it is acknowledged."""

    there, here = "'HDEL'", "'HEXISTS'"


@breaks("REDIS-34", first="one_of_two_equal")
class AcknowledgesAllAlike(ScriptsOtherwise):
    """An acknowledgement removes all messages that are equal."""

    there, here = "KEYS[1], 1, ARGV[1]", "KEYS[1], 0, ARGV[1]"


@breaks("REDIS-34", first="one_of_two_equal")
class AcknowledgesTheOldest(ScriptsOtherwise):
    """An acknowledgement empties the worker's list."""

    there, here = (
        "redis.call('LREM', KEYS[1], 1, ARGV[1])",
        "redis.call('DEL', KEYS[1])",
    )


@breaks("REDIS-35", first="dead_workers")
class LooksAtOneDead(DurableWorker):
    """Of several dead workers only the one that died first is looked at."""

    async def reap(self):
        do = self.brrr.do

        async def do_first(*command, on=None):
            reply = await do(*command, on=on)
            return reply[:1] if command[0] == "ZRANGE" else reply

        self.brrr.do = do_first
        try:
            await super().reap()
        finally:
            self.brrr.do = do


@breaks("REDIS-35", first="messages_of_a_dead_worker")
class CountsNoDeliveries(ScriptsOtherwise):
    """How often a message was delivered is not counted."""

    there, here = "'HINCRBY', KEYS[4], message, 1", "'HINCRBY', KEYS[4], message, 0"


@breaks("REDIS-35", first="worker_that_is_not_dead_yet")
class TakesFromTheLiving(ScriptsOtherwise):
    """A worker is taken for dead after a tenth of the dead time."""

    there, here = "age <= tonumber(ARGV[2])", "age <= tonumber(ARGV[2]) / 10"


@breaks("REDIS-35", first="messages_of_a_dead_worker")
class LeavesTheLastMessage(ScriptsOtherwise):
    """One message of a dead worker is moved, and the others left with it."""

    there, here = (
        "redis.call('HINCRBY', KEYS[4], message, 1)",
        """
        redis.call('HINCRBY', KEYS[4], message, 1)
        redis.call('DEL', KEYS[2])""",
    )


@breaks("REDIS-35", first="dead_while_a_handler_takes_long")
class LooksBetweenHandlers(DurableWorker):
    """A worker looks for the dead between two messages only."""

    busy = False

    async def handle(self, message):
        self.busy = True
        try:
            await super().handle(message)
        finally:
            self.busy = False

    async def reap(self):
        if not self.busy:
            await super().reap()


@breaks("REDIS-36", first="message_comes_to_a_dead_worker")
class ForgetsTheDeadAtOnce(ScriptsOtherwise):
    """A dead worker is removed as soon as its messages are moved."""

    there, here = "age > ARGV[2] + ARGV[3]", "age > tonumber(ARGV[2])"


@breaks("REDIS-36", first="ends_with_a_message_in_hand")
class LeavesWithMessagesInHand(DurableWorker):
    """A worker that ends removes itself though its list holds a message."""

    async def run(self):
        try:
            await super().run()
        finally:
            await self.brrr.do("ZREM", self.registry, self.name)


@breaks("REDIS-37", first="answer_with_a_message_is_lost")
class ForgetsItsList(DurableWorker):
    """A worker handles what its pops bring, and what it has reaped, only."""

    async def get(self):
        if not self.client_id:
            found = await self.brrr.do("LRANGE", self.own, 0, -1)
            self.lost = getattr(self, "lost", set()) | set(found)
        message = await super().get()
        return None if message in getattr(self, "lost", ()) else message


@breaks("REDIS-38", first="delivered_too_often")
class TriesForEver(DurableWorker):
    """A message is handled however often it was delivered."""

    most_deliveries = 10**6


@breaks("REDIS-38", first="delivered_for_the_last_time")
class TriesOnceLess(DurableWorker):
    """A message that was delivered again 4 times is set aside: once too early."""

    most_deliveries = 3


@breaks("REDIS-38", first="delivered_too_often")
class TriesOnceMore(DurableWorker):
    """A message that was delivered again 5 times is handled: once too often."""

    most_deliveries = 5
