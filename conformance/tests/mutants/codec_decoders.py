# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/codec-json.md: what is read."""

from __future__ import annotations

import json
import re

from codec import Codec
from tiny import refuse

from mutants.codec_encoders import TakesNamesTwice
from mutants.kit import breaks, forgive

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
