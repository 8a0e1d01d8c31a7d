# SPDX-License-Identifier: AGPL-3.0-only
"""The files that a run writes, each made of the one report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brrr_conformance.junit import write_junit
from brrr_conformance.page import write_page
from brrr_conformance.report import read_mutants, write_report

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outputs:
    json: Path | None = None
    junit: Path | None = None
    html: Path | None = None
    mutants: Path | None = None

    def __bool__(self) -> bool:
        return any((self.json, self.junit, self.html))

    def check(self) -> None:
        """Say what is wrong with what is to be read, before anything starts."""
        if self.mutants is not None:
            read_mutants(self.mutants)

    def write(self, report: dict[str, Any]) -> None:
        if self.mutants is not None:
            report = {**report, "mutants": read_mutants(self.mutants)}
        if self.json is not None:
            write_report(self.json, report)
        if self.junit is not None:
            write_junit(self.junit, report)
        if self.html is not None:
            write_page(self.html, report)
