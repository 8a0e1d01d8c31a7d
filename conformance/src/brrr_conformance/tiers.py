# SPDX-License-Identifier: AGPL-3.0-only
"""Tiers: which cases a run is content with. Part of the pytest plugin.

`full` is all of them. `quick` is for whoever has just changed a line: the examples of
the specification, of each kind of vector the first few, and of each requirement and
each module the first case that is about it, and the first that is about it before all;
but nothing that takes its time: is large, slow, has a deadline of its own, or is known
to time out. So a new case is in it if it is the first of its kind.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.case import CASE, KNOWN, OUTCOME
from brrr_conformance.codec import CodecVector
from brrr_conformance.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from brrr_conformance.vector import AnyVector

# The module that has the specification's examples.
EXAMPLES = "examples"
# What marks cases that take their time.
LONG = ("deadline", "slow")
# Octets of a vector beyond which it takes its time.
MOST_OCTETS = 1 << 14
# Vectors of one record, or call, and the same requirements.
MOST_OF_A_KIND = 2


class Tier(StrEnum):
    QUICK = "quick"
    FULL = "full"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("brrr")
    group.addoption("--tier", choices=[*Tier], default=Tier.FULL)


@pytest.hookimpl(trylast=True)  # of what -k has left
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if config.getoption("--tier") == Tier.FULL:
        return
    adapters = dict.fromkeys(item.stash[OUTCOME].adapter for item in items)
    kept = [
        item
        for adapter in adapters
        for item in quick(
            each for each in items if each.stash[OUTCOME].adapter == adapter
        )
    ]
    dropped = set(items).difference(kept)
    config.hook.pytest_deselected(items=list(dropped))
    items[:] = kept


def quick(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Pick from the cases of one adapter."""
    seen: set[str] = set()
    vectors: Counter[tuple[str, ...]] = Counter()
    for item in items:
        if any(each.expect is Status.TIMED_OUT for each in item.stash[KNOWN]):
            continue
        case = item.stash[CASE]
        vector = _parameter(item, "vector")
        if vector is not None:
            kind = (vector.id.split("/")[0], *vector.requirements)
            if _size(vector) <= MOST_OCTETS and vectors[kind] < MOST_OF_A_KIND:
                vectors[kind] += 1
                yield item
            continue
        kinds = {case.module, *case.requirements}
        if case.requirements:
            kinds.add(f"first {case.requirements[0]}")
        telling = case.module == EXAMPLES or not kinds <= seen
        if telling and not any(map(item.get_closest_marker, LONG)):
            seen |= kinds
            yield item


def _parameter(item: pytest.Item, name: str) -> Any:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(name) if callspec else None


def _size(vector: AnyVector) -> int:
    if isinstance(vector, CodecVector):
        return len(vector.written or b"")
    runs = (vector.input or (), vector.canonical or ())
    return max(sum(len(octets) * times for octets, times in each) for each in runs)
