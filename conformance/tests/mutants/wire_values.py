# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/wire.md: decoders, from strings on [WIRE-20]."""

from __future__ import annotations

from tiny import Decoder, refuse

from mutants.kit import breaks, forgive, tolerate


@breaks("WIRE-20")
class NeedsNoColon(Decoder):
    """A string is taken without its colon."""

    no_token = tolerate(rb"(?:(?!)())?([1-9])(?![0-9:])")


@breaks("WIRE-20")
class NeedsNoEndOfIntegers(Decoder):
    """An integer at the end of the input needs no `e`."""

    no_token = tolerate(rb"i(0|-?[1-9][0-9]*)\Z|(?!)()")


@breaks("WIRE-21")
class GivesWhatIsLeft(Decoder):
    """A string that is cut short is taken for one of the octets that are left."""

    refuse = forgive("WIRE-21")


@breaks("WIRE-21")
class WrapsLengths(Decoder):
    """A length is computed in 32 bits, and wraps."""

    def number(self, digits):
        return int(digits[:40]) % 2**32 if len(digits) > 9 else int(digits)


@breaks("WIRE-21")
class AllocatesFirst(Decoder):
    """As much memory is taken as a length says, before it is looked at."""

    def number(self, digits):
        if len(digits) > 17:  # no integer that counts
            bytearray(int(digits))
        return super().number(digits)


@breaks("WIRE-22")
class TakesIntegersForKeys(Decoder):
    """A key may be an integer."""

    def pair(self, items, start):
        keys = [b"%d" % it if isinstance(it, int) else it for it in items[::2]]
        pairs = [it for pair in zip(keys, items[1::2], strict=False) for it in pair]
        return super().pair(pairs + items[len(pairs) :], start)


@breaks("WIRE-22")
class FailsOtherwiseAtListsForKeys(Decoder):
    """A key that is a list ends in a TypeError of the language."""

    def pair(self, items, start):
        set(items[::2])
        return super().pair(items, start)


@breaks("WIRE-23")
class DropsTheLastKey(Decoder):
    """A key without a value is dropped."""

    def pair(self, items, start):
        return super().pair(items[: len(items) // 2 * 2], start)


@breaks("WIRE-23")
class TakesAKeyForItsValue(Decoder):
    """A key without a value is taken for an empty string's."""

    def pair(self, items, start):
        return super().pair(items + [b""] * (len(items) % 2), start)


@breaks("WIRE-24")
class RoundsGreatIntegers(Decoder):
    """Integers are doubles: a great one is another than it was."""

    refuse = forgive("WIRE-31")

    def number(self, digits):
        return int(float(digits))


@breaks("WIRE-24")
class RoundsWhatItRefusesToWrite(Decoder):
    """An integer beyond 2^53-1 is rounded, and the encoder refuses what it became."""

    refuse = forgive("WIRE-31")

    def number(self, digits):
        number = int(digits[:300])
        return number if number < 2**53 else max(int(float(number)), 2**53)


@breaks("WIRE-24")
class ClampsGreatIntegers(Decoder):
    """An integer beyond 2^53-1 is read as 2^53-1."""

    def number(self, digits):
        return max(-(2**53) + 1, min(int(digits[:30]), 2**53 - 1))


@breaks("WIRE-24")
class WrapsGreatIntegers(Decoder):
    """An integer beyond 64 bits wraps."""

    refuse = forgive("WIRE-31")

    def number(self, digits):
        return (int(digits[:4000]) + 2**63) % 2**64 - 2**63


@breaks("WIRE-25", first="ff-at")
class LooksAtThreeWordsOfFour(Decoder):
    """Of each 32 octets of a text the last eight are not looked at."""

    def text(self, name, value):
        octets = bytearray(self.octets(name, value))
        for at in range(24, len(octets) - 8, 32):
            octets[at : at + 8] = b"a" * 8
        super().text(name, bytes(octets))
        return value.decode(errors="replace")


@breaks("WIRE-25")
class ReplacesBadUtf8(Decoder):
    """What is not UTF-8 is replaced by U+FFFD."""

    def text(self, name, value):
        return self.octets(name, value).decode(errors="replace")


@breaks("WIRE-25")
class DropsBadUtf8(Decoder):
    """What is not UTF-8 is dropped."""

    def text(self, name, value):
        return self.octets(name, value).decode(errors="ignore")


@breaks("WIRE-25")
class TakesSurrogates(Decoder):
    """A surrogate in UTF-8 is taken."""

    def text(self, name, value):
        return self.octets(name, value).decode(errors="surrogatepass")


@breaks("WIRE-25")
class TakesLatin1(Decoder):
    """What is not UTF-8 is read as Latin-1."""

    def text(self, name, value):
        try:
            return self.octets(name, value).decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")


@breaks("WIRE-25")
class TakesOverlongForms(Decoder):
    """U+0000 in two octets is taken, as Java writes it."""

    def text(self, name, value):
        plain = self.octets(name, value).replace(b"\xc0\x80", b"\0")
        return super().text(name, plain)


@breaks("WIRE-26")
class Recurses(Decoder):
    """Lists are read by recursion, and deep ones exhaust the stack."""

    def value(self, data):
        self.dive(data, 0)
        return super().value(data)

    def dive(self, data, at):
        if data[at : at + 1] in (b"l", b"d"):
            self.dive(data, at + (1 if data[at : at + 1] == b"l" else 3))


@breaks("WIRE-26")
class ReadsAllDigits(Decoder):
    """The digits of an integer are converted however many they are."""

    def number(self, digits):
        return int(digits)


@breaks("WIRE-26", status="timed out")
class TakesTimeWithoutMeasure(Decoder):
    """Each token is looked for in a copy of all that is left, backwards."""

    def value(self, data):
        for at in range(len(data)):
            data[at:].count(b"\xff\xfe")
        return super().value(data)


@breaks("WIRE-26", status="timed out", first="size-many")
class CopiesWhatIsLeft(Decoder):
    """At each token all that is left is copied."""

    def number(self, digits):
        bytearray(self.left)
        return super().number(digits)

    def value(self, data):
        self.left = data
        return super().value(data)


@breaks("WIRE-27")
class NestsLess(Decoder):
    """A depth of 32 is rejected: the limit is 31."""

    max_depth = 31


# ---- level 2 ----------------------------------------------------------------


@breaks("WIRE-30")
class TakesKeysInAnyOrder(Decoder):
    """The order of keys is not checked."""

    refuse = forgive("WIRE-30")


@breaks("WIRE-30")
class TakesKeysTwice(Decoder):
    """A key may occur twice in a row."""

    def pair(self, items, start):
        once = [
            it
            for at in range(0, len(items), 2)
            if items[at : at + 1] != items[at + 2 : at + 3]
            for it in items[at : at + 2]
        ]
        return super().pair(once, start)


@breaks("WIRE-30", first="after-inner")
class ComparesWithInnerKeys(Decoder):
    """A key behind a dict is compared with the last key in that one."""

    refuse = forgive("WIRE-30")

    def pair(self, items, start):
        whole = super().pair(items, start)
        for last, inner, key in zip(items[::2], items[1::2], items[2::2], strict=False):
            if key <= ([*inner][-1] if inner and isinstance(inner, dict) else last):
                refuse("WIRE-30", "keys not strictly ascending", offset=start)
        return whole


@breaks("WIRE-31")
class TakesIntegersOf64Bits(Decoder):
    """The limit of integers is that of 64 bits; each keeps its exact value."""

    refuse = forgive("WIRE-31")


@breaks("WIRE-31")
class TakesGreatIntegersInside(Decoder):
    """An integer beyond 2^53-1 is kept where it is in a list or dict in a dict."""

    def value(self, data):
        self.at_top = len(data) < 12 or data[:4] != b"d1:a" or data[4:5] not in b"ld"
        return super().value(data)

    def refuse(self, requirement, reason, **where):
        if requirement != "WIRE-31" or self.at_top:
            refuse(requirement, reason, **where)


@breaks("WIRE-31")
class TakesOneIntegerTooMany(Decoder):
    """2^53 is taken: the limit of integers is one too great."""

    def refuse(self, requirement, reason, **where):
        if requirement != "WIRE-31" or not self.just:
            refuse(requirement, reason, **where)

    def number(self, digits):
        self.just = abs(number := super().number(digits)) == 2**53
        return number


@breaks("WIRE-32")
class NestsMore(Decoder):
    """A depth of 33 is taken: the limit is one too great."""

    max_depth = 33


@breaks("WIRE-32")
class NestsWithoutLimit(Decoder):
    """Any depth is taken."""

    refuse = forgive("WIRE-32")
