# SPDX-License-Identifier: AGPL-3.0-only
"""Call graphs: made at random or by hand, played by handlers, known to an oracle.

    graph = Graph({"p": Node(("c", "d")), "c": Node(), "d": Node()})
    world.actors.learn(graph.rules())
    assert await world.read("p") == graph.value("p")

A handler reads from Redis whether its children have values, as an SDK's call and
gather do, so it may run any number of times.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from brrr_conformance.build import ask, stored_call, value
from brrr_conformance.outcome import CaseFailed
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.script import gather, sequence
from brrr_conformance.state import join

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from brrr_conformance import resp
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.script import Handler
    from brrr_conformance.state import State
    from brrr_conformance.world import World


@dataclass(frozen=True, slots=True)
class Node:
    """A call: the calls that it needs, all at once or one after the other."""

    children: tuple[str, ...] = ()
    at_once: bool = True
    topic: str = "t"
    # Its value has no octets.
    silent: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes by their call_hash, parents before their children."""

    nodes: dict[str, Node]

    @property
    def edges(self) -> int:
        return sum(len(set(node.children)) for node in self.nodes.values())

    @cached_property
    def values(self) -> dict[str, bytes]:
        """What each call is worth: it depends on all that is below."""
        values: dict[str, bytes] = {}
        for name in reversed(self.nodes):
            children = self.nodes[name].children
            values[name] = self._join(name, [values[each] for each in children])
        return values

    def _join(self, name: str, values: Sequence[bytes]) -> bytes:
        if self.nodes[name].silent:
            return b""
        parts = b"".join(b"%d:%s" % (len(each), each) for each in values)
        return hashlib.sha256(name.encode() + b"=" + parts).hexdigest().encode()

    def calls(self, *names: str) -> State:
        return join(stored_call(name) for name in names)

    def done(self) -> State:
        """Give the state when all is done, but for the counters."""
        values = (value(name, octets) for name, octets in self.values.items())
        return self.calls(*self.nodes) + join(values)

    def rules(self) -> dict[str, Handler]:
        return {name: self._handler(name) for name in self.nodes}

    def _handler(self, name: str) -> Handler:
        node = self.nodes[name]
        kind = gather if node.at_once else sequence
        asks = [self.ask(each) for each in node.children]
        return kind(*asks, then=lambda values: self._join(name, values))

    def ask(self, name: str) -> pb.Ask:
        return ask(name, topic=self.nodes[name].topic)


async def expect_done(world: World, graph: Graph, uncounted: int, most: int) -> None:
    """Demand that all is done: values there, queues empty, nobody waiting.

    `uncounted` messages came from the runner. Each other one was counted under its
    root; there are `most` at most.
    """
    counters = sorted(await world.redis.keys("brrr_count/*"))
    counts = [int(await world.redis.get(each)) for each in counters]
    if counters:
        await world.redis.delete(*counters)
    await world.expect(graph.done())
    counted, taken = sum(counts), len(delivered(world))
    # Not equal: a worker may take messages by commands that we do not know.
    if counted < taken - uncounted:
        raise CaseFailed(f"{taken} messages were taken, {counted} had been counted")
    if counted + uncounted > most:
        raise CaseFailed(f"{counted + uncounted} messages, {most} would do")


def delivered(world: World) -> list[ScheduleMessage]:
    """Give every message that Redis has handed to a worker."""
    return [
        ScheduleMessage.decode(octets)
        for frame in world.frames
        if frame.reply is not None and frame.step.is_pop
        for octets in _strings(frame.reply.value)
        if octets not in frame.step.keys
    ]


def _strings(value: resp.Value) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


# ---- shapes -----------------------------------------------------------------


def chain(length: int, topics: Sequence[str] = ("t",)) -> Graph:
    """Make each call need the next one; they go round the topics."""
    names = [f"n{number}" for number in range(length)]
    return Graph(
        {
            name: Node(tuple(names[at + 1 : at + 2]), topic=topics[at % len(topics)])
            for at, name in enumerate(names)
        }
    )


def fibonacci(number: int, *, at_once: bool = False) -> Graph:
    """Make the calls of the well-known wasteful function, each made once."""
    nodes = {
        f"n{each}": Node((f"n{each - 1}", f"n{each - 2}"), at_once=at_once)
        for each in range(number, 1, -1)
    }
    return Graph(nodes | {"n1": Node(), "n0": Node()})


def at_random(
    chance: random.Random, size: int, reach: int, most: int, prefix: str = ""
) -> Graph:
    """Make calls that need up to `most` of the next `reach` ones each."""
    names = [f"{prefix}n{number}" for number in range(size)]
    nodes = {}
    for at, name in enumerate(names):
        below = names[at + 1 : at + 1 + reach]
        # The next one always: so all are reached from the first.
        others = chance.sample(below[1:], min(len(below[1:]), chance.randrange(most)))
        children = below[:1] + others
        chance.shuffle(children)
        at_once, silent = chance.random() < 0.5, chance.random() < 0.2
        nodes[name] = Node(tuple(children), at_once=at_once, silent=silent)
    return Graph(nodes)
