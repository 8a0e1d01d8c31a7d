# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/codec-json.md: what is written."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata

from codec import Codec

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
        super().encode_call(task_name, args)
        return super().encode_call("", args)


@breaks("CODEC-2")
class WritesPayloadsWithNames(Codec):
    """The payload is the array of task name and arguments."""

    def encode_call(self, task_name, args):
        _, call_hash = super().encode_call(task_name, args)
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
