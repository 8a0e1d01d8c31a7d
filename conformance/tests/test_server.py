# SPDX-License-Identifier: AGPL-3.0-only
"""The Redis of a run: ours is gone afterwards, the user's is left as it was."""

from __future__ import annotations

import asyncio
import signal
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from brrr_conformance.outcome import HarnessError
from brrr_conformance.server import foreign_server, private_server

if TYPE_CHECKING:
    from brrr_conformance.server import Server


async def is_there(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_private_server_ends() -> None:
    async with private_server() as server:
        assert await is_there(server.port)
        assert await server.redis.config_get("save") == {"save": ""}
        assert await server.redis.config_get("bind") == {"bind": "127.0.0.1"}
    assert not await is_there(server.port)


async def test_two_at_once() -> None:
    async with private_server() as first, private_server() as second:
        assert first.port != second.port


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_ends_with_a_runner_that_is_killed(how: signal.Signals) -> None:
    code = """
        import asyncio
        from brrr_conformance.server import private_server
        async def main():
            async with private_server() as server:
                folder = (await server.redis.config_get("dir"))["dir"]
                print(server.port, folder, flush=True)
                await asyncio.sleep(1000)
        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(code), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode().split()
    port, folder = int(line[0]), Path(line[1])
    assert await is_there(port)
    process.send_signal(how)
    await process.wait()
    async with asyncio.timeout(5):
        while await is_there(port) or folder.exists():
            await asyncio.sleep(0.01)


async def test_database_that_is_empty(server: Server) -> None:
    url = f"redis://127.0.0.1:{server.port}/5"
    async with foreign_server(url) as foreign:
        assert foreign.url(1234) == "redis://127.0.0.1:1234/5"
        await foreign.redis.set("a", b"1")
        assert await server.redis.get("a") is None  # another database
    async with Redis(port=server.port, db=5) as redis:
        assert await redis.dbsize() == 0


async def test_database_that_is_not_empty(server: Server) -> None:
    await server.redis.set("precious", b"1")
    with pytest.raises(HarnessError, match="holds 1 keys"):
        async with foreign_server(f"redis://127.0.0.1:{server.port}/0"):
            pass
    assert await server.redis.get("precious") == b"1"


@pytest.mark.parametrize(
    "url", ["http://x/", "redis:///0", "redis://:secret@h/0", "redis://h/x", "x"]
)
async def test_not_a_url(url: str) -> None:
    with pytest.raises(HarnessError):
        async with foreign_server(url):
            pass


async def test_nobody_there() -> None:
    with pytest.raises(HarnessError, match="redis://127.0.0.1:1/0"):
        async with foreign_server("redis://127.0.0.1:1/0"):
            pass


async def test_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    with pytest.raises(HarnessError, match="apt install redis-server"):
        async with private_server():
            pass


@pytest.mark.parametrize("persistent", [True, False])
async def test_restart(persistent: bool) -> None:
    """It is killed and comes back, at its port, with what it had on disk."""
    async with private_server(persistent=persistent) as server:
        await server.redis.set("k", b"v")
        await server.restart()
        assert await server.redis.get("k") == (b"v" if persistent else None)


async def test_restart_of_another(server: Server) -> None:
    url = f"redis://127.0.0.1:{server.port}/0"
    async with foreign_server(url) as other:
        with pytest.raises(HarnessError, match="not ours"):
            await other.restart()
