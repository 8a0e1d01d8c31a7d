# SPDX-License-Identifier: AGPL-3.0-only
"""Where cells of the matrix are played, one by one, and judged as cases are."""

from __future__ import annotations

import asyncio
import shlex
import time
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from brrr_conformance import deviation
from brrr_conformance.config import Profile, Store
from brrr_conformance.diagnosis import tell
from brrr_conformance.dynamodb import Table
from brrr_conformance.failure import file_name
from brrr_conformance.keeping import make_failure, near, versions
from brrr_conformance.outcome import (
    AdapterTimeout,
    CaseFailed,
    NotImplementedByAdapter,
    Status,
    TraceRejected,
    status_of,
)
from brrr_conformance.pool import Pool, Shelf
from brrr_conformance.recipe import Recipe
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.deviation import Deviation
    from brrr_conformance.dynamodb import DynamoDb
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.report import Outcome
    from brrr_conformance.server import Server
    from brrr_conformance.spec import Spec

PLAYS = (Profile.CLIENT, Profile.WORKER)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a matrix is played, and what is done about failures."""

    spec: Spec
    listed: Sequence[Deviation] = ()
    store: Store = Store.REDIS
    redis: str | None = None
    seed: int = 1
    graphs: int = 100
    storms: int = 3
    # Patterns of cells; none: every one.
    only: Sequence[str] = ()
    # What a cell chose in an earlier run.
    recipe: Mapping[str, Any] = field(default_factory=dict)
    # Where failure files go, and the words that play all of this again.
    failures: Path | None = None
    words: Sequence[str] = ()


@dataclass(slots=True)
class Arena:
    """A Redis, the processes on it, and how cells are judged."""

    terms: Terms
    server: Server
    dynamodb: DynamoDb | None = None
    welcomes: dict[str, pb.Welcome] = field(default_factory=dict)
    shelf: Shelf = field(init=False)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.welcomes)
        self.pool = Pool(self.server, self.dynamodb, self.welcomes)

    async def end(self) -> None:
        await self.shelf.end()
        await self.pool.end()

    def wants(self, cell: str) -> bool:
        only = self.terms.only
        return not only or any(fnmatchcase(cell, pattern) for pattern in only)

    async def play(
        self,
        outcome: Outcome,
        members: Sequence[AdapterConfig],
        scene: Callable[[World], Awaitable[None]],
        seconds: float,
        *,
        needs: Sequence[Profile] = PLAYS,
        wire: bool = True,
    ) -> Outcome:
        """Play a scene in a world of the first member's client; judge what passed.

        A failure tells what passed on the `wire`, where that is of interest.
        """
        started = time.monotonic()
        await self.server.redis.flushdb()
        table = None if self.dynamodb is None else await Table.create(self.dynamodb)
        world = World(
            pool=self.pool,
            client_config=members[0],
            worker_configs=(),
            redis=self.server.redis,
            table=table,
            recipe=Recipe(self.terms.seed, self.terms.recipe),
        )
        error = await self._try(world, members, scene, seconds, needs)
        if table is not None:
            await table.drop()
        status, message = status_of(error), ""
        if error is not None:
            bare = status is Status.NOT_IMPLEMENTED
            bare |= status is Status.FAILED and not wire
            message = str(error) if bare else tell(error, world)
        outcome = outcome.after(status, time.monotonic() - started, message)
        if isinstance(error, TraceRejected):
            outcome = outcome.about(error.violation.requirement)
        names = {member.name for member in members}
        mine = [entry for entry in self.terms.listed if entry.adapter in names]
        known = deviation.entries_for(mine, outcome.id, outcome.adapter)
        return self._keep(deviation.judge(outcome, known), members, error, world)

    async def _try(
        self,
        world: World,
        members: Sequence[AdapterConfig],
        scene: Callable[[World], Awaitable[None]],
        seconds: float,
        needs: Sequence[Profile],
    ) -> Exception | None:
        """Give what the scene ends in; what passed must keep to the rules as well."""
        error: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                for member in members:
                    demand_profiles(member, needs)
                await scene(world)
            if violation := world.judge():
                error = TraceRejected(violation)
        except TimeoutError:
            error = AdapterTimeout(f"it is not over after {seconds:g} s")
        except Exception as raised:
            error = raised
        try:
            await world.end()
        except Exception as raised:
            error = error or raised
        if error is not None and (workers := whose_workers(world)):
            error.add_note(workers)
        return error

    def _keep(
        self,
        outcome: Outcome,
        members: Sequence[AdapterConfig],
        error: Exception | None,
        world: World,
    ) -> Outcome:
        """Leave a file of a failure, and say how to play it again."""
        terms = self.terms
        if not outcome.status.is_failure:
            return outcome
        words = [*terms.words, "--seed", str(terms.seed), "--only", outcome.id]
        lines = [outcome.message, f"again: {shlex.join(words)}"]
        if terms.failures is not None:
            file = terms.failures / "matrix" / file_name(outcome.id)
            make_failure(
                outcome,
                error or CaseFailed(outcome.message),
                [(each, self.welcomes.get(each.name)) for each in members],
                terms.spec,
                world,
                store=terms.store,
                seed=terms.seed,
                versions=versions(terms.spec) | {"redis": self.server.version},
            ).write(file)
            lines.append(f"replay: brrr-conformance replay {shlex.quote(near(file))}")
        return replace(outcome, message="\n".join(lines))


def demand_profiles(adapter: AdapterConfig, needs: Sequence[Profile]) -> None:
    if missing := set(needs) - adapter.profiles:
        names = ", ".join(sorted(missing))
        raise NotImplementedByAdapter(f"{adapter.name} does not claim {names}")


def whose_workers(world: World) -> str:
    owners = [(each.name, each.member.adapter.config.name) for each in world.workers]
    return ", ".join(f"{name} is of {owner}" for name, owner in owners)


async def serve_with(
    world: World, config: AdapterConfig, topic: str, *, tasks: bool = False
) -> None:
    """Let a worker of this SDK serve a topic, from now on."""
    world.worker_configs = (config,)
    await world.start(topic, tasks=tasks)


def speak_with(world: World, config: AdapterConfig) -> None:
    """Let another process, of this SDK, be the client from now on."""
    world.client_config = config
    world.new_client()


async def read_all(
    world: World, due: Mapping[str, bytes], readers: Sequence[AdapterConfig]
) -> None:
    """Demand that every SDK reads the values that the oracle knows."""
    for reader in readers:
        speak_with(world, reader)
        wrong = [
            f"{name!r} is {got!r}, not {value!r}"
            for name, value in due.items()
            if (got := await world.read(name)) != value
        ]
        if wrong:
            some = "\n".join(wrong[:10])
            number = len(wrong)
            raise CaseFailed(f"{number} values are wrong, {reader.name} reads:\n{some}")
