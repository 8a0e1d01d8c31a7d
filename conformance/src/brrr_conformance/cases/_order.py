# SPDX-License-Identifier: AGPL-3.0-only
"""What went to Redis before what.

An SDK may have many commands under way, on many connections, and may put several
into one transaction or script. So one thing is before another when both go in
this order over one connection, when its reply came before the other was sent, or
when both are one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from brrr_conformance.step import Step
    from brrr_conformance.tap import Frame
    from brrr_conformance.world import World

Line: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a command took effect: positions in the trace."""

    line: Line
    sent: int
    done: int

    def is_before(self, other: Moment) -> bool:
        if self.line == other.line:
            return self.sent <= other.sent
        return self.done < other.sent


def expect_order(
    world: World, first: Callable[[Step], bool], then: Callable[[Step], bool]
) -> None:
    """Demand that the last command of the one kind came before all of the other."""
    firsts, thens = moments(world, first), moments(world, then)
    assert firsts, "a command that is due first was never sent"
    assert thens, "a command that is due then was never sent"
    late = [each for each in thens if not firsts[-1].is_before(each)]
    assert not late, (
        f"wrong order: {world.frames[late[0].sent]} came before "
        f"{world.frames[firsts[-1].sent]}"
    )


def moments(world: World, matches: Callable[[Step], bool]) -> list[Moment]:
    """Find commands; what is in a transaction happens at its EXEC."""
    frames = world.frames
    replies = {
        id(frame.step): at for at, frame in enumerate(frames) if frame.reply is not None
    }
    found: list[Moment] = []
    queued: dict[Line, int] = {}
    for at, frame in enumerate(frames):
        if frame.reply is not None:
            continue
        line = (frame.worker, frame.connection)
        if frame.step.name == "MULTI":
            queued[line] = 0
        elif frame.step.name in ("EXEC", "DISCARD"):
            number = queued.pop(line, 0)
            if frame.step.name == "EXEC":
                found += [_moment(replies, at, frame)] * number
        elif matches(frame.step):
            if line in queued:
                queued[line] += 1
            else:
                found.append(_moment(replies, at, frame))
    return found


def _moment(replies: dict[int, int], at: int, frame: Frame) -> Moment:
    never = 1 << 62
    return Moment(
        (frame.worker, frame.connection), at, replies.get(id(frame.step), never)
    )
