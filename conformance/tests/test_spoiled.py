# SPDX-License-Identifier: AGPL-3.0-only
"""SDKs that break one rule: the runner says which.

Each is adapters/tiny with one thing changed, in a process of its own: what goes to
Redis (`send` is redis-py's own), or what becomes of a message.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"

# Calls `spoil` for each command, in place of redis-py.
COMMANDS = """
import redis.asyncio
send = redis.asyncio.Redis.execute_command
async def execute_command(self, name, *args, **kw):
    return await spoil(self, name, *args)
redis.asyncio.Redis.execute_command = execute_command
async def spoil(self, name, *args):
"""

# Calls `spoil` for each message, in place of tiny.
MESSAGES = """
import os, time
handle = tiny.Worker.handle
async def handle_spoiled(self, message):
    await spoil(self, message)
tiny.Worker.handle = handle_spoiled
async def spoil(self, message):
"""

# The requirement that is broken; how; how its cases must end.
SPOILED = {
    "puts-in-front": (
        "REDIS-1",
        COMMANDS
        + """
    return await send(self, "LPUSH" if name == "RPUSH" else name, *args)
""",
        "failed",
    ),
    "puts-twice": (
        "SCHED-29",
        COMMANDS
        + """
    if name == "RPUSH":
        await send(self, name, *args)
    return await send(self, name, *args)
""",
        "failed",
    ),
    "does-not-count": (
        "SCHED-10",
        COMMANDS
        + """
    return 1 if name == "INCR" else await send(self, name, *args)
""",
        "failed",
    ),
    "polls": (
        "REDIS-2",
        COMMANDS
        + """
    if name != "BLPOP":
        return await send(self, name, *args)
    message = await send(self, "LPOP", args[0])
    await asyncio.sleep(0.01)
    return message and [args[0], message]
""",
        "failed",
    ),
    "lets-values-expire": (
        "REDIS-23",
        COMMANDS
        + """
    expiry = ["EX", "100000"] if name == "SET" else []
    return await send(self, name, *args, *expiry)
""",
        "failed",
    ),
    "reads-zero-octets-as-absent": (
        "SCHED-5",
        COMMANDS
        + """
    return (await send(self, name, *args)) or None
""",
        "failed",
    ),
    "gives-up-at-once": ("STORE-5", "tiny.Worker.attempts = 2", "failed"),
    "swallows-problems": (
        "WORK-6",
        MESSAGES
        + """
    try:
        await handle(self, message)
    except tiny.BrrrError:
        pass
""",
        "failed",
    ),
    "handles-twice": (
        "WORK-3",
        MESSAGES
        + """
    await handle(self, message)
    await handle(self, message)
""",
        "failed",
    ),
    "dies-of-a-message": (
        "WORK-4",
        MESSAGES
        + """
    os.abort() if message == b"hello" else await handle(self, message)
""",
        "crashed",
    ),
    "hangs-at-a-message": (
        "WORK-4",
        MESSAGES
        + """
    time.sleep(100) if message == b"hello" else await handle(self, message)
""",
        "timed out",
    ),
}


# Of joins and durable queues: the requirement, the case that shows it, and how.
SPOILED_QUEUES = {
    "skips-and-delivers-nothing": (
        "WORK-20",
        "late_parents and some",
        MESSAGES
        + """
    job = self.decoder.decode(tiny.ScheduleMessage, message)
    if await self.brrr.get(f"value/{job.call_hash}") is None:
        await handle(self, message)
""",
    ),
    "watches-for-every-root": (
        "WORK-22",
        "joins.new_root and at-once-lost",
        """
defer, seen = tiny.Worker.defer, set()
async def defer_first(self, job, asks):
    await defer(self, job, asks[:1] if job.call_hash in seen else asks)
    seen.add(job.call_hash)
tiny.Worker.defer = defer_first
""",
    ),
    "does-not-register": (
        "WORK-21",
        "other_child_has_lost_its_record",
        """
defer, seen = tiny.Worker.defer, set()
async def defer_once(self, job, asks):
    if job not in seen:
        await defer(self, job, asks)
    seen.add(job)
tiny.Worker.defer = defer_once
""",
    ),
    "acknowledges-first": (
        "QUEUE-10",
        "returns_come_before",
        """
get = durable.DurableWorker.get
async def get_and_acknowledge(self):
    message = await get(self)
    if message:
        await self.done(message, None)
    return message
durable.DurableWorker.get = get_and_acknowledge
""",
    ),
    "does-not-force": (
        "QUEUE-12",
        "delivered_again_puts_every_child",
        "durable.DurableWorker.must_put = tiny.Worker.must_put",
    ),
    "beats-between-handlers": (
        "REDIS-33",
        "handler_takes_long",
        """
async def live(self):
    pass
durable.DurableWorker.live = live
""",
    ),
    "forgets-the-dead-at-once": (
        "REDIS-36",
        "message_comes_to_a_dead_worker",
        "durable.BLMOVE_MS = 0",
    ),
    "tries-for-ever": (
        "REDIS-38",
        "delivered_too_often",
        "durable.DurableWorker.most_deliveries = 99",
    ),
    "takes-from-the-wrong-end": (
        "REDIS-30",
        "how_messages_are_taken",
        COMMANDS
        + """
    args = [b"RIGHT" if each == "LEFT" else each for each in args]
    return await send(self, name, *args)
""",
    ),
    "puts-dead-letters-in-front": (
        "REDIS-40",
        "message_is_set_aside and no-message",
        "durable.DONE = durable.DONE.replace('RPUSH', 'LPUSH')",
    ),
    "leaves-the-attempts": (
        "REDIS-34",
        "messages_of_a_dead_worker or while_its_handler",
        "durable.DONE = durable.DONE.replace('HDEL', 'HEXISTS')",
    ),
}


def judge(folder: Path, expression: str, report: Path) -> dict[str, dict[str, str]]:
    """Judge a spoiled SDK; give the status of each requirement."""
    words: list[str | Path]
    words = [COMMAND, "run", folder, "-k", expression, "--json", report]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout
    table: dict[str, dict[str, str]]
    table = json.loads(report.read_text())["requirements"]
    return table


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled(name: str, spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    requirement, code, status = SPOILED[name]
    expression = requirement
    if status != "failed":  # one case is enough: each takes its time
        expression = "spec.scheduling and WORK-7 or oldest_message"
    table = judge(spoil_tiny(code), expression, tmp_path / "report.json")
    assert table[requirement] == {"spoiled": status}


@pytest.mark.parametrize("name", SPOILED_QUEUES)
def test_spoiled_queue(name: str, spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    requirement, expression, code = SPOILED_QUEUES[name]
    table = judge(spoil_tiny(code), expression, tmp_path / "report.json")
    assert table[requirement] == {"spoiled": "failed"}


def test_spoiled_close(spoil_tiny: SpoilTiny) -> None:
    """A worker that lives on in secret is found, and hurts no other case."""
    code = """
close = adapter.Adapter.close
async def linger():
    while True:
        await asyncio.sleep(0.001)
        await redis.asyncio.Redis.from_url(URL).ping()
async def close_spoiled(self):
    global URL, tasks
    arguments = self.brrr and self.brrr.redis.connection_pool.connection_kwargs
    await close(self)
    if arguments:
        URL = f"redis://127.0.0.1:{arguments['port']}"
        tasks = [asyncio.create_task(linger())]
adapter.Adapter.close = close_spoiled
"""
    words: list[str | Path] = [
        COMMAND,
        "run",
        spoil_tiny("import redis.asyncio" + code),
    ]
    words += ["-k", "scheduling and SCHED-1"]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout
    assert "connected to Redis after the Done of an earlier Close" in done.stdout
