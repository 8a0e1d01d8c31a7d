# SPDX-License-Identifier: AGPL-3.0-only
"""What holds values together: first octets, ends, lists, dicts, depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import accept, reject, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Octets, Vector

VALUE = "decode.value"
MESSAGE = "decode.ScheduleMessage"
CALL = "decode.Call"
RETURNS = "decode.PendingReturns"

FIRST = frozenset(b"ild0123456789")

CANONICAL = {
    MESSAGE: b"li2e5:root16:c1hashe",
    "decode.PendingReturn": b"li1e1:r1:h1:te",
    RETURNS: b"d7:returnslee",
    CALL: b"d7:payload2:[]9:task_name4:leafe",
    VALUE: b"i1e",
}

TRAILING = [
    ("newline", b"\n", "a newline"),
    ("crlf", b"\r\n", "a line end"),
    ("space", b" ", "a space"),
    ("nul", b"\x00", "a NUL"),
    ("e", b"e", "one e too many"),
    ("digit", b"0", "a digit"),
    ("colon", b":", "a colon"),
    ("ff", b"\xff", "the octet FF"),
    ("string", b"0:", "an empty string"),
    ("integer", b"i0e", "an integer"),
    ("open-list", b"l", "a list that only opens"),
]

# Any bencode value that is canonical, decoded and encoded again.
ACCEPTED = [
    ("list-empty", b"le", "an empty list"),
    ("list-nested", b"llelee", "empty lists in a list"),
    ("list-mixed", b"li1e1:aledee", "one of each type"),
    ("dict-empty", b"de", "an empty dict"),
    ("dict-empty-key", b"d0:i1ee", "a key of no octets"),
    ("dict-prefix-keys", b"d0:i1e1:ai2e2:aai3e3:aaai4ee", "keys by prefix"),
    ("dict-length-order", b"d2:aai1e1:bi2ee", "octets, not lengths, order the keys"),
    ("dict-case-order", b"d1:Bi1e1:ai2ee", "capitals come first: no locale"),
    ("dict-nul-key", b"d1:\x00i1e2:\x00\x00i2ee", "keys of NULs"),
    ("dict-high-key", b"d1:zi1e1:\xffi2ee", "FF comes after z: octets have no sign"),
    ("dict-digit-order", b"d2:10i1e1:9i2ee", "digits are not numbers"),
    (
        "dict-utf16-order",
        b"d3:\xef\xbd\x9ei1e4:\xf0\x9f\x98\x80i2ee",
        "U+FF5E before U+1F600, which UTF-16 units would turn round",
    ),
    ("dict-nested", b"d1:ad1:ad1:aleeee", "the same key at each depth"),
    ("dict-after-inner", b"d1:xd1:ad1:zi1ee1:bi2eee", "b behind an inner dict's z"),
    ("dict-after-inner-twice", b"d1:xd1:ad1:ai1ee1:bd1:ai2eeee", "one inner key again"),
    ("dict-after-another", b"ld1:bi1eed1:ai1eee", "two dicts, one behind the other"),
    ("dict-proto", b"d11:constructori1e8:toStringi2ee", "names of object members"),
]

# Keys out of order, or twice.
UNORDERED = [
    ("swapped", b"d1:bi1e1:ai2ee", "b before a"),
    ("twice", b"d1:ai1e1:ai1ee", "a key twice, with one value"),
    ("twice-other-value", b"d1:ai1e1:ai2ee", "a key twice, with two values"),
    ("twice-apart", b"d1:ai1e1:bi2e1:ai3ee", "a key twice, another between"),
    ("empty-key-twice", b"d0:i1e0:i2ee", "the empty key twice"),
    ("empty-key-last", b"d1:ai1e0:i2ee", "the empty key behind another"),
    ("prefix-behind", b"d2:aai1e1:ai2ee", "a prefix behind the longer key"),
    ("length-order", b"d1:bi1e2:aai2ee", "keys in order of length"),
    ("case-order", b"d1:ai1e1:Bi2ee", "keys in order of a dictionary"),
    ("number-order", b"d1:9i1e2:10i2ee", "keys in order of numbers"),
    ("signed-octets", b"d1:\xffi1e1:zi2ee", "FF before z, as signed octets compare"),
    (
        "utf16-order",
        b"d4:\xf0\x9f\x98\x80i1e3:\xef\xbd\x9ei2ee",
        "U+1F600 before U+FF5E, in order of UTF-16 units",
    ),
    ("nested", b"ld1:bi1e1:ai2eee", "in a dict inside a list"),
    ("nested-value", b"d1:ad1:bi1e1:ai2eee", "in a dict inside a dict"),
    ("after-inner", b"d1:xd1:bd1:ai1ee2:aai2eee", "aa behind b, a dict with a between"),
    ("after-two-inner", b"d1:bd1:cd1:dleee1:alee", "a behind b, two dicts between"),
]

BAD_DICTS = [
    ("int-key", b"di1ei2ee", "WIRE-22", "an integer as key"),
    ("list-key", b"dlei2ee", "WIRE-22", "a list as key"),
    ("dict-key", b"ddei2ee", "WIRE-22", "a dict as key"),
    ("second-key-int", b"d1:ai1ei2ei3ee", "WIRE-22", "an integer as second key"),
    ("no-value", b"d1:ae", "WIRE-23", "a key and nothing else"),
    ("second-no-value", b"d1:ai1e1:be", "WIRE-23", "a second key without value"),
    ("nested-no-value", b"d1:ad1:bee", "WIRE-23", "a key without value, deeper"),
    ("end-as-key", b"d1:ai1ee1:b", "WIRE-14", "the dict ends before its last key"),
    ("junk-key", b"dxi1ee", "WIRE-15 WIRE-22", "a key that is no value at all"),
]

ENDLESS = [
    ("list", b"l", "WIRE-13 WIRE-20", "a list that only opens"),
    ("dict", b"d", "WIRE-13 WIRE-20", "a dict that only opens"),
    ("list-of-one", b"li1e", "WIRE-13 WIRE-20", "a list without its end"),
    ("dict-of-one", b"d1:ai1e", "WIRE-13 WIRE-20", "a dict without its end"),
    ("dict-key", b"d1:a", "WIRE-13 WIRE-23", "a dict that ends behind a key"),
    ("inner-list", b"lli1ee", "WIRE-13 WIRE-20", "the outer list without its end"),
    ("int", b"i", "WIRE-13 WIRE-20", "an integer that only opens"),
    ("int-digits", b"i1", "WIRE-13 WIRE-20", "an integer without its e"),
    ("int-in-list", b"li1", "WIRE-13 WIRE-20", "the same in a list"),
    ("int-minus", b"i-", "WIRE-13 WIRE-20", "an integer cut behind its minus"),
    ("int-next-item", b"li1i2ee", "WIRE-18 WIRE-20", "no e before the next item"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of structure."""
    yield from _first_octets()
    yield reject(VALUE, "empty", b"", "WIRE-12", "no octets at all")
    for suite, octets in CANONICAL.items():
        for slug, more, note in TRAILING:
            note = f"behind the value: {note}"
            yield reject(suite, f"trailing-{slug}", octets + more, "WIRE-14", note)
        twice = "behind the value: the same once more"
        yield reject(suite, "trailing-again", octets + octets, "WIRE-14", twice)
    for slug, octets, note in ACCEPTED:
        yield accept(VALUE, slug, octets, "WIRE-10 WIRE-3", note)
    for slug, octets, note in UNORDERED:
        note = f"keys out of order: {note}"
        yield reject(VALUE, f"keys-{slug}", octets, "WIRE-30", note, level=2)
    for slug, octets, ids, note in BAD_DICTS:
        yield reject(VALUE, f"dict-{slug}", octets, ids, note)
    for slug, octets, ids, note in ENDLESS:
        yield reject(VALUE, f"endless-{slug}", octets, ids, note)
    yield from _depth()


def _first_octets() -> Iterator[Vector]:
    """Put each octet that begins no value before a message, and before its items."""
    for octet in sorted(set(range(256)) - FIRST):
        junk = bytes([octet])
        note = f"the first octet is {octet:02X}; the rest is a message"
        octets = junk + CANONICAL[MESSAGE]
        yield reject(MESSAGE, f"first-{octet:02x}", octets, "WIRE-15", note)
        if junk in b"e+-\t ":
            continue  # an end, or in front of the length: strings.py has it
        note = f"where root_id is due stands {octet:02X}; the rest is a message"
        octets = b"li2e" + junk + b"5:root16:c1hashe"
        yield reject(MESSAGE, f"item-{octet:02x}", octets, "WIRE-15", note)
    for octet in b"e+-. :xI_\x00\xff":
        junk = bytes([octet])
        note = f"where a value of a dict is due stands {octet:02X}"
        octets = b"d7:payload" + junk + b"2:[]9:task_name4:leafe"
        ids = "WIRE-23" if junk == b"e" else "WIRE-15"
        yield reject(CALL, f"value-first-{octet:02x}", octets, ids, note)
        note = f"where a key is due stands {octet:02X}"
        octets = b"d" + junk + b"7:payload2:[]9:task_name4:leafe"
        ids = "WIRE-14" if junk == b"e" else "WIRE-15 WIRE-22"
        yield reject(CALL, f"key-first-{octet:02x}", octets, ids, note)
    for octet in b"e-x \x80":
        note = f"a value that is only the octet {octet:02X}"
        yield reject(VALUE, f"first-{octet:02x}", bytes([octet]), "WIRE-15", note)


def _nested(kind: str, depth: int) -> tuple[list[tuple[bytes, int]], bytes]:
    """Open `depth` lists, dicts, or one in the other by turns; and their ends."""
    if kind == "list":
        return [(b"l", depth)], b"e"
    if kind == "dict":
        return [(b"d0:", depth - 1), (b"d", 1)], b"e"
    return [(b"ld0:", depth // 2 - 1), (b"ld" if depth % 2 == 0 else b"ld0:l", 1)], b"e"


def _depth() -> Iterator[Vector]:
    for kind in ("list", "dict", "mixed"):
        for depth in (31, 32, 33, 1000, 100_000):
            opened, end = _nested(kind, depth)
            octets: Octets = [*opened, (end, depth)]
            note = f"nested {depth} deep: {kind}"
            if depth <= 32:
                yield accept(
                    VALUE, f"depth-{kind}-{depth}", octets, "WIRE-27 WIRE-10", note
                )
            else:
                ids = "WIRE-32 WIRE-26"
                yield reject(VALUE, f"depth-{kind}-{depth}", octets, ids, note, level=2)
        for depth in (32, 100_000):
            opened, _ = _nested(kind, depth)
            note = f"{depth} opened and none closed: {kind}"
            ids = "WIRE-13 WIRE-20 WIRE-26"
            yield reject(VALUE, f"unclosed-{kind}-{depth}", opened, ids, note)
    yield from _depth_in_records()
    wide = [(b"l", 1), (b"le", 100_000), (b"e", 1)]
    note = "100 000 empty lists side by side: depth is not number"
    yield accept(VALUE, "wide-lists", wide, "WIRE-26 WIRE-10", note)
    wide = [(b"l", 1), (b"i0e", 100_000), (b"e", 1)]
    note = "100 000 integers side by side"
    yield accept(VALUE, "wide-ints", wide, "WIRE-26 WIRE-10", note)
    wide = [(b"l", 1), (b"0:", 100_000), (b"e", 1)]
    note = "100 000 empty strings side by side"
    yield accept(VALUE, "wide-strings", wide, "WIRE-26 WIRE-10", note)
    wide = [(b"le", 100_000)]
    note = "100 000 empty lists one behind the other"
    yield reject(VALUE, "wide-trailing", wide, "WIRE-14 WIRE-26", note)


def _depth_in_records() -> Iterator[Vector]:
    """Nest inside an unknown key, which a decoder has to skip."""
    for suite, rest in (
        (CALL, b"7:payload2:[]9:task_name4:leafe"),
        (RETURNS, b"7:returnslee"),
    ):
        again = b"d" + rest
        for kind in ("list", "dict", "mixed"):
            for depth in (30, 31, 32, 100_000):
                opened, end = _nested(kind, depth)
                start = b"d" + string(b"a")
                octets: Octets = [(start, 1), *opened, (end, depth), (rest, 1)]
                note = f"an unknown key holds a {kind} nested {depth} deep"
                slug = f"unknown-{kind}-{depth}"
                if depth <= 31:
                    ids = "WIRE-27 REC-20"
                    yield accept(suite, slug, octets, ids, note, canonical=again)
                else:
                    note += ", one more than 32 with the record's own"
                    note = note if depth == 32 else note.partition(",")[0]
                    ids = "WIRE-32 WIRE-26"
                    yield reject(suite, slug, octets, ids, note, level=2)
    for suite in (MESSAGE, "decode.PendingReturn", CALL, RETURNS):
        for slug, unit, ids in (
            ("lists", b"l", "WIRE-13 WIRE-20 WIRE-26"),
            ("dicts", b"d0:", "WIRE-13 WIRE-20 WIRE-26"),
            ("keys", b"d", "WIRE-22 WIRE-26"),
        ):
            note = f"100 000 times {unit.decode()} and nothing else"
            yield reject(suite, f"unclosed-{slug}", [(unit, 100_000)], ids, note)
