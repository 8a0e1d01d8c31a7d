# SPDX-License-Identifier: AGPL-3.0-only
"""The two framings of adapter.proto: length + protobuf, or ProtoJSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from brrr_conformance.config import Framing
from brrr_conformance.outcome import AdapterBroken
from brrr_conformance.pb import adapter_pb2

if TYPE_CHECKING:
    import asyncio

# Far above a 16 MiB record, decoded and encoded again, in base64.
MAX_FRAME = 256 << 20
HEADER = 4

# In place of a command that is unset, one that there is not: field 1000, empty.
UNKNOWN = b"\xc2\x3e\x00"


def pack(
    framing: Framing, command: adapter_pb2.Command, *, surrogates: bool = False
) -> bytes:
    """Frame a command; with `surrogates`, ill-formed text stands where it belongs."""
    known = command.WhichOneof("command") is not None
    if framing is Framing.PROTOBUF:
        body = command.SerializeToString() + (b"" if known else UNKNOWN)
        return len(body).to_bytes(HEADER, "big") + body
    table = json_format.MessageToDict(
        command,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    if not known:
        table["no_such_command"] = {}
    if surrogates and "encode" in table:
        _put_in(command.encode, table["encode"])
    return json.dumps(table).encode() + b"\n"


def _put_in(encode: adapter_pb2.Encode, table: dict[str, Any]) -> None:
    """Put ill-formed text into the record, which JSON in ASCII can say."""
    del table["ill_formed"]
    (record,) = table.values()
    for text in encode.ill_formed:
        try:
            it = text.octets.decode(errors="surrogatepass")
        except UnicodeDecodeError:
            it = text.octets.decode(errors="surrogateescape")
        (record["returns"][0] if "returns" in record else record)[text.field] = it


async def read_reply(
    framing: Framing, stream: asyncio.StreamReader
) -> adapter_pb2.Reply | None:
    """Read the next reply; None at the end of the stream.

    A stream that ends inside a frame raises EOFError: the process has died, most
    likely, and how is for the caller to find out.
    """
    if framing is Framing.PROTOBUF:
        return await _read_protobuf(stream)
    return await _read_json(stream)


async def _read_protobuf(stream: asyncio.StreamReader) -> adapter_pb2.Reply | None:
    header = await _read(stream, HEADER)
    if not header:
        return None
    size = int.from_bytes(header, "big")
    if len(header) == HEADER and size > MAX_FRAME:
        raise AdapterBroken(
            f"a frame of {size} octets (header {header.hex(' ')}): is that a length?"
        )
    body = await _read(stream, size)
    if len(header) < HEADER or len(body) < size:
        raise EOFError("standard output ends inside a frame")
    try:
        return adapter_pb2.Reply.FromString(body)
    except DecodeError as error:
        raise AdapterBroken(f"a frame is not a Reply: {body[:64]!r}") from error


async def _read_json(stream: asyncio.StreamReader) -> adapter_pb2.Reply | None:
    try:
        line = await stream.readline()
    except ValueError as error:  # longer than the stream's limit
        raise AdapterBroken(f"a line of more than {MAX_FRAME} octets") from error
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise EOFError(f"standard output ends inside a line: {line[:200]!r}")
    reply = adapter_pb2.Reply()
    try:
        return json_format.Parse(line, reply)
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise AdapterBroken(
            f"a line is not a Reply: {line[:200]!r}: {error}"
        ) from error


async def _read(stream: asyncio.StreamReader, size: int) -> bytes:
    """Read that many octets, or fewer at the end of the stream."""
    parts = []
    while size and (part := await stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
