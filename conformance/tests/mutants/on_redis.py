# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/redis.md."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from tiny import Brrr, Worker

from mutants.kit import breaks


@breaks("REDIS-1")
class PutsInFront(Brrr):
    """A message is put at the head of its list."""

    async def do(self, *command, on=None):
        name = "LPUSH" if command[0] == "RPUSH" else command[0]
        return await super().do(name, *command[1:], on=on)


@breaks("REDIS-2")
class TakesTheNewest(Brrr):
    """The message at the tail is taken."""

    async def do(self, *command, on=None):
        name = "BRPOP" if command[0] == "BLPOP" else command[0]
        return await super().do(name, *command[1:], on=on)


@breaks("REDIS-2")
class Polls(Worker):
    """A worker asks again and again whether there is a message."""

    async def get(self):
        message = await self.brrr.do("LPOP", self.topic, on=self.line)
        await asyncio.sleep(0.01)
        return message


@breaks("REDIS-2")
class PollsInBetween(Worker):
    """A worker waits for a message for a moment only, and asks again."""

    async def get(self):
        reply = await self.brrr.do("BLPOP", self.topic, "0.05", on=self.line)
        return reply and reply[1]


@breaks("REDIS-3", smoke="schedule defer return")
class PrefixesTopics(Brrr):
    """A message is put at `queue:` and the topic."""

    async def do(self, *command, on=None):
        name, *args = command
        if name == "RPUSH":
            args[0] = f"queue:{args[0]}"
        return await super().do(name, *args, on=on)


@breaks("REDIS-3")
class LowersTopics(Brrr):
    """The key of a queue is the topic in small letters."""

    async def do(self, *command, on=None):
        name, *args = command
        if name == "RPUSH":
            args[0] = args[0].lower()
        return await super().do(name, *args, on=on)


@breaks("REDIS-3")
class EscapesTopics(Brrr):
    """What is not ASCII in a topic is escaped in its key."""

    async def do(self, *command, on=None):
        name, *args = command
        if name == "RPUSH":
            args[0] = args[0].encode("ascii", "backslashreplace")
        return await super().do(name, *args, on=on)


@breaks("REDIS-10")
class CountsByTwo(Brrr):
    """Each message counts twice after the first."""

    async def do(self, *command, on=None):
        if command[0] == "INCR" and await super().do("EXISTS", command[1]):
            command = ("INCRBY", command[1], 2)
        return await super().do(*command, on=on)


@breaks("REDIS-10")
class CountsByReadingFirst(Brrr):
    """The count is read with one command and written with another."""

    async def do(self, *command, on=None):
        if command[0] != "INCR":
            return await super().do(*command, on=on)
        count = int(await super().do("GET", command[1]) or 0) + 1
        await super().do("SET", command[1], count)
        return count


@breaks("REDIS-10", smoke="schedule defer return")
class CountsElsewhere(Brrr):
    """The key of a counter is `count/` and the root_id."""

    async def do(self, *command, on=None):
        if command[0] == "INCR":
            command = ("INCR", command[1].removeprefix("brrr_"))
        return await super().do(*command, on=on)


@breaks("REDIS-11")
class LetsCountersExpire(Brrr):
    """A counter expires after an hour."""

    async def do(self, *command, on=None):
        reply = await super().do(*command, on=on)
        if command[0] == "INCR":
            await super().do("EXPIRE", command[1], 3600)
        return reply


@breaks("REDIS-11")
class LetsCountersExpireAnHourTooEarly(Brrr):
    """A counter expires after 23 hours, and its time begins with its first message."""

    async def do(self, *command, on=None):
        reply = await super().do(*command, on=on)
        if command[0] == "INCR":
            await super().do("EXPIRE", command[1], 23 * 3600, "NX")
        return reply


@breaks("REDIS-11")
class LetsCountersExpireADayAfterTheFirst(Brrr):
    """A counter expires a day after its first message, whatever has come since."""

    async def do(self, *command, on=None):
        reply = await super().do(*command, on=on)
        if command[0] == "INCR":
            await super().do("EXPIRE", command[1], 24 * 3600, "NX")
        return reply


class OtherKeys(Brrr):
    """Writes and reads the keys of records otherwise."""

    async def do(self, *command, on=None):
        name, *args = command
        at = 2 if name == "EVAL" else 0
        if name in ("GET", "SET", "EXISTS", "EVAL"):
            args[at] = self.other(args[at])
        return await super().do(name, *args, on=on)


@breaks("REDIS-20", smoke="schedule defer return")
class KeysWithColons(OtherKeys):
    """A colon stands between type and call_hash in a key."""

    def other(self, key):
        return key.replace("/", ":", 1)


@breaks("REDIS-20")
class KeysWithoutCase(OtherKeys):
    """A call_hash is in small letters in a key."""

    def other(self, key):
        return key.lower()


@breaks("REDIS-20")
class KeysAreStripped(OtherKeys):
    """White space at the end of a call_hash is left out of a key."""

    def other(self, key):
        return key.strip()


@breaks("REDIS-20")
class KeysAreShort(OtherKeys):
    """A key ends after 200 characters."""

    def other(self, key):
        return key[:200]


@breaks("REDIS-20")
class KeysOfReturnsAreQuoted(OtherKeys):
    """In the key of who waits for a call, its hash is written as in a URL."""

    def other(self, key):
        return quote(key) if key.startswith("pending_returns/") else key


@breaks("REDIS-21", smoke="schedule defer")
class EndsCallsWithANewline(Brrr):
    """A Call is stored with a newline at its end."""

    async def do(self, *command, on=None):
        if command[0] == "SET" and command[1].startswith("call/"):
            command = ("SET", command[1], command[2] + b"\n")
        return await super().do(*command, on=on)


@breaks("REDIS-21", smoke="schedule defer")
class StoresCallsInHashes(Brrr):
    """A Call is stored as a field of a hash."""

    async def do(self, *command, on=None):
        if command[0] == "SET" and command[1].startswith("call/"):
            command = ("HSET", command[1], "octets", command[2])
        return await super().do(*command, on=on)


@breaks("REDIS-22")
class ComparesHere(Brrr):
    """A compare-and-set compares on the side of the worker."""

    async def swap(self, key, old, new):
        if await self.get(key) != old:
            return False
        await (self.do("DEL", key) if new is None else self.do("SET", key, new))
        return True


@breaks("REDIS-22")
class RemovesInTwoSteps(Brrr):
    """A compare-and-delete is a comparison and then a removal."""

    async def swap(self, key, old, new):
        if new is not None:
            return await super().swap(key, old, new)
        if await self.get(key) != old:
            return False
        return bool(await self.do("DEL", key))


@breaks("REDIS-23")
class LetsValuesExpire(Brrr):
    """A value expires after some days."""

    async def do(self, *command, on=None):
        if command[0] == "SET" and command[1].startswith("value/"):
            command = (*command, "EX", 600_000)
        return await super().do(*command, on=on)


@breaks("REDIS-23")
class LetsEmptyValuesExpire(Brrr):
    """A value of no octets expires after some days."""

    async def do(self, *command, on=None):
        if command[0] == "SET" and command[2:] == (b"",):
            command = (*command, "EX", 600_000)
        return await super().do(*command, on=on)


@breaks("REDIS-23")
class LetsCallsExpire(Brrr):
    """A Call expires after some days."""

    async def do(self, *command, on=None):
        if command[0] == "SET" and command[1].startswith("call/"):
            command = (*command, "EX", 600_000)
        return await super().do(*command, on=on)


@breaks("REDIS-23")
class LetsRecordsExpire(Brrr):
    """PendingReturns expire after some days."""

    async def swap(self, key, old, new):
        done = await super().swap(key, old, new)
        await self.do("EXPIRE", key, 600_000)
        return done
