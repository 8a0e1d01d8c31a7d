# SPDX-License-Identifier: AGPL-3.0-only
"""The report as one page: requirements by SDKs, for people, without a network.

The table is HTML that needs no script. What a cell opens is in the page as JSON,
each thing once: vectors that pass are only counted, equal texts are shared. The
page is made of templates in html/, which escape all that they are given.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from brrr_conformance.matrix.page import matrix_data
from brrr_conformance.outcome import Status, worst
from brrr_conformance.page_data import Data
from brrr_conformance.report import column_of, write_text
from brrr_conformance.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

# Status, what stands for it in a cell, and its class in style.css.
LOOKS = {
    Status.PASSED: ("✓", "pass"),
    Status.NOT_IMPLEMENTED: ("○", "none"),
    Status.KNOWN_DEVIATION: ("≈", "known"),
    Status.FAILED: ("✗", "fail"),
    Status.TIMED_OUT: ("◷", "fail"),
    Status.CRASHED: ("✸", "fail"),
    Status.HARNESS_ERROR: ("!", "harness"),
}
# Failures told at the top; the others are found in the table.
MOST_FAILURES = 50

_SENTENCE = re.compile(r".+?\.(?=\s+[A-Z*(`])|.+", re.DOTALL)


def write_page(file: Path, report: Mapping[str, Any]) -> None:
    write_text(file, make_page(report))


def make_page(report: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("brrr_conformance", "html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters["printable"] = printable
    environment.filters["sentence"] = sentence
    environment.filters["duration"] = duration
    looks = {str(status): look for status, look in LOOKS.items()}
    if report.get("kind") == "matrix":
        template = environment.get_template("matrix.html")
        return template.render(report=report, looks=looks, **matrix_data(report))
    data = Data.of(report)
    template = environment.get_template("page.html")
    return template.render(
        report=report,
        looks=looks,
        columns=data.columns,
        cards=[_card(report, name) for name in data.adapters],
        chapters=list(_chapters(report, data)),
        failures=_failures(report),
        more_failures=max(0, report["summary"]["failures"] - MOST_FAILURES),
        findings=list(_findings(report)),
        mutants=report.get("mutants", []),
        profiles=list(dict.fromkeys(each["profile"] for each in _cases(report))),
        data=data.to_json(),
    )


def sentence(text: str) -> Markup:
    """Give the first sentence of a requirement, its code as such."""
    found = _SENTENCE.match(printable(text))
    parts = re.split(r"`([^`]+)`", found[0] if found else "")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(_plain(part))
        for at, part in enumerate(parts)
    )


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _plain(markdown: str) -> str:
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"\*\*?([^*]+)\*\*?", r"\1", text)


def _cases(report: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = report["cases"]
    return found.values()


def _counts(statuses: Iterable[str]) -> list[tuple[Status, int]]:
    """Count the statuses, the best first."""
    counts = Counter(map(Status, statuses))
    return [(status, counts[status]) for status in Status if counts[status]]


def _card(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Sum up an SDK."""
    results = [each for each in report["results"] if each["adapter"] == name]
    rows = [row[name] for row in report["requirements"].values() if name in row]
    about = next(each for each in report["adapters"] if each["name"] == name)
    return {
        **about,
        "holding": rows.count(Status.PASSED),
        "tested": len(rows),
        "requirements": _counts(rows),
        "results": _counts(each["status"] for each in results),
        "explored": sum(
            (each.get("explored") or {}).get("distinct", 0) for each in results
        ),
        "took": sum(each["seconds"] for each in results),
    }


def _chapters(report: Mapping[str, Any], data: Data) -> Iterable[dict[str, Any]]:
    spec = report["spec"]
    tested = [
        {"id": name, **about}
        for name, about in spec["requirements"].items()
        if name in data.cells
    ]
    for chapter, group in itertools.groupby(tested, lambda each: each["chapter"]):
        rows = [_row(about, data) for about in group]
        sums = [
            _sum([row["cells"][at] for row in rows if row["cells"][at]])
            for at in range(len(data.columns))
        ]
        title = spec["chapters"].get(chapter, chapter)
        yield {"name": chapter, "title": title, "rows": rows, "sums": sums}


def _row(about: dict[str, Any], data: Data) -> dict[str, Any]:
    cells = [_cell(each) for each in data.statuses[about["id"]]]
    return {**about, "cells": cells, "profiles": data.profiles[about["id"]]}


def _cell(statuses: Sequence[str]) -> dict[str, Any] | None:
    if not statuses:
        return None
    counts = _counts(statuses)
    status = worst(status for status, _ in counts)
    return {"status": status, "count": dict(counts)[status], "total": len(statuses)}


def _sum(cells: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Count the requirements that hold, and all that were looked at."""
    holding = sum(each["status"] is Status.PASSED for each in cells)
    return holding, len(cells)


def _failures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [
        {**each, "column": column_of(each["adapter"])}
        for each in report["results"]
        if Status(each["status"]).is_failure
    ]
    return found[:MOST_FAILURES]


def _findings(report: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Group the known deviations by what they are called."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in report["results"]:
        if each["status"] == Status.KNOWN_DEVIATION:
            groups.setdefault(each["message"].partition(":")[0], []).append(each)
    for name, results in sorted(groups.items()):
        page = report.get("findings", {}).get(name, {})
        yield {
            "name": name,
            "title": page.get("title", name),
            "what": page.get("what", ""),
            "adapters": Counter(each["adapter"] for each in results),
            "requirements": list(
                dict.fromkeys(it for each in results for it in each["requirements"])
            ),
        }
