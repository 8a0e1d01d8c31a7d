# SPDX-License-Identifier: AGPL-3.0-only
"""What is played on the scheduler.

An example:

    P, C, ROOT = name("p"), name("c"), name("root1")

    Scenario(
        given=(stored_call(P), stored_call(C), queued("t", (ROOT, P))),
        tasks={P: Task(b"2", needs=(ask(C),)), C: Task(b"1")},
        workers={"t": 2},
        final=(stored_call(P), stored_call(C), value(C, b"1"), value(P, b"2")),
        most={ROOT: 4},
    )
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brrr_conformance import state
from brrr_conformance.aside import Act, Deed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.state import State

# What stands for a number in every name of a scenario, so that it can be another
# in each run; the length stays.
MARK = b"~000000"
_NUMBER = re.compile(r"~\d{6}")
COUNTER = "brrr_count/"
LIMIT = 10_000  # [SCHED-12]


def name(text: str) -> str:
    """Make a call_hash or root_id that is another one in each run."""
    return text + MARK.decode()


def plain(text: str) -> str:
    """Leave the numbers out of a text."""
    return _NUMBER.sub("", text)


@dataclass(frozen=True, slots=True)
class Task:
    """What a handler does: it needs the values of these calls, then has its own."""

    value: bytes
    needs: tuple[pb.Ask, ...] = ()
    # One after the other, as a task that calls them; else at once, as gather.
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    given: tuple[State, ...]
    tasks: Mapping[str, Task]
    # How many on each topic.
    workers: Mapping[str, int]
    # In the end; the counters apart.
    final: tuple[State, ...]
    # How many messages may be counted under each root, at most.
    most: Mapping[str, int]
    # Roots whose count matters, for it comes near the limit.
    near: tuple[str, ...] = ()

    @property
    def limited(self) -> list[str]:
        """Give the counters that are near the limit."""
        return [f"{COUNTER}{root}" for root in self.near]

    def commands(self) -> list[tuple[bytes, ...]]:
        """Give the commands that make the state that it begins with."""
        found: list[tuple[bytes, ...]] = []
        for entry in state.join(self.given).entries:
            key = entry.key.fill(b"", 0)
            if entry.string is not None:
                octets = entry.string.fill(b"", int(time.time()))
                found.append((b"SET", key, octets))
            else:
                items = [item.fill(b"", 0) for item in entry.items]
                found.append((b"RPUSH", key, *items))
        return found

    def deeds(self) -> Iterator[Deed]:
        """Tell the trace of the state that it begins with."""
        for verb, key, *items in self.commands():
            act = Act.WRITE if verb == b"SET" else Act.PUSH
            for item in items:
                yield Deed(act, key.decode(), item)

    def queued(self, topic: str) -> int:
        """Count the messages that are on a queue to begin with."""
        return sum(
            len(entry.items)
            for entry in state.join(self.given).entries
            if entry.string is None and entry.key.fill(b"", 0) == topic.encode()
        )
