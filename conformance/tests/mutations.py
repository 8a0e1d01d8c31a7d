# SPDX-License-Identifier: AGPL-3.0-only
"""Lawful traces, and what becomes of them by one change: dropped, doubled, swapped.

A change is made to one command and its reply. What is left of the trace is as it
was: so most changes contradict what comes after, and all others are either lawful
or a gap of the trace checker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from brrr_conformance.aside import Aside
from brrr_conformance.failure import Event, trace_of
from brrr_conformance.protocol import Decoder
from brrr_conformance.step import Step
from brrr_conformance.tap import Frame, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.commands import Kind, Operation

TRACES = sorted((Path(__file__).parent / "traces").glob("*.json"))
EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


class Change(StrEnum):
    DROP = "drop"
    DOUBLE = "double"
    # With what the same process sends next.
    SWAP = "swap"
    # The first key becomes another one.
    RENAME = "rename"


@dataclass(frozen=True, slots=True)
class Pair:
    """A command and its reply: where they stand, and what was done."""

    sent: int
    answered: int
    frame: Frame
    operations: tuple[Operation, ...]

    @property
    def kinds(self) -> set[Kind]:
        return {each.kind for each in self.operations}

    @property
    def done(self) -> bool:
        """Whether it took, found or changed something."""
        return any(each.done for each in self.operations)

    def __str__(self) -> str:
        return f"{self.sent} {self.frame.worker}: {self.frame.step}"


@dataclass(frozen=True, slots=True)
class Mutation:
    change: Change
    pair: Pair
    # Of a swap.
    other: Pair | None
    trace: Trace


def read_trace(file: Path) -> Trace:
    stored = json.loads(file.read_text(encoding="utf-8"))
    return trace_of(stored["began"], EVENTS.validate_python(stored["events"]))


def pairs_of(trace: Trace) -> list[Pair]:
    """Give all commands that have a reply, in their order."""
    decoder, waiting = Decoder(), dict[tuple[str, int], list[int]]()
    pairs = []
    for number, frame in enumerate(trace.frames):
        operations = decoder.show(frame)
        line = waiting.setdefault((frame.worker, frame.connection), [])
        if frame.reply is None:
            line.append(number)
        else:
            pairs.append(Pair(line.pop(0), number, frame, operations))
    return sorted(pairs, key=lambda pair: pair.sent)


def mutations(trace: Trace) -> Iterator[Mutation]:
    """Make every change, one at a time."""
    frames = list(enumerate(trace.frames))
    pairs = pairs_of(trace)
    for at, pair in enumerate(pairs):
        places = pair.sent, pair.answered
        rest = [it for it in frames if it[0] not in places]
        yield Mutation(Change.DROP, pair, None, _made(trace, rest))
        twice = [each for it in frames for each in [it] * (1 + (it[0] in places))]
        yield Mutation(Change.DOUBLE, pair, None, _made(trace, twice))
        if pair.frame.step.keys:
            renamed = [
                (number, _renamed(frame) if number in places else frame)
                for number, frame in frames
            ]
            yield Mutation(Change.RENAME, pair, None, _made(trace, renamed))
        worker = pair.frame.worker
        others = (it for it in pairs[at + 1 :] if it.frame.worker == worker)
        if other := next(others, None):
            moved = [trace.frames[it] for it in (other.sent, other.answered)]
            swapped = []
            for number, frame in frames:
                if number == pair.sent:
                    swapped += [(number, each) for each in moved]
                if number not in (other.sent, other.answered):
                    swapped.append((number, frame))
            yield Mutation(Change.SWAP, pair, other, _made(trace, swapped))


def _renamed(frame: Frame) -> Frame:
    args, key = list(frame.step.args), frame.step.keys[0]
    args[args.index(key)] = key + b"x"
    place = frame.seconds, frame.worker, frame.connection
    return Frame(*place, Step(tuple(args)), frame.reply)


def _made(trace: Trace, frames: list[tuple[int, Frame]]) -> Trace:
    """Make a trace of these frames, with the asides where they were."""
    made = Trace(trace.start, trace.began)
    made.frames = [frame for _, frame in frames]
    for each in trace.asides:
        at = sum(number < each.at for number, _ in frames)
        made.asides.append(Aside(each.seconds, at, each.worker, each.what))
    return made
