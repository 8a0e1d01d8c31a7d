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


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled(name: str, spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    requirement, code, status = SPOILED[name]
    report = tmp_path / "report.json"
    folder = spoil_tiny(code)
    words: list[str | Path] = [
        COMMAND,
        "run",
        folder,
        "-k",
        requirement,
        "--json",
        report,
    ]
    if status != "failed":  # one case is enough: each takes its time
        words[4] = "spec.scheduling and WORK-7 or oldest_message"
    done = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout
    table = json.loads(report.read_text())
    assert table["requirements"][requirement] == {"spoiled": status}
