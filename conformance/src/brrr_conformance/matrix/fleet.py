# SPDX-License-Identifier: AGPL-3.0-only
"""All SDKs on one topic: they work off many graphs, made at random."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brrr_conformance import deviation
from brrr_conformance.build import ask
from brrr_conformance.graph import Graph, at_random, delivered, expect_done
from brrr_conformance.matrix.arena import read_all, serve_with, speak_with
from brrr_conformance.outcome import Status, worst
from brrr_conformance.report import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.matrix.arena import Arena
    from brrr_conformance.world import World

FLEET_SECONDS = 60.0
GRAPH_SECONDS = 2.0

TOPIC = "t"
FLEET = f"{deviation.MATRIX}fleet"


@dataclass(slots=True)
class Fleet:
    """What it has done."""

    adapters: tuple[str, ...]
    graphs: int
    seed: int
    outcome: Outcome
    calls: int = 0
    messages: int = 0
    # How many invocations each SDK has handled.
    handled: dict[str, int] = field(default_factory=dict)


async def play_fleet(
    arena: Arena, present: Sequence[AdapterConfig], missing: Sequence[str]
) -> Fleet:
    """Let all that are there work; without those that are missing."""
    terms = arena.terms
    number = int(terms.recipe.get("graphs", terms.graphs))
    graphs = make_graphs(terms.seed, number)
    whole = Graph({name: node for each in graphs for name, node in each.nodes.items()})
    names = tuple(sorted([*missing, *(each.name for each in present)]))
    outcome = Outcome(FLEET, "fleet", ())
    fleet = Fleet(names, number, terms.seed, outcome, calls=len(whole.nodes))

    async def scene(world: World) -> None:
        world.recipe.choose("graphs", lambda: number)
        for config in present:
            await serve_with(world, config, TOPIC)
        world.actors.learn(whole.rules())
        roots = [next(iter(graph.nodes)) for graph in graphs]
        for first, config in enumerate(present):
            speak_with(world, config)
            for root in roots[first :: len(present)]:
                await world.schedule(TOPIC, ask(root))
        try:
            await world.quiet()
            due = {root: whole.values[root] for root in roots}
            await read_all(world, due, present)
            most = sum(1 + 4 * graph.edges for graph in graphs)
            await expect_done(world, whole, uncounted=0, most=most)
        finally:
            fleet.messages = len(delivered(world))
            fleet.handled = count_handled(world)

    if present:
        seconds = FLEET_SECONDS + GRAPH_SECONDS * number
        fleet.outcome = await arena.play(outcome, present, scene, seconds)
    fleet.outcome = without(fleet.outcome, present, missing)
    return fleet


def without(
    outcome: Outcome, present: Sequence[AdapterConfig], missing: Sequence[str]
) -> Outcome:
    """Say so where some were not there: then it has not passed."""
    if not present:
        return outcome.after(Status.NOT_IMPLEMENTED, 0.0, "nobody is there")
    if not missing:
        return outcome
    status = worst([outcome.status, Status.NOT_IMPLEMENTED])
    said = f"without {', '.join(missing)}: {outcome.status}"
    if outcome.message:
        said += f": {outcome.message}"
    return replace(outcome, status=status, message=said)


def make_graphs(seed: int, number: int) -> list[Graph]:
    """Make graphs with shared nodes, no two of them with a call in common."""
    graphs = []
    for each in range(number):
        chance = random.Random(f"{seed}/{each}")  # noqa: S311 - the same graph each time
        size, reach = chance.randint(2, 24), chance.randint(1, 8)
        graphs.append(at_random(chance, size, reach, 4, prefix=f"g{each}."))
    return graphs


def count_handled(world: World) -> dict[str, int]:
    """Count the invocations of each SDK."""
    owner = {each.name: each.member.adapter.config.name for each in world.workers}
    counts = Counter(owner[call.worker] for call in world.invocations)
    return {name: counts[name] for name in owner.values()}
