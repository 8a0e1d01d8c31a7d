# SPDX-License-Identifier: AGPL-3.0-only
"""Text: well-formed UTF-8 and what is not, after Markus Kuhn's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import accept, reject, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Vector

BOM = b"\xef\xbb\xbf"

WELL_FORMED = [
    ("empty", b"", "no text"),
    ("nul", b"\x00", "U+0000, which ends no text"),
    ("nul-within", b"le\x00af", "U+0000 inside"),
    ("del", b"\x7f", "U+007F, the last of one octet"),
    ("u80", b"\xc2\x80", "U+0080, the first of two octets"),
    ("u7ff", b"\xdf\xbf", "U+07FF, the last of two octets"),
    ("u800", b"\xe0\xa0\x80", "U+0800, the first of three octets"),
    ("ud7ff", b"\xed\x9f\xbf", "U+D7FF, the last before the surrogates"),
    ("ue000", b"\xee\x80\x80", "U+E000, the first behind the surrogates"),
    ("ufdd0", b"\xef\xb7\x90", "U+FDD0, a non-character, is well-formed"),
    ("ufffd", b"\xef\xbf\xbd", "U+FFFD itself is no error"),
    ("ufffe", b"\xef\xbf\xbe", "U+FFFE, a non-character"),
    ("uffff", b"\xef\xbf\xbf", "U+FFFF, the last of three octets"),
    ("u10000", b"\xf0\x90\x80\x80", "U+10000, the first of four octets"),
    ("u1f600", b"\xf0\x9f\x98\x80", "U+1F600, two units in UTF-16"),
    ("u10ffff", b"\xf4\x8f\xbf\xbf", "U+10FFFF, the last"),
    ("bom", BOM + b"leaf", "a byte order mark in front"),
    ("bom-only", BOM, "a byte order mark and nothing else"),
    ("bom-within", b"le" + BOM + b"af", "a byte order mark inside"),
    ("bom-twice", BOM + BOM + b"leaf", "two byte order marks"),
    ("bom-behind", b"leaf" + BOM, "a byte order mark at the end"),
    ("nfc", b"\xc3\xa9", "e with acute as one character: stays one"),
    ("nfd", b"e\xcc\x81", "e and a combining acute: stay two"),
    ("angstrom", b"\xe2\x84\xab", "U+212B, which every normal form turns into U+00C5"),
    ("hangul-jamo", b"\xe1\x84\x80\xe1\x85\xa1", "two jamo, which NFC composes"),
    ("ligature", b"\xef\xac\x81", "U+FB01, which NFKC takes apart"),
    ("combining-first", b"\xcc\x81a", "a combining mark in front"),
    ("zwj", b"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", "joined emoji"),
    ("rtl", b"\xe2\x80\xae\xd7\x90", "an override of direction"),
    ("line-separator", b"\xe2\x80\xa8", "U+2028, which breaks lines in JavaScript"),
    ("nel", b"\xc2\x85", "U+0085, which some take for a line end"),
    ("spaces", b"  leaf \t\r\n", "spaces at both ends"),
    ("escapes", b"\\u0041&amp;%41", "nothing here is an escape"),
    ("upper-lower", b"LEAF\xc4\xb0\xc5\xbf", "letters that change with case"),
]

ILL_FORMED = [
    ("80", b"\x80", "a lone continuation octet, the first"),
    ("bf", b"\xbf", "a lone continuation octet, the last"),
    ("continuations", bytes(range(0x80, 0xC0)), "all continuation octets"),
    ("after-ascii", b"leaf\x80", "a continuation octet behind ASCII"),
    ("after-complete", b"\xc3\xa9\xa9", "one continuation octet too many"),
    ("c2-end", b"\xc2", "the first octet of two, at the end"),
    ("df-end", b"\xdf", "the last first octet of two, at the end"),
    ("c3-ascii", b"\xc3(", "the first octet of two, then ASCII"),
    ("c3-within", b"a\xc3b", "the first octet of two, between letters"),
    ("c3-c3", b"\xc3\xc3", "two first octets"),
    ("e0-end", b"\xe0", "the first octet of three, at the end"),
    ("e0-a0-end", b"\xe0\xa0", "two octets of three, at the end"),
    ("ef-bf-end", b"\xef\xbf", "two octets of U+FFFF, at the end"),
    ("e2-ascii", b"\xe2(\xa1", "the second octet of three is ASCII"),
    ("e2-82-ascii", b"\xe2\x82(", "the third octet of three is ASCII"),
    ("f0-end", b"\xf0", "the first octet of four, at the end"),
    ("f0-90-end", b"\xf0\x90", "two octets of four, at the end"),
    ("f0-90-80-end", b"\xf0\x90\x80", "three octets of four, at the end"),
    ("f0-ascii", b"\xf0(\x8c\xbc", "the second octet of four is ASCII"),
    ("f0-90-ascii", b"\xf0\x90(\xbc", "the third octet of four is ASCII"),
    ("f0-90-8c-ascii", b"\xf0\x90\x8c(", "the fourth octet of four is ASCII"),
    ("f4-end", b"\xf4", "the last first octet of four, at the end"),
    ("incomplete-row", b"\xc3\xe0\xa0\xf0\x90\x80", "incomplete ones in a row"),
    ("bom-cut", b"\xef\xbb", "a byte order mark without its last octet"),
    ("overlong-2-nul", b"\xc0\x80", "NUL in two octets, as Java writes it"),
    ("overlong-2-slash", b"\xc0\xaf", "a slash in two octets"),
    ("overlong-2-last", b"\xc1\xbf", "U+007F in two octets"),
    ("overlong-3-nul", b"\xe0\x80\x80", "NUL in three octets"),
    ("overlong-3-slash", b"\xe0\x80\xaf", "a slash in three octets"),
    ("overlong-3-last", b"\xe0\x9f\xbf", "U+07FF in three octets"),
    ("overlong-4-nul", b"\xf0\x80\x80\x80", "NUL in four octets"),
    ("overlong-4-slash", b"\xf0\x80\x80\xaf", "a slash in four octets"),
    ("overlong-4-last", b"\xf0\x8f\xbf\xbf", "U+FFFF in four octets"),
    ("overlong-5-slash", b"\xf8\x80\x80\x80\xaf", "a slash in five octets"),
    ("overlong-6-slash", b"\xfc\x80\x80\x80\x80\xaf", "a slash in six octets"),
    ("five-octets", b"\xf8\x88\x80\x80\x80", "U+200000 in five octets"),
    ("six-octets", b"\xfc\x84\x80\x80\x80\x80", "U+4000000 in six octets"),
    ("high-first", b"\xed\xa0\x80", "U+D800, the first high surrogate"),
    ("high-last", b"\xed\xaf\xbf", "U+DBFF, the last high surrogate"),
    ("low-first", b"\xed\xb0\x80", "U+DC00, the first low surrogate"),
    ("low-last", b"\xed\xbf\xbf", "U+DFFF, the last low surrogate"),
    ("pair", b"\xed\xa0\xbd\xed\xb8\x80", "U+1F600 as two surrogates (CESU-8)"),
    ("pair-swapped", b"\xed\xb0\x80\xed\xa0\x80", "a low before a high surrogate"),
    ("above", b"\xf4\x90\x80\x80", "U+110000, one above the last"),
    ("f5", b"\xf5\x80\x80\x80", "U+140000"),
    ("f7", b"\xf7\xbf\xbf\xbf", "U+1FFFFF"),
    ("fe", b"\xfe", "the octet FE"),
    ("ff", b"\xff", "the octet FF"),
    ("utf16-be", b"\xfe\xff\x00l", "UTF-16 with its mark"),
    ("utf16-le", b"\xff\xfel\x00", "UTF-16, little-endian, with its mark"),
    ("latin1", b"caf\xe9", "Latin-1"),
    ("cp1252", b"\x93leaf\x94", "quotes of Windows-1252"),
    ("first-only", b"\xffleaf", "one bad octet in front of good text"),
    ("last-only", b"le\xc3\xa9f\xff", "one bad octet behind good text"),
]

# Tried in each field that holds text; task_name has them all.
EVERYWHERE = {
    "nul",
    "u80",
    "ud7ff",
    "ue000",
    "uffff",
    "u10ffff",
    "bom",
    "bom-only",
    "nfc",
    "nfd",
    "spaces",
    "80",
    "c2-end",
    "f0-90-80-end",
    "overlong-2-nul",
    "overlong-3-last",
    "overlong-4-last",
    "high-first",
    "low-last",
    "pair",
    "above",
    "ff",
    "latin1",
}

# What stands before and behind the text.
FIELDS = [
    ("decode.Call", "task_name", b"d7:payload2:[]9:task_name", b"e"),
    ("decode.ScheduleMessage", "root_id", b"li2e", b"6:c1hashe"),
    ("decode.PendingReturn", "root_id", b"li1e", b"1:h1:te"),
    ("decode.PendingReturn", "topic", b"li1e1:r1:h", b"e"),
    ("decode.PendingReturns", "root_id", b"d7:returnslli1e", b"1:h1:teee"),
    ("decode.PendingReturns", "topic", b"d7:returnslli1e1:r1:h", b"eee"),
]

# Octets at the borders of what a call_hash may hold [REC-42].
HASHES = [
    ("empty", b"", True, "no octets"),
    ("space", b" ", True, "20, the first that is allowed"),
    ("tilde", b"~", True, "7E, the last that is allowed"),
    ("all", bytes(range(0x20, 0x7F)), True, "each that is allowed"),
    ("spaces-around", b" h ", True, "spaces stay where they are"),
    ("e", b"e", True, "an e is no end"),
    ("slash", b"a/b", True, "a slash does not matter"),
    ("1f", b"h\x1f", False, "1F, one below"),
    ("7f", b"h\x7f", False, "7F, one above"),
    ("nul", b"h\x00", False, "NUL"),
    ("nul-first", b"\x00h", False, "NUL in front"),
    ("newline", b"h\n", False, "a newline behind, where a regex has its $"),
    ("tab", b"\th", False, "a tab"),
    ("u80", b"h\xc2\x80", False, "U+0080"),
    ("nbsp", b"h\xc2\xa0", False, "a no-break space"),
    ("e-acute", b"h\xc3\xa9", False, "a letter outside US-ASCII"),
    ("fullwidth", b"\xef\xbc\xa1", False, "U+FF21, which NFKC turns into A"),
    ("bom", BOM + b"h", False, "a byte order mark"),
    ("emoji", b"\xf0\x9f\x98\x80", False, "a character of four octets"),
]

HASH_FIELDS = [
    ("decode.ScheduleMessage", b"li2e5:root1", b"e"),
    ("decode.PendingReturn", b"li1e1:r", b"1:te"),
    ("decode.PendingReturns", b"d7:returnslli1e1:r", b"1:teee"),
]

# Who looks at several octets at a time must look at each of 32, of 8, and of the rest.
LONG = 45


def placed(inside: bytes, at: int) -> bytes:
    """Make a text of this length with something at a place in it."""
    return b"a" * at + inside + b"a" * (LONG - at - len(inside))


def vectors() -> Iterator[Vector]:
    """Make the vectors of text, field by field."""
    yield from _fields()
    yield from _hashes()
    yield from _places()


def _fields() -> Iterator[Vector]:
    for suite, field, before, behind in FIELDS:
        everything = field == "task_name"
        for slug, text, note in WELL_FORMED:
            if everything or slug in EVERYWHERE:
                octets = before + string(text) + behind
                ids = "WIRE-11" if "bom" in slug else "WIRE-10 REC-12"
                note = f"{field}: {note}"
                yield accept(suite, f"{field}-{slug}", octets, ids, note)
        for slug, text, note in ILL_FORMED:
            if everything or slug in EVERYWHERE:
                octets = before + string(text) + behind
                note = f"{field}, ill-formed: {note}"
                yield reject(suite, f"{field}-bad-{slug}", octets, "WIRE-25", note)


def _hashes() -> Iterator[Vector]:
    for suite, before, behind in HASH_FIELDS:
        for slug, text, allowed, note in HASHES:
            octets = before + string(text) + behind
            note = f"call_hash: {note}"
            name = f"hash-{slug}"
            if allowed:
                yield accept(suite, name, octets, "WIRE-10 REC-42", note)
            else:
                yield reject(suite, name, octets, "REC-42", note, level=2)
        for slug, text in (("ff", b"h\xff"), ("latin1", b"h\xe9"), ("cut", b"h\xc3")):
            octets = before + string(text) + behind
            note = "call_hash: not even UTF-8"
            yield reject(suite, f"hash-bad-{slug}", octets, "WIRE-25 REC-42", note)


def _places() -> Iterator[Vector]:
    suite, before, behind = "decode.Call", b"d7:payload2:[]9:task_name", b"e"
    for at in range(LONG):
        note = f"task_name, ill-formed: FF at {at}, {LONG} octets"
        octets = before + string(placed(b"\xff", at)) + behind
        yield reject(suite, f"task_name-bad-ff-at-{at}", octets, "WIRE-25", note)
    for at in range(LONG - 1):
        note = f"task_name: a character of two octets at {at}, {LONG} octets"
        octets = before + string(placed(b"\xc3\xa9", at)) + behind
        ids = "WIRE-10 REC-12"
        yield accept(suite, f"task_name-two-octets-at-{at}", octets, ids, note)
    suite, before, behind = HASH_FIELDS[0]
    for slug, octet in (("1f", b"\x1f"), ("7f", b"\x7f")):
        for at in range(LONG):
            note = f"call_hash: {slug.upper()} at {at}, {LONG} octets"
            octets = before + string(placed(octet, at)) + behind
            yield reject(suite, f"hash-{slug}-at-{at}", octets, "REC-42", note, level=2)
