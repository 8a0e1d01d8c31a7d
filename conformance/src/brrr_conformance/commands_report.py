# SPDX-License-Identifier: AGPL-3.0-only
"""`report`: other forms of a report that a run has written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brrr_conformance.options import Html, Junit, Mutants
from brrr_conformance.outcome import HarnessError
from brrr_conformance.outputs import Outputs
from brrr_conformance.report import read_report


def report(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What --json has written.")
    ],
    html: Html = None,
    junit: Junit = None,
    mutants: Mutants = None,
) -> None:
    """Make a page, or JUnit XML, of a report in JSON."""
    outputs = Outputs(junit=junit, html=html, mutants=mutants)
    if not outputs:
        raise HarnessError("nothing to do: give --html FILE or --junit FILE")
    found = read_report(file)
    if found.get("kind") == "matrix" and junit is not None:
        raise HarnessError(f"{file}: there is no JUnit XML of a matrix")
    if found.get("kind") != "matrix" and "cases" not in found:
        raise HarnessError(f"{file}: no report, or of a runner before 0.2")
    outputs.write(found)
