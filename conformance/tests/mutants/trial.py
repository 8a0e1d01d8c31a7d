# SPDX-License-Identifier: AGPL-3.0-only
"""Judges one mutant or one variant, in this process; gives what came of it."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from brrr_conformance.case import CASE
from brrr_conformance.outcome import Status
from brrr_conformance.report import Outcome
from brrr_conformance.session import Silence, run_pytest
from mutants import HERE
from mutants.everyone import MUTANTS, VARIANTS
from mutants.kit import Mutant, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from brrr_conformance.case import Case

# Modules whose cases show less in a second than others.
SLOW = {"dying", "faults", "faults_durable", "faults_server", "fleets", "graphs"}
SLOW |= {"interleavings", "limits", "programs", "random_programs"}

# What came of one, as in the report.
Found: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """Of so many cases a variant has to pass one, chosen by the seed."""

    usual: int = 1
    slow: int = 1
    seed: int = 1


WHOLE = Share()


def judge(name: str, modules: Sequence[str], share: Share = WHOLE) -> Found:
    """Try one, with cases of these modules; a variant with a share of them."""
    os.environ["MUTANT"] = name
    start = time.monotonic()
    if name in MUTANTS:
        found = {"name": name, **try_mutant(MUTANTS[name], modules)}
    else:
        found = {"name": name, **play(mix(name), modules, share)}
    return found | {"seconds": round(time.monotonic() - start, 2)}


# ---- mutants ----------------------------------------------------------------


@dataclass(slots=True)
class Listener:
    """A plugin: notes how each case ended."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: Any) -> None:
        outcome = Outcome.from_json(report.brrr)  # of all phases so far
        self.outcomes[outcome.id] = outcome


@dataclass(slots=True)
class Hunter(Listener):
    """A plugin: runs the smoke cases, then those that may kill, up to the first."""

    mutant: Mutant | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        assert self.mutant is not None
        items[:] = [it for it in items if self.place(it) is not None]
        items.sort(key=lambda it: self.place(it) or 0)

    def place(self, item: pytest.Item) -> int | None:
        """Tell when a case is due, if it is."""
        assert self.mutant is not None
        case = item.stash[CASE]
        if case.id in self.mutant.smokes.values():
            return 0
        if self.mutant.requirement not in case.requirements:
            return None
        if self.mutant.first and self.mutant.first in case.id:
            return 1
        return 3 if case.module in SLOW else 2

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if self.kills() and self.place(item) != 0:
            item.session.shouldstop = "killed"
            return True
        return None

    def kills(self) -> list[Outcome]:
        assert self.mutant is not None
        return [
            each
            for each in self.outcomes.values()
            if self.mutant.requirement in each.requirements and each.status.is_failure
        ]


def try_mutant(mutant: Mutant, modules: Sequence[str]) -> Found:
    hunter = Hunter(mutant=mutant)
    store = "dynamodb" if mutant.requirement.startswith("DYN") else "redis"
    error = run(hunter, store, modules)
    kills = hunter.kills()
    problems = [*find_problems(mutant, hunter.outcomes, kills), *error]
    return {
        "about": mutant.about,
        "requirement": mutant.requirement,
        "killed": not problems,
        "by": [each.id for each in kills],
        "problems": problems,
        "judged": len(hunter.outcomes),
        "message": kills[0].message if kills else "",
    }


def find_problems(
    mutant: Mutant, outcomes: dict[str, Outcome], kills: list[Outcome]
) -> Iterator[str]:
    """Tell why a mutant does not count as killed."""
    if not kills:
        yield "survives"
    for each in kills[:1]:
        if each.status != mutant.status:
            yield f"{each.id}: {each.status}, not {mutant.status}"
    for name, id_ in mutant.smokes.items():
        end = outcomes.get(id_)
        status = end.status if end else "not run"
        # What only the trace checker rejects has ended as it should.
        works = end is not None and (
            status == Status.PASSED or end.message.startswith("breaks ")
        )
        if name in mutant.smoke and status != Status.FAILED:
            yield f"smoke case {name}: {status}, though the mutant is to break it"
        if name not in mutant.smoke and not works:
            yield f"smoke case {name}: {status}"


# ---- variants ---------------------------------------------------------------


@dataclass(slots=True)
class Host(Listener):
    """A plugin: runs the cases of a variant's profiles, or a share of them."""

    variant: Variant | None = None
    share: Share = WHOLE

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        assert self.variant is not None
        chance = random.Random(f"{self.share.seed} {self.variant.name}")  # noqa: S311
        items[:] = [
            it
            for it in items
            if it.stash[CASE].profile in self.variant.profiles
            and chance.randrange(self.one_of(it.stash[CASE])) == 0
        ]

    def one_of(self, case: Case) -> int:
        return self.share.slow if case.module in SLOW else self.share.usual


def mix(name: str) -> Variant:
    """Give a variant, or a mixture of some as if it were one."""
    parts = [VARIANTS[each] for each in name.split("+")]
    about = " ".join(each.about for each in parts)
    profiles = tuple({profile for each in parts for profile in each.profiles})
    return Variant(name, about, object, profiles, parts[0].store)


def play(variant: Variant, modules: Sequence[str], share: Share) -> Found:
    host = Host(variant=variant, share=share)
    error = run(host, variant.store, modules)
    failed = {
        each.id: each.message
        for each in host.outcomes.values()
        if each.status is not Status.PASSED
    }
    passed = len(host.outcomes) - len(failed)
    if error:
        failed["the run"] = "\n".join(error)
    return {"about": variant.about, "passed": passed, "failed": failed}


def run(listener: Listener, store: str, modules: Sequence[str]) -> list[str]:
    """Run cases; give what went wrong with the run itself."""
    silence = Silence()
    options = ["--adapter", str(HERE), "--store", store]
    run_pytest(options, [silence, listener], modules)
    return silence.errors
