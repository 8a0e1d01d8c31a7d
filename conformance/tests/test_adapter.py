# SPDX-License-Identifier: AGPL-3.0-only
"""Adapters that misbehave, each in its own way: the runner tells them apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.adapter import Adapter, Serving
from brrr_conformance.config import load_adapter
from brrr_conformance.launch import STDERR_TAIL
from brrr_conformance.outcome import (
    AdapterBroken,
    AdapterCrashed,
    AdapterTimeout,
    CommandFailed,
    HarnessError,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.pb import records_pb2
from conftest import gone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from conftest import MakeAdapter

REFUSED = {"failure": {"code": "REFUSED", "reason": "no"}}
DECODED: dict[str, Any] = {"decoded": {"reencoded": ""}}

# What the adapter does when it is to decode; what the runner must raise and say.
MISCONDUCT = {
    "exits": ([{"exit": 3}], AdapterCrashed, "exited with status 3"),
    "exits-well": ([{"exit": 0}], AdapterCrashed, "exited with status 0"),
    "aborts": ([{"kill": 6}], AdapterCrashed, "died of SIGABRT"),
    "segfaults": ([{"kill": 11}], AdapterCrashed, "died of SIGSEGV"),
    "dies-in-a-line": (
        [{"raw": '{"id": 2, "de'}, {"kill": 9}],
        AdapterCrashed,
        "SIGKILL",
    ),
    "hangs": ([{"hang": True}], AdapterTimeout, "no reply to decode within 1 s"),
    "says-nothing": ([], AdapterTimeout, "no reply to decode within 1 s"),
    "garbage": ([{"raw": "hello\n"}], AdapterBroken, "not a Reply: b'hello"),
    "not-utf8": ([{"raw": '"\\ud800"\n'}], AdapterBroken, "not a Reply"),
    "empty-line": ([{"raw": "\n"}], AdapterBroken, "not a Reply"),
    "a-list": ([{"raw": "[]\n"}], AdapterBroken, "says nothing"),
    "unknown-field": ([{"reply": {"decoded": {"x": 1}}}], AdapterBroken, "not a Reply"),
    "wrong-type": (
        [{"reply": {"decoded": {"reencoded": 5}}}],
        AdapterBroken,
        "not a Reply",
    ),
    "unset": ([{"reply": {}}], AdapterBroken, "says nothing"),
    "wrong-id": ([{"reply": {**DECODED, "id": 77}}], AdapterBroken, "for command 77"),
    "old-id": ([{"reply": {**DECODED, "id": 1}}], AdapterBroken, "for command 1"),
    "wrong-kind": ([{"reply": {"found": {}}}], AdapterBroken, "decode with found"),
    "invocation": (
        [{"reply": {"invocation": {"invocation": 1}}}],
        AdapterBroken,
        "decode with invocation",
    ),
    "other-record": (
        [{"reply": {"decoded": {"call": {}, "reencoded": ""}}}],
        AdapterBroken,
        "VALUE holds call",
    ),
    "no-code": (
        [{"reply": {"failure": {"reason": "x"}}}],
        AdapterBroken,
        "without a code",
    ),
    "no-reason": (
        [{"reply": {"failure": {"code": "REFUSED"}}}],
        AdapterBroken,
        "without a reason",
    ),
    "refuses": ([{"reply": REFUSED}], CommandFailed, "REFUSED: no"),
    "not-implemented": (
        [{"reply": {"failure": {"code": "NOT_IMPLEMENTED", "reason": "none here"}}}],
        NotImplementedByAdapter,
        "none here",
    ),
}


async def start(
    make_adapter: MakeAdapter, *, seconds: float = 10.0, **plan: Any
) -> Adapter:
    return await Adapter.start(load_adapter(make_adapter(plan, timeout=seconds)))


@pytest.mark.parametrize("name", MISCONDUCT)
async def test_misconduct(make_adapter: MakeAdapter, name: str) -> None:
    actions, expected, words = MISCONDUCT[name]
    silent = expected is AdapterTimeout
    adapter = await start(make_adapter, seconds=1 if silent else 10, decode=actions)
    try:
        with pytest.raises(expected, match=words):
            await adapter.decode(pb.VALUE, b"le")
        harmless = expected in (CommandFailed, NotImplementedByAdapter)
        assert (adapter.error is None) == harmless
        if not harmless:  # nothing that it says from now on counts
            with pytest.raises(expected, match=words):
                await adapter.decode(pb.VALUE, b"le")
    finally:
        await adapter.end()
    assert adapter.process.returncode is not None


async def test_replies_twice(make_adapter: MakeAdapter) -> None:
    twice = [{"reply": DECODED}, {"reply": DECODED}]
    adapter = await start(make_adapter, decode=twice)
    with pytest.raises(AdapterBroken, match="which waits for none|second reply"):
        await adapter.decode(pb.VALUE, b"le")
        await adapter.decode(pb.VALUE, b"le")
    await adapter.end()


async def test_answers_before_it_is_asked(make_adapter: MakeAdapter) -> None:
    early = [{"reply": {"done": {}}}, {"reply": {**DECODED, "id": 3}}]
    adapter = await start(make_adapter, open=early)
    broken = asyncio.Event()
    adapter.on_error = broken.set
    await adapter.open("redis://127.0.0.1:1/0")
    await asyncio.wait_for(broken.wait(), 5)
    with pytest.raises(AdapterBroken, match="for command 3, which waits for none"):
        await adapter.decode(pb.VALUE, b"le")
    await adapter.end()


async def test_replies_in_another_order(make_adapter: MakeAdapter) -> None:
    swapped = [
        {"wait": True},
        {"reply": {"found": {"value": "Mg=="}, "id": 3}},
        {"reply": {"found": {"value": "MQ=="}, "id": 2}},
    ]
    adapter = await start(make_adapter, read=swapped)
    first, second = await asyncio.gather(adapter.read("a"), adapter.read("b"))
    assert (first, second) == (b"1", b"2")
    assert await adapter.end() == 0


async def test_value_of_zero_octets_is_not_absent(make_adapter: MakeAdapter) -> None:
    adapter = await start(make_adapter, read=[{"reply": {"found": {"value": ""}}}])
    assert await adapter.read("a") == b""
    await adapter.end()


@pytest.mark.parametrize(
    ("hello", "expected", "words"),
    [
        ([{"exit": 1}], AdapterCrashed, "status 1"),
        ([], AdapterTimeout, "no reply to hello"),
        ([{"reply": {"welcome": {"protocol": 2}}}], AdapterBroken, "speaks protocol 2"),
        ([{"raw": "usage: mini\n"}], AdapterBroken, "usage: mini"),
    ],
)
async def test_does_not_greet(
    make_adapter: MakeAdapter,
    monkeypatch: pytest.MonkeyPatch,
    hello: list[Any],
    expected: type[Exception],
    words: str,
) -> None:
    seconds = 1.0 if expected is AdapterTimeout else 10.0
    monkeypatch.setattr("brrr_conformance.adapter.START_SECONDS", seconds)
    with pytest.raises(expected, match=words):
        await start(make_adapter, hello=hello)


@pytest.mark.parametrize(("seconds", "deadline"), [(0.5, 10.0), (2.0, 1.0)])
async def test_slow_start(
    make_adapter: MakeAdapter,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    deadline: float,
) -> None:
    """Within the deadline it is one like any other; beyond it, a time-out."""
    monkeypatch.setattr("brrr_conformance.adapter.START_SECONDS", deadline)
    welcome = {"protocol": 1, "sdk": "mini", "version": "0", "language": "x"}
    slow = [{"sleep": seconds}, {"reply": {"welcome": welcome}}]
    if seconds > deadline:
        with pytest.raises(AdapterTimeout, match="no reply to hello within 1 s"):
            await start(make_adapter, hello=slow)
        return
    adapter = await start(make_adapter, hello=slow)
    assert adapter.welcome.sdk == "mini"
    assert await adapter.end() == 0


async def test_flood_of_standard_error(make_adapter: MakeAdapter) -> None:
    """It is never full, and its end is what is kept."""
    flood = [{"flood": 8 << 20}, {"reply": DECODED}]
    adapter = await start(make_adapter, decode=flood)
    assert (await adapter.decode(pb.VALUE, b"le")).reencoded == b""
    assert await adapter.end() == 0
    assert adapter.log().endswith("the end")
    assert len(adapter.log()) == STDERR_TAIL


CALL, RECORD = b"d7:payload0:9:task_name1:te", records_pb2.Call(task_name="t")
PENDING, NOBODY = b"d7:returnslee", records_pb2.PendingReturns()
CLAIMS: dict[str, tuple[str, Callable[[Adapter], Awaitable[Any]]]] = {
    "schedules": ("client", lambda it: it.read("h")),
    "has-a-codec": ("codec-json", lambda it: it.encode_value(pb.Json(text=b"1"))),
    "runs-tasks": ("program", lambda it: it.read_task("hello", b"[]")),
    "encodes": ("wire", lambda it: it.encode(pb.Encode(call=RECORD))),
    "decodes": ("wire worker", lambda it: it.decode(pb.CALL, CALL)),
    "waits": ("wire worker", lambda it: it.encode(pb.Encode(pending_returns=NOBODY))),
    "keeps": ("durable", lambda it: it.open("redis://x", dead_after_ms=800)),
}
NOT_CLAIMED: dict[str, tuple[str, Callable[[Adapter], Awaitable[Any]]]] = {
    **{name: ("", use) for name, (_, use) in CLAIMS.items()},
    "no-generic-reader": ("wire worker", lambda it: it.decode(pb.VALUE, b"le")),
    "no-client-decodes": ("wire client", lambda it: it.decode(pb.CALL, CALL)),
    "no-client-waits": (
        "wire client",
        lambda it: it.decode(pb.PENDING_RETURNS, PENDING),
    ),
    "no-such-store": (
        "durable",
        lambda it: it.open("redis://x", pb.DynamoDb(table="t"), dead_after_ms=800),
    ),
}
LACKING = [{"reply": {"failure": {"code": "NOT_IMPLEMENTED", "reason": "none"}}}]
COMMANDS = ("read", "encode_value", "read_task", "encode", "decode", "open")


@pytest.mark.parametrize("name", CLAIMS)
async def test_claim_is_a_promise(make_adapter: MakeAdapter, name: str) -> None:
    """Who claims a profile cannot lack what belongs to it."""
    profiles, use = CLAIMS[name]
    folder = make_adapter(dict.fromkeys(COMMANDS, LACKING), profiles=profiles.split())
    adapter = await Adapter.start(load_adapter(folder))
    said = f"claims {profiles.replace(' ', ' and ')}, and replies NOT_IMPLEMENTED"
    with pytest.raises(AdapterBroken, match=said):
        await use(adapter)
    assert await adapter.end() == 0


@pytest.mark.parametrize("name", NOT_CLAIMED)
async def test_what_is_not_claimed_may_be_lacking(
    make_adapter: MakeAdapter, name: str
) -> None:
    profiles, use = NOT_CLAIMED[name]
    folder = make_adapter(dict.fromkeys(COMMANDS, LACKING), profiles=profiles.split())
    adapter = await Adapter.start(load_adapter(folder))
    with pytest.raises(NotImplementedByAdapter):
        await use(adapter)
    assert await adapter.end() == 0


async def test_program_that_is_not_there(make_adapter: MakeAdapter) -> None:
    folder = make_adapter({}, command=["./none"])
    with pytest.raises(HarnessError, match="cannot start .*none: No such file"):
        await Adapter.start(load_adapter(folder))


async def test_standard_error_is_kept(make_adapter: MakeAdapter) -> None:
    dying = [{"stderr": "the reason is this"}, {"kill": 6}]
    adapter = await start(make_adapter, decode=dying)
    with pytest.raises(AdapterCrashed):
        await adapter.decode(pb.VALUE, b"le")
    await adapter.end()
    assert "the reason is this" in adapter.log()


async def test_great_frames_both_ways(make_adapter: MakeAdapter) -> None:
    octets = bytes(range(256)) * 65536
    adapter = await start(make_adapter)
    assert (await adapter.decode(pb.VALUE, octets)).reencoded == b""
    await adapter.end()


async def test_child_that_lives_on(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    """A program that an adapter has started ends with it, though it ended first."""
    file = tmp_path / "pid"
    adapter = await start(make_adapter, end=[{"child": str(file)}, {"exit": 4}])
    assert await adapter.end() == 4
    await gone(int(file.read_text()))


@pytest.mark.parametrize(("end", "status"), [([], 0), ([{"exit": 4}], 4)])
async def test_end_of_input(
    make_adapter: MakeAdapter, end: list[Any], status: int
) -> None:
    adapter = await start(make_adapter, end=end)
    assert await adapter.end() == status


# ---- serving ----------------------------------------------------------------


class Listener:
    """Hears of everything that a Serve sends."""

    def __init__(self, policy: pb.OnProblem = pb.GO_ON) -> None:
        self.invocations: list[pb.Invocation] = []
        self.problems: list[pb.Failure] = []
        self.serving = Serving(
            "t",
            lambda _, invocation: self.invocations.append(invocation),
            lambda _, failure: self.problems.append(failure),
            lambda _: None,
            policy,
        )


INVOCATION = {"reply": {"invocation": {"invocation": 1, "topic": "t"}}}
PROBLEM = {"reply": {"problem": {"code": "REFUSED", "reason": "bad"}}}
DONE: dict[str, Any] = {"reply": {"done": {}}}


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        ([INVOCATION, INVOCATION], "second invocation with the number 1"),
        ([{"reply": {"found": {}}}], "replied to serve with found"),
        ([PROBLEM], "a problem while serving with STOP"),
    ],
)
async def test_serves_wrongly(
    make_adapter: MakeAdapter, serve: list[Any], words: str
) -> None:
    adapter = await start(make_adapter, serve=serve)
    listener = Listener(pb.STOP)
    await adapter.serve(listener.serving)
    with pytest.raises(AdapterBroken, match=words):
        await asyncio.wait_for(listener.serving.ended.wait(), 5)
        await adapter.read("a")
    await adapter.end()


@pytest.mark.parametrize("last", [{"reply": REFUSED}, DONE], ids=["problem", "done"])
async def test_worker_that_ends_by_itself(
    make_adapter: MakeAdapter, last: dict[str, Any]
) -> None:
    adapter = await start(make_adapter, serve=[PROBLEM, last])
    listener = Listener()
    await adapter.serve(listener.serving)
    await asyncio.wait_for(listener.serving.ended.wait(), 5)
    assert [each.reason for each in listener.problems] == ["bad"]
    assert listener.serving.failure is not None
    assert await adapter.end() == 0


async def test_dies_while_serving(make_adapter: MakeAdapter) -> None:
    adapter = await start(make_adapter, serve=[INVOCATION, {"kill": 11}])
    listener = Listener()
    await adapter.serve(listener.serving)
    await asyncio.wait_for(listener.serving.ended.wait(), 5)
    assert isinstance(adapter.error, AdapterCrashed)
    await adapter.end()


@pytest.mark.parametrize(
    ("close", "expected", "words"),
    [
        ([{"exit": 1}], AdapterCrashed, "status 1"),
        ([{"hang": True}], AdapterTimeout, "no reply to close"),
        ([DONE], AdapterTimeout, "no Done to serve after close"),
    ],
)
async def test_close(
    make_adapter: MakeAdapter,
    monkeypatch: pytest.MonkeyPatch,
    close: list[Any],
    expected: type[Exception],
    words: str,
) -> None:
    seconds = 1.0 if expected is AdapterTimeout else 10.0
    monkeypatch.setattr("brrr_conformance.adapter.EXIT_SECONDS", seconds)
    adapter = await start(make_adapter, serve=[], close=close)
    await adapter.serve(Listener().serving)
    with pytest.raises(expected, match=words):
        await adapter.close()
    await adapter.end()
