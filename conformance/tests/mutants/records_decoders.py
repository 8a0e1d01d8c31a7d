# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/records.md: decoders."""

from __future__ import annotations

from adapter import Adapter
from tiny import TAGS, Call, Decoder, PendingReturns, ScheduleMessage

from mutants.kit import breaks, forgive

# ---- decoders ---------------------------------------------------------------


@breaks("REC-20")
class RejectsUnknownKeys(Decoder):
    """A dict record with a key of a later version is rejected."""

    def record(self, kind, value):
        record = super().record(kind, value)
        if isinstance(value, dict) and (
            set(value) - {name.encode() for name in kind._fields}
        ):
            self.refuse("REC-20", "an unknown key")
        return record


@breaks("REC-20")
class KeepsUnknownKeys(Adapter):
    """An unknown key of PendingReturns is written again."""

    def decode(self, kind, octets):
        reply = super().decode(kind, octets)
        if kind == "PENDING_RETURNS":
            again = self.decoder.value(reply["reencoded"])
            kept = self.decoder.value(octets) | again
            reply["reencoded"] = self.encoder.write(kept)
        return reply


@breaks("REC-21")
class NeedsReturnsInOrder(Decoder):
    """Returns in another order than an encoder's are rejected."""

    def returns(self, name, value):
        returns = super().returns(name, value)
        if list(returns) != sorted(returns):
            self.refuse("REC-21", "returns not in order")
        return returns


@breaks("REC-21")
class RejectsReturnsThatOccurTwice(Decoder):
    """A return that occurs twice is rejected."""

    def returns(self, name, value):
        returns = super().returns(name, value)
        if len(set(returns)) < len(returns):
            self.refuse("REC-21", "a return occurs twice")
        return returns


@breaks("REC-22")
class RejectsZeroSeconds(Decoder):
    """A scheduled_at of 0 is rejected."""

    def seconds(self, name, value):
        return super().seconds(name, value or -1)


@breaks("REC-22")
class ReadsZeroSecondsAsOne(Decoder):
    """A scheduled_at of 0 is read as one that is set."""

    def seconds(self, name, value):
        return super().seconds(name, 1 if value == 0 else value)


@breaks("REC-23")
class TakesDictsForLists(Decoder):
    """A list record may be a dict with the same values."""

    def record(self, kind, value):
        if kind in TAGS and isinstance(value, dict):
            value = [TAGS[kind], *value.values()]
            value += [b""] * (1 + len(kind._fields) - len(value))
        return super().record(kind, value)


@breaks("REC-23")
class FailsOtherwiseAtOtherRecords(Decoder):
    """A record of another type ends in a foreign exception."""

    refuse = forgive("REC-23")


@breaks("REC-24")
class TakesAnyTag(Decoder):
    """The tag of a list record is not looked at."""

    refuse = forgive("REC-24")


@breaks("REC-24")
class TakesTagsAsText(Decoder):
    """The tag may be a string of its digit."""

    def record(self, kind, value):
        if (
            kind in TAGS
            and isinstance(value, list)
            and value[:1] == [b"%d" % TAGS[kind]]
        ):
            value = [TAGS[kind], *value[1:]]
        return super().record(kind, value)


@breaks("REC-25")
class IgnoresMoreElements(Decoder):
    """Elements after the last that a list record has are ignored."""

    def record(self, kind, value):
        if kind in TAGS and isinstance(value, list):
            value = value[: 1 + len(kind._fields)]
        return super().record(kind, value)


@breaks("REC-25")
class FillsUpElements(Decoder):
    """Elements that a list record does not have are empty strings."""

    def record(self, kind, value):
        if kind in TAGS and isinstance(value, list) and value:
            value = value + [b""] * (1 + len(kind._fields) - len(value))
        return super().record(kind, value)


@breaks("REC-26")
class TakesCallsWithoutPayload(Decoder):
    """A Call without a payload has one of no octets."""

    def record(self, kind, value):
        if kind is Call and isinstance(value, dict):
            value = {b"payload": b"", **value}
        return super().record(kind, value)


@breaks("REC-26")
class TakesNoReturnsForNone(Decoder):
    """PendingReturns without `returns` have none."""

    def record(self, kind, value):
        if kind is PendingReturns and isinstance(value, dict):
            value = {b"returns": [], **value}
        return super().record(kind, value)


@breaks("REC-26")
class FailsOtherwiseWithoutAField(Decoder):
    """A missing field ends in a TypeError of the language."""

    refuse = forgive("REC-26")


@breaks("REC-27")
class SkipsWhatIsNoReturn(Decoder):
    """An element of `returns` that is no list is skipped."""

    def returns(self, name, value):
        if isinstance(value, list):
            value = [each for each in value if isinstance(each, list)]
        return super().returns(name, value)


@breaks("REC-27")
class TakesAnythingForNoReturns(Decoder):
    """Where `returns` is not a list, nobody waits."""

    def returns(self, name, value):
        return super().returns(name, value if isinstance(value, list) else [])


class MatchesKeysOtherwise(Decoder):
    """Gives a record the entries whose keys are like those that it has."""

    def record(self, kind, value):
        if isinstance(value, dict):
            like = {self.like(key): it for key, it in value.items()}
            value = {**like, **value}
        return super().record(kind, value)


@breaks("REC-28")
class IgnoresCaseOfKeys(MatchesKeysOtherwise):
    """Keys are matched without regard to case."""

    def like(self, key):
        return key.lower()


@breaks("REC-28")
class EndsKeysAtNul(MatchesKeysOtherwise):
    """A key ends at its first octet 00, as in C."""

    def like(self, key):
        return key.partition(b"\0")[0]


@breaks("REC-28")
class MatchesKeysByPrefix(MatchesKeysOtherwise):
    """A key that begins as one of a record's is taken for it."""

    def like(self, key):
        known = (b"payload", b"task_name", b"returns", b"scheduled_at")
        return next((name for name in known if key.startswith(name)), key)


@breaks("REC-28")
class LooksIntoNestedDicts(Decoder):
    """A key is found inside a nested dict too."""

    def record(self, kind, value):
        if isinstance(value, dict):
            for it in list(value.values()):
                value = {**(it if isinstance(it, dict) else {}), **value}
        return super().record(kind, value)


@breaks("REC-28")
class LooksIntoPrototypes(Decoder):
    """The key __proto__ holds the entries that a dict does not have."""

    def record(self, kind, value):
        if isinstance(value, dict) and isinstance(value.get(b"__proto__"), dict):
            value = {**value[b"__proto__"], **value}
        return super().record(kind, value)


@breaks("REC-30")
class TakesShortMessagesOnly(Decoder):
    """A ScheduleMessage may have 65 535 octets: the limit is one too small."""

    def decode(self, kind, octets):
        if kind is ScheduleMessage and len(octets) > 65_535:
            self.refuse("REC-30", "too long")
        return super().decode(kind, octets)


@breaks("REC-30")
class TakesFewReturnsOnly(Decoder):
    """PendingReturns may have 16 383 returns: the limit is one too small."""

    def returns(self, name, value):
        if isinstance(value, list) and len(value) > 16_383:
            self.refuse("REC-30", "too many")
        return super().returns(name, value)


@breaks("REC-30")
class TakesSmallRecordsOnly(Decoder):
    """A record may have less than 16 MiB: the limit is one too small."""

    def decode(self, kind, octets):
        if len(octets) >= 16 << 20:
            self.refuse("REC-30", "too great")
        return super().decode(kind, octets)


# ---- level 2 ----------------------------------------------------------------


@breaks("REC-40")
class TakesIntegersForText(Decoder):
    """An integer in the place of a string is read as its digits."""

    def octets(self, name, value):
        return super().octets(name, b"%d" % value if isinstance(value, int) else value)


@breaks("REC-40")
class TakesListsForEmptyText(Decoder):
    """An empty list or dict in the place of a string is read as no octets."""

    def octets(self, name, value):
        return super().octets(name, b"" if value in ([], {}) else value)


@breaks("REC-40")
class FailsOtherwiseAtOtherFields(Decoder):
    """Another type in the place of a string ends in a foreign exception."""

    refuse = forgive("REC-40")


@breaks("REC-41")
class TakesSecondsBelowZero(Decoder):
    """A scheduled_at below zero is read."""

    def seconds(self, name, value):
        return self.typed(int, name, value, "REC-41")


@breaks("REC-41")
class TakesSecondsAsText(Decoder):
    """A scheduled_at may be a string of digits."""

    def seconds(self, name, value):
        if isinstance(value, bytes) and value.isdigit():
            value = int(value)
        return super().seconds(name, value)


@breaks("REC-41")
class TakesAnythingForNoSeconds(Decoder):
    """A scheduled_at that is no integer is taken for unset."""

    def seconds(self, name, value):
        return super().seconds(name, value if isinstance(value, int) else 0)


@breaks("REC-42")
class TakesAnyHash(Decoder):
    """A call_hash is read whatever text it is."""

    refuse = forgive("REC-42")


@breaks("REC-42")
class TakesControlCharacters(Decoder):
    """A call_hash is read if it is ASCII, printable or not."""

    def ascii(self, name, value):
        text = self.text(name, value)
        return text if text.isascii() else super().ascii(name, value)


@breaks("REC-42")
class TakesTheDeleteCharacter(Decoder):
    """A call_hash with the octet 7F is read: the limit is one too great."""

    def ascii(self, name, value):
        super().ascii(name, value.replace(b"\x7f", b"~") if value else value)
        return self.text(name, value)


@breaks("REC-42", first="hash-7f-at")
class LooksAtWordsForSmallOctets(Decoder):
    """In whole words of eight octets, a 7F in a call_hash is not seen."""

    def ascii(self, name, value):
        words = len(value) // 8 * 8
        seen = value[:words].replace(b"\x7f", b"~") + value[words:]
        super().ascii(name, seen)
        return self.text(name, value)
