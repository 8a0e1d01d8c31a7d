# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker says of a trace that breaks the protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """The first frame by which a trace is none of the protocol."""

    # Such as SCHED-10; TRACE is that no server answers like this.
    requirement: str
    # Number of the frame in the trace, from 0.
    frame: int
    worker: str
    command: str
    # One sentence.
    reason: str

    def __str__(self) -> str:
        return (
            f"breaks {self.requirement} at frame {self.frame}, {self.worker}: "
            f"{self.command}\n{self.reason}"
        )


class Rejected(Exception):
    def __init__(self, violation: Violation) -> None:
        super().__init__(str(violation))
        self.violation = violation
