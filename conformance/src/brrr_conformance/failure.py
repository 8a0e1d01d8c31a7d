# SPDX-License-Identifier: AGPL-3.0-only
"""Failure files: all of one failed case, to be judged again or played again.

One JSON file each, described in conformance/README.md; its schema is
failure.schema.json, made from the classes here. Octets are text of as many
characters, U+0000 to U+00FF: what is ASCII can be read as it stands.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brrr_conformance.aside import Act, Aside, Deed
from brrr_conformance.outcome import HarnessError, Status
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.resp import Error, Reply, Value
from brrr_conformance.step import Step
from brrr_conformance.tap import Frame, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from brrr_conformance.checker import Violation

LONGEST_NAME = 120


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Command(_Strict):
    """A command on its way to Redis or DynamoDB."""

    kind: Literal["command"] = "command"
    seconds: float
    worker: str
    connection: int
    words: list[str]


class Answer(_Strict):
    """The reply to the command with this number, counted from 0 in `events`."""

    kind: Literal["reply"] = "reply"
    seconds: float
    worker: str
    connection: int
    to: int
    # Octets as text, a number, null, a list of them, or {"error": text}.
    value: Any


class Message(_Strict):
    """What the runner told an adapter (a Command), or the adapter said (a Reply)."""

    kind: Literal["told", "said"]
    seconds: float
    worker: str
    message: dict[str, Any]


class Done(_Strict):
    """What the case itself did."""

    kind: Literal["deed"] = "deed"
    seconds: float
    worker: str
    act: Act
    key: str = ""
    octets: str | None = None


Event: TypeAlias = Annotated[
    Command | Answer | Message | Done, Field(discriminator="kind")
]


class Requirement(_Strict):
    id: str
    sentence: str


class Sdk(_Strict):
    """An adapter, as it says of itself."""

    name: str
    sdk: str = ""
    version: str = ""
    language: str = ""


class Broken(_Strict):
    """A Violation; `frame` counts commands and replies, from 0."""

    requirement: str
    frame: int
    worker: str
    command: str
    reason: str


class Failure(_Strict):
    """A failed case of one run."""

    format: Literal["brrr-failure/1"] = "brrr-failure/1"
    case: str
    # Name of the adapter, or client+worker of a mixed fleet.
    adapter: str
    adapters: list[Sdk]
    store: str = "redis"
    status: Status
    # Of the exception, where a known deviation made another status of it.
    message: str
    requirements: list[Requirement]
    # What the trace checker found, if that is why the case failed.
    violation: Broken | None = None
    seed: int
    recipe: dict[str, Any] = {}
    # Of runner, spec, redis and python.
    versions: dict[str, str] = {}
    # Whether the case sent other commands than the SDK's: then no trace to judge.
    rewritten: bool = False
    # When it began, in Unix seconds; the seconds of events count from there.
    began: float
    events: list[Event]

    @property
    def trace(self) -> Trace:
        """Give back what the case recorded."""
        try:
            return trace_of(self.began, self.events)
        except HarnessError as error:
            raise HarnessError(f"{self.case}: {error}") from error

    @property
    def headline(self) -> str:
        """The first line of the message, less what differs from run to run."""
        return re.sub(r"[0-9]+(\.[0-9]+)?|[0-9a-f]{8,}", "N", self.first_line)

    @property
    def first_line(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def file_name(self) -> str:
        return file_name(self.case)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_failure(file: Path) -> Failure:
    """Read a failure file; HarnessError says what is wrong with it, and where."""
    try:
        return Failure.model_validate_json(file.read_bytes())
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise HarnessError(f"{file}: {place}: {first['msg']}") from error


def file_name(case: str) -> str:
    """Name the file of a case: letters that every file system has."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", case)
    if name != case or len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(case.encode()).hexdigest()[:8]}"
    return f"{name}.json"


# ---- to JSON ----------------------------------------------------------------


def events_of(trace: Trace) -> list[Event]:
    """Write frames and asides as one list, in their order."""
    events: list[Event] = []
    asides = deque(trace.asides)
    waiting: dict[tuple[str, int], deque[int]] = {}
    for number, frame in enumerate(trace.frames):
        while asides and asides[0].at <= number:
            events.append(_aside(asides.popleft()))
        line = waiting.setdefault((frame.worker, frame.connection), deque())
        place: dict[str, Any] = {
            "seconds": round(frame.seconds, 6),
            "worker": frame.worker,
            "connection": frame.connection,
        }
        if frame.reply is None:
            line.append(len(events))
            words = [show(each) for each in frame.step.args]
            events.append(Command(**place, words=words))
        else:
            value = _value(frame.reply.value)
            events.append(Answer(**place, to=line.popleft(), value=value))
    events += map(_aside, asides)
    return events


def show(octets: bytes) -> str:
    return octets.decode("latin-1")


def octets_of(text: str) -> bytes:
    return text.encode("latin-1")


def _value(value: Value) -> Any:
    match value:
        case bytes():
            return show(value)
        case Error(text):
            return {"error": show(text)}
        case list():
            return [_value(each) for each in value]
        case _:
            return value


def _aside(aside: Aside) -> Event:
    place: dict[str, Any] = {
        "seconds": round(aside.seconds, 6),
        "worker": aside.worker,
    }
    if isinstance(aside.what, Deed):
        deed, octets = aside.what, aside.what.octets
        shown = None if octets is None else show(octets)
        key = deed.key.encode(errors="surrogateescape")
        return Done(**place, act=deed.act, key=show(key), octets=shown)
    told = isinstance(aside.what, pb.Command)
    message = json_format.MessageToDict(aside.what, preserving_proto_field_name=True)
    return Message(kind="told" if told else "said", **place, message=message)


# ---- from JSON --------------------------------------------------------------


def trace_of(began: float, events: Iterable[Event]) -> Trace:
    """Read what `events_of` has written."""
    trace = Trace(time.monotonic(), began)
    steps: dict[int, Step] = {}
    try:
        for number, event in enumerate(events):
            match event:
                case Command():
                    step = steps[number] = Step(tuple(map(octets_of, event.words)))
                    trace.frames.append(
                        Frame(event.seconds, event.worker, event.connection, step)
                    )
                case Answer():
                    step, reply = steps[event.to], Reply(value_of(event.value), [])
                    line = event.worker, event.connection
                    trace.frames.append(Frame(event.seconds, *line, step, reply))
                case _:
                    what = _what(event)
                    at = len(trace.frames)
                    trace.asides.append(Aside(event.seconds, at, event.worker, what))
    except (KeyError, UnicodeEncodeError, json_format.ParseError) as error:
        raise HarnessError(f"event {number}: {error!r}") from error
    return trace


def value_of(value: Any) -> Value:
    """Read the value of a reply; KeyError for what is none."""
    match value:
        case str():
            return octets_of(value)
        case {"error": str(text)}:
            return Error(octets_of(text))
        case list():
            return [value_of(each) for each in value]
        case int() | None:
            return value
        case _:
            raise KeyError(f"no reply: {value!r}")


def _what(event: Message | Done) -> pb.Command | pb.Reply | Deed:
    if isinstance(event, Done):
        octets = None if event.octets is None else octets_of(event.octets)
        key = octets_of(event.key).decode(errors="surrogateescape")
        return Deed(event.act, key, octets)
    message = pb.Command() if event.kind == "told" else pb.Reply()
    return json_format.ParseDict(event.message, message)


def broken(violation: Violation | None) -> Broken | None:
    if violation is None:
        return None
    return Broken(
        requirement=violation.requirement,
        frame=violation.frame,
        worker=violation.worker,
        command=violation.command,
        reason=violation.reason,
    )


def transcript(failure: Failure) -> Iterator[str]:
    """Give all that happened, a line each."""
    trace = failure.trace
    asides = deque(trace.asides)
    for number, frame in enumerate(trace.frames):
        while asides and asides[0].at <= number:
            yield _line(asides.popleft())
        yield f"{number:5} {frame}"
    yield from map(_line, asides)


def _line(aside: Aside) -> str:
    head = f"      {aside.seconds:8.4f} {aside.worker:<10}"
    if isinstance(aside.what, Deed):
        deed = aside.what
        shown = "" if deed.octets is None else f" = {deed.octets!r}"
        return f"{head} the case: {deed.act} {deed.key}{shown}"
    arrow = "told" if isinstance(aside.what, pb.Command) else "said"
    text = json_format.MessageToJson(
        aside.what, preserving_proto_field_name=True, indent=None
    )
    return f"{head} {arrow} {text[:300]}"


def main() -> None:
    """Write the schema next to this file."""
    schema = json.dumps(Failure.model_json_schema(), indent=1)
    place = Path(__file__).with_name("failure.schema.json")
    place.write_text(f"{schema}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
