# SPDX-License-Identifier: AGPL-3.0-only
"""Reads a trace that somebody has recorded by other means than the runner's tap.

Three formats, told by how the file begins: a failure file (failure.py); JSON lines,
one command or reply each, as conformance/README.md describes them; and the frames
of vectors/captured, whole RESP frames as Python literals.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from brrr_conformance import resp
from brrr_conformance.aside import Act, Aside, Deed
from brrr_conformance.failure import octets_of, read_failure, value_of
from brrr_conformance.outcome import HarnessError
from brrr_conformance.step import Step
from brrr_conformance.tap import Frame, Trace

if TYPE_CHECKING:
    from pathlib import Path

FRAME = re.compile(r"c([0-9]+) ([<>]) (b['\"].*['\"])")
STATE = "--- "
FAILURE = '"brrr-failure/'
WORKER = "worker"


class Line(BaseModel):
    """A line of a trace: what came next."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Which process, and which of its connections.
    worker: str = WORKER
    connection: int | str = 1
    # What was sent, word by word; what came back, for the oldest command of that
    # connection that had no reply; or both at once.
    command: list[str] | None = None
    reply: Any = None
    # Unix seconds.
    time: float | None = None
    # Nothing more is to come by itself; the process died; its connection did.
    quiet: bool = False
    killed: bool = False
    cut: bool = False


@dataclass(slots=True)
class Recorded:
    """A trace, and what is known of it."""

    trace: Trace
    # Whether it says when things happened.
    timed: bool
    # Of each frame, where in the file it stands.
    places: list[int] = field(default_factory=list)
    _waiting: dict[tuple[str, int], deque[Step]] = field(default_factory=dict)
    _numbers: dict[tuple[str, int | str], int] = field(default_factory=dict)

    @classmethod
    def begin(cls) -> Self:
        return cls(Trace(time.monotonic(), 0.0), timed=False)

    @property
    def commands(self) -> int:
        return sum(frame.reply is None for frame in self.trace.frames)

    def command_of(self, frame: int) -> int:
        """Give the number of the command, from 1, that a frame is, or belongs to."""
        waiting: dict[tuple[str, int], deque[int]] = {}
        number = count = 0
        for each in self.trace.frames[: frame + 1]:
            line = waiting.setdefault((each.worker, each.connection), deque())
            if each.reply is None:
                number = count = count + 1
                line.append(count)
            else:
                number = line.popleft()
        return number

    def send(self, place: int, worker: str, connection: int | str, step: Step) -> None:
        number = self._number(worker, connection)
        self._waiting.setdefault((worker, number), deque()).append(step)
        self._add(place, Frame(0.0, worker, number, step))

    def answer(
        self, place: int, worker: str, connection: int | str, value: resp.Value
    ) -> None:
        number = self._number(worker, connection)
        line = self._waiting.get((worker, number))
        if not line:
            raise HarnessError(f"line {place}: a reply, and no command is without one")
        reply = resp.Reply(value, [])
        self._add(place, Frame(0.0, worker, number, line.popleft(), reply))

    def deed(self, worker: str, act: Act) -> None:
        at = len(self.trace.frames)
        self.trace.asides.append(Aside(0.0, at, worker, Deed(act)))

    def _add(self, place: int, frame: Frame) -> None:
        self.trace.frames.append(frame)
        self.places.append(place)

    def _number(self, worker: str, connection: int | str) -> int:
        return self._numbers.setdefault((worker, connection), len(self._numbers) + 1)


def read_recorded(file: Path) -> Recorded:
    """Read a trace; HarnessError says what is wrong with the file, and where."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{file}: this is no text: {error}") from error
    try:
        if FAILURE in text[:200]:
            return _of_failure(file)
        if text.lstrip().startswith("{"):
            return _of_lines(text)
        return asyncio.run(_of_frames(text))
    except HarnessError as error:
        raise HarnessError(f"{file}: {error}") from error


def _of_failure(file: Path) -> Recorded:
    failure = read_failure(file)
    if failure.rewritten:
        raise HarnessError("the case sent other commands than the SDK's")
    places = [
        number
        for number, event in enumerate(failure.events)
        if event.kind in ("command", "reply")
    ]
    return Recorded(failure.trace, timed=True, places=places)


# ---- JSON lines -------------------------------------------------------------


def _of_lines(text: str) -> Recorded:
    recorded = Recorded.begin()
    times: list[float] = []
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            _take(recorded, place, Line.model_validate(fields), fields, times)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise HarnessError(f"line {place}: {where}: {first['msg']}") from error
        except (ValueError, KeyError) as error:
            raise HarnessError(f"line {place}: {error}") from error
    if times:
        trace = recorded.trace
        trace.began, recorded.timed = min(times), True
        last = max(times) - trace.began
        trace.frames = [
            Frame(last, it.worker, it.connection, it.step, it.reply)
            for it in trace.frames
        ]
    return recorded


def _take(
    recorded: Recorded,
    place: int,
    line: Line,
    fields: dict[str, Any],
    times: list[float],
) -> None:
    if line.time is not None:
        times.append(line.time)
    if line.command is not None:
        if not line.command:
            raise HarnessError(f"line {place}: a command has a name at least")
        step = Step(tuple(octets_of(word) for word in line.command))
        recorded.send(place, line.worker, line.connection, step)
    if "reply" in fields:
        value = value_of(line.reply)
        recorded.answer(place, line.worker, line.connection, value)
    for said, worker, act in (
        (line.killed, line.worker, Act.KILL),
        (line.cut, line.worker, Act.CUT),
        (line.quiet, "", Act.QUIET),
    ):
        if said:
            recorded.deed(worker, act)


# ---- frames -----------------------------------------------------------------


async def _of_frames(text: str) -> Recorded:
    recorded = Recorded.begin()
    for place, line in enumerate(text.splitlines(), 1):
        if line.startswith(STATE):
            break
        if line.startswith("#") or not line.strip():
            continue
        match = FRAME.fullmatch(line)
        if match is None:
            raise HarnessError(f"line {place}: no frame: {line[:80]}")
        stream = asyncio.StreamReader()
        stream.feed_data(ast.literal_eval(match[3]))
        stream.feed_eof()
        try:
            await _read(recorded, place, int(match[1]), match[2], stream)
        except (resp.RespError, asyncio.IncompleteReadError) as error:
            raise HarnessError(f"line {place}: no whole frame: {error}") from error
    return recorded


async def _read(
    recorded: Recorded,
    place: int,
    connection: int,
    way: str,
    stream: asyncio.StreamReader,
) -> None:
    if way == ">":
        while command := await resp.read_command(stream):
            recorded.send(place, WORKER, connection, Step(command[0]))
        return
    while reply := await resp.read_reply(stream):
        if not reply.push:
            recorded.answer(place, WORKER, connection, reply.value)
