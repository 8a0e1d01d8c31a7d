# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of spec/records.md: layouts and encoders."""

from __future__ import annotations

import unicodedata

from tiny import (
    Brrr,
    Call,
    Decoder,
    Encoder,
    PendingReturn,
    PendingReturns,
    ScheduleMessage,
)

from mutants.kit import breaks, forgive

# ---- layouts ----------------------------------------------------------------


@breaks("REC-1", smoke="schedule defer return")
class SwapsFieldsOfMessages(Encoder):
    """A ScheduleMessage is written with its call_hash first."""

    def layout(self, record):
        value = super().layout(record)
        if isinstance(record, ScheduleMessage):
            return [value[0], value[2], value[1]]
        return value


@breaks("REC-1", smoke="schedule defer return")
class WritesMessagesWithTagOne(Encoder):
    """A ScheduleMessage is written with the tag of a PendingReturn."""

    def layout(self, record):
        value = super().layout(record)
        return [1, *value[1:]] if isinstance(record, ScheduleMessage) else value


@breaks("REC-2", smoke="defer")
class PutsTheTopicFirst(Encoder):
    """A PendingReturn is written with its topic before its call_hash."""

    def layout(self, record):
        value = super().layout(record)
        if isinstance(record, PendingReturn):
            return [value[0], value[1], value[3], value[2]]
        return value


@breaks("REC-2", smoke="return")
class ReadsTheTopicFirst(Decoder):
    """A PendingReturn is read as if its topic stood before its call_hash."""

    def record(self, kind, value):
        record = super().record(kind, value)
        if kind is PendingReturn:
            return record._replace(call_hash=record.topic, topic=record.call_hash)
        return record


@breaks("REC-3", smoke="defer")
class WritesTimesAsText(Encoder):
    """The scheduled_at is written as a string of digits."""

    def seconds(self, seconds):
        number = super().seconds(seconds)
        return None if number is None else b"%d" % number


@breaks("REC-3")
class NeedsScheduledAt(Decoder):
    """PendingReturns without a scheduled_at are rejected."""

    def record(self, kind, value):
        if kind is PendingReturns and b"scheduled_at" not in self.typed(
            dict, kind.__name__, value, "REC-23"
        ):
            self.refuse("REC-26", "no scheduled_at")
        return super().record(kind, value)


@breaks("REC-4", smoke="schedule defer")
class WritesCallsAsLists(Encoder):
    """A Call is written as a list of its fields."""

    def layout(self, record):
        value = super().layout(record)
        return list(value.values()) if isinstance(record, Call) else value


@breaks("REC-4", smoke="schedule defer")
class WritesNamesNotTaskNames(Encoder):
    """The key of the task's name is `name`."""

    def layout(self, record):
        value = super().layout(record)
        if isinstance(record, Call):
            value[b"name"] = value.pop(b"task_name")
        return value


@breaks("REC-5", smoke="return")
class FramesValues(Brrr):
    """A value is stored as a bencode string."""

    async def do(self, *command, on=None):
        name, *args = command
        if name == "SET" and args[0].startswith("value/"):
            args[1] = self.encoder.write(args[1])
        return await super().do(name, *args, on=on)


@breaks("REC-5", smoke="return", first="value_is_stored")
class StoresNoEmptyValues(Brrr):
    """A value of no octets is not stored."""

    async def do(self, *command, on=None):
        if command[0] == "SET" and not command[2]:
            command = ("SET", "value", b"")  # elsewhere
        return await super().do(*command, on=on)


# ---- encoders ---------------------------------------------------------------


@breaks("REC-6")
class WritesReturnsTwice(Encoder):
    """A return that occurs twice is written twice."""

    def returns(self, returns):
        return [self.layout(each) for each in sorted(returns)]


class SortsOtherwise(Encoder):
    def returns(self, returns):
        return [self.layout(each) for each in sorted(set(returns), key=self.place)]


@breaks("REC-7")
class SortsByUtf16(SortsOtherwise):
    """Returns are sorted by UTF-16 code units."""

    def place(self, it):
        return [field.encode("utf-16-be") for field in it]


@breaks("REC-7")
class SortsJoinedFields(SortsOtherwise):
    """Returns are sorted by their fields joined with commas."""

    def place(self, it):
        return ",".join(it)


@breaks("REC-7")
class SortsByEncoding(SortsOtherwise):
    """Returns are sorted by their encodings, in which lengths come first."""

    def place(self, it):
        return self.write(self.layout(it))


@breaks("REC-7")
class SortsByHash(SortsOtherwise):
    """Returns are sorted by call_hash before root_id."""

    def place(self, it):
        return it.call_hash, it.root_id, it.topic


@breaks("REC-7")
class SortsByTwoFields(Encoder):
    """Returns that differ in the topic only stay as they came."""

    def returns(self, returns):
        once = dict.fromkeys(returns)
        return [self.layout(each) for each in sorted(once, key=lambda it: it[:2])]


@breaks("REC-7")
class SortsWithoutCase(SortsOtherwise):
    """Returns are sorted as if all letters were small."""

    def place(self, it):
        return [field.lower() for field in it]


@breaks("REC-8")
class WritesZeroSeconds(Encoder):
    """A scheduled_at of 0 is written."""

    def seconds(self, seconds):
        return super().seconds(seconds) or 0


@breaks("REC-9")
class WritesSecondsBelowZero(Encoder):
    """A scheduled_at below zero is written."""

    refuse = forgive("REC-9")


@breaks("REC-9")
class DropsSecondsBelowZero(Encoder):
    """A scheduled_at below zero is left out."""

    def seconds(self, seconds):
        return super().seconds(max(seconds, 0))


@breaks("REC-10")
class WritesAnyHash(Encoder):
    """A call_hash is any text."""

    refuse = forgive("REC-10")


@breaks("REC-10")
class WritesControlCharacters(Encoder):
    """A call_hash is any ASCII, printable or not."""

    def ascii(self, text):
        return self.text(text) if text.isascii() else super().ascii(text)


@breaks("REC-10")
class WritesTheDeleteCharacter(Encoder):
    """A call_hash may hold the octet 7F: the limit is one too great."""

    def ascii(self, text):
        super().ascii(text.replace("\x7f", "~"))
        return self.text(text)


@breaks("REC-10", first="hash-7f-at")
class LooksAtTheEndsOfHashes(Encoder):
    """Of a long call_hash the first and the last octets are looked at."""

    def ascii(self, text):
        super().ascii(text[:16] + text[-16:])
        return self.text(text)


@breaks("REC-11", smoke="defer")
class WritesAKeyMore(Encoder):
    """PendingReturns have a key `version` too."""

    def layout(self, record):
        value = super().layout(record)
        if isinstance(record, PendingReturns):
            value[b"version"] = 1
        return value


@breaks("REC-12")
class NormalisesText(Decoder):
    """Text is read in its composed form, and so written otherwise than it was."""

    def text(self, name, value):
        return unicodedata.normalize("NFC", super().text(name, value))


@breaks("REC-12")
class ForgetsTimesWithoutParents(Decoder):
    """Where nobody waits, the scheduled_at is dropped."""

    def record(self, kind, value):
        record = super().record(kind, value)
        if kind is PendingReturns and not record.returns:
            return record._replace(scheduled_at=0)
        return record
