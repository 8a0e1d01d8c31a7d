# SPDX-License-Identifier: AGPL-3.0-only
"""`check-trace`: traces that were recorded elsewhere, judged by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from brrr_conformance.captured import find_captured
from brrr_conformance.cli import app
from brrr_conformance.outcome import HarnessError
from brrr_conformance.recorded import read_recorded

FINDINGS = Path(__file__).parent.parent / "findings" / "replays"
CALL = "d7:payload2:[]9:task_name4:taske"
MESSAGE = "li2e5:root11:ce"
RETURNS = "d7:returnslli1e5:root11:p1:uee12:scheduled_ati1700000000ee"
LAWFUL: list[dict[str, Any]] = [
    {"command": ["BLPOP", "t", "20"], "reply": ["t", MESSAGE]},
    {"command": ["GET", "call/c"]},
    {"reply": CALL},
    {"command": ["SET", "value/c", "v"], "reply": "OK", "connection": "b"},
    {"command": ["GET", "pending_returns/c"], "reply": RETURNS},
    {"command": ["INCR", "brrr_count/root1"], "reply": 1},
    {"command": ["RPUSH", "u", "li2e5:root11:pe"], "reply": 1},
    {"command": ["EVAL", "cad", "1", "pending_returns/c", RETURNS], "reply": 1},
    {"command": ["BLPOP", "t", "20"]},
    {"quiet": True},
]


def judge(folder: Path, lines: list[dict[str, Any]], *options: str) -> Result:
    file = folder / "trace.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in lines) + "\n")
    return CliRunner().invoke(app, ["check-trace", str(file), *options])


def test_lawful(tmp_path: Path) -> None:
    done = judge(tmp_path, LAWFUL)
    assert done.exit_code == 0, done.output
    assert done.output == ("lawful: the protocol allows all 8 commands of 1 process\n")


@pytest.mark.parametrize(
    ("left_out", "requirement", "number"),
    [(1, "WORK-5", 2), (5, "SCHED-10", 5), (6, "RET-4", 6), (7, "RET-4", 1)],
)
def test_broken(left_out: int, requirement: str, number: int, tmp_path: Path) -> None:
    """Requirement, number of the command, its line, and the sentence."""
    lines = LAWFUL[:left_out] + LAWFUL[left_out + (2 if left_out == 1 else 1) :]
    done = judge(tmp_path, lines)
    assert done.exit_code == 1, done.output
    assert f"breaks {requirement} with command {number} (line " in done.output
    assert f"[{requirement}] " in done.output


def test_place(tmp_path: Path) -> None:
    done = judge(tmp_path, LAWFUL[:5] + LAWFUL[6:])
    assert "with command 5 (line 6) of worker: RPUSH" in done.output


def test_present_time(tmp_path: Path) -> None:
    """Where a trace tells its time, scheduled_at must be that."""
    record = RETURNS.replace("1:u", "1:t")
    lines: list[dict[str, Any]] = [
        {"command": ["BLPOP", "t", "20"], "reply": ["t", "li2e5:root11:pe"]},
        {"command": ["GET", "call/p"], "reply": CALL},
        {"command": ["SET", "call/c", CALL], "reply": "OK"},
        {"command": ["SET", "pending_returns/c", record, "NX"], "reply": "OK"},
    ]
    assert judge(tmp_path, lines).exit_code == 0
    for time, code in ((1_700_000_001, 0), (1_700_000_100, 1)):
        timed = [each | {"time": time} for each in lines]
        done = judge(tmp_path, timed)
        assert done.exit_code == code, done.output
        assert ("SCHED-24" in done.output) is bool(code)


def test_whole(tmp_path: Path) -> None:
    """The database was empty: nobody has put that message."""
    done = judge(tmp_path, LAWFUL, "--whole")
    assert done.exit_code == 1
    assert "breaks QUEUE-2 with command 1 (line 1)" in done.output


def test_deaths(tmp_path: Path) -> None:
    """Who is killed owes nothing; and whose connection is cut may begin anew."""
    for said in ("killed", "cut"):
        lines = [*LAWFUL[:5], {said: True}, {"quiet": True}]
        assert judge(tmp_path, lines).exit_code == 0
    done = judge(tmp_path, [*LAWFUL[:5], LAWFUL[-2], {"quiet": True}])
    assert done.exit_code == 1
    assert "RET-2" in done.output


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 1: "),
        ("[]", "line 1: "),
        ('{"command": "GET a"}', "line 1: command: "),
        ('{"command": []}', "line 1: a command has a name at least"),
        ('{"command": ["GET", "\u20ac"]}', "line 1: "),
        ('{"reply": 1}', "line 1: a reply, and no command is without one"),
        ('{"commands": []}', "line 1: commands: "),
        ("c1 > GET call/c", "line 1: no frame: "),
        ("c1 > b'*2\\r\\n$3\\r\\nGET\\r\\n'", "line 1: no whole frame: "),
        ("c1 < b':1\\r\\n'", "line 1: a reply, and no command is without one"),
        ("", "there is no command in it"),
    ],
)
def test_no_trace(line: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "trace"
    file.write_text(line, encoding="utf-8")
    done = CliRunner().invoke(app, ["check-trace", str(file)])
    assert isinstance(done.exception, HarnessError), done.output
    assert why in str(done.exception)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="No such file"):
        read_recorded(tmp_path / "none")


@pytest.mark.parametrize("sdk", ["python", "typescript"])
def test_captured(sdk: str) -> None:
    """The frames that real SDKs have sent, as they stand."""
    for file in sorted((find_captured() / sdk).glob("*.txt")):
        done = CliRunner().invoke(app, ["check-trace", str(file)])
        assert done.exit_code == 0, done.output


def test_failure_file() -> None:
    file = FINDINGS / "004-python.json"
    due = json.loads(file.read_text())["violation"]
    done = CliRunner().invoke(app, ["check-trace", str(file)])
    assert done.exit_code == 1, done.output
    assert f"breaks {due['requirement']} with command " in done.output
    assert due["reason"] in done.output
