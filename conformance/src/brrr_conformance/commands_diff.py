# SPDX-License-Identifier: AGPL-3.0-only
"""`diff`: what has changed between two reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from brrr_conformance.compare import Change, compare
from brrr_conformance.options import Exit
from brrr_conformance.report import read_report
from brrr_conformance.terminal import STYLES, make_console
from brrr_conformance.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from brrr_conformance.compare import Difference
    from brrr_conformance.outcome import Status

LOOKS = {Change.WORSE: "bold red", Change.BETTER: "green"}
# Of each kind; the others are counted.
MOST = 200
# Cells of a Markdown table: a pipe would end one, a backquote its code.
MARKDOWN = str.maketrans({"|": "\\|", "`": "'", "<": "&lt;"})


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A report in JSON.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A later one.")],
    markdown: Annotated[
        bool, typer.Option("--markdown", help="For a pull request.")
    ] = False,
) -> None:
    """Compare two reports: worse, better, new, gone. Fails if anything got worse."""
    found = compare(read_report(old), read_report(new))
    if markdown:
        typer.echo("\n".join(_markdown(found)))
    else:
        _print(make_console(), found)
    worse = any(each.change is Change.WORSE for each in found)
    raise typer.Exit(Exit.FAILED if worse else Exit.OK)


def _groups(
    found: Sequence[Difference],
) -> Iterator[tuple[str, Change, list[Difference]]]:
    for change in Change:
        for is_requirement, what in ((True, "requirements"), (False, "cases")):
            group = [
                each
                for each in found
                if each.change is change and each.is_requirement is is_requirement
            ]
            if group:
                yield what, change, group


def _sum(found: Sequence[Difference]) -> str:
    """Say how many cases are what; requirements follow from them."""
    cases = [each.change for each in found if not each.is_requirement]
    counts = [f"{cases.count(change)} {change}" for change in Change]
    return ", ".join(counts) if found else "no difference"


def _print(console: Console, found: Sequence[Difference]) -> None:
    for what, change, group in _groups(found):
        head = f"{change}: {_count(len(group), what)}"
        console.print(Text(head, LOOKS.get(change, "bold")))
        for each in group[:MOST]:
            console.print(
                Text(f"  {each.adapter}: {printable(each.name)}:"),
                _styled(each.before),
                Text("→", "dim"),
                _styled(each.after),
                soft_wrap=True,
            )
            if change is Change.WORSE and each.message:
                console.print(Text(f"    {printable(each.message)}", "dim"))
        if len(group) > MOST:
            console.print(f"  and {len(group) - MOST} more")
        console.print()
    console.print(_sum(found))


def _count(number: int, what: str) -> str:
    return f"{number} {what.removesuffix('s') if number == 1 else what}"


def _styled(status: Status | None) -> Text:
    return Text(status, STYLES[status]) if status else Text("-", "dim")


def _markdown(found: Sequence[Difference]) -> Iterator[str]:
    yield f"**brrr-conformance diff:** {_sum(found)}"
    for what, change, group in _groups(found):
        yield f"\n### {change}: {_count(len(group), what)}\n"
        yield (
            "| SDK | "
            + ("requirement" if what == "requirements" else "case")
            + (" | before | now | why |")
        )
        yield "|---|---|---|---|---|"
        for each in group[:MOST]:
            cells = [f"`{_cell(each.name)}`", each.before or "-", each.after or "-"]
            why = _cell(each.message) if each.change is not Change.BETTER else ""
            yield f"| {_cell(each.adapter)} | {' | '.join(cells)} | {why} |"
        if len(group) > MOST:
            yield f"\nAnd {len(group) - MOST} more."


def _cell(text: str) -> str:
    return printable(text).replace("\n", " ").translate(MARKDOWN)
