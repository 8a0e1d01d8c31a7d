# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/scheduling.md: duplicates, broken records, calls that are none."""

from __future__ import annotations

from tiny import BrrrError, PendingReturns, ScheduleMessage, Worker

from mutants.kit import breaks


@breaks("WORK-8")
class FailsAtDuplicates(Worker):
    """A value that is there already is an error."""

    async def finish(self, job, value):
        if not await self.brrr.do("SET", f"value/{job.call_hash}", value, "NX"):
            raise BrrrError("UNEXPECTED", "there is a value already")
        await super().finish(job, value)


@breaks("WORK-8")
class RemovesValuesFirst(Worker):
    """A value is removed before the handler runs again."""

    async def invoke(self, job, call):
        await self.brrr.do("DEL", f"value/{job.call_hash}")
        return await super().invoke(job, call)


@breaks("WORK-8")
class FailsAtCallsThatAreDone(Worker):
    """A message for a call that has a value is reported."""

    async def handle(self, message):
        job = self.decoder.decode(ScheduleMessage, message)
        if await self.brrr.do("EXISTS", f"value/{job.call_hash}"):
            raise BrrrError("UNEXPECTED", "a duplicate")
        await super().handle(message)


class MendsRecords(Worker):
    """Has another way with PendingReturns that do not decode."""

    async def add_pending_return(self, call_hash, parent):
        await self.look_at(f"pending_returns/{call_hash}")
        return await super().add_pending_return(call_hash, parent)

    async def finish(self, job, value):
        await self.brrr.do("SET", f"value/{job.call_hash}", value)
        await self.look_at(f"pending_returns/{job.call_hash}")
        await super().finish(job, value)

    async def look_at(self, key):
        octets = await self.brrr.get(key)
        try:
            if octets is not None:
                self.decoder.decode(PendingReturns, octets)
        except BrrrError as error:
            await self.mend(key, error)


@breaks("WORK-9")
class RemovesBrokenRecords(MendsRecords):
    """PendingReturns that do not decode are removed, and reported."""

    async def mend(self, key, error):
        await self.brrr.do("DEL", key)
        raise error


@breaks("WORK-9")
class StartsBrokenRecordsAnew(MendsRecords):
    """PendingReturns that do not decode are taken for absent."""

    async def mend(self, key, error):
        await self.brrr.do("DEL", key)


@breaks("WORK-9")
class PassesOverBrokenRecords(Worker):
    """PendingReturns that do not decode are left, and nobody is told."""

    async def handle(self, message):
        job = self.decoder.decode(ScheduleMessage, message)
        try:
            await super().handle(message)
        except BrrrError as error:
            if error.code != "REFUSED" or not job:
                raise


@breaks("WORK-10")
class PutsCallsThatAreNone(Worker):
    """A call_hash that is not printable is written all the same."""

    async def defer(self, job, asks):
        asks = [ask._replace(call_hash=repr(ask.call_hash)[1:-1]) for ask in asks]
        await super().defer(job, asks)


@breaks("WORK-10")
class PassesOverCallsThatAreNone(Worker):
    """A call that cannot be encoded is left out of a defer in silence."""

    async def defer(self, job, asks):
        asks = [ask for ask in asks if ask.call_hash.isprintable()]
        await super().defer(job, [ask for ask in asks if ask.call_hash.isascii()])
