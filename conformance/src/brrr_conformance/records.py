# SPDX-License-Identifier: AGPL-3.0-only
"""The four records: typed, and encoded by the tables of proto/records.proto.

Nothing here knows which record has which field: layout, tag, order and content
are read from the protobuf descriptors. What it does know are the sentences of
spec/records.md, cited where they are enforced.

    ScheduleMessage("root1", "c1hash").encode()
    PendingReturns.decode(octets)            # level 2; DecodeError if not
    judge(Kind.CALL, octets)                 # what any decoder must do with it
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, cast

from brrr_conformance import bencode
from brrr_conformance.bencode import DecodeError, EncodeError, Node
from brrr_conformance.pb import records_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

# ---- the records ------------------------------------------------------------
#
# Text is a str. One that is not well-formed Unicode holds lone surrogates; encoders
# refuse it. forms.py has the JSON and protobuf forms of these.


@dataclass(frozen=True, slots=True)
class ScheduleMessage:
    """A message of the queue: run this call, on behalf of this root."""

    root_id: str
    call_hash: str

    def encode(self) -> bytes:
        return encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        return _decode(cls, octets)


@dataclass(frozen=True, slots=True)
class PendingReturn:
    """Who waits for a call: root_id, call_hash and topic of the parent."""

    root_id: str
    call_hash: str
    topic: str

    def encode(self) -> bytes:
        return encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        return _decode(cls, octets)


@dataclass(frozen=True, slots=True)
class PendingReturns:
    """Everybody who waits for one call. A scheduled_at of 0 is unset."""

    returns: tuple[PendingReturn, ...] = ()
    scheduled_at: int = 0

    def encode(self) -> bytes:
        return encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        return _decode(cls, octets)


@dataclass(frozen=True, slots=True)
class Call:
    """What to run: a task and its input."""

    payload: bytes
    task_name: str

    def encode(self) -> bytes:
        return encode(self)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        return _decode(cls, octets)


Record: TypeAlias = ScheduleMessage | PendingReturn | PendingReturns | Call
RecordType: TypeAlias = type[ScheduleMessage | PendingReturn | PendingReturns | Call]
_R = TypeVar("_R")


class Kind(StrEnum):
    """What octets may be decoded as; VALUE is any bencode value."""

    SCHEDULE_MESSAGE = "ScheduleMessage"
    PENDING_RETURN = "PendingReturn"
    PENDING_RETURNS = "PendingReturns"
    CALL = "Call"
    VALUE = "value"

    @property
    def record_type(self) -> RecordType:
        """The class of this record; KeyError for VALUE."""
        types: tuple[RecordType, ...] = (
            ScheduleMessage,
            PendingReturn,
            PendingReturns,
            Call,
        )
        return {each.__name__: each for each in types}[self]


# ---- the tables -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, as records.proto has it."""

    name: str
    content: int  # records_pb2.Content
    element: str  # the record that this is a set of; "" if it is none
    optional: bool

    @property
    def key(self) -> bytes:
        return self.name.encode()


@dataclass(frozen=True, slots=True)
class Schema:
    name: str
    layout: int  # records_pb2.Layout
    tag: int
    fields: tuple[Field, ...]  # in order of their numbers


@cache
def schema(name: str) -> Schema:
    """Look a record up in the descriptors."""
    descriptor = records_pb2.DESCRIPTOR.message_types_by_name[name]
    fields = sorted(descriptor.fields, key=lambda each: each.number)
    return Schema(
        name,
        _option(descriptor.GetOptions(), records_pb2.layout),
        _option(descriptor.GetOptions(), records_pb2.tag),
        tuple(map(_field, fields)),
    )


def _field(descriptor: FieldDescriptor) -> Field:
    options = descriptor.GetOptions()
    element = descriptor.message_type
    return Field(
        descriptor.name,
        _option(options, records_pb2.content),
        element.name if element and _option(options, records_pb2.set) else "",
        bool(_option(options, records_pb2.optional_key)),
    )


def _option(options: Message, extension: Any) -> int:
    return int(options.Extensions[extension])


# ---- encoding ---------------------------------------------------------------


def encode(record: Record) -> bytes:
    """Write the canonical octets of a record, or raise EncodeError."""
    return bencode.encode(_value(record))


def _value(record: Record) -> bencode.Value:
    table = schema(type(record).__name__)
    fields = {each: getattr(record, each.name) for each in table.fields}
    if table.layout == records_pb2.LIST:  # [REC-1] [REC-2]
        return [table.tag, *(_field_value(each, held) for each, held in fields.items())]
    return {  # [REC-3] [REC-4] [REC-8] [REC-11]
        each.key: _field_value(each, held)
        for each, held in fields.items()
        if held or not each.optional
    }


def _field_value(field: Field, held: Any) -> bencode.Value:
    if field.element:
        # Python compares lists item by item, octets as octets, and a proper
        # prefix comes first: just what [REC-7] asks for.
        values = sorted(cast("list[Any]", _value(each)) for each in held)
        return [each for each, _ in groupby(values)]  # [REC-6]
    if field.content == records_pb2.OCTETS:
        return bytes(held)
    if field.content == records_pb2.CONTENT_UNSPECIFIED:
        if held < 0:
            raise EncodeError(f"{field.name} below zero", "REC-9")
        return int(held)
    try:
        octets = str(held).encode()
    except UnicodeEncodeError as error:
        raise EncodeError(f"{field.name} is ill-formed text", "WIRE-5") from error
    if field.content == records_pb2.ASCII and _not_printable(octets) is not None:
        raise EncodeError(f"{field.name} is not printable US-ASCII", "REC-10")
    return octets


def _not_printable(octets: bytes) -> int | None:
    """Find the first octet outside %x20-7E."""
    return next(
        (at for at, octet in enumerate(octets) if not 0x20 <= octet <= 0x7E), None
    )


# ---- decoding ---------------------------------------------------------------


def decode(kind: Kind, octets: bytes, level: int = 2) -> Record:
    """Read a record as a decoder of this level does, or raise DecodeError."""
    return _decode(kind.record_type, octets, level)


def _decode(record_type: type[_R], octets: bytes, level: int = 2) -> _R:
    node = bencode.parse(octets, level)
    return record_type(**_fields(schema(record_type.__name__), node, level))


def _fields(table: Schema, node: Node, level: int) -> dict[str, Any]:
    if table.layout == records_pb2.LIST:
        return _list_fields(table, node, level)
    return _dict_fields(table, node, level)


def _list_fields(table: Schema, node: Node, level: int) -> dict[str, Any]:
    if not isinstance(node, bencode.List):
        raise DecodeError(node.offset, f"{table.name} is a list", "REC-23")
    if not node.items:
        raise DecodeError(node.end, "a list without its tag", "REC-25")
    tag, *items = node.items
    if not (isinstance(tag, bencode.Integer) and tag.number == table.tag):
        raise DecodeError(
            tag.offset, f"the tag of {table.name} is {table.tag}", "REC-24"
        )
    if len(items) < len(table.fields):
        raise DecodeError(node.end, "too few elements", "REC-25")
    if len(items) > len(table.fields):
        raise DecodeError(
            items[len(table.fields)].offset, "too many elements", "REC-25"
        )
    return {
        each.name: _content(each, item, level)
        for each, item in zip(table.fields, items, strict=True)
    }


def _dict_fields(table: Schema, node: Node, level: int) -> dict[str, Any]:
    if not isinstance(node, bencode.Dict):
        raise DecodeError(node.offset, f"{table.name} is a dict", "REC-23")
    found = {}
    for each in table.fields:  # other keys are dropped [REC-20]
        items = [
            item for key, item in node.entries if key.octets == each.key
        ]  # [REC-28]
        if items:
            found[each.name] = _any_content(each, items, level)
        elif not each.optional:
            raise DecodeError(node.end, f"{each.name} is missing", "REC-26")
    return found


def _any_content(field: Field, items: list[Node], level: int) -> Any:
    """Read the value of a key that may occur more than once.

    A level 1 decoder takes any of them: it must reject if it had to reject each.
    """
    *others, last = items
    for item in others:
        try:
            return _content(field, item, level)
        except DecodeError:
            continue
    return _content(field, last, level)


def _content(field: Field, item: Node, level: int) -> Any:
    if field.element:
        return _set(field, item, level)
    if field.content == records_pb2.CONTENT_UNSPECIFIED:
        return _number(field, item, level)
    if not isinstance(item, bencode.String):
        _level_2(level, DecodeError(item.offset, f"{field.name} is a string", "REC-40"))
        return b"" if field.content == records_pb2.OCTETS else ""
    if field.content == records_pb2.OCTETS:
        return item.octets
    try:
        text = item.octets.decode("utf-8")  # keeps a byte order mark [WIRE-11]
    except UnicodeDecodeError as error:
        where = item.start + error.start
        raise DecodeError(where, f"{field.name} is not UTF-8", "WIRE-25") from error
    wrong = _not_printable(item.octets) if field.content == records_pb2.ASCII else None
    if wrong is not None:
        where = item.start + wrong
        _level_2(
            level,
            DecodeError(where, f"{field.name} is not printable US-ASCII", "REC-42"),
        )
    return text


def _set(field: Field, item: Node, level: int) -> Any:
    if not isinstance(item, bencode.List):
        raise DecodeError(item.offset, f"{field.name} is a list", "REC-27")
    element = Kind(field.element).record_type
    table = schema(field.element)
    return tuple(
        element(**_fields(table, each, level)) for each in item.items
    )  # [REC-21]


def _number(field: Field, item: Node, level: int) -> int:
    if isinstance(item, bencode.Integer) and item.number >= 0:
        return item.number  # [REC-22]
    reason = f"{field.name} is not an integer of at least 0"
    _level_2(level, DecodeError(item.offset, reason, "REC-41"))
    return 0


def _level_2(level: int, error: DecodeError) -> None:
    if level >= 2:
        raise error


# ---- judging ----------------------------------------------------------------


class Expect(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What decoders of `level` and above must do."""

    expect: Expect
    level: int = 1
    error: DecodeError | None = None  # why, if they must reject
    canonical: bytes = b""  # what it is encoded again, if they must accept


def judge(kind: Kind, octets: bytes) -> Verdict:
    """Tell what the specification demands of a decoder for these octets."""
    try:
        return Verdict(Expect.ACCEPT, canonical=_canonical(kind, octets))
    except DecodeError as error:
        strict = error
    try:
        _check(kind, octets, level=1)
    except DecodeError as error:
        return Verdict(Expect.REJECT, 1, error)
    return Verdict(Expect.REJECT, 2, strict)


def _canonical(kind: Kind, octets: bytes) -> bytes:
    if kind is Kind.VALUE:
        return bencode.encode(bencode.decode(octets))
    return encode(decode(kind, octets))


def _check(kind: Kind, octets: bytes, level: int) -> None:
    if kind is Kind.VALUE:
        bencode.parse(octets, level)
    else:
        _decode(kind.record_type, octets, level)
