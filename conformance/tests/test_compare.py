# SPDX-License-Identifier: AGPL-3.0-only
"""What changed between two reports."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from brrr_conformance.cli import app
from brrr_conformance.compare import Change, compare
from brrr_conformance.report import write_report
from sample_report import HOSTILE, sample_report

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def with_status(report: dict[str, Any], case: str, status: str) -> dict[str, Any]:
    """Let a case of c end so, and its requirements too."""
    changed = copy.deepcopy(report)
    for each in changed["results"]:
        if (each["id"], each["adapter"]) == (case, "c"):
            each |= {"status": status, "message": f"why: {HOSTILE}\nmore"}
            for name in each["requirements"]:
                changed["requirements"][name]["c"] = status
    return changed


def without(report: dict[str, Any], case: str) -> dict[str, Any]:
    changed = copy.deepcopy(report)
    changed["results"] = [each for each in changed["results"] if each["id"] != case]
    return changed


@pytest.fixture
def report() -> dict[str, Any]:
    return sample_report()


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("passed", "failed", Change.WORSE),
        ("passed", "known deviation", Change.WORSE),
        ("passed", "not implemented", Change.WORSE),
        ("known deviation", "crashed", Change.WORSE),
        ("crashed", "known deviation", Change.BETTER),
        ("harness error", "passed", Change.BETTER),
        ("failed", "timed out", Change.CHANGED),
    ],
)
def test_ranks(report: dict[str, Any], before: str, after: str, change: Change) -> None:
    case = "serving.stops"
    found = compare(with_status(report, case, before), with_status(report, case, after))
    assert [(each.name, each.is_requirement, each.change) for each in found] == [
        ("WORK-7", True, change),
        (case, False, change),
    ]
    assert all(each.adapter == "c" for each in found)


def test_same(report: dict[str, Any]) -> None:
    assert compare(report, report) == ()


def test_new_and_gone(report: dict[str, Any]) -> None:
    less = without(report, "serving.stops")
    found = compare(less, report)
    assert {(each.change, each.adapter) for each in found} == {
        (Change.NEW, "c"),
        (Change.NEW, "tiny"),
    }
    assert {each.change for each in compare(report, less)} == {Change.GONE}


def test_new_case_that_fails_makes_its_requirement_worse(
    report: dict[str, Any],
) -> None:
    less = without(report, "serving.stops")
    more = with_status(report, "serving.stops", "failed")
    changes = {(each.name, each.adapter): each.change for each in compare(less, more)}
    assert changes["WORK-7", "c"] is Change.WORSE
    assert changes["serving.stops", "c"] is Change.NEW


def test_matrices() -> None:
    def matrix(status: str) -> dict[str, Any]:
        pair = {"id": "matrix.c.tiny", "status": status, "message": ""}
        fleet = {"id": "matrix.fleet", "status": "passed", "message": ""}
        return {"schema": 1, "kind": "matrix", "pairs": [pair], "fleet": fleet}

    (found,) = compare(matrix("passed"), matrix("failed"))
    assert (found.change, found.name) == (Change.WORSE, "matrix.c.tiny")


# ---- the command ------------------------------------------------------------


def diff(folder: Path, old: Any, new: Any, *options: str) -> Result:
    for name, report in (("old", old), ("new", new)):
        write_report(folder / name, report)
    words = ["diff", str(folder / "old"), str(folder / "new"), *options]
    return CliRunner().invoke(app, words)


def test_worse_fails(tmp_path: Path, report: dict[str, Any]) -> None:
    worse = with_status(report, "serving.stops", "failed")
    done = diff(tmp_path, report, worse)
    assert done.exit_code == 1
    assert "worse: 1 requirement\n  c: WORK-7: passed → failed\n" in done.stdout
    assert "worse: 1 case\n  c: serving.stops: passed → failed\n" in done.stdout
    assert done.stdout.endswith("1 worse, 0 better, 0 changed, 0 new, 0 gone\n")
    assert "\x00" not in done.stdout
    done = diff(tmp_path, worse, report)
    assert (done.exit_code, "better: 1 case" in done.stdout) == (0, True)


def test_no_difference(tmp_path: Path, report: dict[str, Any]) -> None:
    done = diff(tmp_path, report, report)
    assert (done.exit_code, done.stdout) == (0, "no difference\n")


def test_markdown(tmp_path: Path, report: dict[str, Any]) -> None:
    """A payload ends neither a cell nor code, and is no HTML."""
    worse = with_status(report, "serving.stops", "failed")
    done = diff(tmp_path, report, worse, "--markdown")
    assert done.exit_code == 1
    rows = [line for line in done.stdout.split("\n") if "serving.stops" in line]
    (row,) = rows
    assert row.startswith("| c | `serving.stops` | passed | failed | why: &lt;/script>")
    assert row.replace("\\|", "").count("|") == 6
    assert "<img" not in done.stdout


def test_what_is_no_report(tmp_path: Path, report: dict[str, Any]) -> None:
    done = diff(tmp_path, report, {"schema": 1})
    assert done.exit_code != 0
    assert "not a report" in str(done.exception)
