# SPDX-License-Identifier: AGPL-3.0-only
"""Programs made up by Hypothesis, of one kind each; what fails is shrunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.search import play_many
from brrr_conformance.shapes import Shape, plans

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = [pytest.mark.profile("program"), pytest.mark.deadline(120)]
requirement = pytest.mark.requirement


@pytest.fixture
def number(request: pytest.FixtureRequest) -> int:
    """Tell how many programs each case plays."""
    number: int = request.config.getoption("--programs")
    return number


@requirement("APP-1", "APP-2", "SCHED-20", "SCHED-24", "RET-2")
async def test_trees(world: World, number: int) -> None:
    """Every call is asked for once: calls and gathers in any order."""
    await play_many(world, plans(Shape()), number)


@requirement("SCHED-25", "SCHED-28", "RET-2")
async def test_shared_calls(world: World, number: int) -> None:
    """Several ask for the same call; it is made once."""
    await play_many(world, plans(Shape(parents=3)), number)


@requirement("APP-5", "SCHED-29")
async def test_calls_asked_for_twice(world: World, number: int) -> None:
    """One asks for the same call again, in one gather or later."""
    await play_many(world, plans(Shape(parents=2, times=2)), number)


@requirement("SCHED-22", "SCHED-23", "QUEUE-1")
async def test_topics(world: World, number: int) -> None:
    """Calls go to topics of their own, the same call to several."""
    shape = Shape(parents=2, topics=("größe/:", "u"))
    await play_many(world, plans(shape), number)


@requirement("SCHED-1", "SCHED-3", "SCHED-27", "SCHED-28")
async def test_roots(world: World, number: int) -> None:
    """Several roots in one graph, the same one more than once."""
    await play_many(world, plans(Shape(parents=2, roots=4)), number)


@requirement("WORK-6", "WORK-7")
async def test_failing_calls(world: World, number: int) -> None:
    """Some fail: they are reported, whoever waits goes on waiting, all else is done."""
    await play_many(world, plans(Shape(parents=2, fails=True)), number)


@requirement("SCHED-26", "RET-3", "RET-4", "WORK-8")
async def test_many_hands(world: World, number: int) -> None:
    """Several workers, eight handlers at a time, commands in another order."""
    shape = Shape(parents=3, roots=3, workers=2, hands=8, jostle=True)
    await play_many(world, plans(shape), number)


@requirement("CODEC-1", "CODEC-3", "CODEC-20")
@pytest.mark.profile("program", "codec-json")
async def test_other_spellings(world: World, number: int) -> None:
    """Other spaces, escapes, exponents and orders of members are the same call."""
    await play_many(world, plans(Shape(parents=2, respelled=True)), number)
