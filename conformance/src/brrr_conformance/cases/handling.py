# SPDX-License-Identifier: AGPL-3.0-only
"""A message and its call: what the handler gets, and what becomes of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    PAYLOAD,
    TASK,
    ask,
    count,
    defer,
    fail,
    queued,
    response,
    stored_call,
    string,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    EVERY_OCTET,
    MEBIBYTE,
    NO_EXPIRY,
    check_message,
    expect_report,
    expiry,
    held,
    noise,
    putting,
    writes,
)
from brrr_conformance.records import ScheduleMessage

if TYPE_CHECKING:
    from brrr_conformance.script import Answer, Call, Script
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

# ---- what the handler gets --------------------------------------------------

CALLS = {
    "every-octet": (TASK, EVERY_OCTET),
    "no-payload": (TASK, b""),
    "like-bencode": (TASK, b"e9:task_name4:evile"),
    "spaces": (" leaf\t", b' [ 1.0, "\\u0061" ]\n'),
    "not-utf8": (TASK, b"\xff\xfe\xed\xa0\x80"),
    "unicode-task": ("größe-😀", PAYLOAD),
    "composed-task": ("caf\u00e9", PAYLOAD),
    "decomposed-task": ("cafe\u0301", PAYLOAD),
    "byte-order-mark": ("\ufeffleaf", PAYLOAD),
    "nul-in-task": ("le\0af", PAYLOAD),
    "prototype-task": ("__proto__", PAYLOAD),
    "empty-task": ("", PAYLOAD),
    "long-task": ("task" * 1024, PAYLOAD),
}


@requirement("WORK-2")
@pytest.mark.parametrize("name", CALLS)
async def test_handler_gets_the_call(world: World, name: str) -> None:
    """Task and payload reach the handler as they were scheduled."""
    task, payload = CALLS[name]
    await world.given(stored_call("h", task, payload), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(b"v")})
    got = [(call.call_hash, call.task, call.payload) for call in world.invocations]
    assert got == [("h", task, payload)]
    await world.expect(stored_call("h", task, payload), value("h", b"v"))


@requirement("WORK-2")
async def test_handler_gets_the_call_as_it_is_now(world: World) -> None:
    """What is stored when the message is handled counts, not what was there once."""
    await world.given(stored_call("h", "old", b"old"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": defer()})
    await world.given(stored_call("h", "new", b"new"), queued("t", ("root1", "h")))
    await world.quiet()
    got = [(call.task, call.payload) for call in world.invocations]
    assert got == [("old", b"old"), ("new", b"new")]


@requirement("WORK-2", "STORE-1")
@pytest.mark.store("redis")  # no item of DynamoDB is so large
async def test_handler_gets_ten_mebibytes(world: World) -> None:
    """A payload of many buffers reaches the handler whole."""
    payload = noise(10 * MEBIBYTE)
    await world.given(stored_call("h", payload=payload), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(b"v")})
    assert [call.payload == payload for call in world.invocations] == [True]


@requirement("WORK-2", "REDIS-20")
async def test_hash_of_every_character(world: World) -> None:
    """Each character that a hash may have stands in the keys as it is."""
    name = "".join(map(chr, range(0x20, 0x7F)))
    await world.given(stored_call(name), queued("t", ("root1", name)))
    await world.serve("t", {name: response(b"v")})
    await world.expect(stored_call(name), value(name, b"v"))


@requirement("REDIS-20")
async def test_hash_of_every_character_in_a_child(world: World) -> None:
    """The record of who waits has them in its key too, to be found and removed."""
    name = "".join(map(chr, range(0x20, 0x7F)))
    calls = stored_call("p") + stored_call(name)
    await world.given(stored_call("p"), queued("t", ("root1", "p")))
    own = [defer(ask(name, topic="u")), response(b"2")]
    rules: Script = {"p": own, name: response(b"1")}
    await world.serve("t", rules)
    assert await world.stored(f"pending_returns/{name}") is not None
    await world.serve("u")
    await world.expect(calls, value(name, b"1"), value("p", b"2"), count("root1", 2))


@requirement("WORK-2", "REC-20")
async def test_call_with_unknown_keys(world: World) -> None:
    """A later version may have added keys; the call is run, and stays as it is."""
    octets = b"d1:ai1e7:payload1:x9:task_name4:leaf1:zl1:aee"
    await world.given(string("call/h", octets), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(b"v")})
    assert [(call.task, call.payload) for call in world.invocations] == [("leaf", b"x")]
    await world.expect(string("call/h", octets), value("h", b"v"))


@requirement("WORK-3")
async def test_one_invocation_for_each_message(world: World) -> None:
    """Three messages are three invocations, however each of them ends."""
    await world.given(
        stored_call("a"),
        stored_call("b"),
        stored_call("c"),
        queued("t", ("root1", "a"), ("root1", "b"), ("root1", "c")),
    )
    await world.serve("t", {"a": response(b"v"), "b": fail(), "c": defer()})
    await expect_report(world, "HANDLER_FAILED")
    assert sorted(call.call_hash for call in world.invocations) == ["a", "b", "c"]


# ---- its value --------------------------------------------------------------

VALUES = {
    "text": b"v",
    "zero-octets": b"",
    "every-octet": EVERY_OCTET,
    "like-bencode": b"d7:payload0:9:task_name0:e",
    "like-null": b"null",
}


@requirement("REC-5", "REDIS-21", "STORE-1")
@pytest.mark.parametrize("name", VALUES)
async def test_value_is_stored(world: World, name: str) -> None:
    """The value is stored without framing, and nothing else is written or put."""
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(VALUES[name])})
    await world.expect(stored_call("h"), value("h", VALUES[name]))


@requirement("REC-5", "STORE-1")
@pytest.mark.parametrize("mebibytes", [1, 10])
@pytest.mark.store("redis")  # no item of DynamoDB is so large
async def test_big_value_is_stored(world: World, mebibytes: int) -> None:
    """A value of many buffers is stored whole."""
    octets = noise(mebibytes * MEBIBYTE)
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(octets)})
    await world.expect(stored_call("h"), value("h", octets))


@requirement("REDIS-23")
@pytest.mark.parametrize("octets", [b"v", b""], ids=["one-octet", "zero-octets"])
async def test_value_does_not_expire(world: World, octets: bytes) -> None:
    """A parent may ask for the value at any time, and would wait for ever."""
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(octets)})
    assert await expiry(world, "value/h") == NO_EXPIRY
    assert await expiry(world, "call/h") == NO_EXPIRY


@requirement("STORE-2", "REC-5")
async def test_value_beside_others(world: World) -> None:
    """A value is written at its own key, next to hashes that are like it."""
    others = [value(name, b"1") for name in held(world, "hh", "")]
    others.append(stored_call("value/h"))
    await world.given(*others, stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": response(b"v")})
    await world.expect(*others, stored_call("h"), value("h", b"v"))


# ---- duplicates -------------------------------------------------------------


@requirement("WORK-8")
async def test_message_comes_twice(world: World) -> None:
    """The second message of a call changes nothing, run again or not."""
    await world.given(stored_call("h"), queued("t", ("root1", "h"), ("root1", "h")))
    await world.serve("t", {"h": response(b"v")})
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("WORK-8")
async def test_message_of_another_root(world: World) -> None:
    """A call that has its value may be asked for by any later root."""
    before = (stored_call("h"), value("h", b"v"))
    await world.given(*before, queued("t", ("root2", "h")))
    await world.serve("t", {"h": response(b"v")})
    await world.expect(*before)


@requirement("WORK-8", "RET-2")
async def test_value_is_there_and_a_parent_waits(world: World) -> None:
    """Whoever wrote the value may have died before it woke the parent."""
    await world.given(
        stored_call("h"),
        value("h", b"v"),
        waiting("h", ("root1", "p", "u")),
        queued("t", ("root1", "h")),
    )
    await world.serve("t", {"h": response(b"v")})
    await world.expect(
        stored_call("h"),
        value("h", b"v"),
        count("root1", 1),
        queued("u", ("root1", "p")),
    )


@requirement("WORK-8", "RET-1")
async def test_value_appears_while_the_handler_runs(world: World) -> None:
    """A worker with the duplicate was faster: no error, and the value stays."""
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    world.before(writes("value/h"), putting(world, value("h", b"v")), times=1)
    await world.serve("t", {"h": response(b"v")})
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("WORK-8")
async def test_value_stays_while_the_handler_runs_again(world: World) -> None:
    """Whoever reads it meanwhile finds it."""
    read: list[bytes | None] = []

    async def handler(_: Call) -> Answer:
        read.append(await world.stored("value/h"))
        return response(b"v")

    await world.given(stored_call("h"), value("h", b"v"), queued("t", ("root2", "h")))
    await world.serve("t", {"h": handler})
    assert None not in read, "the value has gone"


@requirement("WORK-8")
async def test_many_duplicates_for_two_workers(world: World) -> None:
    """Ten messages of one call, handled at the same time, leave one value."""
    await world.given(
        stored_call("h"), queued("t", *((f"root{n}", "h") for n in range(10)))
    )
    await world.serve("t", {"h": response(b"v")}, workers=2)
    await world.expect(stored_call("h"), value("h", b"v"))


@requirement("WORK-8", "SCHED-24")
async def test_parent_runs_again_after_its_value(world: World) -> None:
    """A parent that is woken although it has its value keeps it."""
    before = (stored_call("p"), stored_call("c"), value("p", b"2"), value("c", b"1"))
    await world.given(*before, queued("t", ("root1", "p"), ("root1", "p")))
    await world.serve("t", {"p": response(b"2")})
    await world.expect(*before)


# ---- calls that cannot be run -----------------------------------------------


@requirement("WORK-5")
async def test_call_is_missing(world: World) -> None:
    """A message without a call is reported, and the next one is handled."""
    pending = waiting("gone", ("root1", "p", "u"))
    await world.given(
        pending, stored_call("h"), queued("t", ("root1", "gone"), ("root1", "h"))
    )
    await world.serve("t", {"h": response(b"v")})
    problem = await expect_report(world, "CALL_MISSING")
    check_message(problem, ScheduleMessage("root1", "gone").encode())
    await world.expect(pending, stored_call("h"), value("h", b"v"))


@requirement("WORK-5", "STORE-2")
async def test_call_of_another_hash(world: World) -> None:
    """A call belongs to its hash alone: one that is like it does not do."""
    others = [stored_call(name) for name in held(world, "hh", "H", "")]
    await world.given(*others, queued("t", ("root1", "h")))
    await world.serve("t")
    await expect_report(world, "CALL_MISSING")
    await world.expect(*others)


BAD_CALLS = {
    "no-octets": b"",
    "cut-short": b"d7:payload2:[]9:task_name4:lea",
    "octets-behind": b"d7:payload2:[]9:task_name4:leafe\n",
    "a-list": b"l2:[]4:leafe",
    "a-message": b"li2e5:root11:he",
    "no-payload": b"d9:task_name4:leafe",
    "no-task": b"d7:payload2:[]e",
    "task-not-utf8": b"d7:payload2:[]9:task_name1:\xffe",
    "negative-length": b"d7:payload-2:[]9:task_name4:leafe",
    "json": b'{"task_name":"leaf","payload":"[]"}',
}


@requirement("WORK-5")
@pytest.mark.parametrize("name", BAD_CALLS)
async def test_call_is_no_call(world: World, name: str) -> None:
    """What is stored cannot be run: it is reported, and nothing is touched."""
    before = (string("call/bad", BAD_CALLS[name]), waiting("bad", ("root1", "p", "u")))
    await world.given(
        *before, stored_call("h"), queued("t", ("root1", "bad"), ("root1", "h"))
    )
    await world.serve("t", {"h": response(b"v")})
    await expect_report(world, "REFUSED")
    await world.expect(*before, stored_call("h"), value("h", b"v"))


# ---- handlers that fail -----------------------------------------------------


@requirement("WORK-6", "WORK-3")
async def test_handler_fails(world: World) -> None:
    """A failure is reported once and writes nothing; those who wait stay."""
    before = (stored_call("h"), waiting("h", ("root1", "p", "u")))
    await world.given(*before, queued("t", ("root1", "h")))
    await world.serve("t", {"h": [fail()]})
    problem = await expect_report(world, "HANDLER_FAILED")
    check_message(problem, ScheduleMessage("root1", "h").encode())
    await world.expect(*before)


@requirement("WORK-6")
async def test_handler_fails_and_then_succeeds(world: World) -> None:
    """A later message runs the call again, and wakes those who still wait."""
    await world.given(
        stored_call("h"),
        waiting("h", ("root1", "p", "u")),
        queued("t", ("root1", "h"), ("root2", "h")),
    )
    await world.serve("t", {"h": [fail(), response(b"v")]})
    await expect_report(world, "HANDLER_FAILED")
    await world.expect(
        stored_call("h"),
        value("h", b"v"),
        count("root1", 1),
        queued("u", ("root1", "p")),
    )


@requirement("WORK-6")
async def test_handler_fails_with_odd_words(world: World) -> None:
    """Whatever the failure says, it is a failure and nothing else."""
    await world.given(stored_call("h"), queued("t", ("root1", "h")))
    await world.serve("t", {"h": [fail("größe %s {} \0 \u2028 😀" * 100)]})
    await expect_report(world, "HANDLER_FAILED")
    await world.expect(stored_call("h"))
