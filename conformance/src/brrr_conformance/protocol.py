# SPDX-License-Identifier: AGPL-3.0-only
"""What commands do, as operations: "the CAS of pending_returns/c", "a put on t".

A Decoder is shown the commands and replies of one case in their order, and says
what each is to do, or has done. It knows a compare-and-set whether it is SET … IFEQ,
a script, WATCH and EXEC, or a request to DynamoDB:

    decoder = Decoder()
    for frame in trace.frames:
        for operation in decoder.show(frame): ...

What a script does is told by its keys, its arguments, and what its worker had read
before; of one whose arguments tell nothing, only the keys are known (UNKNOWN). What
a transaction does is told at its EXEC: before that nothing has been done.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance import request
from brrr_conformance.bencode import DecodeError
from brrr_conformance.commands import (
    Kind,
    Memory,
    Operation,
    operations_of,
    takes_message,
    text,
)
from brrr_conformance.records import Kind as Record
from brrr_conformance.records import ScheduleMessage, decode
from brrr_conformance.resp import Error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from brrr_conformance.resp import Reply, Value
    from brrr_conformance.step import Step
    from brrr_conformance.tap import Frame

Operations: TypeAlias = tuple[Operation, ...]


@dataclass(slots=True)
class _Line:
    """A connection: what it watches, what it has read, what waits for a reply."""

    watched: set[str] = field(default_factory=set)
    read: dict[str, bytes | None] = field(default_factory=dict)
    # Since MULTI: what each command is to do.
    queued: list[Operations] | None = None
    # The oldest first; of an EXEC, what each of its commands is to do.
    waiting: deque[Operations | list[Operations]] = field(default_factory=deque)

    def unwatch(self) -> None:
        self.watched.clear()
        self.read.clear()
        self.queued = None


@dataclass(slots=True)
class Decoder:
    _lines: dict[tuple[str, int], _Line] = field(default_factory=dict)
    _memory: Memory = field(default_factory=Memory)

    def show(self, frame: Frame) -> Operations:
        """Say what a command is to do or, of a reply, what has been done."""
        if frame.reply is None:
            return self.sent(frame.worker, frame.connection, frame.step)
        return self.answered(frame.worker, frame.connection, frame.step, frame.reply)

    def sent(self, worker: str, connection: int, step: Step) -> Operations:
        line = self._lines.setdefault((worker, connection), _Line())
        if step.name == "EXEC" and line.queued is not None:
            queued = [_guarded(line, each) for each in line.queued]
            line.unwatch()
            line.waiting.append(queued)
            return tuple(each for operations in queued for each in operations)
        operations = operations_of(step, worker, self._memory)
        if step.name in ("UNWATCH", "DISCARD"):
            line.unwatch()
        elif step.name == "MULTI":
            line.queued = []
        elif line.queued is not None:
            line.queued.append(operations)
            operations = ()
        elif step.name == "WATCH":
            line.watched |= {text(key) for key in step.keys}
        line.waiting.append(operations)
        return operations

    def answered(
        self, worker: str, connection: int, step: Step, reply: Reply
    ) -> Operations:
        """Say what a command has done: the oldest one of its connection."""
        line = self._lines.get((worker, connection))
        if line is None or not line.waiting:
            return ()
        oldest = line.waiting.popleft()
        if request.is_request(step) and isinstance(oldest, tuple):
            done = _of_request(oldest, reply.value)
        elif takes_message(step) and isinstance(oldest, tuple):
            done = tuple(_taken(oldest, reply.value))
        elif isinstance(oldest, tuple):
            done = _outcomes(oldest, _told(step, reply.value))
        elif reply.value is None:  # what was watched has changed: nothing was done
            queued = [each for operations in oldest for each in operations]
            return tuple(replace(each, done=False) for each in queued)
        else:
            values = _shared_out(reply.value, len(oldest))
            pairs = zip(oldest, values, strict=True)
            done = tuple(each for pair in pairs for each in _outcomes(*pair))
        for each in done:
            if each.kind is Kind.GET and each.error is None:
                line.read[each.key] = each.octets
                self._memory.read[worker, each.key] = each.octets
            elif each.kind is Kind.POP and each.octets is not None:
                self._memory.taken.add(each.octets)
        return done


def _guarded(line: _Line, operations: Operations) -> Operations:
    """Make of a SET of a watched key the compare-and-set that it is."""
    return tuple(
        _guard(each, line.read.get(each.key)) if each.key in line.watched else each
        for each in operations
    )


def _guard(operation: Operation, read: bytes | None) -> Operation:
    if operation.kind is Kind.SET:
        kind = Kind.SET_NEW if read is None else Kind.CAS
        return replace(operation, kind=kind, expected=read)
    if operation.kind is Kind.REMOVE:
        return replace(operation, kind=Kind.CAD, expected=read)
    return operation


# ---- replies ----------------------------------------------------------------


def _told(step: Step, value: Value) -> Value:
    """Take SET … NX GET for two commands: it is done where there was nothing."""
    flags = {flag.upper() for flag in step.args[3:]}
    if step.name == "SET" and {b"NX", b"GET"} <= flags and not isinstance(value, Error):
        return [int(value is None), value]
    return value


def _shared_out(value: Value, number: int) -> Sequence[Value]:
    """Give each of so many commands or keys its own part of a reply."""
    if isinstance(value, list) and len(value) == number:
        return value
    return [value] * number


def _of_request(operations: Operations, value: Value) -> Operations:
    """Say what a request has done; several reads are told by their keys."""
    kinds = {each.kind for each in operations}
    if isinstance(value, bytes) and kinds == {Kind.EXISTS}:
        found_one = request.is_found(value)
        return tuple(replace(each, done=found_one) for each in operations)
    if not isinstance(value, bytes) or kinds != {Kind.GET}:
        return _outcomes(operations, value)
    found = request.octets_found(value)
    return tuple(_outcome(each, found.get(each.key)) for each in operations)


def _outcomes(operations: Operations, value: Value) -> Operations:
    if isinstance(value, Error):
        return tuple(replace(each, done=False, error=value.text) for each in operations)
    kinds = {each.kind for each in operations}
    if kinds == {Kind.POP}:
        return tuple(_popped(operations, value))
    if kinds == {Kind.EXISTS} and len(operations) > 1:
        # Redis tells how many there are, not which: all, none, or nobody knows.
        sure = {len(operations): True, 0: False}
        done = sure.get(value) if isinstance(value, int) else None
        return tuple(replace(each, done=done) for each in operations)
    # MGET of one key, too, is replied to with a list; what a script replies is its own.
    several = len(operations) > 1 or kinds == {Kind.GET}
    values = _shared_out(value, len(operations)) if several else [value]
    return tuple(map(_outcome, operations, values))


def _outcome(operation: Operation, value: Value) -> Operation:
    match operation.kind:
        case Kind.GET:
            octets = value if isinstance(value, bytes) else None
            return replace(operation, octets=octets, done=octets is not None)
        case Kind.INCR:
            number = int(value) if isinstance(value, bytes | int) else None
            return replace(operation, number=number, done=True)
        case Kind.EXISTS | Kind.SET_NEW | Kind.CAS | Kind.CAD | Kind.REMOVE:
            return replace(operation, done=_says_yes(value))
        case Kind.PUT:
            return replace(operation, done=value != 0)  # of RPUSHX
        case Kind.ACK:
            # A script may reply nothing; LREM says how many it has removed.
            return replace(operation, done=value != 0)
        case _:
            return replace(operation, done=True)


def _says_yes(value: Value) -> bool:
    if isinstance(value, list):
        return bool(value) and _says_yes(value[0])
    return value not in (None, 0, b"0", b"none")  # the last of TYPE


def _popped(operations: Operations, value: Value) -> Iterator[Operation]:
    """Say of each queue what was taken from it: a pop may name several."""
    strings = list(_strings(value))
    if len(strings) > 1:
        key, *messages = strings
    else:
        key, messages = operations[0].key.encode(errors="surrogateescape"), strings
    for each in operations:
        if not messages or each.key != text(key):
            yield replace(each, done=False)
            continue
        for message in messages:
            yield replace(each, octets=message, done=True)


def _taken(operations: Operations, value: Value) -> Iterator[Operation]:
    """Say what a script has taken, and what it has read for it in the same step.

    It replies a message; or first that, then a number, whether there is a value, and
    the call.
    """
    if isinstance(value, Error) or value in (None, []):
        yield from _outcomes(operations, value or None)
        return
    message, *read = value if isinstance(value, list) else [value]
    if not isinstance(message, bytes):
        return
    for each in operations:
        yield replace(each, octets=message, done=True)
    call_hash = _call_hash(message)
    if len(read) != 2 or call_hash is None:
        return
    yield Operation(Kind.EXISTS, f"value/{call_hash}", done=_says_yes(read[0]))
    yield _outcome(Operation(Kind.GET, f"call/{call_hash}"), read[1])


def _call_hash(message: bytes) -> str | None:
    try:
        record = decode(Record.SCHEDULE_MESSAGE, message, level=1)
    except DecodeError:
        return None
    return record.call_hash if isinstance(record, ScheduleMessage) else None


def _strings(value: Value) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
