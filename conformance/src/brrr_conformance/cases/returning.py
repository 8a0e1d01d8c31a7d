# SPDX-License-Identifier: AGPL-3.0-only
"""A handler has a value: everybody who waits for it is woken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    count,
    queued,
    response,
    stored_call,
    string,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    attempts,
    expect_report,
    held,
    noise,
    putting,
    removing,
    take_all,
    writes,
)
from brrr_conformance.cases._order import expect_order

if TYPE_CHECKING:
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

RECORD = "pending_returns/c"
ONE = ("root1", "p", "u")
BOTH_PUT = (
    count("root1", 1),
    count("root2", 1),
    queued("u", ("root1", "p")),
    queued("w", ("root2", "q")),
)


async def finish(world: World, *before: State) -> None:
    """Let c end in a value, under a root of its own, when this is there."""
    await world.given(stored_call("c"), queued("t", ("root9", "c")), *before)
    await world.serve("t", {"c": response(b"v")})


async def expect(world: World, *after: State) -> None:
    """Demand this, the call, and its value."""
    await world.expect(stored_call("c"), value("c", b"v"), *after)


# ---- who is woken -----------------------------------------------------------


@requirement("RET-2", "RET-4")
async def test_one_parent(world: World) -> None:
    """Its message is on its topic, under its root, whatever the child's are."""
    await finish(world, waiting("c", ONE))
    await expect(world, count("root1", 1), queued("u", ("root1", "p")))


@requirement("RET-2", "QUEUE-2")
async def test_parent_with_odd_names(world: World) -> None:
    """Root, hash and topic of a return are octets that nobody changes."""
    root, name, topic = "r\0ö:/\U0001f600", " value/p ~", "größe/: \ufeff"
    await finish(world, waiting("c", (root, name, topic)))
    await expect(world, count(root, 1), queued(topic, (root, name)))


@requirement("RET-2")
async def test_parent_on_a_topic_like_a_record(world: World) -> None:
    """Nobody should have taken it from there; but if so, there is where it goes."""
    await finish(world, waiting("c", ("root1", "p", "call/x")))
    await expect(world, count("root1", 1), queued("call/x", ("root1", "p")))


@requirement("RET-2", "SCHED-10")
async def test_parents_of_several_topics_and_roots(world: World) -> None:
    """Each is put on its own topic, and counted under its own root."""
    returns = [
        ("root1", "p", "u"),
        ("root1", "p", "w"),
        ("root1", "q", "v"),
        ("root2", "p", "x"),
        ("root3", "r", "y"),
    ]
    await finish(world, waiting("c", *returns), count("root1", 7))
    await expect(
        world,
        count("root1", 10),
        count("root2", 1),
        count("root3", 1),
        *(queued(topic, (root, name)) for root, name, topic in returns),
    )


@requirement("RET-2")
async def test_parent_of_several_roots(world: World) -> None:
    """Each root has a message of its own: that of another may be lost."""
    roots = "root1", "root2", "root3"
    await finish(world, waiting("c", *((root, "p", "u") for root in roots)))
    assert await take_all(world, "u") == [(root, "p") for root in roots]
    await expect(world, *(count(root, 1) for root in roots))


@requirement("RET-2", "CACHE-1")
@pytest.mark.parametrize("number", [2, 100, 1000])
async def test_parents_on_one_topic(world: World, number: int) -> None:
    """Each of n parents is put once, and their common root counts them all."""
    names = [f"p{n:04}" for n in range(number)]
    await finish(world, waiting("c", *(("root1", name, "u") for name in names)))
    assert await take_all(world, "u") == [("root1", name) for name in names]
    await expect(world, count("root1", number))


@requirement("RET-2", "REDIS-1")
async def test_parent_goes_behind_older_messages(world: World) -> None:
    """A return is appended like any other message."""
    older = queued("u", ("root0", "y"), ("root0", "z"))
    await finish(world, older, waiting("c", ONE))
    await expect(world, count("root1", 1), older, queued("u", ("root1", "p")))


@requirement("RET-2", "REDIS-10")
async def test_parent_on_the_topic_of_the_child(world: World) -> None:
    """The worker itself may be the one who takes the parent next."""
    await world.given(stored_call("p"))
    world.actors.learn({"p": [response(b"w")]})
    await finish(world, waiting("c", ("root1", "p", "t")))
    await expect(world, count("root1", 1), stored_call("p"), value("p", b"w"))


@requirement("RET-4")
async def test_nobody_is_in_the_record(world: World) -> None:
    """A record without returns is removed like any other."""
    await finish(world, waiting("c"))
    await expect(world)


@requirement("STORE-2", "RET-4")
async def test_records_of_other_children(world: World) -> None:
    """Nobody is woken for, or removed from, a hash that is only like it."""
    names = held(world, "cc", "C", "", "c/")
    others = [waiting(name, ("root2", "q", "u")) for name in names]
    await finish(world, *others, waiting("c", ONE))
    await expect(world, *others, count("root1", 1), queued("u", ("root1", "p")))


@requirement("RET-3", "REC-21")
async def test_record_with_duplicates(world: World) -> None:
    """A return that is in the record twice is put once."""
    one, two = b"li1e5:root11:p1:ue", b"li1e5:root21:p1:we"
    record = b"d7:returnsl" + two + one + two + one + b"ee"
    await finish(world, string(RECORD, record))
    await expect(
        world,
        count("root1", 1),
        count("root2", 1),
        queued("u", ("root1", "p")),
        queued("w", ("root2", "p")),
    )


@requirement("RET-4", "REC-20")
async def test_record_with_unknown_keys(world: World) -> None:
    """What a later version has added does not keep the record from going."""
    record = b"d1:ai1e7:returnslli1e5:root11:p1:uee1:zdee"
    await finish(world, string(RECORD, record))
    await expect(world, count("root1", 1), queued("u", ("root1", "p")))


@requirement("RET-3")
async def test_later_duplicate_wakes_nobody(world: World) -> None:
    """A second message of the child finds nobody waiting any more."""
    await finish(world, waiting("c", ONE), queued("t", ("root9", "c")))
    await expect(world, count("root1", 1), queued("u", ("root1", "p")))


@requirement("RET-2", "RET-3")
async def test_parent_waits_a_second_time(world: World) -> None:
    """That a return was put while one message was handled says nothing for the next."""
    await finish(world, waiting("c", ONE))
    await world.given(waiting("c", ONE), queued("t", ("root9", "c")))
    await world.quiet()
    await expect(world, count("root1", 2), queued("u", ("root1", "p"), ("root1", "p")))


BAD_RECORDS = {
    "no-octets": (b"", "WIRE-12"),
    "cut-short": (b"d7:returnslli1e5:root11:p1:ueeeee"[:-4], "WIRE-13"),
    "octet-behind": (b"d7:returnslli1e5:root11:p1:ueee\n", "WIRE-14"),
    "a-list": (b"lli1e5:root11:p1:uee", "REC-23"),
    "no-returns": (b"d12:scheduled_ati1700000000ee", "REC-26"),
    "returns-no-list": (b"d7:returnsi0ee", "REC-27"),
    "last-no-return": (b"d7:returnslli1e5:root11:p1:ueli2e1:r1:heee", "REC-27"),
    "last-not-utf8": (b"d7:returnslli1e5:root11:p1:ueli1e1:\xff1:q1:ueee", "WIRE-25"),
    "negative-length": (b"d7:returnsl-3:ee", "WIRE-19"),
    "random": (noise(4096), "WIRE-26"),
}


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(octets, id=name, marks=requirement("WORK-9", broken))
        for name, (octets, broken) in BAD_RECORDS.items()
    ],
)
async def test_record_is_none(world: World, octets: bytes) -> None:
    """The value is there; the record is reported, not destroyed, not half used."""
    await finish(world, string(RECORD, octets))
    await expect_report(world, "REFUSED")
    await expect(world, string(RECORD, octets))


# ---- in which order ---------------------------------------------------------


@requirement("RET-1")
async def test_parent_registers_just_before_the_value(world: World) -> None:
    """It found no value: so the record that it made must be read after that."""
    world.before(writes("value/c"), putting(world, waiting("c", ONE)), times=1)
    await finish(world)
    await expect(world, count("root1", 1), queued("u", ("root1", "p")))


@requirement("RET-1")
async def test_value_before_messages(world: World) -> None:
    """A parent that is woken must find the value."""
    await finish(world, waiting("c", ONE))
    expect_order(world, writes("value/c"), writes("u"))


@requirement("RET-4")
async def test_messages_before_removal(world: World) -> None:
    """A worker that dies in between leaves the record, and the parent is put again."""
    await finish(world, waiting("c", ONE, ("root2", "q", "w")))
    # It is gone, so the last that was written to it was the removal.
    removal = world.commands(writes(RECORD))[-1].step
    for topic in ("u", "w"):
        expect_order(world, writes(topic), lambda step: step is removal)


@requirement("SCHED-10")
async def test_count_before_message(world: World) -> None:
    """What is put uncounted when the worker dies would escape the limit."""
    await finish(world, waiting("c", ONE))
    expect_order(world, writes("brrr_count/root1"), writes("u"))


# ---- another worker is at work ----------------------------------------------

LATE = {
    "another-parent": ("root1", "q", "u"),
    "the-parent-under-another-root": ("root2", "p", "u"),
    "the-parent-on-another-topic": ("root1", "p", "w"),
}


@requirement("RET-3", "RET-4", "STORE-3", "REDIS-22", "DYN-2", "DYN-3")
@pytest.mark.parametrize("name", LATE)
async def test_somebody_registers_meanwhile(world: World, name: str) -> None:
    """The record is kept until the late one is put too, and nobody is put twice."""
    root, late, topic = LATE[name]
    both = waiting("c", ONE, (root, late, topic))
    world.before(writes(RECORD), putting(world, both), times=1)
    await finish(world, waiting("c", ONE))
    put = await take_all(world, "u", "w")
    due = sorted([("root1", "p"), (root, late)])
    assert put == due, f"each return is due once, {due}; put were {put}"
    roots = sorted({"root1", root})
    await expect(world, *(count(each, 2 // len(roots)) for each in roots))


@requirement("RET-3", "RET-4")
async def test_one_after_the_other_registers(world: World) -> None:
    """Three come late, each after the one before was put: each is put once."""
    everybody = [(f"root{number}", "p", f"u{number}") for number in range(4)]
    seen = 0

    async def add(_: Step) -> None:
        nonlocal seen
        seen += 1
        await world.given(waiting("c", *everybody[: seen + 1]))

    world.before(writes(RECORD), add, times=3)
    await finish(world, waiting("c", everybody[0]))
    await expect(
        world,
        *(count(root, 1) for root, _, _ in everybody),
        *(queued(topic, (root, name)) for root, name, topic in everybody),
    )


@requirement("RET-3", "RET-4")
async def test_return_comes_back_meanwhile(world: World) -> None:
    """One that was put is in the record no more, and then again: it was put."""
    other = ("root2", "q", "w")
    records = [waiting("c", other), waiting("c", other, ONE)]

    async def change(_: Step) -> None:
        await world.given(records.pop(0))

    world.before(writes(RECORD), change, times=2)
    await finish(world, waiting("c", ONE))
    await expect(world, *BOTH_PUT)


@requirement("RET-3", "RET-4", "DYN-2", "DYN-3")
async def test_record_is_removed_meanwhile(world: World) -> None:
    """A worker with a duplicate of the message has done it: that is no error."""
    world.before(writes(RECORD), removing(world, RECORD), times=1)
    await finish(world, waiting("c", ONE))
    await expect(world, count("root1", 1), queued("u", ("root1", "p")))


@requirement("RET-4", "STORE-3", "DYN-2", "DYN-3")
async def test_record_is_replaced_meanwhile(world: World) -> None:
    """It was removed and made anew: who is in the new one is put as well."""
    other = waiting("c", ("root2", "q", "w"))  # as many octets
    world.before(writes(RECORD), putting(world, other), times=1)
    await finish(world, waiting("c", ONE))
    await expect(world, *BOTH_PUT)


@requirement("RET-4", "STORE-3", "DYN-2", "DYN-3")
async def test_record_is_written_in_another_way_meanwhile(world: World) -> None:
    """Other octets with the same returns: read again, put once, removed."""
    other = b"d1:ade7:returnslli1e5:root11:p1:uee"
    world.before(writes(RECORD), putting(world, string(RECORD, other + b"e")), times=1)
    await finish(world, waiting("c", ONE))
    await expect(world, count("root1", 1), queued("u", ("root1", "p")))


@requirement("STORE-5", "STORE-6", "RET-3", "WORK-7")
async def test_record_never_stands_still(world: World) -> None:
    """The worker tries 100 or 101 times, says so, and takes the next message."""
    seen = 0

    async def change(_: Step) -> None:
        nonlocal seen
        seen += 1
        await world.given(waiting("c", ONE, scheduled_at=seen))

    world.before(writes(RECORD), change)
    world.actors.learn({"h": response(b"v")})
    await finish(world, stored_call("h"), waiting("c", ONE), queued("t", ("r", "h")))
    await expect_report(world, "CAS_EXHAUSTED")
    assert 100 <= attempts(world, RECORD) <= 101
    assert await take_all(world, "u") == [("root1", "p")]
    assert await world.stored("value/c") == b"v"
    assert await world.stored("value/h") == b"v"
