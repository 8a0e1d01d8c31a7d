# SPDX-License-Identifier: AGPL-3.0-only
"""The dict records, Call and PendingReturns: keys, values, and the set of returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import Vector, accept, cuts, reject, string

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL = "decode.Call"
RETURNS = "decode.PendingReturns"

PAYLOAD = b"7:payload2:[]"
TASK = b"9:task_name4:leaf"
PLAIN = b"d" + PAYLOAD + TASK + b"e"
NONE = b"d7:returnslee"

CALL_PIECES = [
    (b"d", "the dict"),
    (b"7:payload", "the key payload"),
    (b'7:[1,"x"]', "the payload"),
    (b"9:task_name", "the key task_name"),
    (b"4:leaf", "the task_name"),
    (b"e", "the end"),
]

RETURNS_PIECES = [
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

CALLS = [
    ("simple", b'd7:payload7:[1,"x"]9:task_name4:leafe', "as both SDKs write it"),
    ("empty-payload", b"d7:payload0:9:task_name4:leafe", "a payload of no octets"),
    ("empty-name", b"d7:payload2:[]9:task_name0:e", "a task_name of no octets"),
    ("both-empty", b"d7:payload0:9:task_name0:e", "both of no octets"),
    ("payload-ff", b"d7:payload1:\xff9:task_name4:leafe", "a payload is not text"),
    (
        "payload-all",
        b"d7:payload" + string(bytes(range(256))) + TASK + b"e",
        "a payload of each octet",
    ),
    (
        "payload-surrogate",
        b"d7:payload3:\xed\xa0\x80" + TASK + b"e",
        "a payload that would be ill-formed as text",
    ),
    (
        "payload-bom",
        b"d7:payload5:\xef\xbb\xbf[]" + TASK + b"e",
        "a payload that begins like a byte order mark",
    ),
    (
        "payload-bencode",
        b"d7:payload17:9:task_name4:evil" + TASK + b"e",
        "a payload that looks like the next key",
    ),
    (
        "payload-newlines",
        b"d7:payload6:\r\n\r\n\r\n" + TASK + b"e",
        "a payload of line ends",
    ),
    ("payload-nul", b"d7:payload3:\x00a\x00" + TASK + b"e", "a payload with NULs"),
]

# Task names that mean something in one language or other, and nothing here.
NAMES = [
    "toString",
    "constructor",
    "__proto__",
    "hasOwnProperty",
    "valueOf",
    "prototype",
    "__class__",
    "__init__",
    "null",
    "undefined",
    "0",
    "-1",
    "../leaf",
    "task_name",
    "e",
    "4:leaf",
]

# Keys that are not the record's own, though some reader takes them for it.
NEAR_KEYS = [
    ("short", b"payloa", "a prefix of the key"),
    ("long", b"payload0", "the key and one octet more"),
    ("nul", b"payload\x00", "the key and a NUL"),
    ("space", b"payload ", "the key and a space"),
    ("capital", b"Payload", "the key with a capital"),
    ("upper", b"PAYLOAD", "the key in capitals"),
    ("empty", b"", "the empty key"),
    ("bom", b"\xef\xbb\xbfpayload", "the key behind a byte order mark"),
    ("fullwidth", b"\xef\xbd\x90ayload", "the key with U+FF50, which NFKC turns to p"),
    ("combining", b"payload\xcc\x81", "the key with a combining mark"),
    ("joiner", b"pay\xe2\x80\x8bload", "the key with a zero-width space inside"),
    ("twice", b"payloadpayload", "the key twice over"),
    ("not-utf8", b"payload\xff", "the key and an octet that is no UTF-8"),
]

# Values of unknown keys.
UNKNOWN = [
    ("int", b"i1e", "an integer"),
    ("string", b"1:x", "a string"),
    ("not-utf8", b"2:\xff\xfe", "a string that is not text"),
    ("list", b"li1e1:ae", "a list"),
    ("dict", b"d1:ai1ee", "a dict"),
    ("call", b"d7:payload1:x9:task_name1:ye", "a whole Call"),
    ("returns", b"d7:returnslli1e1:r1:h1:teee", "whole PendingReturns"),
    ("message", b"li2e1:r1:he", "a whole ScheduleMessage"),
    ("bare", b"9:task_name", "a string that is a key elsewhere"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of both records."""
    yield from cuts(CALL, CALL_PIECES)
    yield from cuts(RETURNS, RETURNS_PIECES)
    yield from _calls()
    yield from _call_keys()
    yield from _unknown_keys()
    yield from _types()
    yield from _returns()
    yield from _elements()
    yield from _scheduled_at()


def _calls() -> Iterator[Vector]:
    for slug, octets, note in CALLS:
        yield accept(CALL, slug, octets, "REC-4 REC-12", note)
    for name in NAMES:
        octets = b"d" + PAYLOAD + b"9:task_name" + string(name.encode()) + b"e"
        slug = "name-" + name.replace("/", "-").replace(":", "-").replace(".", "")
        note = f"a task_name is only compared: {name}"
        yield accept(CALL, slug, octets, "REC-4 REC-28", note)
    for slug, item, note in (
        ("int", b"i5e", "an integer"),
        ("list", b"l2:[]e", "a list"),
        ("empty-list", b"le", "an empty list"),
        ("dict", b"de", "a dict"),
    ):
        octets = b"d7:payload" + item + TASK + b"e"
        note = f"where the string is due stands {note}"
        yield reject(CALL, f"payload-is-{slug}", octets, "REC-40", note, level=2)
        octets = b"d" + PAYLOAD + b"9:task_name" + item + b"e"
        yield reject(CALL, f"name-is-{slug}", octets, "REC-40", note, level=2)


def _call_keys() -> Iterator[Vector]:
    for slug, octets, note in (
        ("no-keys", b"de", "payload and task_name are missing"),
        ("no-name", b"d" + PAYLOAD + b"e", "task_name is missing"),
        ("no-payload", b"d" + TASK + b"e", "payload is missing"),
        ("only-unknown", b"d1:ai1ee", "only another key"),
        ("name-nested", b"d1:ad" + TASK + b"e" + PAYLOAD + b"e", "task_name is nested"),
        ("both-nested", b"d1:a" + PLAIN + b"e", "the record is nested in a dict"),
        ("in-proto", b"d9:__proto__" + PLAIN + b"e", "the record is its prototype"),
        (
            "in-constructor",
            b"d11:constructor" + PLAIN + b"e",
            "the record is its constructor",
        ),
        ("in-list", b"d1:al" + PAYLOAD + TASK + b"ee", "the keys stand in a list"),
        (
            "name-as-value",
            b"d7:payload9:task_name4:leaf2:[]e",
            "task_name is the payload, leaf a key",
        ),
    ):
        yield reject(CALL, f"keys-{slug}", octets, "REC-26 REC-28", note)
    for slug, key, note in NEAR_KEYS:
        junk = string(key) + b"1:X"
        if key < b"payload":
            alone = b"d" + junk + TASK + b"e"
            whole = b"d" + junk + PAYLOAD + TASK + b"e"
        elif key < b"task_name":
            alone = b"d" + junk + TASK + b"e"
            whole = b"d" + PAYLOAD + junk + TASK + b"e"
        else:
            alone = b"d" + TASK + junk + b"e"
            whole = b"d" + PAYLOAD + TASK + junk + b"e"
        why = f"payload is missing; there is {note}"
        yield reject(CALL, f"near-{slug}-alone", alone, "REC-26 REC-28", why)
        why = f"besides payload there is {note}"
        ids = "REC-28 REC-20 REC-11"
        yield accept(CALL, f"near-{slug}", whole, ids, why, canonical=PLAIN)
    unsorted = b"d" + TASK + PAYLOAD + b"e"
    note = "task_name before payload"
    yield reject(CALL, "unsorted", unsorted, "WIRE-30", note, level=2)
    note = "task_name before payload: who accepts it, takes each for itself"
    yield accept(
        CALL,
        "unsorted-or-exact",
        unsorted,
        "REC-4 REC-28",
        note,
        canonical=PLAIN,
        expect="either",
    )
    for slug, octets, note in (
        ("payload", b"d" + PAYLOAD + b"7:payload1:x" + TASK + b"e", "payload twice"),
        ("name", b"d" + PAYLOAD + TASK + b"9:task_name1:xe", "task_name twice"),
        ("same", b"d" + PAYLOAD + PAYLOAD + TASK + b"e", "payload twice, the same"),
        ("unknown", b"d1:ai1e1:ai2e" + PAYLOAD + TASK + b"e", "another key twice"),
        ("apart", b"d" + PAYLOAD + TASK + PAYLOAD + b"e", "payload first and last"),
    ):
        yield reject(CALL, f"twice-{slug}", octets, "WIRE-30", note, level=2)
    octets = b"d" + PAYLOAD + b"9:task_name1:\xff9:task_name1:\xfee"
    note = "task_name twice, and neither is UTF-8: whichever is taken is wrong"
    yield reject(CALL, "twice-both-bad", octets, "WIRE-25 WIRE-30", note)
    for slug, octets, note in (
        ("int-key", b"di1ei2e7:payload2:[]9:task_name4:leafe", "an integer as key"),
        ("list-key", b"dlei2e7:payload2:[]9:task_name4:leafe", "a list as key"),
    ):
        yield reject(CALL, slug, octets, "WIRE-22", note)
    octets = b"d" + PAYLOAD + TASK + b"1:xe"
    note = "an unknown key at the end has no value"
    yield reject(CALL, "no-value-last", octets, "WIRE-23", note)
    octets = b"d" + PAYLOAD + b"9:task_namee"
    note = "task_name has no value"
    yield reject(CALL, "no-value-name", octets, "WIRE-23", note)


def _unknown_keys() -> Iterator[Vector]:
    ids = "REC-20 REC-11"
    for slug, value, note in UNKNOWN:
        note = f"an unknown key holds {note}; it is dropped"
        octets = b"d1:a" + value + PAYLOAD + TASK + b"e"
        yield accept(CALL, f"unknown-{slug}", octets, ids, note, canonical=PLAIN)
        octets = b"d7:returnsle1:z" + value + b"e"
        yield accept(RETURNS, f"unknown-{slug}", octets, ids, note, canonical=NONE)
    for slug, key, note in (
        ("empty", b"", "the empty key"),
        ("proto", b"__proto__", "__proto__"),
        ("constructor", b"constructor", "constructor"),
        ("to-string", b"toString", "toString"),
        ("not-utf8", b"\xff\xfe", "a key that is not text"),
        ("nul", b"\x00", "a key of one NUL"),
        ("call-hash", b"call_hash", "a key that other records have"),
        ("version", b"version", "a key that a later version may add"),
    ):
        note = f"an unknown key besides the record's own: {note}"
        junk = string(key) + b"d7:payload1:x9:task_name1:ye"
        first, last = (junk, b"") if key < b"payload" else (b"", junk)
        octets = b"d" + first + PAYLOAD + TASK + last + b"e"
        if key == b"toString" or key == b"version":
            octets = b"d" + PAYLOAD + TASK + junk + b"e"
        yield accept(CALL, f"key-{slug}", octets, ids, note, canonical=PLAIN)
    many = b"".join(b"4:a%03di%de" % (at, at) for at in range(300))
    octets = b"d" + many + PAYLOAD + TASK + b"e"
    note = "300 unknown keys"
    yield accept(CALL, "key-300", octets, ids, note, canonical=PLAIN)
    long = [(b"d100000:", 1), (b"a", 100_000), (b"i1e" + PAYLOAD + TASK + b"e", 1)]
    note = "an unknown key of 100 000 octets"
    yield accept(CALL, "key-long", long, ids, note, canonical=PLAIN)
    for number, slug in ((2**53, "2-53"), (-(2**63), "minus-2-63"), (2**64, "2-64")):
        octets = b"d1:ai%de" % number + PAYLOAD + TASK + b"e"
        note = "an unknown key holds an integer outside ±(2^53-1)"
        yield reject(CALL, f"unknown-{slug}", octets, "WIRE-31", note, level=2)
        yield accept(
            CALL,
            f"unknown-{slug}-or-exact",
            octets,
            "WIRE-24 REC-20",
            note,
            canonical=PLAIN,
            expect="reject_or_exact",
        )
    for slug, value, ids, note in (
        ("leading-zero", b"i01e", "WIRE-17", "an integer with a leading zero"),
        ("no-digits", b"ie", "WIRE-16", "an integer without digits"),
        ("int-key", b"di1ei1ee", "WIRE-22", "a dict with an integer as key"),
        ("no-value", b"d1:ae", "WIRE-23", "a dict with a key and no value"),
        ("length", b"99:x", "WIRE-21", "a string that is too long"),
        ("junk", b"x", "WIRE-15", "no value"),
    ):
        octets = b"d1:a" + value + PAYLOAD + TASK + b"e"
        note = f"what is skipped must be right too: {note}"
        yield reject(CALL, f"unknown-bad-{slug}", octets, ids, note)
    octets = b"d1:ad1:bi1e1:ai2ee" + PAYLOAD + TASK + b"e"
    note = "an unknown key holds a dict with keys out of order"
    yield reject(CALL, "unknown-unsorted", octets, "WIRE-30", note, level=2)


def _types() -> Iterator[Vector]:
    for suite, keys in ((CALL, PAYLOAD + TASK), (RETURNS, b"7:returnsle")):
        for slug, octets, note in (
            ("int", b"i1e", "an integer"),
            ("string", b"2:de", "a string"),
            ("list", b"le", "an empty list"),
            ("list-of-keys", b"l" + keys + b"e", "a list of keys and values"),
            ("list-of-record", b"ld" + keys + b"ee", "a list around it"),
            ("message", b"li2e5:root16:c1hashe", "a ScheduleMessage"),
            ("return", b"li1e1:r1:h1:te", "a PendingReturn"),
        ):
            note = f"the outermost value is {note}"
            yield reject(suite, f"type-{slug}", octets, "REC-23", note)
    note = "PendingReturns instead of a Call"
    yield reject(CALL, "type-returns", NONE, "REC-26", note)
    note = "a Call instead of PendingReturns"
    yield reject(RETURNS, "type-call", PLAIN, "REC-26", note)


def _entry(root: bytes, call_hash: bytes = b"h", topic: bytes = b"t") -> bytes:
    return b"li1e" + string(root) + string(call_hash) + string(topic) + b"e"


def _record(*entries: bytes) -> bytes:
    return b"d7:returnsl" + b"".join(entries) + b"ee"


def _returns() -> Iterator[Vector]:
    time = b"12:scheduled_ati1795489157e"
    one = b"li1e5:root110:parenthash7:topic-te"
    for slug, octets, note in (
        ("simple", b"d7:returnsl" + one + b"e" + time + b"e", "as both SDKs write it"),
        ("none", NONE, "no returns, no time"),
        ("none-timed", b"d7:returnsle" + time + b"e", "no returns, a time"),
        ("untimed", b"d7:returnsl" + one + b"ee", "one return, no time"),
        ("empty-texts", _record(_entry(b"", b"", b"")), "a return of empty texts"),
    ):
        yield accept(RETURNS, slug, octets, "REC-3 REC-12", note)
    emoji, tilde = b"\xf0\x9f\x98\x80", b"\xef\xbd\x9e"
    # In canonical order, for a reason that some other order misses.
    for slug, first, second, note in (
        ("root", _entry(b"a"), _entry(b"b"), "by root_id"),
        ("hash", _entry(b"a", b"1"), _entry(b"a", b"2"), "by call_hash"),
        ("topic", _entry(b"a", b"1", b"t"), _entry(b"a", b"1", b"u"), "by topic"),
        (
            "root-first",
            _entry(b"a", b"z", b"z"),
            _entry(b"b", b"a", b"a"),
            "root_id counts before call_hash and topic",
        ),
        (
            "hash-second",
            _entry(b"a", b"a", b"z"),
            _entry(b"a", b"b", b"a"),
            "call_hash counts before topic",
        ),
        ("prefix", _entry(b"a"), _entry(b"aa"), "a proper prefix first"),
        ("empty", _entry(b""), _entry(b"\x00"), "the empty text first"),
        ("not-length", _entry(b"ab"), _entry(b"b"), "the longer, lesser text first"),
        ("case", _entry(b"B"), _entry(b"a"), "capitals first, no locale"),
        ("digits", _entry(b"10"), _entry(b"9"), "digits are no numbers"),
        ("lengths", _entry(b"a" * 10), _entry(b"b"), "not in the order of 10: and 1:"),
        (
            "utf16",
            _entry(tilde),
            _entry(emoji),
            "U+FF5E before U+1F600: octets, not UTF-16 units",
        ),
        (
            "utf16-topic",
            _entry(b"r", b"h", tilde),
            _entry(b"r", b"h", emoji),
            "the same in a topic",
        ),
        ("high", _entry(b"z"), _entry(b"\xc3\xa9"), "octets have no sign"),
        ("nfd", _entry(b"e\xcc\x81"), _entry(b"\xc3\xa9"), "NFD and NFC are two texts"),
        (
            "comma",
            _entry(b"a", b"z"),
            _entry(b"a!", b"a"),
            "field by field: joined by commas, a! would come first",
        ),
        (
            "comma-inside",
            _entry(b"a", b"b,c"),
            _entry(b"a,b", b"c"),
            "joined by commas, both would be the same",
        ),
        (
            "joined",
            _entry(b"a", b"bc"),
            _entry(b"ab", b"c"),
            "joined by nothing, both would be the same",
        ),
        (
            "nul",
            _entry(b"a", b"z"),
            _entry(b"a\x00", b"a"),
            "joined by NULs, the second would come first",
        ),
    ):
        octets = _record(first, second)
        ids = "REC-7 REC-12"
        yield accept(RETURNS, f"order-{slug}", octets, ids, f"sorted {note}")
        turned = _record(second, first)
        why = f"turned round; written again, sorted {note}"
        ids = "REC-21 REC-7"
        name = f"turned-{slug}"
        yield accept(RETURNS, name, turned, ids, why, canonical=octets)
    a, b = _entry(b"a"), _entry(b"b")
    for slug, entries, again, note in (
        ("twice", (a, a), (a,), "a return twice"),
        ("thrice", (a, a, a), (a,), "a return three times"),
        ("twice-apart", (a, b, a), (a, b), "a return twice, another between"),
        ("both-twice", (b, a, b, a), (a, b), "two returns twice"),
    ):
        octets = _record(*entries)
        ids = "REC-21 REC-6"
        canonical = _record(*again)
        yield accept(RETURNS, slug, octets, ids, note, canonical=canonical)
    for slug, other in (
        ("root", _entry(b"b")),
        ("hash", _entry(b"a", b"i")),
        ("topic", _entry(b"a", b"h", b"u")),
    ):
        note = f"two returns that differ only in {slug} are two"
        yield accept(RETURNS, f"differ-{slug}", _record(a, other), "REC-6", note)
    hundred = [_entry(b"%03d" % at) for at in range(100)]
    note = "100 returns, the last first"
    yield accept(
        RETURNS,
        "turned-100",
        _record(*reversed(hundred)),
        "REC-21 REC-7",
        note,
        canonical=_record(*hundred),
    )


def _elements() -> Iterator[Vector]:
    for slug, octets, note in (
        ("no-keys", b"de", "returns is missing"),
        ("only-time", b"d12:scheduled_ati1ee", "there is only scheduled_at"),
        ("nested", b"d1:ad7:returnsleee", "returns is nested"),
        ("in-proto", b"d9:__proto__d7:returnsleee", "returns is in its prototype"),
        ("capital", b"d7:Returnslee", "the key has a capital"),
        ("prefix", b"d6:returnlee", "the key is too short"),
        ("longer", b"d8:returns0lee", "the key is too long"),
        ("nul", b"d8:returns\x00lee", "the key ends in a NUL"),
    ):
        yield reject(RETURNS, f"keys-{slug}", octets, "REC-26 REC-28", note)
    for slug, item, note in (
        ("int", b"i1e", "an integer"),
        ("zero", b"i0e", "the integer 0"),
        ("string", b"0:", "an empty string"),
        ("string-list", b"2:le", "a list inside a string"),
        ("dict", b"de", "an empty dict"),
        ("dict-numbers", b"d1:0" + _entry(b"a") + b"e", "a dict with the key 0"),
    ):
        octets = b"d7:returns" + item + b"e"
        note = f"returns is {note}"
        yield reject(RETURNS, f"returns-{slug}", octets, "REC-27", note)
    octets = b"d7:returns" + _entry(b"a") + b"e"
    note = "returns is one return, not a list of it"
    yield reject(RETURNS, "returns-bare", octets, "REC-27 REC-23", note)
    for slug, item, ids, note in (
        ("int", b"i1e", "REC-23", "an integer"),
        ("string", b"1:a", "REC-23", "a string"),
        ("dict", b"de", "REC-23", "an empty dict"),
        ("empty", b"le", "REC-25 REC-24", "an empty list"),
        ("message", b"li2e1:r1:he", "REC-24", "a ScheduleMessage"),
        ("message-three", b"li2e1:r1:h1:te", "REC-24", "a list with the tag 2"),
        ("no-tag", b"l1:r1:h1:te", "REC-24 REC-25", "a list without tag"),
        ("string-tag", b"l1:11:r1:h1:te", "REC-24", "a list with a string as tag"),
        ("arity-2", b"li1e1:r1:he", "REC-25", "a list with 2 texts"),
        ("arity-4", b"li1e1:r1:h1:t1:xe", "REC-25", "a list with 4 texts"),
        ("nested", b"l" + _entry(b"a") + b"e", "REC-24", "a list of a return"),
    ):
        ids = f"REC-27 {ids}"
        why = f"the only element is {note}"
        yield reject(RETURNS, f"element-{slug}", _record(item), ids, why)
        why = f"the second element is {note}"
        octets = _record(_entry(b"a"), item)
        yield reject(RETURNS, f"second-{slug}", octets, ids, why)
    for slug, item, note in (
        ("root", b"li1ei5e1:h1:te", "root_id is an integer"),
        ("hash", b"li1e1:rle1:te", "call_hash is a list"),
        ("topic", b"li1e1:r1:hdee", "topic is a dict"),
    ):
        note = f"in an element, {note}"
        yield reject(RETURNS, f"element-{slug}", _record(item), "REC-40", note, level=2)


def _scheduled_at() -> Iterator[Vector]:
    def timed(item: bytes) -> bytes:
        return b"d7:returnsle12:scheduled_at" + item + b"e"

    for slug, number, note in (
        ("one", 1, "the least that is written"),
        ("2-31-less-1", 2**31 - 1, "2^31-1, the last second of 32 bits with sign"),
        ("2-31", 2**31, "2^31, in the year 2038"),
        ("2-32", 2**32, "2^32"),
        ("max", 2**53 - 1, "2^53-1"),
    ):
        octets = timed(b"i%de" % number)
        yield accept(RETURNS, f"at-{slug}", octets, "REC-3 WIRE-10", note)
    octets = timed(b"i0e")
    note = "0 is read as unset, and left out when written"
    yield accept(RETURNS, "at-zero", octets, "REC-22 REC-8", note, canonical=NONE)
    for slug, number in (("2-53", 2**53), ("2-53-plus-1", 2**53 + 1)):
        octets = timed(b"i%de" % number)
        note = "a time outside ±(2^53-1)"
        ids = "WIRE-31 REC-41"
        yield reject(RETURNS, f"at-{slug}", octets, ids, note, level=2)
        # The oracle, being strict, would not give the value.
        value = {"returns": [], "scheduled_at": number}
        note = f"{note}: never another number"
        name = f"at-{slug}-or-exact"
        expect = "reject_or_exact"
        yield Vector(RETURNS, name, expect, "WIRE-24", note, octets, value, octets)
    for slug, number in (("2-63", 2**63), ("2-64-plus-1", 2**64 + 1)):
        octets = timed(b"i%de" % number)
        note = "a time that does not fit 64 bits with sign"
        yield reject(RETURNS, f"at-{slug}", octets, "WIRE-31", note, level=2)
    for slug, item, note in (
        ("minus-one", b"i-1e", "below zero"),
        ("min", b"i-9007199254740991e", "the least integer"),
        ("string", b"1:5", "a string"),
        ("empty-string", b"0:", "an empty string"),
        ("list", b"le", "an empty list"),
        ("list-of-int", b"li5ee", "a list of an integer"),
        ("dict", b"de", "an empty dict"),
    ):
        note = f"scheduled_at is {note}"
        yield reject(RETURNS, f"at-{slug}", timed(item), "REC-41", note, level=2)
    unsorted = b"d12:scheduled_ati5e7:returnslee"
    note = "scheduled_at before returns"
    yield reject(RETURNS, "unsorted", unsorted, "WIRE-30", note, level=2)
    yield accept(
        RETURNS,
        "unsorted-or-exact",
        unsorted,
        "REC-3 REC-28",
        f"{note}: who accepts it, takes each for itself",
        canonical=timed(b"i5e"),
        expect="either",
    )
    for slug, octets, note in (
        ("returns", b"d7:returnsle7:returnslee", "returns twice"),
        ("time", timed(b"i5e12:scheduled_ati6e"), "scheduled_at twice"),
    ):
        yield reject(RETURNS, f"twice-{slug}", octets, "WIRE-30", note, level=2)
    for slug, key in (("short", b"scheduled_a"), ("longer", b"scheduled_at_")):
        octets = b"d7:returnsle" + string(key) + b"i5ee"
        note = f"{key.decode()} is not scheduled_at"
        ids = "REC-28 REC-20"
        yield accept(RETURNS, f"near-{slug}", octets, ids, note, canonical=NONE)
    octets = b"d1:ad12:scheduled_ati5ee7:returnslee"
    note = "scheduled_at in a nested dict is not the record's own"
    ids = "REC-28 REC-20"
    yield accept(RETURNS, "near-nested", octets, ids, note, canonical=NONE)
