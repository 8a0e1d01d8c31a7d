# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/backends.md."""

from __future__ import annotations

import asyncio

from tiny import Brrr, BrrrError, Worker

from mutants.kit import breaks

# ---- store ------------------------------------------------------------------


@breaks("STORE-1")
class ReadsZeroOctetsAsAbsent(Brrr):
    """What is stored as no octets is read as absent."""

    async def get(self, key):
        return await super().get(key) or None


@breaks("STORE-1")
class StripsWhatItReads(Brrr):
    """White space around what is stored is stripped."""

    async def get(self, key):
        octets = await super().get(key)
        return octets and octets.strip()


@breaks("STORE-1")
class ReadsText(Brrr):
    """What is stored is read as text, and what is no text is replaced."""

    async def get(self, key):
        octets = await super().get(key)
        return octets and octets.decode(errors="replace").encode()


@breaks("STORE-1")
class EndsOctetsAtNul(Brrr):
    """What is stored ends at its first octet 00, as in C."""

    async def get(self, key):
        octets = await super().get(key)
        return octets and octets.partition(b"\0")[0]


@breaks("STORE-2")
class TakesARecordForAValue(Brrr):
    """A call with pending returns is taken for one with a value."""

    async def do(self, *command, on=None):
        if command[0] == "EXISTS":
            both = command[1], command[1].replace("value/", "pending_returns/", 1)
            command = ("EXISTS", *both)
        return await super().do(*command, on=on)


@breaks("STORE-2")
class KeepsValuesWithCalls(Brrr):
    """Whether there is a value is asked of the call's key."""

    async def do(self, *command, on=None):
        if command[0] == "EXISTS":
            command = ("EXISTS", command[1].replace("value/", "call/", 1))
        return await super().do(*command, on=on)


@breaks("STORE-3")
class SwapsInTwoSteps(Brrr):
    """A compare-and-set is a read and then a write."""

    async def swap(self, key, old, new):
        if await self.get(key) != old:
            return False
        await (self.do("DEL", key) if new is None else self.do("SET", key, new))
        return True


@breaks("STORE-3")
class ComparesLengths(Brrr):
    """A compare-and-set compares the number of octets."""

    swap_script = Brrr.swap_script.replace(
        "~= old then",
        "~= old and (not old or #redis.call('GET', KEYS[1]) ~= #old) then",
    )


@breaks("STORE-3")
class CreatesWithoutLooking(Brrr):
    """Where a record was absent, it is written whatever is there now."""

    async def swap(self, key, old, new):
        if old is None:
            await self.do("SET", key, new)
            return True
        return await super().swap(key, old, new)


@breaks("STORE-3")
class RemovesWithoutLooking(Brrr):
    """A record is removed whatever it holds now."""

    async def swap(self, key, old, new):
        if new is None:
            await self.do("DEL", key)
            return True
        return await super().swap(key, old, new)


# ---- compare-and-set loops --------------------------------------------------


@breaks("STORE-5")
class GivesUpAtOnce(Worker):
    """A compare-and-set loop makes two attempts."""

    attempts = 2


@breaks("STORE-5")
class GivesUpAnAttemptTooEarly(Worker):
    """A compare-and-set loop makes 99 attempts."""

    attempts = 99


@breaks("STORE-5", first="two_records")
class SharesItsAttempts(Worker):
    """The mismatches of a worker are counted over all that it does."""

    mismatches = 0

    @property
    def attempts(self):
        return 100 - self.mismatches

    async def add_pending_return(self, call_hash, parent):
        swap = self.brrr.swap

        async def counted(key, old, new):
            done = await swap(key, old, new)
            self.mismatches += not done
            return done

        self.brrr.swap = counted
        try:
            return await super().add_pending_return(call_hash, parent)
        finally:
            del self.brrr.swap


@breaks("STORE-6")
class GivesUpAnAttemptTooLate(Worker):
    """A compare-and-set loop makes 102 attempts."""

    attempts = 102


@breaks("STORE-6", status="timed out")
class NeverGivesUp(Worker):
    """A compare-and-set loop has no end."""

    attempts = 10**9


@breaks("STORE-6")
class GivesUpInSilence(Worker):
    """Who gives up says nothing."""

    async def handle(self, message):
        try:
            await super().handle(message)
        except BrrrError as error:
            if error.code != "CAS_EXHAUSTED":
                raise


@breaks("STORE-6")
class GivesUpWithAnyError(Worker):
    """Who gives up says so with an error that others have too."""

    async def handle(self, message):
        try:
            await super().handle(message)
        except BrrrError as error:
            if error.code == "CAS_EXHAUSTED":
                error.code = "BACKEND"
            raise


# ---- queue ------------------------------------------------------------------


@breaks("QUEUE-1")
class TakesFromTopicsWithoutCase(Worker):
    """Messages of the topic in small and in capital letters are taken too."""

    async def get(self):
        topics = {self.topic, self.topic.lower(), self.topic.upper()}
        reply = await self.brrr.do("BLPOP", *topics, 1, on=self.line)
        return reply and reply[1]


@breaks("QUEUE-1")
class StripsTopics(Worker):
    """White space around a topic is not looked at."""

    async def get(self):
        topics = [self.topic, self.topic.strip(), self.topic + " "]
        reply = await self.brrr.do("BLPOP", *topics, 1, on=self.line)
        return reply and reply[1]


@breaks("QUEUE-1")
class TakesFromLikeTopics(Worker):
    """A topic is a pattern, and messages of all that match it are taken."""

    async def get(self):
        found = await self.brrr.do("SCAN", 0, "MATCH", f"{self.topic}*", "TYPE", "list")
        keys = [key for key in found[1] if len(key) < 10]
        reply = await self.brrr.do("BLPOP", self.topic, *keys, 1, on=self.line)
        return reply and reply[1]


@breaks("QUEUE-2")
class StripsMessages(Worker):
    """White space around a message is stripped."""

    async def get(self):
        message = await super().get()
        return message and message.strip()


@breaks("QUEUE-2")
class ReadsMessagesAsText(Worker):
    """What is no text in a message is replaced."""

    async def get(self):
        message = await super().get()
        return message and message.decode(errors="replace").encode()


# ---- cache ------------------------------------------------------------------


@breaks("CACHE-1")
class CountsInTwoSteps(Brrr):
    """A counter is read, and then set."""

    async def do(self, *command, on=None):
        if command[0] != "INCR":
            return await super().do(*command, on=on)
        count = int(await super().do("GET", command[1]) or 0) + 1
        await asyncio.sleep(0.001)
        await super().do("SET", command[1], count)
        return count


@breaks("CACHE-1", smoke="schedule defer return")
class StartsToCountAtTwo(Brrr):
    """A counter that is absent counts as 1."""

    async def do(self, *command, on=None):
        if command[0] == "INCR":
            await super().do("SET", command[1], 1, "NX")
        return await super().do(*command, on=on)
