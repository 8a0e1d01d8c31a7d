# SPDX-License-Identifier: AGPL-3.0-only
"""What encoders write, and what they refuse.

The expected octets are put together here by hand, with no encoder in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brrr_conformance.forms import json_of
from brrr_conformance.vectorgen.text import (
    EVERYWHERE,
    HASHES,
    ILL_FORMED,
    LONG,
    WELL_FORMED,
    placed,
)
from brrr_conformance.vectorgen.vector import refuses, string, writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Vector

MESSAGE = "encode.ScheduleMessage"
RETURN = "encode.PendingReturn"
RETURNS = "encode.PendingReturns"
CALL = "encode.Call"

# Ill-formed texts that a UTF-16 string can hold, as lone surrogates.
SURROGATES = [
    ("high-first", "eda080", "U+D800, a lone high surrogate"),
    ("high-last", "edafbf", "U+DBFF, a lone high surrogate"),
    ("low-first", "edb080", "U+DC00, a lone low surrogate"),
    ("low-last", "edbfbf", "U+DFFF, a lone low surrogate"),
    ("high-in-front", "eda08061", "a high surrogate in front of a letter"),
    ("high-behind", "61eda080", "a high surrogate behind a letter"),
    ("low-in-front", "edb08061", "a low surrogate in front of a letter"),
    ("low-behind", "61edb080", "a low surrogate behind a letter"),
    ("between", "61eda08062", "a high surrogate between letters"),
    ("swapped", "edb880eda0bd", "the surrogates of U+1F600, swapped"),
    ("two-high", "eda0bdeda0bd", "two high surrogates"),
    ("two-low", "edb880edb880", "two low surrogates"),
    ("high-and-pair", "eda0bdf09f9880", "a high surrogate in front of a pair"),
    ("pair-and-low", "f09f9880edb880", "a low surrogate behind a pair"),
]

# Ill-formed octets, which only an SDK whose strings are octets can hold.
OCTETS = {"80", "c2-end", "f0-90-80-end", "overlong-2-nul", "above", "ff", "latin1"}

# Texts whose length in octets is not that in characters, or is at a limit.
LENGTHS = [
    ("9", b"a" * 9, "9 octets, the last length of one digit"),
    ("10", b"a" * 10, "10 octets, the first length of two digits"),
    ("99", b"a" * 99, "99 octets"),
    ("100", b"a" * 100, "100 octets"),
    ("two-octets", "é".encode() * 5, "5 characters of two octets each"),
    ("three-octets", "€".encode() * 4, "4 characters of three octets each"),
    ("four-octets", "😀".encode() * 3, "3 characters of four octets, 6 UTF-16 units"),
    ("256", b"a" * 256, "256 octets"),
    ("1000", b"a" * 1000, "1000 octets"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of all encoders."""
    yield from _texts()
    yield from _hashes()
    yield from _messages()
    yield from _calls()
    yield from _sets()
    yield from _scheduled_at()


def _fields() -> Iterator[tuple[str, str, dict[str, Any], bytes, bytes]]:
    """Give suite, field, a value, and the octets around that field."""
    message = {"root_id": "root1", "call_hash": "h"}
    yield MESSAGE, "root_id", message, b"li2e", b"1:he"
    waiting = {"root_id": "r", "call_hash": "h", "topic": "t"}
    yield RETURN, "root_id", waiting, b"li1e", b"1:h1:te"
    yield RETURN, "topic", waiting, b"li1e1:r1:h", b"e"
    call = {"payload": "[]", "task_name": "leaf"}
    yield CALL, "task_name", call, b"d7:payload2:[]9:task_name", b"e"
    yield RETURNS, "root_id", waiting, b"d7:returnslli1e", b"1:h1:teee"
    yield RETURNS, "topic", waiting, b"d7:returnslli1e1:r1:h", b"eee"


def _with(suite: str, value: dict[str, Any], field: str, text: Any) -> dict[str, Any]:
    changed = {**value, field: text}
    return {"returns": [changed]} if suite == RETURNS else changed


def _texts() -> Iterator[Vector]:
    for suite, field, value, before, behind in _fields():
        for slug, text, note in WELL_FORMED + LENGTHS:
            if slug in EVERYWHERE or field == "task_name" or slug == "two-octets":
                octets = before + string(text) + behind
                note = f"{field}: {note}"
                held = _with(suite, value, field, json_of(text))
                yield writes(suite, f"{field}-{slug}", held, octets, "WIRE-2", note)
        for slug, octets_hex, note in SURROGATES:
            held = _with(suite, value, field, {"hex": octets_hex})
            note = f"{field}, ill-formed: {note}"
            yield refuses(suite, f"{field}-{slug}", held, "WIRE-5", note)
        for slug, text, note in ILL_FORMED:
            if slug in OCTETS:
                held = _with(suite, value, field, {"hex": text.hex()})
                note = f"{field}, ill-formed: {note}"
                yield refuses(suite, f"{field}-bad-{slug}", held, "WIRE-5", note)


def _hashes() -> Iterator[Vector]:
    message = {"root_id": "root1", "call_hash": "h"}
    waiting = {"root_id": "r", "call_hash": "h", "topic": "t"}
    for suite, value, before, behind in (
        (MESSAGE, message, b"li2e5:root1", b"e"),
        (RETURN, waiting, b"li1e1:r", b"1:te"),
        (RETURNS, waiting, b"d7:returnslli1e1:r", b"1:teee"),
    ):
        for slug, text, allowed, note in HASHES:
            held = _with(suite, value, "call_hash", json_of(text))
            note = f"call_hash: {note}"
            if allowed:
                octets = before + string(text) + behind
                yield writes(suite, f"hash-{slug}", held, octets, "REC-10", note)
            else:
                yield refuses(suite, f"hash-{slug}", held, "REC-10", note)
        for slug, octets_hex in (("high", "eda080"), ("low", "68edb080"), ("ff", "ff")):
            held = _with(suite, value, "call_hash", {"hex": octets_hex})
            note = "call_hash: ill-formed text"
            yield refuses(suite, f"hash-bad-{slug}", held, "WIRE-5 REC-10", note)
    for at in range(LONG):
        held = message | {"call_hash": json_of(placed(b"\x7f", at))}
        note = f"call_hash: 7F at {at}, {LONG} octets"
        yield refuses(MESSAGE, f"hash-7f-at-{at}", held, "REC-10", note)


def _messages() -> Iterator[Vector]:
    for slug, root, call_hash, octets, note in (
        ("simple", "root1", "c1hash", b"li2e5:root16:c1hashe", "as both SDKs write it"),
        ("empty", "", "", b"li2e0:0:e", "texts of no octets"),
        ("like-bencode", "i2e", "1:ae", b"li2e3:i2e4:1:aee", "nothing is escaped"),
    ):
        value = {"root_id": root, "call_hash": call_hash}
        yield writes(MESSAGE, slug, value, octets, "REC-1 WIRE-1 WIRE-2", note)
    value = {"root_id": "root1", "call_hash": "parenthash", "topic": "topic-t"}
    octets = b"li1e5:root110:parenthash7:topic-te"
    note = "as both SDKs write it"
    yield writes(RETURN, "simple", value, octets, "REC-2 WIRE-1 WIRE-2", note)
    value = {"root_id": "", "call_hash": "", "topic": ""}
    yield writes(RETURN, "empty", value, b"li1e0:0:0:e", "REC-2", "texts of no octets")


def _calls() -> Iterator[Vector]:
    for slug, payload, note in (
        ("simple", b'[1,"x"]', "as both SDKs write it"),
        ("empty", b"", "a payload of no octets"),
        ("not-utf8", b"\xff\xfe\x00", "a payload is not text"),
        ("all-octets", bytes(range(256)), "each octet once"),
        ("surrogate", b"\xed\xa0\x80", "a payload that would be ill-formed as text"),
        ("bom", b"\xef\xbb\xbf[]", "a payload that begins like a byte order mark"),
        ("nul", b"\x00", "a payload of one NUL"),
        ("newlines", b"\r\n\n\r", "line ends stay as they are"),
        ("like-bencode", b"9:task_name4:evil", "nothing is escaped"),
        ("unicode", "é😀".encode(), "octets are counted, not characters"),
        ("1000", b"\x80" * 1000, "1000 octets"),
    ):
        value = {"payload": json_of(payload), "task_name": "leaf"}
        octets = b"d7:payload" + string(payload) + b"9:task_name4:leafe"
        ids = "REC-4 WIRE-2 WIRE-3"
        yield writes(CALL, f"payload-{slug}", value, octets, ids, note)
    for name in ("toString", "__proto__", "constructor", "null", "0"):
        value = {"payload": "[]", "task_name": name}
        octets = b"d7:payload2:[]9:task_name" + string(name.encode()) + b"e"
        note = f"a task_name is only text: {name}"
        slug = f"name-{name.strip('_')}"
        yield writes(CALL, slug, value, octets, "REC-4 WIRE-2", note)


def _waiting(root: str, call_hash: str = "h", topic: str = "t") -> dict[str, str]:
    return {"root_id": root, "call_hash": call_hash, "topic": topic}


# Sets in their canonical order, and the mistake that would give another one.
SETS: list[tuple[str, list[dict[str, str]], str]] = [
    ("root", [_waiting("a"), _waiting("b"), _waiting("c")], "by root_id"),
    ("hash", [_waiting("a", "1"), _waiting("a", "2")], "by call_hash"),
    ("topic", [_waiting("a", "1", "t"), _waiting("a", "1", "u")], "by topic"),
    ("fields", [_waiting("a", "z"), _waiting("b", "a")], "root_id before call_hash"),
    (
        "fields-topic",
        [_waiting("a", "a", "z"), _waiting("a", "b", "a")],
        "call_hash before topic",
    ),
    ("prefix", [_waiting("a"), _waiting("aa"), _waiting("b")], "a prefix first"),
    ("empty", [_waiting(""), _waiting("\x00")], "the empty text first"),
    ("not-length", [_waiting("ab"), _waiting("b")], "not by length"),
    ("not-encoded", [_waiting("a" * 10), _waiting("b")], "not as bencode is written"),
    ("case", [_waiting("B"), _waiting("a")], "no locale"),
    ("digits", [_waiting("10"), _waiting("9")], "digits are no numbers"),
    ("utf16", [_waiting("\uff5e"), _waiting("\U0001f600")], "not by UTF-16 units"),
    (
        "utf16-topic",
        [_waiting("r", "h", "\ue000"), _waiting("r", "h", "\U00010000")],
        "not by UTF-16 units, in a topic",
    ),
    ("high", [_waiting("z"), _waiting("\x7f"), _waiting("é")], "octets have no sign"),
    ("nfd", [_waiting("e\u0301"), _waiting("é")], "NFD and NFC are two texts"),
    ("comma", [_waiting("a", "z"), _waiting("a!", "a")], "not joined by commas"),
    (
        "comma-inside",
        [_waiting("a", "b,c"), _waiting("a,b", "c")],
        "joined by commas, they would be one",
    ),
    (
        "joined",
        [_waiting("a", "bc"), _waiting("ab", "c")],
        "joined by nothing, they would be one",
    ),
    ("nul", [_waiting("a", "z"), _waiting("a\x00", "a")], "not joined by NULs"),
    ("many", [_waiting(f"{at:02}") for at in range(50)], "50 of them"),
]

REPEATED: list[tuple[str, list[int], list[int], str]] = [
    ("twice", [0, 0], [0], "twice"),
    ("thrice", [0, 0, 0], [0], "three times"),
    ("apart", [0, 1, 0], [0, 1], "twice, with another between"),
    ("both", [1, 0, 1, 0], [0, 1], "both twice"),
    ("last", [0, 1, 1], [0, 1], "the last twice"),
]


def _written(returns: list[dict[str, str]]) -> bytes:
    entries = [
        b"li1e"
        + string(each["root_id"].encode())
        + string(each["call_hash"].encode())
        + string(each["topic"].encode())
        + b"e"
        for each in returns
    ]
    return b"d7:returnsl" + b"".join(entries) + b"ee"


def _sets() -> Iterator[Vector]:
    for slug, returns, note in SETS:
        octets = _written(returns)
        value: dict[str, Any] = {"returns": returns}
        why = f"sorted already: {note}"
        yield writes(RETURNS, f"sorted-{slug}", value, octets, "REC-7 REC-3", why)
        value = {"returns": list(reversed(returns))}
        why = f"to be sorted: {note}"
        yield writes(RETURNS, f"turned-{slug}", value, octets, "REC-7", why)
    two = [_waiting("a"), _waiting("b")]
    for slug, given, kept, note in REPEATED:
        value = {"returns": [two[at] for at in given]}
        octets = _written([two[at] for at in kept])
        why = f"a return is written once: given {note}"
        yield writes(RETURNS, f"repeated-{slug}", value, octets, "REC-6", why)
    for slug, other in (
        ("root", _waiting("b")),
        ("hash", _waiting("a", "i")),
        ("topic", _waiting("a", "h", "u")),
    ):
        value = {"returns": [two[0], other]}
        note = f"returns that differ only in {slug} are two"
        octets = _written([two[0], other])
        yield writes(RETURNS, f"differ-{slug}", value, octets, "REC-6", note)


def _scheduled_at() -> Iterator[Vector]:
    octets = b"d7:returnsle"
    none: dict[str, Any] = {"returns": []}
    yield writes(RETURNS, "at-unset", none, octets + b"e", "REC-8", "unset: left out")
    value = {**none, "scheduled_at": 0}
    yield writes(RETURNS, "at-zero", value, octets + b"e", "REC-8", "zero: left out")
    for slug, number, note in (
        ("one", 1, "the least that is written"),
        ("nine", 9, "one digit"),
        ("ten", 10, "two digits"),
        ("now", 1795489157, "a time as both SDKs write it"),
        ("2-31", 2**31, "2^31, no more an int of 32 bits"),
        ("2-32", 2**32, "2^32"),
        ("max-less-1", 2**53 - 2, "2^53-2"),
        ("max", 2**53 - 1, "2^53-1, the greatest that is allowed"),
    ):
        value = {**none, "scheduled_at": number}
        whole = octets + b"12:scheduled_ati%dee" % number
        yield writes(RETURNS, f"at-{slug}", value, whole, "REC-3 WIRE-1", note)
    for slug, number, ids, note in (
        ("2-53", 2**53, "WIRE-4", "2^53, the first that is not allowed"),
        ("2-53-plus-1", 2**53 + 1, "WIRE-4", "2^53+1"),
        ("2-63-less-1", 2**63 - 1, "WIRE-4", "2^63-1"),
        ("minus-one", -1, "REC-9", "the first below zero"),
        ("min", -(2**53) + 1, "REC-9", "the least integer that bencode may hold"),
        ("minus-2-53", -(2**53), "REC-9 WIRE-4", "-2^53"),
        ("minus-2-63", -(2**63), "REC-9 WIRE-4", "-2^63"),
    ):
        value = {**none, "scheduled_at": number}
        yield refuses(RETURNS, f"at-{slug}", value, ids, note)
    value = {"returns": [_waiting("b"), _waiting("a")], "scheduled_at": 5}
    whole = _written([_waiting("a"), _waiting("b")])[:-1] + b"12:scheduled_ati5ee"
    note = "both keys, in order"
    yield writes(RETURNS, "at-and-returns", value, whole, "REC-3 WIRE-3", note)
