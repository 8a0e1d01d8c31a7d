# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants that are right nearly always: wrong at a size only, or for one octet."""

from __future__ import annotations

from tiny import Brrr, Worker

from mutants.kit import breaks
from mutants.returning import ReturnsOtherwise


@breaks("SCHED-12")
class CountsIn16Bits(Brrr):
    """A count is looked at modulo 2^16, so that message 65 537 is put."""

    async def do(self, *command, on=None):
        reply = await super().do(*command, on=on)
        return reply % 65_536 if command[0] == "INCR" else reply


@breaks("RET-2")
class ReturnsToAHundredParents(ReturnsOtherwise):
    """Of many parents the first hundred are put."""

    def is_due(self, parent, refused):
        return super().is_due(parent, refused) and len(refused) < 100


@breaks("RET-3")
class RemembersAFewReturns(ReturnsOtherwise):
    """After a mismatch the worker knows of two returns only that it has put them."""

    async def remove(self, key, octets, record, refused):
        done = await super().remove(key, octets, record, refused)
        for parent in [*refused][:-2] if not done else ():
            del refused[parent]
        return done


@breaks("SCHED-27")
class LooksAtAFewReturns(Worker):
    """Of a long record the first ten returns are looked at for a repeated call."""

    def must_put(self, old, parent):
        return super().must_put(old and old._replace(returns=old.returns[:10]), parent)


@breaks("SCHED-25")
class KeepsTimesIn31Bits(Worker):
    """A scheduled_at beyond 2038 wraps when the record is written again."""

    def with_return(self, old, parent):
        new = super().with_return(old, parent)
        return new._replace(scheduled_at=new.scheduled_at & 0x7FFF_FFFF)


@breaks("SCHED-20")
class CutsGreatPayloads(Brrr):
    """The payload of a child ends after 64 KiB."""

    async def set_call(self, ask):
        await super().set_call(ask._replace(payload=ask.payload[: 1 << 16]))


@breaks("WORK-2")
class EndsPayloadsAtNul(Worker):
    """A handler is given the payload up to its first octet 00."""

    async def invoke(self, job, call):
        payload = call.payload.partition(b"\0")[0]
        return await super().invoke(job, call._replace(payload=payload))
