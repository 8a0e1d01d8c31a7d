# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/wire.md: decoders, up to integers and lengths [WIRE-19]."""

from __future__ import annotations

import re

from tiny import BrrrError, Decoder, refuse

from mutants.kit import breaks, tolerate

# ---- decoders: what to accept -----------------------------------------------


@breaks("WIRE-10")
class KnowsNoNegativeIntegers(Decoder):
    """An integer below zero is rejected."""

    token = re.compile(rb"i(0|[1-9][0-9]*)e|(0|[1-9][0-9]*):|[lde]")


@breaks("WIRE-10")
class KnowsNoEmptyStrings(Decoder):
    """A string of no octets is rejected."""

    token = re.compile(rb"i(0|-?[1-9][0-9]*)e|([1-9][0-9]*):|[lde]")


@breaks("WIRE-10")
class KnowsNoZero(Decoder):
    """The integer 0 is rejected."""

    token = re.compile(rb"i(-?[1-9][0-9]*)e|(0|[1-9][0-9]*):|[lde]")


@breaks("WIRE-10")
class RejectsTheGreatestInteger(Decoder):
    """2^53-1 is rejected: the limit of integers is one too small."""

    def number(self, digits):
        number = super().number(digits)
        return 2**53 if number == 2**53 - 1 else number


@breaks("WIRE-10")
class KnowsNoEmptyKeys(Decoder):
    """A dict with a key of no octets is rejected."""

    def pair(self, items, start):
        if b"" in items[::2]:
            self.refuse("WIRE-22", "an empty key", offset=start)
        return super().pair(items, start)


@breaks("WIRE-11")
class StripsTheByteOrderMark(Decoder):
    """A byte order mark at the beginning of text is dropped."""

    def text(self, name, value):
        return super().text(name, value).removeprefix("\ufeff")


@breaks("WIRE-11")
class DropsByteOrderMarks(Decoder):
    """A byte order mark is dropped wherever it stands."""

    def text(self, name, value):
        return super().text(name, value).replace("\ufeff", "")


# ---- decoders: what to reject -----------------------------------------------


@breaks("WIRE-12")
class TakesNothingForAnEmptyList(Decoder):
    """Empty input is read as a value."""

    def value(self, data):
        return super().value(data) if data else []


@breaks("WIRE-12")
class FailsOtherwiseForNothing(Decoder):
    """Empty input ends in a foreign exception."""

    def value(self, data):
        if not data:
            raise IndexError("index out of range")
        return super().value(data)


@breaks("WIRE-13")
class ClosesWhatIsOpen(Decoder):
    """Where input ends early, the missing `e` is added."""

    def value(self, data):
        try:
            return super().value(data)
        except BrrrError:
            return super().value(data + b"e")


@breaks("WIRE-13")
class FailsOtherwiseAtTheEnd(Decoder):
    """Input that ends early ends in a foreign exception."""

    def no_token(self, data, at):
        if at == len(data):
            raise IndexError("index out of range")
        return super().no_token(data, at)


@breaks("WIRE-14")
class TakesWhatStandsFirst(Decoder):
    """Octets after the value are ignored."""

    def value(self, data):
        try:
            return super().value(data)
        except BrrrError as error:
            if error.details.get("requirement") != "WIRE-14":
                raise
            return super().value(data[: error.details["offset"]])


@breaks("WIRE-14")
class StripsNewlines(Decoder):
    """A newline after the value is ignored."""

    def value(self, data):
        return super().value(data.removesuffix(b"\n"))


@breaks("WIRE-15")
class SkipsSpaces(Decoder):
    """White space in front of a value is skipped."""

    def value(self, data):
        return super().value(data.lstrip())


@breaks("WIRE-15")
class FailsOtherwiseAtOtherTypes(Decoder):
    """A value of no known type ends in a foreign exception."""

    def refuse(self, requirement, reason, **where):
        if requirement == "WIRE-15":
            raise KeyError(reason)
        refuse(requirement, reason, **where)


@breaks("WIRE-16")
class TakesNoDigitsForZero(Decoder):
    """An integer without digits is read as 0."""

    def value(self, data):
        return super().value(re.sub(rb"i-?e\Z", b"i0e", data))


@breaks("WIRE-16")
class FailsOtherwiseWithoutDigits(Decoder):
    """An integer without digits ends in a ValueError of the language."""

    def no_token(self, data, at):
        if data[at : at + 2] == b"ie" or data[at : at + 3] == b"i-e":
            int(b"")
        return super().no_token(data, at)


@breaks("WIRE-17")
class TakesLeadingZerosOfIntegers(Decoder):
    """An integer with leading zeros is read."""

    no_token = tolerate(rb"i(-?0+[1-9][0-9]*|00+)e|(?!)()")


@breaks("WIRE-17")
class TakesLeadingZerosOfLengths(Decoder):
    """A length with leading zeros is read."""

    no_token = tolerate(rb"(?:(?!)())?(0[0-9]+):")


@breaks("WIRE-17")
class TakesMinusZero(Decoder):
    """The integer -0 is read as 0."""

    no_token = tolerate(rb"i(-0)e|(?!)()")


@breaks("WIRE-18")
class TakesPlusSigns(Decoder):
    """An integer with a plus sign is read."""

    no_token = tolerate(rb"i(\+[0-9]+)e|(?!)()")


@breaks("WIRE-18")
class TakesSpacesInIntegers(Decoder):
    """An integer may have white space around its digits."""

    no_token = tolerate(rb"i(\s*-?[0-9]+\s*)e|(?!)()")


@breaks("WIRE-18")
class TakesUnderscoresInIntegers(Decoder):
    """An integer may have underscores between its digits, as in source text."""

    no_token = tolerate(rb"i(-?[0-9]+(?:_[0-9]+)+)e|(?!)()")


@breaks("WIRE-18")
class ReadsIntegersAsCDoes(Decoder):
    """What follows the digits of an integer is skipped up to its `e`."""

    no_token = tolerate(rb"i(-?[0-9]+)[^e0-9][^e]*e|(?!)()")


@breaks("WIRE-18")
class TakesDigitsOfAnyScript(Decoder):
    """Digits of other scripts than ASCII are digits."""

    def value(self, data):
        return super().value(re.sub(rb"i\xd9[\xa0-\xa9]e", b"i1e", data))


@breaks("WIRE-19", status="timed out", first="backwards")
class GoesBackwards(Decoder):
    """A length below zero is taken, and moves the position backwards, for ever."""

    no_token = tolerate(rb"(?:(?!)())?(-[1-9][0-9]*):")


@breaks("WIRE-19")
class TakesSignsOfLengths(Decoder):
    """A length may have a plus sign."""

    no_token = tolerate(rb"(?:(?!)())?(\+[0-9]+):")


@breaks("WIRE-19")
class TakesSpacesInLengths(Decoder):
    """A length may have white space around its digits."""

    no_token = tolerate(rb"(?:(?!)())?(\s*[0-9]+\s*):")
