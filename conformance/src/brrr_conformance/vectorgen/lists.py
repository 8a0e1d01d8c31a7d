# SPDX-License-Identifier: AGPL-3.0-only
"""The list records, ScheduleMessage and PendingReturn: type, tag, arity, items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import accept, cuts, reject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Octets, Vector

MESSAGE = "decode.ScheduleMessage"
RETURN = "decode.PendingReturn"

MESSAGE_PIECES = [
    (b"l", "the list"),
    (b"i2e", "the tag"),
    (b"5:root1", "root_id"),
    (b"6:c1hash", "call_hash"),
    (b"e", "the end"),
]

RETURN_PIECES = [
    (b"l", "the list"),
    (b"i1e", "the tag"),
    (b"1:r", "root_id"),
    (b"10:parenthash", "call_hash"),
    (b"1:t", "topic"),
    (b"e", "the end"),
]

# Tags that are not the record's own; N is the right one.
TAGS = [
    ("zero", b"i0e", "zero"),
    ("minus", b"i-Ne", "the right number, negative"),
    ("three", b"i3e", "a number that no record has"),
    ("twenty", b"iN0e", "a number that begins like the right one"),
    ("2-8", b"i25Xe", "2^8 more, which 8 bits wrap to the right one"),
    ("2-32", b"i429496729Xe", "2^32 more, which 32 bits wrap to the right one"),
    ("max", b"i9007199254740991e", "the greatest integer"),
    ("string", b"1:N", "the right number as a string"),
    ("empty-string", b"0:", "an empty string"),
    ("list", b"le", "an empty list"),
    ("list-of-tag", b"liNee", "a list that holds the right number"),
    ("dict", b"de", "an empty dict"),
]

# Octets of other types, where each record has its own.
TYPES = [
    ("int", b"i2e", "an integer"),
    ("string", b"4:li2e", "a string"),
    ("empty-string", b"0:", "an empty string"),
    ("string-record", b"20:li2e5:root16:c1hashe", "the record inside a string"),
    ("dict", b"de", "an empty dict"),
    ("dict-fields", b"d9:call_hash6:c1hash7:root_id5:root1e", "a dict of the fields"),
    ("dict-numbers", b"d1:0i2e1:15:root11:26:c1hashe", "a dict with keys 0, 1 and 2"),
]

# Other types where a string is due [REC-40].
NO_STRINGS = [
    ("int", b"i5e", "an integer"),
    ("zero", b"i0e", "the integer 0"),
    ("list", b"le", "an empty list"),
    ("list-of-string", b"l1:xe", "a list of one string"),
    ("dict", b"de", "an empty dict"),
    ("dict-of-string", b"d1:x1:xe", "a dict"),
]


def vectors() -> Iterator[Vector]:
    """Make the vectors of both records."""
    yield from cuts(MESSAGE, MESSAGE_PIECES)
    yield from cuts(RETURN, RETURN_PIECES)
    yield from _messages()
    yield from _returns()
    for suite, tag, rest in (
        (MESSAGE, 2, b"5:root16:c1hashe"),
        (RETURN, 1, b"1:r1:h1:te"),
    ):
        for slug, written, note in TAGS:
            number = b"%d" % tag
            wrapped = b"%d" % (6 + tag)  # the last digit of 256+tag and of 2^32+tag
            written = written.replace(b"N", number).replace(b"X", wrapped)
            ids = "REC-24"
            note = f"the tag is {note}"
            yield reject(suite, f"tag-{slug}", b"l" + written + rest, ids, note)
        for power in (64, 128):
            number = b"i%de" % (2**power + tag)
            note = (
                f"the tag is 2^{power} more, which {power} bits wrap to the right one"
            )
            ids = "REC-24 WIRE-24"
            octets = b"l" + number + rest
            yield reject(suite, f"tag-2-{power}", octets, ids, note)
            if power == 64:
                octets = b"l" + b"i%de" % (tag - 2**64) + rest
                note = "the tag is 2^64 less, which wraps to the right one"
                yield reject(suite, "tag-minus-2-64", octets, ids, note)
        octets = b"l" + rest
        yield reject(suite, "tag-missing", octets, "REC-24 REC-25", "there is no tag")
        octets = b"l" + rest[:-1] + b"i%de" % tag + b"e"
        yield reject(suite, "tag-last", octets, "REC-24", "the tag comes last")
        for slug, octets, note in TYPES:
            note = f"the outermost value is {note}"
            yield reject(suite, f"type-{slug}", octets, "REC-23", note)


def _messages() -> Iterator[Vector]:
    rows = [
        ("simple", b"li2e5:root16:c1hashe", "as both SDKs write it"),
        (
            "python-root",
            b"li2e22:0FAhPY4UQTCF9F1bkgwUxQ8:roothashe",
            "a root_id of 22 characters of base64url",
        ),
        (
            "typescript-root",
            b"li2e32:01b91abb6e934812845c5110cf03c8198:roothashe",
            "a root_id of 32 hexadecimal digits",
        ),
        ("empty-texts", b"li2e0:0:e", "root_id and call_hash of no octets"),
        ("empty-root", b"li2e0:6:c1hashe", "a root_id of no octets"),
        ("like-bencode", b"li2e3:i2e7:1:a1:bee", "texts that look like bencode"),
        ("digits", b"li2e1:51:6e", "texts of digits"),
        ("same", b"li2e1:a1:ae", "root_id and call_hash that are the same"),
    ]
    for slug, octets, note in rows:
        yield accept(MESSAGE, slug, octets, "REC-1 REC-12", note)
    items = [b"5:root1", b"6:c1hash", b"7:topic-t", b"i1e", b"le"]
    for count in (0, 1, 3, 4, 5):
        octets = b"li2e" + b"".join(items[:count]) + b"e"
        note = f"{count} elements behind the tag, not 2"
        yield reject(MESSAGE, f"arity-{count}", octets, "REC-25", note)
    octets = b"li2e5:root16:c1hash0:e"
    note = "an empty string too many"
    yield reject(MESSAGE, "arity-empty-string", octets, "REC-25", note)
    octets = b"li2e5:root16:c1hashi2ee"
    note = "an integer too many"
    yield reject(MESSAGE, "arity-int", octets, "REC-25", note)
    many: Octets = [(b"li2e5:root16:c1hash", 1), (b"0:", 100_000), (b"e", 1)]
    note = "100 000 elements too many"
    yield reject(MESSAGE, "arity-100002", many, "REC-25 WIRE-26", note)
    yield reject(MESSAGE, "list-empty", b"le", "REC-25", "a list of nothing")
    octets = b"lli2e5:root16:c1hashee"
    yield reject(MESSAGE, "list-of-message", octets, "REC-24", "a list around it")
    octets = b"li1e5:root110:parenthash7:topic-te"
    yield reject(MESSAGE, "pending-return", octets, "REC-24", "a PendingReturn")
    octets = b"li1e5:root16:c1hashe"
    yield reject(MESSAGE, "tag-one", octets, "REC-24", "the tag of a PendingReturn")
    octets = b"d7:payload2:[]9:task_name4:leafe"
    yield reject(MESSAGE, "call", octets, "REC-23", "a Call")
    for slug, junk, note in (
        ("hello", b"hello", "a word"),
        ("colon", b":", "a colon, which is no empty string"),
        ("json", b'["root1","c1hash"]', "JSON"),
        ("protobuf", b"\x0a\x05root1\x12\x06c1hash", "protobuf"),
        ("upper", b"LI2E5:ROOT16:C1HASHE", "capitals"),
        ("utf16", b"l\x00i\x002\x00e\x00", "UTF-16"),
        ("bom", b"\xef\xbb\xbfli2e5:root16:c1hashe", "a byte order mark in front"),
    ):
        yield reject(MESSAGE, f"junk-{slug}", junk, "WIRE-15", f"no bencode: {note}")
    for slug, item, note in NO_STRINGS:
        octets = b"li2e" + item + b"6:c1hashe"
        why = f"root_id is {note}"
        yield reject(MESSAGE, f"root-{slug}", octets, "REC-40", why, level=2)
        octets = b"li2e5:root1" + item + b"e"
        why = f"call_hash is {note}"
        yield reject(MESSAGE, f"hash-{slug}", octets, "REC-40", why, level=2)


def _returns() -> Iterator[Vector]:
    rows = [
        ("simple", b"li1e5:root110:parenthash7:topic-te", "as both SDKs write it"),
        ("empty-texts", b"li1e0:0:0:e", "texts of no octets"),
        ("empty-topic", b"li1e5:root110:parenthash0:e", "a topic of no octets"),
        ("like-bencode", b"li1e2:le2:de3:i1ee", "texts that look like bencode"),
        ("topic-key", b"li1e1:r1:h10:call/a b:ce", "a topic may hold anything"),
    ]
    for slug, octets, note in rows:
        yield accept(RETURN, slug, octets, "REC-2 REC-12", note)
    items = [b"5:root1", b"10:parenthash", b"7:topic-t", b"1:x", b"1:y"]
    for count in (0, 1, 2, 4, 5):
        octets = b"li1e" + b"".join(items[:count]) + b"e"
        note = f"{count} elements behind the tag, not 3"
        yield reject(RETURN, f"arity-{count}", octets, "REC-25", note)
    yield reject(RETURN, "list-empty", b"le", "REC-25", "a list of nothing")
    octets = b"li2e5:root16:c1hashe"
    yield reject(RETURN, "message", octets, "REC-24", "a ScheduleMessage")
    octets = b"li2e1:r1:h1:te"
    yield reject(RETURN, "tag-two", octets, "REC-24", "the tag of a ScheduleMessage")
    octets = b"lli1e1:r1:h1:tee"
    yield reject(RETURN, "list-of-return", octets, "REC-24", "a list around it")
    for slug, item, note in NO_STRINGS:
        for field, before, behind in (
            ("root", b"li1e", b"1:h1:te"),
            ("hash", b"li1e1:r", b"1:te"),
            ("topic", b"li1e1:r1:h", b"e"),
        ):
            octets = before + item + behind
            why = f"{field} is {note}"
            yield reject(RETURN, f"{field}-{slug}", octets, "REC-40", why, level=2)
