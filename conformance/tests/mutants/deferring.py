# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/scheduling.md: defers."""

from __future__ import annotations

import asyncio
import time

from tiny import Brrr, BrrrError, PendingReturn, PendingReturns, Worker

from mutants.kit import breaks


@breaks("SCHED-20")
class WritesCallsAfterTheRecord(Worker):
    """The Call of a child is written after the parent is registered."""

    async def defer(self, job, asks):
        parent = PendingReturn(job.root_id, job.call_hash, self.topic)
        children = self.children(asks)
        for child in children:
            self.brrr.check(child)
        for child in children:
            must = await self.add_pending_return(child.call_hash, parent)
            await self.brrr.set_call(child)
            if must:
                await self.brrr.put_job(child.topic, job.root_id, child.call_hash)


@breaks("SCHED-20")
class WritesCallsOfNewChildren(Worker):
    """The Call of a child is written only where the child has no record."""

    async def defer(self, job, asks):
        brrr, write = self.brrr, self.brrr.set_call

        async def set_new(ask):
            if await brrr.get(f"pending_returns/{ask.call_hash}") is None:
                await write(ask)

        brrr.set_call = set_new
        try:
            await super().defer(job, asks)
        finally:
            del brrr.set_call


@breaks("SCHED-20")
class KeepsOldCallsOfChildren(Worker):
    """The Call of a child is written only where there is none yet."""

    async def defer(self, job, asks):
        brrr, write = self.brrr, self.brrr.set_call

        async def set_new(ask):
            if await brrr.get(f"call/{ask.call_hash}") is None:
                await write(ask)

        brrr.set_call = set_new
        await super().defer(job, asks)


@breaks("SCHED-20")
class StripsPayloads(Brrr):
    """White space at the end of a payload is left out of the Call."""

    async def set_call(self, ask):
        await super().set_call(ask._replace(payload=ask.payload.rstrip()))


@breaks("SCHED-21")
class PutsBeforeTheRecord(Worker):
    """A child is put before the parent is registered."""

    async def defer(self, job, asks):
        for child in self.children(asks):
            self.brrr.check(child)
            await self.brrr.set_call(child)
            parent = PendingReturn(job.root_id, job.call_hash, self.topic)
            octets = await self.brrr.get(f"pending_returns/{child.call_hash}")
            old = octets and self.decoder.decode(PendingReturns, octets)
            if self.must_put(old or None, parent):
                await self.brrr.put_job(child.topic, job.root_id, child.call_hash)
            await self.add_pending_return(child.call_hash, parent)


class RegistersOtherwise(Worker):
    """Registers another return than it should."""

    async def add_pending_return(self, call_hash, parent):
        return await super().add_pending_return(call_hash, self.other(parent))


@breaks("SCHED-22", smoke="defer")
class RegistersTheChildsTopic(Worker):
    """A return holds the topic of the child, not that of the parent."""

    async def defer(self, job, asks):
        own = self.topic
        for child in self.children(asks):
            self.topic = child.topic
            await super().defer(job, [child])
        self.topic = own


@breaks("SCHED-22", smoke="defer")
class RegistersTheRootOnly(RegistersOtherwise):
    """A return holds the root_id as its call_hash."""

    def other(self, parent):
        return parent._replace(call_hash=parent.root_id)


@breaks("SCHED-22", smoke="defer")
class LosesTheRoot(RegistersOtherwise):
    """A return holds a root_id of no octets."""

    def other(self, parent):
        return parent._replace(root_id="")


@breaks("SCHED-22")
class KeepsTheFirstRoot(RegistersOtherwise):
    """A return holds the root_id of the first message for this parent."""

    def __init__(self, *args):
        super().__init__(*args)
        self.roots = {}

    def other(self, parent):
        first = self.roots.setdefault(parent.call_hash, parent.root_id)
        return parent._replace(root_id=first)


class PutsChildrenOtherwise(Worker):
    """Has another way with the topics of children."""

    def children(self, asks):
        return [
            self.other(ask, child)
            for ask, child in zip(
                {it.call_hash: it for it in asks}.values(),
                super().children(asks),
                strict=True,
            )
        ]


@breaks("SCHED-23", smoke="defer")
class PutsChildrenOnItsOwnTopic(PutsChildrenOtherwise):
    """A child is put on the topic of its parent, whatever was asked for."""

    def other(self, ask, child):
        return child._replace(topic=self.topic)


@breaks("SCHED-23")
class PutsChildrenOnADefaultTopic(PutsChildrenOtherwise):
    """A child for which no topic was asked is put on the topic `default`."""

    def other(self, ask, child):
        return child._replace(topic=ask.topic or "default")


@breaks("SCHED-23", smoke="defer")
class PutsChildrenUnderNewRoots(Worker):
    """A child is put under a root_id of its own."""

    async def defer(self, job, asks):
        brrr, put = self.brrr, self.brrr.put_job

        async def put_anew(topic, root_id, call_hash):
            await put(topic, brrr.new_root_id(), call_hash)

        brrr.put_job = put_anew
        try:
            await super().defer(job, asks)
        finally:
            del brrr.put_job


@breaks("SCHED-24", smoke="defer")
class CreatesRecordsWithoutTime(Worker):
    """A record is created without scheduled_at."""

    def with_return(self, old, parent):
        return (
            super()
            .with_return(old, parent)
            ._replace(scheduled_at=old.scheduled_at if old else 0)
        )


@breaks("SCHED-24", smoke="defer")
class CreatesRecordsInMilliseconds(Worker):
    """A record is created with the time in milliseconds."""

    def with_return(self, old, parent):
        if old is None:
            return PendingReturns((parent,), int(time.time() * 1000))
        return super().with_return(old, parent)


@breaks("SCHED-24")
class PutsNoChildWithValue(Worker):
    """A child that has a value, and no record, is not put."""

    async def add_pending_return(self, call_hash, parent):
        must = await super().add_pending_return(call_hash, parent)
        return must and not await self.brrr.do("EXISTS", f"value/{call_hash}")


@breaks("SCHED-24")
class PutsNobodyAfterAMismatch(Worker):
    """A child whose record vanished in a mismatch is not put."""

    async def add_pending_return(self, call_hash, parent):
        before = await self.brrr.get(f"pending_returns/{call_hash}")
        must = await super().add_pending_return(call_hash, parent)
        return must and before is None


@breaks("SCHED-24")
class PutsNobodyTwice(Worker):
    """A child that this worker has put once is not put again."""

    def __init__(self, *args):
        super().__init__(*args)
        self.put = set()

    async def add_pending_return(self, call_hash, parent):
        must = await super().add_pending_return(call_hash, parent)
        if must and (call_hash, parent.root_id) in self.put:
            return False
        self.put.add((call_hash, parent.root_id))
        return must


@breaks("SCHED-31", first="first_child_is_above")
class ReportsTheLastChild(Worker):
    """The spawn limit is reported if the last child has met it."""

    async def defer(self, job, asks):
        problem = None
        for ask in asks:
            try:
                problem = await super().defer(job, [ask])
            except BrrrError as error:
                problem = error
        if problem:
            raise problem


@breaks("SCHED-29")
class PutsAsOftenAsAsked(Worker):
    """A child is handled as often as it is asked for, and put if it is done by then."""

    def children(self, asks):
        return [ask._replace(topic=ask.topic or self.topic) for ask in asks]


@breaks("SCHED-29", first="between_two_asks")
class ComparesWithTheAskBefore(Worker):
    """Asks for one call count once where they are in a row; all are seen to at once."""

    async def defer(self, job, asks):
        pairs = zip([None, *asks], asks, strict=False)
        once = [ask for last, ask in pairs if not last or last[0] != ask[0]]
        defer = super().defer
        await asyncio.gather(*(defer(job, [ask]) for ask in once))

    async def add_pending_return(self, call_hash, parent):
        new = self.encoder.encode(self.with_return(None, parent))
        if await self.brrr.do("SET", f"pending_returns/{call_hash}", new, "NX"):
            return True
        return await super().add_pending_return(call_hash, parent)


@breaks("SCHED-29")
class PutsOnEachTopic(Worker):
    """A child for which two topics were asked is put on both."""

    async def defer(self, job, asks):
        await super().defer(job, asks)
        taken = {(it.call_hash, it.topic) for it in self.children(asks)}
        for topic, call_hash in dict.fromkeys(
            (ask.topic or self.topic, ask.call_hash) for ask in asks
        ):
            if (call_hash, topic) not in taken:
                await self.brrr.put_job(topic, job.root_id, call_hash)


@breaks("SCHED-29", smoke="defer")
class PutsChildrenTwice(Worker):
    """Each child is put twice."""

    async def defer(self, job, asks):
        await super().defer(job, asks)
        for child in self.children(asks):
            await self.brrr.put_job(child.topic, job.root_id, child.call_hash)


@breaks("SCHED-30")
class FailsAtNothing(Worker):
    """A defer without calls is reported."""

    async def defer(self, job, asks):
        if not asks:
            raise BrrrError("HANDLER_FAILED", "a defer on nothing")
        await super().defer(job, asks)


@breaks("SCHED-30")
class ReturnsForNothing(Worker):
    """A defer without calls ends in a value of no octets."""

    async def defer(self, job, asks):
        await (super().defer(job, asks) if asks else self.finish(job, b""))


@breaks("SCHED-30")
class PutsItselfForNothing(Worker):
    """A defer without calls puts the parent again, once."""

    async def defer(self, job, asks):
        if not asks and not await self.brrr.do("EXISTS", f"brrr_count/{job.root_id}"):
            await self.brrr.put_job(self.topic, job.root_id, job.call_hash)
        await super().defer(job, asks)


@breaks("SCHED-31")
class DefersInSilence(Worker):
    """The spawn limit in a defer is not reported."""

    async def defer(self, job, asks):
        try:
            await super().defer(job, asks)
        except BrrrError as error:
            if error.code != "SPAWN_LIMIT":
                raise


@breaks("SCHED-31")
class TakesBackWhatItWrote(Worker):
    """At the spawn limit in a defer the records of the children are removed."""

    async def defer(self, job, asks):
        try:
            await super().defer(job, asks)
        except BrrrError:
            for child in self.children(asks):
                await self.brrr.do("DEL", f"pending_returns/{child.call_hash}")
            raise
