# SPDX-License-Identifier: AGPL-3.0-only
"""Counters, and the spawn limit as a worker meets it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    ask,
    count,
    defer,
    queued,
    response,
    stored_call,
    string,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    NO_EXPIRY,
    expect_reports,
    expiry,
    take_all,
    writes,
)
from brrr_conformance.director import compares, do

if TYPE_CHECKING:
    from brrr_conformance.script import Script
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

LIMIT = 10_000
# What a report may take that is sent before its time.
REPORT_SECONDS = 0.2
DAY = 24 * 60 * 60
PARENT = stored_call("p") + queued("t", ("root1", "p"))
CHILD = stored_call("c") + queued("t", ("root9", "c"))


# ---- counting ---------------------------------------------------------------


@requirement("REDIS-10", "CACHE-1")
async def test_another_worker_counts_meanwhile(world: World) -> None:
    """Both are counted: to add 1 is one step, not a read and a write."""

    async def another(_: Step) -> None:
        await world.redis.execute_command("INCR", "brrr_count/root1")

    world.before(writes("brrr_count/root1"), another, times=1)
    await world.given(PARENT, count("root1", 5))
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    assert await world.stored("brrr_count/root1") == b"7"


@requirement("CACHE-1", "SCHED-10")
async def test_two_workers_count(world: World) -> None:
    """Each message of a root is counted, whoever puts it at whatever time."""
    parents = [f"p{number}" for number in range(8)]
    rules: Script = {
        parent: [defer(*(ask(f"{parent}c{n}", topic="u") for n in range(25)))]
        for parent in parents
    }
    await world.given(
        *map(stored_call, parents), queued("t", *(("root1", name) for name in parents))
    )
    await world.serve("t", rules, workers=2)
    assert len(await take_all(world, "u")) == 200
    assert await world.stored("brrr_count/root1") == b"200"


@requirement("REDIS-11")
async def test_counter_does_not_expire(world: World) -> None:
    """A root that takes long is still counted from its beginning."""
    await world.given(CHILD, waiting("c", ("root1", "p", "u")), count("root1", 5))
    await world.serve("t", {"c": response(b"v")})
    left = await expiry(world, "brrr_count/root1")
    assert left == NO_EXPIRY or left >= DAY - 60


@requirement("REDIS-11")
async def test_counter_has_a_day_from_its_last_message(world: World) -> None:
    """Whoever lets it expire does so anew with each message, not with the first."""
    await world.given(PARENT, stored_call("q"))
    await world.serve("t", {each: [defer(ask("c", topic="u"))] for each in "pq"})
    if await expiry(world, "brrr_count/root1") != NO_EXPIRY:
        half = DAY // 2  # has gone by
        await world.redis.execute_command("EXPIRE", "brrr_count/root1", half)
    await world.remove("pending_returns/c")
    await world.given(queued("t", ("root1", "q")))
    await world.quiet()
    assert await world.stored("brrr_count/root1") == b"2"
    left = await expiry(world, "brrr_count/root1")
    assert left == NO_EXPIRY or left >= DAY - 60


@requirement("SCHED-10")
async def test_roots_are_counted_apart(world: World) -> None:
    """A message counts for its own root, not for one that is like it."""
    others = [count(root, 3) for root in ("root", "root11", "ROOT1", "")]
    await world.given(PARENT, *others)
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    await take_all(world, "u")
    assert await world.stored("brrr_count/root1") == b"1"
    for root in ("root", "root11", "ROOT1", ""):
        assert await world.stored(f"brrr_count/{root}") == b"3"


# ---- children ---------------------------------------------------------------


@requirement("SCHED-31")
async def test_first_child_is_above_the_limit(world: World) -> None:
    """That the last one need not be put makes it no less of a problem."""
    other = ("root9", "q", "t")
    await world.given(PARENT, waiting("d", other), count("root1", LIMIT))
    await world.serve("t", {"p": [defer(ask("c", topic="u"), ask("d", topic="u"))]})
    await expect_reports(world, "SPAWN_LIMIT")
    assert await world.queue("u") == []


@requirement("SCHED-11")
async def test_child_is_message_10000(world: World) -> None:
    """The last message within the limit is put like any other."""
    await world.given(PARENT, count("root1", LIMIT - 1))
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    assert await take_all(world, "u") == [("root1", "c")]
    assert await world.stored("brrr_count/root1") == b"10000"
    await world.expect_problems()


@requirement("SCHED-12", "SCHED-31")
@pytest.mark.parametrize("number", [LIMIT, LIMIT + 1, 2**31, 2**53])
async def test_child_above_the_limit(world: World, number: int) -> None:
    """It is not put, the spawn limit is reported, and the next message handled."""
    await world.given(PARENT, count("root1", number))
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"p": [defer(ask("c", topic="u"))], "h": response(b"v")})
    await expect_reports(world, "SPAWN_LIMIT")
    assert await world.queue("u") == []
    assert await world.stored("value/p") is None
    assert await world.stored("value/h") == b"v"


@requirement("SCHED-11", "SCHED-12", "SCHED-31")
async def test_limit_within_a_gather(world: World) -> None:
    """Of four children, just the two within the limit are put."""
    await world.given(PARENT, count("root1", LIMIT - 2))
    children = [ask(f"c{number}", topic="u") for number in range(4)]
    await world.serve("t", {"p": [defer(*children)]})
    await expect_reports(world, "SPAWN_LIMIT")
    put = await take_all(world, "u")
    assert len(put) == 2
    for _, child in put:
        assert await world.stored(f"pending_returns/{child}"), "taken back"


@requirement("SCHED-12", "SCHED-11")
async def test_limit_is_that_of_the_root(world: World) -> None:
    """That one root is spent keeps no other from putting the same child."""
    await world.given(PARENT, queued("t", ("root2", "p")), count("root1", LIMIT))
    await world.serve("t", {"p": [defer(ask("c", topic="u"))] * 2})
    await expect_reports(world, "SPAWN_LIMIT")
    assert await take_all(world, "u") == [("root2", "c")]
    assert await world.stored("brrr_count/root2") == b"1"


@requirement("SCHED-31", "WORK-7")
async def test_worker_ends_at_the_limit(world: World) -> None:
    """A worker told to stop ends with the spawn limit."""
    await world.given(PARENT, count("root1", LIMIT))
    [worker] = await world.serve("t", {"p": [defer(ask("c", topic="u"))]}, stop=True)
    assert worker.ended
    await expect_reports(world, "SPAWN_LIMIT")
    assert await world.queue("u") == []


# ---- returns ----------------------------------------------------------------


async def finish(world: World, *before: State, stop: bool = False) -> None:
    await world.given(CHILD, *before)
    await world.serve("t", {"c": response(b"v")}, stop=stop)


@requirement("SCHED-11", "RET-2")
async def test_return_is_message_10000(world: World) -> None:
    """The last message within the limit is put like any other."""
    await finish(world, waiting("c", ("root1", "p", "u")), count("root1", LIMIT - 1))
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        count("root1", LIMIT),
        queued("u", ("root1", "p")),
    )


RETURNS = [("a", "p", "u"), ("b", "q", "v"), ("c", "r", "w")]


@requirement("RET-5", "SCHED-12")
@pytest.mark.parametrize("spent", ["a", "b", "c", "ab", "bc", "abc"])
async def test_returns_above_the_limit(world: World, spent: str) -> None:
    """They are dropped and reported, the others put, and the record removed."""
    await finish(world, waiting("c", *RETURNS), *(count(root, LIMIT) for root in spent))
    await expect_reports(world, "SPAWN_LIMIT")
    others = [each for each in RETURNS if each[0] not in spent]
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        *(count(root, LIMIT + 1) for root in spent),
        *(count(root, 1) for root, _, _ in others),
        *(queued(topic, (root, name)) for root, name, topic in others),
    )


@requirement("RET-5", "SCHED-11")
async def test_limit_within_the_returns_of_a_root(world: World) -> None:
    """Of three parents under one root, just the one within the limit is put."""
    parents = [("root1", name, "u") for name in ("p", "q", "r")]
    await finish(world, waiting("c", *parents), count("root1", LIMIT - 1))
    await expect_reports(world, "SPAWN_LIMIT")
    assert len(await take_all(world, "u")) == 1
    await world.expect(stored_call("c"), value("c", b"v"), count("root1", LIMIT + 2))


@requirement("RET-5")
async def test_others_are_put_once(world: World) -> None:
    """A later run of the child finds no record, and nobody is put again."""
    await finish(
        world,
        waiting("c", ("root1", "p", "u"), ("root2", "q", "u")),
        count("root1", LIMIT),
        queued("t", ("root8", "c")),
    )
    await expect_reports(world, "SPAWN_LIMIT")
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        count("root1", LIMIT + 1),
        count("root2", 1),
        queued("u", ("root2", "q")),
    )


@requirement("RET-5", "RET-3")
async def test_refused_return_and_a_late_one(world: World) -> None:
    """After a mismatch the refused one is not tried again; the late one is put."""
    both = waiting("c", ("root1", "p", "u"), ("root2", "q", "u"))

    async def register(_: Step) -> None:
        await world.given(both)

    world.before(writes("pending_returns/c"), register, times=1)
    await finish(world, waiting("c", ("root1", "p", "u")), count("root1", LIMIT))
    await expect_reports(world, "SPAWN_LIMIT")
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        count("root1", LIMIT + 1),
        count("root2", 1),
        queued("u", ("root2", "q")),
    )


@requirement("RET-5", "WORK-7")
async def test_worker_ends_at_the_limit_of_a_return(world: World) -> None:
    """Only when all is done does a worker told to stop end with the spawn limit."""
    returns = waiting("c", ("root1", "p", "u"), ("root2", "q", "u"))
    await finish(world, returns, count("root1", LIMIT), stop=True)
    assert world.workers[0].ended
    await expect_reports(world, "SPAWN_LIMIT")
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        count("root1", LIMIT + 1),
        count("root2", 1),
        queued("u", ("root2", "q")),
    )


@requirement("RET-5")
async def test_limit_is_reported_last(world: World) -> None:
    """While the record is still to be removed, nothing is reported."""
    early: list[str] = []

    async def look() -> None:
        await asyncio.sleep(REPORT_SECONDS)
        early.extend(problem.code for problem in world.problems)

    removal = world.director.rule(compares("pending_returns/c"), do(look))
    returns = waiting("c", ("root1", "p", "u"), ("root2", "q", "u"))
    await finish(world, returns, count("root1", LIMIT))
    await expect_reports(world, "SPAWN_LIMIT")
    assert removal.played, "the record is not removed"
    assert not early, "reported before the record was removed"


@requirement("SCHED-12")
async def test_counter_of_a_million(world: World) -> None:
    """A counter is a number in decimal, compared as a number."""
    await finish(
        world,
        waiting("c", ("root1", "p", "u"), ("root2", "q", "u")),
        string("brrr_count/root1", b"1000000"),
        string("brrr_count/root2", b"2"),
    )
    await expect_reports(world, "SPAWN_LIMIT")
    assert await take_all(world, "u") == [("root2", "q")]
