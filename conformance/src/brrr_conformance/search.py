# SPDX-License-Identifier: AGPL-3.0-only
"""Plays programs that Hypothesis makes up, and shrinks one that fails.

Hypothesis runs in a thread of its own; each program is played on the case's event
loop, in a world of its own. What has failed once counts as failed, without being
played again: a race need not come twice, and a shrunk program is one that did
fail. Program and schedule shrink together, in as many attempts as SHRINK_ATTEMPTS.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.reporting import with_reporter

from brrr_conformance.outcome import HarnessError, Status, status_of
from brrr_conformance.stage import Plan, play

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from brrr_conformance.world import World

PROGRAM = "program"
# A number, not a time: so the same seed ends with the same program.
SHRINK_ATTEMPTS = 80
# Nothing smaller is looked for where the SDK has no such thing, the adapter is at
# fault, or each attempt takes the time of a hang.
SHRUNK = {Status.FAILED, Status.CRASHED}


class Over(BaseException):
    """The case has ended while a program was to be played."""


async def play_many(world: World, plans: SearchStrategy[Plan], number: int) -> None:
    """Play so many programs; raise what the smallest that fails has ended in.

    In a replay, play the one that was given.
    """
    if PROGRAM in world.recipe.given:
        given_plan: dict[str, Any] = world.recipe.choose(PROGRAM, dict)
        await play(world, Plan.from_json(given_plan))
        return
    search = Search(world, asyncio.get_running_loop())
    try:
        await asyncio.to_thread(search.run, plans, number)
    finally:
        search.over = True
    if search.last is not None:
        world.show(search.last.world)
        plan = world.recipe.choose(PROGRAM, search.last.plan.to_json)
        search.last.error.add_note(f"played: {json.dumps(plan, ensure_ascii=False)}")
        raise search.last.error


@dataclass(slots=True)
class Failed:
    plan: Plan
    error: Exception
    world: World


@dataclass(slots=True)
class Search:
    world: World
    loop: asyncio.AbstractEventLoop
    # By the JSON of the plan; and the one that was tried last.
    failed: dict[str, Failed] = field(default_factory=dict)
    last: Failed | None = None
    # How many programs may still be played.
    left: float = math.inf
    over: bool = False

    def run(self, plans: SearchStrategy[Plan], number: int) -> None:
        """Let Hypothesis try; what it ends with is `last`."""

        @seed(self.world.recipe.seed)
        @settings(
            max_examples=number,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(plans)
        def search(plan: Plan) -> None:
            self.attempt(plan)

        with with_reporter(lambda _: None):
            try:
                search()
            except HypothesisException as error:
                raise HarnessError(f"Hypothesis: {error}") from error
            except Exception:
                if self.last is None:
                    raise

    def attempt(self, plan: Plan) -> None:
        """Play one program, unless it is known to fail, or time is up."""
        name = json.dumps(plan.to_json())
        if name not in self.failed:
            if self.left <= 0:
                return
            self.left -= 1
            failed = self._play(plan)
            if failed is None:
                return
            self.failed[name] = failed
            self.left = min(self.left, SHRINK_ATTEMPTS)
            if status_of(failed.error) not in SHRUNK:
                self.left = 0
        self.last = self.failed[name]
        raise self.last.error

    def _play(self, plan: Plan) -> Failed | None:
        if self.over:
            raise Over
        playing = asyncio.run_coroutine_threadsafe(self._play_alone(plan), self.loop)
        return playing.result()

    async def _play_alone(self, plan: Plan) -> Failed | None:
        world = await self.world.another()
        try:
            await play(world, plan)
            await world.end()
        except Exception as error:
            if log := world.log():
                error.add_note(f"standard error:\n{log}")
            with contextlib.suppress(Exception):  # what came first says why
                await world.end()
            return Failed(plan, error, world)
        return None
