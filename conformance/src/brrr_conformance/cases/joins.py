# SPDX-License-Identifier: AGPL-3.0-only
"""Cheap joins: a worker that saves runs and reads ends as one that does not.

The cases hold for every worker: each handler may run as often as a plain worker
would have it run, and need not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    NOW,
    ask,
    count,
    fail,
    queued,
    response,
    stored_call,
    string,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    expect_report,
    putting,
    take_all,
    writes,
)
from brrr_conformance.graph import Graph, Node, expect_done
from brrr_conformance.script import gather, sequence

if TYPE_CHECKING:
    from brrr_conformance.script import Handler
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

# ---- skip -------------------------------------------------------------------

LATE = ("root1", "p", "u")


async def repeat(world: World, *before: State, octets: bytes = b"v") -> None:
    """Let a message come for a call that has its value."""
    await world.given(stored_call("c"), value("c", octets), *before)
    await world.given(queued("t", ("root1", "c")))
    await world.serve("t", {"c": response(octets)})


@requirement("WORK-20", "RET-2", "RET-4")
@pytest.mark.parametrize("octets", [b"v", b""], ids=["some", "zero"])
async def test_late_parents(world: World, octets: bytes) -> None:
    """All who came too late for the value are woken, and the record is removed."""
    others = [("root2", "p", "w"), ("root2", "q", "x")]
    await repeat(world, waiting("c", LATE, *others), octets=octets)
    await world.expect(
        stored_call("c"),
        value("c", octets),
        count("root1", 1),
        count("root2", 2),
        queued("u", ("root1", "p")),
        queued("w", ("root2", "p")),
        queued("x", ("root2", "q")),
    )


@requirement("WORK-20", "RET-3", "RET-4")
async def test_later_parent_comes_meanwhile(world: World) -> None:
    """It registers while the others are put: it is put too, and nobody twice."""
    record = "pending_returns/c"
    both = waiting("c", LATE, ("root2", "q", "w"))
    world.before(writes(record), putting(world, both), times=1)
    await repeat(world, waiting("c", LATE))
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        count("root1", 1),
        count("root2", 1),
        queued("u", ("root1", "p")),
        queued("w", ("root2", "q")),
    )


@requirement("WORK-20", "RET-5")
async def test_late_parent_over_the_limit(world: World) -> None:
    """It is dropped and reported, the others are put, the record is removed."""
    record = waiting("c", LATE, ("root2", "q", "w"))
    await repeat(world, record, count("root1", 10_000))
    await expect_report(world, "SPAWN_LIMIT")
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        count("root1", 10_001),
        count("root2", 1),
        queued("w", ("root2", "q")),
    )


@requirement("WORK-20", "WORK-9")
async def test_record_of_late_parents_is_none(world: World) -> None:
    """It is reported and left, as after a run."""
    record = string("pending_returns/c", b"d7:returnslli1e5:root11:q1:teee"[:-1])
    await repeat(world, record)
    await expect_report(world, "REFUSED")
    await world.expect(stored_call("c"), value("c", b"v"), record)


# ---- watch ------------------------------------------------------------------

# Parent p of topic t needs a and b, whose topic nobody serves.
ASKS = (ask("a", topic="u"), ask("b", topic="u"))
BOTH = [("root1", "a"), ("root1", "b")]
CALLS = stored_call("p") + stored_call("a") + stored_call("b")


def waits(child: str, root: str = "root1") -> State:
    return waiting(child, (root, "p", "t"), scheduled_at=NOW)


async def run_first(
    world: World, handler: Handler | None = None, puts: int = 2
) -> None:
    """Let p run for the first time, and lose what it puts."""
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    await world.serve("t", {"p": handler or gather(*ASKS)})
    assert await take_all(world, "u") == BOTH[:puts]


async def wake(world: World, *states: State, root: str = "root1") -> None:
    """Let another message for p come, when this is in the database."""
    await world.given(*states)
    await world.given(queued("t", (root, "p")))
    await world.quiet()


@requirement("WORK-21", "SCHED-28")
async def test_other_child_is_missing(world: World) -> None:
    """The parent waits for it already, and nothing is put."""
    await run_first(world)
    await wake(world, value("a", b"1"))
    await world.expect(
        CALLS, value("a", b"1"), waits("a"), waits("b"), count("root1", 2)
    )


@requirement("WORK-21", "SCHED-24")
async def test_other_child_has_lost_its_record(world: World) -> None:
    """The parent registers anew, and the child is put on its own topic."""
    await run_first(world)
    await world.remove("pending_returns/b")
    await wake(world, value("a", b"1"))
    await world.expect(
        CALLS,
        value("a", b"1"),
        waits("a"),
        waits("b"),
        count("root1", 3),
        queued("u", ("root1", "b")),
    )


@requirement("SCHED-31", "WORK-21")
async def test_other_child_cannot_be_put(world: World) -> None:
    """It has lost its record, and the root has spent its budget: that is reported."""
    await run_first(world)
    await world.remove("pending_returns/b")
    await world.given(count("root1", 10_000))
    await wake(world, value("a", b"1"))
    await world.expect(
        CALLS,
        value("a", b"1"),
        waits("a"),
        waits("b"),
        count("root1", 10_001),
        problems=["SPAWN_LIMIT"],
    )


OTHERS = {
    "another-parent": (("root1", "q", "t"), 2),
    "the-parent-under-another-root": (("root0", "p", "t"), 3),
    "the-parent-on-another-topic": (("root1", "p", "w"), 2),
}


@requirement("WORK-21", "SCHED-25", "SCHED-27", "SCHED-28")
@pytest.mark.parametrize("name", OTHERS)
async def test_others_wait_for_the_other_child(world: World, name: str) -> None:
    """The parent is added; whether the child is put is as in any defer."""
    other, counted = OTHERS[name]
    await run_first(world)
    await world.remove("pending_returns/b")
    await wake(world, value("a", b"1"), waiting("b", other))
    put = [queued("u", ("root1", "b"))] if counted > 2 else []
    await world.expect(
        CALLS,
        value("a", b"1"),
        waits("a"),
        waiting("b", other, ("root1", "p", "t")),
        count("root1", counted),
        *put,
    )


@requirement("WORK-21", "SCHED-26", "STORE-3")
async def test_record_of_the_other_child_changes_meanwhile(world: World) -> None:
    """Nobody who waits for it is lost."""
    q, r = ("root1", "q", "t"), ("root1", "r", "t")
    await run_first(world)
    await world.remove("pending_returns/b")
    theirs = putting(world, waiting("b", q, r))
    world.before(writes("pending_returns/b"), theirs, times=1)
    await wake(world, value("a", b"1"), waiting("b", q))
    await world.expect(
        CALLS,
        value("a", b"1"),
        waits("a"),
        waiting("b", q, r, ("root1", "p", "t")),
        count("root1", 2),
    )


@requirement("WORK-21", "WORK-9")
async def test_record_of_the_other_child_is_none(world: World) -> None:
    """It is reported and left as it is."""
    broken = string("pending_returns/b", b"d7:returnslli1e5:root11:q1:teee"[:-1])
    await run_first(world)
    await wake(world, value("a", b"1"), broken)
    await expect_report(world, "REFUSED")
    await world.expect(CALLS, value("a", b"1"), waits("a"), broken, count("root1", 2))


@requirement("WORK-21")
async def test_both_children_have_lost_their_records(world: World) -> None:
    """The parent waits for one of them at least, and that one is put."""
    await run_first(world)
    await world.remove("pending_returns/a")
    await world.remove("pending_returns/b")
    await wake(world)
    put = await take_all(world, "u")
    assert put, "nobody will wake the parent"
    assert set(put) <= set(BOTH)
    assert await world.stored("brrr_count/root1") == b"%d" % (2 + len(put))
    for _, child in put:
        assert await world.stored(f"pending_returns/{child}")


@requirement("WORK-21", "RET-1")
@pytest.mark.parametrize("gone", ["before-the-look", "after-the-look"])
async def test_other_child_finishes_meanwhile(world: World, gone: str) -> None:
    """Whether the parent is in the record in time or not, it is woken in the end."""
    record = "pending_returns/b"

    async def finish(_: Step) -> None:
        await world.given(value("b", b"2"))
        if await world.stored(record):
            await world.remove(record)
            await world.given(queued("t", ("root1", "p")))

    await run_first(world)
    hook = world.before if gone == "before-the-look" else world.after
    hook(lambda step: step.touches(record), finish, times=1)
    await wake(world, value("a", b"1"))
    await world.serve("u", {"b": response(b"2")})
    assert await world.stored("value/p") == b"1,2"
    assert await world.queue("t") == []


@requirement("WORK-22")
@pytest.mark.parametrize("octets", [b"1", b""], ids=["some", "zero"])
async def test_no_child_is_missing(world: World, octets: bytes) -> None:
    """The handler runs, and has its value."""
    await run_first(world)
    await wake(world, value("a", octets), value("b", octets))
    assert await world.stored("value/p") == octets + b"," + octets
    assert [call.call_hash for call in world.invocations] == ["p", "p"]


@requirement("WORK-21", "WORK-22")
@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_values_come_one_by_one(world: World, order: str) -> None:
    """Whichever comes first, and however often the parent is woken in between."""
    await run_first(world)
    for child in order:
        await wake(world)
        await wake(world, value(child, child.encode()))
    assert await world.stored("value/p") == b"a,b"


@requirement("WORK-21", "WORK-22")
async def test_next_run_needs_another_child(world: World) -> None:
    """What was missing at the last run counts, not what was at the first."""
    await run_first(world, sequence(*ASKS), 1)
    await wake(world, value("a", b"1"))
    assert await take_all(world, "u") == [("root1", "b")]
    await world.remove("pending_returns/b")
    await wake(world)
    assert await take_all(world, "u") == [("root1", "b")]
    await wake(world, value("b", b"2"))
    assert await world.stored("value/p") == b"1,2"


@requirement("WORK-22", "WORK-6")
async def test_handler_fails_when_no_child_is_missing(world: World) -> None:
    """A later message runs it again."""
    tries = iter([gather(*ASKS), lambda _: fail(), gather(*ASKS)])
    await run_first(world, lambda call: next(tries)(call), 2)
    await wake(world, value("a", b"1"), value("b", b"2"))
    await expect_report(world, "HANDLER_FAILED")
    await wake(world)
    assert await world.stored("value/p") == b"1,2"


# ---- a new root -------------------------------------------------------------


@requirement("WORK-22", "SCHED-22", "SCHED-27", "SCHED-24")
@pytest.mark.parametrize("records", ["kept", "lost", "one-lost"])
@pytest.mark.parametrize("woken", [False, True], ids=["at-once", "after-a-wake-up"])
async def test_new_root(world: World, records: str, woken: bool) -> None:
    """It registers with every child and puts it, whatever was seen under the old."""
    await run_first(world)
    if woken:
        await wake(world)
    for child in {"kept": "", "lost": "ab", "one-lost": "a"}[records]:
        await world.remove(f"pending_returns/{child}")
    await wake(world, root="root2")
    assert await take_all(world, "u") == [("root2", "a"), ("root2", "b")]
    for child in "ab":
        octets = await world.stored(f"pending_returns/{child}") or b""
        assert b"li1e5:root21:p1:te" in octets, f"not in the record of {child}"
    assert await world.stored("brrr_count/root2") == b"2"


@requirement("WORK-22", "SCHED-27")
async def test_old_root_after_a_new_one(world: World) -> None:
    """Each root is woken and run for itself; the value comes once to both."""
    await run_first(world)
    await wake(world, root="root2")
    await take_all(world, "u")
    await wake(world, value("a", b"1"))
    await wake(world, value("b", b"2"), root="root2")
    await wake(world)
    assert await world.stored("value/p") == b"1,2"


@requirement("WORK-22", "SCHED-27")
async def test_new_root_recovers_lost_children(world: World) -> None:
    """Some children are done, the messages of others were lost: all ends well."""
    children = {name: Node(topic="u") for name in "abcde"}
    graph = Graph({"p": Node(tuple(children))} | children)
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    await world.serve("t", graph.rules())
    await take_all(world, "u")
    await world.given(queued("u", ("root1", "b"), ("root1", "d")))
    await world.serve("u")
    await world.given(queued("t", ("root2", "p")))
    await world.quiet()
    await expect_done(world, graph, uncounted=4, most=4 + 4 * 2 * 5)
