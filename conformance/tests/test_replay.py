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


# By the trace checker, where the case itself is content; and by a case.
BY_RULE = "joins.old_root_after_a_new_one"
BY_CASE = "registering.this_very_return_is_there"


def fail(spoiled: Path, folder: Path, expression: str) -> list[Path]:
    """Judge it; give the failure files."""
    done = run("run", spoiled, "-k", expression, "--failures", folder)
    assert done.returncode == 1, done.stdout
    assert f"brrr-conformance replay {folder}" in done.stdout
    return sorted(folder.glob("spoiled/*.json"))


def test_replay(spoiled: Path, tmp_path: Path) -> None:
    file, other, *_ = fail(spoiled, tmp_path / "failures", f"{BY_RULE} or {BY_CASE}")
    failure = json.loads(file.read_text())
    assert failure["violation"]["requirement"] == "SCHED-28"

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

    # What the rules accept by now; what a case demands, no rule can judge again.
    for place, code, word in ((file, 0, "accepted"), (other, 1, "as recorded")):
        failure = json.loads(place.read_text())
        place.write_text(json.dumps({**failure, "events": []}))
        done = run("replay", place)
        assert done.returncode == code, done.stdout
        assert word in done.stdout


def test_attach(spoiled: Path, tmp_path: Path) -> None:
    """The runner says what to type, and takes what is typed for the adapter."""
    [file] = fail(spoiled, tmp_path / "failures", BY_RULE)
    words: list[str | Path] = [COMMAND, "replay", file, "--adapter", spoiled]
    words.append("--attach")
    started: list[subprocess.Popen[bytes]] = []
    said: list[str] = []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as runner:
        assert runner.stdout is not None
        for line in runner.stdout:
            said.append(line)
            if re.match(r"  \S.* < .*/in > .*/out$", line):
                started.append(subprocess.Popen(["/bin/sh", "-c", f"exec {line}"]))
    assert runner.returncode == 1, said
    assert started
    assert all(each.wait(20) == 0 for each in started)
    assert "still fails, the same way" in "".join(said)

    # Mended, it takes the file away.
    script = spoiled / "spoiled.py"
    script.write_text(script.read_text().replace(PUTS_AGAIN, ""))
    assert (
        run("run", spoiled, "-k", BY_RULE, "--failures", file.parents[1]).returncode
        == 0
    )
    assert not file.exists()
