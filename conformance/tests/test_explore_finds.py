# SPDX-License-Identifier: AGPL-3.0-only
"""SDKs that are wrong in a race only: the explorer finds each, and shows how.

Each is adapters/tiny with a step changed; played one after the other, its commands
do what they should.
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

SET_FOR_CAS = """
swap = tiny.Brrr.swap
async def set_for_cas(self, key, old, new):
    if new is None:
        return await swap(self, key, old, new)
    await self.do("SET", key, new)
    return True
tiny.Brrr.swap = set_for_cas
"""

DEL_FOR_CAD = """
swap = tiny.Brrr.swap
async def del_for_cad(self, key, old, new):
    if new is not None:
        return await swap(self, key, old, new)
    await self.do("DEL", key)
    return True
tiny.Brrr.swap = del_for_cad
"""

RETURNS_AGAIN = """
async def finish(self, job, value):
    await self.brrr.do("SET", f"value/{job.call_hash}", value)
    key = f"pending_returns/{job.call_hash}"
    while (octets := await self.brrr.get(key)) is not None:
        for parent in self.decoder.decode(tiny.PendingReturns, octets).returns:
            await self.put_return(parent)
        if await self.brrr.swap(key, octets, None):
            break
tiny.Worker.finish = finish
"""

PUTS_FIRST = """
async def defer(self, job, asks):
    parent = tiny.PendingReturn(job.root_id, job.call_hash, self.topic)
    for child in self.children(asks):
        await self.brrr.set_call(child)
        if await self.brrr.get(f"pending_returns/{child.call_hash}") is None:
            await self.brrr.put_job(child.topic, job.root_id, child.call_hash)
        await self.add_pending_return(child.call_hash, parent)
tiny.Worker.defer = defer
"""

LOOKS_FIRST = """
async def defer(self, job, asks):
    parent = tiny.PendingReturn(job.root_id, job.call_hash, self.topic)
    for child in self.children(asks):
        known = await self.brrr.get(f"call/{child.call_hash}")
        await self.brrr.set_call(child)
        if await self.brrr.get(f"value/{child.call_hash}") is not None:
            await self.brrr.put_job(self.topic, job.root_id, job.call_hash)
        elif await self.add_pending_return(child.call_hash, parent) and not known:
            await self.brrr.put_job(child.topic, job.root_id, child.call_hash)
tiny.Worker.defer = defer
"""

PUTS_EVERY_TIME = """
must_put = tiny.Worker.must_put
def put_again(self, old, parent):
    again = old and any(it != parent and it[1:] == parent[1:] for it in old.returns)
    return bool(again) or must_put(self, old, parent)
tiny.Worker.must_put = put_again
"""

# What is wrong; the case that shows it, how that begins, and what the schedule holds.
WRONG = {
    "set-for-cas": (
        SET_FOR_CAS,
        "two_parents_of_one_child and not 3",
        "waits for ever: all is quiet, and it has no value",
        "set pending_returns/c",
    ),
    "del-for-cad": (
        DEL_FOR_CAD,
        "second_parent",
        "q waits for ever: all is quiet, and it has no value",
        "remove pending_returns/c",
    ),
    "returns-again-after-a-mismatch": (
        RETURNS_AGAIN,
        "second_parent",
        "2 messages under root1: 1 are due at most",
        "put t (root1, p) #2",
    ),
    "puts-before-it-registers": (
        PUTS_FIRST,
        "two_parents_of_one_child and not 3",
        "waits for ever: all is quiet, and it has no value",
        "put t (root1, c)",
    ),
    "looks-before-it-registers": (
        LOOKS_FIRST,
        "late_parent",
        "p waits for ever: all is quiet, and it has no value",
        "set_new pending_returns/c",
    ),
    "puts-every-time": (
        PUTS_EVERY_TIME,
        "two_roots_registered",
        "are due at most",
        "put t (root1, c)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_found(name: str, spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    code, case, headline, step = WRONG[name]
    report = tmp_path / "report.json"
    words: list[str | Path] = [COMMAND, "run", spoil_tiny(code), "--json", report]
    words += ["-k", f"interleavings and {case}"]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout
    [result] = json.loads(report.read_text())["results"]
    message: str = result["message"]
    assert headline in message.partition("\n")[0], message
    assert step in message, message
    assert message.count("schedule (") == 1, message
    assert "but not again" not in message
