# SPDX-License-Identifier: AGPL-3.0-only
"""What several commands share: options, exit statuses, the verdict."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brrr_conformance.config import Store
from brrr_conformance.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.report import Outcome

# Cases about the adapter itself: an SDK has done nothing yet when they pass.
PROBES = "probing."


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    FAULT = 3
    NOTHING = 5
    INTERRUPTED = 130


Adapters = Annotated[
    list[Path],
    typer.Argument(
        metavar="ADAPTER...", help="Folders with an adapter.toml.", show_default=False
    ),
]
Redis = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Work on this database (it must be empty), not a private one.",
    ),
]
StoreName = Annotated[
    Store,
    typer.Option(
        "--store", help="Where the records are to be; queue and cache are on Redis."
    ),
]
Json = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the report as JSON."),
]
Junit = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")
]
Failures = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write a file for each failure, to replay; usually into failures/ next "
        "to the JSON report, or into build/conformance/failures.",
    ),
]
Attach = Annotated[
    bool,
    typer.Option(
        "--attach",
        help="Start the adapters yourself, under a debugger: says how, and waits.",
    ),
]
Html = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the report as a page to look at."),
]
Mutants = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What `make mutants` found, for the report."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Other choices for other seeds.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        min=1,
        help="So many cases at a time, each on a Redis of its own: as many as there "
        "are cores, unless said; 1 on --redis.",
        show_default=False,
    ),
]


def verdict(outcomes: Sequence[Outcome]) -> Exit:
    """Sum up: something must have been judged, and nothing have failed."""
    statuses = [each.status for each in outcomes]
    if any(status.is_failure for status in statuses):
        return Exit.FAILED
    due = (Status.PASSED, Status.KNOWN_DEVIATION)
    judged = [each for each in outcomes if not each.id.startswith(PROBES)]
    return Exit.OK if any(each.status in due for each in judged) else Exit.NOTHING


def failures_folder(asked: Path | None, report: Path | None) -> Path:
    """Say where failure files go: where asked, or near the report."""
    near = Path("build/conformance") if report is None else report.parent
    return (asked or near / "failures").resolve()
