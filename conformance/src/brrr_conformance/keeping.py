# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps what fails, and plays it again. Part of the pytest plugin.

With --failures, each case that fails leaves a failure file (failure.py), and its
message ends with the command that replays it; a case that passes takes away the
file of an earlier run. With --case and --recipe, one case runs alone and chooses as
it did then.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.case import CASE, RECIPE, SPEC, WELCOMES, members
from brrr_conformance.failure import (
    Failure,
    Requirement,
    Sdk,
    broken,
    events_of,
    file_name,
)
from brrr_conformance.outcome import Status, TraceRejected, status_of
from brrr_conformance.pool import Bench
from brrr_conformance.report import Outcome
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.spec import Spec

# The line by which a message ends.
KEPT = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("brrr")
    group.addoption("--failures", type=Path, help="a folder for what fails")
    group.addoption(
        "--keep-deviations", action="store_true", help="known deviations fail too"
    )
    group.addoption("--case", help="only the case with this id")
    group.addoption(
        "--attach", action="store_true", help="the user starts the adapters"
    )
    group.addoption("--recipe", type=Path, help="JSON: what the case is to choose")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--recipe")
    config.stash[RECIPE] = json.loads(file.read_text()) if file else {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    wanted = config.getoption("--case")
    if wanted is None:
        return
    kept = [item for item in items if item.stash[CASE].id == wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def digest(spec: Spec) -> str:
    """Name what the specification says, whatever its version: 12 hex digits."""
    sentences = [f"{each.id} {each.text}" for each in spec.requirements.values()]
    return hashlib.sha256("\n".join(sentences).encode()).hexdigest()[:12]


# ---- what fails -------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    report = yield
    folder, result = item.config.getoption("--failures"), getattr(report, "brrr", None)
    if folder is None or result is None:
        return report
    file = folder / result["adapter"].replace(os.sep, "-") / file_name(result["id"])
    status = Status(result["status"])
    keep = status.is_failure or (
        status is Status.KNOWN_DEVIATION and item.config.getoption("--keep-deviations")
    )
    if call.excinfo is not None and keep:
        _failure(item, result, call.excinfo.value).write(file)
        item.stash[KEPT] = f"replay: brrr-conformance replay {shlex.quote(near(file))}"
    if keep and (line := item.stash.get(KEPT, "")):
        result["message"] = f"{result['message']}\n{line}"
        if report.failed:
            report.longrepr = result["message"]
    elif report.when == "teardown":
        file.unlink(missing_ok=True)
    return report


def near(file: Path) -> str:
    """Name a file from here, if it is below."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def versions(spec: Spec) -> dict[str, str]:
    return {
        "runner": metadata.version("brrr-conformance"),
        "python": platform.python_version(),
        "spec": digest(spec),
    }


def _failure(item: pytest.Item, result: Any, error: BaseException) -> Failure:
    config, spec = item.config, item.config.stash[SPEC]
    funcargs = getattr(item, "funcargs", {}).values()
    world = next((each for each in funcargs if isinstance(each, World)), None)
    bench = next((each for each in funcargs if isinstance(each, Bench)), None)
    known = versions(spec)
    if world is not None:
        known["redis"] = world.pool.server.version
    welcomes = config.stash[WELCOMES]
    involved = {it.name: it for it in members(item)}.values()
    return make_failure(
        Outcome.from_json(result),
        error,
        [(each, welcomes.get(each.name)) for each in involved],
        spec,
        world or bench,
        store=config.getoption("--store"),
        seed=config.getoption("--seed"),
        versions=known,
    )


def make_failure(
    outcome: Outcome,
    error: BaseException,
    involved: Iterable[tuple[AdapterConfig, pb.Welcome | None]],
    spec: Spec,
    place: World | Bench | None,
    *,
    store: str,
    seed: int,
    versions: dict[str, str],
) -> Failure:
    """Make the file of a failure, of what was seen where it was played."""
    violation = error.violation if isinstance(error, TraceRejected) else None
    world = place if isinstance(place, World) else None
    return Failure(
        case=outcome.id,
        adapter=outcome.adapter,
        adapters=[
            Sdk(
                name=config.name,
                sdk=welcome.sdk,
                version=welcome.version,
                language=config.language,
            )
            for config, welcome in involved
            if welcome is not None
        ],
        store=store,
        status=status_of(error),
        message=outcome.message,
        requirements=[
            Requirement(id=found.id, sentence=found.sentence)
            for name in outcome.requirements
            if (found := spec.requirements.get(name)) is not None
        ],
        violation=broken(violation),
        seed=seed,
        recipe=world.recipe.chosen if world else {},
        versions=versions,
        rewritten=world.director.has_rewritten if world else False,
        began=place.trace.began if place else 0.0,
        events=events_of(place.trace) if place else [],
    )
