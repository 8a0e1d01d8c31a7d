# SPDX-License-Identifier: AGPL-3.0-only
"""Where the state of a case is: on Redis, or with its records in a DynamoDB table.

A state has one key for each thing, whatever engine holds it: `call/h` is a string
on the one and an item on the other. Queues and counters are always on Redis.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from brrr_conformance import request, state
from brrr_conformance.server import raw
from brrr_conformance.state import State

if TYPE_CHECKING:
    from brrr_conformance.dynamodb import Table
    from brrr_conformance.state import Stored


class Database(Protocol):
    async def write(self, given: State) -> None:
        """Put a state without holes there, next to what is there."""

    async def read(self) -> dict[bytes, Stored]:
        """Take a snapshot of everything."""

    async def get(self, key: bytes) -> bytes | None:
        """Read the string, or the record, at a key."""

    async def remove(self, key: bytes) -> None:
        """Remove what is at a key."""


@dataclass(frozen=True, slots=True)
class OnRedis:
    """All in one Redis database."""

    redis: Any

    async def write(self, given: State) -> None:
        await state.write(self.redis, given)

    async def read(self) -> dict[bytes, Stored]:
        return await state.read(self.redis)

    async def get(self, key: bytes) -> bytes | None:
        found: bytes | None = await raw(self.redis, "GET", key)
        return found

    async def remove(self, key: bytes) -> None:
        await raw(self.redis, "DEL", key)


@dataclass(frozen=True, slots=True)
class WithTable:
    """The records in a table of DynamoDB, all else on Redis."""

    redis: OnRedis
    table: Table

    async def write(self, given: State) -> None:
        others = []
        for entry in given.entries:
            key = entry.key.fill(b"", 0)
            if entry.string is None or request.item_key(key) is None:
                others.append(entry)
            else:
                octets = entry.string.fill(b"", int(time.time()))
                await self.table.put(key, octets)
        await self.redis.write(State(tuple(others)))

    async def read(self) -> dict[bytes, Stored]:
        found: dict[bytes, Stored] = dict(await self.table.read())
        for key, stored in (await self.redis.read()).items():
            # A record that went to Redis is at no key that a case expects.
            astray = isinstance(stored, bytes) and request.item_key(key) is not None
            found[b"(on Redis) " + key if astray else key] = stored
        return found

    async def get(self, key: bytes) -> bytes | None:
        if request.item_key(key) is None:
            return await self.redis.get(key)
        return await self.table.get(key)

    async def remove(self, key: bytes) -> None:
        if request.item_key(key) is None:
            await self.redis.remove(key)
        else:
            await self.table.remove(key)
