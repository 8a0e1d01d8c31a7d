# SPDX-License-Identifier: AGPL-3.0-only
"""`list` and `explain`: what there is to judge, and what the specification says."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from brrr_conformance.outcome import HarnessError
from brrr_conformance.session import collect
from brrr_conformance.spec import read_spec
from brrr_conformance.terminal import make_console

if TYPE_CHECKING:
    from brrr_conformance.case import Case


def list_() -> None:
    """List every case and vector, with the requirements that it is about."""
    console = make_console()
    for case in collect():
        requirements = " ".join(case.requirements)
        line = f"{case.profile:<10} {case.id:<48} {requirements}"
        console.print(line.rstrip(), soft_wrap=True)


def explain(
    requirement: Annotated[str, typer.Argument(metavar="ID", help="Such as SCHED-12.")],
) -> None:
    """Show a requirement as the specification has it, and what tests it."""
    spec = read_spec()
    name = requirement.upper().strip("[]")
    found = spec.requirements.get(name)
    if found is None:
        near = difflib.get_close_matches(name, spec.requirements, 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise HarnessError(f"no requirement {requirement}{hint}")
    console = make_console()
    title = spec.titles.get(found.chapter, found.chapter)
    console.print(f"{found.id}, level {found.level}: {title}")
    console.print(f"spec/{found.chapter}.md:{found.line}", style="dim")
    console.print()
    console.print(found.text)
    about = [case for case in collect() if name in case.requirements]
    cases = [case for case in about if case.module != "wire"]
    _print_cases("cases", cases, most=len(cases))
    _print_cases("vectors", [case for case in about if case.module == "wire"], most=30)


def _print_cases(what: str, cases: list[Case], most: int) -> None:
    console = make_console()
    console.print(f"\n{len(cases)} {what}")
    for case in cases[:most]:
        console.print(f"  {case.id:<48} {case.about}".rstrip(), soft_wrap=True)
    if len(cases) > most:
        console.print(f"  and {len(cases) - most} more")
