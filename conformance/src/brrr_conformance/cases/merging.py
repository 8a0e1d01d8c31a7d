# SPDX-License-Identifier: AGPL-3.0-only
"""Equal messages: a worker may handle as one what came before it began."""

from __future__ import annotations

import itertools
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
    waiting,
)
from brrr_conformance.cases._common import (
    take_all,
    taken,
    writes,
)
from brrr_conformance.script import gather

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.script import Answer, Call, Script
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement


def finishing(world: World) -> Callable[[Step], Awaitable[None]]:
    """Let c end elsewhere, and its parent's message be taken at once."""

    async def finish(_: Step) -> None:
        await world.given(value("c", b"1"))
        await world.remove("pending_returns/c")
        await world.given(queued("t", ("root1", "p")))
        await taken(world, "t")

    return finish


PARENT = stored_call("p") + queued("t", ("root1", "p"))
CHILD = ask("c", topic="u")


@requirement("WORK-23")
async def test_child_ends_before_it_is_put(world: World) -> None:
    """The message comes while the same one is in hand: it is not for that one."""
    await world.given(PARENT)
    world.before(writes("u"), finishing(world), times=1)
    await world.serve("t", {"p": gather(CHILD)}, concurrency=2)
    assert await world.stored("value/p") == b"1", "the wake-up was dropped"


@requirement("WORK-23")
async def test_child_ends_just_after_the_parent_registers(world: World) -> None:
    """The worker does not know yet that its defer is over."""
    await world.given(PARENT, waiting("c", ("root1", "q", "w")))
    world.after(writes("pending_returns/c"), finishing(world), times=1)
    await world.serve("t", {"p": gather(CHILD)}, concurrency=2)
    assert await world.stored("value/p") == b"1", "the wake-up was dropped"


@requirement("WORK-23")
async def test_child_ends_while_its_parent_looks(world: World) -> None:
    """The parent runs again, and has just seen that the value is missing."""
    await world.given(PARENT)
    await world.serve("t", {"p": gather(CHILD)}, concurrency=2)
    await take_all(world, "u")
    record = "pending_returns/c"
    world.after(lambda step: step.touches(record), finishing(world), times=1)
    await world.given(queued("t", ("root1", "p")))
    await world.quiet()
    if await world.queue("u"):  # registered anew, and so put anew
        await world.serve("u", {"c": response(b"1")})
    assert await world.stored("value/p") == b"1", "the wake-up was dropped"


@requirement("WORK-23", "RET-4")
async def test_parent_registers_while_the_child_ends(world: World) -> None:
    """The record has gone, a new parent makes one: its message is in time."""

    async def register(_: Step) -> None:
        await world.given(waiting("c", ("root1", "p", "u")))
        await world.given(queued("t", ("root1", "c")))
        await taken(world, "t")

    await world.given(stored_call("c"), waiting("c", ("root1", "q", "w")))
    await world.given(queued("t", ("root1", "c")))
    world.after(writes("pending_returns/c"), register, times=1)
    await world.serve("t", {"c": response(b"1")}, concurrency=2)
    await world.expect(
        stored_call("c"),
        value("c", b"1"),
        count("root1", 2),
        queued("u", ("root1", "p")),
        queued("w", ("root1", "q")),
    )


@requirement("WORK-23", "WORK-8", "WORK-3")
async def test_many_of_one_message(world: World) -> None:
    """However few of them are handled, the end is the same."""
    message = ("root1", "p")
    await world.given(stored_call("p"), queued("t", *[message] * 20))
    rules: Script = {"p": gather("c", "d"), "c": response(b"1"), "d": response(b"2")}
    await world.serve("t", rules, concurrency=8)
    await world.redis.delete("brrr_count/root1")
    await world.expect(
        *(stored_call(name) for name in "pcd"),
        value("c", b"1"),
        value("d", b"2"),
        value("p", b"1,2"),
    )


@requirement("WORK-23", "WORK-6")
async def test_handler_fails_while_others_like_it_wait(world: World) -> None:
    """They are handled after it: the call has another chance."""
    message = ("root1", "h")
    tries = itertools.count()

    async def fail_first(_: Call) -> Answer:
        if next(tries):
            return response(b"v")
        await world.given(queued("t", message, message))
        await taken(world, "t")
        return fail()

    await world.given(stored_call("h"), queued("t", message))
    await world.serve("t", {"h": fail_first}, concurrency=4)
    await world.expect(stored_call("h"), value("h", b"v"), problems=["HANDLER_FAILED"])
