# SPDX-License-Identifier: AGPL-3.0-only
"""What cheap joins save, counted, for SDKs that claim the profile `joins`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    queued,
    stored_call,
)
from brrr_conformance.graph import Graph, Node, at_random, expect_done

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("joins")
requirement = pytest.mark.requirement

FAN_OUT = 1000


@pytest.mark.deadline(60)
@pytest.mark.store("redis")  # DynamoDBLocal takes a minute
@pytest.mark.parametrize("hands", [1, 64])
@pytest.mark.parametrize("topic", ["t", "u"], ids=["its-own", "another"])
async def test_fan_out(world: World, hands: int, topic: str) -> None:
    """A parent of 1 000 runs three times at most; 20 commands for each child."""
    names = tuple(f"c{number}" for number in range(FAN_OUT))
    graph = Graph({"p": Node(names)} | {name: Node(topic=topic) for name in names})
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    if topic != "t":
        await world.start(topic, concurrency=hands)
    await world.serve("t", graph.rules(), concurrency=hands)
    # A child may end just when the parent looks for it, and be put again.
    await expect_done(world, graph, uncounted=1, most=1 + 2 * FAN_OUT + FAN_OUT // 10)
    runs = [call.call_hash for call in world.invocations].count("p")
    assert runs <= 3, f"the parent was run {runs} times"
    commands = len(world.commands()) / FAN_OUT
    assert commands <= 20, f"{commands:.1f} commands for each child"


@pytest.mark.deadline(60)
async def test_two_roots_of_one_graph(world: World) -> None:
    """Twice the roots are not much more than twice the messages."""

    async def messages(prefix: str, roots: int) -> int:
        chance = random.Random("roots")  # noqa: S311 - the same graph each time
        graph = at_random(chance, 60, 20, 5, prefix)
        names = [f"{prefix}root{number}" for number in range(roots)]
        first = next(iter(graph.nodes))
        await world.given(graph.calls(first), queued("t", *((n, first) for n in names)))
        world.actors.learn(graph.rules())
        await world.quiet()
        assert await world.stored(f"value/{first}") == graph.values[first]
        counts = [await world.stored(f"brrr_count/{name}") for name in names]
        return sum(1 + int(each or 0) for each in counts)

    await world.start("t")
    one, two = await messages("one", 1), await messages("two", 2)
    assert two <= 2.5 * one, f"{one} messages for one root, {two} for two"
