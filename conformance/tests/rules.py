# SPDX-License-Identifier: AGPL-3.0-only
"""Rules that traces written by hand break, for the tests of what is rejected.

RULES = Rules()

@RULES.breaks("SCHED-10")
def put_without_count(tape): ...

@RULES.each
def test_rejected(requirement, play):
    expect_rejected(requirement, play)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.checker import check
from tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    Play = Callable[[Tape], None]

# Returns that a record may have.
P = ("root1", "p", "t")
OTHER = ("root1", "o", "t")


class Rules:
    """Functions that play the shortest trace which breaks one requirement each."""

    def __init__(self) -> None:
        self.plays: list[tuple[str, Play]] = []

    def breaks(self, requirement: str) -> Callable[[Play], Play]:
        def note(play: Play) -> Play:
            self.plays.append((requirement, play))
            return play

        return note

    @property
    def each(self) -> pytest.MarkDecorator:
        """Mark a test that is given each requirement, and what breaks it."""
        params = [pytest.param(*it, id=it[1].__name__) for it in self.plays]
        return pytest.mark.parametrize(("requirement", "play"), params)


def expect_rejected(requirement: str, play: Play) -> None:
    """Demand a verdict by that requirement, about a command of that worker."""
    tape = Tape()
    play(tape)
    if not tape.sent.get((tape.worker, 9)) and tape.worker != "client":
        tape.wait("t")
    tape.quiet()
    violation = check(tape.trace)
    assert violation is not None, "accepted"
    assert violation.requirement == requirement, str(violation)
    assert 0 <= violation.frame <= len(tape.trace.frames)
    assert violation.worker == tape.worker
    assert violation.reason.endswith(".") or requirement == "TRACE"
