# SPDX-License-Identifier: AGPL-3.0-only
"""`check-trace`: judge commands that were recorded somewhere, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brrr_conformance.checker import check
from brrr_conformance.options import Exit
from brrr_conformance.outcome import HarnessError
from brrr_conformance.recorded import read_recorded
from brrr_conformance.spec import read_spec
from brrr_conformance.terminal import make_console


def check_trace(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="JSON lines, a failure file, or frames as in vectors/captured.",
        ),
    ],
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Nobody else wrote to the database, which was empty: replies fit.",
        ),
    ] = False,
) -> None:
    """Judge a recorded trace of any SDK: no adapter, no Redis."""
    recorded = read_recorded(file)
    if not recorded.trace.frames:
        raise HarnessError(f"{file}: there is no command in it")
    violation = check(recorded.trace, whole=whole, timed=recorded.timed)
    if violation is None:
        workers = {frame.worker for frame in recorded.trace.frames}
        _print(
            f"lawful: the protocol allows all {recorded.commands} commands of "
            f"{len(workers)} {'process' if len(workers) == 1 else 'processes'}"
        )
        raise typer.Exit(Exit.OK)
    frame = min(violation.frame, len(recorded.trace.frames) - 1)
    number, place = recorded.command_of(frame), recorded.places[frame]
    _print(
        f"breaks {violation.requirement} with command {number} (line {place}) of "
        f"{violation.worker}: {violation.command}\n{violation.reason}"
    )
    requirement = read_spec().requirements.get(violation.requirement)
    if requirement is not None:
        _print(f"[{requirement.id}] {requirement.sentence}")
    raise typer.Exit(Exit.FAILED)


def _print(text: str) -> None:
    make_console().print(text, soft_wrap=True, markup=False, highlight=False)
