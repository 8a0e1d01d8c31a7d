# SPDX-License-Identifier: AGPL-3.0-only
"""The `example redis` blocks of the specification, read and played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance.build import ask, defer, fail, response
from brrr_conformance.notation import NotationError, parse, parse_plain, show
from brrr_conformance.outcome import CaseFailed, HarnessError
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.state import Entry, State

if TYPE_CHECKING:
    from brrr_conformance.script import Answer
    from brrr_conformance.spec import Example
    from brrr_conformance.world import World


@dataclass(frozen=True, slots=True)
class Schedule:
    topic: str
    call: pb.Ask


@dataclass(frozen=True, slots=True)
class Read:
    call_hash: str
    expected: bytes | None


@dataclass(frozen=True, slots=True)
class Serve:
    topic: str


CODES = frozenset(pb.Code.DESCRIPTOR.values_by_name)

Action: TypeAlias = Schedule | Read | Serve


@dataclass(slots=True)
class Scenario:
    """A state before, what is done, and the state after."""

    before: State = field(default_factory=State)
    actions: list[Action] = field(default_factory=list)
    rules: dict[str, list[Answer]] = field(default_factory=dict)
    # For handlers that need not be invoked.
    spare: dict[str, Answer] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    after: State = field(default_factory=State)

    @property
    def needs_worker(self) -> bool:
        return any(isinstance(action, Serve) for action in self.actions)


def read_scenario(example: Example) -> Scenario:
    """Parse the body of an `example redis` block."""
    scenario = Scenario()
    section = ""
    for number, line in enumerate(example.body.splitlines(), example.line):
        if not line.strip():
            continue
        try:
            if not line.startswith(" "):
                section = line.strip()
                if section not in ("before", "do", "after"):
                    raise NotationError(f"no such section: {section}")
            elif section == "before":
                scenario.before += _entry(line)
            elif section == "after":
                scenario.after += _entry(line)
            else:
                _step(scenario, line.split())
        except (NotationError, ValueError, IndexError) as error:
            raise HarnessError(f"{example.file.name}:{number}: {error}") from error
    return scenario


async def play(scenario: Scenario, world: World) -> None:
    """Do what the scenario says, and demand its state after."""
    await world.given(scenario.before)
    world.actors.learn(scenario.rules)
    world.actors.learn(scenario.spare)
    for action in scenario.actions:
        match action:
            case Schedule(topic, call):
                await world.schedule(topic, call)
            case Read(call_hash, expected):
                found = await world.read(call_hash)
                if found != expected:
                    raise CaseFailed(
                        f"read {call_hash}: expected {_shown(expected)}, "
                        f"got {_shown(found)}"
                    )
            case Serve(topic):
                await world.serve(topic)
    await world.expect(scenario.after, problems=scenario.problems)


def _shown(octets: bytes | None) -> str:
    return "absent" if octets is None else show(octets)


def _entry(line: str) -> State:
    kind, key, *words = line.split()
    octets = [parse(word) for word in words]
    if kind == "STRING" and len(octets) == 1:
        return State((Entry(parse(key), string=octets[0]),))
    if kind == "LIST":
        return State((Entry(parse(key), items=tuple(octets)),))
    raise NotationError(f"not an entry of a state: {line.strip()}")


def _step(scenario: Scenario, words: list[str]) -> None:
    match words:
        case ["schedule", topic, call_hash, task, payload]:
            call = ask(_text(call_hash), _text(task), parse_plain(payload))
            scenario.actions.append(Schedule(_text(topic), call))
        case ["read", call_hash, "=", octets]:
            scenario.actions.append(Read(_text(call_hash), parse_plain(octets)))
        case ["read", call_hash, "absent"]:
            scenario.actions.append(Read(_text(call_hash), None))
        case ["serve", topic]:
            scenario.actions.append(Serve(_text(topic)))
        case ["problem", code] if code in CODES:
            scenario.problems.append(code)
        case [call_hash, "->", *rest] if _text(call_hash) not in scenario.spare:
            scenario.rules.setdefault(_text(call_hash), []).append(_answer(rest))
        case [call_hash, "?->", *rest] if _text(call_hash) not in scenario.rules:
            scenario.spare[_text(call_hash)] = _answer(rest)
        case _:
            raise NotationError(f"not a step: {' '.join(words)}")


def _answer(words: list[str]) -> Answer:
    match words:
        case ["response", octets]:
            return response(parse_plain(octets))
        case ["fail"]:
            return fail()
        case ["defer", *rest]:
            calls = " ".join(rest).split(", ") if rest else []
            return defer(*(_child(call.split()) for call in calls))
        case _:
            raise NotationError(f"not an answer: {' '.join(words)}")


def _child(words: list[str]) -> pb.Ask:
    call_hash, task, payload, *topic = words
    if topic and not topic[0].startswith("@"):
        raise NotationError(f"not a topic: {topic[0]}")
    return ask(
        _text(call_hash),
        _text(task),
        parse_plain(payload),
        _text(topic[0][1:]) if topic else "",
    )


def _text(word: str) -> str:
    return parse_plain(word).decode()
