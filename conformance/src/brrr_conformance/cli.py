# SPDX-License-Identifier: AGPL-3.0-only
"""The command brrr-conformance: a thin front over pytest and the reports."""

from __future__ import annotations

import asyncio
import difflib
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pytest
import typer

from brrr_conformance.config import Store, load_adapter, load_adapters
from brrr_conformance.deviation import load_lists, write_skeletons
from brrr_conformance.grid import print_matrix, write_matrix
from brrr_conformance.matrix import play_matrix
from brrr_conformance.outcome import HarnessError, Status
from brrr_conformance.report import describe_adapter, write_json
from brrr_conformance.session import Silence, collect, ended_by_sigterm, run_pytest
from brrr_conformance.spec import read_spec
from brrr_conformance.terminal import (
    Watcher,
    make_console,
    print_closing,
    print_failures,
    print_table,
)
from brrr_conformance.vector import read_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.plugin import Case
    from brrr_conformance.report import Outcome, Results

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Judges implementations of the Brrr protocol against its specification.",
)


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


@app.command()
def run(
    adapters: Adapters,
    expression: Annotated[
        str | None,
        typer.Option(
            "-k", metavar="EXPR", help="Only these: parts of ids or requirements."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="P", help="Only wire, client, worker, codec-json or fleet."
        ),
    ] = None,
    redis: Redis = None,
    store: StoreName = Store.REDIS,
    json_file: Json = None,
    junit: Junit = None,
    without_deviations: Annotated[
        bool,
        typer.Option(
            "--without-deviations", help="Judge as if no deviation were known."
        ),
    ] = False,
    write_deviations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a draft of deviations.toml: all that fails."
        ),
    ] = None,
) -> None:
    """Run cases and vectors against one adapter or several."""
    options = ["--store", store]
    if without_deviations:
        options += ["--without-deviations"]
    if expression is None and profile is None:
        options += ["--whole"]
    if expression is not None:
        options += ["-k", expression]
    if profile is not None:
        options += ["--profile", profile]
    if redis is not None:
        options += ["--redis", redis]
    code, results = _judge(adapters, options, json_file, junit, table=True)
    if write_deviations is not None:
        write_skeletons(write_deviations, results.all)
    raise typer.Exit(code)


@app.command()
def vectors(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines.")],
    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER")],
    json_file: Json = None,
    junit: Junit = None,
) -> None:
    """Judge an adapter by a file of vectors, and nothing else."""
    read_vectors(file)  # says what is wrong with it, before anything starts
    options = ["--vectors", str(file.resolve())]
    code, _ = _judge(
        [adapter], options, json_file, junit, table=False, modules=["wire"]
    )
    raise typer.Exit(code)


@app.command()
def matrix(
    adapters: Adapters,
    redis: Redis = None,
    json_file: Json = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Other graphs for other seeds.")
    ] = 1,
    graphs: Annotated[
        int, typer.Option(metavar="N", help="How many the fleet works off.", min=1)
    ] = 100,
) -> None:
    """Let every SDK work with every other, and all of them in one fleet."""
    configs = load_adapters(adapters)
    listed = load_lists(configs, read_spec().requirements, Store.REDIS)
    with ended_by_sigterm():
        try:
            played = asyncio.run(play_matrix(configs, listed, redis, seed, graphs))
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
    if json_file is not None:
        described = [
            describe_adapter(each, played.welcomes.get(each.name)) for each in configs
        ]
        write_matrix(json_file, played, described)
    print_matrix(make_console(), played)
    raise typer.Exit(_verdict(played.outcomes))


@app.command(name="list")
def list_() -> None:
    """List every case and vector, with the requirements that it is about."""
    console = make_console()
    for case in collect():
        requirements = " ".join(case.requirements)
        line = f"{case.profile:<10} {case.id:<48} {requirements}"
        console.print(line.rstrip(), soft_wrap=True)


@app.command()
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


def _judge(
    adapters: list[Path],
    options: list[str],
    json_file: Path | None,
    junit: Path | None,
    *,
    table: bool,
    modules: list[str] | None = None,
) -> tuple[Exit, Results]:
    configs = [load_adapter(place) for place in adapters]
    for place in adapters:
        options += ["--adapter", str(place.resolve())]
    if junit is not None:
        options += [f"--junitxml={junit.resolve()}"]
    console = make_console()
    silence, watcher = Silence(), Watcher(console)
    code = run_pytest(options, [silence, watcher], modules or [])
    results = watcher.results
    if json_file is not None:
        described = [
            describe_adapter(each, watcher.welcomes.get(each.name)) for each in configs
        ]
        write_json(json_file, results, described, watcher.seconds)
    print_failures(console, results)
    if table:
        print_table(console, read_spec(), results)
    for error in silence.errors:
        typer.echo(error, err=True)
    print_closing(console, results)
    return _exit(code, results, faulty=bool(silence.errors)), results


def _exit(code: int, results: Results, *, faulty: bool) -> Exit:
    if code == pytest.ExitCode.INTERRUPTED and not faulty:
        return Exit.INTERRUPTED
    if code == pytest.ExitCode.USAGE_ERROR:
        return Exit.USAGE
    if faulty or code == pytest.ExitCode.INTERNAL_ERROR:
        return Exit.FAULT
    return _verdict(results.all)


def _verdict(outcomes: Sequence[Outcome]) -> Exit:
    if any(each.status.is_failure for each in outcomes):
        return Exit.FAILED
    due = (Status.PASSED, Status.KNOWN_DEVIATION)
    return Exit.OK if any(each.status in due for each in outcomes) else Exit.NOTHING


def main() -> None:
    """Run the command; what is wrong with its input is one line, no traceback."""
    try:
        app()
    except HarnessError as error:
        typer.echo(f"brrr-conformance: {error}", err=True)
        raise SystemExit(Exit.USAGE) from error


if __name__ == "__main__":
    main()
