# SPDX-License-Identifier: AGPL-3.0-only
"""The state of a database: to set up, to read back, to compare.

An expected state may have holes (notation.py): they are filled from the actual
one, then octets are compared with octets.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance.notation import NOW, Hole, Octets, show
from brrr_conformance.server import raw

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

    from redis.asyncio import Redis

COUNT_PREFIX = b"brrr_count/"
SHOWN = 200
# How far C's time() may be behind: it is set by the kernel's tick.
TICK_SECONDS = 0.02

Stored: TypeAlias = "bytes | tuple[bytes, ...]"
Snapshot: TypeAlias = "Mapping[bytes, Stored]"


@dataclass(frozen=True, slots=True)
class Entry:
    """One key: a string, or a list from its head."""

    key: Octets
    string: Octets | None = None
    items: tuple[Octets, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    entries: tuple[Entry, ...] = ()

    def __add__(self, other: State) -> State:
        """Join two; lists at one key follow each other."""
        joined = {entry.key: entry for entry in self.entries}
        for entry in other.entries:
            before = joined.get(entry.key)
            if before is not None and entry.string is None:
                entry = Entry(entry.key, None, before.items + entry.items)
            joined[entry.key] = entry
        return State(tuple(joined.values()))


def join(states: Iterable[State]) -> State:
    return sum(states, State())


async def write(redis: Redis, state: State) -> None:
    """Put a state without holes into the database."""
    pipeline = redis.pipeline(transaction=False)
    for entry in state.entries:
        key = entry.key.fill(b"", 0)
        if entry.string is not None:
            pipeline.set(key, entry.string.fill(b"", int(time.time())))
        elif entry.items:
            pipeline.rpush(key, *(item.fill(b"", 0) for item in entry.items))
    if len(pipeline):
        await pipeline.execute()


async def read(redis: Redis) -> dict[bytes, Stored]:
    """Take a snapshot of the database."""
    keys: list[bytes] = sorted(await raw(redis, "KEYS", "*"))
    pipeline = redis.pipeline(transaction=False)
    for key in keys:
        pipeline.type(key)
    kinds = await pipeline.execute() if keys else []
    for key, kind in zip(keys, kinds, strict=True):
        match kind:
            case b"string":
                pipeline.get(key)
            case b"list":
                pipeline.lrange(key, 0, -1)
            case _:
                pipeline.echo(b"(a %s)" % kind)
    values = await pipeline.execute() if keys else []
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in zip(keys, values, strict=True)
        if value is not None
    }


@dataclass(slots=True)
class Comparison:
    """Of an actual state with an expected one."""

    expected: State
    actual: Snapshot
    # Present time, at earliest and at latest, for {now}.
    since: int
    until: int
    root: bytes = b"?"
    wanted: dict[bytes, Stored] = field(default_factory=dict)

    @classmethod
    def make(
        cls, expected: State, actual: Snapshot, since: float, until: float
    ) -> Comparison:
        earliest = int(since - TICK_SECONDS)
        comparison = cls(expected, actual, earliest, int(until) + 1)
        comparison.root = comparison._find_root()
        for entry in expected.entries:
            comparison._fill(entry)
        return comparison

    @property
    def equal(self) -> bool:
        return self.wanted == dict(self.actual)

    def report(self) -> str:
        """Show what differs, expected before got."""
        lines = []
        for key in sorted(self.wanted.keys() | self.actual.keys()):
            want, got = self.wanted.get(key), self.actual.get(key)
            if want != got:
                lines += [f"- {_line(key, want)}", f"+ {_line(key, got)}"]
            else:
                lines.append(f"  {_line(key, got)}")
        return "\n".join(["state (- expected, + got):", *lines])

    def _find_root(self) -> bytes:
        keys, strings, items = list(self.actual), list[bytes](), list[bytes]()
        for stored in self.actual.values():
            if isinstance(stored, bytes):
                strings.append(stored)
            else:
                items.extend(stored)
        for entry in self.expected.entries:
            places = [(entry.key, keys)]
            if entry.string is not None:
                places.append((entry.string, strings))
            places += [(item, items) for item in entry.items]
            for octets, candidates in places:
                if Hole.ROOT not in octets.parts:
                    continue
                for found in candidates:
                    if (root := _match(octets, found, Hole.ROOT)) is not None:
                        return root
        return b"?"

    def _fill(self, entry: Entry) -> None:
        key = entry.key.fill(self.root, 0)
        actual = self.actual.get(key)
        if entry.string is not None:
            found = actual if isinstance(actual, bytes) else b""
            now = _match(entry.string, found, NOW)
            inside = now is not None and self.since <= int(now) <= self.until
            seconds = int(now) if inside and now is not None else self.since
            self.wanted[key] = entry.string.fill(self.root, seconds)
        elif entry.items:
            self.wanted[key] = tuple(item.fill(self.root, 0) for item in entry.items)


def _match(octets: Octets, found: bytes, hole: Hole) -> bytes | None:
    """Give what stands in a hole, if there is one and the rest fits."""
    if hole not in octets.parts:
        return None
    match: re.Match[bytes] | None = octets.pattern().fullmatch(found)
    return match[hole.name.lower()] if match else None


def _line(key: bytes, stored: Stored | None) -> str:
    if stored is None:
        return f"{show(key)} is absent"
    if isinstance(stored, bytes):
        return f"STRING {show(key)} {show(stored, SHOWN)}"
    shown = [show(item, SHOWN) for item in stored[:20]]
    if len(stored) > len(shown):
        shown.append(f"… {len(stored)} in all")
    return f"LIST {show(key)} {' '.join(shown)}"
