# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/wire.md: encoders."""

from __future__ import annotations

from tiny import Encoder

from mutants.kit import breaks, forgive


@breaks("WIRE-1", smoke="defer")
class WritesPlusSigns(Encoder):
    """A positive integer is written with a plus sign."""

    def integer(self, number):
        return b"i%+de" % number if number > 2 else super().integer(number)


@breaks("WIRE-1", smoke="defer")
class WritesAtLeastTwelveDigits(Encoder):
    """A scheduled_at of few digits gets leading zeros."""

    def integer(self, number):
        return b"i%012de" % number if number > 2 else super().integer(number)


@breaks("WIRE-2")
class CountsCharacters(Encoder):
    """The length of a string counts characters, not octets."""

    def string(self, octets):
        return b"%d:%b" % (len(octets.decode(errors="replace")), octets)


@breaks("WIRE-2", smoke="schedule defer return")
class WritesLengthsOfTwoDigits(Encoder):
    """A length below 10 gets a leading zero, but for the empty string."""

    def string(self, octets):
        return b"%02d:%b" % (len(octets), octets) if octets else b"0:"


@breaks("WIRE-3", smoke="schedule defer")
class WritesKeysAsTheyCome(Encoder):
    """The keys of a dict are written in descending order."""

    def keys(self, entries):
        return sorted(entries, reverse=True)


@breaks("WIRE-4")
class WritesAnyInteger(Encoder):
    """An integer beyond 2^53-1 is written."""

    refuse = forgive("WIRE-4")


@breaks("WIRE-4")
class WritesOneIntegerTooMany(Encoder):
    """The limit of integers is 2^53, one too great."""

    def integer(self, number):
        return b"i%de" % number if number == 2**53 else super().integer(number)


@breaks("WIRE-4")
class RoundsWhatItWrites(Encoder):
    """An integer beyond 2^53-1 is written as 2^53-1."""

    def integer(self, number):
        return super().integer(min(number, 2**53 - 1))


@breaks("WIRE-5")
class ReplacesIllFormedText(Encoder):
    """A lone surrogate is written as a question mark."""

    def text(self, text):
        return text.encode(errors="replace")


@breaks("WIRE-5")
class DropsIllFormedText(Encoder):
    """A lone surrogate is left out."""

    def text(self, text):
        return text.encode(errors="ignore")


@breaks("WIRE-5")
class WritesSurrogates(Encoder):
    """Ill-formed text is written as it is."""

    def text(self, text):
        try:
            return text.encode(errors="surrogateescape")
        except UnicodeEncodeError:
            return text.encode(errors="surrogatepass")
