# SPDX-License-Identifier: AGPL-3.0-only
"""Puts a vector to an SDK and judges what comes back.

Only the SDK's own decode or encode error (REFUSED) is a rejection. Every other
end of the command has failed, whatever the vector expects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from brrr_conformance import bencode, records
from brrr_conformance.forms import from_message, to_message
from brrr_conformance.notation import show
from brrr_conformance.outcome import (
    CaseFailed,
    CommandFailed,
    HarnessError,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.records import Kind, PendingReturns, Record
from brrr_conformance.vector import Expected, Vector, Way, expand

if TYPE_CHECKING:
    from brrr_conformance.adapter import Adapter

SHOWN = 160

TYPES = {
    Kind.SCHEDULE_MESSAGE: pb.SCHEDULE_MESSAGE,
    Kind.PENDING_RETURN: pb.PENDING_RETURN,
    Kind.PENDING_RETURNS: pb.PENDING_RETURNS,
    Kind.CALL: pb.CALL,
    Kind.VALUE: pb.VALUE,
}
FIELDS = {
    Kind.SCHEDULE_MESSAGE: "schedule_message",
    Kind.PENDING_RETURN: "pending_return",
    Kind.PENDING_RETURNS: "pending_returns",
    Kind.CALL: "call",
}


async def judge(vector: Vector, adapter: Adapter) -> None:
    """Return if the SDK does what the vector expects; raise if it does not."""
    ask = _decode if vector.way is Way.DECODE else _encode
    try:
        complaint = await ask(vector, adapter)
    except CommandFailed as error:
        complaint = _rejected(vector, error)
        if complaint:
            raise CaseFailed(_describe(vector, complaint)) from error
        return
    if complaint:
        raise CaseFailed(_describe(vector, complaint))


def _rejected(vector: Vector, error: CommandFailed) -> str:
    failure = error.failure
    if failure.code != pb.REFUSED:
        return f"ended in {error.code}, which is no rejection: {failure.reason}"
    if vector.expect is not Expected.ACCEPT:
        return ""
    where = f" at offset {failure.offset}" if failure.HasField("offset") else ""
    why = f" [{failure.requirement}]" if failure.requirement else ""
    return f"rejected{where}: {failure.reason}{why}"


def _check_accepted(vector: Vector, adapter: Adapter, what: str) -> str:
    """Complain if the SDK should have rejected."""
    if vector.expect is not Expected.REJECT:
        return ""
    if vector.level > adapter.config.level:
        raise NotImplementedByAdapter(f"level {vector.level} is not claimed")
    return f"accepted, {what}"


# ---- decoding ---------------------------------------------------------------


async def _decode(vector: Vector, adapter: Adapter) -> str:
    octets = expand(vector.input or ())
    decoded = await adapter.decode(TYPES[vector.kind], octets)
    again = f"encoded again: {show(decoded.reencoded, SHOWN)}"
    if complaint := _check_accepted(vector, adapter, again):
        return complaint
    written = _due_octets(vector, octets)
    if vector.kind is not Kind.VALUE:
        got = from_message(getattr(decoded, FIELDS[vector.kind]))
        if complaint := _check_record(vector, got, written):
            return complaint
    if vector.expect is Expected.REJECT_OR_EXACT and not decoded.reencoded:
        return ""  # kept, and rightly not written again [WIRE-4]
    if written is not None and decoded.reencoded != written:
        return f"{again}, not {show(written, SHOWN)}"
    return ""


def _check_record(vector: Vector, got: Record, written: bytes | None) -> str:
    """Compare what was decoded with the vector's value.

    Where it has none, the record is right if the oracle, too, writes it as it is
    to be written.
    """
    if vector.value is not None:
        if comparable(got) == comparable(vector.value):
            return ""
        return f"decoded as {_brief(got)}, not {_brief(vector.value)}"
    if vector.expect is not Expected.ACCEPT or written is None:
        return ""
    try:
        right = records.encode(got) == written
    except bencode.EncodeError:
        right = False
    return "" if right else f"decoded as {_brief(got)}"


def _due_octets(vector: Vector, octets: bytes) -> bytes | None:
    """Give what must be written again: as told, else as the oracle has it."""
    if vector.canonical is not None:
        return expand(vector.canonical)
    if vector.expect is Expected.EITHER:
        return None
    verdict = records.judge(vector.kind, octets)
    if verdict.expect is records.Expect.ACCEPT:
        return verdict.canonical
    return octets if vector.expect is Expected.REJECT_OR_EXACT else None


def comparable(record: Record) -> Record:
    """Make a set of what is one."""
    if not isinstance(record, PendingReturns):
        return record
    key = [(each.root_id, each.call_hash, each.topic) for each in record.returns]
    unique = dict(zip(key, record.returns, strict=True))
    return replace(record, returns=tuple(unique[name] for name in sorted(unique)))


# ---- encoding ---------------------------------------------------------------


async def _encode(vector: Vector, adapter: Adapter) -> str:
    if vector.value is None:
        raise HarnessError(f"{vector.id}: nothing to encode")
    octets = await adapter.encode(to_encode(vector.value))
    wrote = f"wrote {show(octets, SHOWN)}"
    if complaint := _check_accepted(vector, adapter, wrote):
        return complaint
    if vector.canonical is not None:
        due = expand(vector.canonical)
    elif vector.expect is Expected.ACCEPT:
        due = records.encode(vector.value)
    else:
        return ""
    return "" if octets == due else f"{wrote}, not {show(due, SHOWN)}"


def to_encode(record: Record) -> pb.Encode:
    """Make the command, with what no protobuf string can carry beside it."""
    ill_formed: list[pb.IllFormed] = []
    clean = _clean(record, ill_formed)
    kind = Kind(type(record).__name__)
    try:
        message = to_message(clean)
    except ValueError as error:
        raise NotImplementedByAdapter(
            f"adapter.proto cannot say it: {error}"
        ) from error
    encode = pb.Encode(ill_formed=ill_formed)
    getattr(encode, FIELDS[kind]).CopyFrom(message)
    return encode


def _clean(record: Any, ill_formed: list[pb.IllFormed]) -> Any:
    """Take ill-formed texts out of a record."""
    if isinstance(record, PendingReturns):
        if not record.returns:
            return record
        first, *others = record.returns
        cleaned = _clean(first, ill_formed)
        return PendingReturns((cleaned, *others), record.scheduled_at)
    taken: dict[str, Any] = {}
    for name in type(record).__slots__:
        text = getattr(record, name)
        if isinstance(text, str) and (octets := _ill_formed(text)) is not None:
            ill_formed.append(pb.IllFormed(field=name, octets=octets))
            taken[name] = ""
    return replace(record, **taken) if taken else record


def _ill_formed(text: str) -> bytes | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return None


# ---- words ------------------------------------------------------------------


def _describe(vector: Vector, complaint: str) -> str:
    if vector.way is Way.DECODE:
        given = show(expand(vector.input or ()), SHOWN)
    else:
        given = _brief(vector.value)
    due = vector.expect.replace("_", " ")
    lines = [complaint, f"  {vector.suite}: {given}", f"  expected: {due}"]
    if vector.note:
        lines.append(f"  because: {vector.note}")
    return "\n".join(lines)


def _brief(record: Record | None) -> str:
    text = repr(record)
    return text if len(text) <= 2 * SHOWN else f"{text[: 2 * SHOWN]}…"
