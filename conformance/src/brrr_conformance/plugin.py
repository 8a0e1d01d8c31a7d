# SPDX-License-Identifier: AGPL-3.0-only
"""The pytest plugin: runs cases and vectors against adapters.

    pytest -p brrr_conformance.plugin --pyargs brrr_conformance.cases \
        --adapter adapters/c

Each case that asks for `world` (or `bench`, for a bare process) runs once for each
adapter; a case of the profile `fleet` once for each ordered pair of them. How it
ended goes into the report as an Outcome, for report.py to collect.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from brrr_conformance import deviation
from brrr_conformance.case import (
    ADAPTERS,
    FLEET,
    KNOWN,
    LISTED,
    OUTCOME,
    RECIPE,
    SPEC,
    WELCOMES,
    Fleet,
)
from brrr_conformance.config import Profile, load_adapters
from brrr_conformance.diagnosis import diagnose
from brrr_conformance.outcome import (
    HarnessError,
    NotImplementedByAdapter,
    Status,
    TraceRejected,
    status_of,
)
from brrr_conformance.pool import Bench, Pool, Shelf
from brrr_conformance.recipe import Recipe
from brrr_conformance.spec import read_spec
from brrr_conformance.transcript import transcribe
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from brrr_conformance.dynamodb import DynamoDb, Table
    from brrr_conformance.server import Server


pytest_plugins = [
    "brrr_conformance.collecting",
    "brrr_conformance.engines",
    "brrr_conformance.parallel",
    "brrr_conformance.rounds",
    "brrr_conformance.tiers",
    "brrr_conformance.keeping",
]

MARKERS = (
    "requirement(*ids): the requirements that this case is about",
    "profile(*names): what an SDK must claim; or fleet, and what its members must",
    "store(name): redis or dynamodb: the only store that this case is about",
    "deadline(seconds): how long the whole case may take, if not 30 s",
    "slow: it waits for a second or more",
)


# ---- options ----------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("brrr")
    group.addoption("--adapter", action="append", default=[], type=Path)
    group.addoption("--profile", choices=[*Profile, FLEET])
    group.addoption("--vectors", type=Path, help="judge this file, and nothing else")
    group.addoption("--without-deviations", action="store_true")
    group.addoption("--programs", type=int, default=15, help="a case of random ones")
    group.addoption("--seed", type=int, default=1, help="other choices")
    group.addoption("--transcripts", action="store_true", help="tell the wire")
    group.addoption(
        "--whole", action="store_true", help="every known deviation must have a case"
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    try:
        adapters = load_adapters(config.getoption("--adapter"))
        if config.getoption("--attach"):
            adapters = [replace(each, attached=True) for each in adapters]
        config.stash[ADAPTERS] = adapters
        config.stash[SPEC] = spec = read_spec()
        config.stash[WELCOMES] = {}
        config.stash[LISTED] = ()
        if not config.getoption("--without-deviations"):
            config.stash[LISTED] = deviation.load_lists(
                adapters, spec.requirements, config.getoption("--store")
            )
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


# ---- fixtures ---------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool(
    request: pytest.FixtureRequest, server: Server, dynamodb: DynamoDb | None
) -> AsyncIterator[Pool]:
    pool = Pool(server, dynamodb, request.config.stash[WELCOMES])
    yield pool
    await pool.end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shelf(request: pytest.FixtureRequest) -> AsyncIterator[Shelf]:
    shelf = Shelf(request.config.stash[WELCOMES])
    yield shelf
    await shelf.end()


@pytest.fixture
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Whose case this is; raises if one of them does not have what it takes."""
    fleet: Fleet = request.param
    marker = request.node.get_closest_marker("profile")
    needed = set(marker.args if marker else ())
    if FLEET in needed:
        needed = needed - {FLEET} | {Profile.CLIENT, Profile.WORKER}
    outcome = request.node.stash[OUTCOME]
    for adapter in fleet.members:
        for name in (outcome.id, *outcome.requirements):
            if reason := adapter.not_implemented.get(name):
                raise NotImplementedByAdapter(f"{name}: {reason}")
        if missing := needed - adapter.profiles:
            names = ", ".join(sorted(missing))
            raise NotImplementedByAdapter(f"{adapter.name} does not claim {names}")
    return fleet


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    pool: Pool,
    server: Server,
    table: Table | None,
    fleet: Fleet,
    request: pytest.FixtureRequest,
) -> AsyncIterator[World]:
    """Give a clean database with the client and the workers of an SDK."""
    await server.redis.flushdb()
    world = World(
        pool=pool,
        client_config=fleet.client,
        worker_configs=fleet.workers,
        redis=server.redis,
        table=table,
    )
    given = request.config.stash[RECIPE]
    world.recipe = Recipe(request.config.getoption("--seed"), given)
    world.patience = deviation.patience(request.node.stash[KNOWN])
    yield world
    try:
        passed = request.node.stash[OUTCOME].status is Status.PASSED
        violation = world.judge() if passed else None
    finally:
        await world.end()
    if violation is not None:
        raise TraceRejected(violation)


@pytest.fixture
def bench(shelf: Shelf, fleet: Fleet, request: pytest.FixtureRequest) -> Bench:
    """Give a process of the adapter that is not open; it needs no Redis."""
    patience = deviation.patience(request.node.stash[KNOWN])
    return Bench(shelf, fleet.client, patience)


# ---- outcomes ---------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    report = yield
    before = item.stash.get(OUTCOME, None)
    if before is None:
        return report
    error = call.excinfo.value if call.excinfo else None
    status = status_of(error)
    message = ""
    if status is Status.NOT_IMPLEMENTED:
        message = str(error)
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"not implemented: {message}")
    elif error is not None:
        message = diagnose(item.config.stash[SPEC], item, report, error)
        report.longrepr = message
    if isinstance(error, TraceRejected):
        before = before.about(error.violation.requirement)
    outcome = before.after(status, call.duration, message)
    world = getattr(item, "funcargs", {}).get("world")
    if world is not None and world.explored is not None:
        outcome = replace(outcome, explored=world.explored.to_json())
    item.stash[OUTCOME] = outcome
    if known := item.stash[KNOWN]:
        outcome = deviation.judge_phase(report, before, outcome, known)
    report.brrr = outcome.to_json()
    if call.when == "call" and item.config.getoption("--transcripts"):
        given = getattr(item, "funcargs", {}).values()
        world = next((each for each in given if isinstance(each, World)), None)
        report.transcript = transcribe(world) if world else None
    return report
