# SPDX-License-Identifier: AGPL-3.0-only
"""The same schedule gives the same run, and a schedule that failed is played again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import ask, queued, stored_call, value
from brrr_conformance.config import load_adapters
from brrr_conformance.explore.explore import SCHEDULE, explore
from brrr_conformance.explore.order import canonical
from brrr_conformance.explore.scenario import Scenario, Task, name
from brrr_conformance.explore.scheduler import Scheduler
from brrr_conformance.explore.shrink import Follow, switches
from brrr_conformance.outcome import AdapterCrashed, CaseFailed
from brrr_conformance.pool import Pool
from brrr_conformance.recipe import Recipe
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.server import Server
    from conftest import SpoilTiny

TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"
SET_FOR_CAS = """
swap = tiny.Brrr.swap
async def set_for_cas(self, key, old, new):
    if new is None:
        return await swap(self, key, old, new)
    await self.do("SET", key, new)
    return True
tiny.Brrr.swap = set_for_cas
"""
P, Q, C = name("p"), name("q"), name("c")
R1, R2 = name("root1"), name("root2")
SCENARIO = Scenario(
    given=(stored_call(P), stored_call(Q), queued("t", (R1, P), (R2, Q))),
    tasks={P: Task(b"2", (ask(C),)), Q: Task(b"3", (ask(C),)), C: Task(b"1")},
    workers={"t": 2},
    final=(
        *(stored_call(each) for each in (P, Q, C)),
        *(value(P, b"2"), value(Q, b"3"), value(C, b"1")),
    ),
    most={R1: 2, R2: 2},
)
# The other parent is between its read and its write.
IN_BETWEEN = [
    "worker-1 pop t",
    "worker-1 get pending_returns/c",
    "worker-2 pop t",
    "worker-2 put t (root2, c)",
]


@contextlib.asynccontextmanager
async def world_of(folder: Path, server: Server) -> AsyncIterator[World]:
    [config] = load_adapters([folder])
    pool = Pool(server)
    await server.redis.flushdb()
    world = World(
        pool=pool, client_config=config, worker_configs=(config,), redis=server.redis
    )
    try:
        yield world
    finally:
        with contextlib.suppress(AdapterCrashed):
            await world.end()
        await pool.end()


async def test_the_same_again(server: Server) -> None:
    """A schedule is followed to the letter, whatever was played in between."""
    async with world_of(TINY, server) as world:
        scheduler = await Scheduler.start(world, SCENARIO)
        first = await scheduler.run(Follow(IN_BETWEEN).choose)
        await scheduler.run(Follow([]).choose)
        follow = Follow(first.schedule)
        again = await scheduler.run(follow.choose)
        scheduler.close()
    assert follow.astray == 0
    assert again.schedule == first.schedule
    assert canonical(again.events) == canonical(first.events)
    assert again.snapshot.keys() == first.snapshot.keys()


async def test_failure_is_replayed(spoil_tiny: SpoilTiny, server: Server) -> None:
    folder = spoil_tiny(SET_FOR_CAS)
    async with world_of(folder, server) as world:
        with pytest.raises(CaseFailed) as failed:
            await explore(world, SCENARIO, 200)
        schedule = world.recipe.chosen[SCHEDULE]
        assert world.explored is not None
        assert world.explored.runs > 1
    assert switches(schedule) <= 3
    async with world_of(folder, server) as world:
        world.recipe = Recipe(given={SCHEDULE: schedule})
        with pytest.raises(CaseFailed) as again:
            await explore(world, SCENARIO, 200)
        assert world.recipe.chosen[SCHEDULE] == schedule
        assert world.explored is not None
        assert world.explored.runs == 1
    assert str(again.value).split("\n")[0] == str(failed.value).split("\n")[0]


async def test_crash_has_its_schedule(spoil_tiny: SpoilTiny, server: Server) -> None:
    """A worker that dies of a mismatch: the schedule so far is told."""
    code = """
import os
swap = tiny.Brrr.swap
async def die_of_a_mismatch(self, key, old, new):
    return await swap(self, key, old, new) or os.abort()
tiny.Brrr.swap = die_of_a_mismatch
"""
    async with world_of(spoil_tiny(code), server) as world:
        with pytest.raises(AdapterCrashed) as crashed:
            await explore(world, SCENARIO, 200)
        [note] = crashed.value.__notes__
        assert "switches):" in note
        assert world.recipe.chosen[SCHEDULE][-1].endswith("pending_returns/c")
