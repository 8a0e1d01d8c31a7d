# SPDX-License-Identifier: AGPL-3.0-only
"""SDKs that stand a fault badly: the runner says which requirement they break."""

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

# The requirement that is broken; the cases that are run; how tiny is changed.
SPOILED = {
    "library-sends-again": (
        "REDIS-24",
        "faults.at and (one-child-register-c-1-cut or one-child-put-t-1-cut)",
        """
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
init = tiny.Brrr.__init__
def init_with_retries(self, url):
    init(self, url)
    self.redis = Redis.from_url(url, retry=Retry(NoBackoff(), 3))
tiny.Brrr.__init__ = init_with_retries
""",
    ),
    "loop-ends-with-the-connection": (
        "REDIS-5",
        "faults.at and one-child-pop-t-2",
        """
get = tiny.Worker.get
async def get_or_end(self):
    try:
        return await get(self)
    except tiny.BrrrError:
        self.stopped = True
tiny.Worker.get = get_or_end
""",
    ),
    "fails-in-silence": (
        "WORK-11",
        "faults.at and one-child-set",
        """
handle = tiny.Worker.handle
async def silent(self, message):
    try:
        await handle(self, message)
    except tiny.BrrrError as error:
        if error.code != "BACKEND":
            raise
tiny.Worker.handle = silent
""",
    ),
    "goes-on-after-an-error": (
        "WORK-11",
        "faults.at and one-child-set-value",
        """
do = tiny.Brrr.do
async def lax(self, *command, on=None):
    try:
        return await do(self, *command, on=on)
    except tiny.BrrrError:
        if command[0] != "SET":
            raise
tiny.Brrr.do = lax
""",
    ),
    "record-is-removed-first": (
        "WORK-11",
        "faults.at and one-child-put-t-2",
        """
put_return = tiny.Worker.put_return
async def lax(self, parent):
    try:
        return await put_return(self, parent)
    except tiny.BrrrError as error:
        return error
tiny.Worker.put_return = lax
""",
    ),
    "no-force": (
        "QUEUE-12",
        "faults_durable.dies and one-child-register",
        "durable.DurableWorker.must_put = tiny.Worker.must_put",
    ),
    "acknowledges-what-failed": (
        "QUEUE-15",
        "faults_durable.at and one-child-set",
        "durable.DurableWorker.handle = tiny.Worker.handle",
    ),
    "tries-again-without-force": (
        "QUEUE-15",
        "faults_durable.at and one-child-register",
        "durable.DurableWorker.forced = property(lambda _: False, lambda _, it: None)",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled(name: str, spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    requirement, expression, code = SPOILED[name]
    report = tmp_path / "report.json"
    words: list[str | Path]
    words = [COMMAND, "run", spoil_tiny(code), "-k", expression, "--json", report]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout
    table = json.loads(report.read_text())["requirements"]
    assert table[requirement] == {"spoiled": "failed"}, done.stdout
