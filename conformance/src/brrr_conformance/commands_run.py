# SPDX-License-Identifier: AGPL-3.0-only
"""`run` and `vectors`: judge SDKs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pytest
import typer

from brrr_conformance import rounds
from brrr_conformance.config import Profile, Store, load_adapter, load_adapters
from brrr_conformance.deviation import write_skeletons
from brrr_conformance.options import (
    Adapters,
    Attach,
    Exit,
    Failures,
    Html,
    Jobs,
    Json,
    Junit,
    Mutants,
    Redis,
    Seed,
    StoreName,
    failures_folder,
    verdict,
)
from brrr_conformance.outcome import HarnessError
from brrr_conformance.outputs import Outputs
from brrr_conformance.parallel import default_jobs
from brrr_conformance.report import describe_adapter, make_report
from brrr_conformance.session import Silence, run_pytest
from brrr_conformance.spec import read_spec
from brrr_conformance.terminal import (
    Watcher,
    make_console,
    print_closing,
    print_failures,
    print_table,
)
from brrr_conformance.tiers import Tier
from brrr_conformance.vector import read_vectors

if TYPE_CHECKING:
    from brrr_conformance.report import Results


def run(
    adapters: Adapters,
    expressions: Annotated[
        list[str] | None,
        typer.Option(
            "-k",
            metavar="EXPR",
            help="Only these: parts of ids or requirements, with and, or, not and "
            "brackets. Several are joined by or.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(metavar="P", help=f"Only {', '.join(Profile)} or fleet."),
    ] = None,
    redis: Redis = None,
    store: StoreName = Store.REDIS,
    seed: Seed = 1,
    jobs: Jobs = None,
    tier: Annotated[
        Tier, typer.Option(help="quick: some seconds; full: everything.")
    ] = Tier.FULL,
    repeat: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Judge N times; what is not the same has failed."
        ),
    ] = 1,
    soak: Annotated[
        bool,
        typer.Option(
            "--soak", help="With one seed after the other, until a failure or Ctrl-C."
        ),
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="The end of --soak.")
    ] = None,
    json_file: Json = None,
    junit: Junit = None,
    html: Html = None,
    mutants: Mutants = None,
    without_deviations: Annotated[
        bool,
        typer.Option(
            "--without-deviations", help="Judge as if no deviation were known."
        ),
    ] = False,
    attach: Attach = False,
    failures: Failures = None,
    keep_deviations: Annotated[
        bool,
        typer.Option(
            "--keep-deviations", help="Failure files of known deviations too."
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
    jobs = (1 if attach else default_jobs()) if jobs is None else jobs
    options = ["--store", store, "--jobs", str(jobs), "--tier", tier]
    options += ["--failures", str(failures_folder(failures, json_file))]
    if without_deviations:
        options += ["--without-deviations"]
    if attach:
        options += ["--attach"]
    if keep_deviations:
        options += ["--keep-deviations"]
    if not expressions and profile is None and tier is Tier.FULL:
        options += ["--whole"]
    if expressions:
        options += ["-k", " or ".join(f"({each})" for each in expressions)]
    if profile is not None:
        options += ["--profile", profile]
    if redis is not None:
        options += ["--redis", redis]
    outputs = Outputs(json_file, junit, html, mutants)
    if soak or repeat > 1:
        if outputs or write_deviations:
            raise HarnessError("--soak and --repeat write no report")
        options += adapter_options(adapters)
        if soak:
            code = judge_on(options, seed, minutes)
        else:
            code = judge_again(options, seed, repeat)
        raise typer.Exit(code)
    options += ["--seed", str(seed)]
    code, results = judge(
        adapters, options, outputs, table=True, store=store, seed=seed
    )
    if write_deviations is not None:
        write_skeletons(write_deviations, results.all)
    raise typer.Exit(code)


def vectors(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines.")],
    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER")],
    json_file: Json = None,
    junit: Junit = None,
    html: Html = None,
) -> None:
    """Judge an adapter by a file of vectors, and nothing else."""
    read_vectors(file)  # says what is wrong with it, before anything starts
    options = ["--vectors", str(file.resolve())]
    outputs = Outputs(json_file, junit, html)
    code, _ = judge([adapter], options, outputs, modules=["wire"], vectors=str(file))
    raise typer.Exit(code)


def judge_on(options: list[str], seed: int, minutes: float | None) -> Exit:
    """Judge with other seeds, until something fails."""
    console = make_console()
    results = rounds.soak(options, seed, minutes, console)
    print_failures(console, results)
    print_closing(console, results)
    return verdict(results.all)


def judge_again(options: list[str], seed: int, times: int) -> Exit:
    """Judge with the same seed, and compare."""
    console = make_console()
    results, differences = rounds.repeat(options, seed, times, console)
    print_failures(console, results)
    for line in differences:
        console.print(line, soft_wrap=True)
    console.print(f"{len(differences)} differences")
    print_closing(console, results)
    return Exit.FAILED if differences else verdict(results.all)


def adapter_options(adapters: list[Path]) -> list[str]:
    load_adapters(adapters)  # says what is wrong with one, before anything starts
    return [word for place in adapters for word in ("--adapter", str(place.resolve()))]


def judge(
    adapters: list[Path],
    options: list[str],
    outputs: Outputs,
    *,
    table: bool = False,
    modules: list[str] | None = None,
    **known: object,
) -> tuple[Exit, Results]:
    """Run cases, print and write what they found; `known` is told of the run too."""
    configs = [load_adapter(place) for place in adapters]
    options += adapter_options(adapters)
    outputs.check()
    if outputs:
        options += ["--transcripts"]
    console = make_console()
    silence, watcher = Silence(), Watcher(console)
    known["started"] = datetime.now(UTC).isoformat(timespec="seconds")
    code = run_pytest(options, [silence, watcher], modules or [])
    results, spec = watcher.results, read_spec()
    if left := len(watcher.expected) - len(results.all):
        known["left"] = left
    if outputs:
        described = [
            describe_adapter(each, watcher.welcomes.get(each.name)) for each in configs
        ]
        outputs.write(make_report(results, described, spec, watcher.seconds, **known))
    print_failures(console, results)
    if table:
        print_table(console, spec, results)
    for error in silence.errors:
        typer.echo(error, err=True)
    if left:
        console.print(f"INTERRUPTED: {left} cases were not run", style="bold red")
    print_closing(console, results, watcher.seconds, outputs.html)
    return _exit(code, results, faulty=bool(silence.errors)), results


def _exit(code: int, results: Results, *, faulty: bool) -> Exit:
    if code == pytest.ExitCode.INTERRUPTED and not faulty:
        return Exit.INTERRUPTED
    if code == pytest.ExitCode.USAGE_ERROR:
        return Exit.USAGE
    if faulty or code == pytest.ExitCode.INTERNAL_ERROR:
        return Exit.FAULT
    return verdict(results.all)
