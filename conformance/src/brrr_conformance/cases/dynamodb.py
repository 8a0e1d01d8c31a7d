# SPDX-License-Identifier: AGPL-3.0-only
"""The store on DynamoDB: its items, its requests, reads that are behind, refusals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance import captured, request
from brrr_conformance.build import (
    ask,
    count,
    defer,
    queued,
    response,
    stored_call,
    value,
    waiting,
)
from brrr_conformance.cases._common import expect_report, noise, take_all, writes
from brrr_conformance.commands import Kind
from brrr_conformance.director import (
    CUT_AFTER,
    by,
    change,
    compares,
    does,
    hold,
    opens,
    step,
)
from brrr_conformance.outcome import CommandFailed
from brrr_conformance.program import Program
from brrr_conformance.script import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.script import Script
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = [pytest.mark.profile("worker"), pytest.mark.store("dynamodb")]
requirement = pytest.mark.requirement
client = pytest.mark.profile("client")

RECORD = "pending_returns/c"
PARENT = stored_call("p") + queued("t", ("root1", "p"))
CHILD = stored_call("c") + queued("t", ("root9", "c"))
ONE = waiting("c", ("root1", "p", "u"))
# Of an item, with all its names; DynamoDB counts them.
MOST = 400 * 1024
GREAT = noise(MOST)
# Of a worker, for another that may never come to what it waits for.
HELD_SECONDS = 2.0


def reads(key: str) -> Callable[[Step], bool]:
    return lambda step: step.reads(key)


def is_consistent(step: Step) -> bool:
    return request.body_of(step).get("ConsistentRead") is True


# ---- items and requests -----------------------------------------------------


@client
@requirement("DYN-1")
async def test_item_of_a_call(world: World) -> None:
    """A call is an item with key and octets, and nothing else."""
    await world.schedule("t", ask("h", "leaf", b"\x00\xff"))
    assert await world.stored("call/h") == b"d7:payload2:\x00\xff9:task_name4:leafe"


@client
@requirement("DYN-1", "SCHED-5")
@pytest.mark.parametrize("octets", [b"", b"\x00\xff"], ids=["no-octets", "no-text"])
async def test_item_of_a_value(world: World, octets: bytes) -> None:
    """A value is read from its item; one of no octets is there."""
    await world.given(value("h", octets))
    assert await world.read("h") == octets


@requirement("DYN-1")
async def test_items_of_a_child(world: World) -> None:
    """All three records of a child are items, under its one partition key."""
    await world.given(PARENT)
    await world.serve("t", {"p": [defer(ask("c", topic="u")), response(b"")]})
    assert await world.stored(RECORD) is not None
    await world.serve("u", {"c": response(b"")})
    assert await world.stored("value/c") == b""
    assert await world.stored("call/c") is not None
    assert await world.stored(RECORD) is None


@requirement("DYN-2")
@pytest.mark.parametrize("name", ["set_new", "cas", "cad"])
async def test_one_request(world: World, name: str) -> None:
    """Each is one write with a condition; there is none before or after it."""
    given, script = CONDITIONAL[name]
    await world.given(*given)
    await world.serve("t", script)
    sent = [str(request.body_of(it.step)) for it in world.commands(writes(RECORD))]
    assert len(sent) == 1, f"one request is due, got {sent}"
    assert "ConditionExpression" in sent[0]


CONDITIONAL: Mapping[str, tuple[tuple[State, ...], Script]] = {
    "set_new": ((PARENT,), {"p": defer(ask("c", topic="w"))}),
    "cas": (
        (PARENT, waiting("c", ("root1", "q", "u"))),
        {"p": defer(ask("c", topic="w"))},
    ),
    "cad": ((CHILD, ONE), {"c": response(b"v")}),
}


@requirement("DYN-2")
async def test_requests(world: World) -> None:
    """An SDK whose requests were captured sends the same today."""
    sdk = world.client_config.name
    await world.given(waiting("d", ("root2", "q", "u")), stored_call("d"))
    await world.schedule("t", ask("p"))
    await world.given(queued("t", ("root9", "d")))
    script: Script = {"p": gather("c", "d"), "c": response(b"1"), "d": response(b"2")}
    await world.serve("t", script)
    assert await world.read("p") == b"1,2"
    sent = [request.shape_of(frame.step) for frame in world.commands(is_request)]
    assert {each["operation"] for each in sent} == {
        "GETITEM",
        "PUTITEM",
        "UPDATEITEM",
        "DELETEITEM",
    }
    if sdk in captured.SDKS:
        known = [request.shape_of(step) for step, _ in captured.requests(sdk)]
        others = [each for each in sent if each not in known]
        assert not others, f"never captured: {others[0]}"


def is_request(step: Step) -> bool:
    return bool(request.body_of(step))


# ---- an error is no mismatch ------------------------------------------------

OTHER_ERRORS = {
    "no-such-table": {"TableName": "brrr-no-such-table"},
    "no-such-condition": {"ConditionExpression": "#value <> :nothing"},
}


@requirement("DYN-3", "DYN-6")
@pytest.mark.parametrize("error", OTHER_ERRORS)
@pytest.mark.parametrize("name", ["set_new", "cas"])
async def test_other_error_in_a_defer(world: World, name: str, error: str) -> None:
    """It is reported, not taken for a mismatch, and the child is not put."""
    given, script = CONDITIONAL[name]
    await world.given(*given)
    before = await world.stored(RECORD)
    fields = OTHER_ERRORS[error]
    world.rewrite(writes(RECORD), lambda step: request.with_body(step, **fields))
    await world.serve("t", script)
    await expect_report(world, "BACKEND")
    assert await world.stored(RECORD) == before
    assert await world.queue("w") == []


@requirement("DYN-3", "DYN-6")
@pytest.mark.parametrize("error", OTHER_ERRORS)
async def test_other_error_in_a_return(world: World, error: str) -> None:
    """It is reported, and the parent was put once."""
    fields = OTHER_ERRORS[error]
    world.rewrite(writes(RECORD), lambda step: request.with_body(step, **fields))
    await world.given(CHILD, ONE)
    await world.serve("t", {"c": response(b"v")})
    await expect_report(world, "BACKEND")
    await world.expect(
        stored_call("c"),
        value("c", b"v"),
        ONE,
        count("root1", 1),
        queued("u", ("root1", "p")),
    )


# ---- reads that are behind --------------------------------------------------


def lag(world: World, key: str, times: int) -> None:
    """Let so many reads of a record be behind, of a time when it was not there.

    This is what DynamoDB may do to a read without ConsistentRead, and to no other.
    """
    left = times

    def behind(step: Step) -> Step:
        nonlocal left
        if left == 0 or is_consistent(step):
            return step
        left -= 1
        elsewhere = request.item_key(key.encode() + b" of another time")
        return request.with_body(step, Key=elsewhere)

    world.rewrite(lambda step: step.name == "GETITEM" and step.reads(key), behind)


@requirement("DYN-4")
async def test_pending_returns_are_behind(world: World) -> None:
    """The parent has just been registered: whoever has its value finds it."""
    lag(world, RECORD, 1)
    await world.given(CHILD, ONE)
    await world.serve("t", {"c": response(b"v")})
    assert await take_all(world, "u") == [("root1", "p")], "the parent waits for ever"
    assert await world.stored(RECORD) is None


@requirement("SCHED-26", "STORE-3", "DYN-3")
async def test_pending_returns_are_behind_in_a_defer(world: World) -> None:
    """That is a mismatch and one more attempt: nobody is overwritten."""
    lag(world, RECORD, 1)
    await world.given(PARENT, waiting("c", ("root1", "q", "u")))
    await world.serve("t", {"p": defer(ask("c", topic="w"))})
    await world.expect(
        stored_call("p"),
        stored_call("c"),
        waiting("c", ("root1", "p", "t"), ("root1", "q", "u")),
    )


@pytest.mark.profile("program")
@requirement("DYN-8")
async def test_value_is_behind(world: World) -> None:
    """A parent that its child sends back, and whose read is behind, is not lost.

    The child goes on when the parent has done what it does.
    """
    nodes: list[Any] = [{"do": [[[1, "u"]]], "take": 0}, {"return": "v"}]
    (root,) = Program(nodes, [[0, "t"]]).edges
    task, args = root.call.task, root.call.args.encode()
    await world.schedule_task("t", task, args)
    (parent,) = [each.call_hash for each in await world.queue("t")]
    await world.serve("t", tasks=True)
    (child,) = [each.call_hash for each in await world.queue("u")]
    parent_is_done = asyncio.Event()
    is_behind = step(lambda it: not is_consistent(it) and it.reads(f"value/{child}"))
    elsewhere = request.item_key(b"value/of another time")
    lagging = change(lambda it: request.with_body(it, Key=elsewhere))
    world.director.rule(is_behind & by("worker-1"), lagging, times=1)
    ends = compares(f"pending_returns/{child}") | does(Kind.SET, key=f"value/{parent}")
    world.director.rule(ends & by("worker-1"), opens(parent_is_done))
    cad = does(Kind.CAD, key=f"pending_returns/{child}")
    world.director.rule(cad, hold(parent_is_done, HELD_SECONDS), times=1)
    await world.serve("u", tasks=True)
    assert await world.read_task(task, args) == b'"v"', "the parent waits for ever"


@requirement("DYN-5", "WORK-5")
async def test_call_is_behind(world: World) -> None:
    """A call that four reads do not show is there."""
    lag(world, "call/h", 4)
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(b"v")})
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("DYN-5", "WORK-5")
async def test_call_is_absent(world: World) -> None:
    """It is read again for a while, or once for certain, and then reported."""
    await world.given(queued("t", ("root1", "h")))
    await world.serve("t")
    await expect_report(world, "CALL_MISSING")
    read = world.commands(reads("call/h"))
    if not any(is_consistent(frame.step) for frame in read):
        assert len(read) >= 5, f"it was read {len(read)} times"
        seconds = read[-1].seconds - read[0].seconds
        assert seconds >= 0.6, f"it was read for {seconds:.3f} s"


# ---- refusals ---------------------------------------------------------------


@client
@requirement("DYN-6")
@pytest.mark.parametrize(
    "call",
    [ask("h", payload=GREAT), ask(""), ask("h" * 2049)],
    ids=["great", "no-hash", "long-hash"],
)
async def test_call_is_refused(world: World, call: pb.Ask) -> None:
    """Scheduling it fails, and there is no message for a call that is not there."""
    with pytest.raises(CommandFailed) as caught:
        await world.schedule("t", call)
    assert caught.value.code == "BACKEND"
    await world.expect()


@requirement("DYN-6")
async def test_child_is_refused(world: World) -> None:
    """Its call is too great: nobody waits for it, and it is not put."""
    await world.given(PARENT)
    await world.serve("t", {"p": defer(ask("c", payload=GREAT, topic="u"))})
    await expect_report(world, "BACKEND")
    await world.expect(stored_call("p"))


@requirement("DYN-6")
async def test_value_is_refused(world: World) -> None:
    """It is too great: whoever waits for it waits on, and is not woken in vain."""
    await world.given(CHILD, ONE)
    await world.serve("t", {"c": response(GREAT)})
    await expect_report(world, "BACKEND")
    await world.expect(stored_call("c"), ONE)


@requirement("DYN-6")
async def test_record_is_refused(world: World) -> None:
    """There is no room for one more parent: the child is not put for it."""
    record, parent = full_record(), "p" * 300
    await world.given(stored_call(parent), queued("t", ("root1", parent)), record)
    await world.serve("t", {parent: defer(ask("c", topic="w"))})
    await expect_report(world, "BACKEND")
    await world.expect(stored_call(parent), stored_call("c"), record)


def full_record() -> State:
    """Give a record which is as great as an item may be, but for a few octets."""
    return waiting("c", *((f"root{n:05}", "q" * 60, "u" * 300) for n in range(1069)))


@requirement("DYN-7", "WORK-11")
async def test_answer_to_a_registration_is_lost(world: World) -> None:
    """It was done: sent again it is a mismatch, and nobody would put the child."""
    lost = world.director.rule(compares(RECORD), CUT_AFTER, times=1)
    await world.given(PARENT)
    await world.serve("t", {"p": defer(ask("c", topic="u"))})
    assert lost.played, "nobody registers"
    put = await take_all(world, "u")
    told = [problem.code for problem in world.problems]
    world.problems.clear()
    assert put or told, "the child is not put, and nobody is told"
