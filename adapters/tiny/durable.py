# SPDX-License-Identifier: AGPL-3.0-only
"""The durable queue on Redis: a worker that loses no message with its life.

What is in the worker's own list, and only that, it has still to handle. So nothing
is remembered elsewhere: a message that was moved there while nobody looked, by a
reaper or by a pop whose answer was lost, is found like any other [REDIS-37].
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from typing import Any

from tiny import BrrrError, PendingReturn, PendingReturns, Worker

BLMOVE_MS = 20_000  # the longest that anybody waits in one

NOW = """
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# Keys: registry. Arguments: worker.
BEAT = NOW + "redis.call('ZADD', KEYS[1], now, ARGV[1])"

# Keys: registry, the other's list, own list, attempts. Arguments: the other worker,
# dead time, how long a BLMOVE of the dead may still wait.
REAP = f"""{NOW}
    local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
    local age = score and now - score or 0
    if age <= tonumber(ARGV[2]) then return end
    while true do
        local message = redis.call('LMOVE', KEYS[2], KEYS[3], 'LEFT', 'RIGHT')
        if not message then break end
        redis.call('HINCRBY', KEYS[4], message, 1)
    end
    if age > ARGV[2] + ARGV[3] then redis.call('ZREM', KEYS[1], ARGV[1]) end"""

# Keys: own list, attempts, dead letters. Arguments: message, dead letter if any.
DONE = """
    local removed = redis.call('LREM', KEYS[1], 1, ARGV[1])
    redis.call('HDEL', KEYS[2], ARGV[1])
    if removed == 1 and ARGV[2] then redis.call('RPUSH', KEYS[3], ARGV[2]) end"""


class DurableWorker(Worker):
    dead_after_ms = 30_000
    most_deliveries = 4  # again [REDIS-38]
    forced = False

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.name = str(uuid.uuid4())  # [REDIS-31]
        self.own = self.inflight(self.name)
        self.registry, self.attempted, self.dead = (
            f"brrr:{each}:{{{self.topic}}}" for each in ("workers", "attempts", "dead")
        )
        self.pause, self.over = self.dead_after_ms / 4000, asyncio.Event()

    def inflight(self, name: str) -> str:
        return f"brrr:inflight:{{{self.topic}}}:{name}"

    async def script(self, script: str, keys: list[str], *args: Any) -> None:
        await self.brrr.do("EVAL", script, len(keys), *keys, *args)

    async def run(self) -> None:
        await self.beat()  # [REDIS-32]
        heart = asyncio.create_task(self.live())
        try:
            await super().run()
        finally:  # not cancelled: redis-py can lose a cancellation
            self.over.set()
            await heart
        if not await self.brrr.do("LLEN", self.own):  # [REDIS-36]
            await self.brrr.do("ZREM", self.registry, self.name)

    # ---- life and death of workers ------------------------------------------

    async def live(self) -> None:
        """Renew our time and look for the dead, whatever handlers do [QUEUE-14]."""
        while not self.over.is_set():
            with suppress(BrrrError):  # no Redis just now
                await self.beat()
                await self.reap()
            with suppress(TimeoutError):  # [REDIS-33] [REDIS-35]
                await asyncio.wait_for(self.over.wait(), self.pause)

    async def beat(self) -> None:
        await self.script(BEAT, [self.registry], self.name)

    async def reap(self) -> None:
        for octets in await self.brrr.do("ZRANGE", self.registry, 0, -1):
            if (name := octets.decode(errors="surrogateescape")) != self.name:
                keys = [self.registry, self.inflight(name), self.own, self.attempted]
                await self.script(REAP, keys, octets, self.dead_after_ms, BLMOVE_MS)

    # ---- messages -----------------------------------------------------------

    async def get(self) -> bytes | None:
        try:
            message = await self.brrr.do("LINDEX", self.own, 0) or await self.move()
            if message is None:
                return None
            again = int(await self.brrr.do("HGET", self.attempted, message) or 0)
        except BrrrError:  # what was moved all the same is found in the list
            self.client_id = 0
            await asyncio.sleep(0.1)
            return None
        if again > self.most_deliveries:  # [REDIS-38]
            await self.done(message, BrrrError("", f"delivered again {again} times"))
            return None
        self.forced = again > 0  # [QUEUE-12]
        return bytes(message)

    async def move(self) -> Any:
        """Take the next message [REDIS-30], or look again for what was reaped."""
        self.polling = True
        try:
            if not self.client_id:
                self.client_id = await self.brrr.do("CLIENT ID", on=self.line)
            ends = self.topic, self.own, "LEFT", "RIGHT"
            return await self.brrr.do(
                "BLMOVE", *ends, str(min(self.pause, BLMOVE_MS / 1000)), on=self.line
            )
        finally:
            self.polling = False

    async def handle(self, message: bytes) -> None:
        while True:
            try:
                return await super().handle(message)
            except BrrrError as error:
                if error.code != "BACKEND" or self.stopped:
                    raise
                await self.report(error)
                self.forced = True  # [QUEUE-15]
                await asyncio.sleep(self.rest)

    async def done(self, message: bytes, problem: BrrrError | None) -> None:
        """Acknowledge a message, or set it aside [REDIS-34] [QUEUE-20] [REDIS-40]."""
        letter = []
        if problem and (self.sets_aside or not problem.code):
            letter = [self.letter(message, str(problem))]
        while True:  # [QUEUE-13]
            with suppress(BrrrError):
                keys = [self.own, self.attempted, self.dead]
                return await self.script(DONE, keys, message, *letter)
            await asyncio.sleep(0.1)

    def letter(self, message: bytes, reason: str) -> bytes:
        at, why = int(time.time()), reason.encode(errors="backslashreplace")
        return self.encoder.write({b"at": at, b"message": message, b"reason": why})

    def must_put(self, old: PendingReturns | None, parent: PendingReturn) -> bool:
        return self.forced or super().must_put(old, parent)
