# SPDX-License-Identifier: AGPL-3.0-only
"""`matrix`: every SDK with every other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from brrr_conformance.config import Store, load_adapters
from brrr_conformance.deviation import load_lists
from brrr_conformance.grid import print_matrix
from brrr_conformance.matrix.arena import Terms
from brrr_conformance.matrix.play import play_matrix
from brrr_conformance.matrix.table import make_table
from brrr_conformance.options import (
    Adapters,
    Exit,
    Failures,
    Html,
    Json,
    Redis,
    Seed,
    StoreName,
    failures_folder,
    verdict,
)
from brrr_conformance.outputs import Outputs
from brrr_conformance.session import ended_by_sigterm
from brrr_conformance.spec import read_spec
from brrr_conformance.terminal import make_console

if TYPE_CHECKING:
    from pathlib import Path


def matrix(
    adapters: Adapters,
    redis: Redis = None,
    store: StoreName = Store.REDIS,
    json_file: Json = None,
    html: Html = None,
    failures: Failures = None,
    seed: Seed = 1,
    graphs: Annotated[
        int, typer.Option(metavar="N", help="How many the fleet works off.", min=1)
    ] = 100,
    storms: Annotated[
        int,
        typer.Option(
            metavar="N", help="How many fleets of each kind are under faults.", min=0
        ),
    ] = 3,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CELL", help="Only these, such as matrix.a.*"),
    ] = None,
) -> None:
    """Let every SDK work with every other, and all of them in one fleet."""
    configs, spec = load_adapters(adapters), read_spec()
    listed = load_lists(configs, spec.requirements, store)
    words = _words(adapters, redis, store, graphs, storms)
    folder = failures_folder(failures, json_file)
    terms = Terms(
        *(spec, listed, store, redis, seed, graphs, storms, only or []),
        failures=folder,
        words=words,
    )
    with ended_by_sigterm():
        try:
            played = asyncio.run(play_matrix(configs, terms))
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
    Outputs(json_file, html=html).write(make_table(played))
    print_matrix(make_console(), played)
    raise typer.Exit(verdict(played.outcomes))


def _words(
    adapters: list[Path], redis: str | None, store: Store, graphs: int, storms: int
) -> list[str]:
    """Give the command, but for what is of one cell."""
    words = ["brrr-conformance", "matrix", *map(str, adapters)]
    if redis is not None:
        words += ["--redis", redis]
    if store is not Store.REDIS:
        words += ["--store", store]
    return [*words, "--graphs", str(graphs), "--storms", str(storms)]
