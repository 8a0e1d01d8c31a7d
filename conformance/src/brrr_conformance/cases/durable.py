# SPDX-License-Identifier: AGPL-3.0-only
"""Durable workers: they die, are cut off, take long, and no message is lost.

A worker `gone`, where there is one, is made up: it is in the registry, and has taken
messages. A worker that must not be taken for dead has DEAD_AFTER_MS / 3 to show it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance import bencode
from brrr_conformance.build import (
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
from brrr_conformance.cases._common import take_all, taken, writes
from brrr_conformance.cases._order import expect_order
from brrr_conformance.graph import at_random
from brrr_conformance.outcome import CommandFailed, NotImplementedByAdapter
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.script import gather
from brrr_conformance.server import raw
from brrr_conformance.world import DEAD_AFTER_MS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.script import Answer, Call, Script
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import Worker, World

pytestmark = pytest.mark.profile("durable")
requirement = pytest.mark.requirement

DEAD_SECONDS = DEAD_AFTER_MS / 1000
# Longer than any BLMOVE of a dead worker may wait.
LONG_GONE = DEAD_AFTER_MS + 21_000
# When a message that was left behind is handled, at the latest; with time to spare.
SOON = 4 * DEAD_SECONDS + 2

WORKERS, ATTEMPTS, DEAD = (
    f"brrr:{each}:{{t}}" for each in ("workers", "attempts", "dead")
)
INFLIGHT = "brrr:inflight:{t}:"
GONE = INFLIGHT + "gone"
H = ScheduleMessage("root1", "h").encode()

# ---- what is where ----------------------------------------------------------

# Key, message and attempts, of each message that a worker has taken.
IN_FLIGHT = """
    local found = {}
    for _, key in ipairs(redis.call('KEYS', 'brrr:inflight:*')) do
        for _, message in ipairs(redis.call('LRANGE', key, 0, -1)) do
            local again = redis.call('HGET', KEYS[1], message) or '0'
            table.insert(found, {key, message, tonumber(again)})
        end
    end
    return found"""


async def in_flight(world: World) -> list[tuple[str, bytes, int]]:
    found = await raw(world.redis, "EVAL", IN_FLIGHT, 1, ATTEMPTS)
    return [(key.decode(), message, again) for key, message, again in found]


async def names(world: World) -> dict[str, int]:
    """Give the workers in the registry, and their times."""
    pairs = await world.redis.zrange(WORKERS, 0, -1, withscores=True)
    return {name.decode(): int(score) for name, score in pairs}


async def now_ms(world: World) -> int:
    seconds, micros = await raw(world.redis, "TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def bury(
    world: World, *messages: bytes, age: int = LONG_GONE, again: int = 0
) -> None:
    """Make up a worker that was heard of last so many ms ago, and has taken these."""
    await raw(world.redis, "ZADD", WORKERS, await now_ms(world) - age, "gone")
    for message in messages:
        await raw(world.redis, "RPUSH", GONE, message)
        if again:
            await raw(world.redis, "HSET", ATTEMPTS, message, again)


async def settle(world: World) -> None:
    """Wait until nothing is queued or in flight, and all is quiet."""

    async def settled() -> bool:
        left = await world.redis.llen("t"), await world.redis.hlen(ATTEMPTS)
        return not any(left) and not await in_flight(world)

    await world.until(settled, SOON, "every message is handled and acknowledged")
    await world.quiet()


async def expect(
    world: World, *after: State, problems: list[str] | None = None
) -> None:
    """Demand this, and nothing in flight, once all is done."""
    await settle(world)
    await world.redis.delete(WORKERS)
    await world.expect(*after, problems=problems or [])


def acknowledges(step: Step) -> bool:
    """Match what changes a list of messages in flight, and names a message."""
    return any(key.startswith(INFLIGHT.encode()) for key in step.keys) and any(
        arg.startswith(b"li2e") for arg in step.args
    )


# ---- deaths -----------------------------------------------------------------


def dying(world: World) -> Callable[[Step], Awaitable[None]]:
    """Let the first worker die of a command."""

    async def die(_: Step) -> None:
        world.kill(world.workers[0])
        raise ConnectionResetError

    return die


async def follow(world: World) -> Worker:
    """Start a second worker once the first is dead."""
    first = world.workers[0]

    async def is_dead() -> bool:
        return first.ended

    await world.until(is_dead, SOON, "the first worker comes to where it dies")
    [second] = await world.start("t", durable=True)
    return second


# ---- taking -----------------------------------------------------------------


@requirement("QUEUE-10", "REDIS-30", "REDIS-32")
async def test_message_is_kept_while_it_is_handled(world: World) -> None:
    """It is in the list of a worker that is in the registry, and gone at the end."""
    seen: list[object] = []

    async def look(_: Call) -> Answer:
        seen.append(await in_flight(world))
        seen.append(sorted(await names(world)))
        return response(b"v")

    await world.given(stored_call("h"), queued("t", H))
    await world.serve("t", {"h": look}, durable=True)
    [name] = await names(world)
    assert seen == [[(INFLIGHT + name, H, 0)], [name]]
    await expect(world, stored_call("h"), value("h", b"v"))


@requirement("REDIS-30", "REDIS-32")
async def test_how_messages_are_taken(world: World) -> None:
    """From the head to the tail, for 20 s at most, by a worker that is known."""
    wrong: list[str] = []

    async def look(step: Step) -> None:
        own = step.args[2].decode() if step.name == "BLMOVE" else ""
        if not own.startswith(INFLIGHT) or step.args[3:5] != (b"LEFT", b"RIGHT"):
            wrong.append(str(step))
        elif not 0 < float(step.args[5]) <= 20:
            wrong.append(f"the timeout of {step}")
        elif own.removeprefix(INFLIGHT) not in await names(world):
            wrong.append(f"not in the registry before {step}")

    world.before(lambda step: step.is_pop and step.touches("t"), look)
    hashes = ["a", "b", "c"]
    await world.given(*map(stored_call, hashes))
    await world.given(queued("t", *(("root1", name) for name in hashes)))
    await world.serve("t", {name: response(b"v") for name in hashes}, durable=True)
    assert not wrong, wrong
    assert [call.call_hash for call in world.invocations] == hashes


@requirement("REDIS-31")
async def test_names_of_workers(world: World) -> None:
    """Each run of a worker has a name of its own, of 120 random bits or so."""
    await world.serve("t", workers=2, durable=True)
    await world.workers[0].member.adapter.close()
    seen = set(await names(world))
    await world.serve("t", durable=True)
    seen |= set(await names(world))
    runs = {step.args[2] for step in _pops(world) if step.name == "BLMOVE"}
    assert len(runs) == 3, f"three runs, the names {sorted(runs)}"
    assert all(len(name) >= 20 for name in seen), f"easily the same: {sorted(seen)}"


def _pops(world: World) -> list[Step]:
    return [frame.step for frame in world.commands(lambda step: step.is_pop)]


# ---- acknowledging ----------------------------------------------------------

ONE_WAITS = waiting("h", ("root1", "p", "u"))
ONE_WOKEN = count("root1", 1) + queued("u", ("root1", "p"))


@requirement("QUEUE-10", "REDIS-34")
async def test_returns_come_before_the_acknowledgement(world: World) -> None:
    """All that the handling writes and puts is confirmed before."""
    await world.given(stored_call("h"), ONE_WAITS, queued("t", H))
    await world.serve("t", {"h": response(b"v")}, durable=True)
    for key in ("value/h", "u", "pending_returns/h"):
        expect_order(world, writes(key), acknowledges)
    await expect(world, stored_call("h"), value("h", b"v"), ONE_WOKEN)


@requirement("QUEUE-10", "REDIS-34")
async def test_children_come_before_the_acknowledgement(world: World) -> None:
    """A defer is over when its last child was put."""
    await world.given(stored_call("h"), queued("t", H))
    asks = ask("a", topic="u"), ask("b", topic="w")
    await world.serve("t", {"h": defer(*asks)}, durable=True)
    for key in ("pending_returns/a", "pending_returns/b", "u", "w"):
        expect_order(world, writes(key), acknowledges)
    assert await take_all(world, "u", "w") == [("root1", "a"), ("root1", "b")]
    await settle(world)


@requirement("REDIS-34")
async def test_one_of_two_equal_messages(world: World) -> None:
    """Each acknowledgement is for one of them: the other is still in flight."""
    left: list[int] = []

    async def handler(call: Call) -> Answer:
        if len(world.invocations) == 1:
            await world.given(queued("t", H))
            await taken(world, "t")
            return fail()

        async def is_alone() -> bool:
            left.append(len(await in_flight(world)))
            return left[-1] < 2

        await world.until(is_alone, SOON, "the first is acknowledged")
        del call
        return response(b"v")

    await world.given(stored_call("h"), queued("t", H))
    await world.serve("t", {"h": handler}, concurrency=2, durable=True)
    assert left[-1] == 1, "the message that is being handled is not in flight"
    await expect(world, stored_call("h"), value("h", b"v"), problems=["HANDLER_FAILED"])


@requirement("QUEUE-13")
@pytest.mark.parametrize("how", ["error", "cut-before", "cut-after"])
@pytest.mark.parametrize("times", [1, 3])
async def test_acknowledgement_fails(world: World, how: str, times: int) -> None:
    """The worker tries it again; the message is not left for others."""
    await world.given(stored_call("h"), ONE_WAITS, queued("t", H))

    async def cut(_: Step) -> None:
        world.cut(world.workers[0])
        raise ConnectionResetError

    if how == "error":
        tries = itertools.count()
        world.rewrite(lambda step: acknowledges(step) and next(tries) < times, _unknown)
    else:
        hook = world.before if how == "cut-before" else world.after
        hook(acknowledges, cut, times=times)
    await world.start("t", {"h": [response(b"v")]}, durable=True)
    await settle(world)
    codes = {problem.code for problem in world.problems}
    assert codes <= {"BACKEND"}, f"reported: {codes}"
    world.problems.clear()
    await expect(world, stored_call("h"), value("h", b"v"), ONE_WOKEN)


def _unknown(step: Step) -> Step:
    """Make a command that Redis refuses, and that touches the same keys."""
    return type(step)((b"LREM", *step.keys[:1], b"one", b"x"))


@requirement("QUEUE-10", "WORK-7")
@pytest.mark.parametrize("message", [b"hello", ScheduleMessage("root1", "x").encode()])
async def test_worker_goes_on_after_a_problem(world: World, message: bytes) -> None:
    """What cannot be handled is reported, and does not come again."""
    code = "REFUSED" if message == b"hello" else "CALL_MISSING"
    await world.given(stored_call("h"), queued("t", message, H))
    await world.serve("t", {"h": response(b"v")}, durable=True)
    await settle(world)
    await world.redis.delete(DEAD)  # it may set it aside as well
    await expect(world, stored_call("h"), value("h", b"v"), problems=[code])


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


def _puts_child(step: Step) -> bool:
    return step.writes("t") and not step.is_pop


# Parent p needs a and b, on its own topic.
POINTS: dict[str, Callable[[Step], bool]] = {
    "call-of-a-child": writes("call/b"),
    "record-of-a-child": writes("pending_returns/b"),
    "count-of-a-child": writes("brrr_count/root1"),
    "message-of-a-child": _puts_child,
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
        [(key, _, _)] = await in_flight(world)
        while time.monotonic() < end:
            times.add((await names(world))[key.removeprefix(INFLIGHT)])
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

        await world.until(is_moved, SOON, "the dead worker's message is moved")
        return response(b"v")

    await world.given(stored_call("h"), stored_call("g"), queued("t", H))
    await world.start("t", {"h": wait, "g": response(b"v")}, durable=True)
    await bury(world, ScheduleMessage("root1", "g").encode())
    await expect(
        world,
        *(stored_call(name) for name in "gh"),
        *(value(name, b"v") for name in "gh"),
    )


@requirement("REDIS-35")
async def test_worker_that_is_not_dead_yet(world: World) -> None:
    """Its messages are its own until its time is older than the dead time."""
    await world.given(stored_call("h"))
    await bury(world, H, age=0)
    await world.start("t", {"h": response(b"v")}, durable=True)
    end = time.monotonic() + 2 * DEAD_SECONDS
    while time.monotonic() < end:
        await bury(world, age=0)
        assert await world.redis.llen(GONE) == 1, "taken from a worker that lives"
        await _wait(DEAD_SECONDS / 10)
    await expect(world, stored_call("h"), value("h", b"v"))


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
    [(key, message, _)] = await in_flight(world)
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
    [name] = await names(world)
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


# ---- dead letters -----------------------------------------------------------


async def dead_letters(world: World) -> list[dict[bytes, Any]]:
    """Read the dead letters, and judge their form."""
    letters = []
    for octets in await raw(world.redis, "LRANGE", DEAD, 0, -1):
        letter = bencode.decode(octets)
        assert isinstance(letter, dict), f"{octets!r} is no dict"
        assert sorted(letter) == [b"at", b"message", b"reason"], octets
        at, reason = letter[b"at"], letter[b"reason"]
        assert isinstance(at, int), f"at is {at!r}"
        assert abs(at - time.time()) < 30, f"at is {at}, now is {time.time():.0f}"
        assert isinstance(reason, bytes), f"reason is {reason!r}"
        assert reason.decode(), "no reason"
        letters.append(letter)
    return letters


@requirement("REDIS-38", "QUEUE-20", "REDIS-40")
async def test_delivered_too_often(world: World) -> None:
    """After four times again it is set aside, and no handler sees it."""
    await world.given(stored_call("h"))
    await bury(world, H, again=4)
    await world.start("t", durable=True)
    await settle(world)
    assert [each[b"message"] for each in await dead_letters(world)] == [H]
    world.problems.clear()
    assert not world.invocations
    await world.redis.delete(DEAD)
    await expect(world, stored_call("h"))


@requirement("REDIS-38")
async def test_delivered_for_the_last_time(world: World) -> None:
    """The fourth time again is still handled."""
    await world.given(stored_call("h"))
    await bury(world, H, again=3)
    await world.start("t", {"h": [response(b"v")]}, durable=True)
    await expect(world, stored_call("h"), value("h", b"v"))


SET_ASIDE = {
    "no-message": (b"hello", "REFUSED"),
    "no-octets": (b"", "REFUSED"),
    "every-octet": (bytes(range(256)), "REFUSED"),
    "call-missing": (ScheduleMessage("root1", "x").encode(), "CALL_MISSING"),
    "handler-fails": (ScheduleMessage("root1", "f").encode(), "HANDLER_FAILED"),
    "spawn-limit": (ScheduleMessage("root2", "d").encode(), "SPAWN_LIMIT"),
}


@requirement("QUEUE-20", "QUEUE-21", "REDIS-40")
@pytest.mark.parametrize("name", SET_ASIDE)
async def test_message_is_set_aside(world: World, name: str) -> None:
    """It goes to the tail of the dead letters, in one step, with its octets."""
    message, code = SET_ASIDE[name]
    wrong: list[object] = []
    older = b"d2:ati1e7:message3:old6:reason1:?e"
    await raw(world.redis, "RPUSH", DEAD, older)

    async def look(_: Step) -> None:
        held = [each[1] for each in await in_flight(world)].count(message)
        held += (await raw(world.redis, "LRANGE", "t", 0, -1)).count(message)
        held += await world.redis.llen(DEAD) - 1
        if held != 1:
            wrong.append(held)

    await world.given(*map(stored_call, "dfh"), count("root2", 10_000))
    await world.given(queued("t", message, H))
    world.before(lambda step: not step.is_pop, look)
    rules: Script = {"f": fail(), "d": defer(ask("c", topic="u")), "h": response(b"v")}
    await world.start("t", rules, durable=True, dead_letters=True)
    await settle(world)
    assert not wrong, f"the message was in {wrong} places"
    assert await raw(world.redis, "LPOP", DEAD) == older, "not at the tail"
    assert [each[b"message"] for each in await dead_letters(world)] == [message]
    await world.expect_problems(code)
    assert await world.stored("value/h") == b"v"


# ---- together with others ---------------------------------------------------


@requirement("QUEUE-11", "QUEUE-1")
async def test_plain_and_durable_workers(world: World) -> None:
    """They share a topic, and a message is handled by whoever takes it."""
    hashes = [f"h{number}" for number in range(20)]
    rules = {name: response(b"v") for name in hashes}
    await world.start("t", rules, durable=True)
    await world.start("t")
    await world.given(*map(stored_call, hashes))
    await world.given(queued("t", *(("root1", name) for name in hashes)))
    values = (value(name, b"v") for name in hashes)
    await expect(world, *map(stored_call, hashes), *values)
    assert len(world.invocations) == len(hashes)


@pytest.mark.profile("client")
@requirement("REDIS-41")
@pytest.mark.parametrize("kind", ["inflight", "workers", "attempts", "dead"])
async def test_topic_that_looks_like_a_key(world: World, kind: str) -> None:
    """It is best refused, and then nothing is written."""
    topic = f"brrr:{kind}:{{t}}"
    try:
        await world.schedule(topic, ask("h"))
    except CommandFailed:
        await world.expect()
    else:
        raise NotImplementedByAdapter(f"topic {topic} is not refused (a SHOULD)")


@pytest.mark.profile("fleet", "durable")
@requirement("QUEUE-11", "QUEUE-12", "REDIS-35")
@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
async def test_one_sdk_takes_over_from_the_other(world: World, which: int) -> None:
    """A worker of one SDK dies between record and put; one of the other goes on."""
    both = world.worker_configs
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    world.before(_puts_child, dying(world), times=1)
    rules: Script = {"p": gather("a", "b"), "a": response(b"1"), "b": response(b"2")}
    world.worker_configs = (both[which],)
    await world.start("t", rules, durable=True)
    world.worker_configs = (both[1 - which],)
    await follow(world)
    await settle(world)
    assert await world.stored("value/p") == b"1,2"
