# SPDX-License-Identifier: AGPL-3.0-only
"""Processes of graph_worker, and calls for them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

ROOT = Path(__file__).resolve().parents[2]
PAUSE = 0.005
END_SECONDS = 30.0


def program(preset: str) -> Path:
    """Find the worker's program, as BRRR_GRAPH_WORKER or as CMake has built it."""
    given = os.environ.get("BRRR_GRAPH_WORKER")
    path = Path(given) if given else ROOT / "build" / preset / "ref" / "graph_worker"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: build the target graph_worker first")
    return path


@dataclass(slots=True)
class Worker:
    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> dict[str, int]:
        """End it in order; give what it counted."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=END_SECONDS)
        if self.process.returncode:
            raise AssertionError(f"the worker ended with {self.process.returncode}")
        counts: dict[str, int] = json.loads(out)
        return counts

    def memory(self, name: str) -> int:
        """Give VmRSS (now) or VmHWM (the most so far) in octets."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(each for each in status.splitlines() if each.startswith(name))
        return int(line.split()[1]) * 1024


def start(preset: str, url: str, *options: str, topic: str = "t") -> Worker:
    command = [str(program(preset)), *options, url, topic]
    return Worker(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))


@contextlib.contextmanager
def working(preset: str, url: str, *options: str) -> Iterator[Worker]:
    worker = start(preset, url, *options)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()


def call_hash(task: str, payload: str) -> str:
    return f"{task}:{payload}"


def schedule(redis: Redis, root_id: str, task: str, payload: str) -> None:
    """Schedule a root, octet for octet, as spec/scheduling.md says."""
    name = call_hash(task, payload)
    record = f"d7:payload{len(payload)}:{payload}9:task_name{len(task)}:{task}e"
    redis.set(f"call/{name}", record)
    redis.incr(f"brrr_count/{root_id}")
    redis.rpush("t", f"li2e{len(root_id)}:{root_id}{len(name)}:{name}e")


def count(redis: Redis, root_id: str) -> int:
    """Tell how many messages were put for a root."""
    return int(redis.get(f"brrr_count/{root_id}") or 0)


def until(met: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(PAUSE)


def until_value(redis: Redis, task: str, payload: str, seconds: float) -> str:
    key = f"value/{call_hash(task, payload)}"
    until(lambda: redis.strlen(key) > 0, seconds, key)
    return str(redis.get(key), "ascii")  # type: ignore[arg-type]
