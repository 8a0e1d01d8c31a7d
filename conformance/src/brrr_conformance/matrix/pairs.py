# SPDX-License-Identifier: AGPL-3.0-only
"""Two SDKs: the one schedules, both work, both read.

A cell is one graph of calls over two topics. The caller schedules it and serves
the one topic, the callee serves the other; so each of them defers to the other,
wakes the other, and adds to records that the other has written. Both read the
values. Where both run programs, they run one the same way, as tasks of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brrr_conformance import deviation
from brrr_conformance.build import ask
from brrr_conformance.config import Profile
from brrr_conformance.graph import Graph, Node, expect_done
from brrr_conformance.matrix.arena import read_all, serve_with, speak_with
from brrr_conformance.outcome import Status
from brrr_conformance.program import Oracle, Program
from brrr_conformance.report import Outcome
from brrr_conformance.stage import check, check_values

if TYPE_CHECKING:
    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.matrix.arena import Arena
    from brrr_conformance.world import World

PAIR_SECONDS = 30.0

CALLER_TOPIC = "größe/:"
CALLEE_TOPIC = "\U0001f600 topic"

# Down and up between the two; `m` is waited for on both topics, `z` has no octets.
PAIR = Graph(
    {
        "p": Node(("a", "b", "m"), topic=CALLER_TOPIC),
        "a": Node(("m", "c"), topic=CALLEE_TOPIC),
        "b": Node(("c", "z"), at_once=False, topic=CALLEE_TOPIC),
        "m": Node(("z",), topic=CALLER_TOPIC),
        "c": Node(topic=CALLEE_TOPIC),
        "z": Node(topic=CALLEE_TOPIC, silent=True),
    }
)

# The same as a program: each side calls, and is called, by its own app layer.
CALLER_TASKS, CALLEE_TASKS = "größe/: tasks", "\U0001f600 tasks"
DOWN, UP = CALLEE_TASKS, CALLER_TASKS
PROGRAM = Program(
    [
        {"do": [[[1, DOWN], [2, DOWN], [3, UP]], [[6, DOWN]]]},
        {"do": [[[3, UP], [4, DOWN]]]},
        {"do": [[[4, DOWN]], [[5, DOWN]]]},
        {"do": [[[5, DOWN]]]},
        {"task": "echo", "args": [{"a": ["é", None, 1]}]},
        {"task": "hello", "args": [""]},
        {"task": "fib", "args": [6]},
    ],
    [[0, CALLER_TASKS]],
)


@dataclass(frozen=True, slots=True)
class Cell:
    caller: str
    callee: str
    outcome: Outcome


async def play_pair(arena: Arena, caller: AdapterConfig, callee: AdapterConfig) -> Cell:
    members = list({each.name: each for each in (caller, callee)}.values())

    async def calls(world: World) -> None:
        await serve_with(world, caller, CALLER_TOPIC)
        await serve_with(world, callee, CALLEE_TOPIC)
        world.actors.learn(PAIR.rules())
        await world.schedule(CALLER_TOPIC, ask("p"))
        await world.quiet()
        await read_all(world, PAIR.values, members)
        await expect_done(world, PAIR, uncounted=0, most=1 + 4 * PAIR.edges)

    async def program(world: World) -> None:
        oracle = Oracle(PROGRAM)
        await serve_with(world, caller, CALLER_TASKS, tasks=True)
        await serve_with(world, callee, CALLEE_TASKS, tasks=True)
        (root,) = PROGRAM.edges
        await world.schedule_task(root.topic, root.call.task, root.call.args.encode())
        await world.quiet()
        await check(world, oracle)
        if callee is not caller:
            speak_with(world, callee)
            await check_values(world, oracle)

    outcome = Outcome(cell_id(caller, callee), f"{caller.name}+{callee.name}", ())
    scenes = [calls]
    if Profile.PROGRAM in caller.profiles & callee.profiles:
        scenes.append(program)
    for scene in scenes:
        if outcome.status is Status.PASSED:
            outcome = await arena.play(outcome, members, scene, PAIR_SECONDS)
    return Cell(caller.name, callee.name, outcome)


def cell_id(caller: AdapterConfig, callee: AdapterConfig) -> str:
    return f"{deviation.MATRIX}{caller.name}.{callee.name}"
