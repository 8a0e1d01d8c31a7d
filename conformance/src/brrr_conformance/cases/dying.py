# SPDX-License-Identifier: AGPL-3.0-only
"""Durable workers: they die, are cut off, take long, and no message is lost.

A worker that must not be taken for dead has DEAD_AFTER_MS / 3 to show it.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    ask,
    fail,
    queued,
    response,
    stored_call,
    value,
    waiting,
)
from brrr_conformance.cases._common import take_all, writes
from brrr_conformance.cases._durable import (
    DEAD_SECONDS,
    GONE,
    INFLIGHT,
    ONE_WAITS,
    ONE_WOKEN,
    SOON,
    WORKERS,
    H,
    acknowledges,
    bury,
    dying,
    expect,
    follow,
    in_flight,
    names,
    now_ms,
    only_in_flight,
    only_name,
    puts_child,
    settle,
)
from brrr_conformance.crew import DEAD_AFTER_MS
from brrr_conformance.graph import at_random
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.script import gather
from brrr_conformance.server import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from brrr_conformance.crew import Worker
    from brrr_conformance.script import Answer, Call, Script
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("durable")
requirement = pytest.mark.requirement

# Commands on the registry, in which a worker has looked for the dead at least twice.
LOOKS = 8

# ---- a worker dies ----------------------------------------------------------


@requirement("QUEUE-11", "REDIS-35", "REDIS-34")
async def test_dies_while_its_handler_runs(world: World) -> None:
    """Another worker runs it, and knows that it is not the first."""
    again: list[int] = []

    async def die(call: Call) -> Answer:
        world.kill(world.worker(call.worker))
        return fail()

    async def look(_: Call) -> Answer:
        again.extend(each[2] for each in await in_flight(world))
        return response(b"v")

    await world.given(stored_call("h"), ONE_WAITS, queued("t", H))
    await world.start("t", {"h": [die, look]}, durable=True)
    await follow(world)
    await expect(world, stored_call("h"), value("h", b"v"), ONE_WOKEN)
    assert again == [1]


@requirement("QUEUE-11")
async def test_dies_while_others_live(world: World) -> None:
    """The others, who do nothing but wait for a message, take it over."""

    async def die(call: Call) -> Answer:
        world.kill(world.worker(call.worker))
        return fail()

    await world.given(stored_call("h"))
    await world.serve("t", {"h": [die, response(b"v")]}, workers=2, durable=True)
    await world.given(queued("t", H))
    await expect(world, stored_call("h"), value("h", b"v"))


# Parent p needs a and b, on its own topic.
POINTS: dict[str, Callable[[Step], bool]] = {
    "call-of-a-child": writes("call/b"),
    "record-of-a-child": writes("pending_returns/b"),
    "count-of-a-child": writes("brrr_count/root1"),
    "message-of-a-child": puts_child,
    "acknowledgement": acknowledges,
    "value": writes("value/b"),
    "value-of-the-parent": writes("value/p"),
}


@requirement("QUEUE-11", "QUEUE-12")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
async def test_dies_at(world: World, point: str, when: str) -> None:
    """Wherever a worker dies, the next one does the rest."""
    hook = world.before if when == "before" else world.after
    hook(POINTS[point], dying(world), times=1)
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    rules: Script = {"p": gather("a", "b"), "a": response(b"1"), "b": response(b"2")}
    await world.start("t", rules, durable=True)
    await follow(world)
    await settle(world)
    assert await world.stored("value/p") == b"1,2"


@requirement("QUEUE-11", "RET-2", "RET-4")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("key", ["brrr_count/root1", "u", "pending_returns/h"])
async def test_dies_while_it_returns(world: World, key: str, when: str) -> None:
    """The value is there; the parent is woken all the same, maybe twice."""
    hook = world.before if when == "before" else world.after
    hook(writes(key), dying(world), times=1)
    await world.given(stored_call("h"), ONE_WAITS, queued("t", H))
    await world.start("t", {"h": response(b"v")}, durable=True)
    await follow(world)
    await settle(world)
    assert set(await take_all(world, "u")) == {("root1", "p")}
    assert await world.stored("pending_returns/h") is None


CHILDREN = ask("a", topic="u"), ask("b", topic="u")


@requirement("QUEUE-12")
@pytest.mark.parametrize("known", [False, True], ids=["unknown", "watched"])
async def test_delivered_again_puts_every_child(world: World, known: bool) -> None:
    """Whatever their records say, and whatever this worker remembers."""
    message = ScheduleMessage("root1", "h").encode()
    first = [queued("t", message)] if known else []
    await world.given(stored_call("h"), *first)
    for child in "ab":
        await world.given(waiting(child, ("root1", "h", "t")))
    await world.serve("t", {"h": gather(*CHILDREN)}, durable=True)
    assert await take_all(world, "u") == []
    await bury(world, message)
    await settle(world)
    assert await take_all(world, "u") == [("root1", "a"), ("root1", "b")]


@requirement("QUEUE-11", "QUEUE-12")
@pytest.mark.deadline(60)
async def test_graph_while_workers_die(world: World) -> None:
    """Of two workers one dies now and then, and the root has its value."""
    chance = random.Random("deaths")  # noqa: S311 - the same graph each time
    graph = at_random(chance, 40, 15, 4)
    first = next(iter(graph.nodes))
    await world.given(graph.calls(first), queued("t", ("root1", first)))
    await world.start("t", graph.rules(), workers=2, durable=True)
    for handled in (10, 20, 30):

        async def enough(most: int = handled) -> bool:
            return len(world.invocations) >= most

        await world.until(enough, SOON, f"{handled} handlers are invoked")
        victim = next(each for each in world.workers if not each.ended)
        world.kill(victim)
        await world.start("t", durable=True)
    await settle(world)
    assert await world.stored(f"value/{first}") == graph.values[first]


# ---- a worker lives ---------------------------------------------------------


@requirement("QUEUE-14", "REDIS-33")
async def test_handler_takes_long(world: World) -> None:
    """The worker shows that it lives, three times within the dead time."""
    times: set[int] = set()

    async def take_long(call: Call) -> Answer:
        del call
        end = time.monotonic() + 2 * DEAD_SECONDS
        key, _, _ = await only_in_flight(world)
        while time.monotonic() < end:
            known = await names(world)
            assert key.removeprefix(INFLIGHT) in known, "the worker is not registered"
            times.add(known[key.removeprefix(INFLIGHT)])
            await asyncio.sleep(DEAD_SECONDS / 40)
        return response(b"v")

    await world.given(stored_call("h"), queued("t", H))
    await world.start("t", {"h": [take_long]}, workers=2, durable=True)
    await expect(world, stored_call("h"), value("h", b"v"))
    assert len(times) >= 6, f"renewed {len(times) - 1} times in twice the dead time"
    now = await now_ms(world)
    assert all(0 <= now - each < 60_000 for each in times), "no times of the server"


@requirement("REDIS-35")
async def test_messages_of_a_dead_worker(world: World) -> None:
    """Each is moved and counted in one step, and handled in the end."""
    hashes = ["a", "b", "c"]
    messages = [ScheduleMessage("root1", name).encode() for name in hashes]
    wrong: list[object] = []

    async def look(_: Step) -> None:
        for key, message, again in await in_flight(world):
            if again != (key != GONE):
                wrong.append((key, message, again))

    world.before(lambda _: True, look)
    await bury(world, *messages)
    await world.given(*map(stored_call, hashes))
    await world.start("t", {name: response(b"v") for name in hashes}, durable=True)
    values = (value(name, b"v") for name in hashes)
    await expect(world, *map(stored_call, hashes), *values)
    assert not wrong, wrong


@requirement("REDIS-35")
async def test_dead_while_a_handler_takes_long(world: World) -> None:
    """A worker whose handlers are at work looks for the dead all the same."""

    async def wait(_: Call) -> Answer:
        async def is_moved() -> bool:
            return not await world.redis.exists(GONE)

        await bury(world, ScheduleMessage("root1", "g").encode())
        await world.until(is_moved, SOON, "the dead worker's message is moved")
        return response(b"v")

    await world.given(stored_call("h"), stored_call("g"), queued("t", H))
    await world.start("t", {"h": wait, "g": response(b"v")}, durable=True)
    await expect(
        world,
        *(stored_call(name) for name in "gh"),
        *(value(name, b"v") for name in "gh"),
    )


@requirement("REDIS-34", "REDIS-35")
async def test_equal_message_of_a_dead_worker(world: World) -> None:
    """It comes while one like it is in hand, whose end is not its own."""

    async def fail_first(_: Call) -> Answer:
        async def are_two() -> bool:
            moved = not await world.redis.exists(GONE)
            return moved and len(await in_flight(world)) == 2

        if len(world.invocations) > 1:
            return response(b"v")
        await bury(world, H)
        await world.until(are_two, SOON, "the dead worker's message is moved")
        return fail()

    await world.given(stored_call("h"), queued("t", H))
    await world.start("t", {"h": fail_first}, durable=True)
    await expect(world, stored_call("h"), value("h", b"v"), problems=["HANDLER_FAILED"])


@requirement("REDIS-35")
async def test_worker_that_is_not_dead_yet(world: World) -> None:
    """Its messages are its own until its time is older than the dead time."""
    looks = 0

    async def live(_: Step) -> None:
        nonlocal looks
        looks += 1
        if looks < LOOKS:
            await bury(world, age=DEAD_AFTER_MS // 2)

    async def enough() -> bool:
        assert await world.redis.llen(GONE) == 1, "taken from a worker that lives"
        return looks >= LOOKS

    await world.given(stored_call("h"))
    await bury(world, H, age=DEAD_AFTER_MS // 2)
    world.before(lambda step: step.touches(WORKERS), live)
    await world.start("t", {"h": response(b"v")}, durable=True)
    await world.until(enough, SOON, "the worker looks for the dead")
    await expect(world, stored_call("h"), value("h", b"v"))


@pytest.mark.slow
@requirement("REDIS-36")
async def test_message_comes_to_a_dead_worker(world: World) -> None:
    """A BLMOVE of the dead may be waiting still: it stays known for 20 s."""
    await world.given(stored_call("h"))
    await bury(world, age=DEAD_AFTER_MS + 5000)
    await world.start("t", {"h": response(b"v")}, durable=True)
    await _wait(2 * DEAD_SECONDS)
    assert "gone" in await names(world), "removed while a BLMOVE may wait for it"
    await raw(world.redis, "RPUSH", GONE, H)
    await expect(world, stored_call("h"), value("h", b"v"))


async def _wait(seconds: float) -> None:
    """Let time pass in which something must not happen."""
    await asyncio.sleep(seconds)


@requirement("REDIS-36", "QUEUE-10", "WORK-7")
@pytest.mark.parametrize("how", ["problem", "close"])
async def test_worker_ends_with_a_message_in_hand(world: World, how: str) -> None:
    """It leaves the message, and its name, for the others to find."""
    running = asyncio.Event()

    async def never(_: Call) -> Answer:
        running.set()
        await asyncio.Event().wait()
        return fail()

    first = fail() if how == "problem" else never
    await world.given(stored_call("h"), queued("t", H))
    rules: Script = {"h": [first, response(b"v")]}
    [worker] = await world.start("t", rules, durable=True, stop=True)
    if how == "close":
        await asyncio.wait_for(running.wait(), SOON)
    else:
        await world.until(lambda: _ended(worker), SOON, "the worker ends")
    await worker.member.adapter.close()
    world.problems.clear()
    key, message, _ = await only_in_flight(world)
    assert message == H
    assert key.removeprefix(INFLIGHT) in await names(world), "nobody will find it"
    for task in world.answering:
        task.cancel()
    await world.start("t", durable=True)
    await expect(world, stored_call("h"), value("h", b"v"))


async def _ended(worker: Worker) -> bool:
    return worker.ended


@requirement("REDIS-37")
async def test_answer_with_a_message_is_lost(world: World) -> None:
    """Redis has moved it, the worker does not know: it finds it in its list."""
    await world.given(stored_call("h"))
    await world.serve("t", {"h": response(b"v")}, durable=True)
    name = await only_name(world)
    lost: list[Step] = []

    async def cut(step: Step) -> None:
        if not lost and await in_flight(world):
            lost.append(step)
            world.cut(world.workers[0])
            raise ConnectionResetError

    world.after(lambda step: step.is_pop, cut)
    await world.given(queued("t", H))
    await expect_alive(world, name)
    await expect(world, stored_call("h"), value("h", b"v"))
    assert lost, "no answer was lost"


async def expect_alive(world: World, name: str) -> None:
    """Demand that a worker handles its message, and does not leave it to others."""

    async def done() -> bool:
        return await world.stored("value/h") is not None

    await world.until(done, SOON, "the worker finds the message in its own list")
    assert name in await names(world)


@requirement("REDIS-37", "WORK-1")
async def test_connections_are_cut_again_and_again(world: World) -> None:
    """A worker that waits outlives it, and takes the messages that come then."""
    await world.serve("t", {"h": response(b"v")}, durable=True)
    for _ in range(3):
        world.cut(world.workers[0])
        await world.quiet()
    await world.given(stored_call("h"), queued("t", H))
    await expect(world, stored_call("h"), value("h", b"v"))
