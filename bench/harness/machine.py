# SPDX-License-Identifier: AGPL-3.0-only
"""Where all of it runs: paths, a private Redis, processes that take one run a line."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "bench"
PROGRAM = OUT / "cmake" / "bench" / "brrr-bench"
LIBTORRENT = OUT / "cmake" / "bench" / "brrr-bench-libtorrent"
NODE = OUT / "node"
PEERS = ROOT / "bench" / "peers"

START_SECONDS = 10.0
RUN_SECONDS = 120.0

Measures = dict[str, float]
"""What a run has printed: jobs, seconds, cpu_seconds; or nanoseconds."""


class BenchError(Exception):
    pass


def program(*args: object) -> str:
    """Run brrr-bench; give what it has printed."""
    return command(PROGRAM, *args)


def command(*words: object) -> str:
    texts = [str(word) for word in words]
    try:
        done = subprocess.run(
            texts, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{' '.join(texts)}: not within {RUN_SECONDS:g} s") from error
    if done.returncode:
        raise BenchError(f"{' '.join(texts)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def measures(text: str) -> Measures:
    values: Measures = json.loads(text)
    return values


@dataclass(frozen=True, slots=True)
class Redis:
    port: int

    def ask(self, *words: object) -> str:
        return command("redis-cli", "-p", self.port, *words)

    def clear(self) -> None:
        self.ask("FLUSHALL")

    def load(self, jobs: int, *, parents: bool) -> None:
        program("load", self.port, jobs, int(parents))


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@contextlib.contextmanager
def redis_server() -> Iterator[Redis]:
    """Start a private server without persistence, and stop it in the end."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="brrr-bench-") as folder:
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(port)]
        words += ["--save", "", "--appendonly", "no", "--dir", folder]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
            try:
                wait_for(port, process)
                yield Redis(port)
            finally:
                process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1),
        ):
            return
        time.sleep(0.02)
    raise BenchError("redis-server does not start")


class Peer:
    """A process that stays, and so gets warm: one line of JSON for each run."""

    def __init__(self, *words: object) -> None:
        self.words = [str(word) for word in words]
        self.process = subprocess.Popen(
            self.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"NODE_ENV": "production"},
        )

    def run(self, **options: Any) -> Measures:
        if not self.process.stdin or not self.process.stdout:
            raise BenchError("a peer without pipes")
        try:
            print(json.dumps(options), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise BenchError(f"{' '.join(self.words)} has ended: {options}")
        return measures(line)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def node_peer(name: str, redis: Redis) -> Peer:
    return Peer("node", PEERS / name, NODE, redis.port)


def typescript_sdk(redis: Redis) -> Peer | None:
    home = os.environ.get("BRRR_TYPESCRIPT_SDK")
    if not home:
        return None
    node = Path(home) / "node_modules" / ".bin" / "node"
    return Peer(node, PEERS / "typescript.mts", redis.port)


def python_sdk(redis: Redis) -> Peer | None:
    home = os.environ.get("BRRR_PYTHON_SDK")
    if not home:
        return None
    return Peer(Path(home) / "bin" / "python", PEERS / "python.py", redis.port)
