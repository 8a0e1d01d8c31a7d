# SPDX-License-Identifier: AGPL-3.0-only
"""A private Redis for the tests of programs."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest
import redis
from programs import Server, Tool, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=tmp_path_factory.mktemp("redis"),
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline  # noqa: S101
                time.sleep(0.02)
        yield Server(f"redis://127.0.0.1:{port}", client)
    finally:
        client.close()
        process.kill()
        process.wait()


@pytest.fixture
def server(redis_server: Server) -> Server:
    """Return the Redis, empty."""
    redis_server.client.flushall()
    return redis_server


@pytest.fixture
def tool(server: Server) -> Tool:
    return Tool(server.url)
