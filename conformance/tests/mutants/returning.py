# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/scheduling.md: returns."""

from __future__ import annotations

from tiny import BrrrError, PendingReturns, Worker

from mutants.kit import breaks


class ReturnsOtherwise(Worker):
    """Writes out the loop of a return, for mutants to change its steps.

    Whether a return goes to `put_return` says `is_due`; what has been done with the
    octets of the record by then, `remove`.
    """

    async def finish(self, job, value):
        await self.brrr.do("SET", f"value/{job.call_hash}", value)
        key, refused = f"pending_returns/{job.call_hash}", {}
        for _ in range(self.attempts):
            octets = await self.brrr.get(key)
            if octets is None:
                break
            record = self.decoder.decode(PendingReturns, octets)
            for parent in record.returns:
                if self.is_due(parent, refused):
                    refused[parent] = await self.put_return(parent)
            if await self.remove(key, octets, record, refused):
                break
        else:
            raise BrrrError("CAS_EXHAUSTED", key)
        for error in filter(None, refused.values()):
            raise error

    def is_due(self, parent, refused):
        return parent not in refused

    async def remove(self, key, octets, record, refused):
        return await self.brrr.swap(key, octets, None)


@breaks("RET-2")
class PutsAParentOnce(ReturnsOtherwise):
    """A parent that waits under several roots is put under the first of them."""

    def is_due(self, parent, refused):
        return all(parent[1:] != each[1:] for each in refused)


# ---- the value --------------------------------------------------------------


@breaks("RET-1")
class WritesTheValueLast(Worker):
    """The value is written when the returns are put."""

    async def finish(self, job, value):
        brrr, do = self.brrr, self.brrr.do
        later = []

        async def do_later(*command, on=None):
            if command[0] == "SET" and command[1].startswith("value/"):
                later.append(command)
                return None
            return await do(*command, on=on)

        brrr.do = do_later
        try:
            await super().finish(job, value)
        finally:
            del brrr.do
            for command in later:
                await do(*command)


@breaks("RET-1")
class ReadsTheRecordFirst(Worker):
    """The pending returns are read before the value is written."""

    async def finish(self, job, value):
        key = f"pending_returns/{job.call_hash}"
        if await self.brrr.get(key) is None:
            await self.brrr.do("SET", f"value/{job.call_hash}", value)
        else:
            await super().finish(job, value)


@breaks("RET-1", smoke="return")
class WritesNoEmptyValues(Worker):
    """A value of no octets is not written."""

    async def finish(self, job, value):
        if value:
            await super().finish(job, value)


# ---- the returns ------------------------------------------------------------


class PutsReturnsOtherwise(Worker):
    """Puts another message than a return says."""

    async def put_return(self, parent):
        return await super().put_return(self.other(parent))


@breaks("RET-2", smoke="return")
class ReturnsToItsOwnTopic(PutsReturnsOtherwise):
    """A parent is put on the topic of the child."""

    def other(self, parent):
        return parent._replace(topic=self.topic)


@breaks("RET-2", smoke="return")
class ReturnsUnderItsOwnRoot(Worker):
    """A parent is put under the root_id of the child's message."""

    async def finish(self, job, value):
        self.root_id = job.root_id
        await super().finish(job, value)

    async def put_return(self, parent):
        return await super().put_return(parent._replace(root_id=self.root_id))


@breaks("RET-2", smoke="return")
class ReturnsToOneParent(ReturnsOtherwise):
    """The first parent only is put."""

    def is_due(self, parent, refused):
        return not refused


@breaks("RET-2")
class ReturnsToEachCallOnce(ReturnsOtherwise):
    """A parent that waits under two roots is put for one of them."""

    def is_due(self, parent, refused):
        return parent.call_hash not in {it.call_hash for it in refused}


@breaks("RET-2")
class ReturnsToEachTopicOnce(ReturnsOtherwise):
    """A parent that waits on two topics is put on one of them."""

    def is_due(self, parent, refused):
        return parent[:2] not in {it[:2] for it in refused}


@breaks("RET-3")
class PutsAllAgainAfterAMismatch(ReturnsOtherwise):
    """After a mismatch the returns that were put are put again."""

    async def remove(self, key, octets, record, refused):
        done = await super().remove(key, octets, record, refused)
        if not done:
            refused.clear()
        return done


@breaks("RET-3", smoke="return")
class PutsReturnsTwice(Worker):
    """Each parent is put twice."""

    async def put_return(self, parent):
        return await super().put_return(parent) or await super().put_return(parent)


@breaks("RET-3")
class PutsWhatOccursTwice(Worker):
    """A return that occurs twice in the record is put twice."""

    async def finish(self, job, value):
        key = f"pending_returns/{job.call_hash}"
        octets = await self.brrr.get(key)
        record = octets and self.decoder.decode(PendingReturns, octets)
        once = set()
        for parent in record.returns if record else ():
            if parent in once:
                await self.put_return(parent)
            once.add(parent)
        await super().finish(job, value)


@breaks("RET-3")
class RemembersTheLastAttemptOnly(ReturnsOtherwise):
    """What was put two attempts ago is put again when it is new in the record."""

    async def remove(self, key, octets, record, refused):
        for parent in set(refused) - set(record.returns):
            del refused[parent]
        return await super().remove(key, octets, record, refused)


# ---- the record -------------------------------------------------------------


@breaks("RET-4", smoke="return")
class LeavesTheRecord(ReturnsOtherwise):
    """The record is not removed."""

    async def remove(self, key, octets, record, refused):
        return True


@breaks("RET-4", smoke="return")
class EmptiesTheRecord(ReturnsOtherwise):
    """A record without returns is left."""

    async def remove(self, key, octets, record, refused):
        empty = self.encoder.encode(record._replace(returns=()))
        return await self.brrr.swap(key, octets, empty)


@breaks("RET-4")
class RemovesWhateverIsThere(ReturnsOtherwise):
    """The record is removed whatever it holds by then."""

    async def remove(self, key, octets, record, refused):
        await self.brrr.do("DEL", key)
        return True


@breaks("RET-4")
class GivesUpAfterAMismatch(ReturnsOtherwise):
    """After a mismatch the record is left as it is."""

    async def remove(self, key, octets, record, refused):
        await super().remove(key, octets, record, refused)
        return True


@breaks("RET-4")
class ComparesWhatItWouldWrite(ReturnsOtherwise):
    """The record is removed against its octets as they are encoded here."""

    async def remove(self, key, octets, record, refused):
        return await self.brrr.swap(key, self.encoder.encode(record), None)


@breaks("RET-4", first="returning.record")
class RemovesBeforeItPuts(Worker):
    """The record is removed before its returns are put."""

    async def finish(self, job, value):
        await self.brrr.do("SET", f"value/{job.call_hash}", value)
        key = f"pending_returns/{job.call_hash}"
        for _ in range(self.attempts):
            octets = await self.brrr.get(key)
            if octets is None:
                return
            record = self.decoder.decode(PendingReturns, octets)
            if await self.brrr.swap(key, octets, None):
                break
        else:
            raise BrrrError("CAS_EXHAUSTED", key)
        errors = [await self.put_return(it) for it in dict.fromkeys(record.returns)]
        for error in filter(None, errors):
            raise error


# ---- the spawn limit --------------------------------------------------------


@breaks("RET-5")
class KeepsTheRecordAtTheLimit(ReturnsOtherwise):
    """The record stays at the spawn limit, so that the other returns go out again."""

    async def remove(self, key, octets, record, refused):
        if any(refused.values()):
            return True
        return await super().remove(key, octets, record, refused)


@breaks("RET-5")
class StopsAtTheLimit(Worker):
    """The spawn limit of one return ends all others."""

    async def put_return(self, parent):
        if error := await super().put_return(parent):
            raise error


@breaks("RET-5")
class ReturnsInSilence(Worker):
    """The spawn limit of a return is not reported."""

    async def put_return(self, parent):
        await super().put_return(parent)


@breaks("RET-5")
class TriesTheLimitAgain(ReturnsOtherwise):
    """A return that was refused is tried again after a mismatch."""

    def is_due(self, parent, refused):
        return refused.get(parent, True) is not None


@breaks("RET-5")
class ReportsTheLimitFirst(ReturnsOtherwise):
    """The spawn limit is reported before the record is removed."""

    async def remove(self, key, octets, record, refused):
        for error in filter(None, refused.values()):
            await self.report(error)
            raise error
        return await super().remove(key, octets, record, refused)
