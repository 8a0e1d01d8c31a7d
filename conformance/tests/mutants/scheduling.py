# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/scheduling.md: clients, and whoever puts a message."""

from __future__ import annotations

import asyncio
import hashlib
import time

from tiny import Brrr, BrrrError, ScheduleMessage

from mutants.kit import breaks

# ---- schedule and read ------------------------------------------------------


@breaks("SCHED-1")
class SchedulesWhatIsDone(Brrr):
    """A call that has a value is put all the same."""

    async def schedule(self, ask):
        self.check(ask)
        await self.set_call(ask)
        await self.put_job(ask.topic, self.new_root_id(), ask.call_hash)


@breaks("SCHED-1")
class WritesCallsThatAreDone(Brrr):
    """The Call is written before there is a look for its value."""

    async def schedule(self, ask):
        self.check(ask)
        await self.set_call(ask)
        await super().schedule(ask)


@breaks("SCHED-1")
class CountsWhatIsDone(Brrr):
    """A root of a call that has a value is counted."""

    async def schedule(self, ask):
        await super().schedule(ask)
        if await self.do("EXISTS", f"value/{ask.call_hash}"):
            await self.do("INCR", f"brrr_count/{self.new_root_id()}")


@breaks("SCHED-1")
class TakesEmptyValuesForNone(Brrr):
    """A call whose value is of no octets is put again."""

    async def do(self, *command, on=None):
        name = "STRLEN" if command[0] == "EXISTS" else command[0]
        return await super().do(name, *command[1:], on=on)


@breaks("SCHED-2")
class PutsBeforeTheCall(Brrr):
    """The Call is written after its message was put."""

    async def schedule(self, ask):
        self.check(ask)
        if not await self.do("EXISTS", f"value/{ask.call_hash}"):
            await self.put_job(ask.topic, self.new_root_id(), ask.call_hash)
            await self.set_call(ask)


@breaks("SCHED-2", first="late")
class PutsBesideTheCall(Brrr):
    """Call and message are under way at the same time."""

    async def schedule(self, ask):
        self.check(ask)
        if not await self.do("EXISTS", f"value/{ask.call_hash}"):
            put = self.put_job(ask.topic, self.new_root_id(), ask.call_hash)
            await asyncio.gather(self.set_call(ask), put)


@breaks("SCHED-2")
class KeepsOldCalls(Brrr):
    """A Call is written only where there is none yet."""

    async def set_call(self, ask):
        if not await self.do("EXISTS", f"call/{ask.call_hash}"):
            await super().set_call(ask)


@breaks("SCHED-2", smoke="schedule defer")
class WritesNoCalls(Brrr):
    """The Call is not written."""

    async def set_call(self, ask):
        pass


@breaks("SCHED-3")
class HasOneRootId(Brrr):
    """All roots have one root_id."""

    def new_root_id(self):
        return "root"


@breaks("SCHED-3")
class HasOneRootIdAClient(Brrr):
    """A client has one root_id for all that it schedules."""

    def new_root_id(self):
        self.root_id = getattr(self, "root_id", None) or super().new_root_id()
        return self.root_id


@breaks("SCHED-3")
class MakesRootIdsOfTheTime(Brrr):
    """The root_id is the time in seconds."""

    def new_root_id(self):
        return str(int(time.time()))


@breaks("SCHED-3", first="at_the_same_time")
class MakesRootIdsOfCallAndTime(Brrr):
    """The root_id is the call_hash and the time in seconds."""

    async def schedule(self, ask):
        self.call_hash = ask.call_hash
        await super().schedule(ask)

    def new_root_id(self):
        return f"{self.call_hash}-{int(time.time())}"


@breaks("SCHED-3")
class NumbersItsRoots(Brrr):
    """The root_id is the number of a root of this client."""

    roots = 0

    def new_root_id(self):
        self.roots += 1
        return f"root-{self.roots}"


@breaks("SCHED-3")
class MakesRootIdsOfTheCall(Brrr):
    """The root_id is made of the call_hash, and so the same each time."""

    async def schedule(self, ask):
        self.root_id = hashlib.sha256(ask.call_hash.encode()).hexdigest()[:22]
        await super().schedule(ask)

    def new_root_id(self):
        return self.root_id


class PutsRootsOtherwise(Brrr):
    """Has another way with the messages of roots only."""

    async def schedule(self, ask):
        self.root_id = self.new_root_id()
        self.new_root_id = lambda: self.root_id
        await super().schedule(ask)
        del self.new_root_id

    async def put_job(self, topic, root_id, call_hash):
        if root_id == getattr(self, "root_id", None):
            await self.put_root(topic, root_id, call_hash)
        else:
            await super().put_job(topic, root_id, call_hash)


@breaks("SCHED-4", smoke="schedule")
class PutsRootsTwice(PutsRootsOtherwise):
    """A scheduled root is put twice."""

    async def put_root(self, topic, root_id, call_hash):
        await Brrr.put_job(self, topic, root_id, call_hash)
        await Brrr.put_job(self, topic, root_id, call_hash)


@breaks("SCHED-4", smoke="schedule")
class DoesNotCountRoots(PutsRootsOtherwise):
    """A scheduled root is not counted."""

    async def put_root(self, topic, root_id, call_hash):
        message = self.encoder.encode(ScheduleMessage(root_id, call_hash))
        await self.do("RPUSH", topic, message)


@breaks("SCHED-4")
class PutsOnTrimmedTopics(PutsRootsOtherwise):
    """A root is put on its topic without the white space around it."""

    async def put_root(self, topic, root_id, call_hash):
        await Brrr.put_job(self, topic.strip() or topic, root_id, call_hash)


@breaks("SCHED-4")
class SchedulesOnce(Brrr):
    """A call whose Call is there is taken for scheduled, and not put."""

    async def schedule(self, ask):
        if not await self.do("EXISTS", f"call/{ask.call_hash}"):
            await super().schedule(ask)


@breaks("SCHED-5")
class ReadsEmptyValuesAsAbsent(Brrr):
    """A value of no octets is read as absent."""

    async def read(self, call_hash):
        return await super().read(call_hash) or None


@breaks("SCHED-5")
class ReadsAbsentValuesAsEmpty(Brrr):
    """A value that is absent is read as no octets."""

    async def read(self, call_hash):
        return await super().read(call_hash) or b""


@breaks("SCHED-5")
class ReadsValuesAsText(Brrr):
    """What is no text in a value is replaced."""

    async def read(self, call_hash):
        value = await super().read(call_hash)
        return value and value.decode(errors="replace").encode()


@breaks("SCHED-5")
class ReadsValuesWithoutTheNewline(Brrr):
    """A newline at the end of a value is stripped."""

    async def read(self, call_hash):
        value = await super().read(call_hash)
        return value and value.removesuffix(b"\n")


# ---- put a job --------------------------------------------------------------


@breaks("SCHED-10", smoke="schedule defer return")
class DoesNotCount(Brrr):
    """No message is counted."""

    async def do(self, *command, on=None):
        if command[0] == "INCR":
            return 1
        return await super().do(*command, on=on)


@breaks("SCHED-10")
class CountsAfterwards(Brrr):
    """A message is put and then counted."""

    async def put_job(self, topic, root_id, call_hash):
        count = int(await self.do("GET", f"brrr_count/{root_id}") or 0)
        if count < self.spawn_limit:
            message = self.encoder.encode(ScheduleMessage(root_id, call_hash))
            await self.do("RPUSH", topic, message)
        count = await self.do("INCR", f"brrr_count/{root_id}")
        if count > self.spawn_limit:
            raise BrrrError("SPAWN_LIMIT", f"message {count} of root {root_id}")


@breaks("SCHED-10", smoke="schedule defer return")
class CountsTheCall(Brrr):
    """A message is counted under its call_hash."""

    async def put_job(self, topic, root_id, call_hash):
        self.counter = f"brrr_count/{call_hash}"
        await super().put_job(topic, root_id, call_hash)

    async def do(self, *command, on=None):
        if command[0] == "INCR":
            command = ("INCR", self.counter)
        return await super().do(*command, on=on)


@breaks("SCHED-11")
class HasASmallerLimit(Brrr):
    """Message 10 000 is not put: the limit is one too small."""

    spawn_limit = 9_999


@breaks("SCHED-12")
class HasAGreaterLimit(Brrr):
    """Message 10 001 is put: the limit is one too great."""

    spawn_limit = 10_001


@breaks("SCHED-12")
class HasNoLimit(Brrr):
    """A message is put however many came before it."""

    spawn_limit = 10**18


@breaks("SCHED-12")
class PutsAndFails(Brrr):
    """The message that is refused is put all the same."""

    async def put_job(self, topic, root_id, call_hash):
        try:
            await super().put_job(topic, root_id, call_hash)
        except BrrrError:
            message = self.encoder.encode(ScheduleMessage(root_id, call_hash))
            await self.do("RPUSH", topic, message)
            raise


@breaks("SCHED-12")
class DropsInSilence(Brrr):
    """The message that is refused is dropped, and nobody is told."""

    async def put_job(self, topic, root_id, call_hash):
        try:
            await super().put_job(topic, root_id, call_hash)
        except BrrrError as error:
            if error.code != "SPAWN_LIMIT":
                raise


@breaks("SCHED-12")
class FailsWithAnyError(Brrr):
    """The spawn limit is an error like others."""

    async def put_job(self, topic, root_id, call_hash):
        try:
            await super().put_job(topic, root_id, call_hash)
        except BrrrError as error:
            error.code = "UNEXPECTED"
            raise


@breaks("SCHED-12")
class StopsAtTheLimitOnly(Brrr):
    """Message 10 001 is refused, and those behind it are put again."""

    async def do(self, *command, on=None):
        reply = await super().do(*command, on=on)
        return 1 if command[0] == "INCR" and reply > 10_001 else reply
