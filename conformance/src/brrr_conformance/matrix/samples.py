# SPDX-License-Identifier: AGPL-3.0-only
"""What SDKs are to agree on: records to write, JSON to carry, calls to hash."""

from __future__ import annotations

from brrr_conformance.records import (
    Call,
    PendingReturn,
    PendingReturns,
    Record,
    ScheduleMessage,
)

KIBIBYTE = 1024
EVERY_OCTET = bytes(range(256))
# Texts that are easily taken for others, cut off, or sorted in another way.
TEXTS = ["", "a", "a,b", "root2", "root", "\0", "é", "é", "\uff5e", "\U0001f600", "/:%"]

RECORDS: dict[str, Record] = {
    "plain": ScheduleMessage("root1", "h"),
    "empty": ScheduleMessage("", ""),
    "unicode": ScheduleMessage("größe/:\0\U0001f600", "h" * 64),
    "like-bencode": ScheduleMessage("li2e3:a:be", "4:spam"),
    "long": ScheduleMessage("r" * 64 * KIBIBYTE, "h" * 64 * KIBIBYTE),
    "parent": PendingReturn("root1", "h", "t"),
    "empty-parent": PendingReturn("", "", ""),
    "unicode-parent": PendingReturn("\0\U0001f600", "~ !", "größe/:"),
    "nobody": PendingReturns(),
    "nobody-since": PendingReturns((), 1_700_000_000),
    "one": PendingReturns((PendingReturn("root1", "h", "t"),), 1),
    "the-same-twice": PendingReturns((PendingReturn("r", "h", "t"),) * 2, 2**31),
    "late": PendingReturns((PendingReturn("r", "h", "t"),), 2**53 - 1),
    "many": PendingReturns(
        tuple(PendingReturn(root, "h", topic) for root in TEXTS for topic in TEXTS), 7
    ),
    "prefixes": PendingReturns(
        tuple(
            PendingReturn(root, name, topic)
            for root in ("", "a", "aa")
            for name in ("a", "aa", "")
            for topic in ("aa", "", "a")
        )
    ),
    "call": Call(b"[]", "task"),
    "no-octets": Call(b"", ""),
    "every-octet": Call(EVERY_OCTET, "größe-\U0001f600"),
    "task-with-zero": Call(b"d1:ai1ee", "a\0b"),
    "big-call": Call(EVERY_OCTET * 1024, "big"),
}

NESTED = "[" * 60 + "]" * 60

# JSON that goes down as an argument and comes up as a value.
JSON = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "negative": "-17",
    "greatest": "9007199254740991",
    "float": "1.5",
    "tenth": "0.1",
    "text": '"text"',
    "no-text": '""',
    "escapes": '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\\u007f\\u2028"',
    "unicode": '"é€\U0001f600"',
    "composed": '["\\u00e9","e\\u0301"]',
    "empty": "[[],{}]",
    "nested": NESTED,
    "key-order": '{"b":1,"a":2,"":3,"A":4,"aa":5,"10":6,"9":7}',
    "key-order-unicode": '{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3}',
    "big": f'"{"x" * 64 * KIBIBYTE}"',
    "wide": f"[{','.join(map(str, range(1000)))}]",
}

# Calls to hash: task and arguments, as JSON text. Two of one name but for a
# spelling are the same call; all others differ.
CALLS: dict[str, tuple[str, str]] = {
    **{name: ("echo", f"[{text}]") for name, text in JSON.items()},
    "no-arguments": ("echo", "[]"),
    "one-empty-list": ("echo", "[[]]"),
    "two-arguments": ("echo", "[1,2]"),
    "task-empty": ("", "[]"),
    "task-unicode": ("größe-\U0001f600", "[]"),
    "task-with-quotes": ('a"\\b\n', "[]"),
    "number-one": ("echo", "[1]"),
    "number-one/float": ("echo", "[1.0]"),
    "number-one/exponent": ("echo", "[10e-1]"),
    "text-one": ("echo", '["1"]'),
    "number-zero": ("echo", "[0,1]"),
    "number-zero/negative": ("echo", "[-0,1]"),
    "number-zero/negative-float": ("echo", "[-0.0,1]"),
    "integer-1e16": ("echo", "[10000000000000000]"),
    "integer-1e16/exponent": ("echo", "[1e16]"),
    "float-1e20": ("echo", "[1e20]"),
    "float-1e21": ("echo", "[1e21]"),
    "float-1e-6": ("echo", "[0.000001]"),
    "float-1e-7": ("echo", "[0.0000001]"),
    "float-smallest": ("echo", "[5e-324]"),
    "float-greatest": ("echo", "[1.7976931348623157e308]"),
    "float-sum": ("echo", "[0.30000000000000004]"),
    "spaces": ("echo", '[{"a":[1,2]}]'),
    "spaces/other": ("echo", ' [ { "a" : [ 1 , 2 ] } ] '),
    "escape": ("echo", '["a/b"]'),
    "escape/other": ("echo", '["\\u0061\\/b"]'),
    "keys-of-records": ("echo", '[{"z":{"y":1,"x":[{"d":1,"c":2}]}}]'),
    "keys-of-records/other": ("echo", '[{"z":{"x":[{"c":2,"d":1}],"y":1}}]'),
    "proto": ("echo", '[{"__proto__":1,"constructor":2}]'),
    "integer-not-a-double": ("echo", "[9007199254740993]"),
    "name-twice": ("echo", '[{"a":1,"a":2}]'),
    "lone-surrogate": ("echo", '["\\ud800"]'),
    "too-deep": ("echo", "[" * 65 + "]" * 65),
    "beyond-doubles": ("echo", "[1e400]"),
}
