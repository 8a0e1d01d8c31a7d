# SPDX-License-Identifier: AGPL-3.0-only
"""Roots: what a client writes when it schedules a call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    PAYLOAD,
    TASK,
    ask,
    count,
    queued,
    stored_call,
    string,
    value,
    waiting,
)
from brrr_conformance.cases._common import (
    EVERY_OCTET,
    MEBIBYTE,
    NO_EXPIRY,
    counts,
    expiry,
    held,
    noise,
    only_root,
    writes,
)
from brrr_conformance.cases._order import expect_order
from brrr_conformance.outcome import CommandFailed, NotImplementedByAdapter
from brrr_conformance.records import Call

if TYPE_CHECKING:
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("client")
requirement = pytest.mark.requirement

DAY = 24 * 60 * 60


async def expect_scheduled(
    world: World,
    topic: str = "t",
    call_hash: str = "h",
    task: str = TASK,
    payload: bytes = PAYLOAD,
) -> None:
    """Demand just one scheduled root in the database."""
    root = await only_root(world, topic)
    await world.expect(
        stored_call(call_hash, task, payload),
        count(root, 1),
        queued(topic, (root, call_hash)),
    )


# ---- the call ---------------------------------------------------------------

PAYLOADS = {
    "text": b'[1,"x"]',
    "every-octet": EVERY_OCTET,
    "empty": b"",
    "like-bencode": b"e9:task_name4:evile",
    "not-utf8": b"\xff\xfe\xed\xa0\x80",
}


@requirement("SCHED-2", "REDIS-21", "STORE-1")
@pytest.mark.parametrize("name", PAYLOADS)
async def test_payload(world: World, name: str) -> None:
    """The payload is stored octet for octet: nobody but the task looks inside."""
    await world.schedule("t", ask("h", payload=PAYLOADS[name]))
    await expect_scheduled(world, payload=PAYLOADS[name])


@requirement("SCHED-2", "STORE-1")
@pytest.mark.parametrize("mebibytes", [1, 10])
@pytest.mark.store("redis")  # no item of DynamoDB is so large
async def test_big_payload(world: World, mebibytes: int) -> None:
    """A payload of many buffers is stored whole."""
    payload = noise(mebibytes * MEBIBYTE)
    await world.schedule("t", ask("h", payload=payload))
    await expect_scheduled(world, payload=payload)


TASKS = {
    "two-octets": "größe",
    "four-octets": "task-😀",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "byte-order-mark": "\ufeffleaf",
    "nul": "le\0af",
    "json-escapes": '"\\/\b\f\n\r\t\u2028\u2029\x7f',
    "percent": "%2F%00",
    "prototype": "__proto__",
    "spaces-around": "  leaf ",
    "empty": "",
    "long": "task" * 1024,
}


@requirement("SCHED-2", "REC-4", "WIRE-11")
@pytest.mark.parametrize("name", TASKS)
async def test_task_name(world: World, name: str) -> None:
    """The task's name is stored as it is: any other name is another task."""
    await world.schedule("t", ask("h", TASKS[name]))
    await expect_scheduled(world, task=TASKS[name])


HASHES = {
    "every-character": "".join(map(chr, range(0x20, 0x7F))),
    "like-a-key": "value/h",
    "slash-only": "/",
    "spaces-around": " h ",
    "glob": "*?[a]",
    "upper-case": "ABC",
    "numeric": "007",
    "long": "0123456789abcdef" * 64,
}


@requirement("REDIS-20", "SCHED-4")
@pytest.mark.parametrize("name", HASHES)
async def test_call_hash(world: World, name: str) -> None:
    """The call_hash stands in key and message as it is, whatever it looks like."""
    await world.schedule("t", ask(HASHES[name]))
    await expect_scheduled(world, call_hash=HASHES[name])


@requirement("REDIS-20", "SCHED-4")
@pytest.mark.store("redis")  # DynamoDB has no key of no octets
async def test_call_hash_is_empty(world: World) -> None:
    """A call_hash of no octets is one like any other."""
    await world.schedule("t", ask(""))
    await expect_scheduled(world, call_hash="")


@requirement("SCHED-2")
async def test_call_replaces_an_older_one(world: World) -> None:
    """The call that is stored is the one that was scheduled last."""
    await world.given(stored_call("h", "old", b"old"))
    await world.schedule("t", ask("h", "new", b"new"))
    await expect_scheduled(world, task="new", payload=b"new")


@requirement("SCHED-2")
async def test_call_is_written_before_its_message(world: World) -> None:
    """A worker may take the message at once, and must find the call."""
    await world.schedule("t", ask("h"))
    expect_order(world, writes("call/h"), writes("t"))


@requirement("REDIS-23", "REDIS-11")
async def test_nothing_expires(world: World) -> None:
    """A call stays until it is removed, a counter for a day at least."""
    await world.schedule("t", ask("h"))
    root = await only_root(world, "t")
    assert await expiry(world, "call/h") == NO_EXPIRY
    left = await expiry(world, f"brrr_count/{root}")
    assert left == NO_EXPIRY or left >= DAY - 60


# ---- the message ------------------------------------------------------------

TOPICS = {
    "spaces": " two words ",
    "upper-case": "Topic",
    "slashes-colons": "a/b:c//d",
    "two-octets": "größe",
    "emoji": "👩\u200d💻",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "newline": "a\r\nb",
    "nul": "a\0b",
    "glob": "t*[a]?{b}",
    "count-without-slash": "brrr_count",
    "begins-like-call": "callback",
    "call-inside": "my/call/x",
    "long": "topic" * 205,
}


@requirement("REDIS-3", "SCHED-4")
@pytest.mark.parametrize("name", TOPICS)
async def test_topic(world: World, name: str) -> None:
    """The list is at the topic itself, whatever the topic holds."""
    await world.schedule(TOPICS[name], ask("h"))
    await expect_scheduled(world, topic=TOPICS[name])


@requirement("QUEUE-1", "SCHED-4")
async def test_topic_that_begins_like_another(world: World) -> None:
    """Nothing goes to a topic that is only the beginning of the one asked for."""
    await world.given(queued("t", ("root1", "z")))
    await world.schedule("t2", ask("h"))
    root = await only_root(world, "t2")
    await world.expect(
        stored_call("h"),
        count(root, 1),
        queued("t", ("root1", "z")),
        queued("t2", (root, "h")),
    )


@requirement("REDIS-1")
async def test_message_goes_behind_older_ones(world: World) -> None:
    """A put is an append: the head of the list is the oldest message."""
    await world.given(queued("t", ("root1", "y"), ("root2", "z")))
    for name in ("a", "b", "c"):
        await world.schedule("t", ask(name))
    hashes = [message.call_hash for message in await world.queue("t")]
    assert hashes == ["y", "z", "a", "b", "c"]


@requirement("SCHED-10")
async def test_counted_before_it_is_put(world: World) -> None:
    """What is put uncounted when the client dies would escape the limit."""
    await world.schedule("t", ask("h"))
    expect_order(world, counts, writes("t"))


# ---- the root ---------------------------------------------------------------


@requirement("SCHED-3", "SCHED-4", "SCHED-10")
async def test_same_call_twice(world: World) -> None:
    """A call without a value, scheduled again, is a second root with a message."""
    await world.schedule("t", ask("h"))
    await world.schedule("t", ask("h"))
    roots = [message.root_id for message in await world.queue("t")]
    assert len(roots) == len(set(roots)) == 2, f"the roots are {roots}"
    first, second = roots
    await world.expect(
        stored_call("h"),
        count(first, 1),
        count(second, 1),
        queued("t", (first, "h"), (second, "h")),
    )


@requirement("SCHED-3")
async def test_same_call_at_the_same_time(world: World) -> None:
    """A root_id made of call and time would come twice."""
    await asyncio.gather(*(world.schedule("t", ask("h")) for _ in range(30)))
    roots = {message.root_id for message in await world.queue("t")}
    assert len(roots) == 30, f"the roots are {sorted(roots)}"


@requirement("SCHED-3")
async def test_roots_of_two_clients(world: World) -> None:
    """No root_id comes twice, not even from two processes that start alike."""
    for _ in range(2):
        for number in range(10):
            await world.schedule("t", ask(f"h{number}"))
        world.new_client()
    roots = [message.root_id for message in await world.queue("t")]
    assert len(set(roots)) == len(roots) == 20
    counters = await world.redis.execute_command(
        "MGET", *[f"brrr_count/{root}" for root in roots]
    )
    assert counters == [b"1"] * 20


@requirement("SCHED-3", "SCHED-4", "CACHE-1")
async def test_schedules_at_the_same_time(world: World) -> None:
    """Each of many schedules under way is a call, a root and a message of its own."""
    names = [f"h{number:02}" for number in range(30)]
    await world.schedule("u", ask("first"))
    await asyncio.gather(*(world.schedule("t", ask(name)) for name in names))
    messages = await world.queue("t")
    assert sorted(message.call_hash for message in messages) == names
    roots = {message.root_id for message in messages}
    assert len(roots) == len(names)
    for name in names:
        assert await world.stored(f"call/{name}") == Call(PAYLOAD, TASK).encode()
    for root in roots:
        assert await world.stored(f"brrr_count/{root}") == b"1"


# ---- a value that is there --------------------------------------------------


@requirement("SCHED-1")
@pytest.mark.parametrize("octets", [b"v", b""], ids=["one-octet", "zero-octets"])
async def test_value_exists(world: World, octets: bytes) -> None:
    """A call with a value is done: nothing is written, not even its call."""
    before = (value("h", octets), stored_call("h", "old"), queued("t", ("root1", "z")))
    await world.given(*before)
    await world.schedule("t", ask("h", "new"))
    await world.expect(*before)


@requirement("SCHED-1")
async def test_value_comes_later(world: World) -> None:
    """That a value was absent once is nothing to be remembered."""
    await world.schedule("t", ask("h"))
    root = await only_root(world, "t")
    await world.given(value("h", b"v"))
    await world.schedule("t", ask("h"))
    await world.expect(
        stored_call("h"), value("h", b"v"), count(root, 1), queued("t", (root, "h"))
    )


@requirement("STORE-2", "SCHED-4")
async def test_value_of_another_hash(world: World) -> None:
    """Only the value of this very hash counts, not one that begins like it."""
    others = [value(name, b"v") for name in held(world, "hh", "H", "", "h/")]
    await world.given(*others)
    await world.schedule("t", ask("h"))
    root = await only_root(world, "t")
    await world.expect(
        *others, stored_call("h"), count(root, 1), queued("t", (root, "h"))
    )


@requirement("STORE-2", "SCHED-4")
async def test_record_of_another_type_is_no_value(world: World) -> None:
    """A call and a list of who waits for it do not make a value."""
    pending = waiting("h", ("root1", "p", "t"))
    await world.given(stored_call("h"), pending)
    await world.schedule("t", ask("h"))
    root = await only_root(world, "t")
    await world.expect(
        stored_call("h"), pending, count(root, 1), queued("t", (root, "h"))
    )


# ---- limits -----------------------------------------------------------------


def counted(world: World, number: int) -> None:
    """Let the next root have this count already, although it is new."""

    async def preset(step: Step) -> None:
        await world.given(string(step.keys[0], b"%d" % number))

    world.before(counts, preset, times=1)


@requirement("SCHED-11")
async def test_message_10000_is_put(world: World) -> None:
    """The last message within the limit is put like any other."""
    counted(world, 9_999)
    await world.schedule("t", ask("h"))
    root = await only_root(world, "t")
    await world.expect(stored_call("h"), count(root, 10_000), queued("t", (root, "h")))


@requirement("SCHED-12")
async def test_message_10001_is_not_put(world: World) -> None:
    """The first message above the limit is refused, and the client says so."""
    counted(world, 10_000)
    with pytest.raises(CommandFailed) as caught:
        await world.schedule("t", ask("h"))
    assert caught.value.code == "SPAWN_LIMIT"
    assert await world.queue("t") == []


NO_HASHES = {
    "letter": "h\u00e9",
    "delete": "h\x7f",
    "newline": "h\n",
    "nul": "\0h",
    "fullwidth": "\uff48",
}


@requirement("REC-10")
@pytest.mark.parametrize("name", NO_HASHES)
async def test_hash_that_is_none(world: World, name: str) -> None:
    """A call that no message can name is refused, and nothing is put."""
    with pytest.raises(CommandFailed) as caught:
        await world.schedule("t", ask(NO_HASHES[name]))
    assert caught.value.code == "REFUSED"
    assert await world.queue("t") == []


@requirement("REDIS-4")
@pytest.mark.store("redis")
@pytest.mark.parametrize("kind", ["call", "value", "pending_returns", "brrr_count"])
async def test_reserved_topic(world: World, kind: str) -> None:
    """A topic that could be a record is best refused, and then nothing is written."""
    try:
        await world.schedule(f"{kind}/x", ask("h"))
    except CommandFailed:
        await world.expect()
    else:
        raise NotImplementedByAdapter(f"topic {kind}/x is not refused (a SHOULD)")
