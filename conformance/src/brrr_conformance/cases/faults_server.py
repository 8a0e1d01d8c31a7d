# SPDX-License-Identifier: AGPL-3.0-only
"""Faults of the server: it restarts, fails over, has no memory left, or is slow.

These cases have a Redis of their own, whatever the run uses: one that is persistent
and can be killed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from brrr_conformance.build import queued, response, stored_call, value
from brrr_conformance.cases._durable import DEAD, settle
from brrr_conformance.cases._faults import (
    BYSTANDER,
    check_alive,
    check_commands,
    check_report,
    check_store,
    schedule_again,
)
from brrr_conformance.cases._scenarios import (
    GATHER,
    ONE_CHILD,
    SCENARIOS,
    Point,
    Scenario,
    point,
)
from brrr_conformance.commands import Kind
from brrr_conformance.director import Action, by, delay_reply, do, does
from brrr_conformance.pool import Pool
from brrr_conformance.server import private_server, raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from brrr_conformance.server import Server
    from brrr_conformance.world import World

pytestmark = [pytest.mark.profile("worker"), pytest.mark.store("redis")]
requirement = pytest.mark.requirement

SLOW_SECONDS = 0.02
OUTAGE_SECONDS = 10.0
# As a master that has become somebody's replica: nobody answers at this port.
REPLICA, MASTER = ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    async with private_server(persistent=True) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool(server: Server) -> AsyncIterator[Pool]:
    pool = Pool(server)
    yield pool
    await pool.end()


async def restart(world: World, server: Server) -> None:
    with world.outage():
        await server.restart()


def restarts(world: World, server: Server, over: asyncio.Event) -> Action:
    """Restart the server before a command goes to it."""

    async def what() -> None:
        await restart(world, server)
        over.set()

    return do(what, "the server restarts")


async def fail_over(world: World) -> None:
    """Let the server be read-only for a while; who waits in a pop is turned out."""
    await raw(world.redis, *REPLICA)
    await raw(world.redis, *MASTER)


# ---- in the middle of a handling --------------------------------------------

PLACES = [
    *(("one-child", each) for each in ONE_CHILD.points if not each.reads),
    ("two-roots", point("register c", 2)),
    ("two-parents", point("register c", 2)),
    ("two-parents", point("put t", 3)),
    ("chain", point("put u")),
]
AT = pytest.mark.parametrize(
    ("name", "place"), PLACES, ids=[f"{name}-{place}" for name, place in PLACES]
)


@requirement("WORK-11", "REDIS-5", "REDIS-24")
@AT
async def test_restarts_at(
    world: World, server: Server, name: str, place: Point
) -> None:
    """What is stored is kept, connections are lost; a new root does the rest."""
    over = asyncio.Event()
    action = restarts(world, server, over)

    async def is_over(_: World) -> None:
        await asyncio.wait_for(over.wait(), OUTAGE_SECONDS)

    await play(world, SCENARIOS[name], place, action, is_over)


@requirement("WORK-11", "SCHED-10", "SCHED-21", "RET-4")
@AT
async def test_memory_is_used_up_at(world: World, name: str, place: Point) -> None:
    """Redis refuses writes, and lets messages be taken; nothing is done out of turn."""

    async def use_up() -> None:
        await raw(world.redis, "CONFIG", "SET", "maxmemory", 1)

    try:
        action = do(use_up, "memory is used up")
        await play(world, SCENARIOS[name], place, action, _has_reported)
    finally:
        await raw(world.redis, "CONFIG", "SET", "maxmemory", 0)


async def _has_reported(world: World) -> None:
    """Let there be memory again once the worker has met that there is none."""

    async def reported() -> bool:
        return bool(world.problems)

    await world.until(reported, 5, "the worker reports that Redis refuses")
    await raw(world.redis, "CONFIG", "SET", "maxmemory", 0)


async def play(
    world: World,
    scenario: Scenario,
    place: Point,
    action: Action,
    until: Callable[[World], Awaitable[None]],
) -> None:
    rule = world.director.rule(place.match(), action, times=1)
    world.actors.learn({BYSTANDER: response(BYSTANDER.encode())})
    await scenario.given(world)
    for topic in scenario.topics:
        await world.start(topic)
    await until(world)
    await world.quiet()
    assert rule.played, f"no worker comes to {place}"
    await check_store(world, scenario)
    await check_report(world, scenario, place)
    await check_alive(world, scenario.topics)
    await schedule_again(world, scenario)
    await check_store(world, scenario)
    check_commands(world, scenario)


# ---- while workers wait -----------------------------------------------------


@requirement("REDIS-5", "WORK-1")
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("how", ["restart", "fail-over", "cut"])
async def test_while_workers_wait(
    world: World, server: Server, how: str, times: int
) -> None:
    """They come back, and take the messages that come then."""
    await world.serve("t", {"h": response(b"v")}, workers=2)
    for _ in range(times):
        if how == "restart":
            await restart(world, server)
        elif how == "fail-over":
            await fail_over(world)
        else:
            for worker in world.workers:
                world.cut(worker)
        await world.quiet()
    assert not any(each.ended for each in world.workers), "a worker has ended"
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.quiet()
    assert await world.stored("value/h") == b"v", "the message is lost"
    world.problems.clear()
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("REDIS-5")
async def test_everything_is_lost_while_workers_wait(
    world: World, server: Server
) -> None:
    """A server that starts anew without its data is as good as a new one."""
    await world.given(*map(stored_call, "ab"))
    await world.serve("t", GATHER.graph.rules())
    await raw(world.redis, "FLUSHALL")
    await restart(world, server)
    await world.quiet()
    await world.schedule("t", "p")
    await world.quiet()
    assert await world.stored("value/p") == GATHER.graph.values["p"]


# ---- it is slow -------------------------------------------------------------


@requirement("REDIS-2", "RET-1", "SCHED-21")
@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_reply_is_late(world: World, name: str) -> None:
    """All comes out as ever, and nothing is done before its turn."""
    scenario = SCENARIOS[name]
    late = ~does(Kind.POP) & ~by("client")
    rule = world.director.rule(late, delay_reply(SLOW_SECONDS))
    await scenario.given(world)
    for topic in scenario.topics:
        await world.start(topic)
    await world.quiet()
    assert rule.played
    await world.expect_problems()
    check_commands(world, scenario)
    for _, root in scenario.roots:
        assert await world.stored(f"value/{root}") == scenario.graph.values[root]


# ---- durable ----------------------------------------------------------------


@pytest.mark.profile("durable")
@requirement("QUEUE-15", "QUEUE-11", "REDIS-37")
@AT
async def test_durable_while_it_restarts_at(
    world: World, server: Server, name: str, place: Point
) -> None:
    """What is on disk is enough: nothing is scheduled again."""
    scenario = SCENARIOS[name]
    if scenario.topics != ["t"]:
        scenario = ONE_CHILD
        place = point("acknowledge")
    over = asyncio.Event()
    world.director.rule(place.match(), restarts(world, server, over), times=1)
    await scenario.given(world)
    await world.start("t", durable=True)
    await asyncio.wait_for(over.wait(), OUTAGE_SECONDS)
    await settle(world)
    assert not await world.redis.exists(DEAD), "a message was set aside"
    for _, root in scenario.roots:
        assert await world.stored(f"value/{root}") == scenario.graph.values[root]
    await check_store(world, scenario)
