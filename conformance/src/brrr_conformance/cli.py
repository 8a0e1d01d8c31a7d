# SPDX-License-Identifier: AGPL-3.0-only
"""The command brrr-conformance: only registers its commands, each in its module."""

from __future__ import annotations

import typer

from brrr_conformance.commands_diff import diff
from brrr_conformance.commands_explain import explain, list_
from brrr_conformance.commands_matrix import matrix
from brrr_conformance.commands_onboard import doctor, new_adapter
from brrr_conformance.commands_replay import replay
from brrr_conformance.commands_report import report
from brrr_conformance.commands_run import run, vectors
from brrr_conformance.commands_trace import check_trace
from brrr_conformance.options import Exit
from brrr_conformance.outcome import HarnessError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Judges implementations of the Brrr protocol against its specification.",
)
app.command()(run)
app.command()(vectors)
app.command()(replay)
app.command("check-trace")(check_trace)
app.command()(matrix)
app.command("list")(list_)
app.command()(explain)
app.command()(report)
app.command()(diff)
app.command("new-adapter")(new_adapter)
app.command()(doctor)


def main() -> None:
    """Run the command; what is wrong with its input is one line, no traceback."""
    try:
        app()
    except HarnessError as error:
        typer.echo(f"brrr-conformance: {error}", err=True)
        raise SystemExit(Exit.USAGE) from error


if __name__ == "__main__":
    main()
