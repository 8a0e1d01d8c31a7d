# SPDX-License-Identifier: AGPL-3.0-only
"""Call: its payload and name, and how a dict's keys are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import accept, cuts, reject, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Vector

CALL = "decode.Call"

PAYLOAD = b"7:payload2:[]"
TASK = b"9:task_name4:leaf"
PLAIN = b"d" + PAYLOAD + TASK + b"e"

PIECES = [
    (b"d", "the dict"),
    (b"7:payload", "the key payload"),
    (b'7:[1,"x"]', "the payload"),
    (b"9:task_name", "the key task_name"),
    (b"4:leaf", "the task_name"),
    (b"e", "the end"),
]

PAYLOADS = [
    ("empty", b"", "a payload of no octets"),
    ("ff", b"\xff", "a payload is not text"),
    ("all", bytes(range(256)), "a payload of each octet"),
    ("surrogate", b"\xed\xa0\x80", "a payload that would be ill-formed as text"),
    ("bom", b"\xef\xbb\xbf[]", "a payload that begins like a byte order mark"),
    ("bencode", b"9:task_name4:evil", "a payload that looks like the next key"),
    ("newlines", b"\r\n\r\n\r\n", "a payload of line ends"),
    ("nul", b"\x00a\x00", "a payload with NULs"),
]

# Task names that mean something in one language or other, and nothing here.
NAMES = [
    ("to-string", "toString"),
    ("constructor", "constructor"),
    ("proto", "__proto__"),
    ("has-own-property", "hasOwnProperty"),
    ("value-of", "valueOf"),
    ("prototype", "prototype"),
    ("class", "__class__"),
    ("init", "__init__"),
    ("null", "null"),
    ("undefined", "undefined"),
    ("zero", "0"),
    ("minus-one", "-1"),
    ("path", "../leaf"),
    ("key", "task_name"),
    ("e", "e"),
    ("string", "4:leaf"),
]

# Other types where a string is due [REC-40].
NO_STRINGS = [
    ("int", b"i5e", "an integer"),
    ("list", b"l2:[]e", "a list"),
    ("empty-list", b"le", "an empty list"),
    ("dict", b"de", "a dict"),
]

MISSING = [
    ("both", b"de", "payload and task_name are missing"),
    ("name", b"d" + PAYLOAD + b"e", "task_name is missing"),
    ("payload", b"d" + TASK + b"e", "payload is missing"),
    ("all-but-unknown", b"d1:ai1ee", "there is only another key"),
    ("name-nested", b"d1:ad" + TASK + b"e" + PAYLOAD + b"e", "task_name is nested"),
    ("both-nested", b"d1:a" + PLAIN + b"e", "the record is nested in a dict"),
    ("in-proto", b"d9:__proto__" + PLAIN + b"e", "the record is its prototype"),
    ("in-constructor", b"d11:constructor" + PLAIN + b"e", "it is its constructor"),
    ("in-list", b"d1:al" + PAYLOAD + TASK + b"ee", "the keys stand in a list"),
    ("name-is-value", b"d7:payload9:task_name4:leaf2:[]e", "task_name is the payload"),
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

UNKNOWN_KEYS = [
    ("empty", b"", "the empty key"),
    ("proto", b"__proto__", "__proto__"),
    ("constructor", b"constructor", "constructor"),
    ("to-string", b"toString", "toString"),
    ("not-utf8", b"\xff\xfe", "a key that is not text"),
    ("nul", b"\x00", "a key of one NUL"),
    ("call-hash", b"call_hash", "a key that other records have"),
    ("version", b"version", "a key that a later version may add"),
]

# Values of unknown keys, in both dict records.
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

UNKNOWN_TOO_LARGE = [
    (b"i%de" % 2**53, "2-53", "an integer"),
    (b"i%de" % -(2**63), "minus-2-63", "an integer"),
    (b"i%de" % 2**64, "2-64", "an integer"),
    (b"li%dee" % 2**53, "2-53-in-list", "a list of an integer"),
    (b"d1:bi%dee" % -(2**53), "minus-2-53-in-dict", "a dict of an integer"),
    (b"d1:blli1ei%deeee" % 2**63, "2-63-far-inside", "an integer, far inside,"),
]

UNKNOWN_BAD = [
    ("leading-zero", b"i01e", "WIRE-17", "an integer with a leading zero"),
    ("no-digits", b"ie", "WIRE-16", "an integer without digits"),
    ("int-key", b"di1ei1ee", "WIRE-22", "a dict with an integer as key"),
    ("no-value", b"d1:ae", "WIRE-23", "a dict with a key and no value"),
    ("length", b"99:x", "WIRE-21", "a string that is too long"),
    ("junk", b"x", "WIRE-15", "no value"),
]

TWICE = [
    ("payload", b"d" + PAYLOAD + b"7:payload1:x" + TASK + b"e", "payload twice"),
    ("name", b"d" + PAYLOAD + TASK + b"9:task_name1:xe", "task_name twice"),
    ("same", b"d" + PAYLOAD + PAYLOAD + TASK + b"e", "payload twice, the same"),
    ("unknown", b"d1:ai1e1:ai2e" + PAYLOAD + TASK + b"e", "another key twice"),
    ("apart", b"d" + PAYLOAD + TASK + PAYLOAD + b"e", "payload first and last"),
]

TYPES = [
    ("int", b"i1e", "REC-23", "an integer"),
    ("string", b"2:de", "REC-23", "a string"),
    ("list", b"le", "REC-23", "an empty list"),
    ("list-of-keys", b"l" + PAYLOAD + TASK + b"e", "REC-23", "a list of keys"),
    ("list-of-record", b"l" + PLAIN + b"e", "REC-23", "a list around it"),
    ("message", b"li2e5:root16:c1hashe", "REC-23", "a ScheduleMessage"),
    ("return", b"li1e1:r1:h1:te", "REC-23", "a PendingReturn"),
    ("returns", b"d7:returnslee", "REC-26", "PendingReturns"),
]

BAD = [
    ("int-key", b"di1ei2e" + PLAIN[1:], "WIRE-22", "an integer as key"),
    ("list-key", b"dlei2e" + PLAIN[1:], "WIRE-22", "a list as key"),
    ("last-no-value", PLAIN[:-1] + b"1:xe", "WIRE-23", "an unknown key has no value"),
    (
        "name-no-value",
        b"d" + PAYLOAD + b"9:task_namee",
        "WIRE-23",
        "task_name has no value",
    ),
    (
        "twice-both-bad",
        b"d" + PAYLOAD + b"9:task_name1:\xff9:task_name1:\xfee",
        "WIRE-25 WIRE-30",
        "task_name twice, and neither is UTF-8: whichever is taken is wrong",
    ),
]


def _call(**items: bytes) -> bytes:
    """Write a dict of encoded items, keys in order."""
    return _dict({key.encode(): item for key, item in items.items()})


def _dict(items: dict[bytes, bytes]) -> bytes:
    return b"d" + b"".join(string(key) + items[key] for key in sorted(items)) + b"e"


def vectors() -> Iterator[Vector]:
    """Make the vectors of Call."""
    yield from cuts(CALL, PIECES)
    yield from _contents()
    yield from _keys()
    yield from _unknown_keys()
    for slug, octets, ids, note in TYPES:
        note = f"the outermost value is {note}"
        yield reject(CALL, f"type-{slug}", octets, ids, note)
    for slug, octets, ids, note in BAD:
        yield reject(CALL, slug, octets, ids, note)


def _contents() -> Iterator[Vector]:
    ids = "REC-4 REC-12"
    octets = b'd7:payload7:[1,"x"]9:task_name4:leafe'
    yield accept(CALL, "simple", octets, ids, "as both SDKs write it")
    octets = b"d7:payload0:9:task_name0:e"
    yield accept(CALL, "empty-texts", octets, ids, "payload and task_name of no octets")
    for slug, payload, note in PAYLOADS:
        octets = _call(payload=string(payload), task_name=b"4:leaf")
        yield accept(CALL, f"payload-{slug}", octets, ids, note)
    for slug, name in NAMES:
        octets = _call(payload=b"2:[]", task_name=string(name.encode()))
        note = f"a task_name is only compared: {name}"
        yield accept(CALL, f"name-{slug}", octets, "REC-4 REC-28", note)
    for slug, item, note in NO_STRINGS:
        note = f"where the string is due stands {note}"
        octets = _call(payload=item, task_name=b"4:leaf")
        yield reject(CALL, f"payload-is-{slug}", octets, "REC-40", note, level=2)
        octets = _call(payload=b"2:[]", task_name=item)
        yield reject(CALL, f"name-is-{slug}", octets, "REC-40", note, level=2)


def _keys() -> Iterator[Vector]:
    for slug, octets, note in MISSING:
        yield reject(CALL, f"missing-{slug}", octets, "REC-26 REC-28", note)
    for slug, key, note in NEAR_KEYS:
        alone = {key: b"1:X", b"task_name": b"4:leaf"}
        why = f"payload is missing; there is {note}"
        ids = "REC-26 REC-28"
        yield reject(CALL, f"near-{slug}-alone", _dict(alone), ids, why)
        octets = _dict({**alone, b"payload": b"2:[]"})
        why = f"besides payload there is {note}"
        ids = "REC-28 REC-20 REC-11"
        yield accept(CALL, f"near-{slug}", octets, ids, why, canonical=PLAIN)
    for slug, octets, note in TWICE:
        yield reject(CALL, f"twice-{slug}", octets, "WIRE-30", note, level=2)
    octets = b"d" + TASK + PAYLOAD + b"e"
    note = "task_name before payload"
    yield reject(CALL, "unsorted", octets, "WIRE-30", note, level=2)
    yield accept(
        CALL,
        "unsorted-or-exact",
        octets,
        "REC-4 REC-28",
        f"{note}: who accepts it, takes each for itself",
        canonical=PLAIN,
        expect="either",
    )


def _unknown_keys() -> Iterator[Vector]:
    ids = "REC-20 REC-11"
    for slug, item, note in UNKNOWN:
        octets = b"d1:a" + item + PLAIN[1:]
        note = f"an unknown key holds {note}; it is dropped"
        own = f"{ids} WIRE-25" if slug == "not-utf8" else ids
        yield accept(CALL, f"unknown-{slug}", octets, own, note, canonical=PLAIN)
    plain = {b"payload": b"2:[]", b"task_name": b"4:leaf"}
    for slug, key, note in UNKNOWN_KEYS:
        octets = _dict({**plain, key: b"d7:payload1:x9:task_name1:ye"})
        note = f"an unknown key besides the record's own: {note}"
        own = f"{ids} WIRE-25" if slug == "not-utf8" else ids
        yield accept(CALL, f"key-{slug}", octets, own, note, canonical=PLAIN)
    octets = _dict({**plain, **{b"a%03d" % at: b"i%de" % at for at in range(300)}})
    yield accept(CALL, "key-300", octets, ids, "300 unknown keys", canonical=PLAIN)
    long = [(b"d100000:", 1), (b"a", 100_000), (b"i1e" + PLAIN[1:], 1)]
    note = "an unknown key of 100 000 octets"
    yield accept(CALL, "key-long", long, ids, note, canonical=PLAIN)
    for item, slug, what in UNKNOWN_TOO_LARGE:
        octets = b"d1:a" + item + PLAIN[1:]
        note = f"an unknown key holds {what} outside ±(2^53-1)"
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
    for slug, item, ids, note in UNKNOWN_BAD:
        octets = b"d1:a" + item + PLAIN[1:]
        note = f"what is skipped must be right too: {note}"
        yield reject(CALL, f"unknown-bad-{slug}", octets, ids, note)
    octets = b"d1:ad1:bi1e1:ai2ee" + PLAIN[1:]
    note = "an unknown key holds a dict with keys out of order"
    yield reject(CALL, "unknown-unsorted", octets, "WIRE-30", note, level=2)
