# SPDX-License-Identifier: AGPL-3.0-only
"""Records in a trace: read as leniently as any decoder may, and judged as written."""

from __future__ import annotations

from functools import lru_cache

from brrr_conformance.bencode import DecodeError, EncodeError
from brrr_conformance.records import (
    Call,
    Kind,
    PendingReturns,
    Record,
    ScheduleMessage,
    decode,
)

LAYOUT = {
    Kind.SCHEDULE_MESSAGE: "REC-1",
    Kind.PENDING_RETURNS: "REC-3",
    Kind.CALL: "REC-4",
}


@lru_cache(maxsize=4096)
def _lenient(kind: Kind, octets: bytes) -> Record | None:
    try:
        return decode(kind, octets, level=1)
    except DecodeError:
        return None


def message_in(octets: bytes) -> ScheduleMessage | None:
    """Read a message; None if a decoder of level 1 must reject it."""
    record = _lenient(Kind.SCHEDULE_MESSAGE, octets)
    return record if isinstance(record, ScheduleMessage) else None


def returns_in(octets: bytes) -> PendingReturns | None:
    record = _lenient(Kind.PENDING_RETURNS, octets)
    return record if isinstance(record, PendingReturns) else None


def call_in(octets: bytes) -> Call | None:
    record = _lenient(Kind.CALL, octets)
    return record if isinstance(record, Call) else None


@lru_cache(maxsize=4096)
def flaw(kind: Kind, octets: bytes) -> tuple[str, str] | None:
    """Tell which requirement an encoder broke when it wrote this, and how."""
    try:
        record = decode(kind, octets)
        canonical = record.encode()
    except DecodeError as error:
        name = error.requirement if error.requirement.startswith("WIRE") else ""
        return name or LAYOUT[kind], f"no canonical {kind}: {error.reason}"
    except EncodeError as error:
        return error.requirement, f"no canonical {kind}: {error.reason}"
    if canonical == octets:
        return None
    if isinstance(record, PendingReturns):
        if len(set(record.returns)) < len(record.returns):
            return "REC-6", "a return is in the record twice"
        if octets.find(b"12:scheduled_ati0e") >= 0:
            return "REC-8", "scheduled_at is written though it is zero"
        by_octets = sorted(
            record.returns,
            key=lambda it: [
                text.encode() for text in (it.root_id, it.call_hash, it.topic)
            ],
        )
        if list(record.returns) != by_octets:
            return "REC-7", "the returns are not sorted"
    return "REC-11", f"no canonical {kind}: it holds more than is defined"
