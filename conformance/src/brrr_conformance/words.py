# SPDX-License-Identifier: AGPL-3.0-only
"""Commands and replies in the protocol's words, and octets made fit to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance import resp
from brrr_conformance.bencode import DecodeError
from brrr_conformance.commands import Kind
from brrr_conformance.records import (
    Call,
    PendingReturn,
    PendingReturns,
    Record,
    ScheduleMessage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.commands import Operation
    from brrr_conformance.step import Step

MOST_RETURNS = 5

SENT = {
    Kind.GET: "read {}",
    Kind.EXISTS: "look for {}",
    Kind.SET: "write {}",
    Kind.SET_NEW: "create {} if absent",
    Kind.CAS: "compare and set {}",
    Kind.CAD: "compare and remove {}",
    Kind.REMOVE: "remove {}",
    Kind.INCR: "count up {}",
    Kind.PUT: "put on {}",
    Kind.POP: "wait for a message on {}",
    Kind.ACK: "acknowledge on {}",
    Kind.SET_ASIDE: "set aside on {}",
    Kind.BEAT: "show life in {}",
    Kind.REAP: "take over from the dead of {}",
    Kind.LEAVE: "leave {}",
    Kind.LOOK: "look at {}",
}


def visible(text: str | bytes, most: int = 80) -> str:
    """Show text or octets on one line: what is not printable is escaped."""
    if isinstance(text, bytes):
        text = text[: 4 * most].decode("utf-8", "backslashreplace")
    short = text if len(text) <= most else text[:most] + "…"
    return "".join(map(_visible, short))


def printable(text: str) -> str:
    """Escape what does not print, line by line: no bidi controls, no NUL."""
    return "\n".join("".join(map(_visible, line)) for line in text.split("\n"))


def _visible(char: str) -> str:
    return char if char.isprintable() else escape(char)


def escape(char: str) -> str:
    r"""Write a character as \xhh or \uhhhh."""
    return char.encode("unicode_escape").decode()


def tell_sent(step: Step, operations: Sequence[Operation]) -> str:
    """Say what a command is to do; one that says nothing, by its own words."""
    if not operations or any(each.kind is Kind.UNKNOWN for each in operations):
        return " ".join([visible(step.name), *map(tell_octets, step.args[1:])])
    return "; ".join(dict.fromkeys(map(_tell_sent, operations)))


def _tell_sent(operation: Operation) -> str:
    words = SENT[operation.kind].format(_key(operation.key))
    octets = "" if operation.octets is None else tell_octets(operation.octets)
    if operation.kind is Kind.CAS:
        before = tell_octets(operation.expected or b"")
        return f"{words}: {before} ⇒ {octets}"
    if operation.kind in (Kind.PUT, Kind.ACK, Kind.SET_ASIDE):
        return f"{words}: {octets or 'a message'}"
    return f"{words}: {octets}" if octets else words


def tell_answered(value: resp.Value, operations: Sequence[Operation]) -> str:
    """Say what a command has done; one that says nothing, by its reply."""
    if not operations or any(each.kind is Kind.UNKNOWN for each in operations):
        return _tell_value(value)
    return "; ".join(dict.fromkeys(map(_tell_done, operations)))


def _tell_done(operation: Operation) -> str:
    if operation.error is not None:
        return f"error: {visible(operation.error)}"
    match operation.kind:
        case Kind.GET | Kind.POP:
            found = operation.octets
            return "nothing" if found is None else tell_octets(found)
        case Kind.EXISTS:
            return {True: "there", False: "absent"}.get(bool(operation.done), "?")
        case Kind.INCR:
            return str(operation.number)
        case kind if kind.is_compare:
            return "done" if operation.done else "mismatch"
        case _:
            return "done" if operation.done else "nothing"


def _key(key: str) -> str:
    return visible(key.encode(errors="surrogateescape"))


def _tell_value(value: resp.Value) -> str:
    match value:
        case None:
            return "nil"
        case resp.Error(text):
            return f"error: {visible(text)}"
        case bytes(octets):
            return tell_octets(octets)
        case list() as values:
            return "[" + ", ".join(map(_tell_value, values[:8])) + "]"
        case number:
            return str(number)


def tell_octets(octets: bytes) -> str:
    """Show a record by its fields, anything else as it is."""
    for kind in (ScheduleMessage, PendingReturns, Call):
        try:
            return _tell_record(kind.decode(octets))
        except DecodeError:
            continue
    return visible(octets) if octets else "''"


def _tell_record(record: Record) -> str:
    match record:
        case ScheduleMessage(root_id, call_hash):
            return f"({visible(root_id)}, {visible(call_hash)})"
        case PendingReturns(returns, scheduled_at):
            shown = ", ".join(map(_tell_record, returns[:MOST_RETURNS]))
            more = f", … {len(returns)} in all" if len(returns) > MOST_RETURNS else ""
            since = f" since {scheduled_at}" if scheduled_at else ""
            return f"returns{since} {{{shown}{more}}}"
        case PendingReturn(root_id, call_hash, topic):
            return f"({visible(root_id)}, {visible(call_hash)}, {visible(topic)})"
        case Call(payload, task):
            return f"{visible(task)}({visible(payload)})"
