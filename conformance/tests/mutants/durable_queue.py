# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/durable.md: what any durable queue does."""

from __future__ import annotations

import asyncio

import durable
from durable import DurableWorker
from tiny import BrrrError, Worker

from mutants.kit import breaks


@breaks("QUEUE-10", first="returns_come_before")
class AcknowledgesFirst(DurableWorker):
    """A message is acknowledged before it is handled."""

    async def get(self):
        message = await super().get()
        if message:
            await super().done(message, None)
        return message


@breaks("QUEUE-10", first="problem")
class AcknowledgesWhatItCannotReport(DurableWorker):
    """A message is acknowledged before its problem is reported."""

    async def handle(self, message):
        try:
            await super().handle(message)
        except BrrrError as error:
            await self.done(message, error)
            raise


@breaks("QUEUE-10", first="report_comes_before")
class ReportsAfterwards(DurableWorker):
    """A problem is reported when its message has been acknowledged."""

    async def take(self, message):
        problem = None
        try:
            await self.handle(message)
        except BrrrError as error:
            problem = error
        await self.done(message, problem)
        if problem:
            await self.report(problem)


@breaks("QUEUE-11", first="dies_while_its_handler")
class LooksForNoDead(DurableWorker):
    """Nobody looks for dead workers."""

    async def reap(self):
        pass


@breaks("QUEUE-11", first="dies_while_its_handler")
class TakesWithoutKeeping(DurableWorker):
    """A message is taken as a plain worker would."""

    async def move(self):
        return await Worker.get(self)


@breaks("SCHED-28", first="force_is_for")
class ForcesFromThenOn(DurableWorker):
    """After a message that was delivered again all others are handled with force."""

    async def get(self):
        forced = self.forced
        message = await super().get()
        self.forced |= forced
        return message


@breaks("QUEUE-12", first="delivered_again_puts_every_child")
class DoesNotForce(DurableWorker):
    """A message that was delivered before is handled like any other."""

    must_put = Worker.must_put


@breaks("QUEUE-12", first="delivered_again_puts_every_child")
class ForcesTheFirstChild(DurableWorker):
    """Of a message that was delivered before only the first child is put."""

    def must_put(self, old, parent):
        must = super().must_put(old, parent)
        self.forced = False
        return must


@breaks("QUEUE-13", first="1-error")
class AcknowledgesOnce(DurableWorker):
    """An acknowledgement that failed is not tried again."""

    async def done(self, message, problem):
        keys = [self.own, self.attempted, self.dead]
        try:
            await self.script(durable.DONE, keys, message)
        except BrrrError:
            await self.brrr.do("LREM", self.own + ":gone", 1, message)


@breaks("QUEUE-14")
class BeatsBetweenHandlers(DurableWorker):
    """The time is renewed between two messages only."""

    async def live(self):
        pass

    async def get(self):
        await self.beat()
        await self.reap()
        return await super().get()


@breaks("QUEUE-20", first="no-message")
class SetsAsideWithoutLetter(DurableWorker):
    """A message that is set aside is acknowledged only."""

    async def done(self, message, problem):
        await super().done(message, None)


@breaks("QUEUE-20", first="no-message")
class SetsAsideWithoutReason(DurableWorker):
    """A dead letter says nothing of the reason."""

    def letter(self, message, reason):
        return super().letter(message, "")


class LettersOtherwise(DurableWorker):
    """Adds the dead letter in another way."""

    def letter(self, message, reason):
        whole = self.decoder.value(super().letter(message, reason))
        return self.encoder.write(self.other(whole))


@breaks("REDIS-40", first="no-message")
class LettersAreLists(LettersOtherwise):
    """A dead letter is a list, not a dict."""

    def other(self, whole):
        return list(whole.values())


@breaks("REDIS-40", first="no-message")
class LettersInMilliseconds(LettersOtherwise):
    """A dead letter has its time in milliseconds."""

    def other(self, whole):
        return {**whole, b"at": whole[b"at"] * 1000}


@breaks("REDIS-40", first="every-octet")
class LettersOfText(LettersOtherwise):
    """A dead letter has its message as text, and what is no text replaced."""

    def other(self, whole):
        text = whole[b"message"].decode(errors="replace").encode()
        return {**whole, b"message": text}


@breaks("REDIS-40", first="no-message")
class PutsDeadLettersInFront(DurableWorker):
    """A dead letter is added at the head of its list."""

    async def script(self, script, keys, *args):
        await super().script(script.replace("RPUSH", "LPUSH"), keys, *args)


@breaks("REDIS-40", first="no-message")
class SetsAsideInTwoSteps(DurableWorker):
    """A dead letter is added in one step, and the message removed in another."""

    async def done(self, message, problem):
        if problem and (self.sets_aside or not problem.code):
            await self.brrr.do("RPUSH", self.dead, self.letter(message, str(problem)))
            await asyncio.sleep(0.05)
        await super().done(message, None)
