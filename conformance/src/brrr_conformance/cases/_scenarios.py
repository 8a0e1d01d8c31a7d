# SPDX-License-Identifier: AGPL-3.0-only
"""The scenarios that faults happen in, and the steps of each.

A step is an operation of the protocol, and the how-many-eth of its kind: steps are
those of a worker that does one thing after the other. Which commands an SDK needs
for it is its own business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brrr_conformance.build import queued
from brrr_conformance.commands import Kind
from brrr_conformance.director import DONE, Match, does
from brrr_conformance.graph import Graph, Node

if TYPE_CHECKING:
    from brrr_conformance.director import Passing
    from brrr_conformance.world import World

RECORD = "pending_returns/"


# ---- steps ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """The nth time that workers do this, counted from 1."""

    what: str
    kinds: tuple[Kind, ...]
    # None is any: of the lists in flight only their worker knows the name.
    key: str | None
    nth: int = 1
    # Counted from when workers have come to that, if it is set.
    since: Point | None = None

    def __str__(self) -> str:
        return f"{self.what}-{self.nth}"

    @property
    def reads(self) -> bool:
        return self.kinds[0] in (Kind.GET, Kind.POP)

    def match(self, *, done: bool = False) -> Match:
        """Match it; if `done`, not a pop that ended without a message."""
        seen = 0
        what = does(*self.kinds, key=self.key)
        if done and Kind.POP in self.kinds:
            what &= DONE
        since = self.since.match() if self.since else None

        def is_it(it: Passing) -> bool:
            nonlocal seen, since
            if since and since.accepts(it):
                since = None
            is_one = since is None and what.accepts(it)
            seen += is_one
            return is_one and seen == self.nth

        return Match(is_it)


def point(what: str, nth: int = 1, since: Point | None = None) -> Point:
    """Name a step: `set call/c`, `register c`, `put t`, `count root1` and so on.

    `meet c` is the first that is done with c's record: it is read, or else made if
    there is none.
    """
    verb, _, key = what.partition(" ")
    label = what.replace(" ", "-").replace("/", "-")
    kinds, prefix = {
        "pop": ((Kind.POP,), ""),
        "get": ((Kind.GET,), ""),
        "set": ((Kind.SET,), ""),
        "register": ((Kind.SET_NEW, Kind.CAS), RECORD),
        "remove": ((Kind.CAD,), RECORD),
        "meet": ((Kind.GET, Kind.SET_NEW), RECORD),
        "waiting": ((Kind.GET,), RECORD),
        "count": ((Kind.INCR,), "brrr_count/"),
        "put": ((Kind.PUT,), ""),
        "acknowledge": ((Kind.ACK, Kind.SET_ASIDE), ""),
    }[verb]
    return Point(label, kinds, prefix + key or None, nth, since)


# ---- scenarios --------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    graph: Graph
    # Root_id and call_hash of each message that is there at first.
    roots: tuple[tuple[str, str], ...]
    points: tuple[Point, ...]

    @property
    def topics(self) -> list[str]:
        return sorted({node.topic for node in self.graph.nodes.values()})

    def puts(self, name: str) -> int:
        """Say how many messages the handling of a call's message may put."""
        nodes = self.graph.nodes
        children = len(nodes[name].children) if name in nodes else 0
        parents = sum(name in node.children for node in nodes.values())
        return max(children, parents * len(self.roots))

    async def given(self, world: World) -> None:
        tops = dict.fromkeys(name for _, name in self.roots)
        await world.given(self.graph.calls(*tops))
        for root in self.roots:
            await world.given(queued(self.graph.nodes[root[1]].topic, root))
        world.actors.learn(self.graph.rules())


ONE_CHILD = Scenario(
    Graph({"p": Node(("c",)), "c": Node()}),
    (("root1", "p"),),
    (
        point("pop t"),
        point("get call/p"),
        point("set call/c"),
        point("meet c"),
        point("register c"),
        point("count root1"),
        point("put t"),
        point("pop t", 2),
        point("get call/c"),
        point("set value/c"),
        point("waiting c", since=point("set value/c")),
        point("count root1", 2),
        point("put t", 2),
        point("remove c"),
        point("pop t", 3),
        point("get call/p", 2),
        point("set value/p"),
        point("waiting p"),
    ),
)

GATHER = Scenario(
    Graph({"p": Node(("a", "b")), "a": Node(), "b": Node()}),
    (("root1", "p"),),
    (
        point("set call/a"),
        point("set call/b"),
        point("register a"),
        point("register b"),
        point("count root1"),
        point("count root1", 2),
        point("put t"),
        point("put t", 2),
        point("pop t", 2),
        point("set value/a"),
        point("put t", 3),
        point("remove a"),
        point("pop t", 3),
        point("set value/b"),
        point("put t", 4),
        point("remove b"),
        point("pop t", 4),
        point("set value/p"),
    ),
)

TWO_ROOTS = Scenario(
    Graph({"p": Node(("c",)), "c": Node()}),
    (("root1", "p"), ("root2", "p")),
    (
        point("register c"),
        point("put t"),
        point("pop t", 2),
        point("register c", 2),
        point("count root2"),
        point("put t", 2),
        point("set value/c"),
        point("put t", 3),
        point("count root2", 2),
        point("put t", 4),
        point("remove c"),
        point("set value/p"),
    ),
)

TWO_PARENTS = Scenario(
    Graph({"p": Node(("c",)), "q": Node(("c",)), "c": Node()}),
    (("root1", "p"), ("root2", "q")),
    (
        point("set call/c"),
        point("register c"),
        point("set call/c", 2),
        point("meet c", since=point("set call/c", 2)),
        point("register c", 2),
        point("pop t", 3),
        point("set value/c"),
        point("waiting c", since=point("set value/c")),
        point("put t", 2),
        point("put t", 3),
        point("count root2"),
        point("remove c"),
        point("set value/p"),
        point("set value/q"),
    ),
)

CHAIN = Scenario(
    Graph(
        {
            "p": Node(("m",)),
            "m": Node(("c",), topic="u"),
            "c": Node(),
        }
    ),
    (("root1", "p"),),
    (
        point("register m"),
        point("put u"),
        point("pop u"),
        point("get call/m"),
        point("register c"),
        point("put t"),
        point("set value/c"),
        point("put u", 2),
        point("remove c"),
        point("pop u", 2),
        point("set value/m"),
        point("put t", 2),
        point("remove m"),
        point("set value/p"),
    ),
)

SCENARIOS = {
    "one-child": ONE_CHILD,
    "gather": GATHER,
    "two-roots": TWO_ROOTS,
    "two-parents": TWO_PARENTS,
    "chain": CHAIN,
}
