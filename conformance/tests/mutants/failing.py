# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of several chapters: what a worker does when store, queue or cache fails."""

from __future__ import annotations

from durable import DurableWorker
from tiny import Brrr, BrrrError, Worker

from mutants.handling import HandlesOtherwise
from mutants.kit import breaks


@breaks("WORK-11", first="cut-before")
class FailsInSilence(HandlesOtherwise):
    """A message that is given up because a backend failed is not reported."""

    code = "BACKEND"


@breaks("WORK-11", first="error")
class GoesOnWithoutTheCall(Brrr):
    """When the Call of a child cannot be written, the child is put all the same."""

    async def set_call(self, ask):
        try:
            await super().set_call(ask)
        except BrrrError as error:
            if error.code != "BACKEND":
                raise


@breaks("WORK-11", first="error")
class TakesFailuresForMismatches(Brrr):
    """A compare-and-set that failed is taken for a mismatch."""

    async def swap(self, key, old, new):
        try:
            return await super().swap(key, old, new)
        except BrrrError:
            return False


class EndsOtherwise(Worker):
    """Ends at some failures of its pop."""

    async def get(self):
        try:
            return await super().get()
        except BrrrError as error:
            if self.is_fatal(str(error)):
                raise RuntimeError("the loop ends") from error
            raise


@breaks("REDIS-5", first="pop")
class EndsWithItsConnection(EndsOtherwise):
    """The loop of a worker ends when the connection of its pop drops."""

    def is_fatal(self, reason):
        return "ConnectionError" in reason


@breaks("REDIS-5", first="pop")
class EndsAtAnError(EndsOtherwise):
    """The loop of a worker ends when its pop is answered with an error."""

    def is_fatal(self, reason):
        return "ConnectionError" not in reason


@breaks("REDIS-5", first="while_workers_wait")
class HandlesOverADeadConnection(Worker):
    """After a pop was cut off, the next message meets another dead connection."""

    lost = False

    async def get(self):
        try:
            return await super().get()
        except BrrrError as error:
            self.lost = "ConnectionError" in str(error)
            raise

    async def handle(self, message):
        if self.lost:
            self.lost = False
            raise BrrrError("BACKEND", "ConnectionError: this one was lost, too")
        await super().handle(message)


@breaks("WORK-11", first="remove")
class KeepsALostRemovalToItself(Worker):
    """That nobody knows whether a record was removed is not reported."""

    async def finish(self, job, value):
        swap = self.brrr.swap

        async def swap_quietly(key, old, new):
            try:
                return await swap(key, old, new)
            except BrrrError:
                return True

        self.brrr.swap = swap_quietly
        try:
            await super().finish(job, value)
        finally:
            del self.brrr.swap


class SendsAgain(Brrr):
    """Sends some commands again when their reply did not come."""

    names: tuple[str, ...]

    async def do(self, *command, on=None):
        try:
            return await super().do(*command, on=on)
        except BrrrError as error:
            if command[0] not in self.names or "ConnectionError" not in str(error):
                raise
            return await super().do(*command, on=on)


@breaks("REDIS-24", first="cut-after")
class PutsAgain(SendsAgain):
    """A put whose reply did not come is sent again."""

    names = ("RPUSH",)


@breaks("REDIS-24", first="cut-after")
class CountsAgain(SendsAgain):
    """An incr whose reply did not come is sent again."""

    names = ("INCR",)


@breaks("REDIS-24", first="cut-after")
class SwapsAgain(SendsAgain):
    """A compare-and-set whose reply did not come is sent again."""

    names = ("EVAL",)


@breaks("QUEUE-15", first="error")
class GivesUpWhatFailed(DurableWorker):
    """A message whose handling ended because a backend failed is acknowledged."""

    handle = Worker.handle


@breaks("QUEUE-15")
class TriesAgainWithoutForce(DurableWorker):
    """A message whose handling failed is handled again like any other."""

    forced = property(lambda self: False, lambda self, value: None)
