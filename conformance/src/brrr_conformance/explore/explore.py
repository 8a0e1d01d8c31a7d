# SPDX-License-Identifier: AGPL-3.0-only
"""Explores a scenario with the workers of a world: what a case calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from brrr_conformance.checker import Violation, check
from brrr_conformance.explore.rules import judge
from brrr_conformance.explore.scenario import plain
from brrr_conformance.explore.scheduler import Scheduler
from brrr_conformance.explore.search import Explored, search
from brrr_conformance.explore.shrink import Follow, shrink, switches, turns, worker_of
from brrr_conformance.outcome import CaseFailed, TraceRejected

if TYPE_CHECKING:
    from brrr_conformance.explore.play import Played
    from brrr_conformance.explore.scenario import Scenario
    from brrr_conformance.world import World

# Under this name the recipe has the schedule that failed, and is given it again.
SCHEDULE = "schedule"
_NUMBER = re.compile(r"\d+")


async def explore(world: World, scenario: Scenario, budget: int) -> Explored:
    """Play schedules until one fails, all were played, or the budget is spent.

    With a schedule in the recipe, only this one is played.
    """
    world.explored = explored = Explored(world.recipe.seed)
    scheduler = await Scheduler.start(world, scenario)
    try:
        if SCHEDULE in world.recipe.given:
            schedule: list[str] = world.recipe.choose(SCHEDULE, list)
            played = await scheduler.run(Follow(schedule).choose)
            explored.add(played)
            _check(world, scenario, played)
        else:
            await _search(world, scheduler, budget, explored)
    except CaseFailed:
        raise
    except Exception as error:  # a worker is gone: nothing can be made shorter
        events = scheduler.play.events
        so_far = world.recipe.choose(SCHEDULE, lambda: [each.name for each in events])
        error.add_note(describe(so_far))
        raise
    finally:
        scheduler.close()
    return explored


async def _search(
    world: World, scheduler: Scheduler, budget: int, explored: Explored
) -> None:
    """Raise the worst that is found: what comes of a race says more than a rule."""
    chance = world.recipe.chance(SCHEDULE)
    against_rules: Played | None = None
    async for played in search(scheduler, budget, chance, explored):
        if judge(scheduler.scenario, played):
            await _fail(world, scheduler, played)
        if against_rules is None and check(world.trace):
            against_rules = played
    if against_rules is not None:
        await _fail(world, scheduler, against_rules)


async def _fail(world: World, scheduler: Scheduler, played: Played) -> None:
    """Raise what is wrong, with the shortest schedule that shows it."""
    scenario = scheduler.scenario
    again = await scheduler.run(Follow(played.schedule).choose)
    kind = _judge(world, scenario, again).kind

    def fails(run: Played) -> bool:
        return _judge(world, scenario, run).kind == kind

    if kind:
        again = await shrink(scheduler, again, fails)
    # Once more, so that the frames in the diagnosis are those of this schedule.
    shown = await scheduler.run(Follow(again.schedule).choose)
    world.recipe.choose(SCHEDULE, lambda: shown.schedule)
    _check(world, scenario, shown)
    raise CaseFailed("a schedule failed, but not again:\n" + describe(played.schedule))


def _check(world: World, scenario: Scenario, played: Played) -> None:
    """Raise what is wrong with the run that has just been played."""
    wrong = _judge(world, scenario, played)
    lines = [*wrong.complaints]
    if wrong.violation is not None:
        lines.append(plain(str(wrong.violation)))
    message = "\n".join([*lines, describe(played.schedule)])
    if wrong.violation is not None:
        raise TraceRejected(wrong.violation, message)
    if wrong.complaints:
        raise CaseFailed(message)


class _Wrong(NamedTuple):
    """What has come of a run that should not, and the command that broke a rule."""

    complaints: list[str]
    violation: Violation | None

    @property
    def kind(self) -> str:
        """Give what two runs that show one defect have in common; "" is no defect."""
        if self.complaints:
            headline = self.complaints[0].partition("\n")[0]
            return _NUMBER.sub("", headline.partition(":")[0])
        return self.violation.requirement if self.violation else ""


def _judge(world: World, scenario: Scenario, played: Played) -> _Wrong:
    violation = check(world.trace) if played.error is None else None
    return _Wrong(judge(scenario, played), violation)


def describe(schedule: list[str]) -> str:
    """Write a schedule for people: each turn a paragraph, each command in order."""
    lines = [
        f"schedule ({len(schedule)} commands, {switches(schedule)} switches):",
    ]
    for turn in turns(schedule):
        worker = worker_of(turn[0])
        commands = "; ".join(each.removeprefix(f"{worker} ") for each in turn)
        lines.append(f"  {worker}: {commands}")
    return "\n".join(lines)
