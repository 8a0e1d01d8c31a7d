# SPDX-License-Identifier: AGPL-3.0-only
"""A child that has a record: who is added to it, and whether the child is put."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    NOW,
    ask,
    count,
    defer,
    queued,
    response,
    stored_call,
    string,
    waiting,
)
from brrr_conformance.cases._common import (
    NO_EXPIRY,
    attempts,
    expect_report,
    expiry,
    held,
    putting,
    take_all,
    writes,
)
from brrr_conformance.commands import Kind
from brrr_conformance.director import do, does
from brrr_conformance.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

# The parent is p, taken from topic t under root2, and asks for c on topic u.
OWN = ("root2", "p", "t")
RECORD = "pending_returns/c"
PUT = count("root2", 1) + queued("u", ("root2", "c"))
NOT_PUT = State()


async def register(world: World, *before: State) -> None:
    """Let p ask for c, when this is in the database."""
    await world.given(stored_call("p"), queued("t", ("root2", "p")), *before)
    await world.serve("t", {"p": [defer(ask("c", topic="u"))]})


async def expect(world: World, *after: State, problems: Sequence[str] = ()) -> None:
    """Demand this, and the two calls."""
    await world.expect(stored_call("p"), stored_call("c"), *after, problems=problems)


# ---- put or not -------------------------------------------------------------

CROWD = [(f"a{number:02}", "q", "t") for number in range(40)]
REPEATED = {
    "by-root": [("root1", "p", "t")],
    "by-root-that-sorts-behind": [("root3", "p", "t")],
    "by-root-in-upper-case": [("ROOT2", "p", "t")],
    "by-root-that-is-longer": [("root22", "p", "t")],
    "by-root-that-is-empty": [("", "p", "t")],
    "twice": [("root0", "p", "t"), ("root1", "p", "t")],
    "among-others": [
        ("root0", "q", "t"),
        ("root1", "p", "t"),
        ("root2", "q", "t"),
        ("root3", "p", "u"),
    ],
    "last-of-many": [*CROWD, ("root1", "p", "t")],
}


@requirement("SCHED-27", "SCHED-25")
@pytest.mark.parametrize("name", REPEATED)
async def test_parent_is_scheduled_anew(world: World, name: str) -> None:
    """The parent waits under another root: the child may be lost, and is put."""
    await register(world, waiting("c", *REPEATED[name]))
    await expect(world, waiting("c", *REPEATED[name], OWN), PUT)


@requirement("SCHED-20")
async def test_call_of_a_child_with_a_record(world: World) -> None:
    """That others wait for a child says nothing about its call: it is written."""
    older = stored_call("c", "old", b"old")
    await register(world, waiting("c", ("root1", "q", "t")), older)
    await expect(world, waiting("c", ("root1", "q", "t"), OWN), NOT_PUT)


TWICE = {"in-a-row": ("u", "u"), "three-times": ("u",) * 3, "on-two-topics": ("u", "w")}


@requirement("SCHED-29", "SCHED-27")
@pytest.mark.parametrize("name", TWICE)
async def test_parent_is_scheduled_anew_and_asks_twice(world: World, name: str) -> None:
    """The child is put again, and once, however often it is asked for."""
    asks = [ask("c", topic=topic) for topic in TWICE[name]]
    await world.given(stored_call("p"), queued("t", ("root2", "p")))
    await world.given(waiting("c", ("root1", "p", "t")))
    await world.serve("t", {"p": [defer(*asks)]})
    assert await take_all(world, "u", "w") == [("root2", "c")]


OTHERS = {
    "nobody": [],
    "other-parent-same-root": [("root2", "q", "t")],
    "other-parent-other-root": [("root1", "q", "t")],
    "parent-that-begins-like-it": [("root1", "pp", "t")],
    "parent-in-upper-case": [("root1", "P", "t")],
    "parent-and-topic-joined-alike": [("root1", "", "pt"), ("root1", "pt", "")],
    "same-root-other-topic": [("root2", "p", "u")],
    "other-root-other-topic": [("root1", "p", "u")],
    "topic-that-begins-like-it": [("root1", "p", "t2")],
    "child-itself": [("root1", "c", "t")],
    "root-and-parent-swapped": [("p", "root2", "t")],
}


@requirement("SCHED-28", "SCHED-25")
@pytest.mark.parametrize("name", OTHERS)
async def test_others_wait_already(world: World, name: str) -> None:
    """The child is under way for somebody else: it is not put again."""
    await register(world, waiting("c", *OTHERS[name]))
    await expect(world, waiting("c", *OTHERS[name], OWN), NOT_PUT)


AGAIN = {
    "alone": [OWN],
    "with-another-root": [("root1", "p", "t"), OWN],
    "with-two-other-roots": [("root1", "p", "t"), OWN, ("root3", "p", "t")],
    "with-another-parent": [("root1", "q", "t"), OWN],
}


@requirement("SCHED-28", "SCHED-25")
@pytest.mark.parametrize("name", AGAIN)
async def test_this_very_return_is_there(world: World, name: str) -> None:
    """A parent that runs again puts nothing again, whatever else is there."""
    await register(world, waiting("c", *AGAIN[name]))
    await expect(world, waiting("c", *AGAIN[name]), NOT_PUT)


# ---- the record -------------------------------------------------------------


@requirement("SCHED-25")
async def test_scheduled_at_is_missing(world: World) -> None:
    """It stays so: when the child was put first, nobody knows any more."""
    await register(world, waiting("c", ("root1", "q", "t"), scheduled_at=0))
    await expect(world, waiting("c", ("root1", "q", "t"), OWN, scheduled_at=0), NOT_PUT)


@requirement("SCHED-25")
@pytest.mark.parametrize("seconds", [1, 2**53 - 1], ids=["first", "last"])
async def test_scheduled_at_is_kept(world: World, seconds: int) -> None:
    """It stays as it was, whatever the time is now."""
    await register(world, waiting("c", ("root1", "p", "t"), scheduled_at=seconds))
    await expect(
        world, waiting("c", ("root1", "p", "t"), OWN, scheduled_at=seconds), PUT
    )


@requirement("SCHED-25", "REC-22", "REC-8")
async def test_scheduled_at_is_zero(world: World) -> None:
    """Zero is read as unset, and not written again."""
    octets = b"d7:returnslli1e5:root11:q1:tee12:scheduled_ati0ee"
    await register(world, string(RECORD, octets))
    await expect(world, waiting("c", ("root1", "q", "t"), OWN, scheduled_at=0), NOT_PUT)


@requirement("SCHED-25", "REC-20", "REC-11")
async def test_unknown_keys(world: World) -> None:
    """A record of a later version is read, and written as this version does."""
    octets = b"d1:ale7:returnslli1e5:root11:q1:tee12:scheduled_ati1700000000e1:z0:e"
    await register(world, string(RECORD, octets))
    await expect(world, waiting("c", ("root1", "q", "t"), OWN), NOT_PUT)


@requirement("SCHED-26", "REC-21", "REC-7", "REC-6")
async def test_record_is_not_in_order(world: World) -> None:
    """Returns in any order, or twice, are read; they are written in order, once.

    The comparison is with the octets that were read, not with what they should be.
    """
    returns = [b"li1e%d:%s1:q1:te" % (len(root), root) for root in (b"z", b"b", b"z")]
    await register(world, string(RECORD, b"d7:returnsl%see" % b"".join(returns)))
    await expect(
        world,
        waiting("c", ("z", "q", "t"), OWN, ("b", "q", "t"), scheduled_at=0),
        NOT_PUT,
    )


@requirement("SCHED-25", "REC-7")
async def test_returns_are_sorted_by_octets(world: World) -> None:
    """U+FF5E is before U+1F600, unlike in UTF-16; a prefix is before the longer."""
    roots = ["\U0001f600", "\uff5e", "root", "root22", "root2,", ""]
    await register(world, waiting("c", *((root, "q", "t") for root in roots)))
    await expect(
        world, waiting("c", OWN, *((root, "q", "t") for root in roots)), NOT_PUT
    )


@requirement("SCHED-25", "STORE-1")
async def test_a_thousand_others_wait(world: World) -> None:
    """All of them are kept."""
    others = [(f"root{number}", f"q{number % 7}", "t") for number in range(1000)]
    await register(world, waiting("c", *others))
    await expect(world, waiting("c", *others, OWN), NOT_PUT)


@requirement("STORE-2", "SCHED-25")
async def test_records_of_other_children(world: World) -> None:
    """The record is that of this hash, the others are left alone."""
    names = held(world, "cc", "C", "", "c/")
    others = [waiting(name, ("root1", "p", "t")) for name in names]
    await register(world, *others, waiting("c", ("root1", "q", "t")))
    await expect(world, *others, waiting("c", ("root1", "q", "t"), OWN), NOT_PUT)


@requirement("REDIS-23")
async def test_record_does_not_expire(world: World) -> None:
    """Who waits, waits as long as it takes; also after the record was extended."""
    await register(world, waiting("c", ("root1", "q", "t")))
    assert await expiry(world, RECORD) == NO_EXPIRY


BAD_RECORDS = {
    "no-octets": (b"", "WIRE-12"),
    "cut-short": (b"d7:returnslli1e5:root11:q1:teee"[:-1], "WIRE-13"),
    "octet-behind": (b"d7:returnslee\n", "WIRE-14"),
    "a-list": (b"lli1e5:root11:q1:tee", "REC-23"),
    "no-returns": (b"d12:scheduled_ati1700000000ee", "REC-26"),
    "returns-no-list": (b"d7:returnsdee", "REC-27"),
    "return-no-return": (b"d7:returnslli2e5:root11:qeee", "REC-27"),
    "root-not-utf8": (b"d7:returnslli1e1:\xff1:q1:teee", "WIRE-25"),
    "negative-length": (b"d7:returnsli1e-6:e", "WIRE-19"),
}


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(octets, id=name, marks=requirement("WORK-9", broken))
        for name, (octets, broken) in BAD_RECORDS.items()
    ],
)
async def test_record_is_none(world: World, octets: bytes) -> None:
    """It is reported and left as it is, and the worker goes on."""
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    world.actors.learn({"h": response(b"v")})
    await register(world, string(RECORD, octets))
    await expect_report(world, "REFUSED")
    assert await world.stored(RECORD) == octets
    assert await world.queue("u") == []
    assert await world.stored("value/h") == b"v"


# ---- another worker is faster -----------------------------------------------

CREATED = {
    "by-another-parent": ([("root1", "q", "t")], NOT_PUT),
    "by-the-parent-under-another-root": ([("root1", "p", "t")], PUT),
    "by-a-duplicate": ([OWN], NOT_PUT),
    "by-a-duplicate-and-another-root": ([("root1", "p", "t"), OWN], NOT_PUT),
}


@requirement("SCHED-24", "SCHED-26", "STORE-3", "REDIS-22", "DYN-2", "DYN-3")
@pytest.mark.parametrize("name", CREATED)
async def test_record_is_created_meanwhile(world: World, name: str) -> None:
    """There was none when it was read: the one that came is not overwritten."""
    theirs, after = CREATED[name]
    world.before(writes(RECORD), putting(world, waiting("c", *theirs)), times=1)
    await register(world)
    await expect(world, waiting("c", *theirs, OWN), after)


CHANGED = {
    "other-parent-comes": (
        [("root1", "q", "t")],
        [("root1", "q", "t"), ("root3", "r", "t")],
        NOT_PUT,
    ),
    "other-root-of-the-parent-comes": (
        [("root1", "q", "t")],
        [("root1", "p", "t"), ("root1", "q", "t")],
        PUT,
    ),
    "other-root-of-the-parent-goes": (
        [("root1", "p", "t")],
        [("root1", "q", "t")],
        NOT_PUT,
    ),
    "a-duplicate-comes": (
        [("root1", "p", "t")],
        [("root1", "p", "t"), OWN],
        NOT_PUT,
    ),
}


@requirement("SCHED-26", "STORE-3", "REDIS-22", "DYN-2", "DYN-3")
@pytest.mark.parametrize("name", CHANGED)
async def test_record_changes_meanwhile(world: World, name: str) -> None:
    """Nobody's return is lost, and the last read decides about the put."""
    before, theirs, after = CHANGED[name]
    world.before(writes(RECORD), putting(world, waiting("c", *theirs)), times=1)
    await register(world, waiting("c", *before))
    await expect(world, waiting("c", *theirs, OWN), after)


@requirement("SCHED-26", "SCHED-24", "STORE-3", "DYN-2", "DYN-3")
async def test_record_is_removed_meanwhile(world: World) -> None:
    """The child has finished: there is nothing to add to, and it is put anew."""
    adds = does(Kind.CAS, key=RECORD)  # and not a try to create the record
    world.director.rule(adds, do(lambda: world.remove(RECORD)), times=1)
    await register(world, waiting("c", ("root1", "q", "t")))
    await expect(world, waiting("c", OWN, scheduled_at=NOW), PUT)


@requirement("SCHED-26", "STORE-3", "DYN-2", "DYN-3")
async def test_record_is_written_in_another_way_meanwhile(world: World) -> None:
    """Octets are compared: the same returns in another order are a mismatch."""
    reverse = b"d7:returnslli1e5:root31:r1:teli1e5:root11:q1:teee"
    world.before(writes(RECORD), putting(world, string(RECORD, reverse)), times=1)
    others = [("root1", "q", "t"), ("root3", "r", "t")]
    await register(world, waiting("c", *others))
    await expect(world, waiting("c", *others, OWN, scheduled_at=0), NOT_PUT)


@requirement("SCHED-26", "WORK-3")
async def test_record_changes_again_and_again(world: World) -> None:
    """Three others are faster, one after the other: all are kept."""
    others = [(f"root1{number}", "q", "t") for number in range(4)]
    seen = 0

    async def add(_: Step) -> None:
        nonlocal seen
        seen += 1
        await world.given(waiting("c", *others[: seen + 1]))

    world.before(writes(RECORD), add, times=3)
    await register(world, waiting("c", others[0]))
    await expect(world, waiting("c", *others, OWN), NOT_PUT)


@requirement("STORE-5")
async def test_two_records_change_often(world: World) -> None:
    """Each loop has its own attempts: those at one child are none at the other."""

    def often(child: str) -> None:
        others = itertools.count(1)

        async def change(_: Step) -> None:
            await world.given(waiting(child, (f"other{next(others)}", "q", "t")))

        world.before(writes(f"pending_returns/{child}"), change, times=60)

    often("c")
    often("d")
    await world.given(stored_call("p"), queued("t", ("root2", "p")))
    await world.serve("t", {"p": [defer(ask("c", topic="u"), ask("d", topic="u"))]})
    waits = (waiting(child, ("other60", "q", "t"), OWN) for child in "cd")
    await expect(world, stored_call("d"), *waits)


@requirement("STORE-5", "STORE-6", "WORK-7")
@pytest.mark.parametrize("kind", ["changes", "comes-and-goes"])
async def test_record_never_stands_still(world: World, kind: str) -> None:
    """The worker tries 100 or 101 times, says so, and takes the next message."""
    seen = 0

    async def change(_: Step) -> None:
        nonlocal seen
        seen += 1
        if kind == "comes-and-goes" and seen % 2 == 0:
            await world.remove(RECORD)
        else:
            await world.given(waiting("c", (f"other{seen}", "q", "t")))

    world.before(writes(RECORD), change)
    await world.given(stored_call("h"))
    world.actors.learn({"h": response(b"v")})
    await register(world, queued("t", ("root1", "h")))
    await expect_report(world, "CAS_EXHAUSTED")
    assert 100 <= attempts(world, RECORD) <= 101
    assert await world.queue("u") == []
    assert await world.stored("value/h") == b"v"
