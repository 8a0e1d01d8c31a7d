# SPDX-License-Identifier: AGPL-3.0-only
"""What a person sees: progress, failures, and the table of requirements."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from brrr_conformance.outcome import Status
from brrr_conformance.parallel import Listener
from brrr_conformance.plugin import OUTCOME, WELCOMES
from brrr_conformance.report import Outcome, Results

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.spec import Requirement, Spec

PLAIN_WIDTH = 110
# Failures told in full; the others by their first line, up to ONE_LINERS.
IN_FULL = 20
ONE_LINERS = 200
MOST_REASONS = 40

STYLES = {
    Status.PASSED: "green",
    Status.NOT_IMPLEMENTED: "yellow",
    Status.KNOWN_DEVIATION: "cyan",
    Status.FAILED: "bold red",
    Status.TIMED_OUT: "bold red",
    Status.CRASHED: "bold red",
    Status.HARNESS_ERROR: "bold magenta",
}


def make_console() -> Console:
    """Make a console that does not fold lines where nobody looks."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


@dataclass(slots=True)
class Watcher(Listener):
    """A pytest plugin: collects the results, and shows how far it is."""

    console: Console
    results: Results = field(default_factory=Results)
    welcomes: dict[str, pb.Welcome] = field(default_factory=dict)
    # Every case and adapter, in the order of the report.
    expected: list[tuple[str, str]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    _progress: Progress | None = None
    _task: TaskID | None = None
    # Where there is no bar: the cases left of each adapter and module, and how
    # those ended that are over (failed, or not).
    _left: Counter[tuple[str, str]] = field(default_factory=Counter)
    _over: Counter[tuple[str, str, bool]] = field(default_factory=Counter)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    # ---- hooks of pytest ----------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            # Nothing has one when a list of deviations is wrong.
            if outcome := item.stash.get(OUTCOME, None):
                self.expected.append((outcome.id, outcome.adapter))
                self._left[outcome.adapter, _module(item.nodeid)] += 1

    def pytest_runtest_logreport(self, report: Any) -> None:
        table = getattr(report, "brrr", None)
        if table is None:
            return
        outcome = self.results.add(Outcome.from_json(table))
        if report.when == "teardown":
            self._show(_module(report.nodeid), outcome)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._progress is not None:
            self._progress.stop()
        self.welcomes = session.config.stash[WELCOMES]
        self.results.sort(self.expected)

    # ---- progress -----------------------------------------------------------

    def _show_bar(self) -> None:
        """Show it from the first result on: it is a thread, and hands are forks."""
        if self.console.is_terminal and self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("[red]{task.fields[failed]}"),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )
            self._task = self._progress.add_task(
                "", total=len(self.expected), failed=""
            )
            self._progress.start()

    def _show(self, module: str, outcome: Outcome) -> None:
        self._show_bar()
        if self._progress is not None and self._task is not None:
            failed = len(self.results.failures)
            self._progress.update(
                self._task,
                advance=1,
                description=f"{outcome.adapter} {module}",
                failed=f"{failed} failed" if failed else "",
            )
            return
        group = (outcome.adapter, module)
        self._over[*group, outcome.status.is_failure] += 1
        self._left[group] -= 1
        if not self._left[group]:
            self._end_group(*group)

    def _end_group(self, adapter: str, module: str) -> None:
        done, failed = (self._over[adapter, module, each] for each in (False, True))
        tail = f", {failed} FAILED" if failed else ""
        self.console.print(f"{adapter:<16} {module:<16} {done:>5} done{tail}")


def _module(nodeid: str) -> str:
    return PurePosixPath(nodeid.partition("::")[0]).stem


# ---- the end ----------------------------------------------------------------


def print_failures(console: Console, results: Results) -> None:
    failures = results.failures
    for each in failures[:IN_FULL]:
        console.print()
        console.print(
            Text(each.status.upper(), STYLES[each.status]),
            Text(f"{each.adapter}: {each.id}", "bold"),
        )
        console.print(Text(each.message), soft_wrap=True)
    rest = failures[IN_FULL:]
    if rest:
        console.print()
    for each in rest[:ONE_LINERS]:
        headline = each.message.partition("\n")[0]
        console.print(
            Text(each.status.upper(), STYLES[each.status]),
            Text(f"{each.adapter}: {each.id}: {headline}"),
            soft_wrap=True,
        )
    if len(rest) > ONE_LINERS:
        console.print(f"and {len(rest) - ONE_LINERS} more: see the report of --json")


def print_table(console: Console, spec: Spec, results: Results) -> None:
    """Print requirements by adapters: what fails first, then chapter by chapter."""
    tested = results.by_requirement()
    adapters = list(dict.fromkeys(each.adapter for each in results.all))
    known = [each for each in spec.all_requirements if each.id in tested]
    failing = [
        each
        for each in known
        if any(status.is_failure for status in tested[each.id].values())
    ]
    console.print()
    if failing:
        _print_part(console, "Requirements that fail", failing, adapters, results)
    others = [each for each in known if each not in failing]
    for chapter, part in itertools.groupby(others, lambda each: each.chapter):
        title = spec.titles.get(chapter, chapter)
        _print_part(console, title, list(part), adapters, results)


def _print_part(
    console: Console,
    title: str,
    requirements: list[Requirement],
    adapters: list[str],
    results: Results,
) -> None:
    table = Table(
        "requirement", "", *adapters, title=title, title_justify="left", box=None
    )
    table.columns[1].no_wrap = True
    table.columns[1].overflow = "ellipsis"
    table.columns[1].max_width = max(20, console.width - 14 - 16 * len(adapters))
    counts = count_results(results)
    for each in requirements:
        cells = [_cell(counts.get((each.id, adapter))) for adapter in adapters]
        table.add_row(each.id, each.sentence, *cells)
    console.print(table)
    console.print()


def count_results(results: Results) -> dict[tuple[str, str], Counter[Status]]:
    counts: dict[tuple[str, str], Counter[Status]] = {}
    for each in results.all:
        for name in each.requirements:
            counts.setdefault((name, each.adapter), Counter())[each.status] += 1
    return counts


def _cell(counts: Counter[Status] | None) -> Text:
    if not counts:
        return Text("-")
    worst = max(counts, key=list(Status).index)
    if worst is Status.PASSED:
        return Text(f"passed {counts[worst]}", STYLES[worst])
    return Text(f"{worst} {counts[worst]}/{counts.total()}", STYLES[worst])


def print_closing(console: Console, results: Results) -> None:
    """Print what is neither passed nor failed, and how many are what."""
    _print_reasons(console, results, Status.KNOWN_DEVIATION, ":")  # by defects
    _print_reasons(console, results, Status.NOT_IMPLEMENTED, "\n")
    console.print(closing_line(each.status for each in results.all))


def closing_line(statuses: Iterable[Status]) -> str:
    """Say `N passed, N failed`, always the last line; before it, what else there is."""
    counts = Counter(statuses)
    failed = sum(number for status, number in counts.items() if status.is_failure)
    others = []
    if known := counts[Status.KNOWN_DEVIATION]:
        others.append(f"{known} known deviation{'s' if known > 1 else ''}")
    if missing := counts[Status.NOT_IMPLEMENTED]:
        others.append(f"{missing} not implemented")
    line = f"{counts[Status.PASSED]} passed, {failed} failed"
    return ", ".join(others) + "\n" + line if others else line


def _print_reasons(
    console: Console, results: Results, status: Status, end: str
) -> None:
    reasons = Counter(
        (each.adapter, each.message.partition(end)[0])
        for each in results.all
        if each.status is status
    )
    for (adapter, reason), number in reasons.most_common(MOST_REASONS):
        console.print(f"{adapter}: {number} {status}: {reason}", soft_wrap=True)
