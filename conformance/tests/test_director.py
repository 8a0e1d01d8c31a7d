# SPDX-License-Identifier: AGPL-3.0-only
"""Rules on a real Redis: what they do to commands and replies, and what is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from redis import RedisError, WatchError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError

from brrr_conformance.commands import Kind
from brrr_conformance.director import (
    CUT_AFTER,
    CUT_BEFORE,
    DONE,
    EVERYTHING,
    Rules,
    answer,
    by,
    compares,
    delay,
    delay_reply,
    deny,
    does,
    drop_reply,
    hold,
    hold_reply,
    opens,
    puts,
    step,
)
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.tap import Tap, Trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.server import Server

KEY = "pending_returns/c"
SETS_A, SETS_B = does(Kind.SET, key="value/a"), does(Kind.SET, key="value/b")
M = ScheduleMessage("root1", "c").encode()
OTHERS = step(lambda it: it.name not in ("LPOP", "RPUSH"))
MOMENT = 0.05


class Stage:
    """A tap that plays rules, and clients behind it."""

    def __init__(self, tap: Tap, port: int, rules: Rules):
        self.tap, self.port, self.rules = tap, port, rules

    def client(self) -> Any:
        return Redis(
            port=self.port,
            single_connection_client=True,
            retry=Retry(NoBackoff(), 0),
        )

    @property
    def told(self) -> list[str]:
        return [each.text for each in self.tap.trace.interventions]


@pytest.fixture
async def stage(server: Server) -> AsyncIterator[Stage]:
    tap = Tap(server.host, server.port)
    trace = Trace()
    rules = Rules(trace)
    tap.attach("w", trace, rules)
    yield Stage(tap, await tap.start(), rules)
    assert trace.error is None
    await tap.stop()


@pytest.mark.parametrize(("action", "stored"), [(CUT_BEFORE, None), (CUT_AFTER, b"1")])
async def test_cut(
    stage: Stage, server: Server, action: Any, stored: bytes | None
) -> None:
    """Before, Redis never sees the command; after, it does: no reply either way."""
    rule = stage.rules.rule(SETS_A, action, times=1)
    async with stage.client() as redis, stage.client() as other:
        with pytest.raises(RedisError):
            await redis.set("value/a", b"1")
        assert await other.get("value/a") == stored, "only that connection is cut"
        await other.set("value/a", b"2")
    assert await server.redis.get("value/a") == b"2"
    assert rule.played == 1
    assert stage.told == [f"{action.name}: set value/a"]


async def test_answer(stage: Stage, server: Server) -> None:
    """The error comes in its turn, and Redis is never asked."""
    stage.rules.rule(SETS_A, answer("READONLY no writes here"), times=1)
    async with stage.client() as redis:
        pipeline = redis.pipeline(transaction=False)
        pipeline.set("value/b", b"1")
        pipeline.set("value/a", b"1")
        pipeline.get("value/b")
        before, error, after = await pipeline.execute(raise_on_error=False)
        assert (before, after) == (True, b"1")
        assert isinstance(error, RedisError)
        assert "no writes here" in str(error)
        assert await redis.get("value/a") is None
    assert await server.redis.get("value/a") is None
    names = [frame.step.name for frame in stage.tap.trace.frames if not frame.reply]
    assert names[-4:] == ["SET", "SET", "GET", "GET"]


async def test_answer_to_a_transaction(stage: Stage) -> None:
    """None of it is done, and the connection is as good as before."""
    stage.rules.rule(compares(KEY), answer("OOM"), times=1)
    async with stage.client() as redis, redis.pipeline() as pipeline:
        await pipeline.watch(KEY)
        await pipeline.get(KEY)
        pipeline.multi()
        pipeline.set(KEY, b"1")
        with pytest.raises(OutOfMemoryError):
            await pipeline.execute()
        await pipeline.reset()
        assert await redis.get(KEY) is None


@pytest.mark.parametrize("how", ["transaction", "script", "nx"])
async def test_deny(stage: Stage, server: Server, how: str) -> None:
    """Another writes first, so that the compare-and-set is a mismatch in truth."""

    async def write() -> None:
        await server.redis.set(KEY, b"theirs")

    stage.rules.rule(compares(KEY), deny(write), times=1)
    async with stage.client() as redis:
        if how == "transaction":
            async with redis.pipeline() as pipeline:
                await pipeline.watch(KEY)
                await pipeline.get(KEY)
                pipeline.multi()
                pipeline.set(KEY, b"ours")
                with pytest.raises(WatchError):
                    await pipeline.execute()
        elif how == "script":
            await redis.get(KEY)
            swap = "return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0"
            assert await redis.eval(swap, 1, KEY, b"d1:ae", b"d1:be") == 0
        else:
            assert await redis.set(KEY, b"ours", nx=True) is None
    assert await server.redis.get(KEY) == b"theirs"
    [told] = stage.told
    assert told.startswith("denied: another was first: ")
    assert told.endswith(KEY)


@pytest.mark.parametrize("keep", [hold, hold_reply])
async def test_hold(stage: Stage, server: Server, keep: Any) -> None:
    """A command is kept back, or its reply: until the event, others go on."""
    go = asyncio.Event()
    stage.rules.rule(SETS_A, keep(go))
    async with stage.client() as redis, stage.client() as other:
        held = asyncio.ensure_future(redis.set("value/a", b"1"))
        while not stage.told:
            await stage.tap.trace.changed(stage.tap.trace.events, 1)
        await other.set("value/b", b"2")
        expected = b"1" if keep is hold_reply else None
        assert await server.redis.get("value/a") == expected
        assert not held.done()
        go.set()
        assert await held is True


async def test_hold_ends_by_itself(stage: Stage) -> None:
    stage.rules.rule(SETS_A, hold(asyncio.Event(), MOMENT))
    async with stage.client() as redis:
        assert await redis.set("value/a", b"1") is True


async def test_order(stage: Stage) -> None:
    """What comes then waits for what comes first, whoever sends it."""
    stage.rules.order(SETS_A, SETS_B, most=5)
    done: list[str] = []

    async def write(redis: Any, key: str) -> None:
        await redis.set(key, b"1")
        done.append(key)

    async with stage.client() as redis, stage.client() as other:
        then = asyncio.ensure_future(write(other, "value/b"))
        while not stage.told:
            await stage.tap.trace.changed(stage.tap.trace.events, 1)
        await write(redis, "value/a")
        await then
    assert done == ["value/a", "value/b"]


@pytest.mark.parametrize("action", [delay(MOMENT), delay_reply(MOMENT)])
async def test_delay(stage: Stage, action: Any) -> None:
    stage.rules.rule(SETS_A, action)
    async with stage.client() as redis:
        start = asyncio.get_running_loop().time()
        await redis.set("value/a", b"1")
        assert asyncio.get_running_loop().time() - start >= MOMENT


async def test_dropped_reply(stage: Stage, server: Server) -> None:
    stage.rules.rule(SETS_A, drop_reply(MOMENT))
    async with stage.client() as redis:
        with pytest.raises(RedisError):
            await redis.set("value/a", b"1")
    assert await server.redis.get("value/a") == b"1"


async def test_matches(stage: Stage) -> None:
    """They are put together, and what is done can be told apart from an attempt."""
    taken = asyncio.Event()
    all_seen = stage.rules.rule(EVERYTHING & ~OTHERS, hold_reply(taken, 0))
    put = stage.rules.rule(puts("c") & by("w"), delay(0))
    never = stage.rules.rule(puts("d") | puts("c", "root2") | by("x"), delay(0))
    popped = stage.rules.rule(does(Kind.POP, key="t") & DONE, opens(taken))
    async with stage.client() as redis:
        assert await redis.lpop("t") is None
        assert popped.played == 0
        await redis.rpush("t", M)
        assert await redis.lpop("t") == M
    assert (all_seen.played, put.played, never.played, popped.played) == (3, 1, 0, 1)
    assert taken.is_set()


async def test_what_is_told(stage: Stage) -> None:
    """The trace shows what was done where it was done."""
    stage.rules.rule(SETS_A, answer("OOM"))
    async with stage.client() as redis:
        await redis.get("value/a")
        with pytest.raises(OutOfMemoryError):
            await redis.set("value/a", b"1")
    shown = [line.split(maxsplit=3)[3] for line in stage.tap.trace.lines(2)]
    assert shown == [
        "* answered OOM: set value/a",
        "> SET value/a 1",
        "< -OOM",
    ]
