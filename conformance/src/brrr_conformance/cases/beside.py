# SPDX-License-Identifier: AGPL-3.0-only
"""Two workers, or a worker and a client, in one process: none is in the other's way.

What an SDK keeps in a place of its own for the whole process (a connection, the topic,
the message in hand) is right as long as there is only one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    NOW,
    ask,
    count,
    defer,
    fail,
    queued,
    response,
    stored_call,
    value,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from brrr_conformance.crew import How, Worker
    from brrr_conformance.script import Answer, Call, Handler, Script
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

# Who runs one handler at a time, of all its workers, is waited for no longer.
MEETING_SECONDS = 1.0


async def start_two(world: World, rules: Script, **how: Unpack[How]) -> Worker:
    """Start a worker on t, `how` is said, and one on u in the same process."""
    (worker,) = await world.start("t", rules, **how)
    await world.start("u", beside=worker)
    return worker


def meeting(number: int) -> Callable[[Answer], Handler]:
    """Make handlers that answer when so many of them are running."""
    running: set[tuple[str, str]] = set()
    all_run = asyncio.Event()

    def answering(answer: Answer) -> Handler:
        async def handler(call: Call) -> Answer:
            running.add((call.topic, call.call_hash))
            if len(running) == number:
                all_run.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(all_run.wait(), MEETING_SECONDS)
            return answer

        return handler

    return answering


def invoked(world: World) -> set[tuple[str, str]]:
    return {(each.call_hash, each.topic) for each in world.invocations}


@requirement("SCHED-22", "SCHED-23")
async def test_two_defer_at_the_same_time(world: World) -> None:
    """Each goes by its own message, and by the topic that this was taken from."""
    calls = stored_call("p"), stored_call("q")
    await world.given(*calls, queued("t", ("root1", "p")), queued("u", ("root2", "q")))
    both = meeting(2)
    rules: Script = {"p": both(defer("c")), "q": both(defer("d"))}
    rules = {**rules, "c": fail(), "d": fail()}
    await start_two(world, rules)
    await world.quiet()
    assert invoked(world) == {("p", "t"), ("q", "u"), ("c", "t"), ("d", "u")}
    await world.expect(
        *calls,
        stored_call("c"),
        stored_call("d"),
        waiting("c", ("root1", "p", "t"), scheduled_at=NOW),
        waiting("d", ("root2", "q", "u"), scheduled_at=NOW),
        count("root1", 1),
        count("root2", 1),
        problems=("HANDLER_FAILED", "HANDLER_FAILED"),
    )


@requirement("SCHED-22", "SCHED-25", "WORK-23")
async def test_one_message_on_two_topics(world: World) -> None:
    """The same octets from another topic are another message: both parents wait."""
    await world.given(
        stored_call("p"), queued("t", ("root1", "p")), queued("u", ("root1", "p"))
    )
    await start_two(world, {"p": meeting(2)(defer(ask("c", topic="v")))})
    await world.quiet()
    await world.expect(
        stored_call("p"),
        stored_call("c"),
        waiting("c", ("root1", "p", "t"), ("root1", "p", "u"), scheduled_at=NOW),
        count("root1", 1),
        queued("v", ("root1", "c")),
    )


@requirement("RET-2", "QUEUE-1")
async def test_parents_on_both_topics(world: World) -> None:
    """Each parent is put on its topic, and run by the worker of that."""
    calls = stored_call("p"), stored_call("q"), stored_call("c")
    parents = waiting("c", ("root1", "p", "t"), ("root2", "q", "u"))
    await world.given(*calls, parents, queued("u", ("root3", "c")))
    await start_two(world, dict.fromkeys("pqc", response(b"1")))
    await world.quiet()
    assert invoked(world) == {("p", "t"), ("q", "u"), ("c", "u")}
    values = (value(each, b"1") for each in "pqc")
    await world.expect(*calls, *values, count("root1", 1), count("root2", 1))


@requirement("WORK-7")
async def test_one_ends_with_a_problem(world: World) -> None:
    """The other one goes on: it has had no problem."""
    await world.given(stored_call("h"), queued("t", b"hello"))
    first = await start_two(world, {"h": response(b"v")}, stop=True)
    await world.quiet()
    await world.expect_problems("REFUSED")
    assert first.ended, "the worker on t is to end"
    await world.given(queued("u", ("root1", "h")))
    await world.quiet()
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("REDIS-5")
async def test_both_are_cut_off(world: World) -> None:
    """Each connects again by itself."""
    await world.given(stored_call("g"), stored_call("h"))
    first = await start_two(world, dict.fromkeys("gh", response(b"v")))
    await world.quiet()
    world.cut(first)
    await world.given(queued("t", ("root1", "g")), queued("u", ("root2", "h")))
    await world.quiet()
    # Whether a lost connection is a problem is left to the worker.
    assert [await world.stored(f"value/{each}") for each in "gh"] == [b"v", b"v"]


@requirement("SCHED-4", "SCHED-5")
async def test_client_in_the_process_of_a_worker(world: World) -> None:
    """It need not wait until a worker that waits for messages has got one."""
    (worker,) = await world.serve("t", {"h": response(b"v")})
    world.be_client(worker)
    assert await world.read("h") is None
    await world.schedule("t", ask("h"))
    await world.quiet()
    assert await world.read("h") == b"v"
