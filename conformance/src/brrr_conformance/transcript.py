# SPDX-License-Identifier: AGPL-3.0-only
"""What passed on the wire in a case, in the protocol's words: for people to read.

    {"case", "adapter", "seed", "recipe", "left_out",
     "events": [{"at", "who", "kind", "text", "command"}]}

kind: connected, command, reply; fault (what the director did); invoked, answered,
problem (between a worker and its handlers). `command` numbers a command; its reply
has the same, nothing else has one.

`at` are milliseconds since the case began. Texts are safe to show: whatever a
payload may hold, they are printable and on one line.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from brrr_conformance.aside import Act, Deed
from brrr_conformance.outcome import Status
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.protocol import Decoder
from brrr_conformance.words import tell_answered, tell_sent, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from brrr_conformance.aside import Aside
    from brrr_conformance.report import Outcome
    from brrr_conformance.tap import Frame, Intervention
    from brrr_conformance.world import World

Event: TypeAlias = "dict[str, Any]"

# What clients send to set up a connection, and nothing of the protocol.
GREETINGS = frozenset(
    ["HELLO", "AUTH", "CLIENT", "PING", "SELECT", "INFO", "COMMAND", "READONLY"]
)
MOST_NAMES = 8
# Of a longer one, what was first and what was last.
FIRST, LAST = 60, 140
# Passing cases with more events are no good examples.
MOST_FOR_EXAMPLE = 80
# So many of an SDK's failures have one.
MOST_FAILURES = 300


def choose(
    made: Mapping[tuple[str, str], Event], outcomes: Iterable[Outcome]
) -> list[Event]:
    """Pick those of what has not passed, and a passing one for each requirement."""
    chosen = []
    shown: set[tuple[str, str]] = set()
    failures: Counter[str] = Counter()
    for each in outcomes:
        adapter = each.adapter
        transcript = made.get((each.id, adapter))
        if transcript is None or not transcript["events"]:
            continue
        if each.status is Status.PASSED:
            news = {(name, adapter) for name in each.requirements} - shown
            if not news or len(transcript["events"]) > MOST_FOR_EXAMPLE:
                continue
            shown |= news
        else:
            failures[adapter] += 1
            if failures[adapter] > MOST_FAILURES:
                continue
        chosen.append({"case": each.id, "adapter": adapter, **transcript})
    return chosen


def transcribe(world: World) -> dict[str, Any]:
    """Tell what happened, in order."""
    trace = world.trace
    told = heapq.merge(
        _of_frames(trace.frames),
        filter(None, map(_of_aside, trace.asides)),
        (_event(each, "fault", each.text) for each in trace.interventions),
        key=lambda event: float(event["at"]),
    )
    events = list(told)
    left_out = max(0, len(events) - FIRST - LAST)
    if left_out:
        events = events[:FIRST] + events[-LAST:]
    return {
        "seed": world.recipe.seed,
        "recipe": dict(world.recipe.chosen),
        "left_out": left_out,
        "first": FIRST if left_out else 0,
        "events": events,
    }


def _event(what: Frame | Aside | Intervention, kind: str, text: str) -> Event:
    at = round(what.seconds * 1000, 2)
    return {"at": at, "who": what.worker, "kind": kind, "text": text}


def _of_frames(frames: Iterable[Frame]) -> Iterator[Event]:
    """Tell commands and replies; how a client sets up its connection is one event."""
    decoder = Decoder()
    greeted: set[tuple[str, int]] = set()
    numbers: dict[int, int] = {}
    for frame in frames:
        operations = decoder.show(frame)
        if frame.step.name in GREETINGS:
            if (line := (frame.worker, frame.connection)) not in greeted:
                greeted.add(line)
                yield _event(frame, "connected", f"opens connection {line[1]}")
            continue
        if frame.reply is None:
            numbers[id(frame.step)] = len(numbers)
            event = _event(frame, "command", tell_sent(frame.step, operations))
        else:
            said = tell_answered(frame.reply.value, operations)
            event = _event(frame, "reply", said)
        yield {**event, "command": numbers.get(id(frame.step), -1)}


def _of_aside(aside: Aside) -> Event | None:
    """Tell what passed between a worker and its handlers, and what was done to it."""
    match aside.what:
        case Deed(Act.KILL | Act.CUT as act):
            return _event(aside, "fault", {Act.KILL: "killed", Act.CUT: "cut"}[act])
        case pb.Command() as command if command.HasField("answer"):
            return _event(aside, "answered", _tell_answer(command.answer))
        case pb.Reply() as reply if reply.HasField("invocation"):
            call = reply.invocation
            text = f"{visible(call.call_hash)}: {visible(call.task_name)}"
            return _event(aside, "invoked", f"{text}({visible(call.payload)})")
        case pb.Reply() as reply if reply.HasField("problem"):
            return _event(aside, "problem", _tell_failure(reply.problem))
        case pb.Reply() as reply if reply.HasField("failure"):
            return _event(aside, "problem", _tell_failure(reply.failure))
    return None


def _tell_failure(failure: pb.Failure) -> str:
    return f"{pb.Code.Name(failure.code)}: {visible(failure.reason)}"


def _tell_answer(answer: pb.Answer) -> str:
    match answer.WhichOneof("answer"):
        case "response":
            return f"value {visible(answer.response.value)}"
        case "defer":
            names = [visible(child.call_hash) for child in answer.defer.children]
            return f"defer on {', '.join(names[:MOST_NAMES])}" + (
                f", … {len(names)} in all" if len(names) > MOST_NAMES else ""
            )
        case _:
            return f"fail: {visible(answer.fail)}"
