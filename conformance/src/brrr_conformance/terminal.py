# SPDX-License-Identifier: AGPL-3.0-only
"""What a person sees: progress, failures, and the table of chapters."""

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
from rich.table import Column, Table
from rich.text import Text

from brrr_conformance import findings
from brrr_conformance.case import CASE, OUTCOME, WELCOMES
from brrr_conformance.outcome import Status, worst
from brrr_conformance.parallel import Listener
from brrr_conformance.report import FLEETS, Outcome, Results, column_of
from brrr_conformance.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pytest

    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.spec import Requirement, Spec

PLAIN_WIDTH = 80
# Failures told in full; the others by their first line, up to ONE_LINERS.
IN_FULL = 20
ONE_LINERS = 200
MOST_REASONS = 40
MOST_REQUIREMENTS = 40

STYLES = {
    Status.PASSED: "green",
    Status.NOT_IMPLEMENTED: "yellow",
    Status.KNOWN_DEVIATION: "cyan",
    Status.FAILED: "bold red",
    Status.TIMED_OUT: "bold red",
    Status.CRASHED: "bold red",
    Status.HARNESS_ERROR: "bold magenta",
}

# Where there is no room for more.
SHORT = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.KNOWN_DEVIATION: "deviating",
    Status.NOT_IMPLEMENTED: "missing",
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
                case = item.stash[CASE]
                self.results.cases[case.id] = case
                self.expected.append((outcome.id, outcome.adapter))
                self._left[outcome.adapter, _module(item.nodeid)] += 1

    def pytest_runtest_logreport(self, report: Any) -> None:
        table = getattr(report, "brrr", None)
        if table is None:
            return
        outcome = self.results.add(Outcome.from_json(table))
        if transcript := getattr(report, "transcript", None):
            self.results.transcripts[outcome.id, outcome.adapter] = transcript
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
            Text(printable(f"{each.adapter}: {each.id}"), "bold"),
            soft_wrap=True,
        )
        console.print(Text(printable(each.message)), soft_wrap=True)
    rest = failures[IN_FULL:]
    if rest:
        console.print()
    for each in rest[:ONE_LINERS]:
        headline = each.message.partition("\n")[0]
        console.print(
            Text(each.status.upper(), STYLES[each.status]),
            Text(printable(f"{each.adapter}: {each.id}: {headline}")),
            soft_wrap=True,
        )
    if len(rest) > ONE_LINERS:
        console.print(f"and {len(rest) - ONE_LINERS} more: see the report of --json")


def print_table(console: Console, spec: Spec, results: Results) -> None:
    """Print the requirements that fail, then how many hold, chapter by chapter."""
    tested = results.by_requirement()
    known = [each for each in spec.all_requirements if each.id in tested]
    failing = [
        each
        for each in known
        if any(status.is_failure for status in tested[each.id].values())
    ]
    if failing:
        _print_failing(console, failing, results)
    columns = _columns(results)
    table = _make_table("requirements that hold", *columns)
    for chapter, part in itertools.groupby(known, lambda each: each.chapter):
        rows = [_by_column(tested[each.id]) for each in part]
        cells = [
            _chapter_cell([row[name] for row in rows if name in row])
            for name in columns
        ]
        table.add_row(spec.titles.get(chapter, chapter), *cells)
    console.print()
    console.print(table)
    _print_counts(console, results)


def _columns(results: Results) -> list[str]:
    """Give the adapters; mixed fleets only where there is nothing else."""
    names = list(dict.fromkeys(column_of(each.adapter) for each in results.all))
    return [name for name in names if name != FLEETS] or names


def _make_table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _print_failing(
    console: Console,
    requirements: list[Requirement],
    results: Results,
) -> None:
    failing = {column_of(each.adapter) for each in results.failures}
    everywhere = dict.fromkeys(column_of(each.adapter) for each in results.all)
    columns = [name for name in everywhere if name in failing]
    table = _make_table("", "", *columns)
    table.columns[0].no_wrap = True
    table.columns[1] = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.expand = True
    counts = _count_results(results)
    for each in requirements[:MOST_REQUIREMENTS]:
        cells = [_cell(counts.get((each.id, column))) for column in columns]
        table.add_row(each.id, each.sentence, *cells)
    console.print(f"\nrequirements that fail: {len(requirements)}")
    console.print(table)
    if len(requirements) > MOST_REQUIREMENTS:
        console.print(f"and {len(requirements) - MOST_REQUIREMENTS} more")


def _by_column(row: Mapping[str, Status]) -> dict[str, Status]:
    """Sum up mixed fleets."""
    found: dict[str, list[Status]] = {}
    for adapter, status in row.items():
        found.setdefault(column_of(adapter), []).append(status)
    return {name: worst(statuses) for name, statuses in found.items()}


def _count_results(results: Results) -> dict[tuple[str, str], Counter[Status]]:
    counts: dict[tuple[str, str], Counter[Status]] = {}
    for each in results.all:
        for name in each.requirements:
            key = name, column_of(each.adapter)
            counts.setdefault(key, Counter())[each.status] += 1
    return counts


def _cell(counts: Counter[Status] | None) -> Text:
    if not counts:
        return Text("-", "dim")
    status = worst(counts)
    if status is Status.PASSED:
        return Text(f"passed {counts[status]}", STYLES[status])
    name = SHORT.get(status, status)
    return Text(f"{name} {counts[status]}/{counts.total()}", STYLES[status])


def _chapter_cell(statuses: list[Status]) -> Text:
    """Say how many hold, then what the others are, a line each."""
    if not statuses:
        return Text("-", "dim")
    counts = Counter("failed" if each.is_failure else each for each in statuses)
    holding = counts[Status.PASSED]
    text = Text(f"{holding} of {len(statuses)}", "green" if holding else "")
    for name, style in (
        (Status.FAILED, STYLES[Status.FAILED]),
        (Status.KNOWN_DEVIATION, STYLES[Status.KNOWN_DEVIATION]),
        (Status.NOT_IMPLEMENTED, STYLES[Status.NOT_IMPLEMENTED]),
    ):
        if number := counts[name]:
            text.append(f"\n{number} {SHORT[name]}", style)
    return text


def _print_counts(console: Console, results: Results) -> None:
    table = _make_table("results", *SHORT.values(), "seconds")
    for name in dict.fromkeys(each.adapter for each in results.all):
        mine = [each for each in results.all if each.adapter == name]
        counts = Counter(
            Status.FAILED if each.status.is_failure else each.status for each in mine
        )
        seconds = sum(each.seconds for each in mine)
        cells = [
            Text(str(counts[status]), STYLES[status] if counts[status] else "dim")
            for status in SHORT
        ]
        table.add_row(name, *cells, f"{seconds:.1f}")
    console.print()
    console.print(table)
    console.print()


def print_closing(
    console: Console,
    results: Results,
    seconds: float | None = None,
    page: Path | None = None,
) -> None:
    """Print what is neither passed nor failed, and how many are what."""
    _print_reasons(console, results, Status.KNOWN_DEVIATION, ":")  # by defects
    if any(each.status is Status.KNOWN_DEVIATION for each in results.all):
        console.print("each is explained in conformance/findings/NAME.md", style="dim")
    _print_reasons(console, results, Status.NOT_IMPLEMENTED, "\n")
    _print_explored(console, results)
    if page is not None:
        console.print(f"report: {page}", soft_wrap=True)
    if seconds is not None:
        console.print(f"{seconds:.1f} seconds", style="dim")
    console.print(closing_line(each.status for each in results.all))


def _print_explored(console: Console, results: Results) -> None:
    """Tell, for each adapter, how many interleavings were played."""
    for adapter in dict.fromkeys(each.adapter for each in results.all):
        tables = [
            each.explored
            for each in results.all
            if each.adapter == adapter and each.explored
        ]
        if not tables:
            continue
        distinct = sum(table["distinct"] for table in tables)
        whole = sum(table["exhausted"] for table in tables)
        line = f"{adapter}: {distinct} interleavings of {len(tables)} scenarios"
        line += f", {whole} of them exhausted"
        if diverged := sum(table["diverged"] for table in tables):
            line += f"; {diverged} schedules did not repeat"
        console.print(line)


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
    """Say why, for each adapter what is most frequent first."""
    reasons = Counter(
        (column_of(each.adapter), each.message.partition(end)[0])
        for each in results.all
        if each.status is status
    )
    columns = list(dict.fromkeys(column for column, _ in reasons))
    ordered = sorted(
        reasons.items(), key=lambda each: (columns.index(each[0][0]), -each[1])
    )
    for (column, reason), number in ordered[:MOST_REASONS]:
        line = Text(f"{column}: {number} {status}: ")
        page = findings.FOLDER / f"{reason}.md"
        is_page = status is Status.KNOWN_DEVIATION and page.is_file()
        line.append(printable(reason), f"link {page.as_uri()}" if is_page else "")
        console.print(line, soft_wrap=True)
    if len(ordered) > MOST_REASONS:
        console.print(f"and {len(ordered) - MOST_REASONS} more: see the report")
