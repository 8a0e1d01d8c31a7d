# SPDX-License-Identifier: AGPL-3.0-only
"""What is collected: each case once for each adapter, or pair. Part of the plugin.

A case gets its deadline here, and what the adapters' lists know of it; an entry of a
list that no case has becomes an item that fails.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance import deviation
from brrr_conformance.case import (
    ADAPTERS,
    CASE,
    FLEET,
    KNOWN,
    LISTED,
    NOBODY,
    OUTCOME,
    Case,
    Fleet,
    fleet_of,
    members,
)
from brrr_conformance.engines import is_elsewhere, of_store
from brrr_conformance.outcome import AdapterTimeout, CaseFailed, HarnessError
from brrr_conformance.report import Outcome
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from brrr_conformance.deviation import Deviation

CASE_SECONDS = 30.0
# A case that is known to hang may take so many times what a reply may.
CASE_PATIENCE = 5


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
        fleet = fleet_of(item)
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


def _profile(node: pytest.Item | pytest.Function) -> str:
    marker = node.get_closest_marker("profile")
    return str(marker.args[0]) if marker else ""


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
    others = (each for each in items if fleet_of(each) is None)
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
            raise AdapterTimeout(_still(seconds, kwargs.values())) from error

    return limited


def _still(seconds: float, given: Iterable[Any]) -> str:
    """Say that the time is over, and whether that is for want of speed."""
    said = f"the case is not over after {seconds:g} s"
    frames = [it for each in given if isinstance(each, World) for it in each.frames]
    if not frames:
        return said
    late = sum(frame.seconds > seconds - 1 for frame in frames)
    if not late:
        return f"{said}, and nothing has come to Redis in its last second"
    why = "the SDK, or the machine, may be too slow"
    return f"{said}, though it goes on: {late} frames in its last second ({why})"


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
