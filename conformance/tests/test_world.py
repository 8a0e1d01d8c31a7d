# SPDX-License-Identifier: AGPL-3.0-only
"""What cases are written in, with a real SDK: it must also see what is wrong."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import (
    ask,
    count,
    defer,
    fail,
    queued,
    response,
    stored_call,
    value,
)
from brrr_conformance.config import load_adapter
from brrr_conformance.outcome import (
    AdapterBroken,
    AdapterTimeout,
    CaseFailed,
    CommandFailed,
    HarnessError,
)
from brrr_conformance.pool import Pool
from brrr_conformance.script import UnexpectedInvocation, gather
from brrr_conformance.world import World
from conftest import gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from brrr_conformance.script import Answer, Call
    from brrr_conformance.server import Server
    from brrr_conformance.step import Step
    from conftest import MakeAdapter, SpoilTiny


TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"


@pytest.fixture
async def pool(server: Server) -> AsyncIterator[Pool]:
    pool = Pool(server)
    yield pool
    await pool.end()


def make_world(pool: Pool, folder: Path = TINY) -> World:
    config = load_adapter(folder)
    return World(
        pool=pool,
        client_config=config,
        worker_configs=[config],
        redis=pool.server.redis,
    )


@pytest.fixture
async def world(pool: Pool) -> AsyncIterator[World]:
    world = make_world(pool)
    yield world
    await world.end()


ONE = (stored_call("h"), queued("t", ("root1", "h")))
DONE = (stored_call("h"), value("h", b"v"))


async def test_whole_graph(world: World) -> None:
    await world.schedule("t", ask("p"))
    leaves = {"a": response(b"1"), "b": response(b"2")}
    await world.serve("t", {"p": gather("a", "b"), **leaves}, workers=2)
    assert await world.read("p") == b"1,2"
    (root,) = await world.redis.keys("brrr_count/*")
    calls = [stored_call(name) for name in "abp"]
    values = [value("a", b"1"), value("b", b"2"), value("p", b"1,2")]
    counted = count(root.decode().partition("/")[2], 5)
    await world.expect(*calls, *values, counted)
    workers = {frame.worker for frame in world.frames}
    assert workers == {"client", "worker-1", "worker-2"}


async def test_state_that_is_not_as_expected(world: World) -> None:
    await world.given(*ONE)
    await world.serve("t", {"h": response(b"v")})
    with pytest.raises(
        CaseFailed, match=r"(?s)- STRING value/h w\n\+ STRING value/h v"
    ):
        await world.expect(stored_call("h"), value("h", b"w"))
    await world.expect(*DONE)


async def test_problem_that_is_not_expected(world: World) -> None:
    await world.given(*ONE)
    await world.serve("t", {"h": fail("on purpose")})
    with pytest.raises(CaseFailed, match=r"(?s)got:.*HANDLER_FAILED: .*on purpose"):
        await world.expect(stored_call("h"))


async def test_problem_that_does_not_come(world: World) -> None:
    await world.given(*ONE)
    await world.serve("t", {"h": response(b"v")})
    with pytest.raises(CaseFailed, match="expected problems: REFUSED; got:\nnone"):
        await world.expect(*DONE, problems=["REFUSED"])


async def test_answer_that_nobody_asks_for(world: World) -> None:
    await world.given(*ONE)
    await world.serve("t", {"h": [response(b"v"), response(b"w")]})
    with pytest.raises(CaseFailed, match=r"not invoked as often as due: \{'h': 1\}"):
        await world.expect(*DONE)


@pytest.mark.parametrize("script", [{}, {"h": [defer("h")]}])
async def test_invocation_that_nobody_expects(
    world: World, script: dict[str, list[Answer]]
) -> None:
    await world.given(*ONE)
    with pytest.raises(UnexpectedInvocation):
        await world.serve("t", script)


async def test_handler_of_the_case_that_fails(world: World) -> None:
    def broken(_: Call) -> Answer:
        raise ValueError("mine")

    await world.given(*ONE)
    with pytest.raises(HarnessError, match="mine"):
        await world.serve("t", {"h": broken})


async def test_slow_handler_is_not_quiet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it hang: it is the runner that takes its time."""
    going = asyncio.Event()

    async def slow(_: Call) -> Answer:
        await going.wait()
        return response(b"v")

    await world.given(*ONE)
    await world.start("t", {"h": slow})
    while not world.answering:
        await asyncio.sleep(0.01)
    with monkeypatch.context() as hasty:
        hasty.setattr("brrr_conformance.world.STALL_SECONDS", 0.1)
        quiet = asyncio.create_task(world.quiet())
        done, _ = await asyncio.wait([quiet], timeout=0.5)
        assert not done
    going.set()
    await quiet
    await world.expect(*DONE)


async def test_worker_that_gets_no_cpu_is_not_quiet(
    pool: Pool, spoil_tiny: SpoilTiny
) -> None:
    """It waits for a message, too; but it has yet to go on with the first one."""
    code = "take, tasks = tiny.Worker.take, []"
    code += "\nasync def start(*it): tasks.append(asyncio.create_task(take(*it)))"
    world = make_world(pool, spoil_tiny(f"{code}\ntiny.Worker.take = start"))
    stopped = asyncio.Event()

    async def stop(_: Step) -> None:
        os.kill(process.pid, signal.SIGSTOP)
        stopped.set()

    (worker,) = await world.start("t", {"h": response(b"v")}, concurrency=2)
    process = worker.member.adapter.process
    world.before(lambda step: step.writes("value/h"), stop)
    await world.given(*ONE)
    await stopped.wait()
    quiet = asyncio.create_task(world.quiet())
    done, _ = await asyncio.wait([quiet], timeout=0.3)
    os.kill(process.pid, signal.SIGCONT)
    assert not done
    await quiet
    await world.expect(*DONE)
    await world.end()


async def test_worker_that_stops(world: World) -> None:
    await world.given(queued("t", b"x", b"y"))
    (worker,) = await world.serve("t", stop=True)
    assert worker.ended
    assert worker.failure is not None
    await world.expect(queued("t", b"y"), problems=["REFUSED"])


async def test_command_that_fails(world: World) -> None:
    with pytest.raises(CommandFailed, match="schedule failed: REFUSED"):
        await world.schedule("t", ask("\n"))


async def test_mismatch_by_a_hook(world: World) -> None:
    """The hook's write is there before the SDK's own arrives."""

    async def interfere(_: Step) -> None:
        await world.given(value("h", b"theirs"))

    await world.given(*ONE)
    world.before(lambda step: step.writes("value/h"), interfere, times=1)
    await world.serve("t", {"h": response(b"ours")})
    await world.expect(stored_call("h"), value("h", b"ours"))


async def test_processes_are_used_again(pool: Pool) -> None:
    pids = []
    for _ in range(3):
        await pool.server.redis.flushdb()
        world = make_world(pool)
        await world.given(*ONE)
        (worker,) = await world.serve("t", {"h": response(b"v")})
        await world.expect(*DONE)
        pids.append(worker.member.adapter.process.pid)
        await world.end()
    assert len(set(pids)) == 1


async def test_no_message_is_lost_to_a_worker_that_has_gone(pool: Pool) -> None:
    """Redis must not serve the blocked pop of the case before."""
    for number in range(20):
        await pool.server.redis.flushdb()
        world = make_world(pool)
        await world.start("t", {"h": response(b"v")})
        await world.given(*ONE)
        await world.quiet()
        await world.expect(*DONE)
        await world.end()
        await pool.server.redis.rpush("t", b"%d" % number)
        assert await pool.server.redis.llen("t") == 1


OTHER_TOPIC = {"reply": {"invocation": {"invocation": 1, "topic": "u"}}}


async def test_invocation_of_another_topic(
    pool: Pool, make_adapter: MakeAdapter
) -> None:
    """It answers for a topic that it was not asked to serve."""
    world = make_world(pool, make_adapter({"serve": [OTHER_TOPIC]}))
    with pytest.raises(CaseFailed, match="invoked for topic 'u', served 't'"):
        await world.serve("t", {})
    with pytest.raises(AdapterTimeout, match="no Done to serve"):
        await world.end()


# An adapter that starts, and forgets, a process which takes messages by itself.
TAKER = """
import redis, sys
while True:
    try:
        redis.Redis.from_url(sys.argv[1]).blpop("t", 20)
    except redis.RedisError:
        pass
"""
LEAVES_A_TAKER = f"""
import subprocess
execute = adapter.Adapter.execute
async def leave(self, number, name, it):
    if name == "open":
        self.left = [sys.executable, "-c", {TAKER!r}, it["redis_url"]]
    if name == "close" and self.brrr:
        child = subprocess.Popen(self.left, stdin=subprocess.DEVNULL)
        print(child.pid, file=sys.stderr)
    return await execute(self, number, name, it)
adapter.Adapter.execute = leave
"""


async def test_child_that_outlives_close(pool: Pool, spoil_tiny: SpoilTiny) -> None:
    """It is given no message, the next case says so, and it ends with its adapter."""
    folder = spoil_tiny(LEAVES_A_TAKER)
    world = make_world(pool, folder)
    await world.given(*ONE)
    (worker,) = await world.serve("t", {"h": response(b"v")})
    await world.expect(*DONE)
    await world.end()
    child = int(worker.member.adapter.log())
    async with asyncio.timeout(10):
        while not worker.member.tap.intruded:
            await asyncio.sleep(0.01)
    await world.given(queued("t", ("root1", "h")))
    with pytest.raises(AdapterBroken, match="after the Done of an earlier Close"):
        await make_world(pool, folder).start("t")
    assert await pool.server.redis.llen("t") == 1
    await gone(child)


async def test_worker_that_hangs(
    pool: Pool, spoil_tiny: SpoilTiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brrr_conformance.world.STALL_SECONDS", 1.0)
    code = "async def hang(self, message): await asyncio.sleep(100)"
    world = make_world(pool, spoil_tiny(f"{code}\ntiny.Worker.handle = hang"))
    await world.given(*ONE)
    with pytest.raises(AdapterTimeout, match="nothing has happened for 1 s"):
        await world.serve("t", {"h": response(b"v")})
    await world.end()
