# SPDX-License-Identifier: AGPL-3.0-only
"""Faults at each step of a durable worker: everything completes by itself.

Whoever takes over from a worker that died need not wait for the dead time: the
dead one's time is made older.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.cases._durable import DEAD, LONG_GONE, WORKERS, now_ms, settle
from brrr_conformance.cases._faults import action_of, check_store
from brrr_conformance.cases._scenarios import ONE_CHILD, TWO_PARENTS, Scenario, point
from brrr_conformance.server import raw

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("durable")
requirement = pytest.mark.requirement

ACKNOWLEDGEMENTS = [point("acknowledge", nth) for nth in (1, 2, 3)]
STEPS = {
    f"{name}-{each}": (scenario, each)
    for name, scenario, points in (
        ("one-child", ONE_CHILD, (*ONE_CHILD.points, *ACKNOWLEDGEMENTS)),
        ("two-parents", TWO_PARENTS, (*TWO_PARENTS.points, *ACKNOWLEDGEMENTS)),
    )
    for each in points
}


@requirement("QUEUE-11", "QUEUE-12", "REDIS-35")
@pytest.mark.parametrize("step", STEPS)
async def test_dies_after(world: World, step: str) -> None:
    """The next worker does the rest, and nothing is scheduled again."""
    await play(world, step, "dies")


@requirement("QUEUE-15", "QUEUE-13", "REDIS-37")
@pytest.mark.parametrize("fault", ["cut-before", "cut-after", "error"])
@pytest.mark.parametrize("step", [each for each in STEPS if "one-child" in each])
async def test_at(world: World, step: str, fault: str) -> None:
    """The worker itself does the rest."""
    await play(world, step, fault)


async def play(world: World, step: str, fault: str) -> None:
    scenario, place = STEPS[step]
    action = action_of(world, place, fault)
    match = place.match(done=action.before is None)
    rule = world.director.rule(match, action, times=1)
    await scenario.given(world)
    [worker] = await world.start("t", durable=True)

    async def over() -> bool:
        return worker.ended or rule.played > 0

    await world.until(over, 5, f"a worker comes to {place}")
    if fault == "dies":
        await make_old(world)
        await world.start("t", durable=True)
    await finish(world, scenario)


async def make_old(world: World) -> None:
    """Let it be long ago that any worker of now was heard of."""
    then = await now_ms(world) - LONG_GONE
    for name in await world.redis.zrange(WORKERS, 0, -1):
        await raw(world.redis, "ZADD", WORKERS, then, name)


async def finish(world: World, scenario: Scenario) -> None:
    await settle(world)
    assert not [each.name for each in world.workers[-1:] if each.ended]
    assert not await world.redis.exists(DEAD), "a message was set aside"
    for name in dict.fromkeys(name for _, name in scenario.roots):
        found = await world.stored(f"value/{name}")
        assert found == scenario.graph.values[name], f"{name} is left: {found!r}"
    codes = {each.code for each in world.problems}
    assert codes <= {"BACKEND"}, f"reported: {codes}"
    await world.redis.delete("brrr:workers:{t}")
    await check_store(world, scenario)
