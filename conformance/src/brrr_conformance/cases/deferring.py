# SPDX-License-Identifier: AGPL-3.0-only
"""A handler needs calls: what is written and put for each child without a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    NOW,
    PAYLOAD,
    TASK,
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
from brrr_conformance.cases._common import (
    EVERY_OCTET,
    MEBIBYTE,
    NO_EXPIRY,
    expect_report,
    expiry,
    finish_between,
    held,
    noise,
    take_all,
    writes,
)
from brrr_conformance.cases._order import expect_order
from brrr_conformance.records import Call, PendingReturn, PendingReturns

if TYPE_CHECKING:
    from brrr_conformance.state import State
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

DAY = 24 * 60 * 60
PARENT = stored_call("p") + queued("t", ("root1", "p"))


def one_waits(child: str = "c") -> State:
    """Say that p waits for a child, since now."""
    return waiting(child, ("root1", "p", "t"), scheduled_at=NOW)


# ---- one child --------------------------------------------------------------


@requirement("SCHED-23", "SCHED-24")
@pytest.mark.parametrize("topic", ["", "t"], ids=["none", "its-own"])
async def test_child_on_the_topic_of_its_parent(world: World, topic: str) -> None:
    """A child goes to the worker's own topic if no other was asked for."""
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("c", topic=topic))], "c": [fail()]})
    await expect_report(world, "HANDLER_FAILED")
    await world.expect(
        stored_call("p"), stored_call("c"), one_waits(), count("root1", 1)
    )


TOPICS = {"plain": "u", "odd": " größe/:😀", "like-its-own": "t2", "long": "u" * 1024}


@requirement("SCHED-23", "SCHED-24")
@pytest.mark.parametrize("name", TOPICS)
async def test_child_on_another_topic(world: World, name: str) -> None:
    """A child goes to the topic that was asked for, and nowhere else."""
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("c", topic=TOPICS[name]))]})
    await world.expect(
        stored_call("p"),
        stored_call("c"),
        one_waits(),
        count("root1", 1),
        queued(TOPICS[name], ("root1", "c")),
    )


@requirement("SCHED-23", "REDIS-1")
async def test_child_goes_behind_older_messages(world: World) -> None:
    """A worker's put is an append too."""
    await world.given(PARENT, queued("u", ("root0", "y"), ("root0", "z")))
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    assert [each.call_hash for each in await world.queue("u")] == ["y", "z", "c"]


@requirement("SCHED-22")
async def test_return_holds_the_parent_as_it_is(world: World) -> None:
    """Root, hash and topic of the parent's own message: octets, not to be read."""
    root, name, topic = "r\0ö:/\U0001f600", " value/p ~", "t größe/:"
    await world.given(stored_call(name), queued(topic, (root, name)))
    await world.serve(topic, {name: [defer(ask("c", topic="u"))]})
    await world.expect(
        stored_call(name),
        stored_call("c"),
        waiting("c", (root, name, topic), scheduled_at=NOW),
        count(root, 1),
        queued("u", (root, "c")),
    )


CALLS = {
    "every-octet": ask("c", "leaf", EVERY_OCTET, "u"),
    "no-payload": ask("c", "leaf", b"", "u"),
    "spaces-around": ask("c", " leaf ", b" 1 \n", "u"),
    "unicode-task": ask("c", "größe-\U0001f600", b"1", "u"),
    "nul-in-task": ask("c", "le\0af", b"1", "u"),
    "byte-order-mark": ask("c", "\ufeffleaf", b"1", "u"),
    "decomposed-task": ask("c", "cafe\u0301", b"1", "u"),
}


@requirement("SCHED-20", "STORE-1")
@pytest.mark.parametrize("name", CALLS)
async def test_call_of_child(world: World, name: str) -> None:
    """The call of a child is stored as the handler has asked for it."""
    call = CALLS[name]
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(call)]})
    await world.expect(
        stored_call("p"),
        stored_call("c", call.task_name, call.payload),
        one_waits(),
        count("root1", 1),
        queued("u", ("root1", "c")),
    )


@requirement("SCHED-20", "STORE-1")
@pytest.mark.store("redis")  # no item of DynamoDB is so large
async def test_child_of_ten_mebibytes(world: World) -> None:
    """A child's payload of many buffers is stored whole."""
    payload = noise(10 * MEBIBYTE)
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("c", payload=payload, topic="u"))]})
    await world.expect(
        stored_call("p"),
        stored_call("c", payload=payload),
        one_waits(),
        count("root1", 1),
        queued("u", ("root1", "c")),
    )


@requirement("SCHED-20")
async def test_call_of_child_replaces_an_older_one(world: World) -> None:
    """The call that is stored is the one that was asked for last."""
    await world.given(PARENT, stored_call("c", "old", b"old"))
    await world.serve("t", {"p": [defer(ask("c", "new", b"new", "u"))]})
    await world.expect(
        stored_call("p"),
        stored_call("c", "new", b"new"),
        one_waits(),
        count("root1", 1),
        queued("u", ("root1", "c")),
    )


@requirement("SCHED-24")
async def test_child_that_has_a_value(world: World) -> None:
    """A handler that asks for it all the same gets it put, and is woken by it."""
    await world.given(PARENT, value("c", b"1"), stored_call("c"))
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    await world.expect(
        stored_call("p"),
        stored_call("c"),
        value("c", b"1"),
        one_waits(),
        count("root1", 1),
        queued("u", ("root1", "c")),
    )


@requirement("SCHED-24", "STORE-2")
async def test_child_that_is_like_others(world: World) -> None:
    """Only a record of this very hash is the child's record."""
    names = held(world, "cc", "", "C")
    others = [waiting(name, ("root0", "p", "t")) for name in names]
    others.append(value("pending_returns/c", b"v"))
    await world.given(PARENT, *others)
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    await world.expect(
        *others,
        stored_call("p"),
        stored_call("c"),
        one_waits(),
        count("root1", 1),
        queued("u", ("root1", "c")),
    )


@requirement("SCHED-24", "SCHED-22")
async def test_parent_that_asks_for_itself(world: World) -> None:
    """It is a child like any other: it waits for itself, and is put."""
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("p", topic="u"))]})
    await world.expect(
        stored_call("p"),
        one_waits("p"),
        count("root1", 1),
        queued("u", ("root1", "p")),
    )


@requirement("REDIS-23", "REDIS-11")
async def test_nothing_expires(world: World) -> None:
    """Call and record stay until they are removed, a counter for a day at least."""
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    assert await expiry(world, "call/c") == NO_EXPIRY
    assert await expiry(world, "pending_returns/c") == NO_EXPIRY
    left = await expiry(world, "brrr_count/root1")
    assert left == NO_EXPIRY or left >= DAY - 60


# ---- several children -------------------------------------------------------


@requirement("SCHED-24", "SCHED-23", "CACHE-1")
@pytest.mark.parametrize("number", [2, 10, 300])
async def test_gather(world: World, number: int) -> None:
    """Each of n children is stored, registered, counted and put, once."""
    names = [f"c{n:03}" for n in range(number)]
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(*(ask(each, topic="u") for each in names))]})
    assert await take_all(world, "u") == [("root1", name) for name in names]
    assert await world.stored("brrr_count/root1") == b"%d" % number
    for name in names:
        octets = await world.stored(f"pending_returns/{name}") or b""
        record = PendingReturns.decode(octets)
        assert record.returns == (PendingReturn("root1", "p", "t"),)
        assert await world.stored(f"call/{name}") == Call(PAYLOAD, TASK).encode()


@requirement("SCHED-23")
async def test_children_on_topics_of_their_own(world: World) -> None:
    """Each child goes to its own topic, the one without to the parent's."""
    topics = {"a": "u", "b": "v", "c": "", "d": "u"}
    await world.given(PARENT)
    asks = [ask(name, topic=topic) for name, topic in topics.items()]
    await world.serve("t", {"p": [defer(*asks)], "c": [fail()]})
    await expect_report(world, "HANDLER_FAILED")
    assert await take_all(world, "u") == [("root1", "a"), ("root1", "d")]
    assert await take_all(world, "v") == [("root1", "b")]
    assert await world.stored("brrr_count/root1") == b"4"


CHILDREN = {"a": "u", "b": "v", "c": "w"}


async def defer_three(world: World) -> None:
    await world.given(PARENT)
    asks = [ask(name, topic=topic) for name, topic in CHILDREN.items()]
    await world.serve("t", {"p": [defer(*asks)]})


@requirement("SCHED-20")
async def test_call_before_record(world: World) -> None:
    """Who finds the record may put the child, whose call must be there then."""
    await defer_three(world)
    for name in CHILDREN:
        expect_order(world, writes(f"call/{name}"), writes(f"pending_returns/{name}"))


@requirement("SCHED-21")
async def test_record_before_message(world: World) -> None:
    """A child that finished in between would find nobody waiting."""
    await defer_three(world)
    for name, topic in CHILDREN.items():
        expect_order(world, writes(f"pending_returns/{name}"), writes(topic))


@requirement("SCHED-10")
async def test_count_before_message(world: World) -> None:
    """What is put uncounted when the worker dies would escape the limit."""
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})
    expect_order(world, writes("brrr_count/root1"), writes("u"))


TWICE = {
    "in-a-row": [("c", "u"), ("c", "u")],
    "three-times": [("c", "u"), ("c", "u"), ("c", "u")],
    "others-between": [("a", "v"), ("c", "u"), ("b", "v"), ("c", "u")],
    "on-two-topics": [("c", "u"), ("c", "w")],
    "also-on-its-own": [("c", ""), ("c", "t")],
}


@requirement("SCHED-29")
@pytest.mark.parametrize("name", TWICE)
async def test_same_child_twice(world: World, name: str) -> None:
    """A child is put once for one defer, on one of the topics asked for."""
    await world.given(PARENT)
    asks = [ask(child, topic=topic) for child, topic in TWICE[name]]
    await world.serve("t", {"p": [defer(*asks)], "c": fail()})
    put = await take_all(world, "u", "v", "w")
    run = [each.call_hash for each in world.invocations if each.call_hash != "p"]
    due = sorted({child for child, _ in TWICE[name]})
    assert sorted([child for _, child in put] + run) == due
    assert await world.stored("brrr_count/root1") == b"%d" % len(due)


BETWEEN = {
    "in-a-row": [("c", "u"), ("c", "u")],
    "others-between": [("c", "u"), ("a", "v"), ("c", "u")],
    "on-two-topics": [("c", "u"), ("c", "w")],
}


@requirement("SCHED-29")
@pytest.mark.parametrize("name", BETWEEN)
async def test_child_finishes_between_two_asks(world: World, name: str) -> None:
    """Even when its record is gone by then, it is not put again."""
    await world.given(PARENT)
    finish_between(world, "c", "u", "w")
    asks = [ask(child, topic=topic) for child, topic in BETWEEN[name]]
    await world.serve("t", {"p": [defer(*asks)]})
    assert await take_all(world, "u", "w") == [("root1", "c")]


@requirement("SCHED-24", "SCHED-29")
async def test_child_is_asked_for_again(world: World) -> None:
    """A child whose record is gone is put for the next defer, as for the first."""
    await world.given(PARENT)
    await world.serve("t", {"p": defer(ask("c", topic="u"))})
    await world.remove("pending_returns/c")
    await world.given(queued("t", ("root1", "p")))
    await world.quiet()
    await world.expect(
        stored_call("p"),
        stored_call("c"),
        one_waits(),
        count("root1", 2),
        queued("u", ("root1", "c"), ("root1", "c")),
    )


# ---- no children ------------------------------------------------------------


@requirement("SCHED-30")
async def test_defer_on_nothing(world: World) -> None:
    """It ends the handling: nothing is written or put, and no problem reported."""
    before = (stored_call("p"), waiting("p", ("root0", "q", "u")))
    await world.given(*before, queued("t", ("root1", "p")))
    await world.serve("t", {"p": [defer()]})
    await world.expect(*before)


@requirement("SCHED-30")
async def test_next_message_after_a_defer_on_nothing(world: World) -> None:
    """The worker takes the next message as after any other end."""
    await world.given(
        PARENT, stored_call("h"), queued("t", ("root1", "h"), ("root1", "p"))
    )
    await world.serve("t", {"p": [defer(), defer()], "h": response(b"v")})
    await world.expect(stored_call("p"), stored_call("h"), value("h", b"v"))


# ---- calls that are none ----------------------------------------------------


@requirement("WORK-10", "WORK-7")
@pytest.mark.parametrize(
    "name", ["c\u00e9", "c\n", "c\x7f"], ids=["letter", "newline", "delete"]
)
@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among-others"])
async def test_call_that_cannot_be_encoded(
    world: World, name: str, others: int
) -> None:
    """It is reported and not put, and the worker takes the next message."""
    children = [ask(each, topic="u") for each in ("a", "b")[:others]]
    children.insert(1, ask(name, topic="v"))
    await world.given(PARENT, stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"p": [defer(*children)], "h": response(b"v")})
    await expect_report(world, "REFUSED")
    assert await world.redis.llen("v") == 0
    assert await world.stored("value/h") == b"v"
