# SPDX-License-Identifier: AGPL-3.0-only
"""A step takes its time: what must come after it waits until it is done.

An SDK that has both under way at once is in the right order most of the time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    ask,
    defer,
    queued,
    response,
    stored_call,
    waiting,
)
from brrr_conformance.cases._common import counts, writes
from brrr_conformance.cases._order import expect_order
from brrr_conformance.director import hold, opens, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from brrr_conformance.step import Step
    from brrr_conformance.world import World

requirement = pytest.mark.requirement

# For who waits, as it should, a step is late by so much.
LATE_SECONDS = 0.3
RECORD = "pending_returns/c"
PARENT = stored_call("p") + queued("t", ("root1", "p"))
CHILD = stored_call("c") + queued("t", ("root1", "c"))


def keep_back(
    world: World, first: Callable[[Step], bool], then: Callable[[Step], bool]
) -> None:
    """Keep one step back until the other is seen, which is not to come so early."""
    seen = asyncio.Event()
    world.director.rule(step(then), opens(seen, after=False))
    world.director.rule(step(first), hold(seen, LATE_SECONDS), times=1)


@requirement("SCHED-2")
@pytest.mark.profile("client")
async def test_call_of_a_root(world: World) -> None:
    """The message of a root is not put while its call is being written."""
    first, then = writes("call/h"), writes("t")
    keep_back(world, first, then)
    await world.schedule("t", ask("h"))
    expect_order(world, first, then)


@requirement("SCHED-10")
@pytest.mark.profile("client")
async def test_count_of_a_root(world: World) -> None:
    """The message of a root is not put while it is being counted."""
    keep_back(world, counts, writes("t"))
    await world.schedule("t", ask("h"))
    expect_order(world, counts, writes("t"))


STEPS_OF_A_DEFER = {
    "call": ("SCHED-20", writes("call/c"), writes(RECORD)),
    "return": ("SCHED-21", writes(RECORD), writes("u")),
    "count": ("SCHED-10", counts, writes("u")),
}


@pytest.mark.profile("worker")
@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(*steps, id=name, marks=requirement(broken))
        for name, (broken, *steps) in STEPS_OF_A_DEFER.items()
    ],
)
async def test_step_of_a_defer(
    world: World, first: Callable[[Step], bool], then: Callable[[Step], bool]
) -> None:
    """For a child: its call is written, the parent added, the message counted, put."""
    await world.given(PARENT)
    keep_back(world, first, then)
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    expect_order(world, first, then)


STEPS_OF_A_RETURN = {
    "value": ("RET-1", writes("value/c"), lambda step: step.reads(RECORD)),
    "first-count": ("SCHED-10", writes("brrr_count/root1"), writes("u")),
    "first-put": ("RET-4", writes("u"), writes(RECORD)),
    "last-put": ("RET-4", writes("v"), writes(RECORD)),
}


@pytest.mark.profile("worker")
@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(*steps, id=name, marks=requirement(broken))
        for name, (broken, *steps) in STEPS_OF_A_RETURN.items()
    ],
)
async def test_step_of_a_return(
    world: World, first: Callable[[Step], bool], then: Callable[[Step], bool]
) -> None:
    """The value is written, the record read, each parent put, the record removed."""
    await world.given(CHILD, waiting("c", ("root1", "p", "u"), ("root2", "q", "v")))
    keep_back(world, first, then)
    await world.serve("t", {"c": [response(b"1")]})
    expect_order(world, first, then)
