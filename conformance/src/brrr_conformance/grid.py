# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix in a terminal: what has failed first, then a line for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from brrr_conformance.matrix.golden import SPEC
from brrr_conformance.matrix.hashes import differing, due, letters
from brrr_conformance.outcome import Status
from brrr_conformance.terminal import STYLES, closing_line

if TYPE_CHECKING:
    from rich.console import Console

    from brrr_conformance.matrix.fleet import Fleet
    from brrr_conformance.matrix.golden import Reading
    from brrr_conformance.matrix.hashes import Hasher
    from brrr_conformance.matrix.play import Matrix
    from brrr_conformance.report import Outcome


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Print what has failed, a table of each part, and `N passed, N failed`."""
    for each in sorted(matrix.outcomes, key=lambda it: not it.status.is_failure):
        if each.status is Status.PASSED:
            continue
        message = each.message
        if not each.status.is_failure:
            message = message.partition("\n")[0]
        head = _styled(each, each.status.upper())
        console.print(head, Text(f"{each.id}: {message}"), soft_wrap=True)
    if matrix.pairs or matrix.records:
        console.print(_pairs(matrix))
    if matrix.hashers:
        _print_hashes(console, matrix.hashers)
    if matrix.fleet is not None:
        console.print(_fleet_line(matrix.fleet), soft_wrap=True)
    for storm in matrix.storms:
        line = Text.assemble(
            f"{storm.outcome.id}: ",
            _styled(storm.outcome, storm.outcome.status),
            f"; {storm.summary}",
        )
        console.print(line, soft_wrap=True)
    console.print(closing_line(each.status for each in matrix.outcomes))


def _styled(outcome: Outcome, text: str) -> Text:
    return Text(text, STYLES[outcome.status])


def _pairs(matrix: Matrix) -> Table:
    """Give a line for each pair, and for what each writes; failures first."""
    table = Table("caller", "callee", "together", "reads its records", box=None)
    cells = {(each.caller, each.callee): each.outcome for each in matrix.pairs}
    read = {(each.writer, each.reader): each for each in matrix.records}

    def is_good(names: tuple[str, str]) -> bool:
        found = [cells[names]] if names in cells else []
        found += [read[names].outcome] if names in read else []
        return not any(each.status.is_failure for each in found)

    for names in sorted(dict.fromkeys([*cells, *read]), key=is_good):
        outcome, reading = cells.get(names), read.get(names)
        together = _styled(outcome, outcome.status) if outcome else Text("")
        table.add_row(*names, together, _reading(reading) if reading else "")
    return table


def _reading(reading: Reading) -> Text:
    total, agreed = sum(reading.total.values()), sum(reading.agreed.values())
    numbers = f" {agreed} of {total}" if total else ""
    return _styled(reading.outcome, f"{reading.outcome.status}{numbers}")


def _print_hashes(console: Console, hashers: list[Hasher]) -> None:
    """Print the calls that not all hash alike: who agrees has the same letter."""
    for each in hashers:
        codec = "codec-json" if each.claims else "a codec of its own"
        line = Text.assemble(
            f"{each.outcome.id}: ",
            _styled(each.outcome, each.outcome.status),
            f"; {codec}; {each.agreed} of {len(each.hashes)} calls as codec-json",
        )
        console.print(line, soft_wrap=True)
    names = differing(hashers)
    if not names:
        return
    table = Table("call_hash of", SPEC, *(each.adapter for each in hashers), box=None)
    for name in names:
        found = [due(name).digest]
        found += [
            each.hashes[name].digest if name in each.hashes else "" for each in hashers
        ]
        table.add_row(name, *letters(found))
    console.print(table)


def _fleet_line(fleet: Fleet) -> Text:
    shares = ", ".join(f"{name} {number}" for name, number in fleet.handled.items())
    return Text.assemble(
        f"fleet of {len(fleet.adapters)} on one topic: ",
        _styled(fleet.outcome, fleet.outcome.status),
        f"; {fleet.graphs} graphs of seed {fleet.seed}, {fleet.calls} calls, "
        f"{fleet.messages} messages; handled: {shares or 'none'}",
    )
