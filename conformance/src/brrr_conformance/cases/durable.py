# SPDX-License-Identifier: AGPL-3.0-only
"""Durable queues: how messages are taken, acknowledged and set aside."""

from __future__ import annotations

import itertools
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
from brrr_conformance.cases._durable import (
    DEAD,
    INFLIGHT,
    ONE_WAITS,
    ONE_WOKEN,
    SOON,
    H,
    acknowledges,
    bury,
    dying,
    expect,
    follow,
    in_flight,
    names,
    only_name,
    puts_child,
    settle,
)
from brrr_conformance.cases._order import expect_order
from brrr_conformance.crew import DEAD_AFTER_MS
from brrr_conformance.outcome import CommandFailed, NotImplementedByAdapter
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.script import gather
from brrr_conformance.server import raw
from brrr_conformance.world import REPORT_SECONDS

if TYPE_CHECKING:
    from brrr_conformance.script import Answer, Call, Script
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("durable")
requirement = pytest.mark.requirement

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
    name = await only_name(world)
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
    first, _ = await world.serve("t", workers=2, durable=True)
    await first.member.adapter.close()
    seen = set(await names(world))
    await first.member.open(world.table, DEAD_AFTER_MS)  # the same process
    await world.serve("t", durable=True, beside=first)
    seen |= set(await names(world))
    runs = {step.args[2] for step in _pops(world) if step.name == "BLMOVE"}
    assert len(runs) == 3, f"three runs, the names {sorted(runs)}"
    assert all(len(name) >= 20 for name in seen), f"easily the same: {sorted(seen)}"


def _pops(world: World) -> list[Step]:
    return [frame.step for frame in world.commands(lambda step: step.is_pop)]


# ---- acknowledging ----------------------------------------------------------


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


@requirement("QUEUE-10")
async def test_report_comes_before_the_acknowledgement(world: World) -> None:
    """Who dies in between has told of the problem: nobody else will."""
    told: list[bool] = []

    async def look(_: Step) -> None:
        end = time.monotonic() + REPORT_SECONDS
        while not world.problems and (left := end - time.monotonic()) > 0:
            await world.trace.changed(world.trace.events, left)
        told.append(bool(world.problems))

    world.before(acknowledges, look)
    await world.given(stored_call("h"), queued("t", H))
    await world.serve("t", {"h": fail()}, durable=True)
    await expect(world, stored_call("h"), problems=["HANDLER_FAILED"])
    assert told == [True], "the problem is reported when it is acknowledged"


@requirement("SCHED-28")
async def test_force_is_for_one_message(world: World) -> None:
    """What comes after a message that was delivered again is handled as ever."""
    await world.given(stored_call("h"), stored_call("g"))
    await world.given(*(waiting(child, ("root9", "q", "t")) for child in "cd"))
    children = {"h": "c", "g": "d"}
    rules = {name: [defer(ask(it, topic="u"))] for name, it in children.items()}
    await bury(world, H)
    await world.serve("t", rules, durable=True)
    await settle(world)
    await world.given(queued("t", ("root1", "g")))
    await settle(world)
    assert ("root1", "d") not in await take_all(world, "u")


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


# In how many places a message is, if a letter that was there before is not its own.
HELD = """
    local held = redis.call('LLEN', KEYS[2]) - 1
    local lists = redis.call('KEYS', 'brrr:inflight:*')
    table.insert(lists, KEYS[1])
    for _, list in ipairs(lists) do
        for _, message in ipairs(redis.call('LRANGE', list, 0, -1)) do
            if message == ARGV[1] then held = held + 1 end
        end
    end
    return held"""

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
        # In one step: a pop on another connection may come in between.
        held = await raw(world.redis, "EVAL", HELD, 2, "t", DEAD, message)
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


@requirement("REDIS-40")
@pytest.mark.parametrize("characters", [99, 1000, 5000])
async def test_reason_of_a_dead_letter(world: World, characters: int) -> None:
    """However long it is, and cut, it is text."""
    message = ScheduleMessage("root1", "f")
    await world.given(stored_call("f"), queued("t", message.encode()))
    rules: Script = {"f": fail("é" * characters)}
    await world.start("t", rules, durable=True, dead_letters=True)
    await settle(world)
    assert [each[b"message"] for each in await dead_letters(world)] == [
        message.encode()
    ]
    await world.expect_problems("HANDLER_FAILED")


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
    world.before(puts_child, dying(world), times=1)
    rules: Script = {"p": gather("a", "b"), "a": response(b"1"), "b": response(b"2")}
    world.worker_configs = (both[which],)
    await world.start("t", rules, durable=True)
    world.worker_configs = (both[1 - which],)
    await follow(world)
    await settle(world)
    assert await world.stored("value/p") == b"1,2"
