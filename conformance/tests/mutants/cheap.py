# SPDX-License-Identifier: AGPL-3.0-only
"""tiny with cheap joins, several hands, and what it then takes to break them.

Mutants of spec/joins.md are built on it; it is lawful itself.
"""

from __future__ import annotations

import asyncio

from adapter import Adapter
from tiny import BrrrError, PendingReturn, ScheduleMessage, Worker

from mutants.kit import breaks, lawful


class HandsAdapter(Adapter):
    """Tells its workers how many messages they may handle at a time."""

    async def execute(self, number, name, it):
        if name == "serve":
            self.plain.count = it["concurrency"] or 1
        return await super().execute(number, name, it)


class Hands(Worker):
    """Handles several messages at a time: each hand has a line of its own."""

    adapter = HandsAdapter
    count = 1

    def __init__(self, *args):
        super().__init__(*args)
        self.hands = [Hand(self, *args) for _ in range(self.count)]

    async def run(self):
        await self.line.aclose()
        tasks = [asyncio.create_task(hand.run()) for hand in self.hands]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        await self.stop()
        await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    async def stop(self):
        await asyncio.gather(*(hand.stop() for hand in self.hands))


class Hand(Worker):
    """Takes messages for a worker of several hands, and lets it handle them."""

    def __init__(self, worker, *args):
        super().__init__(*args)
        self.worker = worker

    async def handle(self, message):
        await self.worker.handle(message)


@lawful("worker", "joins")
class CheapJoins(Hands):
    """Joins are cheap: skip, watch and merge, with several messages in hand."""

    def __init__(self, *args):
        super().__init__(*args)
        self.watched = {}  # job: the children that it waits for
        self.turns = {}  # message: its lock, and how many wait behind it

    async def handle(self, message):
        """Handle equal messages in turns, all that wait for one as one [WORK-23]."""
        lock, waiting = self.turns.setdefault(message, (asyncio.Lock(), []))
        mine = asyncio.Event()
        waiting.append(mine)
        try:
            async with lock:
                if mine not in waiting:
                    return  # another began after this one was taken
                waiting.clear()
                await super().handle(message)
        finally:
            if mine in waiting:
                waiting.remove(mine)
            if not lock.locked() and not waiting:
                self.turns.pop(message, None)

    async def invoke(self, job, call):
        value = await self.brrr.get(f"value/{job.call_hash}")
        if value is not None:  # [WORK-20]
            return value
        while children := self.watched.get(self.memory(job)):
            if await self.is_missing(children[0]):  # [WORK-21]
                return Watched(children[:1])
            children.pop(0)
        self.watched.pop(self.memory(job), None)
        return await super().invoke(job, call)  # [WORK-22]

    def memory(self, job):
        return job

    async def is_missing(self, child):
        return not await self.brrr.do("EXISTS", f"value/{child.call_hash}")

    async def defer(self, job, asks):
        if isinstance(asks, Watched):
            await self.watch(job, asks[0])
            return
        await super().defer(job, asks)
        self.watched[self.memory(job)] = self.children(asks)

    async def watch(self, job, child):
        parent = PendingReturn(job.root_id, job.call_hash, self.topic)
        if await self.add_pending_return(child.call_hash, parent):
            await self.brrr.put_job(child.topic, job.root_id, child.call_hash)


class Watched(list):
    """Asks for what is missing still, whose Call is written already."""


@breaks("WORK-20", first="late_parents")
class SkipsAndDeliversNothing(CheapJoins):
    """A message for a call that has its value is passed over."""

    async def handle(self, message):
        job = self.decoder.decode(ScheduleMessage, message)
        if not await self.brrr.do("EXISTS", f"value/{job.call_hash}"):
            await super().handle(message)


@breaks("SCHED-31", first="cannot_be_put")
class WaitsInSilence(CheapJoins):
    """That a watched child is beyond the spawn limit is not reported."""

    async def watch(self, job, child):
        try:
            await super().watch(job, child)
        except BrrrError as error:
            if error.code != "SPAWN_LIMIT":
                raise


@breaks("WORK-20", first="late_parents")
class SkipsAndRemovesTheRecord(CheapJoins):
    """For a call that has its value the record of the late parents is removed."""

    async def handle(self, message):
        job = self.decoder.decode(ScheduleMessage, message)
        if await self.brrr.do("EXISTS", f"value/{job.call_hash}"):
            await self.brrr.do("DEL", f"pending_returns/{job.call_hash}")
            return
        await super().handle(message)


@breaks("WORK-21", first="other_child_has_lost")
class WatchesOnly(CheapJoins):
    """A parent that finds a child missing is not registered with it again."""

    async def watch(self, job, child):
        pass


@breaks("WORK-21", first="other_child_has_lost")
class RegistersAndPutsNothing(CheapJoins):
    """A child that is missing, and has no record, is not put."""

    async def watch(self, job, child):
        parent = PendingReturn(job.root_id, job.call_hash, self.topic)
        await self.add_pending_return(child.call_hash, parent)


@breaks("WORK-21", first="other_child_has_lost")
class PutsWatchedChildrenOnItsOwnTopic(CheapJoins):
    """A child that is missing is put on the topic of its parent."""

    async def watch(self, job, child):
        await super().watch(job, child._replace(topic=self.topic))


@breaks("WORK-22", first="new_root[at-once")
class WatchesForEveryRoot(CheapJoins):
    """What was seen under one root is watched under another."""

    def memory(self, job):
        return job.call_hash


@breaks("WORK-22", first="no_child_is_missing")
class WatchesEmptyValues(CheapJoins):
    """A child whose value is of no octets is missing for ever."""

    async def is_missing(self, child):
        return not await self.brrr.do("STRLEN", f"value/{child.call_hash}")


@breaks("WORK-22", first="next_run_needs")
class WatchesTheFirstRunOnly(CheapJoins):
    """When all that was watched is there, the handler is invoked once, and no more."""

    def __init__(self, *args):
        super().__init__(*args)
        self.runs = {}

    async def handle(self, message):
        self.runs[message] = self.runs.get(message, 0) + 1
        if self.runs[message] <= 2:
            await super().handle(message)


@breaks("WORK-23", first="child_ends")
class DropsWhatIsUnderWay(CheapJoins):
    """A message like one that is under way is dropped."""

    async def handle(self, message):
        if message not in self.turns:
            await super().handle(message)


@breaks("WORK-23", first="handler_fails")
class MergesIntoWhatHasBegun(CheapJoins):
    """A message like one that is under way shares its end."""

    def __init__(self, *args):
        super().__init__(*args)
        self.ends = {}

    async def handle(self, message):
        if end := self.ends.get(message):
            await end.wait()
            return
        self.ends[message] = asyncio.Event()
        try:
            await super().handle(message)
        finally:
            self.ends.pop(message).set()
