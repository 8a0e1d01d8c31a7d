# SPDX-License-Identifier: AGPL-3.0-only
"""Faults at each step of a plain worker: it dies, is cut off, is answered an error.

A plain queue loses a message with the worker that took it. So a call may be left
unfinished; but the store must not lie, the worker goes on, and scheduling the root
again repairs all.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import response
from brrr_conformance.cases._common import expect_report
from brrr_conformance.cases._faults import (
    BYSTANDER,
    action_of,
    check_alive,
    check_commands,
    check_report,
    check_store,
    schedule_again,
)
from brrr_conformance.cases._scenarios import GATHER, SCENARIOS
from brrr_conformance.director import answer, compares, do

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("worker")
requirement = pytest.mark.requirement

# What a report may take that is sent before its time.
REPORT_SECONDS = 0.2
FAULTS = ["dies", "cut-before", "cut-after", "error"]
# Where little is new, the faults that differ the most.
FEWER = {"two-roots", "two-parents", "chain"}
STEPS = {
    f"{name}-{each}-{fault}": (scenario, each, fault)
    for name, scenario in SCENARIOS.items()
    for each in scenario.points
    for fault in (["dies", "cut-after"] if name in FEWER else FAULTS)
}


@requirement("WORK-11", "REDIS-5", "REDIS-24")
@pytest.mark.parametrize("step", STEPS)
async def test_at(world: World, step: str) -> None:
    """Whatever happens at a step, a new root finishes what is left unfinished."""
    scenario, place, fault = STEPS[step]
    action = action_of(world, place, fault)
    match = place.match(done=action.before is None)
    rule = world.director.rule(match, action, times=1)
    world.actors.learn({BYSTANDER: response(BYSTANDER.encode())})
    await scenario.given(world)
    for topic in scenario.topics:
        await world.start(topic)
    await world.quiet()
    assert rule.played, f"no worker comes to {place}"
    await check_store(world, scenario)
    if fault == "dies":
        await replace_the_dead(world)
    else:
        # On DynamoDB a worker may look whether a write was carried out.
        is_lost = fault.startswith("cut") and world.table is None
        await check_report(world, scenario, place, is_lost=is_lost)
    await check_alive(world, scenario.topics)
    await schedule_again(world, scenario)
    await check_store(world, scenario)
    check_commands(world, scenario)


async def replace_the_dead(world: World) -> None:
    for worker in [each for each in world.workers if each.ended]:
        await world.start(worker.serving.topic)


@requirement("WORK-11")
async def test_report_comes_last(world: World) -> None:
    """What one child meets is not reported while the other is still written."""
    early: list[str] = []

    async def look() -> None:
        await asyncio.sleep(REPORT_SECONDS)
        early.extend(problem.code for problem in world.problems)

    refused = answer("OOM command not allowed when used memory > 'maxmemory'.")
    world.director.rule(compares("pending_returns/a"), refused, times=1)
    world.director.rule(compares("pending_returns/b"), do(look), times=1)
    await GATHER.given(world)
    await world.serve("t")
    await expect_report(world, "BACKEND")
    assert not early, "reported while a command of that message was under way"
