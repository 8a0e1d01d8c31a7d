# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON codec: what is written, from any text or value, and what is refused.

A row holds what is due as a human wrote it. Where there is none (the grids of
numbers), the oracle fills it in; JavaScript has confirmed it.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brrr_conformance import jcs

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE, CALL = "codec-json.value", "codec-json.call"
FILE = "codec-json.jsonl"


@dataclass(frozen=True, slots=True)
class Vector:
    suite: str
    slug: str
    given: dict[str, Any]
    due: str | None  # None is a refusal
    requirements: str
    note: str
    task_name: str = "t"

    def line(self) -> str:
        """Write the vector as it stands in the file."""
        members: dict[str, Any] = {"id": f"{self.suite}/{self.slug}"}
        members["suite"] = self.suite
        if self.suite == CALL:
            members["task_name"] = self.task_name
        members |= self.given
        members["expect"] = "reject" if self.due is None else "accept"
        if self.due is not None and self.suite == CALL:
            members["payload"] = self.due
            args = jcs.decode(self.due.encode())
            members["call_hash"] = jcs.call_hash(self.task_name, args)
        elif self.due is not None:
            members["value"] = self.due
        members["level"] = 1
        members["requirements"] = self.requirements.split()
        members["note"] = self.note
        return json.dumps(members, separators=(",", ":"))


# ---- texts ------------------------------------------------------------------

# slug, text, what is due, requirements, note
TEXTS = [
    ("null", "null", "null", "CODEC-4 CODEC-5", "a literal"),
    ("true", "true", "true", "CODEC-4 CODEC-5", "a literal"),
    ("false", "false", "false", "CODEC-4 CODEC-5", "a literal"),
    ("string", '"a"', '"a"', "CODEC-4 CODEC-13", "a string alone"),
    ("string-empty", '""', '""', "CODEC-4 CODEC-13", "a string of nothing"),
    ("array-empty", "[]", "[]", "CODEC-5", "an array of nothing"),
    ("object-empty", "{}", "{}", "CODEC-5", "an object of nothing"),
    ("empty-within", "[[],{},[{}]]", "[[],{},[{}]]", "CODEC-5", "nothing in something"),
    (
        "space",
        '\t\n\r [ 1 ,\r\n"a b" , { "c" : null } ] \n',
        '[1,"a b",{"c":null}]',
        "CODEC-5 CODEC-20",
        "white space outside of strings goes, inside it stays",
    ),
    # RFC 8785, section 3.2.2 and 3.2.3
    (
        "rfc-8785-literals",
        (
            '{"numbers":[333333333.33333329,1E30,4.50,2e-3,'
            "0.000000000000000000000000001],"
            '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/",'
            '"literals":[null,true,false]}'
        ),
        (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,'
            '1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ),
        "CODEC-5 CODEC-10 CODEC-13 CODEC-15",
        "the sample of RFC 8785, section 3.2.2",
    ),
    (
        "rfc-8785-sorting",
        (
            '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter '
            'Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face",'
            '"\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}'
        ),
        (
            '{"\\r":"Carriage Return","1":"One","\x80":"Control","ö":"Latin Small '
            'Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face",'
            '"\ufb33":"Hebrew Letter Dalet With Dagesh"}'
        ),
        "CODEC-15",
        "the sample of RFC 8785, section 3.2.3",
    ),
    # order of names
    (
        "names-integers",
        '{"9":1,"10":2,"1":3}',
        '{"1":3,"10":2,"9":1}',
        "CODEC-15",
        "names like integers are texts: a JavaScript object gives 1, 9, 10",
    ),
    (
        "names-integers-first",
        '{"b":1,"!":2,"1":3,"-1":4,"01":5}',
        '{"!":2,"-1":4,"01":5,"1":3,"b":1}',
        "CODEC-15",
        "names like integers do not come first",
    ),
    (
        "names-2-32",
        '{"4294967295":1,"4294967294":2,"42949672950":3}',
        '{"4294967294":2,"4294967295":1,"42949672950":3}',
        "CODEC-15",
        "around 2^32-2, the last name that JavaScript sorts as an integer",
    ),
    ("name-empty", '{"a":1,"":2}', '{"":2,"a":1}', "CODEC-15", "no name comes first"),
    (
        "names-case",
        '{"a":1,"B":2,"A":3,"b":4}',
        '{"A":3,"B":2,"a":1,"b":4}',
        "CODEC-15",
        "upper case before lower: no collation",
    ),
    (
        "names-prefix",
        '{"aa":1,"a":2,"ab":3,"a\\u0001":4}',
        '{"a":2,"a\\u0001":4,"aa":1,"ab":3}',
        "CODEC-15",
        "a prefix before what it begins",
    ),
    (
        "names-accents",
        '{"z":1,"é":2,"e\u0301":3,"e":4}',
        '{"e":4,"e\u0301":3,"z":1,"é":2}',
        "CODEC-15 CODEC-13",
        "composed and decomposed are two names, each in its place",
    ),
    (
        "names-beyond-bmp",
        '{"\uffff":1,"\ue000":2,"\U00010000":3,"\ud7ff":4}',
        '{"\ud7ff":4,"\U00010000":3,"\ue000":2,"\uffff":1}',
        "CODEC-15",
        "U+10000 is D800 DC00 and stands before U+E000, by octets behind",
    ),
    (
        "names-last",
        '{"\U0010ffff":1,"\ue000":2,"\U00010000":3}',
        '{"\U00010000":3,"\U0010ffff":1,"\ue000":2}',
        "CODEC-15",
        "even U+10FFFF stands before U+E000",
    ),
    (
        "names-beyond-bmp-within",
        '{"a\ufffd":1,"a😀":2,"a":3,"a😀b":4,"a😁":5}',
        '{"a":3,"a😀":2,"a😀b":4,"a😁":5,"a\ufffd":1}',
        "CODEC-15",
        "the same behind a common beginning",
    ),
    (
        "names-escaped",
        '{"\\u0062":1,"a":2,"\\"":3,"\\\\":4,"\\n":5}',
        '{"\\n":5,"\\"":3,"\\\\":4,"a":2,"b":1}',
        "CODEC-15",
        "sorted as they are, not as they are written",
    ),
    (
        "names-nested",
        '[{"b":[{"d":1,"c":{"f":1,"e":2}}],"a":{}}]',
        '[{"a":{},"b":[{"c":{"e":2,"f":1},"d":1}]}]',
        "CODEC-15",
        "objects in arrays in objects",
    ),
    (
        "names-proto",
        '{"toString":1,"__proto__":{"x":1},"constructor":null}',
        '{"__proto__":{"x":1},"constructor":null,"toString":1}',
        "CODEC-15 CODEC-20",
        "names that a JavaScript object has already",
    ),
    ("array-order", "[3,1,2]", "[3,1,2]", "CODEC-5", "an array is not sorted"),
    # strings
    (
        "escapes",
        '"\\b\\t\\n\\f\\r\\"\\\\\\/"',
        '"\\b\\t\\n\\f\\r\\"\\\\/"',
        "CODEC-13",
        "all short escapes; the slash needs none",
    ),
    (
        "escapes-long",
        '"\\u0008\\u0009\\u000a\\u000C\\u000D\\u0022\\u005C\\u002f"',
        '"\\b\\t\\n\\f\\r\\"\\\\/"',
        "CODEC-13",
        "the short escape where there is one",
    ),
    (
        "controls",
        '"' + "".join(f"\\u{n:04X}" for n in range(32)) + '"',
        (
            '"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f'
            "\\r\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017"
            '\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"'
        ),
        "CODEC-13",
        "all below U+0020, in lower case",
    ),
    ("del", '"\\u007f"', '"\x7f"', "CODEC-13", "U+007F is not escaped"),
    ("c1", '"\\u0080\\u009f"', '"\x80\x9f"', "CODEC-13", "nor is U+0080"),
    (
        "separators",
        '"\\u2028\\u2029"',
        '"\u2028\u2029"',
        "CODEC-13",
        "nor are the line separators that old JavaScript could not read",
    ),
    ("html", '"<\\u003E&\'"', '"<>&\'"', "CODEC-13", "nor what HTML would escape"),
    ("euro", '"\\u20Ac"', '"€"', "CODEC-13", "a character of three octets, escaped"),
    ("emoji", '"\\uD83D\\ude00"', '"😀"', "CODEC-13 CODEC-23", "a pair of surrogates"),
    (
        "last-character",
        '"\\udbff\\udfff"',
        '"\U0010ffff"',
        "CODEC-13 CODEC-23",
        "U+10FFFF",
    ),
    ("bom-within", '"\\ufeffa"', '"\ufeffa"', "CODEC-13", "U+FEFF stays in a string"),
    ("nonchar", '"\\uffff\\ufdd0"', '"\uffff\ufdd0"', "CODEC-13", "noncharacters stay"),
    ("nul", '"a\\u0000b"', '"a\\u0000b"', "CODEC-13", "U+0000 ends no string"),
    (
        "not-normalised",
        '["é","e\u0301","ﬁ","Å"]',
        '["é","e\u0301","ﬁ","Å"]',
        "CODEC-13",
        "no normalisation: é in two ways, a ligature, the Angstrom sign",
    ),
    ("backslash-u", '"\\\\u0041"', '"\\\\u0041"', "CODEC-13", "an escaped backslash"),
    # numbers, as text
    ("zero", "0", "0", "CODEC-10", "zero"),
    ("minus-zero", "-0", "0", "CODEC-10", "-0 is 0"),
    ("minus-zero-fraction", "-0.0e-7", "0", "CODEC-10", "-0 in another way"),
    ("one-point-zero", "1.0", "1", "CODEC-10", "an integer with a fraction of zero"),
    ("exponent", "1E2", "100", "CODEC-10", "an exponent"),
    ("exponent-plus", "1e+2", "100", "CODEC-10", "an exponent with a plus sign"),
    ("exponent-zeros", "1e-007", "1e-7", "CODEC-10", "an exponent with zeros"),
    ("trailing-zeros", "1.500", "1.5", "CODEC-10", "zeros behind a fraction"),
    ("one-tenth", "0.1", "0.1", "CODEC-10", "not 0.1000000000000000055"),
    ("sum", "0.30000000000000004", "0.30000000000000004", "CODEC-10", "0.1 + 0.2"),
    (
        "1e16",
        "1e16",
        "10000000000000000",
        "CODEC-10",
        "where Python and C begin to write exponents",
    ),
    ("1e20", "1e20", "100000000000000000000", "CODEC-10", "the last power without"),
    ("1e21", "1e21", "1e+21", "CODEC-10", "the first power with an exponent"),
    (
        "below-1e21",
        "999999999999999868928",
        "999999999999999900000",
        "CODEC-10",
        "the greatest double below 10^21",
    ),
    ("1e-6", "1e-6", "0.000001", "CODEC-10", "the last power without an exponent"),
    ("1e-7", "0.0000001", "1e-7", "CODEC-10", "the first power with one"),
    ("1e-5", "1e-5", "0.00001", "CODEC-10", "where Python writes 1e-05"),
    (
        "below-1e-6",
        "0.0000009999999999999997",
        "9.999999999999997e-7",
        "CODEC-10",
        "just below 10^-6",
    ),
    ("googol", "1e100", "1e+100", "CODEC-10", "not 1e100"),
    ("negative", "-1.5e-9", "-1.5e-9", "CODEC-10", "a sign each"),
    ("2-53-less-1", "9007199254740991", "9007199254740991", "CODEC-10", "2^53-1"),
    ("2-53", "9007199254740992", "9007199254740992", "CODEC-10", "2^53"),
    (
        "2-53-plus-1",
        "9007199254740993",
        "9007199254740992",
        "CODEC-25",
        "2^53+1 as text is a tie between two doubles: the even one",
    ),
    (
        "2-53-plus-3",
        "9007199254740995",
        "9007199254740996",
        "CODEC-25",
        "2^53+3 as text: the even one is above",
    ),
    (
        "2-63-less-1",
        "9223372036854775807",
        "9223372036854776000",
        "CODEC-25 CODEC-10",
        "2^63-1: no integer of 64 bits is left",
    ),
    (
        "2-64",
        "18446744073709551616",
        "18446744073709552000",
        "CODEC-25 CODEC-10",
        "2^64, and not wrapped to 0",
    ),
    (
        "great-shortest",
        "123456789012345680000",
        "123456789012345680000",
        "CODEC-25 CODEC-10",
        "canonical, though no double is exactly this integer",
    ),
    (
        "great-exact",
        "123456789012345683968",
        "123456789012345680000",
        "CODEC-25 CODEC-10",
        "exactly the double of the one before",
    ),
    (
        "tie-down",
        "1.00000000000000011102230246251565",
        "1",
        "CODEC-25",
        "half-way between 1 and the next double",
    ),
    (
        "tie-up",
        "1.00000000000000011102230246251566",
        "1.0000000000000002",
        "CODEC-25",
        "just above half-way",
    ),
    ("underflow", "1e-400", "0", "CODEC-25", "nearest to 0"),
    ("underflow-minus", "-1e-400", "0", "CODEC-25 CODEC-10", "nearest to -0, so 0"),
    (
        "half-least",
        "2.4703282292062327e-324",
        "0",
        "CODEC-25",
        "just below half of the least double",
    ),
    (
        "over-half-least",
        "2.4703282292062328e-324",
        "5e-324",
        "CODEC-25",
        "just above it",
    ),
    (
        "almost-overflow",
        "1.7976931348623158e308",
        "1.7976931348623157e+308",
        "CODEC-25",
        "nearest to the greatest double",
    ),
]

BAD_TEXTS = [
    ("empty", "", "CODEC-21", "no octets at all"),
    ("space-only", " \n", "CODEC-21", "white space and no value"),
    ("two", "1 2", "CODEC-21", "two values"),
    ("trailing-comma", "[1,]", "CODEC-21", "a comma at the end of an array"),
    (
        "trailing-comma-object",
        '{"a":1,}',
        "CODEC-21",
        "a comma at the end of an object",
    ),
    ("leading-comma", "[,1]", "CODEC-21", "a comma at the beginning"),
    ("no-comma", "[1 2]", "CODEC-21", "no comma"),
    ("no-colon", '{"a" 1}', "CODEC-21", "no colon"),
    ("no-value", '{"a"}', "CODEC-21", "a name without a value"),
    ("name-number", "{1:2}", "CODEC-21", "a name that is a number"),
    ("name-bare", "{a:2}", "CODEC-21", "a name without quotes"),
    ("unclosed-array", "[1", "CODEC-21", "an array that does not end"),
    ("unclosed-object", '{"a":1', "CODEC-21", "an object that does not end"),
    ("unclosed-string", '"a', "CODEC-21", "a string that does not end"),
    ("wrong-close", "[1}", "CODEC-21", "an array that ends as an object"),
    ("close-only", "]", "CODEC-21", "an end without a beginning"),
    ("upper-literal", "True", "CODEC-21", "a literal in Python's case"),
    ("nan", "NaN", "CODEC-21", "NaN, as Python's reader takes it"),
    ("infinity", "Infinity", "CODEC-21", "Infinity, as Python's reader takes it"),
    ("minus-infinity", "-Infinity", "CODEC-21", "-Infinity"),
    ("undefined", "undefined", "CODEC-21", "JavaScript's undefined"),
    ("leading-zero", "01", "CODEC-21", "a leading zero"),
    ("minus-leading-zero", "-01", "CODEC-21", "a leading zero after the minus"),
    ("plus", "+1", "CODEC-21", "a plus sign"),
    ("minus-only", "-", "CODEC-21", "a minus and no digits"),
    ("point-only", "1.", "CODEC-21", "a point and no digits"),
    ("point-first", ".5", "CODEC-21", "no digit before the point"),
    ("exponent-only", "1e", "CODEC-21", "an exponent without digits"),
    ("hex-number", "0x10", "CODEC-21", "hexadecimal"),
    ("underscore", "1_000", "CODEC-21", "an underscore"),
    ("unicode-digit", "\u0661", "CODEC-21", "a digit of another script"),
    ("single-quotes", "'a'", "CODEC-21", "quotes of the wrong kind"),
    ("raw-newline", '"a\nb"', "CODEC-21", "a newline in a string"),
    ("raw-nul", '"a\0b"', "CODEC-21", "the octet 0 in a string"),
    ("nul-behind", "[1]\0", "CODEC-21", "the octet 0 behind the text"),
    ("raw-tab", '"\t"', "CODEC-21", "a tab in a string"),
    ("bad-escape", '"\\x41"', "CODEC-21", "an escape that JSON does not have"),
    ("short-escape", '"\\u041"', "CODEC-21", "an escape with three digits"),
    ("comment", "[1]//", "CODEC-21", "a comment"),
    ("nbsp", "[1,\u00a02]", "CODEC-21", "white space that JSON does not know"),
    ("form-feed", "\f1", "CODEC-21", "a form feed is none either"),
    ("bom", "\ufeff1", "CODEC-23", "a byte order mark"),
    ("high-alone", '"\\ud83d"', "CODEC-23", "a high surrogate alone"),
    ("low-alone", '"\\ude00"', "CODEC-23", "a low surrogate alone"),
    ("swapped", '"\\ude00\\ud83d"', "CODEC-23", "a pair the wrong way round"),
    ("high-high", '"\\ud83d\\ud83d"', "CODEC-23", "two high surrogates"),
    ("high-letter", '"\\ud83d\\u0041"', "CODEC-23", "a high surrogate and a letter"),
    ("high-text", '"\\ud83da"', "CODEC-23", "a high surrogate and plain text"),
    ("name-surrogate", '{"\\ud83d":1}', "CODEC-23", "a lone surrogate in a name"),
    ("twice", '{"a":1,"a":1}', "CODEC-24 CODEC-16", "a name twice, with one value"),
    ("twice-apart", '{"a":1,"b":2,"a":3}', "CODEC-24 CODEC-16", "a name twice, apart"),
    ("twice-escaped", '{"a":1,"\\u0061":2}', "CODEC-24 CODEC-16", "in two ways"),
    ("twice-empty", '{"":1,"":2}', "CODEC-24 CODEC-16", "no name twice"),
    ("twice-within", '[{"b":{"a":1,"a":2}}]', "CODEC-24 CODEC-16", "deep inside"),
    ("twice-proto", '{"__proto__":1,"__proto__":2}', "CODEC-24", "__proto__ twice"),
    ("name-nul", '{"\\u0000":1}', "CODEC-24 CODEC-17", "U+0000 as a name"),
    ("name-nul-within", '{"a\\u0000b":1}', "CODEC-24 CODEC-17", "U+0000 in a name"),
    ("overflow", "1e309", "CODEC-25", "infinite as a double"),
    ("overflow-minus", "-1e309", "CODEC-25", "infinite as a double"),
    ("overflow-half", "1.7976931348623159e308", "CODEC-25", "nearer to 2^1024"),
    ("overflow-integer", "1" + "0" * 400, "CODEC-25", "401 digits"),
]

# hexadecimal octets
BAD_OCTETS = [
    ("ff", "22ff22", "an octet that is nowhere in UTF-8"),
    ("latin-1", "22e922", "é in Latin-1"),
    ("overlong", "22c08022", "U+0000, overlong"),
    ("surrogate", "22eda08022", "U+D800 in the manner of UTF-8"),
    ("cesu-8", "22eda0bdedb88022", "a pair of surrogates in the manner of UTF-8"),
    ("above", "22f490808022", "above U+10FFFF"),
    ("cut", "22e282", "a character cut short"),
    ("outside", "5bff5d", "outside of a string"),
    ("utf-16", "feff0031", "UTF-16 with a byte order mark"),
    ("utf-16-le", "31002000", "UTF-16 without one"),
]


def _texts() -> Iterator[Vector]:
    for slug, text, due, ids, note in TEXTS:
        yield Vector(VALUE, slug, {"json": text}, due, ids, note)
    for slug, text, ids, note in BAD_TEXTS:
        yield Vector(VALUE, f"bad-{slug}", {"json": text}, None, ids, note)
    for slug, digits, note in BAD_OCTETS:
        ids = "CODEC-21" if slug == "utf-16-le" else "CODEC-23"
        yield Vector(VALUE, f"octets-{slug}", {"hex": digits}, None, ids, note)


# ---- numbers ----------------------------------------------------------------

# RFC 8785, appendix B
RFC = [
    ("0000000000000000", "0", "zero"),
    ("8000000000000000", "0", "minus zero"),
    ("0000000000000001", "5e-324", "the least positive number"),
    ("8000000000000001", "-5e-324", "the greatest negative number"),
    ("7fefffffffffffff", "1.7976931348623157e+308", "the greatest number"),
    ("ffefffffffffffff", "-1.7976931348623157e+308", "the least number"),
    ("4340000000000000", "9007199254740992", "2^53"),
    ("c340000000000000", "-9007199254740992", "-2^53"),
    ("4430000000000000", "295147905179352830000", "about 2^68"),
    ("7fffffffffffffff", None, "NaN"),
    ("7ff0000000000000", None, "infinity"),
    ("44b52d02c7e14af5", "9.999999999999997e+22", ""),
    ("44b52d02c7e14af6", "1e+23", ""),
    ("44b52d02c7e14af7", "1.0000000000000001e+23", ""),
    ("444b1ae4d6e2ef4e", "999999999999999700000", ""),
    ("444b1ae4d6e2ef4f", "999999999999999900000", ""),
    ("444b1ae4d6e2ef50", "1e+21", ""),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7", ""),
    ("3eb0c6f7a0b5ed8d", "0.000001", ""),
    ("41b3de4355555553", "333333333.3333332", ""),
    ("41b3de4355555554", "333333333.33333325", ""),
    ("41b3de4355555555", "333333333.3333333", ""),
    ("41b3de4355555556", "333333333.3333334", ""),
    ("41b3de4355555557", "333333333.33333343", ""),
    ("becbf647612f3696", "-0.0000033333333333333333", ""),
    ("43143ff3c1cb0959", "1424953923781206.2", "round to even"),
]

# Powers of two whose nearest decimal of the shortest length reads back as the double
# below, since those lie twice as dense: the next decimal is due.
ASYMMETRIC = [
    ("0060000000000000", "7.120236347223045e-307"),
    ("0100000000000000", "7.291122019556398e-304"),
]

NOT_FINITE = [
    ("7ff8000000000000", "NaN"),
    ("fff8000000000000", "NaN with a sign"),
    ("7ff0000000000001", "a NaN that signals"),
    ("7ff0000000000000", "infinity"),
    ("fff0000000000000", "minus infinity"),
]

INTEGERS = [
    ("0", "0", "zero"),
    ("-1", "-1", "a negative integer"),
    ("9007199254740991", "9007199254740991", "2^53-1"),
    ("-9007199254740991", "-9007199254740991", "-(2^53-1)"),
    ("9007199254740992", "9007199254740992", "2^53, which a double holds"),
    ("9007199254740993", None, "2^53+1, which no double holds"),
    ("-9007199254740993", None, "-2^53-1"),
    ("9007199254740994", "9007199254740994", "2^53+2, which a double holds"),
    ("9223372036854775807", None, "2^63-1"),
    ("-9223372036854775808", "-9223372036854776000", "-2^63, a power of two"),
    ("1152921504606846976", "1152921504606847000", "2^60, a power of two"),
    ("1152921504606846977", None, "2^60+1"),
    ("1000000000000000000", "1000000000000000000", "10^18, which a double holds"),
    ("1234567890123456789", None, "19 digits"),
]


def _bits(number: float) -> str:
    return struct.pack(">d", number).hex()


def _grid() -> Iterator[tuple[str, float]]:
    """Give each boundary of the format, with the doubles beside it."""
    places = [float(f"1e{n}") for n in (-7, -6, -5, -4, 0, 15, 16, 17, 20, 21, 22)]
    places += [2.0**n for n in (-1074, -1022, -44, -24, 31, 32, 52, 53, 54, 63, 64)]
    for place in places:
        yield "below", math.nextafter(place, 0)
        yield "at", place
        yield "above", math.nextafter(place, math.inf)


def _numbers() -> Iterator[Vector]:
    ids = "CODEC-10"
    for digits, due, note in RFC:
        which = ids if due else "CODEC-11"
        note = f"RFC 8785, appendix B{': ' if note else ''}{note}"
        yield Vector(VALUE, f"rfc-{digits}", {"double": digits}, due, which, note)
    for digits, due in ASYMMETRIC:
        note = "a power of two, where the nearest decimal reads back as another"
        yield Vector(VALUE, f"power-{digits}", {"double": digits}, due, ids, note)
    for digits, note in NOT_FINITE:
        given = {"double": digits}
        yield Vector(VALUE, f"double-{digits}", given, None, "CODEC-11", note)
    for where, number in _grid():
        if not number:
            continue
        digits, due = _bits(number), jcs.encode_number(number)
        note = f"a boundary: {where} {due}" if where == "at" else f"{where} a boundary"
        yield Vector(VALUE, f"double-{digits}", {"double": digits}, due, ids, note)
    for digits, due, note in INTEGERS:
        which = "CODEC-12" if due is None else "CODEC-10"
        given = {"integer": digits}
        yield Vector(VALUE, f"integer-{digits}", given, due, which, note)


# ---- strings in memory, depth, calls ----------------------------------------

STRINGS = [
    ("high", "eda080", "U+D800 alone"),
    ("low", "edb080", "U+DC00 alone"),
    ("high-within", "61eda08062", "a lone surrogate between letters"),
    ("low-high", "edb080eda080", "a pair the wrong way round"),
]


def _strings() -> Iterator[Vector]:
    for slug, digits, note in STRINGS:
        given = {"string": digits}
        yield Vector(VALUE, f"string-{slug}", given, None, "CODEC-14", note)
    given = {"string": "61007f22e282acf09f9880"}
    due = '"a\\u0000\x7f\\"€😀"'
    note = "a string that is made, not read"
    yield Vector(VALUE, "string-made", given, due, "CODEC-13", note)


def _deep() -> Iterator[Vector]:
    ids = "CODEC-18 CODEC-26"
    for slug, opens, closes in (
        ("arrays", "[", "]"),
        ("objects", '{"a":', "}"),
        ("mixed", '[{"a":', "}]"),
    ):
        times = 64 // len([c for c in opens if c in "[{"])
        core = "" if slug == "arrays" else "1"
        text = opens * times + core + closes * times
        note = f"{slug}, 64 within each other"
        yield Vector(VALUE, f"deep-64-{slug}", {"json": text}, text, ids, note)
        note = f"{slug}, 65 within each other"
        text = f"[{text}]"
        yield Vector(VALUE, f"deep-65-{slug}", {"json": text}, None, ids, note)
    text = "[" * 64 + '"[[[[{{{{\\"[[["' + "]" * 64
    note = "brackets in a string do not count"
    yield Vector(VALUE, "deep-string", {"json": text}, text, ids, note)
    text = "[" + "[]," * 99 + "[]]"
    yield Vector(VALUE, "wide", {"json": text}, text, ids, "many beside each other")
    for slug, unit, note in (
        ("arrays", "[", "a hundred thousand arrays"),
        ("objects", '{"":', "a hundred thousand objects"),
    ):
        given = {"gen": [[unit.encode().hex(), 100_000]]}
        yield Vector(VALUE, f"deep-100000-{slug}", given, None, "CODEC-26", note)


# task name, text, payload, requirements, note
CALLS = [
    ("fib", "[11]", "[11]", "CODEC-1 CODEC-2 CODEC-3", "as simple as can be"),
    ("fib", "[11.0]", "[11]", "CODEC-1 CODEC-20", "the same call, written otherwise"),
    ("fib", "[ 1.1e1 ]", "[11]", "CODEC-1 CODEC-20", "the same call, once more"),
    ("fib", '["11"]', '["11"]', "CODEC-1 CODEC-3", "a text is another argument"),
    ("fib", "[[11]]", "[[11]]", "CODEC-1 CODEC-3", "so is an array"),
    ("fib", "[11,null]", "[11,null]", "CODEC-1 CODEC-3", "so are two arguments"),
    ("fib", "[]", "[]", "CODEC-1 CODEC-2", "no arguments"),
    ("fib", "[null]", "[null]", "CODEC-1 CODEC-2", "null is an argument"),
    ("lucas", "[11]", "[11]", "CODEC-1 CODEC-3", "another task with one payload"),
    ("", "[11]", "[11]", "CODEC-1 CODEC-3", "a task without a name"),
    (
        "fib",
        '[{"salt":null,"n":1}]',
        '[{"n":1,"salt":null}]',
        "CODEC-2 CODEC-15",
        "named arguments are an object",
    ),
    ("fib", '[{"n":1,"salt":null}]', '[{"n":1,"salt":null}]', "CODEC-1", "the same"),
    ('a"b\\c\n', "[1]", "[1]", "CODEC-3 CODEC-13", "a task name with escapes"),
    ("é€😀\u2028", "[1]", "[1]", "CODEC-3 CODEC-13", "a task name beyond ASCII"),
    ("t\u0000", "[1]", "[1]", "CODEC-3 CODEC-13", "a task name with U+0000"),
    ("t", '["é"]', '["é"]', "CODEC-1 CODEC-13", "composed"),
    ("t", '["e\u0301"]', '["e\u0301"]', "CODEC-1 CODEC-13", "decomposed: another call"),
    ("t", "[0]", "[0]", "CODEC-1 CODEC-10", "zero"),
    ("t", "[-0.0]", "[0]", "CODEC-1 CODEC-10", "minus zero: the same call"),
    ("t", "[1e21,1e-7]", "[1e+21,1e-7]", "CODEC-2 CODEC-10", "exponents"),
    ("t", '{"n":1}', None, "CODEC-22", "arguments that are an object"),
    ("t", "11", None, "CODEC-22", "arguments that are a number"),
    ("t", "null", None, "CODEC-22", "arguments that are null"),
    ("t", '"[11]"', None, "CODEC-22", "arguments that are a string"),
    ("t", "", None, "CODEC-21 CODEC-22", "a payload of nothing"),
]


def _calls() -> Iterator[Vector]:
    for number, (name, text, due, ids, note) in enumerate(CALLS, 1):
        given = {"json": text}
        yield Vector(CALL, f"call-{number}", given, due, ids, note, name)
    for slug, given, due, ids in (
        ("double", {"double": _bits(0.1)}, "[0.1]", "CODEC-2 CODEC-10"),
        ("double-nan", {"double": "7ff8000000000000"}, None, "CODEC-11"),
        ("integer", {"integer": "11"}, "[11]", "CODEC-2 CODEC-10"),
        ("integer-lost", {"integer": "9007199254740993"}, None, "CODEC-12"),
        ("string", {"string": "3131"}, '["11"]', "CODEC-2 CODEC-13"),
        ("string-lone", {"string": "eda080"}, None, "CODEC-14"),
    ):
        note = "the only argument is made, not read"
        yield Vector(CALL, f"made-{slug}", given, due, ids, note)
    text = "[" * 64 + "]" * 64
    note = "64 within each other; the array that is hashed does not count"
    yield Vector(CALL, "deep-64", {"json": text}, text, "CODEC-18 CODEC-26", note)
    note = "65 within each other"
    ids = "CODEC-18 CODEC-26"
    yield Vector(CALL, "deep-65", {"json": f"[{text}]"}, None, ids, note)


def vectors() -> Iterator[Vector]:
    """Make all vectors of the codec."""
    yield from _texts()
    yield from _numbers()
    yield from _strings()
    yield from _deep()
    yield from _calls()
