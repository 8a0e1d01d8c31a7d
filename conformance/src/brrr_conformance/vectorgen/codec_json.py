# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON codec: what is written, from any text or value, and what is refused.

A row holds what is due as a human wrote it. Where there is none (the grids of
numbers), the oracle fills it in; JavaScript has confirmed it.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brrr_conformance import jcs
from brrr_conformance.vectorgen.codec_json_texts import BAD_OCTETS, BAD_TEXTS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE, CALL = "codec-json.value", "codec-json.call"
FILE = "codec-json.jsonl"


@dataclass(frozen=True, slots=True)
class Vector:
    suite: str
    slug: str
    given: dict[str, Any]
    due: str | None  # None is a refusal
    requirements: str
    note: str
    task_name: str = "t"

    def line(self) -> str:
        """Write the vector as it stands in the file."""
        members: dict[str, Any] = {"id": f"{self.suite}/{self.slug}"}
        members["suite"] = self.suite
        if self.suite == CALL:
            members["task_name"] = self.task_name
        members |= self.given
        members["expect"] = "reject" if self.due is None else "accept"
        if self.due is not None and self.suite == CALL:
            members["payload"] = self.due
            args = jcs.decode(self.due.encode())
            members["call_hash"] = jcs.call_hash(self.task_name, args)
        elif self.due is not None:
            members["value"] = self.due
        members["level"] = 1
        members["requirements"] = self.requirements.split()
        members["note"] = self.note
        return json.dumps(members, separators=(",", ":"))


# ---- texts ------------------------------------------------------------------


def _texts() -> Iterator[Vector]:
    for slug, text, due, ids, note in TEXTS:
        yield Vector(VALUE, slug, {"json": text}, due, ids, note)
    for slug, text, ids, note in BAD_TEXTS:
        yield Vector(VALUE, f"bad-{slug}", {"json": text}, None, ids, note)
    for slug, digits, note in BAD_OCTETS:
        ids = "CODEC-21" if slug == "utf-16-le" else "CODEC-23"
        yield Vector(VALUE, f"octets-{slug}", {"hex": digits}, None, ids, note)


# ---- numbers ----------------------------------------------------------------

# RFC 8785, appendix B
RFC = [
    ("0000000000000000", "0", "zero"),
    ("8000000000000000", "0", "minus zero"),
    ("0000000000000001", "5e-324", "the least positive number"),
    ("8000000000000001", "-5e-324", "the greatest negative number"),
    ("7fefffffffffffff", "1.7976931348623157e+308", "the greatest number"),
    ("ffefffffffffffff", "-1.7976931348623157e+308", "the least number"),
    ("4340000000000000", "9007199254740992", "2^53"),
    ("c340000000000000", "-9007199254740992", "-2^53"),
    ("4430000000000000", "295147905179352830000", "about 2^68"),
    ("7fffffffffffffff", None, "NaN"),
    ("7ff0000000000000", None, "infinity"),
    ("44b52d02c7e14af5", "9.999999999999997e+22", ""),
    ("44b52d02c7e14af6", "1e+23", ""),
    ("44b52d02c7e14af7", "1.0000000000000001e+23", ""),
    ("444b1ae4d6e2ef4e", "999999999999999700000", ""),
    ("444b1ae4d6e2ef4f", "999999999999999900000", ""),
    ("444b1ae4d6e2ef50", "1e+21", ""),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7", ""),
    ("3eb0c6f7a0b5ed8d", "0.000001", ""),
    ("41b3de4355555553", "333333333.3333332", ""),
    ("41b3de4355555554", "333333333.33333325", ""),
    ("41b3de4355555555", "333333333.3333333", ""),
    ("41b3de4355555556", "333333333.3333334", ""),
    ("41b3de4355555557", "333333333.33333343", ""),
    ("becbf647612f3696", "-0.0000033333333333333333", ""),
    ("43143ff3c1cb0959", "1424953923781206.2", "round to even"),
]

# Powers of two whose nearest decimal of the shortest length reads back as the double
# below, since those lie twice as dense: the next decimal is due.
ASYMMETRIC = [
    ("0060000000000000", "7.120236347223045e-307"),
    ("0100000000000000", "7.291122019556398e-304"),
]

NOT_FINITE = [
    ("7ff8000000000000", "NaN"),
    ("fff8000000000000", "NaN with a sign"),
    ("7ff0000000000001", "a NaN that signals"),
    ("7ff0000000000000", "infinity"),
    ("fff0000000000000", "minus infinity"),
]

INTEGERS = [
    ("0", "0", "zero"),
    ("-1", "-1", "a negative integer"),
    ("9007199254740991", "9007199254740991", "2^53-1"),
    ("-9007199254740991", "-9007199254740991", "-(2^53-1)"),
    ("9007199254740992", "9007199254740992", "2^53, which a double holds"),
    ("9007199254740993", None, "2^53+1, which no double holds"),
    ("-9007199254740993", None, "-2^53-1"),
    ("9007199254740994", "9007199254740994", "2^53+2, which a double holds"),
    ("9223372036854775807", None, "2^63-1"),
    ("-9223372036854775808", "-9223372036854776000", "-2^63, a power of two"),
    ("1152921504606846976", "1152921504606847000", "2^60, a power of two"),
    ("1152921504606846977", None, "2^60+1"),
    ("1000000000000000000", "1000000000000000000", "10^18, which a double holds"),
    ("1234567890123456789", None, "19 digits"),
]


def _bits(number: float) -> str:
    return struct.pack(">d", number).hex()


def _grid() -> Iterator[tuple[str, float]]:
    """Give each boundary of the format, with the doubles beside it."""
    places = [float(f"1e{n}") for n in (-7, -6, -5, -4, 0, 15, 16, 17, 20, 21, 22)]
    places += [2.0**n for n in (-1074, -1022, -44, -24, 31, 32, 52, 53, 54, 63, 64)]
    for place in places:
        yield "below", math.nextafter(place, 0)
        yield "at", place
        yield "above", math.nextafter(place, math.inf)


def _numbers() -> Iterator[Vector]:
    ids = "CODEC-10"
    for digits, due, note in RFC:
        which = ids if due else "CODEC-11"
        note = f"RFC 8785, appendix B{': ' if note else ''}{note}"
        yield Vector(VALUE, f"rfc-{digits}", {"double": digits}, due, which, note)
    for digits, due in ASYMMETRIC:
        note = "a power of two, where the nearest decimal reads back as another"
        yield Vector(VALUE, f"power-{digits}", {"double": digits}, due, ids, note)
    for digits, note in NOT_FINITE:
        given = {"double": digits}
        yield Vector(VALUE, f"double-{digits}", given, None, "CODEC-11", note)
    for where, number in _grid():
        if not number:
            continue
        digits, due = _bits(number), jcs.encode_number(number)
        note = f"a boundary: {where} {due}" if where == "at" else f"{where} a boundary"
        yield Vector(VALUE, f"double-{digits}", {"double": digits}, due, ids, note)
    for digits, due, note in INTEGERS:
        which = "CODEC-12" if due is None else "CODEC-10"
        given = {"integer": digits}
        yield Vector(VALUE, f"integer-{digits}", given, due, which, note)


# ---- strings in memory, depth, calls ----------------------------------------

STRINGS = [
    ("high", "eda080", "U+D800 alone"),
    ("low", "edb080", "U+DC00 alone"),
    ("high-within", "61eda08062", "a lone surrogate between letters"),
    ("low-high", "edb080eda080", "a pair the wrong way round"),
]


def _strings() -> Iterator[Vector]:
    for slug, digits, note in STRINGS:
        given = {"string": digits}
        yield Vector(VALUE, f"string-{slug}", given, None, "CODEC-14", note)
    given = {"string": "61007f22e282acf09f9880"}
    due = '"a\\u0000\x7f\\"€😀"'
    note = "a string that is made, not read"
    yield Vector(VALUE, "string-made", given, due, "CODEC-13", note)


def _deep() -> Iterator[Vector]:
    ids = "CODEC-18 CODEC-26"
    for slug, opens, closes in (
        ("arrays", "[", "]"),
        ("objects", '{"a":', "}"),
        ("mixed", '[{"a":', "}]"),
    ):
        times = 64 // len([c for c in opens if c in "[{"])
        core = "" if slug == "arrays" else "1"
        text = opens * times + core + closes * times
        note = f"{slug}, 64 within each other"
        yield Vector(VALUE, f"deep-64-{slug}", {"json": text}, text, ids, note)
        note = f"{slug}, 65 within each other"
        text = f"[{text}]"
        yield Vector(VALUE, f"deep-65-{slug}", {"json": text}, None, ids, note)
    text = "[" * 64 + '"[[[[{{{{\\"[[["' + "]" * 64
    note = "brackets in a string do not count"
    yield Vector(VALUE, "deep-string", {"json": text}, text, ids, note)
    text = "[" + "[]," * 99 + "[]]"
    yield Vector(VALUE, "wide", {"json": text}, text, ids, "many beside each other")
    for slug, unit, note in (
        ("arrays", "[", "a hundred thousand arrays"),
        ("objects", '{"":', "a hundred thousand objects"),
    ):
        given = {"gen": [[unit.encode().hex(), 100_000]]}
        yield Vector(VALUE, f"deep-100000-{slug}", given, None, "CODEC-26", note)


# task name, text, payload, requirements, note
CALLS = [
    ("fib", "[11]", "[11]", "CODEC-1 CODEC-2 CODEC-3", "as simple as can be"),
    ("fib", "[11.0]", "[11]", "CODEC-1 CODEC-20", "the same call, written otherwise"),
    ("fib", "[ 1.1e1 ]", "[11]", "CODEC-1 CODEC-20", "the same call, once more"),
    ("fib", '["11"]', '["11"]', "CODEC-1 CODEC-3", "a text is another argument"),
    ("fib", "[[11]]", "[[11]]", "CODEC-1 CODEC-3", "so is an array"),
    ("fib", "[11,null]", "[11,null]", "CODEC-1 CODEC-3", "so are two arguments"),
    ("fib", "[]", "[]", "CODEC-1 CODEC-2", "no arguments"),
    ("fib", "[null]", "[null]", "CODEC-1 CODEC-2", "null is an argument"),
    ("lucas", "[11]", "[11]", "CODEC-1 CODEC-3", "another task with one payload"),
    ("", "[11]", "[11]", "CODEC-1 CODEC-3", "a task without a name"),
    (
        "fib",
        '[{"salt":null,"n":1}]',
        '[{"n":1,"salt":null}]',
        "CODEC-2 CODEC-15",
        "named arguments are an object",
    ),
    ("fib", '[{"n":1,"salt":null}]', '[{"n":1,"salt":null}]', "CODEC-1", "the same"),
    ('a"b\\c\n', "[1]", "[1]", "CODEC-3 CODEC-13", "a task name with escapes"),
    ("é€😀\u2028", "[1]", "[1]", "CODEC-3 CODEC-13", "a task name beyond ASCII"),
    ("t\u0000", "[1]", "[1]", "CODEC-3 CODEC-13", "a task name with U+0000"),
    ("t", '["é"]', '["é"]', "CODEC-1 CODEC-13", "composed"),
    ("t", '["e\u0301"]', '["e\u0301"]', "CODEC-1 CODEC-13", "decomposed: another call"),
    ("t", "[0]", "[0]", "CODEC-1 CODEC-10", "zero"),
    ("t", "[-0.0]", "[0]", "CODEC-1 CODEC-10", "minus zero: the same call"),
    ("t", "[1e21,1e-7]", "[1e+21,1e-7]", "CODEC-2 CODEC-10", "exponents"),
    ("t", '{"n":1}', None, "CODEC-22", "arguments that are an object"),
    ("t", "11", None, "CODEC-22", "arguments that are a number"),
    ("t", "null", None, "CODEC-22", "arguments that are null"),
    ("t", '"[11]"', None, "CODEC-22", "arguments that are a string"),
    ("t", "", None, "CODEC-21 CODEC-22", "a payload of nothing"),
]


def _calls() -> Iterator[Vector]:
    for number, (name, text, due, ids, note) in enumerate(CALLS, 1):
        given = {"json": text}
        yield Vector(CALL, f"call-{number}", given, due, ids, note, name)
    for slug, given, due, ids in (
        ("double", {"double": _bits(0.1)}, "[0.1]", "CODEC-2 CODEC-10"),
        ("double-nan", {"double": "7ff8000000000000"}, None, "CODEC-11"),
        ("integer", {"integer": "11"}, "[11]", "CODEC-2 CODEC-10"),
        ("integer-lost", {"integer": "9007199254740993"}, None, "CODEC-12"),
        ("string", {"string": "3131"}, '["11"]', "CODEC-2 CODEC-13"),
        ("string-lone", {"string": "eda080"}, None, "CODEC-14"),
    ):
        note = "the only argument is made, not read"
        yield Vector(CALL, f"made-{slug}", given, due, ids, note)
    text = "[" * 64 + "]" * 64
    note = "64 within each other; the array that is hashed does not count"
    yield Vector(CALL, "deep-64", {"json": text}, text, "CODEC-18 CODEC-26", note)
    note = "65 within each other"
    ids = "CODEC-18 CODEC-26"
    yield Vector(CALL, "deep-65", {"json": f"[{text}]"}, None, ids, note)


def vectors() -> Iterator[Vector]:
    """Make all vectors of the codec."""
    yield from _texts()
    yield from _numbers()
    yield from _strings()
    yield from _deep()
    yield from _calls()
