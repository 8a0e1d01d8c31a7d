# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix on paper: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from brrr_conformance.outcome import Status
from brrr_conformance.terminal import STYLES, closing_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import Console

    from brrr_conformance.matrix import Fleet, Matrix
    from brrr_conformance.report import Outcome

SCHEMA = 1


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Print what has failed, the table, the fleet, and `N passed, N failed`."""
    for each in matrix.outcomes:
        if each.status is Status.PASSED:
            continue
        message = each.message
        if not each.status.is_failure:
            message = message.partition("\n")[0]
        console.print(
            _styled(each, each.status.upper()),
            Text(f"{each.id}: {message}"),
            soft_wrap=True,
        )
    names = list(dict.fromkeys(cell.caller for cell in matrix.pairs))
    table = Table("caller \\ callee", *names, title_justify="left", box=None)
    for caller in names:
        row = [cell.outcome for cell in matrix.pairs if cell.caller == caller]
        table.add_row(caller, *(_styled(each, each.status) for each in row))
    console.print(table)
    console.print()
    console.print(_fleet_line(matrix.fleet), soft_wrap=True)
    console.print(closing_line(each.status for each in matrix.outcomes))


def _styled(outcome: Outcome, text: str) -> Text:
    return Text(text, STYLES[outcome.status])


def _fleet_line(fleet: Fleet) -> Text:
    shares = ", ".join(f"{name} {number}" for name, number in fleet.handled.items())
    return Text.assemble(
        f"fleet of {len(fleet.adapters)} on one topic: ",
        _styled(fleet.outcome, fleet.outcome.status),
        f"; {fleet.graphs} graphs of seed {fleet.seed}, {fleet.calls} calls, "
        f"{fleet.messages} messages; handled: {shares or 'none'}",
    )


def write_matrix(
    file: Path, matrix: Matrix, adapters: Iterable[dict[str, Any]]
) -> None:
    """Write the report; its schema is described in the README."""
    fleet = matrix.fleet
    counts = Counter(each.status for each in matrix.outcomes)
    report = {
        "schema": SCHEMA,
        "kind": "matrix",
        "adapters": list(adapters),
        "pairs": [
            {
                "caller": cell.caller,
                "callee": cell.callee,
                "status": cell.outcome.status,
                "message": cell.outcome.message,
                "seconds": round(cell.outcome.seconds, 3),
            }
            for cell in matrix.pairs
        ],
        "fleet": {
            "adapters": list(fleet.adapters),
            "graphs": fleet.graphs,
            "seed": fleet.seed,
            "calls": fleet.calls,
            "messages": fleet.messages,
            "handled": fleet.handled,
            "status": fleet.outcome.status,
            "message": fleet.outcome.message,
            "seconds": round(fleet.outcome.seconds, 3),
        },
        "summary": {
            **{status.value: counts[status] for status in Status},
            "total": len(matrix.outcomes),
            "failures": len(matrix.failures),
            "seconds": round(matrix.seconds, 3),
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
