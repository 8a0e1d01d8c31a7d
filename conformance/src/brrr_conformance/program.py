# SPDX-License-Identifier: AGPL-3.0-only
"""Programs: call graphs that an SDK runs by itself, and what must come of them.

A program is what conformance/programs.md says: a table of nodes, and roots that
lead into it. The oracle plays it without a clock, a queue or a hash: a call is
its task and arguments, told apart by their canonical JSON.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from brrr_conformance import jcs

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "program"
# What a call is worth that fails, or waits for one which does.
NOTHING = object()
# Messages for an edge: the child is put and the parent is put back; and, with
# several hands, once more each, when the parent asks while the child ends.
PER_EDGE = 2


@dataclass(frozen=True)
class Call:
    """A call: what SDKs hash, each in its own way."""

    task: str
    # Canonical JSON, an array.
    args: str
    # Of a call of `program`: where it is in the table.
    at: int | None = field(default=None, compare=False)

    @classmethod
    def of(cls, task: str, args: list[Any]) -> Self:
        return cls(task, jcs.encode(args))

    @property
    def values(self) -> Any:
        return jcs.decode(self.args.encode())

    @cached_property
    def hash(self) -> str:
        """What the JSON codec makes of it [CODEC-3]."""
        text = f"[{jcs.encode(self.task)},{self.args}]"
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        args = self.args if self.at is None else f"[…,{self.at}]"
        return f"{self.task}{args}"


@dataclass(frozen=True, slots=True)
class Edge:
    """A call that is asked for, on a topic of its own or that of who asks."""

    call: Call
    topic: str


@dataclass(frozen=True)
class Program:
    """A table of nodes, and where to begin; JSON can hold all of it."""

    nodes: list[dict[str, Any]]
    # Of each: the index of a node, and a topic.
    roots: list[list[Any]]

    @cached_property
    def edges(self) -> list[Edge]:
        """Give the roots, in the order in which they are scheduled."""
        return [self.edge(each) for each in self.roots]

    def edge(self, place: list[Any]) -> Edge:
        at, topic = int(place[0]), place[1] if len(place) > 1 else ""
        node = self.nodes[at]
        if "task" in node:
            return Edge(Call.of(node["task"], node["args"]), topic)
        return Edge(Call(PROGRAM, f"[{self._table},{at}]", at), topic)

    @cached_property
    def _table(self) -> str:
        return jcs.encode(self.nodes)


@dataclass(slots=True)
class Played:
    """A call that was made: when all is over, this is what is known of it."""

    call: Call
    # What it is worth; NOTHING if it fails or waits.
    value: Any
    # Its task was run, and failed.
    fails: bool = False
    # Where it may have been handled.
    topics: set[str] = field(default_factory=set)
    # Calls that it has asked for; and those that it waits for in the end.
    children: set[Call] = field(default_factory=set)
    waits_for: set[Call] = field(default_factory=set)


@dataclass
class Oracle:
    """Plays a program."""

    program: Program
    _steps: dict[Call, list[list[Edge]]] = field(default_factory=dict)
    _values: dict[Call, Any] = field(default_factory=dict)

    @cached_property
    def played(self) -> dict[Call, Played]:
        """Every call that is made, in the order in which it is met."""
        played: dict[Call, Played] = {}
        todo = list(self.program.edges)
        while todo:
            edge = todo.pop()
            each = played.get(edge.call)
            if each is None:
                each = played[edge.call] = self._play(edge.call)
            if edge.topic in each.topics:
                continue
            each.topics.add(edge.topic)
            todo += [
                Edge(child.call, child.topic or edge.topic)
                for child in self._asked(edge.call)
            ]
        return played

    @cached_property
    def topics(self) -> list[str]:
        return sorted({it for each in self.played.values() for it in each.topics})

    @cached_property
    def waiting(self) -> dict[Call, set[Call]]:
        """Who waits in vain, by the call that they wait for."""
        waiting: dict[Call, set[Call]] = {}
        for each in self.played.values():
            for child in each.waits_for:
                waiting.setdefault(child, set()).add(each.call)
        return waiting

    def most_messages(self, *, alone: bool) -> int:
        """Tell how many messages would do, for all roots together.

        One worker that is alone, with one hand, puts each child of one root once.
        """
        edges = sum(len(each.children) for each in self.played.values())
        roots = len(self.program.roots)
        if alone and roots == 1:
            return len(self.played) + edges
        return roots * (1 + PER_EDGE * edges * (1 if alone else 2))

    def value(self, call: Call) -> Any:
        """Give what a call is worth; NOTHING if it fails or waits for one that does."""
        if not self._values:
            # From the end of the table: a node leads to later ones only.
            for at in reversed(range(len(self.program.nodes))):
                self._evaluate(self.program.edge([at]).call)
        self._evaluate(call)
        return self._values[call]

    def _evaluate(self, call: Call) -> None:
        if call in self._values:
            return
        values = []
        for step in self._steps_of(call):
            for edge in step:
                self._evaluate(edge.call)
                values.append(self._values[edge.call])
        missing = any(value is NOTHING for value in values)
        self._values[call] = NOTHING if missing else self._result(call, values)

    def _steps_of(self, call: Call) -> list[list[Edge]]:
        if call not in self._steps:
            self._steps[call] = list(self._read_steps(call))
        return self._steps[call]

    def _asked(self, call: Call) -> Iterator[Edge]:
        """Give what the call asks for, as far as it comes."""
        for step in self._steps_of(call):
            yield from step
            if any(self.value(edge.call) is NOTHING for edge in step):
                break

    def _play(self, call: Call) -> Played:
        asked = {edge.call for edge in self._asked(call)}
        missing = {each for each in asked if self.value(each) is NOTHING}
        value = self.value(call)
        fails = value is NOTHING and not missing
        return Played(call, value, fails, children=asked, waits_for=missing)

    def _read_steps(self, call: Call) -> Iterator[list[Edge]]:
        if call.at is not None:
            for step in self.program.nodes[call.at].get("do", []):
                yield [self.program.edge(edge) for edge in step]
        elif call.task == "fib" and (n := call.values[0]) >= 2:
            yield [Edge(Call.of("fib", [n - less]), "") for less in (1, 2)]

    def _result(self, call: Call, values: list[Any]) -> Any:
        if call.at is not None:
            return _result_of(self.program.nodes[call.at], values)
        match call.task, call.values:
            case "hello", [greetee]:
                return f"Hello, {greetee}!"
            case "echo", [value]:
                return value
            case "fib", [n]:
                return sum(values) if values else n
        return NOTHING  # a task that nobody has


def _result_of(node: dict[str, Any], values: list[Any]) -> Any:
    if "raise" in node:
        return NOTHING
    if "big" in node:
        return "x" * int(node["big"])
    if "take" in node:
        return values[int(node["take"])]
    return node.get("return", values)
