# SPDX-License-Identifier: AGPL-3.0-only
"""Names commands by what they do, so that they are the same in each run and SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.bencode import DecodeError
from brrr_conformance.commands import Kind
from brrr_conformance.explore.scenario import plain
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.step import shorten

if TYPE_CHECKING:
    from brrr_conformance.commands import Operation
    from brrr_conformance.protocol import Operations
    from brrr_conformance.step import Step


def words_of(step: Step, operations: Operations) -> str:
    """Say what a command does: `get call/c`, `put t (root1, c)`."""
    if not operations:  # such as WATCH
        return plain(f"{step.name} {' '.join(map(shorten, step.keys))}")
    return plain(", ".join(map(_word, operations)))


def _word(operation: Operation) -> str:
    if operation.kind is not Kind.PUT or operation.octets is None:
        return str(operation)
    message = read_message(operation.octets)
    if message is None:
        return f"{operation} {shorten(operation.octets)}"
    return f"{operation} ({message.root_id}, {message.call_hash})"


def read_message(octets: bytes) -> ScheduleMessage | None:
    try:
        return ScheduleMessage.decode(octets)
    except DecodeError:
        return None
