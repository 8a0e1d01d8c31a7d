# SPDX-License-Identifier: AGPL-3.0-only
"""What the page's script reads: the details behind the cells, each thing once.

    {"columns": [name], "statuses": [status], "kinds": [kind],
     "texts": [text],
     "cases": [[id, about, profile]],
     "results": [[case, adapter, status, seconds, text or -1, transcript or -1]],
     "cells": {requirement: [for each column: [[result], [[suite, passed]]]]},
     "specs": {requirement: [chapter, level, text]},
     "folders": {adapter: folder}, "run": {…}, "findings": {name: title},
     "transcripts": [{"who": [lane], "left_out", "first", "recipe", "seed",
                      "events": [[at, lane, kind, text, command or -1]]}]}

Numbers stand for places in `cases`, `texts` and so on.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brrr_conformance.outcome import Status
from brrr_conformance.report import FLEETS, column_of
from brrr_conformance.words import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = (
    *("connected", "command", "reply"),
    *("fault", "invoked", "answered", "problem"),
)
# Of the message of a result; the wire is told by the transcript.
MOST_TEXT = 6000
_FRAMES = re.compile(r"^(?:last frames \(\d+ before\)|frames):\n(?: .*\n?)*", re.M)


def suite_of(case: str) -> str:
    """Name the kind of vectors that one belongs to."""
    if "/" in case:
        return case.partition("/")[0]
    return "examples of the specification" if case.startswith("spec.") else "others"


@dataclass(slots=True)
class Data:
    columns: list[str]
    adapters: list[str]
    # For each requirement and column: the statuses of all results.
    statuses: dict[str, list[list[str]]] = field(default_factory=dict)
    cells: dict[str, list[Any]] = field(default_factory=dict)
    profiles: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Data:
        adapters = [each["name"] for each in report["adapters"]]
        found = {column_of(each["adapter"]) for each in report["results"]}
        columns = [*adapters, *([FLEETS] if FLEETS in found else [])]
        data = cls(columns, adapters)
        packer = _Packer(report)
        for result in report["results"]:
            data._add(packer, result)
        data.others = packer.packed()
        return data

    def _add(self, packer: _Packer, result: Mapping[str, Any]) -> None:
        name, status = result["id"], result["status"]
        column = self.columns.index(column_of(result["adapter"]))
        case = packer.cases.get(name, {"module": "", "profile": ""})
        counted = case["module"] == "wire" and status == Status.PASSED
        place = -1 if counted else packer.add_result(result)
        for requirement in result["requirements"]:
            statuses = self.statuses.setdefault(requirement, [[] for _ in self.columns])
            statuses[column].append(status)
            cells = self.cells.setdefault(
                requirement, [[[], Counter()] for _ in self.columns]
            )
            if counted:
                cells[column][1][suite_of(name)] += 1
            else:
                cells[column][0].append(place)
            profiles = self.profiles.setdefault(requirement, [])
            if case["profile"] not in profiles:
                profiles.append(case["profile"])

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": self.columns,
            "cells": {
                name: [[results, sorted(suites.items())] for results, suites in row]
                for name, row in self.cells.items()
            },
            **self.others,
        }


class _Packer:
    """Gives things that are told once their places."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self.report = report
        self.cases = report["cases"]
        self.texts: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._results: list[list[Any]] = []
        self._transcripts: list[dict[str, Any]] = []
        self._recorded = {
            (each["case"], each["adapter"]): each
            for each in report.get("transcripts", ())
        }

    def packed(self) -> dict[str, Any]:
        report = self.report
        return {
            "statuses": list(Status),
            "kinds": KINDS,
            "texts": list(self.texts),
            "cases": [
                [
                    printable(name),
                    printable(self.cases.get(name, {}).get("about", "")),
                    self.cases.get(name, {}).get("profile", ""),
                ]
                for name in self._places
            ],
            "results": self._results,
            "specs": {
                name: [each["chapter"], each["level"], printable(each["text"])]
                for name, each in report["spec"]["requirements"].items()
            },
            "folders": {
                each["name"]: each.get("folder", f"adapters/{each['name']}")
                for each in report["adapters"]
            },
            "run": report["run"],
            "transcripts": self._transcripts,
        }

    def add_result(self, result: Mapping[str, Any]) -> int:
        case = self._places.setdefault(result["id"], len(self._places))
        recorded = self._recorded.get((result["id"], result["adapter"]))
        message = result["message"]
        if recorded is not None:
            message = _FRAMES.sub("", message).rstrip()
        text = -1 if not message else self._text(message[:MOST_TEXT])
        self._results.append(
            [
                case,
                result["adapter"],
                list(Status).index(Status(result["status"])),
                round(result["seconds"], 3),
                text,
                -1 if recorded is None else self._add_transcript(recorded),
            ]
        )
        return len(self._results) - 1

    def _add_transcript(self, recorded: Mapping[str, Any]) -> int:
        who = list(dict.fromkeys(each["who"] for each in recorded["events"]))
        self._transcripts.append(
            {
                "who": who,
                "left_out": recorded["left_out"],
                "first": recorded["first"],
                "seed": recorded["seed"],
                "recipe": _recipe(recorded["recipe"]),
                "events": [
                    [
                        each["at"],
                        who.index(each["who"]),
                        KINDS.index(each["kind"]),
                        self._text(each["text"]),
                        each.get("command", -1),
                    ]
                    for each in recorded["events"]
                ],
            }
        )
        return len(self._transcripts) - 1

    def _text(self, text: str) -> int:
        return self.texts.setdefault(printable(text), len(self.texts))


def _recipe(recipe: Mapping[str, Any]) -> str:
    """Show what the case chose; nothing if it had no choice."""
    return json.dumps(recipe, indent=1) if recipe else ""
