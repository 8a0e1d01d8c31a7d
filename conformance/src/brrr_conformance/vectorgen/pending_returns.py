# SPDX-License-Identifier: AGPL-3.0-only
"""PendingReturns: the set of returns, its elements, and scheduled_at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.call import PLAIN, UNKNOWN
from brrr_conformance.vectorgen.vector import Vector, accept, cuts, reject, string

if TYPE_CHECKING:
    from collections.abc import Iterator

RETURNS = "decode.PendingReturns"
NONE = b"d7:returnslee"

PIECES = [
    (b"d", "the dict"),
    (b"7:returns", "the key returns"),
    (b"l", "the list of returns"),
    (b"l", "a return"),
    (b"i1e", "its tag"),
    (b"1:r", "its root_id"),
    (b"1:h", "its call_hash"),
    (b"1:t", "its topic"),
    (b"e", "its end"),
    (b"e", "the end of returns"),
    (b"12:scheduled_at", "the key scheduled_at"),
    (b"i17e", "the time"),
    (b"e", "the end"),
]


def entry(root: bytes, call_hash: bytes = b"h", topic: bytes = b"t") -> bytes:
    """Write a PendingReturn."""
    return b"li1e" + string(root) + string(call_hash) + string(topic) + b"e"


def record(*entries: bytes) -> bytes:
    """Write PendingReturns without a time."""
    return b"d7:returnsl" + b"".join(entries) + b"ee"


def timed(item: bytes) -> bytes:
    """Write PendingReturns of nothing but a time."""
    return b"d7:returnsle12:scheduled_at" + item + b"e"


EMOJI, TILDE = b"\xf0\x9f\x98\x80", b"\xef\xbd\x9e"

# Two returns in canonical order, and the reason, which some other order misses.
ORDER = [
    ("root", entry(b"a"), entry(b"b"), "by root_id"),
    ("hash", entry(b"a", b"1"), entry(b"a", b"2"), "by call_hash"),
    ("topic", entry(b"a", b"1", b"t"), entry(b"a", b"1", b"u"), "by topic"),
    (
        "root-first",
        entry(b"a", b"z", b"z"),
        entry(b"b", b"a", b"a"),
        "root_id counts before call_hash and topic",
    ),
    (
        "hash-second",
        entry(b"a", b"a", b"z"),
        entry(b"a", b"b", b"a"),
        "call_hash counts before topic",
    ),
    ("prefix", entry(b"a"), entry(b"aa"), "a proper prefix first"),
    ("empty", entry(b""), entry(b"\x00"), "the empty text first"),
    ("not-length", entry(b"ab"), entry(b"b"), "the longer, lesser text first"),
    ("case", entry(b"B"), entry(b"a"), "capitals first, no locale"),
    ("digits", entry(b"10"), entry(b"9"), "digits are no numbers"),
    ("lengths", entry(b"a" * 10), entry(b"b"), "not in the order of 10: and 1:"),
    ("utf16", entry(TILDE), entry(EMOJI), "U+FF5E before U+1F600, not as UTF-16"),
    (
        "utf16-topic",
        entry(b"r", b"h", TILDE),
        entry(b"r", b"h", EMOJI),
        "the same in a topic",
    ),
    ("high", entry(b"z"), entry(b"\xc3\xa9"), "octets have no sign"),
    ("nfd", entry(b"e\xcc\x81"), entry(b"\xc3\xa9"), "NFD and NFC are two texts"),
    (
        "comma",
        entry(b"a", b"z"),
        entry(b"a!", b"a"),
        "field by field: joined by commas, a! would come first",
    ),
    (
        "comma-inside",
        entry(b"a", b"b,c"),
        entry(b"a,b", b"c"),
        "joined by commas, both would be the same",
    ),
    (
        "joined",
        entry(b"a", b"bc"),
        entry(b"ab", b"c"),
        "joined by nothing, both would be the same",
    ),
    (
        "nul",
        entry(b"a", b"z"),
        entry(b"a\x00", b"a"),
        "joined by NULs, the second would come first",
    ),
]

A, B = entry(b"a"), entry(b"b")

REPEATED = [
    ("twice", record(A, A), record(A), "a return twice"),
    ("thrice", record(A, A, A), record(A), "a return three times"),
    ("twice-apart", record(A, B, A), record(A, B), "twice, another between"),
    ("both-twice", record(B, A, B, A), record(A, B), "two returns twice"),
]

DIFFERENT = [
    ("root", entry(b"a\x00")),
    ("hash", entry(b"a", b"i")),
    ("topic", entry(b"a", b"h", b"u")),
]

TYPES = [
    ("int", b"i1e", "REC-23", "an integer"),
    ("string", b"2:de", "REC-23", "a string"),
    ("list", b"le", "REC-23", "an empty list"),
    ("list-of-keys", b"l7:returnslee", "REC-23", "a list of key and value"),
    ("list-of-record", b"ld7:returnsleee", "REC-23", "a list around it"),
    ("list-of-returns", b"l" + A + b"e", "REC-23", "a list of returns"),
    ("message", b"li2e5:root16:c1hashe", "REC-23", "a ScheduleMessage"),
    ("return", A, "REC-23", "a PendingReturn"),
    ("call", PLAIN, "REC-26", "a Call"),
]

MISSING = [
    ("both", b"de", "returns is missing"),
    ("returns", b"d12:scheduled_ati1ee", "there is only scheduled_at"),
    ("nested", b"d1:ad7:returnsleee", "returns is nested"),
    ("in-proto", b"d9:__proto__d7:returnsleee", "returns is in its prototype"),
    ("capital", b"d7:Returnslee", "the key has a capital"),
    ("prefix", b"d6:returnlee", "the key is too short"),
    ("longer", b"d8:returns0lee", "the key is too long"),
    ("nul", b"d8:returns\x00lee", "the key ends in a NUL"),
]

NO_LIST = [
    ("int", b"i1e", "an integer"),
    ("zero", b"i0e", "the integer 0"),
    ("string", b"0:", "an empty string"),
    ("string-list", b"2:le", "a list inside a string"),
    ("dict", b"de", "an empty dict"),
    ("dict-numbers", b"d1:0" + A + b"e", "a dict with the key 0"),
    ("bare", A, "one return, not a list of it"),
]

NO_RETURN = [
    ("int", b"i1e", "REC-23", "an integer"),
    ("string", b"1:a", "REC-23", "a string"),
    ("dict", b"de", "REC-23", "an empty dict"),
    ("empty", b"le", "REC-25", "an empty list"),
    ("message", b"li2e1:r1:he", "REC-24", "a ScheduleMessage"),
    ("message-three", b"li2e1:r1:h1:te", "REC-24", "a list with the tag 2"),
    ("no-tag", b"l1:r1:h1:te", "REC-24 REC-25", "a list without tag"),
    ("string-tag", b"l1:11:r1:h1:te", "REC-24", "a list with a string as tag"),
    ("arity-2", b"li1e1:r1:he", "REC-25", "a list with 2 texts"),
    ("arity-4", b"li1e1:r1:h1:t1:xe", "REC-25", "a list with 4 texts"),
    ("nested", b"l" + A + b"e", "REC-24", "a list of a return"),
]

NO_STRING = [
    ("root", b"li1ei5e1:h1:te", "root_id is an integer"),
    ("hash", b"li1e1:rle1:te", "call_hash is a list"),
    ("topic", b"li1e1:r1:hdee", "topic is a dict"),
]

TIMES = [
    ("one", 1, "the least that is written"),
    ("2-31-less-1", 2**31 - 1, "2^31-1, the last second of 32 bits with sign"),
    ("2-31", 2**31, "2^31, in the year 2038"),
    ("2-32", 2**32, "2^32"),
    ("max", 2**53 - 1, "2^53-1"),
]

NO_TIMES = [
    ("minus-one", b"i-1e", "below zero"),
    ("min", b"i-9007199254740991e", "the least integer"),
    ("string", b"1:5", "a string"),
    ("empty-string", b"0:", "an empty string"),
    ("list", b"le", "an empty list"),
    ("list-of-int", b"li5ee", "a list of an integer"),
    ("dict", b"de", "an empty dict"),
]

NEAR_TIMES = [
    ("short", b"d7:returnsle11:scheduled_ai5ee", "scheduled_a"),
    ("longer", b"d7:returnsle13:scheduled_at_i5ee", "scheduled_at_"),
    ("nested", b"d1:ad12:scheduled_ati5ee7:returnslee", "one in a nested dict"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of PendingReturns."""
    yield from cuts(RETURNS, PIECES)
    yield from _sets()
    yield from _keys()
    yield from _elements()
    yield from _scheduled_at()


def _sets() -> Iterator[Vector]:
    ids = "REC-3 REC-12"
    time = b"12:scheduled_ati1795489157e"
    one = b"d7:returnslli1e5:root110:parenthash7:topic-tee"
    for slug, octets, note in (
        ("simple", one + time + b"e", "as both SDKs write it"),
        ("none", NONE, "no returns, no time"),
        ("none-timed", b"d7:returnsle" + time + b"e", "no returns, a time"),
        ("untimed", one + b"e", "one return, no time"),
        ("empty-texts", record(entry(b"", b"", b"")), "a return of empty texts"),
    ):
        yield accept(RETURNS, slug, octets, ids, note)
    for slug, first, second, note in ORDER:
        octets = record(first, second)
        why = f"sorted {note}"
        yield accept(RETURNS, f"order-{slug}", octets, "REC-7 REC-12", why)
        turned = record(second, first)
        why = f"turned round; written again, sorted {note}"
        ids = "REC-21 REC-7"
        yield accept(RETURNS, f"turned-{slug}", turned, ids, why, canonical=octets)
    hundred = [entry(b"%03d" % at) for at in range(100)]
    turned, octets = record(*reversed(hundred)), record(*hundred)
    note = "100 returns, the last first"
    ids = "REC-21 REC-7"
    yield accept(RETURNS, "turned-100", turned, ids, note, canonical=octets)
    for slug, octets, once, note in REPEATED:
        ids = "REC-21 REC-6"
        yield accept(RETURNS, slug, octets, ids, note, canonical=once)
    for slug, other in DIFFERENT:
        note = f"two returns that differ only in {slug} are two"
        yield accept(RETURNS, f"differ-{slug}", record(A, other), "REC-6", note)


def _keys() -> Iterator[Vector]:
    for slug, octets, ids, note in TYPES:
        note = f"the outermost value is {note}"
        yield reject(RETURNS, f"type-{slug}", octets, ids, note)
    for slug, octets, note in MISSING:
        yield reject(RETURNS, f"missing-{slug}", octets, "REC-26 REC-28", note)
    for slug, item, note in UNKNOWN:
        octets = b"d7:returnsle1:z" + item + b"e"
        note = f"an unknown key holds {note}; it is dropped"
        ids = "REC-20 REC-11"
        yield accept(RETURNS, f"unknown-{slug}", octets, ids, note, canonical=NONE)
    for slug, octets, note in (
        ("returns", b"d7:returnsle7:returnslee", "returns twice"),
        ("time", timed(b"i5e12:scheduled_ati6e"), "scheduled_at twice"),
    ):
        yield reject(RETURNS, f"twice-{slug}", octets, "WIRE-30", note, level=2)
    octets = b"d12:scheduled_ati5e7:returnslee"
    note = "scheduled_at before returns"
    yield reject(RETURNS, "unsorted", octets, "WIRE-30", note, level=2)
    yield accept(
        RETURNS,
        "unsorted-or-exact",
        octets,
        "REC-3 REC-28",
        f"{note}: who accepts it, takes each for itself",
        canonical=timed(b"i5e"),
        expect="either",
    )


def _elements() -> Iterator[Vector]:
    for slug, item, note in NO_LIST:
        octets = b"d7:returns" + item + b"e"
        ids = "REC-27 REC-23"
        yield reject(RETURNS, f"returns-{slug}", octets, ids, f"returns is {note}")
    for slug, item, ids, note in NO_RETURN:
        ids = f"REC-27 {ids}"
        why = f"the only element is {note}"
        yield reject(RETURNS, f"element-{slug}", record(item), ids, why)
        why = f"the second element is {note}"
        yield reject(RETURNS, f"second-{slug}", record(A, item), ids, why)
    for slug, item, note in NO_STRING:
        octets = record(item)
        why = f"in an element, {note}"
        yield reject(RETURNS, f"element-{slug}", octets, "REC-40", why, level=2)


def _scheduled_at() -> Iterator[Vector]:
    for slug, number, note in TIMES:
        octets = timed(b"i%de" % number)
        yield accept(RETURNS, f"at-{slug}", octets, "REC-3 WIRE-10", note)
    octets = timed(b"i0e")
    note = "0 is read as unset, and left out when written"
    yield accept(RETURNS, "at-zero", octets, "REC-22 REC-8", note, canonical=NONE)
    for slug, number in (("2-53", 2**53), ("2-53-plus-1", 2**53 + 1)):
        octets = timed(b"i%de" % number)
        note = "a time outside ±(2^53-1)"
        yield reject(RETURNS, f"at-{slug}", octets, "WIRE-31", note, level=2)
        # The oracle, being strict, would not give the value.
        value = {"returns": [], "scheduled_at": number}
        note = f"{note}: never another number"
        name, expect = f"at-{slug}-or-exact", "reject_or_exact"
        yield Vector(RETURNS, name, expect, "WIRE-24", note, octets, value, octets)
    for slug, number in (("2-63", 2**63), ("2-64-plus-1", 2**64 + 1)):
        octets = timed(b"i%de" % number)
        note = "a time that does not fit 64 bits with sign"
        yield reject(RETURNS, f"at-{slug}", octets, "WIRE-31", note, level=2)
    for slug, item, note in NO_TIMES:
        octets = timed(item)
        note = f"scheduled_at is {note}"
        yield reject(RETURNS, f"at-{slug}", octets, "REC-41", note, level=2)
    for slug, octets, note in NEAR_TIMES:
        note = f"there is no scheduled_at, but {note}"
        ids = "REC-28 REC-20"
        yield accept(RETURNS, f"near-{slug}", octets, ids, note, canonical=NONE)
