# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/codec-json.md."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata

from codec import Codec
from tiny import refuse

from mutants.kit import breaks, forgive

# ---- what is written --------------------------------------------------------


@breaks("CODEC-1")
class HashesAsGiven(Codec):
    """The call_hash is that of the text as it was given, with its spaces."""

    given = b""

    def read(self, octets):
        self.given = octets
        return super().read(octets)

    def encode_call(self, task_name, args):
        payload, _ = super().encode_call(task_name, args)
        return payload, hashlib.sha256(task_name.encode() + self.given).hexdigest()


@breaks("CODEC-1")
class HashesArgumentsOnly(Codec):
    """The call_hash does not depend on the task's name."""

    def encode_call(self, task_name, args):
        payload, _ = super().encode_call(task_name, args)
        return payload, super().encode_call("", args)[1]


@breaks("CODEC-2")
class WritesPayloadsWithNames(Codec):
    """The payload is the array of task name and arguments."""

    def encode_call(self, task_name, args):
        payload, call_hash = super().encode_call(task_name, args)
        return self.write([task_name, args]).encode(), call_hash


@breaks("CODEC-2")
class UnpacksOneArgument(Codec):
    """The payload of one argument is that argument, without array."""

    def encode_call(self, task_name, args):
        payload, call_hash = super().encode_call(task_name, args)
        return self.write(args[0]).encode() if len(args) == 1 else payload, call_hash


class HashesOtherwise(Codec):
    def encode_call(self, task_name, args):
        payload, call_hash = super().encode_call(task_name, args)
        return payload, self.other(task_name, payload, call_hash)


@breaks("CODEC-3")
class HashesInCapitals(HashesOtherwise):
    """The call_hash is written with A to F."""

    def other(self, task_name, payload, call_hash):
        return call_hash.upper()


@breaks("CODEC-3")
class HashesHalf(HashesOtherwise):
    """The call_hash is the first half of the digits."""

    def other(self, task_name, payload, call_hash):
        return call_hash[:32]


@breaks("CODEC-3")
class HashesWithSha1(HashesOtherwise):
    """The call_hash is made with SHA-1."""

    def other(self, task_name, payload, call_hash):
        return hashlib.sha1(payload).hexdigest()  # noqa: S324 - wrong by purpose


@breaks("CODEC-3")
class HashesJoined(HashesOtherwise):
    """Name and payload are hashed one behind the other, not as an array."""

    def other(self, task_name, payload, call_hash):
        return hashlib.sha256(task_name.encode() + payload).hexdigest()


class WritesOtherwise(Codec):
    """Writes values otherwise, but not arguments: their hash would be another's."""

    within = False

    def encode_call(self, task_name, args):
        self.within = True
        try:
            return super().encode_call(task_name, args)
        finally:
            self.within = False


@breaks("CODEC-4")
class WritesNothingForNull(WritesOtherwise):
    """A value of null is no octets."""

    def write(self, value, depth=0):
        text = super().write(value, depth)
        return "" if text == "null" and depth == 0 and not self.within else text


@breaks("CODEC-4")
class WritesValuesInArrays(WritesOtherwise):
    """A value is written as an array of one."""

    def write(self, value, depth=0):
        text = super().write(value, depth)
        return text if depth or self.within else f"[{text}]"


# ---- canonical JSON ---------------------------------------------------------


@breaks("CODEC-5")
class WritesSpaces(Codec):
    """A space stands behind each comma."""

    def write(self, value, depth=0):
        if isinstance(value, list):
            return "[" + ", ".join(self.write(it, depth + 1) for it in value) + "]"
        return super().write(value, depth)


@breaks("CODEC-5")
class WritesLiteralsAsPython(Codec):
    """The literals are written with a capital."""

    def write(self, value, depth=0):
        return str(value) if isinstance(value, bool) else super().write(value, depth)


@breaks("CODEC-10")
class WritesNumbersAsPython(Codec):
    """A double is written as Python does."""

    def write_number(self, value):
        text = super().write_number(value)
        return repr(value) if isinstance(value, float) and value % 1 else text


@breaks("CODEC-10")
class KeepsMinusZero(Codec):
    """-0 is written with its sign."""

    def write_number(self, value):
        minus = isinstance(value, float) and math.copysign(1, value) < 0 == value
        return "-0" if minus or str(value) == "-0.0" else super().write_number(value)


@breaks("CODEC-10")
class WritesExponentsWithoutPlus(Codec):
    """A positive exponent has no sign."""

    def write_number(self, value):
        return super().write_number(value).replace("e+", "e")


@breaks("CODEC-10")
class WritesSeventeenDigits(Codec):
    """A double is written with 17 digits, not with the fewest."""

    def write_number(self, value):
        text = super().write_number(value)
        return f"{value:.17g}" if "." in text and "e" not in text else text


@breaks("CODEC-10")
class WritesExponentsTooEarly(Codec):
    """10^20 and more has an exponent: the limit is one digit too small."""

    def write_number(self, value):
        return "1e+20" if value == 1e20 else super().write_number(value)


@breaks("CODEC-11")
class WritesNaN(Codec):
    """NaN and the infinities are written as null, as JavaScript does."""

    def write_number(self, value):
        return super().write_number(value) if math.isfinite(value) else "null"


@breaks("CODEC-11")
class WritesInfinity(Codec):
    """An infinity is written as the greatest double."""

    def write_number(self, value):
        if isinstance(value, float) and math.isinf(value):
            value = math.copysign(1.7976931348623157e308, value)
        return super().write_number(value)


@breaks("CODEC-12")
class RoundsIntegers(Codec):
    """An integer that no double holds is rounded."""

    def write_number(self, value):
        return super().write_number(float(value))


@breaks("CODEC-12")
class WritesIntegersOfAnySize(Codec):
    """An integer is written with all its digits."""

    def write_number(self, value):
        return str(value) if isinstance(value, int) else super().write_number(value)


@breaks("CODEC-13")
class WritesAsciiOnly(Codec):
    """What is not ASCII is escaped."""

    def write_string(self, value):
        super().write_string(value)
        return json.dumps(value)


@breaks("CODEC-13")
class EscapesSlashes(Codec):
    """A slash is escaped."""

    def write_string(self, value):
        return super().write_string(value).replace("/", r"\/")


@breaks("CODEC-13")
class EscapesDelete(Codec):
    """U+007F is escaped."""

    def write_string(self, value):
        return super().write_string(value).replace("\x7f", r"\u007f")


@breaks("CODEC-13")
class EscapesInCapitals(Codec):
    """The digits of an escape are capitals."""

    def write_string(self, value):
        text = super().write_string(value)
        return re.sub(r"\\u(....)", lambda it: rf"\u{it[1].upper()}", text)


@breaks("CODEC-13")
class EscapesLineSeparators(Codec):
    """U+2028 is escaped, for the sake of old JavaScript."""

    def write_string(self, value):
        return super().write_string(value).replace("\u2028", r"\u2028")


@breaks("CODEC-13")
class ComposesText(Codec):
    """Text is written in its composed form."""

    def write_string(self, value):
        return unicodedata.normalize("NFC", super().write_string(value))


@breaks("CODEC-14")
class ReplacesLoneSurrogates(Codec):
    """A lone surrogate is written as U+FFFD."""

    def write_string(self, value):
        return super().write_string(re.sub("[\ud800-\udfff]", "\ufffd", value))


@breaks("CODEC-14")
class EscapesLoneSurrogates(Codec):
    """A lone surrogate is written as an escape."""

    refuse = forgive("CODEC-14")

    def write_string(self, value):
        text = super().write_string(value)
        return re.sub("[\ud800-\udfff]", lambda it: rf"\u{ord(it[0]):x}", text)


@breaks("CODEC-15")
class SortsByCodePoints(Codec):
    """The members of an object are sorted by code points."""

    def place(self, name):
        return name


@breaks("CODEC-15")
class SortsNumbersFirst(Codec):
    """Names that are numbers come first, in the order of numbers."""

    def place(self, name):
        return (0, int(name), b"") if name.isdigit() else (1, 0, super().place(name))


@breaks("CODEC-15")
class SortsNamesWithoutCase(Codec):
    """The members of an object are sorted as if all letters were small."""

    def place(self, name):
        return super().place(name.lower())


# ---- what is refused --------------------------------------------------------


class TakesNamesTwice(Codec):
    def read_members(self, members):
        return super().read_members([*self.once(members)])


@breaks("CODEC-16")
class WritesTheLastOfOneName(TakesNamesTwice):
    """Of two members of one name the last is written."""

    def once(self, members):
        return dict(members).items()


@breaks("CODEC-17")
class WritesNulInNames(Codec):
    """U+0000 in a name is written."""

    refuse = forgive("CODEC-17", "CODEC-24")


@breaks("CODEC-18")
class WritesLessDepth(Codec):
    """A depth of 64 is refused: the limit is one too small."""

    max_depth = 63


@breaks("CODEC-18")
class WritesAnyDepth(Codec):
    """Any depth is written."""

    refuse = forgive("CODEC-18", "CODEC-26")


# ---- what is read -----------------------------------------------------------


@breaks("CODEC-20")
class ReadsCanonicalTextOnly(Codec):
    """A text that is not canonical is rejected."""

    def read(self, octets):
        value = super().read(octets)
        if self.write(value).encode() != octets:
            self.refuse("CODEC-20", "not canonical")
        return value


@breaks("CODEC-20")
class ReadsNoEscapedSlashes(Codec):
    """A slash must not be escaped."""

    def read(self, octets):
        if rb"\/" in octets:
            self.refuse("CODEC-21", "a slash that is escaped")
        return super().read(octets)


class ReadsOtherwise(Codec):
    """Reads a text as if it were another."""

    def read(self, octets):
        return super().read(self.other(octets))


@breaks("CODEC-21")
class TakesCommasAtTheEnd(ReadsOtherwise):
    """A comma may stand behind the last element."""

    def other(self, octets):
        return re.sub(rb",\s*([\]}])", rb"\1", octets)


@breaks("CODEC-21")
class TakesNothingForNull(ReadsOtherwise):
    """No octets are read as null."""

    def other(self, octets):
        return octets or b"null"


@breaks("CODEC-21")
class ReadsWhatStandsFirst(ReadsOtherwise):
    """What follows behind the first line is not looked at."""

    def other(self, octets):
        try:
            text = octets.decode()
            return text[: json.JSONDecoder().raw_decode(text)[1]].encode()
        except ValueError:
            return octets


@breaks("CODEC-21")
class TakesNaN(Codec):
    """NaN and Infinity are read as null."""

    refuse = forgive("CODEC-21")


@breaks("CODEC-21")
class TakesSingleQuotes(ReadsOtherwise):
    """A string may stand in single quotes."""

    def other(self, octets):
        return re.sub(rb"^'([^'\"]*)'$", rb'"\1"', octets)


@breaks("CODEC-22")
class PacksOtherPayloads(Codec):
    """A payload that is not an array is read as one argument."""

    def encode_call(self, task_name, args):
        args = args if isinstance(args, list) else [args]
        return super().encode_call(task_name, args)


@breaks("CODEC-22")
class TakesOtherPayloads(Codec):
    """A payload may be any value."""

    refuse = forgive("CODEC-22")


@breaks("CODEC-23")
class SkipsTheByteOrderMark(ReadsOtherwise):
    """A byte order mark before the text is skipped."""

    def other(self, octets):
        return octets.removeprefix(b"\xef\xbb\xbf")


@breaks("CODEC-23")
class ReadsBadUtf8(ReadsOtherwise):
    """What is not UTF-8 is replaced."""

    def other(self, octets):
        return octets.decode(errors="replace").encode()


@breaks("CODEC-23")
class ReadsLoneSurrogates(Codec):
    """An escaped surrogate that is not part of a pair is replaced."""

    def write_string(self, value):
        return super().write_string(re.sub("[\ud800-\udfff]", "\ufffd", value))


@breaks("CODEC-24")
class ReadsTheLastOfOneName(TakesNamesTwice):
    """Of two members of one name the last is read."""

    def once(self, members):
        return dict(members).items()


@breaks("CODEC-24")
class ReadsTheFirstOfOneName(TakesNamesTwice):
    """Of two members of one name the first is read."""

    def once(self, members):
        return dict(reversed(members)).items()


@breaks("CODEC-24")
class ComparesNamesAsWritten(Codec):
    """Names that are equal, but written otherwise, may occur twice."""

    def read(self, octets):
        self.escaped = b"\\u0061" in octets
        return super().read(octets)

    def refuse(self, requirement, reason, **where):
        if requirement != "CODEC-24" or not self.escaped:
            refuse(requirement, reason, **where)


@breaks("CODEC-24")
class ReadsNulInNames(Codec):
    """U+0000 in a name is dropped."""

    def read_members(self, members):
        return super().read_members([(k.replace("\0", ""), v) for k, v in members])


@breaks("CODEC-25")
class ReadsGreatNumbersAsInfinity(Codec):
    """A number beyond all doubles is read as the greatest."""

    def read_number(self, digits):
        greatest = 1.7976931348623157e308
        return max(-greatest, min(float(digits), greatest))


@breaks("CODEC-25")
class KeepsGreatIntegers(Codec):
    """What looks like an integer is kept with all its digits."""

    def read_number(self, digits):
        whole = re.fullmatch("-?[0-9]+", digits) and digits != "-0"
        return int(digits) if whole else super().read_number(digits)


@breaks("CODEC-25")
class ReadsSinglePrecision(Codec):
    """Numbers are read with less precision than a double's."""

    def read_number(self, digits):
        return float(f"{super().read_number(digits):.12g}")


@breaks("CODEC-26")
class ReadsLessDepth(Codec):
    """A depth of 64 is rejected: the limit is one too small."""

    max_depth = 63


@breaks("CODEC-26")
class ReadsMoreDepth(Codec):
    """A depth of 65 is read: the limit is one too great."""

    max_depth = 65
