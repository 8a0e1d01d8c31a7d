# SPDX-License-Identifier: AGPL-3.0-only
"""A case as pytest, the list and the gate see it, and whose SDKs it runs with.

What the plugin notes on an item and on the run, under which key, is here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.config import AdapterConfig, Framing
from brrr_conformance.report import Outcome
from brrr_conformance.spec import Spec

if TYPE_CHECKING:
    from brrr_conformance.deviation import Deviation
    from brrr_conformance.pb import adapter_pb2 as pb

# The profile of cases for mixed fleets.
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


def fleet_of(item: pytest.Item) -> Fleet | None:
    callspec = getattr(item, "callspec", None)
    fleet = callspec.params.get("fleet") if callspec else None
    return fleet if isinstance(fleet, Fleet) else None


def members(item: pytest.Item) -> tuple[AdapterConfig, ...]:
    fleet = fleet_of(item)
    return fleet.members if fleet else ()
