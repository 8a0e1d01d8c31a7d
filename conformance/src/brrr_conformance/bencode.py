# SPDX-License-Identifier: AGPL-3.0-only
"""The wire chapter, read once more: the dialect of bencode.

This is the runner's oracle, written from spec/wire.md alone. It shares no code
with the reference, and it would rather be plain than fast. Its idea: two
regular expressions say what the grammar allows; when one of them does not match,
`_why_not_…` finds the sentence of the specification that was broken.

`parse` gives nodes, which know their offsets, for whoever judges further (the
records); `decode` gives plain Python values; `encode` takes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"

MAX_INT = 2**53 - 1
MAX_DEPTH = 32
MAX_LENGTH_DIGITS = 10

# Requirements that bind a level 2 decoder only; a level 1 decoder may accept.
LEVEL_2 = frozenset({"WIRE-30", "WIRE-31", "WIRE-32", "REC-40", "REC-41", "REC-42"})


class DecodeError(Exception):
    """The one error of a decoder: where, why, and by which requirement."""

    def __init__(self, offset: int, reason: str, requirement: str) -> None:
        super().__init__(f"offset {offset}: {reason} [{requirement}]")
        self.offset = offset
        self.reason = reason
        self.requirement = requirement

    @property
    def level(self) -> int:
        return 2 if self.requirement in LEVEL_2 else 1


class EncodeError(Exception):
    """What an encoder refuses to write."""

    def __init__(self, reason: str, requirement: str) -> None:
        super().__init__(f"{reason} [{requirement}]")
        self.reason = reason
        self.requirement = requirement


# ---- nodes ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Integer:
    offset: int
    # Exact within ±MAX_INT. Beyond, which only a level 1 parse lets pass, it
    # is some number beyond: nobody needs to know which.
    number: int


@dataclass(frozen=True, slots=True)
class String:
    offset: int
    start: int  # offset of its first octet, behind the ":"
    octets: bytes


@dataclass(slots=True)
class List:
    offset: int
    items: list[Node] = field(default_factory=list)
    end: int = 0  # offset of its "e"


@dataclass(slots=True)
class Dict:
    offset: int
    # As they stood: a level 1 parse lets keys pass in any order, and twice.
    entries: list[tuple[String, Node]] = field(default_factory=list)
    end: int = 0


Node: TypeAlias = Integer | String | List | Dict


# ---- reading ----------------------------------------------------------------


def parse(octets: bytes, level: int = 2) -> Node:
    """Read the one value that `octets` hold, or raise DecodeError.

    At level 1, what only a level 2 decoder must reject passes.
    """
    return _Parser(octets, level).whole()


def decode(octets: bytes) -> Value:
    """Read as `parse` does at level 2, into plain Python values."""
    return plain(parse(octets))


def plain(node: Node) -> Value:
    """Turn a node into a plain value; of a repeated key, the last one counts."""
    root: list[Value] = []
    todo: list[tuple[Node, Callable[[Value], None]]] = [(node, root.append)]
    while todo:
        item, put = todo.pop()
        match item:
            case Integer():
                put(item.number)
            case String():
                put(item.octets)
            case List():
                made: list[Value] = []
                put(made)
                todo.extend((each, made.append) for each in reversed(item.items))
            case Dict():
                entries: dict[bytes, Value] = {}
                put(entries)
                for key, each in item.entries:
                    todo.append((each, partial(entries.__setitem__, key.octets)))
    return root[0]


# The grammar. Possessive quantifiers: no octet is looked at again [WIRE-26].
_INTEGER = re.compile(rb"i(0|-?[1-9][0-9]*+)e")
_LENGTH = re.compile(rb"(0|[1-9][0-9]*+):")


@dataclass(slots=True)
class _Open:
    """A list or dict that is not closed yet."""

    node: List | Dict
    key: String | None = None  # in a dict: the key that waits for its value

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node, Dict) and self.key is None


@dataclass(slots=True)
class _Parser:
    octets: bytes
    level: int
    at: int = 0
    open: list[_Open] = field(default_factory=list)

    def whole(self) -> Node:
        if not self.octets:
            raise DecodeError(0, "empty input", "WIRE-12")
        while True:
            node = self._item()
            if node is None:
                continue
            if not self.open:
                break
            self._place(node)
        if self.at < len(self.octets):
            raise DecodeError(self.at, "octets after the value", "WIRE-14")
        return node

    def _item(self) -> Node | None:
        """Read the next node; None if that is a list or dict which only opens."""
        first = self.octets[self.at : self.at + 1]
        if not first:
            raise DecodeError(self.at, "a list or dict without its e", "WIRE-13")
        if first == b"e" and self.open:
            return self._close()
        if first in b"ild" and self.open and self.open[-1].wants_key:
            raise DecodeError(self.at, "a dict key that is not a string", "WIRE-22")
        if first == b"i":
            return self._integer()
        if first in b"ld":
            self._opens(List(self.at) if first == b"l" else Dict(self.at))
            return None
        if first.isdigit():
            return self._string()
        raise DecodeError(self.at, "no value begins with this octet", "WIRE-15")

    def _integer(self) -> Integer:
        offset = self.at
        match = _INTEGER.match(self.octets, offset)
        if not match:
            raise _why_not_integer(self.octets, offset)
        self.at = match.end()
        digits = match[1]
        # 2^53-1 has 16 digits; longer ones are not even converted [WIRE-26].
        number = int(digits[:18])
        if abs(number) > MAX_INT:
            self._level_2(offset, "an integer outside ±(2^53-1)", "WIRE-31")
        return Integer(offset, number)

    def _string(self) -> String:
        offset = self.at
        match = _LENGTH.match(self.octets, offset)
        if not match:
            raise _why_not_length(self.octets, offset)
        start = match.end()
        left = len(self.octets) - start
        if len(match[1]) > MAX_LENGTH_DIGITS or int(match[1]) > left:
            raise DecodeError(offset, "a length above the octets left", "WIRE-21")
        self.at = start + int(match[1])
        return String(offset, start, self.octets[start : self.at])

    def _opens(self, node: List | Dict) -> None:
        if len(self.open) == MAX_DEPTH:
            self._level_2(self.at, "nested deeper than 32", "WIRE-32")
        self.open.append(_Open(node))
        self.at += 1

    def _close(self) -> Node:
        top = self.open.pop()
        if top.key is not None:
            raise DecodeError(self.at, "a dict key without a value", "WIRE-23")
        top.node.end = self.at
        self.at += 1
        return top.node

    def _place(self, node: Node) -> None:
        """Put a complete node into the innermost list or dict."""
        top = self.open[-1]
        if isinstance(top.node, List):
            top.node.items.append(node)
        elif top.key is not None:
            top.node.entries.append((top.key, node))
            top.key = None
        elif isinstance(node, String):  # `_item` lets no other come here
            if top.node.entries and node.octets <= top.node.entries[-1][0].octets:
                self._level_2(node.offset, "dict keys out of order", "WIRE-30")
            top.key = node

    def _level_2(self, offset: int, reason: str, requirement: str) -> None:
        if self.level >= 2:
            raise DecodeError(offset, reason, requirement)


_SIGN = re.compile(rb"-?+")
_DIGITS = re.compile(rb"[0-9]*+")


def _why_not_integer(octets: bytes, offset: int) -> DecodeError:
    sign = _run(_SIGN, octets, offset + 1)
    digits = _run(_DIGITS, octets, offset + 1 + len(sign))
    end = offset + 1 + len(sign) + len(digits)
    if digits.startswith(b"0") and (sign or len(digits) > 1):
        return DecodeError(offset, "an integer with a leading zero, or -0", "WIRE-17")
    if end == len(octets):
        return DecodeError(end, "input ends inside an integer", "WIRE-13")
    if not digits and octets[end] == ord("e"):
        return DecodeError(end, "an integer without digits", "WIRE-16")
    return DecodeError(end, "an octet in an integer that is no digit", "WIRE-18")


def _why_not_length(octets: bytes, offset: int) -> DecodeError:
    digits = _run(_DIGITS, octets, offset)
    end = offset + len(digits)
    if digits.startswith(b"0") and len(digits) > 1:
        return DecodeError(offset, "a length with a leading zero", "WIRE-17")
    if end == len(octets):
        return DecodeError(end, "input ends inside a length", "WIRE-13")
    return DecodeError(end, "an octet in a length that is no digit", "WIRE-19")


def _run(pattern: re.Pattern[bytes], octets: bytes, at: int) -> bytes:
    match = pattern.match(octets, at)
    return match[0] if match else b""


# ---- writing ----------------------------------------------------------------


class _Mark(Enum):
    END = b"e"


def encode(value: Value) -> bytes:
    """Write the one canonical encoding of a value, or raise EncodeError."""
    out = bytearray()
    todo: list[Value | _Mark] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, _Mark):
            out += item.value
        elif isinstance(item, int):
            out += _integer(item)
        elif isinstance(item, bytes):
            out += b"%d:" % len(item) + item  # [WIRE-2]
        elif isinstance(item, list):
            out += b"l"
            todo.append(_Mark.END)
            todo.extend(reversed(item))
        else:
            out += b"d"
            todo.append(_Mark.END)
            for key in sorted(item, reverse=True):  # [WIRE-3]; a stack turns it
                todo += (item[key], key)
    return bytes(out)


def _integer(number: int) -> bytes:
    if abs(number) > MAX_INT:
        raise EncodeError("an integer outside ±(2^53-1)", "WIRE-4")
    return b"i%de" % number  # [WIRE-1]
