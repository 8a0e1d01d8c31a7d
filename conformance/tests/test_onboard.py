# SPDX-License-Identifier: AGPL-3.0-only
"""A first adapter: skeletons that run, a doctor who finds what is wrong; honesty."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.config import load_adapter
from brrr_conformance.skeletons import LANGUAGES
from conftest import ADAPTERS, write_toml

if TYPE_CHECKING:
    from conftest import MakeAdapter, SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TOOLS = {"python": "python3", "typescript": "node", "go": "go", "c": "cc"}
THERE = [each for each in LANGUAGES if shutil.which(TOOLS[each])]


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )


# ---- new-adapter ------------------------------------------------------------


@pytest.mark.parametrize("language", THERE)
def test_skeleton_runs(tmp_path: Path, language: str) -> None:
    """It keeps to the protocol at once, and nobody takes it for an SDK."""
    folder = tmp_path / "mine"
    done = call("new-adapter", "--lang", language, folder)
    assert done.returncode == 0, done.stderr
    if (folder / "run").exists():  # a first build takes its time
        subprocess.run(
            [folder / "run"], stdin=subprocess.DEVNULL, check=True, timeout=300
        )
    done = call("doctor", folder)
    assert done.returncode == 0, done.stdout
    assert "ok      it greets: mine 0" in done.stdout
    assert done.stdout.endswith("\n0 problems\n")
    done = call("run", folder, "-k", "probing or WIRE-10")
    assert done.returncode == 5, done.stdout  # NOTHING: never green
    assert "mine does not claim wire" in done.stdout
    assert done.stdout.endswith("\n0 passed, 0 failed\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_skeleton_names_what_is_to_do(tmp_path: Path, language: str) -> None:
    folder = tmp_path / "mine"
    call("new-adapter", "--lang", language, folder)
    text = "".join(file.read_text() for file in folder.iterdir())
    assert all(each in text for each in ("TODO", "spec/wire.md", "spec/scheduling.md"))
    assert "NAME" not in text
    assert load_adapter(folder).name == "mine"


@pytest.mark.parametrize("name", ["1st", "a b", "."])
def test_skeleton_of_no_name(tmp_path: Path, name: str) -> None:
    done = call("new-adapter", "--lang", "c", f"{tmp_path}/x/{name}/")
    assert done.returncode == 2 or name == "."  # of "." the folder is x
    (tmp_path / "there").mkdir()
    done = call("new-adapter", "--lang", "c", tmp_path / "there")
    assert (done.returncode, "File exists" in done.stderr) == (2, True)


# ---- the smallest adapter ---------------------------------------------------

TINY = ADAPTERS / "tiny"
WORDLESS = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT}
WORDLESS |= {tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}


def test_smallest_adapter_has_a_hundred_lines() -> None:
    """Of code, as ruff lays them out: all but comments and blank lines."""
    with (TINY / "smallest.py").open("rb") as source:
        tokens = [it for it in tokenize.tokenize(source.readline) if it.string]
    of_code = [it for it in tokens if it.type not in WORDLESS]
    lines = {n for it in of_code for n in range(it.start[0], it.end[0] + 1)}
    assert 50 < len(lines) <= 100
    assert max(len(it.line.rstrip()) for it in tokens) <= 88


def test_smallest_adapter_is_whole(tmp_path: Path) -> None:
    table = {
        "name": "smallest",
        "language": "Python",
        "command": [sys.executable, str(TINY / "smallest.py")],
        "framing": "json",
    }
    write_toml(tmp_path / "smallest", table, {})
    done = call("run", tmp_path / "smallest", "--tier", "quick")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(" passed, 0 failed\n")


# ---- doctor -----------------------------------------------------------------

LACKING = {"failure": {"code": "NOT_IMPLEMENTED", "reason": "none"}}
DONE: dict[str, Any] = {"done": {}}

# What is wrong with an adapter; what the doctor says, and advises.
PATIENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "pollutes": ({"hello": [{"raw": "ready\n"}]}, "not a Reply", "for replies only"),
    "wrong-id": (
        {"hello": [{"reply": {**DONE, "id": 9}}]},
        "waits for none",
        "carries the `id`",
    ),
    "dies": ({"hello": [{"exit": 3}]}, "status 3", "must live"),
    "old": ({"hello": [{"reply": {"welcome": {}}}]}, "speaks protocol 0", "protocol"),
    "does-it-all": ({"no_such_command": [{"reply": DONE}]}, "with done", ""),
    "misuses": (
        {
            "no_such_command": [
                {"reply": {"failure": {"code": "MISUSE", "reason": "what?"}}}
            ]
        },
        "unknown command ended in MISUSE",
        "ends in Failure NOT_IMPLEMENTED",
    ),
    "says-nothing": ({"no_such_command": []}, "no reply to nothing", "Flush"),
    "takes-all": ({"no_such_command": [{"reply": LACKING}]}, "holds None", ""),
    "lies": (
        {
            "no_such_command": [{"reply": LACKING}],
            "schedule": [{"reply": LACKING}],
        },
        "claims client, and replies NOT_IMPLEMENTED to schedule",
        "out of `profiles`",
    ),
    "touches-no-redis": (
        {"no_such_command": [{"reply": LACKING}]},
        "nothing came to Redis",
        "",
    ),
}


@pytest.mark.parametrize("name", PATIENTS)
def test_doctor_finds(make_adapter: MakeAdapter, name: str) -> None:
    plan, said, advice = PATIENTS[name]
    done = call("doctor", make_adapter(plan, timeout=1.0))
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
    assert advice in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_doctor_looks_for_the_command(make_adapter: MakeAdapter) -> None:
    folder = make_adapter({}, command=["./run"])
    assert "there is no such program" in call("doctor", folder).stdout
    (folder / "run").write_text("#!/bin/sh\n")
    assert "it is not executable" in call("doctor", folder).stdout
    assert "No such file" in call("doctor", folder / "nowhere").stdout


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("async def stop(self): pass\ntiny.Worker.stop = stop", "close takes"),
        (
            """
async def lose(self, message): await self.get()
tiny.Worker.handle = lose""",
            "two workers at a time",
        ),
    ],
)
def test_doctor_examines_workers(spoil_tiny: SpoilTiny, code: str, said: str) -> None:
    done = call("doctor", spoil_tiny(code))
    assert done.returncode == 1, done.stdout
    assert f"PROBLEM {said}" in done.stdout


# ---- honesty ----------------------------------------------------------------


def test_unknown_command_is_probed(make_adapter: MakeAdapter) -> None:
    wrong = make_adapter({"no_such_command": [{"reply": DONE}]})
    done = call("run", wrong, "-k", "probing")
    assert (done.returncode, "HARNESS ERROR" in done.stdout) == (1, True)


def test_claim_without_an_answer_fails(make_adapter: MakeAdapter) -> None:
    liar = make_adapter({"schedule": [{"reply": LACKING}]})
    done = call("run", liar, "-k", "spec.scheduling.1")
    assert done.returncode == 1, done.stdout
    assert "claims client, and replies NOT_IMPLEMENTED to schedule" in done.stdout
