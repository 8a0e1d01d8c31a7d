# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix, as a user sees it: SDKs that agree, one that does not, one missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.matrix.fleet import make_graphs
from brrr_conformance.matrix.pairs import PAIR

if TYPE_CHECKING:
    from conftest import MakeAdapter, SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"

# Values are written in upper case; so only who reads its own children notices.
SHOUTS = """
finish = tiny.Worker.finish
async def finish_loudly(self, job, value):
    await finish(self, job, value.upper())
tiny.Worker.finish = finish_loudly
"""
NOT_THERE: dict[str, Any] = {
    "open": [{"reply": {"failure": {"code": "NOT_IMPLEMENTED", "reason": "no SDK"}}}]
}


def play(
    report: Path, *words: str | Path
) -> tuple[subprocess.CompletedProcess[str], Any]:
    done = subprocess.run(
        [COMMAND, "matrix", *words, "--json", report],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, json.loads(report.read_text())


def statuses(table: Any) -> dict[tuple[str, str], str]:
    return {(each["caller"], each["callee"]): each["status"] for each in table["pairs"]}


def test_graphs() -> None:
    """The same for a seed, other ones for another; some calls have two parents."""
    graphs = make_graphs(1, 20)
    assert [each.nodes for each in graphs] == [
        each.nodes for each in make_graphs(1, 20)
    ]
    assert graphs[0].nodes != make_graphs(2, 1)[0].nodes
    names = [name for graph in graphs for name in graph.nodes]
    assert len(names) == len(set(names))
    assert any(graph.edges >= len(graph.nodes) for graph in graphs)


def test_pair_goes_both_ways() -> None:
    """On each topic there is a call that waits for one of the other topic."""
    topics = {name: node.topic for name, node in PAIR.nodes.items()}
    ways = {
        (node.topic, topics[child])
        for node in PAIR.nodes.values()
        for child in node.children
    }
    assert len(ways) == 4


def test_two_that_agree(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    words: list[str | Path] = [TINY, spoil_tiny(""), "--graphs", "10", "--seed", "5"]
    done, table = play(tmp_path / "new" / "report.json", *words)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("5 passed, 0 failed\n")
    assert (table["schema"], table["kind"]) == (1, "matrix")
    names = ("tiny", "spoiled")
    assert statuses(table) == {(a, b): "passed" for a in names for b in names}
    fleet = table["fleet"]
    assert (fleet["status"], fleet["graphs"], fleet["seed"]) == ("passed", 10, 5)
    assert sorted(fleet["handled"]) == ["spoiled", "tiny"]
    assert sum(fleet["handled"].values()) == fleet["messages"] > fleet["calls"]
    assert [each["name"] for each in table["adapters"]] == list(names)
    assert table["summary"]["total"] == table["summary"]["passed"] == 5


def test_one_that_spoils_values(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    words: list[str | Path] = [TINY, spoil_tiny(SHOUTS), "--graphs", "2"]
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 1
    assert statuses(table) == {
        ("tiny", "tiny"): "passed",
        ("tiny", "spoiled"): "failed",
        ("spoiled", "tiny"): "failed",
        ("spoiled", "spoiled"): "failed",
    }
    assert "FAILED matrix.tiny.spoiled: " in done.stdout
    assert "worker-1 is of tiny, worker-2 is of spoiled" in done.stdout
    assert table["fleet"]["status"] == "failed"
    assert done.stdout.endswith("1 passed, 4 failed\n")


def test_one_that_is_not_installed(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    """Its cells say so; the fleet works without it, and does not read as passed."""
    words: list[str | Path] = [TINY, make_adapter(NOT_THERE), "--graphs", "2"]
    done, table = play(tmp_path / "report.json", *words)
    assert done.returncode == 0
    assert statuses(table)["tiny", "tiny"] == "passed"
    assert list(statuses(table).values()).count("not implemented") == 3
    fleet = table["fleet"]
    assert (fleet["status"], fleet["message"]) == (
        "not implemented",
        "without mini: passed",
    )
    assert done.stdout.endswith("4 not implemented\n1 passed, 0 failed\n")


@pytest.mark.parametrize("profiles", [["wire"], []])
def test_nobody_can(
    make_adapter: MakeAdapter, tmp_path: Path, profiles: list[str]
) -> None:
    folder = make_adapter({}, profiles=profiles)
    done, table = play(tmp_path / "report.json", folder)
    assert (done.returncode, table["fleet"]["message"]) == (5, "nobody is there")
    assert "mini does not claim client, worker" in done.stdout


def test_known_deviation(spoil_tiny: SpoilTiny, tmp_path: Path) -> None:
    folder = spoil_tiny(SHOUTS)
    (folder / "deviations.toml").write_text(
        "[[deviation]]\n"
        'cases = ["matrix.spoiled.spoiled", "matrix.fleet"]\n'
        'requirements = ["RET-1"]\ndefect = "loud"\nreason = "shouts"\n'
        'message = "values are wrong"\n'
    )
    done, table = play(tmp_path / "report.json", folder, "--graphs", "2")
    assert done.returncode == 0, done.stdout
    assert table["summary"]["known deviation"] == 2
    assert done.stdout.endswith("2 known deviations\n0 passed, 0 failed\n")


def test_process_that_dies(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    folder = make_adapter({"schedule": [{"stderr": "last words"}, {"kill": 11}]})
    done, table = play(tmp_path / "report.json", folder, "--graphs", "1")
    assert done.returncode == 1
    assert statuses(table) == {("mini", "mini"): "crashed"}
    assert "last words" in table["pairs"][0]["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/none"], "/none: No such file"),
        ([str(TINY), str(TINY)], "two adapters of one name"),
        ([str(TINY), "--graphs", "0"], "--graphs"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage(words: list[str], said: str) -> None:
    done = subprocess.run(
        [COMMAND, "matrix", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
