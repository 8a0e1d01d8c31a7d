# SPDX-License-Identifier: AGPL-3.0-only
"""A stage that goes wrong in any way is a failure, never a gap."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
import run_tests
from counting import Tally, count_junit
from run_tests import Stage, run_stage

if TYPE_CHECKING:
    from pathlib import Path

ONE_PASSED = "<testsuite><testcase name='a'/></testsuite>"
ONE_FAILED = "<testsuite><testcase name='a'><failure/></testcase></testsuite>"


def python(code: str, *arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-c", code, *arguments]


def leave(path: Path, text: str, status: int) -> Stage:
    """Make a stage that writes results and exits."""
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    command = python(f"{code}; sys.exit({status})", path, text)
    return Stage("x", [command], [path], lambda: count_junit(path))


@pytest.mark.parametrize(
    ("text", "status", "passed", "failed"),
    [
        (ONE_PASSED, 0, 1, 0),
        (ONE_FAILED, 1, 0, 1),
        # The results say one thing, the exit status another: the worse holds.
        (ONE_PASSED, 1, 1, 1),
        (ONE_FAILED, 0, 0, 1),
        ("<testsuite/>", 0, 0, 1),
        ("<testsuite/>", 5, 0, 1),
        ("<testsuite>", 0, 0, 1),
    ],
)
def test_results_and_exit_status(
    tmp_path: Path, text: str, status: int, passed: int, failed: int
) -> None:
    tally = run_stage(leave(tmp_path / "r.xml", text, status))
    assert (tally.passed, tally.failed) == (passed, failed)


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    path.write_text(ONE_PASSED, encoding="utf-8")
    stage = Stage("x", [python("pass")], [path], lambda: count_junit(path))
    assert run_stage(stage).failed == 1


def test_a_stage_without_results_is_one_test() -> None:
    assert run_stage(Stage("x", [python("pass")])) == Tally(passed=1)
    tally = run_stage(Stage("x", [python("raise SystemExit(3)")]))
    assert (tally.passed, tally.failed) == (0, 1)
    assert "exit status 3" in tally.failures[0]


def test_the_first_command_that_fails_ends_the_stage(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    second = python("import sys, pathlib; pathlib.Path(sys.argv[1]).touch()", mark)
    stage = Stage("x", [python("raise SystemExit(1)"), second])
    assert run_stage(stage).failed == 1
    assert not mark.exists()


def test_a_missing_command_is_a_failure() -> None:
    assert run_stage(Stage("x", [["/no/such/command"]])).failed == 1


def test_a_stage_that_hangs_is_ended() -> None:
    start = time.monotonic()
    tally = run_stage(Stage("x", [python("import time; time.sleep(60)")], minutes=0.01))
    assert tally.failed == 1
    assert "not done" in tally.failures[0]
    assert time.monotonic() - start < 30


def test_every_stage_of_make_test_is_there() -> None:
    names = [stage.name for stage in run_tests.stages()]
    assert names == [
        "lint",
        "c-dev",
        "c-asan",
        "processes",
        "tools",
        "bench",
        "python",
        "conformance",
        "ahead",
        "matrix",
        "mutants",
        "gate",
    ]
