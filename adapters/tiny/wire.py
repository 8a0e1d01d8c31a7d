# SPDX-License-Identifier: AGPL-3.0-only
"""Records and octets, in the order of spec/wire.md and spec/records.md.

A method is a step: override one, or the `refuse` of a class, to break a requirement.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple, NoReturn, TypeAlias, TypeVar

MAX_INTEGER = 2**53 - 1
Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"


class BrrrError(Exception):
    """Every error of this file; code and details are those of adapter.proto."""

    def __init__(self, code: str, reason: str, **details: str | int | bytes):
        super().__init__(reason)
        self.code, self.details = code, details


def refuse(requirement: str, reason: str, **where: int) -> NoReturn:
    """Raise the one error of encoder and decoder."""
    raise BrrrError("REFUSED", reason, requirement=requirement, **where)


class ScheduleMessage(NamedTuple):
    root_id: str
    call_hash: str


class PendingReturn(NamedTuple):
    root_id: str
    call_hash: str
    topic: str


class PendingReturns(NamedTuple):
    returns: tuple[PendingReturn, ...]  # a set, in any order
    scheduled_at: int = 0  # 0 is unset [REC-22]


class Call(NamedTuple):
    payload: bytes
    task_name: str


# A record with a tag is a list of it and the fields [REC-1] [REC-2], any other a dict
# of them [REC-3] [REC-4]. Encoder and Decoder have a method for each content.
TAGS: dict[type, int] = {ScheduleMessage: 2, PendingReturn: 1}
CONTENTS = {"root_id": "text", "call_hash": "ascii", "topic": "text"}
CONTENTS |= {"returns": "returns", "scheduled_at": "seconds"}
CONTENTS |= {"payload": "octets", "task_name": "text"}
Record: TypeAlias = ScheduleMessage | PendingReturn | PendingReturns | Call
R = TypeVar("R", ScheduleMessage, PendingReturn, PendingReturns, Call)
T = TypeVar("T", int, bytes, list[Value], dict[bytes, Value])


class Encoder:
    refuse = staticmethod(refuse)

    def encode(self, record: Record) -> bytes:
        return self.write(self.layout(record))

    def layout(self, record: Record) -> Value:
        given = record._asdict().items()
        fields = {name: getattr(self, CONTENTS[name])(it) for name, it in given}
        if type(record) in TAGS:
            return [TAGS[type(record)], *fields.values()]
        return {name.encode(): it for name, it in fields.items() if it is not None}

    def text(self, text: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.refuse("WIRE-5", f"{text!r} is not well-formed")

    def ascii(self, text: str) -> bytes:
        if not (text.isascii() and text.isprintable()):
            self.refuse("REC-10", f"{text!r} is not printable US-ASCII")
        return self.text(text)

    def octets(self, octets: bytes) -> bytes:
        return octets

    def seconds(self, seconds: int) -> int | None:
        if seconds < 0:
            self.refuse("REC-9", "a scheduled_at below zero")
        return seconds or None  # [REC-8]

    def returns(self, returns: tuple[PendingReturn, ...]) -> list[Value]:
        in_order = sorted(set(returns))  # by field, by code points [REC-6] [REC-7]
        return [self.layout(each) for each in in_order]

    def write(self, value: Value) -> bytes:
        """Write a value of any depth, without recursion."""
        out: list[bytes] = []
        todo: list[Value | str] = [value]  # the next one last; l, d and e are str
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                out.append(item.encode())
            elif isinstance(item, int):
                out.append(self.integer(item))
            elif isinstance(item, bytes):
                out.append(self.string(item))
            elif isinstance(item, list):
                todo += ["e", *reversed(item), "l"]
            else:
                pairs = [it for key in self.keys(item) for it in (key, item[key])]
                todo += ["e", *reversed(pairs), "d"]
        return b"".join(out)

    def integer(self, number: int) -> bytes:
        if abs(number) > MAX_INTEGER:
            self.refuse("WIRE-4", "an integer beyond 2^53-1")
        return b"i%de" % number  # [WIRE-1]

    def string(self, octets: bytes) -> bytes:
        return b"%d:%b" % (len(octets), octets)  # [WIRE-2]

    def keys(self, entries: dict[bytes, Value]) -> list[bytes]:
        return sorted(entries)  # [WIRE-3]


class Decoder:
    max_depth = 32  # [WIRE-27]
    token = re.compile(rb"i(0|-?[1-9][0-9]*)e|(0|[1-9][0-9]*):|[lde]")
    not_a_token = re.compile(  # the first that matches tells what is broken
        rb"(?P<WIRE_12>\A\Z)|(?P<WIRE_13>(?:i-?)?[0-9]*\Z)|(?P<WIRE_16>i-?e)|"
        rb"(?P<WIRE_17>i?-?0[0-9]|i-0e)|(?P<WIRE_18>i)|(?P<WIRE_19>[0-9])|(?P<WIRE_15>)"
    )
    refuse = staticmethod(refuse)

    def value(self, data: bytes) -> Value:
        """Read a value of any depth, without recursion [WIRE-26]."""
        opened: list[tuple[int, bytes, list[Value]]] = []  # start, l or d, content
        end = 0
        value: Value
        while True:
            start, token = end, self.token.match(data, end) or self.no_token(data, end)
            end = token.end()
            if token[0] in (b"l", b"d"):
                opened.append((start, token[0], []))
                if len(opened) > self.max_depth:
                    self.refuse("WIRE-32", "nested too deep", offset=start)
                continue
            if token[1]:
                value = self.number(token[1])
                if abs(value) > MAX_INTEGER:  # [WIRE-24]
                    self.refuse("WIRE-31", "an integer beyond 2^53-1", offset=start)
            elif token[2]:
                end += self.number(token[2])
                if end > len(data):
                    self.refuse("WIRE-21", "a string that is cut short", offset=start)
                value = data[token.end() : end]
            elif opened:
                start, kind, items = opened.pop()
                value = self.pair(items, start) if kind == b"d" else items
            else:
                self.refuse("WIRE-15", "an e that ends nothing", offset=start)
            if opened:
                opened[-1][2].append(value)
            elif end < len(data):
                self.refuse("WIRE-14", "octets after the value", offset=end)
            else:
                return value

    def number(self, digits: bytes) -> int:
        return int(digits[:18])  # enough to tell; int() is not linear

    def no_token(self, data: bytes, at: int) -> re.Match[bytes]:
        broken = getattr(self.not_a_token.match(data, at), "lastgroup", "")
        requirement = broken.replace("_", "-")
        self.refuse(requirement, "no integer, length, l, d or e", offset=at)

    def pair(self, items: list[Value], start: int) -> dict[bytes, Value]:
        keys = [key for key in items[::2] if isinstance(key, bytes)]
        if len(keys) < len(items[::2]):
            self.refuse("WIRE-22", "a key that is not a string", offset=start)
        if len(items) % 2:
            self.refuse("WIRE-23", "a key without a value", offset=start)
        if any(key >= after for key, after in pairwise(keys)):
            self.refuse("WIRE-30", "keys not strictly ascending", offset=start)
        return dict(zip(keys, items[1::2], strict=True))

    def decode(self, kind: type[R], octets: bytes) -> R:
        return self.record(kind, self.value(octets))

    def record(self, kind: type[R], value: Value) -> R:
        name, names = kind.__name__, kind._fields
        if kind in TAGS:
            items = self.typed(list, name, value, "REC-23")
            if items[:1] != [TAGS[kind]]:
                self.refuse("REC-24", f"a {name} without its tag")
            if len(items) != 1 + len(names):
                self.refuse("REC-25", f"a {name} of {len(items)} elements")
            fields = dict(zip(names, items[1:], strict=True))
        else:
            entries = self.typed(dict, name, value, "REC-23")  # [REC-20] [REC-28]
            fields = {k: entries[k.encode()] for k in names if k.encode() in entries}
            for missing in set(names) - set(fields) - set(kind._field_defaults):
                self.refuse("REC-26", f"a {name} without {missing}")
        return kind(**{k: getattr(self, CONTENTS[k])(k, v) for k, v in fields.items()})

    def typed(self, kind: type[T], name: str, value: Value, requirement: str) -> T:
        if not isinstance(value, kind):
            self.refuse(requirement, f"{name} is not a {kind.__name__}")
        return value

    def text(self, name: str, value: Value) -> str:
        try:
            return self.octets(name, value).decode()  # [WIRE-11]
        except UnicodeDecodeError:
            self.refuse("WIRE-25", f"{name} is not UTF-8")

    def ascii(self, name: str, value: Value) -> str:
        text = self.text(name, value)
        if not (text.isascii() and text.isprintable()):
            self.refuse("REC-42", f"{name} is not printable US-ASCII")
        return text

    def octets(self, name: str, value: Value) -> bytes:
        return self.typed(bytes, name, value, "REC-40")

    def seconds(self, name: str, value: Value) -> int:
        seconds = self.typed(int, name, value, "REC-41")
        if seconds < 0:
            self.refuse("REC-41", f"{name} is below zero")
        return seconds

    def returns(self, name: str, value: Value) -> tuple[PendingReturn, ...]:
        returns = self.typed(list, name, value, "REC-27")  # in any order [REC-21]
        return tuple(self.record(PendingReturn, each) for each in returns)
