# SPDX-License-Identifier: AGPL-3.0-only
"""Reads test results of four kinds and adds them up.

cmocka (through ctest), ctest, JUnit XML (pytest, lint), and the JSON report of
a conformance run. Every reader returns a Tally, or raises CountError when the
results are not there or not whole: what cannot be counted never passes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element


class CountError(Exception):
    """The results are missing or cannot be read."""


@dataclass(slots=True)
class Tally:
    """Counts, and a line for each failure."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, why: str) -> None:
        self.failed += 1
        self.failures.append(why)

    def add(self, other: Tally) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count_junit(path: Path) -> Tally:
    """Count the test cases of a JUnit XML file."""
    return tally_cases(parse(path, read_text(path)))


def count_cmocka(path: Path) -> Tally:
    """Count what one cmocka program wrote: a document for each group of tests."""
    end = "</testsuites>"
    *documents, rest = read_text(path).split(end)
    if rest.strip():
        raise CountError(f"{path}: ends in the middle")
    tally = Tally()
    for text in documents:
        tally.add(tally_cases(parse(path, text.strip() + end)))
    return tally


def tally_cases(root: Element) -> Tally:
    tally = Tally()
    for case in root.iter("testcase"):
        problem = case.find("failure")
        if problem is None:
            problem = case.find("error")
        if problem is not None:
            name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
            reason = problem.get("message") or problem.text or ""
            tally.fail(f"{name}: {first_line(reason)}")
        elif case.find("skipped") is not None:
            tally.skipped += 1
        else:
            tally.passed += 1
    return tally


def count_ctest(build: Path, listing: Path, junit: Path) -> Tally:
    """Count a ctest run of a build folder.

    A cmocka program counts by its single tests, from test-results/<name>.xml;
    any other test counts as one. listing is what `ctest --show-only=json-v1`
    printed, so that a test which ctest forgot to run is missed.
    """
    endings = ctest_endings(junit)
    tally = Tally()
    for name, labels in ctest_names(listing):
        ending = endings.get(name, "not run")
        if "cmocka" in labels:
            tally.add(count_program(build, name, ending))
        elif ending == "passed":
            tally.passed += 1
        elif ending == "skipped":
            tally.skipped += 1
        else:
            tally.fail(f"{name}: {ending}")
    return tally


def count_program(build: Path, name: str, ending: str) -> Tally:
    """Count one cmocka program.

    One that failed without a failed test of its own (it crashed, leaked, or a
    group's set-up failed) counts as one failure more.
    """
    try:
        tally = count_cmocka(build / "test-results" / f"{name}.xml")
    except CountError as error:
        tally = Tally()
        tally.fail(f"{name}: {ending}, without results ({error})")
        return tally
    tally.failures = [f"{name}: {failure}" for failure in tally.failures]
    if ending != "passed" and not tally.failed:
        tally.fail(f"{name}: {ending}, though none of its tests failed")
    elif not tally.passed + tally.failed + tally.skipped:
        tally.fail(f"{name}: ran no test")
    return tally


def ctest_names(listing: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the labels of each test."""
    for test in load_json(listing)["tests"]:
        properties = {item["name"]: item["value"] for item in test["properties"]}
        yield test["name"], properties.get("LABELS", [])


def ctest_endings(junit: Path) -> dict[str, str]:
    """Map each test to "passed", "skipped", or how else it ended."""
    words = {"run": "passed", "fail": "failed", "notrun": "not run"}
    endings: dict[str, str] = {}
    for case in parse(junit, read_text(junit)).iter("testcase"):
        ending = words.get(case.get("status", ""), "not run")
        skipped = case.find("skipped")
        # So ctest marks a test that itself asked to be skipped; a program
        # that is missing looks the same but for the message.
        if skipped is not None and "SKIP_" in skipped.get("message", ""):
            ending = "skipped"
        endings[case.get("name", "")] = ending
    return endings


def count_report(path: Path, adapters: int) -> Tally:
    """Count the JSON report of a conformance run over that many adapters.

    Each of them must have results; a mixed fleet, named a+b, may have some too.
    """
    report = load_json(path)
    check_schema(path, report)
    results = report["results"]
    tally = count_results(results)
    names = {adapter["name"] for adapter in report["adapters"]}
    seen = names & {result["adapter"] for result in results}
    if len(seen) != adapters:
        tally.fail(f"results of {len(seen)} adapters, not {adapters}")
    return tally


def count_matrix(path: Path, adapters: int) -> Tally:
    """Count the cells of a matrix of that many adapters: all that it has to have."""
    report = load_json(path)
    check_schema(path, report)
    parts = [report["pairs"], report["records"], report["codec"]["adapters"]]
    cells = [cell for part in parts for cell in part]
    tally = count_results([*cells, report["fleet"], *report["storms"]])
    pairs = adapters * adapters
    due = [pairs, pairs + adapters, adapters]
    if (got := list(map(len, parts))) != due or not report["storms"]:
        tally.fail(f"{got} pairs, records and codecs, not {due}; or no storm")
    return tally


def check_schema(path: Path, report: dict[str, Any]) -> None:
    if report.get("schema") != 1:
        raise CountError(f"{path}: schema {report.get('schema')!r}, not 1")


def count_results(results: Iterable[dict[str, Any]]) -> Tally:
    """Count by status.

    Only "passed" passes. "not implemented" is declared, with a reason, and a
    "known deviation" is listed, with a defect: they count as skipped. Every other
    status is a failure.
    """
    tally = Tally()
    for result in results:
        status = result["status"]
        if status == "passed":
            tally.passed += 1
        elif status in ("not implemented", "known deviation"):
            tally.skipped += 1
        else:
            why = first_line(result.get("message") or "")
            where = f" ({result['adapter']})" if "adapter" in result else ""
            tally.fail(f"{result['id']}{where}: {status}: {why}")
    return tally


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CountError(f"{path}: {error.strerror}") from error


def parse(path: Path, text: str) -> Element:
    try:
        return ElementTree.fromstring(text.encode())  # noqa: S314 - our own tools
    except ElementTree.ParseError as error:
        raise CountError(f"{path}: {error}") from error


def load_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise CountError(f"{path}: {error}") from error
