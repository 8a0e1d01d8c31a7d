# SPDX-License-Identifier: AGPL-3.0-only
"""Reads RESP2 and RESP3 from a stream: commands one way, replies the other.

Each frame comes with the octets it was made of, to be passed on as they are. A
big string is read in one piece and never copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncio

CRLF = b"\r\n"

# A reply: an aggregate is a list (a map too: keys and values in turn), null is
# None, an error is an Error, everything else its octets or its number.
Value: TypeAlias = "bytes | int | Error | list[Value] | None"


class RespError(Exception):
    """The stream is not RESP."""


@dataclass(frozen=True, slots=True)
class Error:
    text: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    value: Value
    raw: list[bytes]
    # Sent by the server unasked (RESP3); answers no command.
    push: bool = False


@dataclass(slots=True)
class _Open:
    """An aggregate that is being read."""

    values: list[Value]
    missing: int


async def read_command(
    stream: asyncio.StreamReader,
) -> tuple[tuple[bytes, ...], list[bytes]] | None:
    """Read one command and its raw octets; None at the end of the stream."""
    line = await _line(stream)
    if line is None:
        return None
    if not line.startswith(b"*"):  # an inline command, as typed by hand
        return tuple(line.split()), [line]
    raw = [line]
    words = []
    for _ in range(_number(line)):
        header = await _need_line(stream)
        if not header.startswith(b"$"):
            raise RespError(f"a command has a word that begins with {header[:16]!r}")
        body = await stream.readexactly(_number(header) + len(CRLF))
        raw += (header, body)
        words.append(body[: -len(CRLF)])
    return tuple(words), raw


async def read_reply(stream: asyncio.StreamReader) -> Reply | None:
    """Read one reply; None at the end of the stream."""
    line = await _line(stream)
    if line is None:
        return None
    raw = [line]
    push = line.startswith(b">")
    stack: list[_Open] = []
    while True:
        kind, rest = line[:1], line[1 : -len(CRLF)]
        if kind in b"*~>%|" and rest != b"-1":
            count = _number(line) * (2 if kind in b"%|" else 1)
            # Attributes come before the reply that they belong to.
            if kind == b"|":
                raise RespError("attributes are not supported")
            stack.append(_Open([], count))
        else:
            _put(stack, value := await _scalar(stream, kind, rest, raw))
            if not stack:
                return Reply(value, raw, push)
        while not stack[-1].missing:
            done = stack.pop().values
            if not stack:
                return Reply(done, raw, push)
            _put(stack, done)
        line = await _need_line(stream)
        raw.append(line)


def _put(stack: list[_Open], value: Value) -> None:
    if stack:
        stack[-1].values.append(value)
        stack[-1].missing -= 1


async def _scalar(
    stream: asyncio.StreamReader, kind: bytes, rest: bytes, raw: list[bytes]
) -> Value:
    match kind:
        case b"$" | b"=" | b"!":
            if rest == b"-1":
                return None
            body = await stream.readexactly(int(rest) + len(CRLF))
            raw.append(body)
            octets = body[: -len(CRLF)]
            return Error(octets) if kind == b"!" else octets
        case b":":
            return int(rest)
        case b"-":
            return Error(rest)
        case b"_" | b"*" | b"~":  # the last two: a null array of RESP2
            return None
        case b"+" | b"," | b"(":
            return rest
        case b"#":
            return int(rest == b"t")
        case _:
            raise RespError(f"a reply begins with {kind + rest[:16]!r}")


def _number(line: bytes) -> int:
    try:
        return int(line[1:])
    except ValueError as error:
        raise RespError(f"not a number: {line[:32]!r}") from error


async def _line(stream: asyncio.StreamReader) -> bytes | None:
    line = await stream.readline()
    return line or None


async def _need_line(stream: asyncio.StreamReader) -> bytes:
    line = await stream.readline()
    if not line:
        raise RespError("the stream ends inside a frame")
    return line
