# SPDX-License-Identifier: AGPL-3.0-only
"""The tap in front of a real Redis: it sees everything and changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from brrr_conformance.commands import Kind
from brrr_conformance.director import Rules, change, do, does
from brrr_conformance.step import Step
from brrr_conformance.tap import Tap, Trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.server import Server


WRITE = does(Kind.SET, Kind.SET_NEW, key="k")


@pytest.fixture
async def tap(server: Server) -> AsyncIterator[Tap]:
    tap = Tap(server.host, server.port)
    tap.attach("w", Trace(), Rules())
    yield tap
    await tap.stop()


async def connect(tap: Tap) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", await tap.start())


def command(*words: bytes) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def seen(tap: Tap) -> list[Any]:
    """Give the commands as words, and the replies as values."""
    return [
        frame.step.args if frame.reply is None else frame.reply.value
        for frame in tap.trace.frames
    ]


async def test_pipeline_in_one_packet(tap: Tap) -> None:
    reader, writer = await connect(tap)
    writer.write(command(b"SET", b"a", b"1") + command(b"INCR", b"a") + b"GET a\r\n")
    assert await reader.readexactly(len(b"+OK\r\n:2\r\n$1\r\n2\r\n"))
    commands = [args for args in seen(tap) if isinstance(args, tuple)]
    assert commands == [(b"SET", b"a", b"1"), (b"INCR", b"a"), (b"GET", b"a")]
    replies = [frame for frame in tap.trace.frames if frame.reply]
    assert [
        (frame.step.name, frame.reply.value) for frame in replies if frame.reply
    ] == [
        ("SET", b"OK"),
        ("INCR", 2),
        ("GET", b"2"),
    ]
    writer.close()


async def test_command_octet_by_octet(tap: Tap) -> None:
    reader, writer = await connect(tap)
    for octet in command(b"ECHO", b"\r\n\x00"):
        writer.write(bytes([octet]))
        await writer.drain()
    assert await reader.readexactly(9) == b"$3\r\n\r\n\x00\r\n"
    assert seen(tap) == [(b"ECHO", b"\r\n\x00"), b"\r\n\x00"]
    writer.close()


@pytest.mark.parametrize("protocol", [2, 3])
async def test_client_library(tap: Tap, protocol: int) -> None:
    """What a client gets through the tap is what Redis has, great or small."""
    url = f"redis://127.0.0.1:{await tap.start()}/0"
    async with Redis.from_url(url, protocol=protocol) as redis:
        great = bytes(range(256)) * 40960
        await redis.set("great", great)
        assert await redis.get("great") == great
        assert await redis.get("none") is None
        await redis.execute_command("HSET", "h", "f", "1")  # type: ignore[no-untyped-call]
        assert await redis.execute_command("HGETALL", "h") == {b"f": b"1"}  # type: ignore[no-untyped-call]
        assert await redis.eval("return {1, KEYS[1]}", 1, "k") == [1, b"k"]
        pipeline = redis.pipeline(transaction=True)
        pipeline.set("a", b"1")
        pipeline.get("a")
        assert await pipeline.execute() == [True, b"1"]
    great_set = next(frame for frame in tap.trace.frames if frame.step.writes("great"))
    assert len(str(great_set)) < 400


async def test_connections_apart(tap: Tap) -> None:
    port = await tap.start()
    for _ in range(2):
        async with Redis(port=port) as redis:
            await redis.ping()
    numbers = {frame.connection for frame in tap.trace.frames}
    assert numbers == {1, 2}


async def test_blocking_pop_is_seen(tap: Tap, server: Server) -> None:
    port = await tap.start()
    async with Redis(port=port) as redis:
        pop = asyncio.ensure_future(redis.blpop(["t"], 5))
        while not any(each.pops for each in tap.connections.values()):
            await tap.trace.changed(tap.trace.events, 1)
        await server.redis.rpush("t", b"m")
        assert await pop == (b"t", b"m")
        assert not any(each.pops for each in tap.connections.values())


async def test_before(tap: Tap, server: Server) -> None:
    """What is done before a command is done when Redis gets it."""
    rules = Rules()
    tap.attach("w", Trace(), rules)

    async def interfere() -> None:
        await server.redis.set("k", b"theirs")

    rules.rule(WRITE, do(interfere), times=1)
    async with Redis(port=await tap.start()) as redis:
        assert await redis.set("k", b"ours", nx=True) is None
        assert await redis.get("k") == b"theirs"
        await redis.set("k", b"ours")
        assert await redis.get("k") == b"ours"


async def test_rewrite(tap: Tap) -> None:
    rules = Rules()
    tap.attach("w", Trace(), rules)
    hurried = change(lambda step: Step((*step.args[:-1], b"0.01")))
    rules.rule(does(Kind.POP), hurried)
    async with Redis(port=await tap.start()) as redis:
        assert await asyncio.wait_for(redis.blpop(["t"], 20), 2) is None
    assert (b"BLPOP", b"t", b"0.01") in seen(tap)


async def test_rule_that_fails_is_reported(tap: Tap) -> None:
    rules = Rules()
    tap.attach("w", Trace(), rules)

    async def fail() -> None:
        raise ValueError("in the rule")

    rules.rule(WRITE, do(fail))
    async with Redis(port=await tap.start()) as redis:
        with pytest.raises(Exception, match="Connection"):
            await redis.set("k", b"v")
    assert "in the rule" in str(tap.trace.error)


async def test_client_that_hangs_up(tap: Tap) -> None:
    """In the middle of a command: no error, and Redis is left alone."""
    _, writer = await connect(tap)
    writer.write(b"*2\r\n$4\r\nECHO\r\n$10\r\nabc")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    while tap.connections:
        await tap.trace.changed(tap.trace.events, 1)
    assert tap.trace.error is None
    assert seen(tap) == []


async def test_no_redis_behind() -> None:
    tap = Tap("127.0.0.1", 1)
    tap.attach("w", Trace(), Rules())
    reader, writer = await connect(tap)
    assert await reader.read() == b""
    assert "no Redis behind the tap" in str(tap.trace.error)
    writer.close()
    await tap.stop()
