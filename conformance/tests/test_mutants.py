# SPDX-License-Identifier: AGPL-3.0-only
"""The mutants' own tests: what counts as killed, and what a table says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.outcome import Status
from brrr_conformance.report import Outcome
from brrr_conformance.session import collect
from mutants.everyone import MIXTURES, MUTANTS, VARIANTS
from mutants.kit import SMOKE, Mutant
from mutants.table import choose, make_report, modules_of
from mutants.trial import find_problems, judge

if TYPE_CHECKING:
    from brrr_conformance.case import Case

MUTANT = Mutant("m", "RET-3", "It.", object, frozenset({"return"}), "failed", "")


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return collect()


# ---- those that there are ---------------------------------------------------


def test_mutants_say_what_they_do() -> None:
    assert len(MUTANTS) >= 180
    assert len(VARIANTS) >= 12
    texts = {name: each.about for name, each in MUTANTS.items()}
    texts |= {name: each.about for name, each in VARIANTS.items()}
    assert not [name for name, about in texts.items() if not about.endswith(".")]
    assert len({each.about for each in MUTANTS.values()}) == len(MUTANTS)


def test_mutants_can_be_found(cases: list[Case]) -> None:
    """Each has cases of its requirement, and those that it is to be shown by."""
    assert set(SMOKE.values()) <= {each.id for each in cases}
    for each in MUTANTS.values():
        ids = [it.id for it in cases if each.requirement in it.requirements]
        assert [id_ for id_ in ids if each.first in id_], each.name


def test_modules(cases: list[Case]) -> None:
    found = modules_of(["has-a-smaller-limit", "names-roots-by-uuid"], cases)
    assert {"examples", "limits"} <= set(found["has-a-smaller-limit"])
    assert "wire" not in found["has-a-smaller-limit"]
    assert "scheduling" in found["names-roots-by-uuid"]


def test_choice() -> None:
    assert set(choose([], None)) == {*MUTANTS, *MIXTURES}
    assert sorted("+".join(MIXTURES).split("+")) == sorted(VARIANTS)
    assert set(choose(["RET-5"], None)) == {
        name for name, each in MUTANTS.items() if each.requirement == "RET-5"
    }
    assert choose(["speaks-resp2"], None) == ["speaks-resp2"]
    sample = choose([], 1)
    assert sample == choose([], 1)
    assert sample != choose([], 2)
    assert sum(name in MUTANTS for name in sample) == 12
    assert sum(name in MIXTURES for name in sample) == 1


# ---- what counts as killed --------------------------------------------------


def outcomes(**ends: Status) -> dict[str, Outcome]:
    """Let the smoke cases end as the mutant is to break them, but for these."""
    found = dict.fromkeys(SMOKE, Status.PASSED) | {"return": Status.FAILED} | ends
    return {
        SMOKE[name]: Outcome(SMOKE[name], "mutant", (), status)
        for name, status in found.items()
    }


def kill(status: Status) -> list[Outcome]:
    return [Outcome("returning.x", "mutant", ("RET-3",), status)]


def test_killed() -> None:
    assert [*find_problems(MUTANT, outcomes(), kill(Status.FAILED))] == []


def test_survives() -> None:
    assert [*find_problems(MUTANT, outcomes(), [])] == ["survives"]


def test_killed_by_a_crash() -> None:
    found = [*find_problems(MUTANT, outcomes(), kill(Status.CRASHED))]
    assert found == ["returning.x: crashed, not failed"]
    declared = replace(MUTANT, status="crashed")
    assert [*find_problems(declared, outcomes(), kill(Status.CRASHED))] == []
    assert [*find_problems(declared, outcomes(), kill(Status.FAILED))] != []


def test_wreck() -> None:
    """What does not do the least is no mutant; what only breaks a rule is one."""
    found = find_problems(MUTANT, outcomes(defer=Status.FAILED), kill(Status.FAILED))
    assert [*found] == ["smoke case defer: failed"]
    ends = outcomes(**{"return": Status.CRASHED})
    assert [*find_problems(MUTANT, ends, kill(Status.FAILED))] == [
        "smoke case return: crashed, though the mutant is to break it"
    ]
    rule = replace(ends[SMOKE["defer"]], status=Status.FAILED, message="breaks X")
    ends = outcomes() | {SMOKE["defer"]: rule}
    assert [*find_problems(MUTANT, ends, kill(Status.FAILED))] == []
    ends = outcomes(**{"return": Status.PASSED})
    assert [*find_problems(MUTANT, ends, kill(Status.FAILED))] != []
    assert [*find_problems(MUTANT, {}, kill(Status.FAILED))] != []


def test_report() -> None:
    mutant = {"name": "m", "requirement": "RET-3", "seconds": 1.0, "by": []}
    mutants = [{**mutant, "killed": killed} for killed in (True, True, False)]
    variants = [{"name": "v", "failed": failed} for failed in ({}, {"x": "y"})]
    report = make_report([*variants, *mutants])
    assert report["mutants"] == mutants
    assert report["variants"] == variants
    assert report["summary"] == {
        "mutants": 3,
        "killed": 2,
        "survived": 1,
        "variants": 2,
        "wronged": 1,
        "failures": 2,
    }


# ---- tried ------------------------------------------------------------------


def test_table(tmp_path: Path) -> None:
    """A mutant is found by a case of its requirement, at the first that fails."""
    file = tmp_path / "report.json"
    words: list[str | Path]
    words = [sys.executable, "-m", "mutants", "has-a-smaller-limit", "--json", file]
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("mutants: 1 of 1 killed\n")
    (found,) = json.loads(file.read_text())["mutants"]
    assert found["requirement"] == "SCHED-11"
    assert found["killed"]
    assert len(found["by"]) == 1
    assert found["about"] == MUTANTS["has-a-smaller-limit"].about


def test_of_another_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever breaks another requirement than its own survives."""
    other = replace(MUTANTS["has-a-smaller-limit"], requirement="SCHED-5")
    monkeypatch.setitem(MUTANTS, other.name, other)
    monkeypatch.delenv("MUTANT", raising=False)
    found = judge(other.name, ["examples", "reading"])
    assert found["problems"] == ["survives"]
    assert not found["killed"]
