# SPDX-License-Identifier: AGPL-3.0-only
"""Two SDKs in one fleet: what one has written, the other reads.

The client is of the first. Workers are of both, or of the one that a case names.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    NOW,
    ask,
    count,
    defer,
    queued,
    response,
    stored_call,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    EVERY_OCTET,
    expect_reports,
    take_all,
)
from brrr_conformance.graph import Graph, Node, at_random, chain, expect_done
from brrr_conformance.graph import fibonacci as fibonacci_graph

if TYPE_CHECKING:
    from brrr_conformance.script import Script
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("fleet")
requirement = pytest.mark.requirement

FIRST, SECOND = 0, 1


async def serve_with(
    world: World, which: int, topic: str, rules: Script | None = None
) -> None:
    """Let a worker of this one SDK serve a topic, from now on."""
    both = world.worker_configs
    world.worker_configs = (both[which],)
    try:
        await world.serve(topic, rules)
    finally:
        world.worker_configs = both


# ---- whole graphs -----------------------------------------------------------


async def play(world: World, graph: Graph) -> None:
    """Schedule the first call, let both SDKs work on every topic, read the value."""
    first = next(iter(graph.nodes))
    await world.schedule("t", ask(first))
    for topic in {node.topic for node in graph.nodes.values()} - {"t"}:
        await world.start(topic)
    await world.serve("t", graph.rules())
    assert await world.read(first) == graph.values[first]
    await expect_done(world, graph, uncounted=0, most=1 + 4 * graph.edges)


@requirement("SCHED-2", "SCHED-5", "RET-2")
async def test_chain(world: World) -> None:
    """Calls go down and values up, through both."""
    await play(world, chain(20))


@requirement("SCHED-22", "SCHED-23", "QUEUE-1")
async def test_chain_over_two_topics(world: World) -> None:
    """Topics mean the same to both, whatever they hold."""
    await play(world, chain(8, ("t", " größe/:\U0001f600")))


@requirement("SCHED-24", "RET-2")
async def test_gather(world: World) -> None:
    """Children of one parent are run by both."""
    names = tuple(f"c{number}" for number in range(20))
    await play(world, Graph({"p": Node(names)} | {name: Node() for name in names}))


@requirement("SCHED-25", "SCHED-26", "RET-3")
async def test_diamond(world: World) -> None:
    """Two parents of one child may be registered by both at the same time."""
    nodes = {"p": Node(("a", "b")), "a": Node(("c",)), "b": Node(("c",)), "c": Node()}
    await play(world, Graph(nodes))


@requirement("SCHED-25", "SCHED-28")
async def test_fibonacci(world: World) -> None:
    """Many calls are shared by many."""
    await play(world, fibonacci_graph(8))


@requirement("REC-5", "STORE-1")
async def test_values_of_zero_octets(world: World) -> None:
    """A value without octets is one to both."""
    nodes = {"p": Node(("a", "b")), "a": Node(silent=True), "b": Node(silent=True)}
    await play(world, Graph(nodes))


@requirement("RET-1", "RET-4", "SCHED-21", "SCHED-26")
async def test_graph_at_random(world: World) -> None:
    """Whatever the two do at the same time, nobody waits for ever."""
    chance = random.Random("fleet")  # noqa: S311 - the same graph each time
    await play(world, at_random(chance, 40, 15, 4))


@requirement("SCHED-27", "SCHED-28")
async def test_two_roots_of_one_graph(world: World) -> None:
    """Neither makes messages of the other again and again."""
    graph = fibonacci_graph(7)
    await world.schedule("t", ask("n7"))
    await world.schedule("t", ask("n7"))
    await world.serve("t", graph.rules())
    await expect_done(world, graph, uncounted=0, most=2 + 4 * 2 * graph.edges)


# ---- from one to the other --------------------------------------------------


@requirement("SCHED-2", "WORK-2")
async def test_second_runs_what_the_first_has_scheduled(world: World) -> None:
    """A root's call and message are read as they were meant."""
    await world.schedule("t", ask("h", "größe-\U0001f600", EVERY_OCTET))
    await serve_with(world, SECOND, "t", {"h": response(EVERY_OCTET)})
    got = [(call.task, call.payload) for call in world.invocations]
    assert got == [("größe-\U0001f600", EVERY_OCTET)]
    assert await world.read("h") == EVERY_OCTET


@requirement("SCHED-22", "SCHED-24", "RET-2", "RET-4")
async def test_first_defers_second_returns(world: World) -> None:
    """A parent that one SDK has registered is woken by the other."""
    root, topic = "r\U0001f600\0", "t größe/:"
    await world.given(stored_call("p"), queued(topic, (root, "p")))
    child = ask("c", "leaf", EVERY_OCTET, "u")
    await serve_with(world, FIRST, topic, {"p": [defer(child), response(b"2")]})
    await serve_with(world, SECOND, "u", {"c": response(b"1")})
    await world.expect(
        stored_call("p"),
        stored_call("c", "leaf", EVERY_OCTET),
        value("c", b"1"),
        value("p", b"2"),
        count(root, 2),
    )


@requirement("SCHED-25", "SCHED-26", "REC-7", "REC-12")
async def test_both_write_one_record(world: World) -> None:
    """A record is extended in turn, and always as canonical as before."""
    roots = ["\U0001f600", "\uff5e", "root", "root2", "root,", ""]
    returns = [(root, "p", f"t{number % 2}") for number, root in enumerate(roots)]
    await world.given(stored_call("p"))
    await serve_with(world, FIRST, "t0", {"p": defer(ask("c", topic="u"))})
    await serve_with(world, SECOND, "t1")
    for root, name, topic in returns:
        await world.given(queued(topic, (root, name)))
        await world.quiet()
    await take_all(world, "u")
    await world.redis.delete(*(f"brrr_count/{root}" for root in roots))
    await world.expect(
        stored_call("p"), stored_call("c"), waiting("c", *returns, scheduled_at=NOW)
    )


@requirement("CACHE-1", "SCHED-11", "SCHED-12", "REDIS-10")
async def test_both_count_one_root(world: World) -> None:
    """The limit is that of the root, whoever puts: the first one, then none."""
    await world.given(stored_call("p"), stored_call("q"), count("root1", 9_998))
    await world.given(queued("t", ("root1", "p")), queued("w", ("root1", "q")))
    rules: Script = {
        "p": [defer(ask("a", topic="u"), ask("b", topic="u"))],
        "q": [defer(ask("c", topic="u"))],
    }
    await serve_with(world, FIRST, "t", rules)
    await serve_with(world, SECOND, "w")
    problems = await expect_reports(world, "SPAWN_LIMIT")
    assert [each.worker for each in problems] == [world.workers[SECOND].name]
    assert await take_all(world, "u") == [("root1", "a"), ("root1", "b")]


@requirement("SCHED-1", "SCHED-5")
async def test_first_finds_the_value_of_the_second(world: World) -> None:
    """A call that the other SDK has finished is done, and is not scheduled again."""
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await serve_with(world, SECOND, "t", {"h": response(b"")})
    await world.schedule("t", ask("h", "other"))
    assert await world.read("h") == b""
    await world.expect(stored_call("h"), value("h", b""))
