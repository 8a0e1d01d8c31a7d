# SPDX-License-Identifier: AGPL-3.0-only
"""Other seeds choose otherwise, the same one the same; and which cases are quick."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.session import Collector, Silence, run_pytest

if TYPE_CHECKING:
    from brrr_conformance.case import Case
    from conftest import OwnCases

HEAD = """
import os, random, pytest
pytestmark = [pytest.mark.profile("client"), pytest.mark.requirement("SCHED-5")]

async def test_always_the_same(world):
    assert await world.read("h") is None

"""
SEEDED = (
    HEAD
    + """
async def test_by_chance(world):
    world.recipe.chance("x")
    assert world.recipe.seed != 3, "three is wrong"
"""
)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )


def test_soak_ends_with_a_failure(own_cases: OwnCases) -> None:
    """First everything, then what chooses by chance, until that fails."""
    done = run(own_cases(SEEDED, "--soak"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(
        r"seed 1: 2 cases, 0 failed, .*\nseed 2: 1 cases, 0 failed, .*\n"
        r"seed 3: 1 cases, 1 failed, .*\nseeds 1 to 3: 4 cases in .* a minute\n",
        done.stdout,
    )
    assert "three is wrong" in done.stdout


def test_soak_ends_in_time(own_cases: OwnCases) -> None:
    done = run(own_cases(SEEDED, "--soak", "--minutes", "0.05", "--seed", "9"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^seeds 9 to \d+: \d+ cases in 0\.\d min", done.stdout, re.M)


def test_soak_is_stopped(own_cases: OwnCases) -> None:
    words = own_cases(SEEDED, "--soak", "--seed", "9")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("seed 9: 2 cases")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0, rest
    assert re.search(r"^seeds 9 to \d+: \d+ cases in", rest, re.MULTILINE)
    assert rest.endswith("0 failed\n")


def test_soak_without_chance(own_cases: OwnCases) -> None:
    done = run(own_cases(HEAD, "--soak"))
    assert done.returncode == 2
    assert "none of these cases chooses anything" in done.stderr


def test_repeat(own_cases: OwnCases) -> None:
    done = run(own_cases(SEEDED, "--repeat", "3"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^seed 1: 2 cases", done.stdout, re.MULTILINE)) == 3
    assert "\n0 differences\n" in done.stdout


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            'world.recipe.choose("x", lambda: os.urandom(8).hex())',
            "test_it[tiny]: other choices with the same seed",
        ),
        (
            """import pathlib; mark = pathlib.Path(__file__).with_name('mark')
    there = mark.exists(); mark.touch(); assert not there""",
            "tiny: some.it: first passed, then failed",
        ),
    ],
)
def test_repeat_finds(own_cases: OwnCases, body: str, said: str) -> None:
    """A case that is not made by its seed alone."""
    cases = f"{HEAD}\nasync def test_it(world):\n    {body}\n"
    done = run(own_cases(cases, "--repeat", "2"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout
    assert "\n1 differences\n" in done.stdout


def test_rounds_write_no_report(own_cases: OwnCases, tmp_path: Path) -> None:
    done = run(own_cases(SEEDED, "--soak", "--json", str(tmp_path / "x.json")))
    assert done.returncode == 2
    assert "write no report" in done.stderr


# ---- tiers ------------------------------------------------------------------


def collect(*options: str) -> list[Case]:
    silence, collector = Silence(), Collector()
    run_pytest(["--collect-only", *options], [silence, collector])
    assert not silence.errors
    return collector.cases


def test_quick_tier() -> None:
    """Of each requirement something, a sixth of the vectors, and not many cases."""
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_rounds; test_rounds.check_quick_tier()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def check_quick_tier() -> None:
    full, quick = collect(), collect("--tier", "quick")
    vectors = [each for each in quick if each.module == "wire"]
    all_vectors = sum(each.module == "wire" for each in full)
    assert all_vectors / 6 < len(vectors) < all_vectors / 2
    assert len(quick) - len(vectors) < 200
    modules = {each.module for each in full} - {each.module for each in quick}
    slow = {"interleavings", "random_programs", "saving"}
    assert modules == slow, "others are quick too"
    covered = {name for each in quick for name in each.requirements}
    missing = {name for each in full for name in each.requirements} - covered
    assert not missing, "of these only cases that take their time"
