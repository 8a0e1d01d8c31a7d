# SPDX-License-Identifier: AGPL-3.0-only
"""A spoiled tiny fails; its failure file replays: offline, on it, smaller, attached."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import SpoilTiny

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"
# Puts every child that it has registered with [SCHED-28].
PUTS_AGAIN = """
tiny.Worker.must_put = lambda self, old, parent: True
"""


def run(*words: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def spoiled(spoil_tiny: SpoilTiny) -> Path:
    return spoil_tiny(PUTS_AGAIN)


def fail(spoiled: Path, folder: Path, expression: str) -> list[Path]:
    """Judge it; give the failure files."""
    done = run("run", spoiled, "-k", expression, "--failures", folder)
    assert done.returncode == 1, done.stdout
    assert f"brrr-conformance replay {folder}" in done.stdout
    return sorted(folder.glob("spoiled/*.json"))


def test_replay(spoiled: Path, tmp_path: Path) -> None:
    """The case itself is content; the trace checker is not."""
    [file] = fail(spoiled, tmp_path / "failures", "joins.old_root_after_a_new_one")
    assert json.loads(file.read_text())["violation"]["requirement"] == "SCHED-28"

    offline = run("replay", file)
    assert offline.returncode == 1, offline.stdout
    assert re.search(r"RPUSH u .* <-- \[SCHED-28\]", offline.stdout)

    smaller = run("replay", file, "--minimise")
    assert smaller.returncode == 1, smaller.stdout
    small = file.with_suffix(".min.json")
    assert len(small.read_text()) < len(file.read_text())
    assert run("replay", small).returncode == 1

    again = run("replay", file, "--adapter", spoiled)
    assert again.returncode == 1, again.stdout
    assert "still fails, the same way" in again.stdout

    mended = run("replay", file, "--adapter", TINY)
    assert mended.returncode == 0, mended.stdout
    assert "does not fail any more" in mended.stdout


def test_the_rules_have_changed(spoiled: Path, tmp_path: Path) -> None:
    """What the rules accept now is told as accepted, with status 0."""
    [file] = fail(spoiled, tmp_path / "failures", "joins.old_root_after_a_new_one")
    failure = json.loads(file.read_text())
    failure["events"] = []
    file.write_text(json.dumps(failure))
    done = run("replay", file)
    assert done.returncode == 0, done.stdout
    assert "accepted" in done.stdout


def test_verdict_of_the_case_stands(spoiled: Path, tmp_path: Path) -> None:
    """What a case demands beside the rules cannot be judged without an SDK."""
    file = fail(spoiled, tmp_path / "failures", "this_very_return_is_there")[0]
    failure = json.loads(file.read_text())
    failure["events"] = []
    file.write_text(json.dumps(failure))
    done = run("replay", file)
    assert done.returncode == 1, done.stdout
    assert "as recorded" in done.stdout


def test_file_of_a_case_that_passes_goes(spoiled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "failures"
    [file] = fail(spoiled, folder, "joins.old_root_after_a_new_one")
    script = spoiled / "spoiled.py"
    script.write_text(script.read_text().replace(PUTS_AGAIN, ""))
    words = ("-k", "joins.old_root_after_a_new_one", "--failures", folder)
    assert run("run", spoiled, *words).returncode == 0
    assert not file.exists()


def test_attach(spoiled: Path, tmp_path: Path) -> None:
    """The runner says what to type, and takes what is typed for the adapter."""
    [file] = fail(spoiled, tmp_path / "failures", "joins.old_root_after_a_new_one")
    words: list[str | Path] = [COMMAND, "replay", file, "--adapter", spoiled]
    runner = subprocess.Popen(
        [*words, "--attach"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert runner.stdout is not None
    started: list[subprocess.Popen[bytes]] = []
    said: list[str] = []
    try:
        for line in runner.stdout:
            said.append(line)
            if re.match(r"  \S.* < .*/in > .*/out$", line):
                started.append(subprocess.Popen(["/bin/sh", "-c", f"exec {line}"]))
        assert runner.wait(60) == 1, said
    finally:
        runner.kill()
        for each in started:
            each.wait(20)
    assert started
    assert "still fails, the same way" in "".join(said)
