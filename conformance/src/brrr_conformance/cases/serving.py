# SPDX-License-Identifier: AGPL-3.0-only
"""The loop of a worker: which messages it takes, and how it goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    count,
    fail,
    queued,
    response,
    stored_call,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    MEBIBYTE,
    check_message,
    expect_report,
    noise,
)
from brrr_conformance.records import ScheduleMessage

if TYPE_CHECKING:
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement


# ---- taking -----------------------------------------------------------------


@requirement("REDIS-2")
async def test_oldest_message_first(world: World) -> None:
    """A message is taken from the head of the list."""
    names = [f"h{number}" for number in range(5)]
    await world.given(*map(stored_call, names), queued("t", *(("r", n) for n in names)))
    await world.serve("t", {name: response(b"v") for name in names})
    assert [call.call_hash for call in world.invocations] == names


LIKE = {
    "longer": ("t", "t2"),
    "shorter": ("t2", "t"),
    "case": ("t", "T"),
    "space-behind": ("t", "t "),
    "nul-behind": ("t", "t\0"),
    "normal-form": ("caf\u00e9", "cafe\u0301"),
    "glob": ("t*", "ta"),
}


@requirement("QUEUE-1", "REDIS-3")
@pytest.mark.parametrize("name", LIKE)
async def test_topic_that_is_like_it(world: World, name: str) -> None:
    """Messages of another topic are left alone, however like it is."""
    topic, other = LIKE[name]
    left = (stored_call("z"), queued(other, ("root1", "z")))
    await world.given(*left, stored_call("h"), queued(topic, ("root1", "h")))
    await world.serve(topic, {"h": response(b"v")})
    await world.expect(*left, stored_call("h"), value("h", b"v"))


@requirement("QUEUE-1")
async def test_two_workers_of_two_topics(world: World) -> None:
    """Each of two workers gets the messages of its own topic, and all of them."""
    names = [f"h{number}" for number in range(6)]
    await world.given(*map(stored_call, names))
    rules = {name: response(b"v") for name in names}
    await world.start("t", rules)
    await world.start("u")
    await world.given(
        queued("t", *(("root1", name) for name in names[:3])),
        queued("u", *(("root1", name) for name in names[3:])),
    )
    await world.quiet()
    topics = {call.call_hash: call.topic for call in world.invocations}
    assert topics == dict.fromkeys(names[:3], "t") | dict.fromkeys(names[3:], "u")


@requirement("REDIS-3", "WORK-2")
@pytest.mark.parametrize("topic", [" größe/:😀 ", "t" * 1024], ids=["odd", "long"])
async def test_odd_topic(world: World, topic: str) -> None:
    """A worker finds its queue at the topic itself, whatever that holds."""
    await world.given(stored_call("h"), queued(topic, ("root1", "h")))
    await world.serve(topic, {"h": response(b"v")})
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("REDIS-2", "WORK-1")
async def test_waits_without_polling(world: World) -> None:
    """On an empty queue the worker waits in Redis, for seconds, and is woken."""
    await world.start("t", {"h": response(b"v")})
    last = await _last_request(world, most=3)
    assert last.is_pop, "the worker asks again and again"
    assert _timeout(last) == 0 or _timeout(last) >= 1, "it does not wait for seconds"
    await world.quiet()
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.quiet()
    await world.expect(stored_call("h"), value("h", b"v"))


async def _last_request(world: World, most: int) -> Step:
    """Wait until the worker waits in Redis, or has asked so often."""
    while True:
        world.check()
        asked = world.commands(lambda step: step.touches("t"))
        if asked and (asked[-1].step.is_pop or len(asked) >= most):
            return asked[-1].step
        assert await world.trace.changed(world.trace.events, 5), "it does not ask"


@requirement("WORK-1")
@pytest.mark.parametrize("polls", [1, 5])
async def test_long_poll_ends_empty(world: World, polls: int) -> None:
    """After a poll without a message the worker asks again, as often as need be."""
    world.rewrite(lambda step: step.is_pop, _impatient)
    await world.start("t", {"h": response(b"v")})
    while len(_empty_polls(world)) < polls:
        world.check()
        assert await world.trace.changed(world.trace.events, 5), "no poll any more"
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    while not world.invocations:
        world.check()
        assert await world.trace.changed(world.trace.events, 5), "never taken"
    assert not world.problems, "a poll without a message is no problem"


def _impatient(step: Step) -> Step:
    """Shorten a blocking pop to a moment."""
    args = list(step.args)
    args[1 if step.name == "BLMPOP" else -1] = b"0.02"
    return replace(step, args=tuple(args))


def _timeout(step: Step) -> float:
    return float(step.args[1 if step.name == "BLMPOP" else -1])


def _empty_polls(world: World) -> list[object]:
    return [
        frame
        for frame in world.frames
        if frame.step.is_pop and frame.reply is not None and frame.reply.value is None
    ]


@requirement("REC-30", "QUEUE-2")
async def test_message_of_64_kib(world: World) -> None:
    """A message may be long: it is for others to choose their root_id."""
    root = "r" * (64 * 1024 - len(b"li2e65536:1:he"))
    assert len(ScheduleMessage(root, "h").encode()) == 64 * 1024
    pending = waiting("h", (root, "p", "u"))
    await world.given(stored_call("h"), pending, queued("t", (root, "h")))
    await world.serve("t", {"h": response(b"v")})
    await world.expect(
        stored_call("h"), value("h", b"v"), count(root, 1), queued("u", (root, "p"))
    )


# ---- messages that are none -------------------------------------------------

GARBAGE = {
    "no-octets": b"",
    "text": b"hello",
    "json": b'["root1","bad"]',
    "a-newline": b"\n",
    "nuls": bytes(64),
    "cut-before-e": b"li2e5:root13:bad",
    "cut-in-hash": b"li2e5:root13:ba",
    "cut-in-length": b"li2e5:root13",
    "cut-behind-tag": b"li2e",
    "octet-behind": b"li2e5:root13:bade0",
    "newline-behind": b"li2e5:root13:bade\n",
    "two-messages": b"li2e5:root13:badeli2e5:root13:bade",
    "tag-of-a-return": b"li1e5:root13:bade",
    "tag-unknown": b"li3e5:root13:bade",
    "tag-is-a-string": b"l1:25:root13:bade",
    "tag-with-zero": b"li02e5:root13:bade",
    "a-return": b"li1e5:root13:bad1:te",
    "a-list-of-returns": b"d7:returnslli1e5:root13:bad1:teee",
    "a-call": b"d7:payload2:[]9:task_name4:leafe",
    "an-integer": b"i2e",
    "too-few": b"li2e5:root1e",
    "too-many": b"li2e5:root13:bad1:te",
    "root-not-utf8": b"li2e2:\xc3(3:bade",
    "root-a-surrogate": b"li2e3:\xed\xa0\x803:bade",
    "negative-length": b"li2e-3:aaae",
    "signed-length": b"li2e+5:root13:bade",
    "length-with-zero": b"li2e05:root13:bade",
    "length-too-great": b"li2e9999999999:root13:bade",
    "length-wraps": b"li2e18446744073709551621:root13:bade",
    "deep": b"l" * 100_000,
    "many-digits": b"9" * 100_000,
    "random": noise(64 * 1024),
    "great": b"li2e1048576:" + bytes(MEBIBYTE),
}


@requirement("WORK-4", "QUEUE-2")
@pytest.mark.parametrize("name", GARBAGE)
async def test_message_is_none(world: World, name: str) -> None:
    """It is reported and changes nothing, and the next message is handled."""
    before = (stored_call("bad"), waiting("bad", ("root1", "p", "u")))
    await world.given(
        *before, stored_call("h"), queued("t", GARBAGE[name], ("root1", "h"))
    )
    await world.serve("t", {"h": response(b"v")})
    problem = await expect_report(world, "REFUSED")
    check_message(problem, GARBAGE[name])
    await world.expect(*before, stored_call("h"), value("h", b"v"))


@requirement("WORK-4", "WORK-7")
async def test_each_of_many_is_reported(world: World) -> None:
    """Between good messages there may be any number of bad ones."""
    bad = [b"x", b"li2e5:root1e", b"le"]
    await world.given(
        stored_call("a"),
        stored_call("b"),
        queued("t", *bad, ("root1", "a"), *bad, ("root1", "b")),
    )
    await world.serve("t", {"a": response(b"1"), "b": response(b"2")})
    await world.expect(
        stored_call("a"),
        stored_call("b"),
        value("a", b"1"),
        value("b", b"2"),
        problems=["REFUSED"] * 6,
    )


# ---- after a problem --------------------------------------------------------


def _problem(kind: str) -> tuple[State, str]:
    """Give a first message that cannot be handled, and how it is reported."""
    return {
        "bad-message": (queued("t", b"x"), "REFUSED"),
        "call-missing": (queued("t", ("root1", "gone")), "CALL_MISSING"),
        "handler-fails": (
            stored_call("f") + queued("t", ("root1", "f")),
            "HANDLER_FAILED",
        ),
    }[kind]


PROBLEMS = ["bad-message", "call-missing", "handler-fails"]


@requirement("WORK-7")
@pytest.mark.parametrize("kind", PROBLEMS)
async def test_worker_ends_with_the_problem(world: World, kind: str) -> None:
    """A worker told to stop ends with that error, and loses no other message."""
    first, code = _problem(kind)
    names = ["a", "b", "c"]
    rules = {name: response(b"v") for name in names}
    await world.given(first, *map(stored_call, names))
    await world.given(queued("t", *(("root1", name) for name in names)))
    [worker] = await world.serve("t", rules | {"f": fail()}, stop=True)
    assert worker.ended
    await expect_report(world, code)
    kept = [message.call_hash for message in await world.queue("t")]
    done = [each.call_hash for each in world.invocations if each.call_hash != "f"]
    assert sorted(kept + done) == names, "a message that was not taken is lost"
    await world.serve("t")
    for name in names:
        assert await world.stored(f"value/{name}") == b"v"


@requirement("WORK-7")
@pytest.mark.parametrize("kind", PROBLEMS)
async def test_worker_goes_on_after_the_problem(world: World, kind: str) -> None:
    """A worker told to go on reports and takes the next message, each time."""
    first, code = _problem(kind)
    await world.given(first, first, stored_call("h"))
    await world.given(queued("t", ("root1", "h")))
    [worker] = await world.serve("t", {"f": fail(), "h": response(b"v")})
    assert not worker.ended
    await world.expect_problems(code, code)
    assert await world.stored("value/h") == b"v"
    assert await world.queue("t") == []


@requirement("WORK-7", "WORK-6")
async def test_one_worker_ends_and_the_other_does_not(world: World) -> None:
    """The end of one worker is nobody else's: the others take what is left."""
    await world.given(stored_call("f"), stored_call("h"), queued("t", ("root1", "f")))
    [first] = await world.serve("t", {"f": fail(), "h": response(b"v")}, stop=True)
    await expect_report(world, "HANDLER_FAILED")
    [second] = await world.start("t")
    await world.given(queued("t", ("root1", "h")))
    await world.quiet()
    assert (first.ended, second.ended) == (True, False)
    await world.expect(stored_call("f"), stored_call("h"), value("h", b"v"))
