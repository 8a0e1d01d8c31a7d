# SPDX-License-Identifier: AGPL-3.0-only
"""Every interleaving of two or three workers, one command at a time (explore/).

Each case begins where the race does, plays all schedules up to equivalence, or as
many as its budget allows, and demands the same end of all: every call has its value,
nobody waits, nothing is queued, and not too many messages were counted. How many are
due at most follows from the algorithms of the specification: it is what a worker that
keeps to them puts in the worst schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import ask, count, queued, stored_call, value, waiting
from brrr_conformance.explore.explore import explore
from brrr_conformance.explore.scenario import Scenario, Task, name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from brrr_conformance.state import State
    from brrr_conformance.world import World

pytestmark = [
    pytest.mark.profile("worker"),
    pytest.mark.store("redis"),
    pytest.mark.deadline(600),
]

P, Q, S, A, B, C = (name(each) for each in "pqsabc")
R1, R2, R3 = (name(f"root{number}") for number in (1, 2, 3))
LIMIT = 10_000
# Schedules; half of them, if need be, by chance.
BUDGET = 700


def calls(*names: str) -> tuple[State, ...]:
    return tuple(map(stored_call, names))


def ended(tasks: Mapping[str, Task], *, without: str = "") -> tuple[State, ...]:
    """Give the state in which every task has its value, and nobody waits."""
    values = [
        value(each, task.value) for each, task in tasks.items() if each != without
    ]
    return (*calls(*tasks), *values)


def parent(*children: str, in_turn: bool = False, topic: str = "") -> Task:
    asks = tuple(ask(each, topic=topic) for each in children)
    return Task(b"of " + "".join(children).encode()[:1], asks, in_turn)


CHILD = Task(b"1")


@pytest.mark.requirement("SCHED-21", "SCHED-24", "RET-1", "RET-2", "RET-4")
async def test_two_children_of_one_parent(world: World) -> None:
    """A parent asks for two calls at once; both return while it registers."""
    tasks = {P: parent(A, B), A: CHILD, B: CHILD}
    scenario = Scenario(
        given=(*calls(P), queued("t", (R1, P))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 6},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-24", "SCHED-26", "RET-1", "RET-4")
async def test_late_parent(world: World) -> None:
    """A parent asks for a call that just now has its value, and returns to nobody."""
    tasks = {P: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(P, C), queued("t", (R2, C), (R1, P))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 3},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-25", "SCHED-26", "SCHED-28", "RET-3", "RET-4")
async def test_second_parent(world: World) -> None:
    """Another parent asks for a call that returns to the first one just now."""
    tasks = {P: parent(C), Q: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(*tasks), waiting(C, (R1, P, "t")), queued("t", (R1, C), (R2, Q))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 1, R2: 2},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-24", "SCHED-25", "SCHED-26", "RET-2")
@pytest.mark.parametrize("workers", [2, 3])
async def test_two_parents_of_one_child(world: World, workers: int) -> None:
    """Two parents ask for the same call at the same time."""
    tasks = {P: parent(C), Q: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(P, Q), queued("t", (R1, P), (R2, Q))),
        tasks=tasks,
        workers={"t": workers},
        final=ended(tasks),
        most={R1: 2, R2: 2},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-26", "SCHED-27", "SCHED-28", "RET-2", "WORK-8")
async def test_one_parent_under_two_roots(world: World) -> None:
    """A parent is scheduled twice, and asks for the same call under both roots."""
    tasks = {P: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(P), queued("t", (R1, P), (R2, P))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 3, R2: 3},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-28", "RET-3", "WORK-8")
async def test_two_roots_registered(world: World) -> None:
    """A parent with two roots runs again while its child returns to both."""
    tasks = {P: parent(C), C: CHILD}
    scenario = Scenario(
        given=(
            *calls(*tasks),
            waiting(C, (R1, P, "t"), (R2, P, "t")),
            queued("t", (R1, P), (R2, C)),
        ),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 3, R2: 1},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-28", "WORK-8")
async def test_parent_twice(world: World) -> None:
    """The message of a parent comes twice; both runs ask for the same call."""
    tasks = {P: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(P), queued("t", (R1, P), (R1, P))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 4},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("RET-3", "RET-4", "WORK-8")
async def test_child_twice(world: World) -> None:
    """The message of a child comes twice; both runs return to the same parents."""
    tasks = {P: parent(C), Q: parent(C), C: CHILD}
    scenario = Scenario(
        given=(
            *calls(*tasks),
            waiting(C, (R1, P, "t"), (R2, Q, "t")),
            queued("t", (R1, C), (R1, C)),
        ),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 2, R2: 2},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-28", "RET-1", "RET-4")
async def test_parent_runs_again(world: World) -> None:
    """A parent that waits already runs again while its child returns."""
    tasks = {P: parent(C), C: CHILD}
    scenario = Scenario(
        given=(
            *calls(*tasks),
            waiting(C, (R1, P, "t")),
            queued("t", (R1, P), (R1, C)),
        ),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 3},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("RET-5", "SCHED-12", "RET-3")
async def test_limit_while_returning(world: World) -> None:
    """One of two returns meets the spawn limit while another parent registers."""
    tasks = {P: parent(C), Q: parent(C), S: parent(C), C: CHILD}
    scenario = Scenario(
        given=(
            *calls(*tasks),
            count(R1, LIMIT),
            waiting(C, (R1, P, "t"), (R2, Q, "t")),
            queued("t", (R2, C), (R3, S)),
        ),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks, without=P),
        most={R1: 1, R2: 1, R3: 2},
        near=(R1,),
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-24", "RET-1", "RET-4")
async def test_gather_while_values_come(world: World) -> None:
    """A parent asks for two calls, one has its value, the other gets it just now."""
    tasks = {P: parent(A, B), A: CHILD, B: CHILD}
    scenario = Scenario(
        given=(
            *calls(*tasks),
            value(A, CHILD.value),
            waiting(B, (R1, P, "t")),
            queued("t", (R1, P), (R1, B), (R1, A)),
        ),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 3},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-21", "SCHED-24", "RET-1", "RET-2")
async def test_three_generations(world: World) -> None:
    """A child returns to a parent whose own parent registers just now."""
    tasks = {Q: parent(P), P: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(*tasks), waiting(C, (R1, P, "t")), queued("t", (R1, C), (R2, Q))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 2, R2: 6},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-21", "SCHED-24", "RET-1", "RET-2")
async def test_calls_in_turn(world: World) -> None:
    """A parent asks for one call after the other; another worker is as fast."""
    tasks = {P: parent(A, B, in_turn=True), A: CHILD, B: CHILD}
    scenario = Scenario(
        given=(*calls(*tasks), queued("t", (R1, P), (R2, B))),
        tasks=tasks,
        workers={"t": 2},
        final=ended(tasks),
        most={R1: 5, R2: 0},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-22", "SCHED-23", "RET-2")
async def test_two_topics(world: World) -> None:
    """Parents of two topics ask for one call that is on the second."""
    tasks = {P: parent(C, topic="u"), Q: parent(C, topic="u"), C: CHILD}
    scenario = Scenario(
        given=(*calls(P, Q), queued("t", (R1, P)), queued("u", (R2, Q))),
        tasks=tasks,
        workers={"t": 1, "u": 2},
        final=ended(tasks),
        most={R1: 2, R2: 2},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-26", "SCHED-27", "SCHED-28", "RET-3", "RET-4")
async def test_three_workers(world: World) -> None:
    """Two parents, one of them under two roots, against a child that returns."""
    tasks = {P: parent(C), Q: parent(C), C: CHILD}
    scenario = Scenario(
        given=(
            *calls(*tasks),
            waiting(C, (R1, P, "t")),
            queued("t", (R1, C), (R2, P), (R3, Q)),
        ),
        tasks=tasks,
        workers={"t": 3},
        final=ended(tasks),
        most={R1: 2, R2: 3, R3: 3},
    )
    await explore(world, scenario, BUDGET)


@pytest.mark.requirement("SCHED-24", "SCHED-26", "RET-1", "RET-2", "RET-4")
async def test_diamond(world: World) -> None:
    """Two calls of one parent ask for the same third one; three workers."""
    tasks = {S: parent(P, Q), P: parent(C), Q: parent(C), C: CHILD}
    scenario = Scenario(
        given=(*calls(S), queued("t", (R1, S))),
        tasks=tasks,
        workers={"t": 3},
        final=ended(tasks),
        most={R1: 14},
    )
    await explore(world, scenario, BUDGET)
