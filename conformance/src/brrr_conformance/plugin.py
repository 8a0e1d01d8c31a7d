# SPDX-License-Identifier: AGPL-3.0-only
"""The pytest plugin: runs cases and vectors against adapters.

    pytest -p brrr_conformance.plugin --pyargs brrr_conformance.cases \
        --adapter adapters/c

Each case that asks for `world` (or `bench`, for a bare process) runs once for each
adapter; a case of the profile `fleet` once for each ordered pair of them. How it
ended goes into the report as an Outcome, for report.py to collect.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from brrr_conformance import deviation
from brrr_conformance.config import AdapterConfig, Framing, Profile, load_adapters
from brrr_conformance.diagnosis import diagnose
from brrr_conformance.engines import is_elsewhere, of_store
from brrr_conformance.outcome import (
    AdapterTimeout,
    CaseFailed,
    HarnessError,
    NotImplementedByAdapter,
    Status,
    TraceRejected,
    status_of,
)
from brrr_conformance.pool import Bench, Pool, Shelf
from brrr_conformance.recipe import Recipe
from brrr_conformance.report import Outcome
from brrr_conformance.spec import Spec, read_spec
from brrr_conformance.transcript import transcribe
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from brrr_conformance.deviation import Deviation
    from brrr_conformance.dynamodb import DynamoDb, Table
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.server import Server


pytest_plugins = [
    "brrr_conformance.engines",
    "brrr_conformance.parallel",
    "brrr_conformance.rounds",
    "brrr_conformance.tiers",
    "brrr_conformance.keeping",
]

CASE_SECONDS = 30.0
# A case that is known to hang may take so many times what a reply may.
CASE_PATIENCE = 5
FLEET = "fleet"

ADAPTERS = pytest.StashKey[list[AdapterConfig]]()
SPEC = pytest.StashKey[Spec]()
WELCOMES: pytest.StashKey[dict[str, pb.Welcome]] = pytest.StashKey()
CASE = pytest.StashKey["Case"]()
# What the case chose in an earlier run.
RECIPE: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
OUTCOME = pytest.StashKey[Outcome]()
# What the lists of all adapters say, and what they say of one case.
LISTED: pytest.StashKey[tuple[Deviation, ...]] = pytest.StashKey()
KNOWN: pytest.StashKey[tuple[Deviation, ...]] = pytest.StashKey()

MARKERS = (
    "requirement(*ids): the requirements that this case is about",
    "profile(*names): what an SDK must claim; or fleet, and what its members must",
    "store(name): redis or dynamodb: the only store that this case is about",
    "deadline(seconds): how long the whole case may take, if not 30 s",
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Whose client and whose workers a case uses."""

    client: AdapterConfig
    workers: tuple[AdapterConfig, ...]

    @property
    def name(self) -> str:
        if self.workers == (self.client,):
            return self.client.name
        other = next(each for each in self.workers if each != self.client)
        return f"{self.client.name}+{other.name}"

    @property
    def members(self) -> tuple[AdapterConfig, ...]:
        return (self.client, *self.workers)


@dataclass(frozen=True, slots=True)
class Case:
    """A case or vector, as list and gate see it."""

    id: str
    # Of the module that it is in; `wire` are the vectors.
    module: str
    profile: str
    requirements: tuple[str, ...]
    about: str


# Who a case is for when there is no adapter, and it is only to be listed.
NOBODY = AdapterConfig(Path(), "nobody", "", (), Framing.JSON)


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


# ---- collection -------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fleet" not in metafunc.fixturenames:
        return
    adapters = metafunc.config.stash[ADAPTERS]
    if not adapters:
        fleets = [Fleet(NOBODY, (NOBODY,))]
    elif _profile(metafunc.definition) == FLEET:
        fleets = [Fleet(a, (a, b)) for a in adapters for b in adapters if a != b]
    else:
        fleets = [Fleet(adapter, (adapter,)) for adapter in adapters]
    names = [fleet.name for fleet in fleets]
    metafunc.parametrize("fleet", fleets, ids=names, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    wanted = config.getoption("--profile")
    kept: list[pytest.Function] = []
    dropped: list[pytest.Item] = []
    store, elsewhere = config.getoption("--store"), set[str]()
    for item in items:
        fleet = _fleet(item)
        unwanted = wanted is not None and _profile(item) != wanted
        if not isinstance(item, pytest.Function) or fleet is None or unwanted:
            dropped.append(item)
            continue
        case = _case(item, fleet)
        if config.stash[ADAPTERS]:
            if is_elsewhere(item, store):
                elsewhere.add(case.id)
                dropped.append(item)
                continue
            case = replace(case, requirements=of_store(case.requirements, store))
        item.extra_keyword_matches.update(case.requirements, [case.id])
        item.stash[CASE] = case
        item.stash[OUTCOME] = Outcome(case.id, fleet.name, case.requirements)
        kept.append(item)
    try:
        stale = _look_up_deviations(config, items, kept, elsewhere)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    for item in kept:
        item.obj = _with_deadline(item, item.obj)
    # Keep the results of one adapter together; mixed fleets come last.
    order = [adapter.name for adapter in config.stash[ADAPTERS]]
    order += sorted({item.stash[OUTCOME].adapter for item in kept} - set(order))
    kept.sort(key=lambda item: order.index(item.stash[OUTCOME].adapter))
    items[:] = [*kept, *stale]
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _fleet(item: pytest.Item) -> Fleet | None:
    callspec = getattr(item, "callspec", None)
    fleet = callspec.params.get("fleet") if callspec else None
    return fleet if isinstance(fleet, Fleet) else None


def _profile(node: pytest.Item | pytest.Function) -> str:
    marker = node.get_closest_marker("profile")
    return str(marker.args[0]) if marker else ""


def members(item: pytest.Item) -> tuple[AdapterConfig, ...]:
    fleet = _fleet(item)
    return fleet.members if fleet else ()


def _module(item: pytest.Function) -> str:
    return str(item.module.__name__.rpartition(".")[2])


def _name(item: pytest.Function) -> str:
    return f"{_module(item)}.{item.function.__name__.removeprefix('test_')}"


def _case(item: pytest.Function, fleet: Fleet) -> Case:
    marks = item.iter_markers("requirement")
    requirements = dict.fromkeys(name for mark in marks for name in mark.args)
    module, name = _module(item), _name(item)
    about = (item.function.__doc__ or "").strip().partition("\n")[0]
    for value in item.callspec.params.values():
        if isinstance(own := getattr(value, "id", None), str):  # a vector, an example
            name, about = own, getattr(value, "note", about)
            break
    else:
        if parameters := _parameters(item, fleet):
            name = f"{name}[{parameters}]"
    return Case(name, module, _profile(item), tuple(requirements), about)


def _look_up_deviations(
    config: pytest.Config,
    items: list[pytest.Item],
    kept: list[pytest.Function],
    elsewhere: set[str],
) -> list[StaleEntry]:
    """Note for each case what is known of it; give what is known of none."""
    listed = config.stash[LISTED]
    for item in kept:
        case, fleet = item.stash[CASE], item.stash[OUTCOME].adapter
        names = [each.name for each in members(item)]
        mine = [entry for entry in listed if entry.adapter in names]
        item.stash[KNOWN] = deviation.entries_for(mine, case.id, fleet)
    # Of mixed fleets there may be none in this run.
    known = {item.stash[CASE].id for item in kept} | elsewhere
    others = (each for each in items if _fleet(each) is None)
    known |= {_name(item) for item in others if isinstance(item, pytest.Function)}
    deviation.check_wildcards(listed, known)
    if not config.getoption("--whole") or not kept:
        return []
    return [
        StaleEntry.of(kept[0], entry, pattern)
        for entry, pattern in deviation.find_stale(listed, known)
        if not pattern.startswith(deviation.MATRIX)
    ]


def _parameters(item: pytest.Function, fleet: Fleet) -> str:
    """Give what stands in brackets, less the adapter: it is at either end."""
    text = f"-{item.callspec.id}-"
    return (
        text.removesuffix(f"-{fleet.name}-").removeprefix(f"-{fleet.name}-").strip("-")
    )


def _with_deadline(
    item: pytest.Function, test: Callable[..., Any]
) -> Callable[..., Any]:
    marker = item.get_closest_marker("deadline")
    seconds = float(marker.args[0]) if marker else CASE_SECONDS
    known = item.stash[KNOWN]
    seconds = min(seconds, deviation.patience(known) * CASE_PATIENCE)
    limit_seconds = None if item.config.getoption("--attach") else seconds

    @functools.wraps(test)
    async def limited(*args: Any, **kwargs: Any) -> None:
        try:
            async with asyncio.timeout(limit_seconds) as limit:
                await test(*args, **kwargs)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise AdapterTimeout(f"the case is not over after {seconds:g} s") from error

    return limited


class StaleEntry(pytest.Item):
    """Fails in the place of a case that a list names and nobody has."""

    why: str

    @classmethod
    def of(cls, near: pytest.Item, entry: Deviation, pattern: str) -> StaleEntry:
        item: StaleEntry = cls.from_parent(near.parent or near.session, name=pattern)
        item.why = f"{entry}: there is no case {pattern}"
        item.stash[OUTCOME] = Outcome(pattern, entry.adapter, entry.requirements)
        item.stash[CASE] = Case(pattern, "", "", entry.requirements, item.why)
        item.stash[KNOWN] = ()
        return item

    def runtest(self) -> None:
        raise CaseFailed(self.why)


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
    world = World(pool, fleet.client, fleet.workers, server.redis, table)
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
