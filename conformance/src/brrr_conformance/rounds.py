# SPDX-License-Identifier: AGPL-3.0-only
"""Judges again and again: with other seeds (soak), or with the same one (repeat).

Part of the pytest plugin too: a report carries what its case chose (recipe.py).
"""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from brrr_conformance.outcome import HarnessError
from brrr_conformance.parallel import Listener
from brrr_conformance.report import Results
from brrr_conformance.session import Silence, ended_by_sigterm, run_pytest
from brrr_conformance.terminal import Watcher
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, Any, Any]:
    report = yield
    if isinstance(world := getattr(item, "funcargs", {}).get("world"), World):
        report.brrr_choices = [world.recipe.by_chance, world.recipe.notes]
    return report


@dataclass(slots=True, eq=False)
class Round(Listener):
    """One run, and a plugin that hears what its cases chose."""

    seed: int
    # The only cases to run, if not all.
    only: frozenset[str] | None = None
    # When to stop, by the monotonic clock.
    end: float | None = None
    # By node: whether another seed may choose otherwise, and what was chosen.
    choices: dict[str, tuple[bool, str]] = field(default_factory=dict)
    watcher: Watcher = field(default_factory=lambda: Watcher(Console(quiet=True)))
    silence: Silence = field(default_factory=Silence)
    code: int = pytest.ExitCode.OK
    _session: pytest.Session | None = None

    def run(self, options: Sequence[str]) -> Round:
        seeded = [*options, "--seed", str(self.seed)]
        self.code = run_pytest(seeded, [self.silence, self.watcher, self])
        if self.silence.errors:
            raise HarnessError("\n".join(self.silence.errors))
        return self

    @property
    def results(self) -> Results:
        return self.watcher.results

    @property
    def by_chance(self) -> frozenset[str]:
        return frozenset(node for node, (chance, _) in self.choices.items() if chance)

    def told(self) -> str:
        number, seconds = len(self.results.all), self.watcher.seconds
        return (
            f"seed {self.seed}: {number} cases, {len(self.results.failures)} failed, "
            f"{seconds:.1f} s, {number / seconds:.1f} cases/s"
        )

    # ---- hooks of pytest ----------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.only is not None:
            items[:] = [item for item in items if item.nodeid in self.only]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._session = session

    def pytest_runtest_logreport(self, report: Any) -> None:
        if choices := getattr(report, "brrr_choices", None):
            self.choices[report.nodeid] = tuple(choices)
        late = self.end is not None and time.monotonic() > self.end
        if late and self._session is not None:
            self._session.shouldstop = "the time is over"


def soak(
    options: Sequence[str], seed: int, minutes: float | None, console: Console
) -> Results:
    """Judge with one seed after the other, until a failure, an end or Ctrl-C.

    First everything; from then on what chooses by chance. Gives the results of the
    round that failed, or of the last one that judged something.
    """
    started = time.monotonic()
    end = None if minutes is None else started + 60 * minutes
    only, total, number = None, 0, seed
    results = Results()
    # Ctrl-C may come between two rounds too.
    with ended_by_sigterm(), contextlib.suppress(KeyboardInterrupt):
        for number in itertools.count(seed):
            this = Round(number, only, end).run([*options, "-x"])
            total += len(this.results.all)
            if this.results.all:
                results = this.results
            console.print(this.told())
            only = this.by_chance if only is None else only
            if this.results.failures or this.code == pytest.ExitCode.INTERRUPTED:
                break
            if not only:
                raise HarnessError("none of these cases chooses anything by the seed")
    minutes = (time.monotonic() - started) / 60
    console.print(
        f"seeds {seed} to {number}: {total} cases in {minutes:.1f} min, "
        f"{total / minutes:.0f} a minute"
    )
    return results


def repeat(
    options: Sequence[str], seed: int, times: int, console: Console
) -> tuple[Results, list[str]]:
    """Judge several times with one seed; tell what was not the same each time."""
    rounds: list[Round] = []
    for _ in range(times):
        this = Round(seed).run(options)
        console.print(this.told())
        rounds.append(this)
        if this.code == pytest.ExitCode.INTERRUPTED:
            break
    first, *others = rounds
    return first.results, [line for each in others for line in compare(first, each)]


def compare(first: Round, other: Round) -> Iterator[str]:
    """Tell what came out or was chosen otherwise."""
    for key in first.results.outcomes | other.results.outcomes:
        both = [each.results.outcomes.get(key) for each in (first, other)]
        statuses = [each.status if each else "nothing" for each in both]
        if len(set(statuses)) > 1:
            yield f"{key[1]}: {key[0]}: first {statuses[0]}, then {statuses[1]}"
    for node in first.choices | other.choices:
        if first.choices.get(node) != other.choices.get(node):
            yield f"{node}: other choices with the same seed"
