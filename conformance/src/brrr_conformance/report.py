# SPDX-License-Identifier: AGPL-3.0-only
"""What a run found: one Outcome for each case and adapter, and the JSON report.

The report is described by report.schema.json. All other forms are made of it, at
once or later: a page (page.py), JUnit XML (junit.py), a comparison (compare.py).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brrr_conformance.findings import read_findings
from brrr_conformance.outcome import HarnessError, Status, worst
from brrr_conformance.transcript import choose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from brrr_conformance.case import Case
    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.spec import Spec

SCHEMA = 1
FLEETS = "mixed fleets"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case, with its set-up and its end, came out for an adapter."""

    id: str
    adapter: str
    requirements: tuple[str, ...]
    status: Status = Status.PASSED
    seconds: float = 0.0
    message: str = ""
    # Of a case that explores schedules: how many were played (explore/search.py).
    explored: Mapping[str, Any] | None = None

    def after(self, status: Status, seconds: float, message: str) -> Outcome:
        """Add a phase."""
        total = worst([self.status, status])
        first = self.message or message
        return replace(
            self, status=total, seconds=self.seconds + seconds, message=first
        )

    def about(self, requirement: str) -> Outcome:
        """Count for this requirement too."""
        names = dict.fromkeys((*self.requirements, requirement))
        return replace(self, requirements=tuple(names))

    def to_json(self) -> dict[str, Any]:
        table = asdict(self)
        return {**table, "requirements": list(self.requirements)}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Outcome:
        requirements = tuple(table["requirements"])
        status = Status(table["status"])
        return cls(**{**table, "requirements": requirements, "status": status})


@dataclass(slots=True)
class Results:
    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    # Of every case that was about the wire, by id and adapter.
    transcripts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> Outcome:
        """Take what a case has come to, after set-up, call or end."""
        self.outcomes[outcome.id, outcome.adapter] = outcome
        return outcome

    def sort(self, order: Iterable[tuple[str, str]]) -> None:
        """Bring the results into this order, whichever came first."""
        self.outcomes = {
            key: self.outcomes[key] for key in order if key in self.outcomes
        }

    @property
    def all(self) -> list[Outcome]:
        return list(self.outcomes.values())

    @property
    def failures(self) -> list[Outcome]:
        return [each for each in self.all if each.status.is_failure]

    def count(self, *statuses: Status) -> int:
        return sum(each.status in statuses for each in self.all)

    def by_requirement(self) -> dict[str, dict[str, Status]]:
        """Sum up, for each requirement and adapter, all that is about it."""
        found: dict[str, dict[str, list[Status]]] = {}
        for each in self.all:
            for name in each.requirements:
                statuses = found.setdefault(name, {}).setdefault(each.adapter, [])
                statuses.append(each.status)
        return {
            name: {adapter: worst(statuses) for adapter, statuses in row.items()}
            for name, row in found.items()
        }


def column_of(adapter: str) -> str:
    """Give the column of a result; all mixed fleets share one."""
    return FLEETS if "+" in adapter else adapter


def describe_adapter(
    config: AdapterConfig, welcome: pb.Welcome | None
) -> dict[str, Any]:
    """Tell what an adapter is, as it says itself."""
    return {
        "name": config.name,
        "folder": _shown(config.folder),
        "language": config.language,
        "sdk": welcome.sdk if welcome else "",
        "version": welcome.version if welcome else "",
        "level": config.level,
        "framing": config.framing,
        "profiles": sorted(config.profiles),
        "delivery": config.delivery,
        "not_implemented": dict(config.not_implemented),
    }


def _shown(folder: Path) -> str:
    """Give a folder as one would type it here."""
    here = Path.cwd()
    folder = folder.resolve()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def make_report(
    results: Results,
    adapters: Iterable[dict[str, Any]],
    spec: Spec,
    seconds: float,
    **run: object,
) -> dict[str, Any]:
    """Make the report; `run` is what else is to be known of this run."""
    counts = Counter(each.status for each in results.all)
    return {
        "schema": SCHEMA,
        "kind": "run",
        "run": {"runner": version("brrr-conformance"), **run},
        "adapters": list(adapters),
        "results": [each.to_json() for each in results.all],
        "requirements": results.by_requirement(),
        "summary": {
            **{status.value: counts[status] for status in Status},
            "total": len(results.all),
            "failures": len(results.failures),
            "seconds": round(seconds, 3),
        },
        "cases": {
            name: {"about": case.about, "module": case.module, "profile": case.profile}
            for name, case in results.cases.items()
        },
        "spec": _describe_spec(spec),
        "findings": read_findings(_defects(results)),
        "transcripts": choose(results.transcripts, results.all),
    }


def _describe_spec(spec: Spec) -> dict[str, Any]:
    return {
        "chapters": spec.titles,
        "requirements": {
            each.id: {
                "chapter": each.chapter,
                "level": each.level,
                "line": each.line,
                "text": each.text,
            }
            for each in spec.all_requirements
        },
    }


def _defects(results: Results) -> set[str]:
    """Give the names of the findings that known deviations cite."""
    return {
        each.message.partition(":")[0]
        for each in results.all
        if each.status is Status.KNOWN_DEVIATION
    }


def write_report(file: Path, report: Mapping[str, Any]) -> None:
    text = json.dumps(report, indent=1, ensure_ascii=False)
    write_text(file, text + "\n")


def write_text(file: Path, text: str) -> None:
    """Write text of any characters, lone surrogates too, and its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_report(file: Path) -> dict[str, Any]:
    """Read a report of `run` or `matrix`; raise HarnessError if it is none."""
    report = _read_json(file)
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise HarnessError(f"{file}: no report of schema {SCHEMA}")
    return report


def read_mutants(file: Path) -> list[dict[str, Any]]:
    """Read what `make mutants` has found."""
    match _read_json(file):
        case {"mutants": list(found)} if all(map(_is_mutant, found)):
            return found
    raise HarnessError(f"{file}: no report of mutants")


def _is_mutant(found: object) -> bool:
    return isinstance(found, dict) and {"name", "requirement", "killed"} <= set(found)


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise HarnessError(f"{file}: {error}") from error
