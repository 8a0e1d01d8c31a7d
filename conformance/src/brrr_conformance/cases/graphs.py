# SPDX-License-Identifier: AGPL-3.0-only
"""Whole call graphs, from the root's message to its value.

With one worker, each edge of the graph costs at most two messages a root: one to
put the child, one to wake the parent. With two, a parent may miss a value that is
written just then, and pay twice.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    ask,
    count,
    fail,
    queued,
    response,
    stored_call,
    value,
)
from brrr_conformance.cases._common import MEBIBYTE, expect_report, noise, writes
from brrr_conformance.graph import (
    Graph,
    Node,
    at_random,
    chain,
    expect_done,
    fibonacci,
)
from brrr_conformance.script import gather

if TYPE_CHECKING:
    from brrr_conformance.script import Script
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement


async def play(
    world: World, graph: Graph, *, roots: int = 1, workers: int = 1, threads: int = 0
) -> None:
    """Work off a graph for so many roots at the same time, and judge the end."""
    first = next(iter(graph.nodes))
    messages = [(f"root{number}", first) for number in range(roots)]
    await world.given(graph.calls(first), queued("t", *messages))
    for topic in {node.topic for node in graph.nodes.values()} - {"t"}:
        await world.start(topic)
    await world.serve("t", graph.rules(), workers=workers, concurrency=threads)
    dear = 4 if workers > 1 or threads > 1 else 2
    await expect_done(world, graph, roots, roots + dear * roots * graph.edges)


# ---- by hand ----------------------------------------------------------------


@requirement("RET-2", "SCHED-24", "SCHED-10")
@pytest.mark.deadline(60)
async def test_chain_of_100(world: World) -> None:
    """Each of a hundred calls needs the next."""
    await play(world, chain(100))


@requirement("SCHED-22", "SCHED-23", "RET-2")
@pytest.mark.parametrize(
    "topics", [("t", "u", "v"), ("t", "größe/:", " \U0001f600")], ids=["plain", "odd"]
)
async def test_chain_over_three_topics(world: World, topics: tuple[str, ...]) -> None:
    """Three workers, one for each topic, hand calls down and values up."""
    await play(world, chain(7, topics))


@requirement("SCHED-25", "RET-2")
async def test_diamond(world: World) -> None:
    """Two calls need the same third."""
    nodes = {"p": Node(("a", "b")), "a": Node(("c",)), "b": Node(("c",)), "c": Node()}
    await play(world, Graph(nodes))


@requirement("SCHED-25", "RET-2")
async def test_shared_child_of_two_topics(world: World) -> None:
    """Two parents, each on a topic of its own, wait for a child on a third."""
    nodes = {
        "p": Node(("a", "b")),
        "a": Node(("c",), topic="u"),
        "b": Node(("c",), topic="v"),
        "c": Node(topic="w"),
    }
    await play(world, Graph(nodes))


@requirement("SCHED-24", "RET-2")
async def test_gather_of_30(world: World) -> None:
    """A parent is woken by each child, and done with the last."""
    names = tuple(f"c{number}" for number in range(30))
    await play(world, Graph({"p": Node(names)} | {name: Node() for name in names}))


@requirement("SCHED-24", "RET-2")
async def test_gathers_one_after_the_other(world: World) -> None:
    """A parent needs some calls at once, then one more that needs them as well."""
    nodes = {
        "p": Node(("q", "z"), at_once=False),
        "q": Node(("a", "b", "c")),
        "z": Node(("b", "c", "y"), at_once=False),
        **{name: Node() for name in "abcy"},
    }
    await play(world, Graph(nodes))


@requirement("SCHED-25", "SCHED-28")
async def test_fibonacci(world: World) -> None:
    """A call that many need is run for one of them, and all get its value."""
    await play(world, fibonacci(10))


@requirement("REC-5", "SCHED-5")
async def test_values_of_zero_octets(world: World) -> None:
    """They are values: who waits for one goes on when it is there."""
    nodes = {
        "p": Node(("a", "b"), silent=True),
        "a": Node(("c",), silent=True),
        "b": Node(("c",), at_once=False),
        "c": Node(silent=True),
    }
    await play(world, Graph(nodes))


@pytest.mark.slow
@requirement("STORE-1", "WORK-2")
@pytest.mark.store("redis")  # no item of DynamoDB is so large
async def test_chain_of_ten_mebibytes(world: World) -> None:
    """Payloads down and values up, all of them big."""
    octets = noise(10 * MEBIBYTE)
    child = ask("c", payload=octets)
    await world.given(stored_call("p", payload=octets), queued("t", ("root1", "p")))
    rules: Script = {"p": gather(child, then=b"".join), "c": response(octets)}
    await world.serve("t", rules)
    await world.expect(
        stored_call("p", payload=octets),
        stored_call("c", payload=octets),
        value("c", octets),
        value("p", octets),
        count("root1", 2),
    )


# ---- several roots ----------------------------------------------------------


@requirement("SCHED-28", "SCHED-27")
@pytest.mark.parametrize("roots", [2, 3])
async def test_roots_of_one_graph_at_the_same_time(world: World, roots: int) -> None:
    """No root's messages make more messages of the others, and again and again."""
    await play(world, fibonacci(10, at_once=True), roots=roots)


@requirement("WORK-8", "SCHED-27")
async def test_second_root_afterwards(world: World) -> None:
    """All values are there: one message, and nothing is put."""
    graph = fibonacci(6)
    await play(world, graph)
    await world.given(queued("t", ("root9", "n6")))
    await world.quiet()
    await world.expect(graph.done())


@requirement("SCHED-27", "SCHED-25")
async def test_second_root_after_a_loss(world: World) -> None:
    """The deepest message was lost: a new root of the same call repairs it all."""
    graph = chain(5)
    deepest = replace(graph.nodes["n4"], topic="lost")
    graph = Graph({**graph.nodes, "n4": deepest})
    await world.given(graph.calls("n0"), queued("t", ("root1", "n0")))
    await world.serve("t", graph.rules())
    await world.redis.delete("lost")
    await world.given(queued("t", ("root2", "n0")))
    await world.quiet()
    await world.serve("lost")
    # Two messages came from the runner, one was counted and lost.
    await expect_done(world, graph, uncounted=1, most=20)


@requirement("SCHED-27", "WORK-6")
async def test_second_root_after_a_failure(world: World) -> None:
    """A child has failed: those who wait for it go on when a new root runs it."""
    graph = chain(3)
    rules = graph.rules()
    await world.given(graph.calls("n0"), queued("t", ("root1", "n0")))
    await world.serve("t", rules | {"n2": [fail(), rules["n2"]]})
    await expect_report(world, "HANDLER_FAILED")
    await world.given(queued("t", ("root2", "n0")))
    await world.quiet()
    await expect_done(world, graph, uncounted=2, most=12)


@requirement("SCHED-25", "SCHED-28", "RET-2")
async def test_two_graphs_that_share_calls(world: World) -> None:
    """Two roots of different calls need the same ones below."""
    below = {f"n{each}": node for each, node in enumerate([Node(("n1",)), Node()])}
    graph = Graph({"p": Node(("n0", "n1")), "q": Node(("n0",)), **below})
    await world.given(graph.calls("p", "q"))
    await world.given(queued("t", ("root1", "p"), ("root2", "q")))
    await world.serve("t", graph.rules())
    await expect_done(world, graph, uncounted=2, most=2 + 2 * graph.edges)


# ---- many at once -----------------------------------------------------------


@requirement("WORK-8", "RET-3")
async def test_every_message_comes_twice(world: World) -> None:
    """Duplicates cost time and change nothing."""
    graph = fibonacci(5)

    async def again(step: Step) -> None:
        for word in step.args:
            if word.startswith(b"li2e"):
                await world.redis.execute_command("RPUSH", "t", word)

    world.before(writes("t"), again)
    await world.given(graph.calls("n5"), queued("t", ("root1", "n5"), ("root1", "n5")))
    await world.serve("t", graph.rules())
    await world.redis.delete("brrr_count/root1")
    await world.expect(graph.done())


SHAPES = {
    "deep": (40, 2, 2),
    "wide": (40, 30, 6),
    "shared": (25, 5, 5),
    "any": (60, 20, 3),
}


@requirement("RET-1", "RET-4", "SCHED-21", "SCHED-26", "STORE-3")
@pytest.mark.parametrize("shape", SHAPES)
async def test_two_workers(world: World, shape: str) -> None:
    """Whatever two workers do at the same time, nobody waits for ever."""
    chance = random.Random(shape)  # noqa: S311 - the same graph each time
    await play(world, at_random(chance, *SHAPES[shape]), workers=2)


@requirement("SCHED-27", "SCHED-28", "CACHE-1")
async def test_two_workers_and_two_roots(world: World) -> None:
    """Roots of one graph, run by two workers: no loss, no explosion."""
    await play(world, fibonacci(8), roots=2, workers=2)


@requirement("WORK-3", "RET-1", "SCHED-26")
async def test_several_messages_in_hand(world: World) -> None:
    """A worker that handles several messages at a time mixes nothing up."""
    chance = random.Random("threads")  # noqa: S311 - the same graph each time
    await play(world, at_random(chance, 40, 20, 5), threads=8)


@requirement("SCHED-21", "RET-1")
async def test_parent_waits_while_nobody_serves_the_child(world: World) -> None:
    """Nothing is lost while a topic has no worker: it is there when one comes."""
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    await world.serve("t", {"p": gather(ask("c", topic="u")), "c": response(b"1")})
    assert await world.stored("value/p") is None
    await world.serve("u")
    assert await world.stored("value/p") == b"1"
