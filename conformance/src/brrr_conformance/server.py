# SPDX-License-Identifier: AGPL-3.0-only
"""The Redis that a run works on: a private one, or the user's own, if empty."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from brrr_conformance.outcome import HarnessError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START_SECONDS = 5.0
ATTEMPTS = 3
GONE_TRIES = 500
GONE_PAUSE = 0.01  # seconds

# Starts the server in the folder $0, and ends it, and the folder, when the runner
# closes our standard input or dies, in whatever way.
GUARD = '"$@" & read -r _; kill -9 "$!"; rm -rf -- "$0"'


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    db: int
    redis: Redis
    # Of the server, such as 7.0.15.
    version: str = ""
    # If it is our own.
    own: _Private | None = None

    async def restart(self) -> None:
        """Kill a server of our own, and start it again in its place."""
        if self.own is None:
            raise HarnessError("not ours to restart")
        await self.redis.aclose(close_connection_pool=True)  # it connects again
        await self.own.kill()
        await self.own.start()
        if not await _is_ours(self.redis, self.own.folder):
            raise HarnessError("redis-server does not start again")

    def url(self, port: int) -> str:
        """Give the address of this database behind another port here (a tap)."""
        return f"redis://127.0.0.1:{port}/{self.db}"


@contextlib.asynccontextmanager
async def serve_redis(url: str | None) -> AsyncIterator[Server]:
    """Give a server with an empty database, and leave nothing behind."""
    if url is None:
        async with private_server() as server:
            yield server
    else:
        async with foreign_server(url) as server:
            yield server


@contextlib.asynccontextmanager
async def private_server(*, persistent: bool = False) -> AsyncIterator[Server]:
    """Start a redis-server of our own on a free port.

    A persistent one has on disk what it has replied to, and loses it in no restart.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise HarnessError(
            "redis-server is not on the PATH (Debian: apt install redis-server); "
            "or name an empty database with --redis URL"
        )
    with tempfile.TemporaryDirectory(prefix="brrr-redis-") as name:
        folder = os.path.realpath(name)  # noqa: ASYNC240 - once
        for _ in range(ATTEMPTS):
            own = _Private(program, folder, free_port(), persistent)
            await own.start()
            redis = _connect("127.0.0.1", own.port, 0)
            try:
                # Somebody else may have taken the port in the meantime.
                if await _is_ours(redis, folder):
                    version = await _version(redis)
                    yield Server("127.0.0.1", own.port, 0, redis, version, own)
                    return
            finally:
                await redis.aclose()
                await own.kill()
        log = Path(folder) / "log"
        text = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise HarnessError(f"redis-server does not start: {text}")


@dataclass(slots=True)
class _Private:
    """The process of a server of our own."""

    program: str
    folder: str
    port: int
    persistent: bool
    _guard: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        # fmt: off
        words = [
            self.program, "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", self.folder, "--logfile", f"{self.folder}/log", "--save", "",
            "--appendonly", "yes" if self.persistent else "no",
            "--appendfsync", "always", "--daemonize", "no",
        ]
        # fmt: on
        self._guard = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            GUARD,
            self.folder,
            *words,
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    async def kill(self) -> None:
        """End the whole session, guard and server: nothing is worth saving."""
        if self._guard is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guard.pid, signal.SIGKILL)
            await self._guard.wait()
        await _gone(self.port)


async def _gone(port: int) -> None:
    """Wait for a server that was killed, and is not a child of ours, to be gone."""
    for _ in range(GONE_TRIES):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(GONE_PAUSE)


@contextlib.asynccontextmanager
async def foreign_server(url: str) -> AsyncIterator[Server]:
    """Use the database at a URL, if it is empty; leave it empty."""
    parts = urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname or parts.password:
        raise HarnessError(
            f"{url}: not of the form redis://host:port/db (without a password)"
        )
    try:
        db = int(parts.path.strip("/") or 0)
    except ValueError as error:
        raise HarnessError(f"{url}: not a database number") from error
    host, port = parts.hostname, parts.port or 6379
    redis = _connect(host, port, db)
    try:
        try:
            size = await redis.dbsize()
        except (RedisError, OSError) as error:
            raise HarnessError(f"{url}: {error}") from error
        if size:
            raise HarnessError(
                f"{url}: the database holds {size} keys; a run empties it, so it "
                "must be empty before"
            )
        yield Server(host, port, db, redis, await _version(redis))
        await redis.flushdb()
    finally:
        await redis.aclose()


def _connect(host: str, port: int, db: int) -> Redis:
    # One connection: commands of the runner's own arrive in order.
    return Redis(
        host=host,
        port=port,
        db=db,
        single_connection_client=True,
        retry=Retry(NoBackoff(), 0),  # no second try behind our back
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _version(redis: Redis) -> str:
    answer: Any = await redis.info("server")
    return str(answer["redis_version"])


async def raw(redis: Any, *words: str | bytes | int) -> Any:
    """Send any command; redis-py has types for none of their replies."""
    return await redis.execute_command(*words)


async def _is_ours(redis: Redis, folder: str) -> bool:
    """Wait until a server answers, and tell whether it works in our folder."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(RedisError, OSError):
            answer: Any = await redis.config_get("dir")
            return bool(answer["dir"] == folder)
        await asyncio.sleep(0.02)
    return False
