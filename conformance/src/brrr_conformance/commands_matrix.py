# SPDX-License-Identifier: AGPL-3.0-only
"""`matrix`: every SDK with every other."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from brrr_conformance.config import Store, load_adapters
from brrr_conformance.deviation import load_lists
from brrr_conformance.grid import print_matrix, write_matrix
from brrr_conformance.matrix import play_matrix
from brrr_conformance.options import Adapters, Exit, Json, Redis, Seed, verdict
from brrr_conformance.report import describe_adapter
from brrr_conformance.session import ended_by_sigterm
from brrr_conformance.spec import read_spec
from brrr_conformance.terminal import make_console


def matrix(
    adapters: Adapters,
    redis: Redis = None,
    json_file: Json = None,
    seed: Seed = 1,
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
    raise typer.Exit(verdict(played.outcomes))
