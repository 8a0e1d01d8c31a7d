# SPDX-License-Identifier: AGPL-3.0-only
"""Records in other forms: the JSON of spec and vectors, and protobuf messages.

In the JSON of spec/notation.md a string stands for its UTF-8 octets, and
{"hex": "ff00"} for any octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from brrr_conformance.pb import records_pb2
from brrr_conformance.records import Kind, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from brrr_conformance.records import Field, Record

Json: TypeAlias = "str | int | list[Json] | dict[str, Json]"


def octets_of(json: Any) -> bytes:
    """Read the octets that a string or {"hex": …} stands for."""
    if isinstance(json, str):
        return json.encode()
    if not isinstance(json, dict) or json.keys() != {"hex"}:
        raise TypeError(f'{json!r} is neither a string nor {{"hex": "…"}}')
    return bytes.fromhex(json["hex"])


def text_of(json: Any) -> str:
    """Read the same as text; what is not UTF-8 in it becomes lone surrogates."""
    return octets_of(json).decode("utf-8", "surrogateescape")


def json_of(octets: bytes) -> Json:
    """Write octets as a string, or as {"hex": …} if they are not UTF-8."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return {"hex": octets.hex()}


def from_json(kind: Kind, json: Mapping[str, Any]) -> Record:
    """Read a record from JSON; KeyError or TypeError if it is none."""
    fields = schema(kind).fields
    unknown = json.keys() - {each.name for each in fields}
    if unknown:
        raise KeyError(f"{kind} has no {', '.join(sorted(unknown))}")
    wanted = [each for each in fields if each.name in json or not each.optional]
    held = {each.name: _from_json(each, json[each.name]) for each in wanted}
    return kind.record_type(**held)


def _from_json(field: Field, json: Any) -> Any:
    if field.element:
        return tuple(from_json(Kind(field.element), each) for each in json)
    if field.content == records_pb2.CONTENT_UNSPECIFIED:
        return int(json)
    return octets_of(json) if field.content == records_pb2.OCTETS else text_of(json)


def to_json(record: Record) -> dict[str, Json]:
    """Write a record as JSON; an unset scheduled_at is left out."""
    held = [(each, getattr(record, each.name)) for each in _fields(record)]
    return {
        each.name: _to_json(value) for each, value in held if value or not each.optional
    }


def _to_json(held: Any) -> Json:
    if isinstance(held, tuple):
        return [to_json(each) for each in held]
    if isinstance(held, int):
        return held
    if isinstance(held, str):
        held = held.encode("utf-8", "surrogateescape")
    return json_of(bytes(held))


def to_message(record: Record) -> Message:
    """Write a record as a message of records_pb2."""
    message: Message = getattr(records_pb2, type(record).__name__)()
    for each in _fields(record):
        held = getattr(record, each.name)
        if each.element:
            getattr(message, each.name).extend(map(to_message, held))
        else:
            setattr(message, each.name, held)
    return message


def from_message(message: Message) -> Record:
    """Read a record from a message of records_pb2."""
    kind = Kind(message.DESCRIPTOR.name)
    held: dict[str, Any] = {}
    for each in schema(kind).fields:
        value = getattr(message, each.name)
        held[each.name] = tuple(map(from_message, value)) if each.element else value
    return kind.record_type(**held)


def _fields(record: Record) -> tuple[Field, ...]:
    return schema(type(record).__name__).fields
