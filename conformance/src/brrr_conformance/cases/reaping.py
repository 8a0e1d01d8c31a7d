# SPDX-License-Identifier: AGPL-3.0-only
"""Durable queues: several dead workers at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import response, stored_call, value
from brrr_conformance.cases._durable import bury, expect
from brrr_conformance.crew import DEAD_AFTER_MS
from brrr_conformance.records import ScheduleMessage

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("durable")
requirement = pytest.mark.requirement

# Dead, but to be kept in the registry for longer than the case takes.
DEAD_OF_LATE = DEAD_AFTER_MS + 2_000


@requirement("REDIS-35", "QUEUE-11")
@pytest.mark.parametrize("empty", [False, True], ids=["each-has-one", "last-has-one"])
async def test_dead_workers(world: World, empty: bool) -> None:
    """One that is dead is not in the way of the next, though its list be empty."""
    hashes = ["c"] if empty else ["a", "b", "c"]
    await world.given(*map(stored_call, hashes))
    for at, name in enumerate("abc"):
        messages = [ScheduleMessage("root1", name).encode()] if name in hashes else []
        await bury(world, *messages, age=DEAD_OF_LATE - at, name=f"gone-{name}")
    rules = dict.fromkeys(hashes, response(b"v"))
    await world.serve("t", rules, durable=True)
    values = (value(name, b"v") for name in hashes)
    await expect(world, *map(stored_call, hashes), *values)
