# SPDX-License-Identifier: AGPL-3.0-only
"""One run: what has happened so far, and what is on the queues.

Every name of the scenario has the number of the run in it, so that no worker
remembers it. Events and accesses are named without it: they are the same in each run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brrr_conformance.commands import Kind
from brrr_conformance.explore.effects import READ, Access, effects
from brrr_conformance.explore.order import Event
from brrr_conformance.explore.scenario import MARK, plain
from brrr_conformance.explore.straight import pack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from brrr_conformance.explore.effects import Accesses
    from brrr_conformance.explore.hands import Hand, Held
    from brrr_conformance.explore.scenario import Scenario
    from brrr_conformance.explore.straight import Straight
    from brrr_conformance.protocol import Operations
    from brrr_conformance.state import Stored


@dataclass(frozen=True, slots=True)
class Played:
    """What one schedule has come to."""

    events: list[Event]
    # Requests for a message that nobody has put.
    waiting: list[Event]
    # What each event did.
    operations: list[Operations]
    snapshot: dict[bytes, Stored]
    # Codes of what the workers reported.
    problems: list[str]
    started: float
    error: Exception | None = None

    @property
    def schedule(self) -> list[str]:
        return [event.name for event in self.events]


@dataclass(slots=True)
class Play:
    scenario: Scenario
    number: int = 0
    started: float = field(default_factory=time.time)
    events: list[Event] = field(default_factory=list)
    operations: list[Operations] = field(default_factory=list)
    # Messages on each queue that is served: what put it (0: given).
    queues: dict[str, list[int]] = field(init=False)
    # The first event of each worker.
    first: dict[str, int] = field(default_factory=dict)
    # The counters near the limit.
    limited: set[str] = field(init=False)

    def __post_init__(self) -> None:
        scenario = self.scenario
        self.queues = {
            topic: [0] * scenario.queued(topic) for topic in scenario.workers
        }
        self.limited = {self.now(key) for key in scenario.limited}

    # ---- names --------------------------------------------------------------

    @property
    def mark(self) -> bytes:
        return b"~%06d" % self.number

    def now(self, text: str) -> str:
        """Put the number of this run into a name of the scenario."""
        return text.replace(MARK.decode(), self.mark.decode())

    def usual(self, octets: bytes) -> bytes:
        """Give the octets that the scenario has for these."""
        return octets.replace(self.mark, MARK)

    # ---- events -------------------------------------------------------------

    def effects(self, operations: Operations) -> Accesses:
        found = effects(operations, self.queues, self.limited)
        return tuple(
            Access(plain(key), self.usual(kind) if isinstance(kind, bytes) else kind)
            for key, kind in found
        )

    def reads(self, keys: Iterable[str]) -> Accesses:
        return tuple(Access(plain(key), READ) for key in keys)

    def pops(self, operations: Operations) -> list[str]:
        """Give the queues that a command takes a message from."""
        return [
            each.key
            for each in operations
            if each.kind is Kind.POP and each.key in self.queues
        ]

    def go(self, hand: Hand, held: Held, before: int) -> None:
        """Let a command go: an event, which also comes after `before`."""
        bit, cause = 1 << len(self.events), 0
        for topic in held.topics:
            if queue := self.queues[topic]:
                cause = queue.pop(0)
                break
        for each in held.operations:
            if each.kind is Kind.PUT and each.key in self.queues:
                self.queues[each.key].append(bit)
        after = held.after | before
        self.events.append(Event(held.name, held.accesses, after, cause))
        self.operations.append(held.operations)
        self.first.setdefault(hand.name, bit)
        hand.go(held, bit)

    async def note(self, bit: int, operations: Operations, straight: Straight) -> None:
        """Note what an event has done: a compare-and-set that failed has only read."""
        number = bit.bit_length() - 1
        operations = await self._only_put(operations, straight)
        self.operations[number] = operations
        if any(each.kind.is_compare for each in operations):
            event, accesses = self.events[number], self.effects(operations)
            self.events[number] = replace(event, accesses=accesses)

    async def _only_put(self, operations: Operations, straight: Straight) -> Operations:
        """Find out which of its puts an event has done; the others are no messages.

        A put may have a condition, as in a script that counts first, or in RPUSHX. If
        the reply does not tell, the queue does, for nobody else is under way.
        """
        found = list(operations)
        puts = [each for each in operations if each.kind is Kind.PUT]
        for put in reversed(puts):
            queue = self.queues.get(put.key)
            if queue is None or (put.done and len(operations) == 1):
                continue
            [length] = await straight.ask(pack(b"LLEN", put.key.encode()))
            if length != len(queue):
                queue.pop()
                found[found.index(put)] = replace(put, done=False)
        return tuple(found)

    async def snapshot(self, straight: Straight) -> dict[bytes, Stored]:
        """Read what has become of the database, with the names of the scenario."""
        found = await straight.snapshot()
        return {
            self.usual(key): self.usual(held)
            if isinstance(held, bytes)
            else tuple(map(self.usual, held))
            for key, held in found.items()
        }
