# SPDX-License-Identifier: AGPL-3.0-only
"""A worker is stopped: whatever it has not taken is there for others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import queued, response, stored_call, waiting
from brrr_conformance.cases._common import take_all
from brrr_conformance.commands import Kind
from brrr_conformance.director import DONE, delay_reply, does

if TYPE_CHECKING:
    from brrr_conformance.script import Answer, Call
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

# A worker that stops must wait so long for what it may have been given.
LATE_SECONDS = 0.3


async def close(world: World) -> None:
    """Stop the one worker, as its user does."""
    await world.workers[0].member.adapter.close()


@requirement("WORK-7")
async def test_message_comes_after_the_end(world: World) -> None:
    """A worker that was waiting has left nothing behind that takes it."""
    await world.serve("t", {"h": response(b"v")})
    await close(world)
    left = (stored_call("h"), queued("t", ("root1", "h")))
    await world.given(*left)
    await world.expect(*left)


@requirement("WORK-12")
async def test_message_comes_while_the_worker_stops(world: World) -> None:
    """It is taken and handled, or it is left: never taken and dropped."""
    stopping, came = False, False

    async def put(_: Step) -> None:
        nonlocal came
        came = True
        await world.given(queued("t", ("root1", "h")))

    await world.given(stored_call("h"))
    await world.serve("t", {"h": response(b"v")})
    world.before(lambda _: stopping, put, times=1)
    stopping = True
    await close(world)
    left = len(await world.queue("t"))
    assert left + len(world.invocations) == came, "the message is lost"


@requirement("WORK-12")
async def test_message_is_on_its_way_when_the_worker_stops(world: World) -> None:
    """Redis has handed it out, and the reply comes late: it is handled all the same."""
    await world.given(stored_call("h"))
    await world.serve("t", {"h": response(b"v")})
    taken = does(Kind.POP, key="t") & DONE
    held = world.director.rule(taken, delay_reply(LATE_SECONDS), times=1)
    await world.given(queued("t", ("root1", "h")))

    async def is_held() -> bool:
        return held.played > 0

    await world.until(is_held, 5, "the waiting worker is given the message")
    await close(world)
    left = len(await world.queue("t"))
    assert left + len(world.invocations) == 1, "the message is lost"


@pytest.mark.slow
@requirement("WORK-7", "WORK-6")
async def test_worker_stops_while_a_handler_runs(world: World) -> None:
    """A handler without an answer is given up: nothing is written because of it."""
    running = asyncio.Event()

    async def never(_: Call) -> Answer:
        running.set()
        await asyncio.Event().wait()
        return response(b"v")

    before = (stored_call("h"), waiting("h", ("root1", "p", "u")))
    await world.given(*before, queued("t", ("root1", "h"), ("root2", "h")))
    await world.start("t", {"h": never})
    await asyncio.wait_for(running.wait(), 5)
    await close(world)
    kept = await take_all(world, "t")
    assert ("root2", "h") in kept, "the next message is lost"
    await world.expect(*before)
