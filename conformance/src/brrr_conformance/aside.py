# SPDX-License-Identifier: AGPL-3.0-only
"""What happened beside the commands: adapter I/O, and what the case itself did.

The frames of a trace and its asides together are all that can be known of a case
afterwards: the trace checker reads them, and a failure file holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from brrr_conformance.pb import adapter_pb2 as pb


class Act(StrEnum):
    """What a case does by itself."""

    # All is quiet: whatever is to happen by itself has happened.
    QUIET = "quiet"
    # To a worker.
    KILL = "kill"
    CUT = "cut"
    # To the database: about to write a key; a string is there, or (None) nothing;
    # a message was put on a queue.
    TOUCH = "touch"
    WRITE = "write"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Deed:
    act: Act
    # Of what is done to the database.
    key: str = ""
    octets: bytes | None = None


What: TypeAlias = "pb.Command | pb.Reply | Deed"


@dataclass(frozen=True, slots=True)
class Aside:
    """Something that happened before the frame number `at`."""

    seconds: float
    at: int
    # Whose process; nobody's is "".
    worker: str
    what: What
