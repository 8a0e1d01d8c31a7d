# SPDX-License-Identifier: AGPL-3.0-only
"""Integers: every way of writing one that some number parser lets pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import accept, reject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Vector

MAX = 2**53 - 1

# What stands between "i" and "e", with N for the number that would be right.
# Those in EVERYWHERE are tried as a tag and as scheduled_at too.
MALFORMED = [
    ("none", b"", "WIRE-16", "without digits"),
    ("minus-only", b"-", "WIRE-16", "of a minus and no digits"),
    ("leading-zero", b"0N", "WIRE-17", "with a leading zero"),
    ("two-leading-zeros", b"00N", "WIRE-17", "with two leading zeros"),
    ("double-zero", b"00", "WIRE-17", "zero, written with two digits"),
    ("minus-zero", b"-0", "WIRE-17", "minus zero"),
    ("minus-double-zero", b"-00", "WIRE-17", "minus zero, with two digits"),
    ("minus-leading-zero", b"-0N", "WIRE-17", "with a leading zero after the minus"),
    ("plus", b"+N", "WIRE-18", "with a plus sign, as strtol and Number take it"),
    ("plus-zero", b"+0", "WIRE-18", "plus zero"),
    ("minus-minus", b"--N", "WIRE-18", "with two minus signs"),
    ("minus-plus", b"-+N", "WIRE-18", "with a minus and a plus"),
    ("minus-behind", b"N-", "WIRE-18", "with the minus behind it"),
    ("minus-within", b"N-1", "WIRE-18", "with a minus inside"),
    ("minus-space", b"- N", "WIRE-18", "with a space after the minus"),
    ("unicode-minus", b"\xe2\x88\x92N", "WIRE-18", "with U+2212 for a minus"),
    ("space-before", b" N", "WIRE-18", "with a space in front, as int() takes it"),
    ("space-behind", b"N ", "WIRE-18", "with a space behind, as int() takes it"),
    ("tab-before", b"\tN", "WIRE-18", "with a tab in front"),
    ("newline-behind", b"N\n", "WIRE-18", "with a newline behind"),
    ("nul-before", b"\x00N", "WIRE-18", "with a NUL in front"),
    ("nul-behind", b"N\x00", "WIRE-18", "with a NUL behind, as atoi takes it"),
    ("underscore", b"N_0", "WIRE-18", "with an underscore, as int() takes it"),
    ("comma", b"N,0", "WIRE-18", "with a comma"),
    ("point-zero", b"N.0", "WIRE-18", "with a fraction of zero"),
    ("fraction", b"N.9", "WIRE-18", "with a fraction, as parseInt cuts it off"),
    ("point-behind", b"N.", "WIRE-18", "with a point behind"),
    ("point-before", b".N", "WIRE-18", "with a point in front"),
    ("exponent", b"NE0", "WIRE-18", "with an exponent, as Number takes it"),
    ("exponent-e", b"Ne5", "WIRE-18", "with an exponent: it ends at e"),
    ("hex", b"0xN", "WIRE-18", "in hexadecimal"),
    ("binary", b"0b1", "WIRE-18", "in binary"),
    ("octal", b"0o1", "WIRE-18", "in octal"),
    ("bigint-suffix", b"Nn", "WIRE-18", "with the suffix of a BigInt"),
    ("long-suffix", b"NL", "WIRE-18", "with the suffix of a long"),
    ("nan", b"NaN", "WIRE-18", "that is the word NaN"),
    ("infinity", b"Infinity", "WIRE-18", "that is the word Infinity"),
    ("quotes", b'"N"', "WIRE-18", "in quotes"),
    ("arabic-digit", b"\xd9\xa2", "WIRE-18", "of the digit U+0662"),
    ("fullwidth-digit", b"\xef\xbc\x92", "WIRE-18", "of the digit U+FF12"),
    ("superscript", b"\xc2\xb2", "WIRE-18", "of the superscript U+00B2"),
    ("latin1-superscript", b"\xb2", "WIRE-18", "of the octet B2"),
    ("letter", b"x", "WIRE-18", "of a letter"),
    ("colon", b"N:", "WIRE-18", "with a colon behind"),
    ("string-inside", b"1:N", "WIRE-18", "that is a string"),
    ("list-inside", b"liNe", "WIRE-18", "that is a list"),
]

EVERYWHERE = {
    "none",
    "minus-only",
    "leading-zero",
    "minus-zero",
    "plus",
    "minus-minus",
    "space-before",
    "space-behind",
    "newline-behind",
    "nul-behind",
    "underscore",
    "point-zero",
    "fraction",
    "exponent",
    "exponent-e",
    "hex",
    "quotes",
    "arabic-digit",
    "superscript",
}

WELL_FORMED = [
    ("zero", 0, "zero"),
    ("one", 1, "one digit"),
    ("minus-one", -1, "a negative number"),
    ("ten", 10, "a zero that does not lead"),
    ("minus-ten", -10, "a negative number with a zero behind"),
    ("2-31-less-1", 2**31 - 1, "2^31-1, the last of 32 bits with sign"),
    ("2-31", 2**31, "2^31, no more an int of 32 bits"),
    ("minus-2-31", -(2**31), "-2^31, the least of 32 bits"),
    ("minus-2-31-less-1", -(2**31) - 1, "-2^31-1"),
    ("2-32-less-1", 2**32 - 1, "2^32-1, the last of 32 bits"),
    ("2-32", 2**32, "2^32"),
    ("16-digits", 10**15, "the least number of 16 digits"),
    ("max-less-1", MAX - 1, "2^53-2"),
    ("max", MAX, "2^53-1, the greatest that is allowed"),
    ("min", -MAX, "-(2^53-1), the least that is allowed"),
    ("min-plus-1", -MAX + 1, "-(2^53-2)"),
]

TOO_LARGE = [
    ("max-plus-1", MAX + 1, "2^53, a double that may stand for 2^53+1 too"),
    ("min-less-1", -MAX - 1, "-2^53"),
    ("max-plus-2", MAX + 2, "2^53+1, which a double turns into 2^53"),
    ("min-less-2", -MAX - 2, "-2^53-1, which a double turns into -2^53"),
    ("greatest-16-digits", 10**16 - 1, "the greatest number of 16 digits"),
    ("17-digits", 10**16, "17 digits"),
    ("2-63-less-1", 2**63 - 1, "2^63-1, the last of 64 bits with sign"),
    ("2-63", 2**63, "2^63, which wraps to a negative number"),
    ("minus-2-63", -(2**63), "-2^63, the least of 64 bits"),
    ("minus-2-63-less-1", -(2**63) - 1, "-2^63-1"),
    ("2-64-less-1", 2**64 - 1, "2^64-1, the last of 64 bits"),
    ("2-64", 2**64, "2^64, which wraps to 0"),
    ("2-64-plus-1", 2**64 + 1, "2^64+1, which wraps to 1"),
    ("2-128", 2**128, "2^128"),
    ("400-digits", 10**399, "400 digits, which a double turns into infinity"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of integers as any value, as a tag, and as scheduled_at."""
    yield from _values()
    for slug, text, ids, why in MALFORMED:
        if slug not in EVERYWHERE:
            continue
        if slug == "exponent-e":
            ids = "WIRE-18 WIRE-19"  # what follows the e is taken for a length
        tag = b"i" + text.replace(b"N", b"2") + b"e"
        octets = b"l" + tag + b"5:root16:c1hashe"
        note = f"the tag is an integer {why}"
        yield reject("decode.ScheduleMessage", f"tag-{slug}", octets, ids, note)
        time = b"i" + text.replace(b"N", b"1700000000") + b"e"
        octets = b"d7:returnsle12:scheduled_at" + time + b"e"
        note = f"scheduled_at is an integer {why}"
        yield reject("decode.PendingReturns", f"scheduled-at-{slug}", octets, ids, note)


def _values() -> Iterator[Vector]:
    suite = "decode.value"
    for slug, text, ids, why in MALFORMED:
        octets = b"i" + text.replace(b"N", b"1") + b"e"
        if slug == "exponent-e":
            ids = "WIRE-18 WIRE-14"
        yield reject(suite, f"int-{slug}", octets, ids, f"an integer {why}")
    for slug, number, note in WELL_FORMED:
        yield accept(suite, f"int-{slug}", b"i%de" % number, "WIRE-10 WIRE-1", note)
    for slug, number, note in TOO_LARGE:
        octets = b"i%de" % number
        kept = accept(
            suite,
            f"int-{slug}-or-exact",
            octets,
            "WIRE-24",
            f"{note}: never another number",
            expect="reject_or_exact",
        )
        yield kept
        yield reject(suite, f"int-{slug}", octets, "WIRE-31", note, level=2)
    long = [(b"i1", 1), (b"0", 100_000), (b"e", 1)]
    note = "100 001 digits: read in linear time, or not at all"
    yield reject(suite, "int-100001-digits", long, "WIRE-26 WIRE-31", note, level=2)
    yield accept(
        suite,
        "int-100001-digits-or-exact",
        long,
        "WIRE-24 WIRE-26",
        note,
        expect="reject_or_exact",
    )
    endless = [(b"i", 1), (b"9", 100_000)]
    note = "100 000 digits and no end"
    yield reject(suite, "int-100000-digits-cut", endless, "WIRE-13 WIRE-26", note)
