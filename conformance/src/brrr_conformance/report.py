# SPDX-License-Identifier: AGPL-3.0-only
"""What a run found: one Outcome for each case and adapter, and the JSON report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from brrr_conformance.outcome import Status, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.pb import adapter_pb2 as pb

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case, with its set-up and its end, came out for an adapter."""

    id: str
    adapter: str
    requirements: tuple[str, ...]
    status: Status = Status.PASSED
    seconds: float = 0.0
    message: str = ""

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


def describe_adapter(
    config: AdapterConfig, welcome: pb.Welcome | None
) -> dict[str, Any]:
    """Tell what an adapter is, as it says itself."""
    return {
        "name": config.name,
        "language": config.language,
        "sdk": welcome.sdk if welcome else "",
        "version": welcome.version if welcome else "",
        "level": config.level,
        "framing": config.framing,
        "profiles": sorted(config.profiles),
        "delivery": config.delivery,
        "not_implemented": dict(config.not_implemented),
    }


def write_json(
    file: Path, results: Results, adapters: Iterable[dict[str, Any]], seconds: float
) -> None:
    """Write the report; its schema is described in the README."""
    counts = Counter(each.status for each in results.all)
    report = {
        "schema": SCHEMA,
        "adapters": list(adapters),
        "results": [each.to_json() for each in results.all],
        "requirements": results.by_requirement(),
        "summary": {
            **{status.value: counts[status] for status in Status},
            "total": len(results.all),
            "failures": len(results.failures),
            "seconds": round(seconds, 3),
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
