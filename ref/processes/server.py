# SPDX-License-Identifier: AGPL-3.0-only
"""A private redis-server that can be killed and started again."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redis import Redis, RedisError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 20.0
PAUSE = 0.01


@dataclass(slots=True)
class Server:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    redis: Redis = field(init=False)

    def __post_init__(self) -> None:
        self.redis = Redis(port=self.port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def restart(self) -> None:
        """Kill it, and start it again on what it has written down."""
        self.process.kill()
        self.process.wait()
        self.redis.close()
        self.process = start(self.folder, self.port)
        until_up(self.redis)


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "dir": folder,
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "logfile": folder / "log",
    }
    words = [
        word for key, value in options.items() for word in (f"--{key}", str(value))
    ]
    return subprocess.Popen(["redis-server", *words], stdin=subprocess.DEVNULL)


def until_up(redis: Redis) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            redis.ping()
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(folder, port, start(folder, port))
    try:
        until_up(server.redis)
        yield server
    finally:
        server.redis.close()
        server.process.kill()
        server.process.wait()
