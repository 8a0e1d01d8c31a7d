# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/scheduling.md: records that are there when a parent registers."""

from __future__ import annotations

import time

from tiny import BrrrError, PendingReturns, Worker

from mutants.kit import breaks


@breaks("SCHED-25")
class RenewsTheTime(Worker):
    """A record that is added to gets the present time."""

    def with_return(self, old, parent):
        return super().with_return(old, parent)._replace(scheduled_at=int(time.time()))


@breaks("SCHED-25")
class SetsMissingTimes(Worker):
    """A record without scheduled_at gets one."""

    def with_return(self, old, parent):
        new = super().with_return(old, parent)
        return new._replace(scheduled_at=new.scheduled_at or int(time.time()))


@breaks("SCHED-25")
class OverwritesReturns(Worker):
    """A record that is added to holds the new return only."""

    def with_return(self, old, parent):
        return super().with_return(old and old._replace(returns=()), parent)


@breaks("SCHED-25")
class KeepsOneReturnForAParent(Worker):
    """A parent replaces its return under another root."""

    def with_return(self, old, parent):
        if old:
            others = (it for it in old.returns if it[1:] != parent[1:])
            old = old._replace(returns=(*others,))
        return super().with_return(old, parent)


@breaks("SCHED-25")
class AddsNoOtherTopic(Worker):
    """A parent that waits on another topic is taken for one that waits already."""

    def with_return(self, old, parent):
        if old and any(it[:2] == parent[:2] for it in old.returns):
            return old
        return super().with_return(old, parent)


@breaks("SCHED-26")
class ComparesWithWhatItWouldWrite(Worker):
    """A record is written back against its octets as they are encoded here."""

    async def add_pending_return(self, call_hash, parent):
        key = f"pending_returns/{call_hash}"
        for _ in range(self.attempts):
            octets = await self.brrr.get(key)
            old = octets and self.decoder.decode(PendingReturns, octets)
            new = self.encoder.encode(self.with_return(old, parent))
            expected = old and self.encoder.encode(old)
            if await self.brrr.swap(key, expected, new):
                return self.must_put(old, parent)
        raise BrrrError("CAS_EXHAUSTED", key)


@breaks("SCHED-26")
class WritesOverMismatches(Worker):
    """After a mismatch the record is written all the same."""

    async def add_pending_return(self, call_hash, parent):
        key = f"pending_returns/{call_hash}"
        octets = await self.brrr.get(key)
        old = None if octets is None else self.decoder.decode(PendingReturns, octets)
        new = self.encoder.encode(self.with_return(old, parent))
        if not await self.brrr.swap(key, octets, new):
            await self.brrr.do("SET", key, new)
        return self.must_put(old, parent)


@breaks("SCHED-26")
class DecidesBeforeAMismatch(Worker):
    """Whether a child is put is decided at the first read."""

    async def add_pending_return(self, call_hash, parent):
        octets = await self.brrr.get(f"pending_returns/{call_hash}")
        old = None if octets is None else self.decoder.decode(PendingReturns, octets)
        first = self.must_put(old, parent)
        await super().add_pending_return(call_hash, parent)
        return first


@breaks("SCHED-26")
class ComparesWithASecondRead(Worker):
    """A record is written back against what a second read finds."""

    async def add_pending_return(self, call_hash, parent):
        brrr, swap = self.brrr, self.brrr.swap

        async def swap_anything(key, old, new):
            return await swap(key, await brrr.get(key), new)

        brrr.swap = swap_anything
        try:
            return await super().add_pending_return(call_hash, parent)
        finally:
            del brrr.swap


class DecidesOtherwise(Worker):
    """Decides otherwise about a child that has a record."""

    def must_put(self, old, parent):
        return old is None or self.other(old.returns, parent)


@breaks("SCHED-27")
class PutsNothingForNewRoots(DecidesOtherwise):
    """A child that has a record is never put."""

    def other(self, returns, parent):
        return False


@breaks("SCHED-27")
class LooksAtTheLastReturn(DecidesOtherwise):
    """Only one return is compared with the new one."""

    def other(self, returns, parent):
        return parent not in returns and returns[-1:] and returns[-1][1:] == parent[1:]


@breaks("SCHED-27")
class PutsForTwoRootsAtMost(DecidesOtherwise):
    """A third root of a parent does not put its children."""

    def other(self, returns, parent):
        roots = {it.root_id for it in returns if it[1:] == parent[1:]}
        return parent not in returns and len(roots) == 1


@breaks("SCHED-28")
class PutsWithEachRun(DecidesOtherwise):
    """Once two roots of a parent are registered, each run puts its children again."""

    def other(self, returns, parent):
        others = [it for it in returns if it != parent]
        return any(it[1:] == parent[1:] for it in others)


@breaks("SCHED-28")
class PutsAlways(DecidesOtherwise):
    """A child that has a record is put again with each run of a parent."""

    def other(self, returns, parent):
        return True


@breaks("SCHED-28")
class PutsForEachParent(DecidesOtherwise):
    """A child is put for each parent that is new in its record."""

    def other(self, returns, parent):
        return parent not in returns


@breaks("SCHED-28")
class PutsForOtherTopics(DecidesOtherwise):
    """A parent that waits on another topic too puts its children again."""

    def other(self, returns, parent):
        return parent not in returns and any(
            it.call_hash == parent.call_hash for it in returns
        )
