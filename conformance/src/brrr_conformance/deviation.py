# SPDX-License-Identifier: AGPL-3.0-only
"""Known deviations: what an SDK is known to do wrong, case by case.

The list is deviations.toml in an adapter's folder; adapters/README.md is its
guide. A listed case runs all the same, and must end just as its entry says: one
that passes, or fails in another way, has failed.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from brrr_conformance.config import Store
from brrr_conformance.outcome import HarnessError, Status, worst

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.report import Outcome

FILE = "deviations.toml"
MOST_FOR_A_WILDCARD = 20
EXPECTED = (Status.FAILED, Status.CRASHED, Status.TIMED_OUT)
# Seconds to wait for what is known not to come.
PATIENCE = 2.0
# Cells of the matrix are no cases of a run.
MATRIX = "matrix."

# A requirement that a diagnosis quotes: not what was seen.
QUOTED = re.compile(r"^\[[A-Z]+-\d+\] .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Deviation:
    """An entry: these cases end like this, because of this defect."""

    place: str  # file and number, for messages
    adapter: str
    cases: tuple[str, ...]
    requirements: tuple[str, ...]
    # A page in conformance/findings/.
    defect: str
    reason: str
    # Searched in the diagnosis.
    message: re.Pattern[str]
    expect: Status = Status.FAILED
    # Seconds for each reply, where the usual is more.
    timeout: float = math.inf
    # Patterns of the mixed fleets that are meant; none given: every one.
    fleets: tuple[str, ...] = ()
    # The only store that it shows on; none given: every one.
    store: str = ""
    # A [[rule]] has no cases: wherever the trace checker finds one of its
    # requirements broken, that is known; and nothing is due.
    is_rule: bool = False

    def __str__(self) -> str:
        return f"{self.place} ({self.defect})"

    def covers(self, case: str, fleet: str) -> bool:
        """Tell whether this is about a case of an adapter or of a mixed fleet."""
        if self.fleets and not any(_covers(each, fleet) for each in self.fleets):
            return False
        return self.is_rule or any(_covers(each, case) for each in self.cases)

    def tells(self, diagnosis: str) -> bool:
        """Tell whether this is the failure that the entry means."""
        return self.message.search(QUOTED.sub("", diagnosis)) is not None

    def fits(self, outcome: Outcome) -> bool:
        return outcome.status is self.expect and self.tells(outcome.message)


def judge(outcome: Outcome, entries: Sequence[Deviation]) -> Outcome:
    """Sum up a case that is over by the entries that cover it."""
    if not entries or outcome.status in (Status.NOT_IMPLEMENTED, Status.HARNESS_ERROR):
        return outcome
    for entry in entries:
        if entry.fits(outcome):
            said = f"{entry.defect}: {entry.reason}\n{outcome.message}"
            return replace(outcome, status=Status.KNOWN_DEVIATION, message=said)
    entries = [entry for entry in entries if not entry.is_rule]
    if not entries:
        return outcome
    where = ", ".join(map(str, entries))
    if outcome.status is Status.PASSED:
        why = f"passed, and is listed as a known deviation: {where}"
        return replace(outcome, status=Status.FAILED, message=why)
    due = " or ".join(f"{each.expect}: {each.message.pattern}" for each in entries)
    why = f"{outcome.status} in another way than is known: {where}\ndue is {due}"
    said = f"{why}\ngot {outcome.status}: {outcome.message}"
    return replace(outcome, status=Status.FAILED, message=said)


def judge_phase(
    report: Any, before: Outcome, outcome: Outcome, entries: Sequence[Deviation]
) -> Outcome:
    """Sum up a listed case when it is over, and tell pytest.

    In pytest's own eyes, and so in JUnit XML, a known deviation is skipped: it
    is neither green nor red.
    """

    def may_be_known(outcome: Outcome) -> bool:
        return any(
            entry.tells(outcome.message)
            and worst([outcome.status, entry.expect]) is entry.expect
            for entry in entries
        )

    if report.when != "teardown":
        if report.failed and may_be_known(outcome):
            _skip(report, outcome)
        return outcome
    verdict = judge(outcome, entries)
    if verdict.status is Status.KNOWN_DEVIATION and report.failed:
        _skip(report, verdict)
    elif verdict.status.is_failure:
        told = before.status.is_failure and not may_be_known(before)
        report.outcome = "passed" if told else "failed"
        report.longrepr = None if told else verdict.message
    return verdict


def _skip(report: Any, outcome: Outcome) -> None:
    headline = outcome.message.partition("\n")[0]
    report.outcome = "skipped"
    report.longrepr = (outcome.id, 0, f"known deviation: {headline}")


def patience(entries: Iterable[Deviation]) -> float:
    """Give the most seconds to wait for a reply, where the usual is more."""
    return min((each.timeout for each in entries), default=math.inf)


# ---- a list and the cases that there are ------------------------------------


def check_wildcards(entries: Iterable[Deviation], cases: Collection[str]) -> None:
    for entry in entries:
        for pattern in entry.cases:
            number = sum(_covers(pattern, case) for case in cases)
            if number > MOST_FOR_A_WILDCARD:
                raise HarnessError(
                    f"{entry}: {pattern} stands for {number} cases; a wildcard may "
                    f"for {MOST_FOR_A_WILDCARD}"
                )


def find_stale(
    entries: Iterable[Deviation], cases: Collection[str]
) -> list[tuple[Deviation, str]]:
    """Find the patterns of a list that stand for no case at all."""
    return [
        (entry, pattern)
        for entry in entries
        for pattern in entry.cases
        if not any(_covers(pattern, case) for case in cases)
    ]


def entries_for(
    entries: Iterable[Deviation], case: str, fleet: str
) -> tuple[Deviation, ...]:
    """Pick what covers a case; a case is not listed twice by one adapter."""
    found: dict[str, Deviation] = {}
    rules = []
    for entry in entries:
        if not entry.covers(case, fleet):
            continue
        if entry.is_rule:
            rules.append(entry)
            continue
        if other := found.get(entry.adapter):
            raise HarnessError(f"{case} is listed twice: {other}, {entry}")
        found[entry.adapter] = entry
    return (*found.values(), *rules)


def _covers(pattern: str, name: str) -> bool:
    """Match * and ?; brackets are part of ids, and mean themselves."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, name) is not None


# ---- the file ---------------------------------------------------------------


def load_lists(
    adapters: Iterable[AdapterConfig], requirements: Collection[str], store: str
) -> tuple[Deviation, ...]:
    """Read what the lists of several adapters say of a store."""
    return tuple(
        entry
        for adapter in adapters
        for entry in load_deviations(adapter, requirements)
        if entry.store in ("", store)
    )


def load_deviations(
    adapter: AdapterConfig, requirements: Collection[str]
) -> tuple[Deviation, ...]:
    """Read an adapter's list; without the file there are none."""
    file = adapter.folder / FILE
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{file}: {error}") from error
    entries, rules = table.pop("deviation", []), table.pop("rule", [])
    if table or not isinstance(entries, list) or not isinstance(rules, list):
        raise HarnessError(
            f"{file}: it holds [[deviation]] and [[rule]] entries, and nothing else"
        )
    found = []
    for number, entry in enumerate([*entries, *rules], 1):
        is_rule = number > len(entries)
        place = f"{file.parent.name}/{file.name}, entry {number}"
        if is_rule:
            place = f"{file.parent.name}/{file.name}, rule {number - len(entries)}"
        try:
            make = _rule if is_rule else _entry
            deviation = make(place, adapter.name, entry)
            _check_names(deviation, adapter.folder, requirements)
        except (KeyError, TypeError, ValueError) as error:
            why = (
                f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
            )
            raise HarnessError(f"{place}: {why}") from error
        found.append(deviation)
    return tuple(found)


def _entry(place: str, adapter: str, table: dict[str, Any]) -> Deviation:
    table = dict(table)
    expect = Status(table.pop("expect", Status.FAILED))
    if expect not in EXPECTED:
        raise ValueError(f"expect is {expect}, not one of {', '.join(EXPECTED)}")
    usual = PATIENCE if expect is Status.TIMED_OUT else math.inf
    timeout = float(table.pop("timeout", usual))
    if timeout <= 0:
        raise ValueError(f"timeout is {timeout}")
    try:
        message = re.compile(_text("message", table.pop("message")), re.MULTILINE)
    except re.error as error:
        raise ValueError(f"message is no regular expression: {error}") from error
    deviation = Deviation(
        place=place,
        adapter=adapter,
        cases=_texts("cases", table.pop("cases")),
        requirements=_texts("requirements", table.pop("requirements")),
        defect=_text("defect", table.pop("defect")),
        reason=_text("reason", table.pop("reason")),
        message=message,
        expect=expect,
        timeout=timeout,
        fleets=_texts("fleets", table.pop("fleets", ["*"])),
        store=Store(table.pop("store")) if "store" in table else "",
    )
    if table:
        raise ValueError(f"unknown key: {', '.join(sorted(table))}")
    return deviation


def _rule(place: str, adapter: str, table: dict[str, Any]) -> Deviation:
    requirements = _texts("requirements", table["requirements"])
    broken = "|".join(map(re.escape, requirements))
    message = rf"^breaks ({broken}) at frame "
    whole = {**table, "cases": ["-"], "message": message}
    return replace(_entry(place, adapter, whole), cases=(), is_rule=True)


def _check_names(entry: Deviation, folder: Path, requirements: Collection[str]) -> None:
    for name in entry.requirements:
        if name not in requirements:
            raise ValueError(f"there is no requirement {name}")
    findings = folder.parent.parent / "conformance" / "findings"
    if findings.is_dir() and not (findings / f"{entry.defect}.md").is_file():
        raise ValueError(f"there is no conformance/findings/{entry.defect}.md")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} is not a list of texts")
    return tuple(_text(name, each) for each in value)


# ---- help for who writes one ------------------------------------------------


def write_skeletons(file: Path, outcomes: Iterable[Outcome]) -> None:
    """Write an entry for each kind of failure, for a human to name and explain."""
    groups: dict[tuple[str, tuple[str, ...], str, str], list[str]] = {}
    for each in outcomes:
        if each.status in EXPECTED:
            headline = each.message.partition("\n")[0]
            key = (each.adapter, each.requirements, each.status.value, headline)
            groups.setdefault(key, []).append(each.id)
    parts = []
    for (adapter, requirements, status, headline), cases in sorted(groups.items()):
        lines = [f"# {adapter}", "[[deviation]]", "cases = ["]
        lines += [f"    {_toml(case)}," for case in cases]
        lines += ["]", f"requirements = {_toml(list(requirements))}"]
        lines += ['defect = ""', 'reason = ""']
        if status != Status.FAILED:
            lines.append(f"expect = {_toml(status)}")
        lines.append(f"message = {_toml(re.escape(headline))}")
        parts.append("\n".join(lines) + "\n")
    file.write_text("\n".join(parts), encoding="utf-8", errors="backslashreplace")


def _toml(value: object) -> str:
    """Write texts and lists of them: JSON's are TOML's too."""
    return json.dumps(value, ensure_ascii=False)
