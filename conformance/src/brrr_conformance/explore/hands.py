# SPDX-License-Identifier: AGPL-3.0-only
"""What one worker has under way, and when it is quiescent.

A worker is quiescent when nothing that it does by itself can bring forth another
command: what it sent is answered, or held. After each reply (and each answer of a
handler) the next command must come, so most workers are quiescent when it has come.
One that has several commands under way may take a reply and send nothing, or send
two; it is quiescent when its process sleeps, which Linux tells, and all that it wrote
has been read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncio

    from brrr_conformance.crew import Worker
    from brrr_conformance.explore.effects import Accesses
    from brrr_conformance.protocol import Operations
    from brrr_conformance.step import Step

# Where a command comes from: the number of a connection, or of an invocation.
Line: TypeAlias = "tuple[str, int]"


@dataclass(slots=True)
class Held:
    """A command that waits for its turn, or a handler that wants to read."""

    words: str
    line: Line
    accesses: Accesses
    go: asyncio.Future[None]
    # None for a handler.
    step: Step | None
    operations: Operations
    # What it takes from, if it is a pop: not before there is a message.
    topics: list[str]
    since: float = field(default_factory=time.monotonic)
    name: str = ""
    # The events of its worker that had to be over first.
    after: int = 0


@dataclass(slots=True)
class Hand:
    """One worker, in the present run."""

    worker: Worker
    held: dict[Line, Held] = field(default_factory=dict)
    # Commands whose reply is still to come; None for those not of the protocol.
    flying: dict[int, Held | None] = field(default_factory=dict)
    # Handlers that the runner is answering.
    answering: int = 0
    # Something has come since the last reply.
    reacted: bool = False
    # It has been seen with several commands at a time.
    is_parallel: bool = False
    # It sleeps, and nothing that it wrote is unread.
    sleeps: bool = False
    # By connection, what WATCH reads: EXEC does so again.
    watched: dict[Line, Accesses] = field(default_factory=dict)
    # Events: all, the last that was over, the last of each line.
    over: int = 0
    last: int = 0
    lines: dict[Line, int] = field(default_factory=dict)
    # How many of each kind there were.
    counts: dict[str, int] = field(default_factory=dict)
    # Counts arrivals and replies.
    news: int = 0

    @property
    def name(self) -> str:
        return self.worker.name

    @property
    def busy(self) -> bool:
        """Whether something of it is under way, so that more will come."""
        return bool(self.flying) or self.answering > 0

    @property
    def quiescent(self) -> bool:
        return not self.busy and (
            self.sleeps or (self.reacted and not self.is_parallel)
        )

    @property
    def fresh(self) -> bool:
        """Whether it has done nothing yet in this run."""
        return not self.over and not self.busy

    def begin(self) -> None:
        """Forget the run before; what is held is what this run begins with."""
        self.over = self.last = 0
        self.lines.clear()
        self.counts.clear()
        for held in self.held.values():
            held.after = 0
            self._name(held)

    def hold(self, held: Held) -> None:
        others = [each for each in self.held.values() if each.line != held.line]
        others += [each for each in self.flying.values() if each is not None]
        if any(each.line != held.line for each in others):
            self.is_parallel = True
        held.after = self.over
        if others:  # of several chains: only its own has to be over
            held.after = self.last | self.lines.get(held.line, 0)
        self.held[held.line] = held
        self._name(held)
        self.touch(reacted=True)

    def go(self, held: Held, bit: int) -> None:
        """Let it go; it is an event from now on."""
        del self.held[held.line]
        self.lines[held.line] = bit
        if held.step is None:
            self.answering += 1
        else:
            self.flying[id(held.step)] = held
        self.touch(reacted=False)
        held.go.set_result(None)

    def complete(self, bit: int) -> None:
        self.over |= bit
        self.last = bit

    def touch(self, *, reacted: bool) -> None:
        self.reacted, self.sleeps = reacted, False
        self.news += 1

    def _name(self, held: Held) -> None:
        number = self.counts.get(held.words, 0) + 1
        self.counts[held.words] = number
        times = f" #{number}" if number > 1 else ""
        held.name = f"{self.name} {held.words}{times}"
