# SPDX-License-Identifier: AGPL-3.0-only
"""Cases side by side: nothing is lost, whoever dies, and nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from conftest import OwnCases

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"

CASES = """
import pathlib, sys
from brrr_conformance import cli, session
session.CASES = pathlib.Path(sys.argv.pop(1))
cli.main()
"""
INI = (
    "[pytest]\npython_files = *.py\nasyncio_mode = auto\n"
    "addopts = -p brrr_conformance.plugin -p no:cacheprovider\n"
    "asyncio_default_fixture_loop_scope = session\n"
    "asyncio_default_test_loop_scope = session\n"
)
CASES = """
import os, signal, pytest
pytestmark = [pytest.mark.profile("wire"), pytest.mark.requirement("WIRE-1")]

@pytest.mark.parametrize("number", range(8))
async def test_case(bench, number):
    await bench.adapter()
    if number in {dying}:
        os.kill(os.getpid(), signal.SIGKILL)
    assert number != 5, "five is wrong"
"""


def judge(
    own_cases: OwnCases, dying: set[int], *words: str
) -> subprocess.CompletedProcess[str]:
    """Judge tiny by eight cases, the fifth of which fails; some end the runner."""
    command = own_cases(CASES.format(dying=dying or "()"), *words)
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )


def results(file: Path) -> list[tuple[str, str]]:
    table: dict[str, Any] = json.loads(file.read_text())
    assert table["adapters"][0]["sdk"] == "tiny"  # the Welcome got through
    return [(each["id"], each["status"]) for each in table["results"]]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_order_is_that_of_the_cases(
    own_cases: OwnCases, tmp_path: Path, jobs: int
) -> None:
    report, junit = tmp_path / "report.json", tmp_path / "junit.xml"
    words = ["--json", str(report), "--junit", str(junit), "--jobs", str(jobs)]
    done = judge(own_cases, set(), *words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.endswith("7 passed, 1 failed\n")
    assert "AssertionError" not in done.stdout
    assert "five is wrong\nassert 5 != 5\n" in done.stdout
    assert "tiny             some                 7 done, 1 FAILED" in done.stdout
    due = [
        (f"some.case[{each}]", "failed" if each == 5 else "passed") for each in range(8)
    ]
    assert results(report) == due
    assert len(list(ElementTree.parse(junit).iter("testcase"))) == 8  # noqa: S314


def test_runner_that_dies_in_a_case(own_cases: OwnCases, tmp_path: Path) -> None:
    """It is that case's, and another takes over: every case is told of."""
    report = tmp_path / "report.json"
    done = judge(own_cases, {0, 6, 7}, "--json", str(report), "--jobs", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.endswith("4 passed, 4 failed\n")
    assert "own process died in this case (-9)" in done.stdout
    wrong = {0: "harness error", 6: "harness error", 7: "harness error", 5: "failed"}
    due = [(f"some.case[{each}]", wrong.get(each, "passed")) for each in range(8)]
    assert results(report) == due


def test_runner_that_dies_in_every_case(own_cases: OwnCases) -> None:
    done = judge(own_cases, set(range(8)), "--jobs", "2")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the runner's own processes die" in done.stderr


def test_no_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = subprocess.run(
        [COMMAND, "run", TINY, "-k", "reading", "--jobs", "2"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("redis-server is not on the PATH") == 1


# ---- the end ----------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("how", ["terminal", "term", "kill"])
def test_stopped_run_leaves_nothing_behind(how: str, jobs: int) -> None:
    words = [str(COMMAND), "run", str(TINY), "--profile", "worker"]
    words += ["--jobs", str(jobs)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
    children: list[int] = []
    # Each hand has the guard of a Redis, that Redis, and an adapter.
    while len(children) < 4 * jobs - (jobs == 1):
        assert process.poll() is None
        children = descendants(process.pid)
    if how == "terminal":  # Ctrl-C is for everybody in the foreground
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM if how == "term" else signal.SIGKILL)
    assert process.wait(30) == (-9 if how == "kill" else 130)
    deadline = time.monotonic() + (30 if how == "kill" else 5)
    while any(map(lives, children)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(lives, children))


def lives(pid: int) -> bool:
    """Tell whether there is such a process, and it is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def descendants(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it may end just now
            for child in map(int, path.read_text().split()):
                found += [child, *descendants(child)]
    return found
