# SPDX-License-Identifier: AGPL-3.0-only
"""Strings: their lengths, in every form, and at the limits of each integer type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import accept, reject, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Vector

VALUE = "decode.value"
MESSAGE = "decode.ScheduleMessage"

# What stands for "5:" in front of root1.
MALFORMED = [
    ("minus", b"-5:", "WIRE-15 WIRE-19", "a negative length"),
    ("minus-zero", b"-0:", "WIRE-15 WIRE-19", "a length of minus zero"),
    ("plus", b"+5:", "WIRE-15 WIRE-19", "a length with a plus sign"),
    ("space-before", b" 5:", "WIRE-15 WIRE-19", "a space before the length"),
    ("tab-before", b"\t5:", "WIRE-15 WIRE-19", "a tab before the length"),
    ("space-behind", b"5 :", "WIRE-19", "a space behind the length"),
    ("newline-behind", b"5\n:", "WIRE-19", "a newline behind the length"),
    ("nul-behind", b"5\x00:", "WIRE-19", "a NUL behind the length"),
    ("leading-zero", b"05:", "WIRE-17", "a length with a leading zero"),
    ("two-leading-zeros", b"005:", "WIRE-17", "a length with two leading zeros"),
    ("underscore", b"5_:", "WIRE-19", "an underscore behind the length"),
    ("underscore-within", b"0_5:", "WIRE-19", "an underscore in the length"),
    ("fraction", b"5.0:", "WIRE-19", "a length with a fraction"),
    ("comma", b"5,:", "WIRE-19", "a comma behind the length, as netstrings have it"),
    ("exponent", b"5e0:", "WIRE-19", "a length with an exponent"),
    ("hex", b"0x5:", "WIRE-19", "a length in hexadecimal"),
    ("arabic-digit", b"\xd9\xa5:", "WIRE-15 WIRE-19", "a length of the digit U+0665"),
    ("fullwidth", b"\xef\xbc\x95:", "WIRE-15 WIRE-19", "a length of U+FF15"),
    ("superscript", b"\xb2:", "WIRE-15 WIRE-19", "a length of the octet B2"),
    ("letter", b"5x:", "WIRE-19", "a letter behind the length"),
    ("none", b":", "WIRE-15 WIRE-19", "a string without length"),
    ("no-colon", b"5", "WIRE-19 WIRE-20", "no colon behind the length"),
    ("semicolon", b"5;", "WIRE-19 WIRE-20", "a semicolon for the colon"),
    ("equals", b"5=", "WIRE-19 WIRE-20", "an equals sign for the colon"),
    (
        "two-colons",
        b"5::",
        "WIRE-19 WIRE-21",
        "two colons: the string is one octet off",
    ),
    ("high-colon", b"5\xba", "WIRE-19 WIRE-20", "a colon with its eighth bit set"),
]

# Lengths where 6 would be right: 7 octets are left behind the colon.
LENGTHS = [
    ("0", 0, "WIRE-15", "length 0: the octets become items"),
    ("5", 5, "WIRE-15", "one octet too few: the last one is no item"),
    ("7", 7, "WIRE-13 WIRE-20", "one octet too many: the string takes the e"),
    ("8", 8, "WIRE-21", "one more than the octets left"),
    ("60", 60, "WIRE-21", "ten times too long"),
    ("2-8-plus-6", 2**8 + 6, "WIRE-21", "2^8+6, which 8 bits wrap to 6"),
    ("2-16-plus-6", 2**16 + 6, "WIRE-21", "2^16+6, which 16 bits wrap to 6"),
    ("2-31-less-1", 2**31 - 1, "WIRE-21", "2^31-1: offset + length overflows an int"),
    ("2-31", 2**31, "WIRE-21", "2^31, negative in 32 bits with sign"),
    ("2-31-plus-6", 2**31 + 6, "WIRE-21", "2^31+6"),
    ("2-32-less-1", 2**32 - 1, "WIRE-21", "2^32-1, which is -1 in 32 bits"),
    ("2-32", 2**32, "WIRE-21", "2^32, which 32 bits wrap to 0"),
    ("2-32-plus-6", 2**32 + 6, "WIRE-21", "2^32+6, which 32 bits wrap to 6"),
    ("10-digits", 10**10 - 1, "WIRE-21", "the greatest length that the grammar has"),
    ("11-digits", 10**10, "WIRE-21", "11 digits, more than the grammar has"),
    ("2-53-plus-6", 2**53 + 6, "WIRE-21", "2^53+6"),
    ("2-63-less-1", 2**63 - 1, "WIRE-21", "2^63-1: offset + length overflows"),
    ("2-63", 2**63, "WIRE-21", "2^63, negative in 64 bits with sign"),
    ("2-64-less-3", 2**64 - 3, "WIRE-21", "2^64-3, which wraps to -3: backwards"),
    ("2-64-less-1", 2**64 - 1, "WIRE-21", "2^64-1: offset + length wraps"),
    ("2-64", 2**64, "WIRE-21", "2^64, which 64 bits wrap to 0"),
    ("2-64-plus-6", 2**64 + 6, "WIRE-21", "2^64+6, which 64 bits wrap to 6"),
    ("2-128-plus-6", 2**128 + 6, "WIRE-21", "2^128+6"),
    ("400-digits", 10**399, "WIRE-21", "a length that a double turns into infinity"),
]

# Positions that move backwards, found in SDKs that ran for ever.
BACKWARDS = [
    (VALUE, "list-minus-3", b"l-3:e", "a length that leads back to the l"),
    (VALUE, "list-minus-3-cut", b"l-3:", "the same without an end"),
    (VALUE, "dict-value-minus-6", b"d1:ai1e-6:", "a length that leads back to the key"),
    (VALUE, "dict-value-minus-6-e", b"d1:ai1e-6:e", "the same with an end"),
    (VALUE, "dict-key-minus-1", b"d-1:ai1ee", "a negative length of a key"),
    (VALUE, "list-minus-1", b"l1:a-1:e", "a length that leads to its own colon"),
    (MESSAGE, "item-minus-3", b"li2e-3:aaae", "a length that leads back to the tag"),
    (MESSAGE, "only-minus-3", b"l-3:", "a length that leads back to the l"),
    (
        "decode.PendingReturns",
        "returns-minus-1",
        b"d7:returnsl-1:ee",
        "a negative length inside returns",
    ),
    (
        "decode.PendingReturns",
        "scheduled-at-minus-4",
        b"d7:returnsle12:scheduled_at-4:e",
        "a negative length for scheduled_at",
    ),
    (
        "decode.Call",
        "payload-minus-10",
        b"d7:payload-10:9:task_name4:leafe",
        "a length of payload that leads back to its key",
    ),
    (
        "decode.Call",
        "unknown-minus-6",
        b"d1:ai1e-6:7:payload2:[]9:task_name4:leafe",
        "a negative length of a key",
    ),
]

CONTENT = [
    ("empty", b"", "no octets"),
    ("one", b"a", "one octet"),
    ("nine", b"a" * 9, "the last length of one digit"),
    ("ten", b"a" * 10, "the first length of two digits"),
    ("hundred", b"a" * 100, "a length of three digits"),
    ("all-octets", bytes(range(256)), "each octet once"),
    ("looks-like-string", b"1:a", "octets that look like a string"),
    ("looks-like-end", b"eee", "octets that look like ends"),
    ("looks-like-list", b"li1ee", "octets that look like a list"),
    ("digits", b"12345", "octets that look like a length"),
    ("colons", b":::", "octets that look like a colon"),
    ("nul", b"\x00", "a NUL does not end a string"),
    ("nul-within", b"a\x00b", "a NUL inside"),
    ("newline", b"\r\n", "line ends stay as they are"),
    ("not-utf8", b"\xff\xfe", "a string need not be text"),
    ("backslash", b"\\n\\x00", "there are no escapes"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of strings as any value, and as items of a message."""
    for slug, octets, note in CONTENT:
        written = string(octets)
        yield accept(VALUE, f"str-{slug}", written, "WIRE-10 WIRE-2", note)
    for slug, length, ids, note in MALFORMED:
        octets = b"l" + length + b"root1e"
        yield reject(VALUE, f"str-{slug}", octets, ids, note)
        octets = b"li2e" + length + b"root16:c1hashe"
        # Behind a semicolon or none, the digits of the next length get into it.
        yield reject(MESSAGE, f"root-length-{slug}", octets, ids, f"root_id: {note}")
    yield reject(VALUE, "str-zero-zero", b"00:", "WIRE-17", "an empty string as 00:")
    yield reject(VALUE, "str-colon-only", b":", "WIRE-15 WIRE-19", "only a colon")
    yield reject(VALUE, "str-digit-only", b"1", "WIRE-13 WIRE-20", "only a length")
    note = "one more than the octets left, and nothing behind"
    yield reject(VALUE, "str-length-2", b"2:a", "WIRE-21 WIRE-13", note)
    note = "a length and no octets"
    yield reject(VALUE, "str-length-1-cut", b"1:", "WIRE-21 WIRE-13", note)
    for slug, number, ids, note in LENGTHS:
        octets = b"li2e5:root1%d:c1hashe" % number
        yield reject(MESSAGE, f"hash-length-{slug}", octets, ids, f"call_hash: {note}")
        ids = "WIRE-14" if number == 0 else "WIRE-21"
        if number not in (5, 7):
            yield reject(VALUE, f"str-length-{slug}", b"%d:a" % number, ids, note)
    for suite, slug, octets, note in BACKWARDS:
        yield reject(suite, f"backwards-{slug}", octets, "WIRE-15 WIRE-19", note)
    digits = [(b"9", 100_000)]
    note = "100 000 digits of a length and no colon"
    yield reject(VALUE, "str-100000-digits-cut", digits, "WIRE-20 WIRE-13", note)
    note = "a length of 100 000 digits"
    digits = [(b"9", 100_000), (b":a", 1)]
    yield reject(VALUE, "str-100000-digits", digits, "WIRE-21 WIRE-26", note)
    digits = [(b"li2e", 1), (b"9", 100_000), (b":root16:c1hashe", 1)]
    yield reject(MESSAGE, "root-length-100000-digits", digits, "WIRE-21", note)
