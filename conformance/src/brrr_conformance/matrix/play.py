# SPDX-License-Identifier: AGPL-3.0-only
"""All of the matrix, from the first pair to the last storm."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance.config import Store
from brrr_conformance.dynamodb import private_dynamodb
from brrr_conformance.matrix.arena import Arena
from brrr_conformance.matrix.fleet import FLEET, Fleet, play_fleet
from brrr_conformance.matrix.golden import Reading, play_records
from brrr_conformance.matrix.hashes import Hasher, play_hashes
from brrr_conformance.matrix.pairs import Cell, cell_id, play_pair
from brrr_conformance.matrix.storm import Storm, play_storms
from brrr_conformance.outcome import HarnessError, Status
from brrr_conformance.server import private_server, serve_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.matrix.arena import Terms
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.report import Outcome


@dataclass(slots=True)
class Matrix:
    """What it has come to. Without what --only leaves out."""

    adapters: Sequence[AdapterConfig]
    terms: Terms
    pairs: list[Cell] = field(default_factory=list)
    records: list[Reading] = field(default_factory=list)
    hashers: list[Hasher] = field(default_factory=list)
    fleet: Fleet | None = None
    storms: list[Storm] = field(default_factory=list)
    welcomes: dict[str, pb.Welcome] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def outcomes(self) -> list[Outcome]:
        parts = (self.pairs, self.records, self.hashers, self.storms)
        found = [each.outcome for part in parts for each in part]
        return found if self.fleet is None else [*found, self.fleet.outcome]

    @property
    def failures(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.status.is_failure]


async def play_matrix(adapters: Sequence[AdapterConfig], terms: Terms) -> Matrix:
    """Play every ordered pair, and all that the SDKs do together."""
    matrix = Matrix(adapters, terms)
    started = time.monotonic()
    async with arena_of(terms) as arena:
        matrix.pairs = [
            await play_pair(arena, caller, callee)
            for caller in adapters
            for callee in adapters
            if arena.wants(cell_id(caller, callee))
        ]
        matrix.records = await play_records(arena, adapters)
        matrix.hashers = await play_hashes(arena, adapters)
        missing = [
            each.caller
            for each in matrix.pairs
            if each.caller == each.callee
            and each.outcome.status is Status.NOT_IMPLEMENTED
        ]
        present = [each for each in adapters if each.name not in missing]
        if arena.wants(FLEET):
            matrix.fleet = await play_fleet(arena, present, missing)
        matrix.storms = await play_storms(arena, present, missing)
        matrix.welcomes = arena.welcomes
    if not matrix.outcomes:
        raise HarnessError(f"no cell is named {', '.join(terms.only)}")
    matrix.seconds = time.monotonic() - started
    return matrix


@asynccontextmanager
async def arena_of(terms: Terms) -> AsyncIterator[Arena]:
    """Start the servers, and end all that was started."""
    async with AsyncExitStack() as stack:
        # One that a storm may restart: so what it has replied to is on disk.
        own = private_server(persistent=True)
        server = own if terms.redis is None else serve_redis(terms.redis)
        dynamodb = None
        if terms.store == Store.DYNAMODB:
            dynamodb = await stack.enter_async_context(private_dynamodb())
        arena = Arena(terms, await stack.enter_async_context(server), dynamodb)
        stack.push_async_callback(arena.end)
        yield arena
