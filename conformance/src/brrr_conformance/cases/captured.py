# SPDX-License-Identifier: AGPL-3.0-only
"""Scenarios that two real SDKs were recorded in: every SDK leaves the same state."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from brrr_conformance.captured import scenarios
from brrr_conformance.cases.examples import parameter
from brrr_conformance.outcome import AdapterTimeout, HarnessError
from brrr_conformance.scenario import Schedule, Serve, read_scenario
from brrr_conformance.state import State
from brrr_conformance.step import Step

if TYPE_CHECKING:
    import pytest

    from brrr_conformance.spec import Example
    from brrr_conformance.state import Snapshot
    from brrr_conformance.world import World

# A worker that asks here for a message has handled its first, and gets no other.
NOWHERE = b"no message ever comes here"
SECONDS = 5.0
# One that asks ahead for its next message may still be busy with the first.
SETTLE_SECONDS = 0.05


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("example", [parameter(example) for example in scenarios()])


async def test_captured(example: Example, world: World) -> None:
    scenario = read_scenario(example)
    await world.given(scenario.before)
    world.actors.learn(scenario.rules)
    for action in scenario.actions:
        match action:
            case Schedule(topic, call):
                await world.schedule(topic, call)
            case Serve(topic):
                await serve_one(world, topic.encode())
            case _:
                raise HarnessError(f"{example.id}: no such step was captured")
    after = reorder(scenario.after, await world.database.read())
    await world.expect(after, problems=scenario.problems)


def reorder(state: State, found: Snapshot) -> State:
    """Let messages stand as they were found: their order is nobody's promise."""
    entries = []
    for entry in state.entries:
        stored = found.get(entry.key.fill(b"", 0))
        if isinstance(stored, tuple):
            places = {octets: at for at, octets in enumerate(stored)}
            order = sorted(entry.items, key=lambda it: places.get(it.fill(b"", 0), 0))
            entry = replace(entry, items=tuple(order))
        entries.append(entry)
    return State(tuple(entries))


def asks_for(step: Step, topic: bytes) -> bool:
    """Match a request for a message: some look before they wait for one."""
    return step.touches(topic) and (step.is_pop or step.name in ("LPOP", "LMPOP"))


async def serve_one(world: World, topic: bytes) -> None:
    """Start a worker, and wait until it has handled one message."""
    asked = 0

    def ask(step: Step) -> Step:
        nonlocal asked
        asked += 1
        if asked == 1:
            return step
        return Step(tuple(NOWHERE if arg == topic else arg for arg in step.args))

    world.rewrite(lambda step: asks_for(step, topic), ask)
    await world.start(topic.decode())
    while True:
        world.check()
        seen = world.trace.events
        still = time.monotonic() - world.trace.last
        if asked > 1 and not world.answering and still >= SETTLE_SECONDS:
            at_rest = all(each.member.sleeps is not False for each in world.workers)
            await world.redis.ping()  # what was sent until then has come
            if at_rest and world.trace.events == seen:
                return
        if still >= SECONDS:
            raise AdapterTimeout("the worker does not ask for its next message")
        await world.trace.changed(seen, SETTLE_SECONDS)
