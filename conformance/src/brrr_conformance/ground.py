# SPDX-License-Identifier: AGPL-3.0-only
"""The database of a case, and what the case itself does to it.

Whatever it writes is noted in the trace, for the trace checker: not all that a
worker finds there comes from a worker.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brrr_conformance import state
from brrr_conformance.aside import Act, Deed
from brrr_conformance.commands import text
from brrr_conformance.database import OnRedis, WithTable
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.server import raw
from brrr_conformance.tap import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from brrr_conformance.database import Database
    from brrr_conformance.dynamodb import Table


# No repr: pytest-asyncio has one made for each case, of all its frames.
@dataclass(slots=True, repr=False, kw_only=True)
class Ground:
    # Straight to the database; redis-py has types for few of its replies.
    redis: Any
    # Where the records are, if not on Redis too.
    table: Table | None = None
    trace: Trace = field(default_factory=Trace)

    @property
    def database(self) -> Database:
        redis = OnRedis(self.redis)
        return redis if self.table is None else WithTable(redis, self.table)

    async def given(self, *states: state.State) -> None:
        """Put this into the database, next to what is there."""
        joined, now = state.join(states), int(time.time())
        with self._writing(
            {
                entry.key.fill(b"", 0): entry.string.fill(b"", now)
                for entry in joined.entries
                if entry.string is not None
            }
        ):
            await self.database.write(joined)
        for entry in joined.entries:
            for item in entry.items:
                key = text(entry.key.fill(b"", 0))
                self.trace.aside("", Deed(Act.PUSH, key, item.fill(b"", 0)))

    async def queue(self, topic: str) -> list[ScheduleMessage]:
        """Read the messages that are on a queue, from its head."""
        items: list[bytes]
        items = await raw(self.redis, "LRANGE", topic, 0, -1)
        return [ScheduleMessage.decode(item) for item in items]

    async def stored(self, key: str) -> bytes | None:
        """Read what is stored at a key, straight from the database."""
        return await self.database.get(key.encode())

    async def remove(self, key: str) -> None:
        """Remove what is at a key, as another worker might do just now."""
        with self._writing({key.encode(): None}):
            await self.database.remove(key.encode())

    @contextmanager
    def _writing(self, strings: Mapping[bytes, bytes | None]) -> Iterator[None]:
        """Note what the case writes: before, for it may be seen at once, and after."""
        for key in strings:
            self.trace.aside("", Deed(Act.TOUCH, text(key)))
        yield
        for key, octets in strings.items():
            self.trace.aside("", Deed(Act.WRITE, text(key), octets))
