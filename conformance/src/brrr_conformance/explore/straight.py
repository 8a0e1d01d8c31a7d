# SPDX-License-Identifier: AGPL-3.0-only
"""The scheduler's own connection to Redis: past the tap, several commands at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brrr_conformance import resp
from brrr_conformance.outcome import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.server import Server
    from brrr_conformance.state import Stored

READ_AHEAD = 1 << 20

# Gives all keys with what is there.
SNAPSHOT = b"""
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local held = '(a ' .. kind .. ')'
  if kind == 'string' then held = redis.call('GET', key) end
  if kind == 'list' then held = redis.call('LRANGE', key, 0, -1) end
  found[#found + 1] = {key, held}
end
return found
"""


@dataclass(frozen=True, slots=True)
class Straight:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, server: Server) -> Straight:
        reader, writer = await asyncio.open_connection(
            server.host, server.port, limit=READ_AHEAD
        )
        straight = cls(reader, writer)
        await straight.ask(pack(b"SELECT", b"%d" % server.db))
        return straight

    def close(self) -> None:
        self.writer.close()

    async def ask(self, octets: bytes, replies: int = 1) -> list[resp.Value]:
        """Send packed commands; give the reply to each."""
        self.writer.write(octets)
        values: list[resp.Value] = []
        for _ in range(replies):
            reply = await resp.read_reply(self.reader)
            if reply is None or isinstance(reply.value, resp.Error):
                raise HarnessError(
                    f"Redis does not do what the scheduler asks: {reply}"
                )
            values.append(reply.value)
        return values

    async def snapshot(self) -> dict[bytes, Stored]:
        """Take a snapshot of the database, in one look."""
        [entries] = await self.ask(pack(b"EVAL", SNAPSHOT, b"0"))
        found: dict[bytes, Stored] = {}
        for entry in _list(entries):
            key, held = _list(entry)
            found[_octets(key)] = (
                tuple(map(_octets, held)) if isinstance(held, list) else _octets(held)
            )
        return found


def pack(*words: bytes) -> bytes:
    """Write a command as RESP."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def _list(value: resp.Value) -> Sequence[resp.Value]:
    return value if isinstance(value, list) else ()


def _octets(value: resp.Value) -> bytes:
    return value if isinstance(value, bytes) else b""
