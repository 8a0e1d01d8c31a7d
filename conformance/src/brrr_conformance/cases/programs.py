# SPDX-License-Identifier: AGPL-3.0-only
"""Programs: the SDK's own app layer runs tasks that look sequential.

Where no worker serves a topic, what was put there shows what a task has asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.cases._common import MEBIBYTE
from brrr_conformance.cases._durable import settle
from brrr_conformance.commands import Kind
from brrr_conformance.director import CUT_BEFORE, Match
from brrr_conformance.program import Program
from brrr_conformance.stage import Plan, play

if TYPE_CHECKING:
    from brrr_conformance.director import Passing
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("program")
requirement = pytest.mark.requirement


def one(task: str, *args: Any) -> Program:
    """Make a program that is one call of another task."""
    return Program([{"task": task, "args": list(args)}], [[0, "t"]])


async def run(world: World, program: Program) -> None:
    """Schedule the root, and let a worker of its topic do what it can."""
    (root,) = program.edges
    await world.schedule_task(root.topic, root.call.task, root.call.args.encode())
    await world.serve(root.topic, tasks=True)


async def lengths(world: World, *topics: str) -> list[int]:
    return [len(await world.queue(topic)) for topic in topics]


# ---- tasks ------------------------------------------------------------------


@requirement("APP-1")
async def test_hello(world: World) -> None:
    """A task with one argument."""
    await play(world, Plan(one("hello", "Wörld")))


@requirement("APP-2")
async def test_fib(world: World) -> None:
    """A task that gathers itself."""
    await play(world, Plan(one("fib", 15)))


@requirement("APP-1")
@pytest.mark.deadline(60)
async def test_deep_chain(world: World) -> None:
    """200 calls, each of the next one."""
    nodes: list[Any] = [{"do": [[[at + 1]]], "take": 0} for at in range(199)]
    await play(world, Plan(Program([*nodes, {"return": "end"}], [[0, "t"]])))


async def gather_all(world: World, width: int) -> None:
    nodes: list[Any] = [{"task": "echo", "args": [at]} for at in range(width)]
    root: dict[str, Any] = {"do": [[[at + 1] for at in range(width)]]}
    await play(world, Plan(Program([root, *nodes], [[0, "t"]])))


@requirement("APP-2")
async def test_wide_gather(world: World) -> None:
    """40 calls at once: whoever saves no runs makes 40 runs of 40 calls."""
    await gather_all(world, 40)


@requirement("APP-2")
@pytest.mark.profile("program", "joins")
@pytest.mark.deadline(60)
async def test_very_wide_gather(world: World) -> None:
    """300 calls at once."""
    await gather_all(world, 300)


@requirement("RET-1", "SCHED-5")
async def test_big_values(world: World) -> None:
    """Two values of 1 MiB, and one that holds both."""
    big = {"big": MEBIBYTE}
    nodes: list[Any] = [{"do": [[[1], [2]]]}, big, {"do": [[[1]]], "take": 0}]
    await play(world, Plan(Program(nodes, [[0, "t"]])))


@requirement("CODEC-20")
async def test_values_of_all_kinds(world: World) -> None:
    """What JSON can say goes down as an argument and comes up as a value."""
    kinds: list[Any] = [
        None,
        True,
        False,
        0,
        -1,
        2**53 - 1,
        "",
        '\0\n"é€😀',
        [],
        {},
        [[{"a": []}]],
    ]
    leaves = [{"task": "echo", "args": [each]} for each in kinds]
    root: dict[str, Any] = {"do": [[[at + 1]] for at in range(len(kinds))]}
    await play(world, Plan(Program([root, *leaves], [[0, "t"]])))


# ---- what a run asks for ----------------------------------------------------


@requirement("APP-1")
async def test_call_ends_the_run(world: World) -> None:
    """What stands behind a call is not asked for while that has no value."""
    nodes: list[Any] = [{"do": [[[1, "u"]], [[2, "v"]]]}, {"return": 1}, {"return": 2}]
    await run(world, Program(nodes, [[0, "t"]]))
    assert await lengths(world, "u", "v") == [1, 0]
    await world.serve("u", tasks=True)
    assert await lengths(world, "u", "v") == [0, 1]


@requirement("APP-2")
async def test_gather_asks_for_what_is_missing(world: World) -> None:
    """All calls at once, each on its topic; but for one that has a value."""
    leaves = [{"task": "echo", "args": [at]} for at in range(3)]
    nodes: list[Any] = [{"do": [[[1, "u"], [2, "v"], [3, "w"]]]}, *leaves]
    await run(world, Program(nodes, [[2, "t"]]))
    await run(world, Program(nodes, [[0, "t"]]))
    assert await lengths(world, "u", "v", "w") == [1, 0, 1]


@requirement("APP-4")
async def test_asks_for_the_same_each_time(world: World) -> None:
    """Each run asks for what the one before did, in its order, and comes further."""
    steps = [[[1, "a"]], [[2, "b"], [3, "c"]], [[4, "d"]], [[5, "e"]]]
    leaves = [{"return": at} for at in range(5)]
    await run(world, Program([{"do": steps}, *leaves], [[0, "t"]]))
    # The later one of the gather ends first.
    for served, left in (("", "a"), ("a", "bc"), ("c", "b"), ("b", "d"), ("d", "e")):
        for topic in served:
            await world.serve(topic, tasks=True)
        got = await lengths(world, *"abcde")
        assert got == [int(topic in left) for topic in "abcde"], f"after {served!r}"


@requirement("APP-2", "SCHED-30")
async def test_gather_of_nothing(world: World) -> None:
    """It has all its values: the task runs on."""
    nodes: list[Any] = [{"do": [[], [[1]], []]}, {"return": "v"}]
    await play(world, Plan(Program(nodes, [[0, "t"]])))


@requirement("APP-5")
async def test_asked_for_twice(world: World) -> None:
    """In one gather, with two topics: looked up once, and put once."""
    nodes: list[Any] = [{"do": [[[1, "u"], [1, "v"], [1, "u"]]]}, {"return": "v"}]
    await run(world, Program(nodes, [[0, "t"]]))
    messages = [*await world.queue("u"), *await world.queue("v")]
    assert len(messages) == 1, f"one message is due, got {messages}"
    key = f"value/{messages[0].call_hash}"
    looks = [each for each in world.commands() if each.step.reads(key)]
    assert len(looks) == 1, f"one look at the child's value is due, got {len(looks)}"


@requirement("APP-5")
async def test_asked_for_again(world: World) -> None:
    """A value that a run has been given is the same to the end of the run."""
    nodes: list[Any] = [{"do": [[[1]], [[1], [2]], [[1]]]}, {"big": 3}, {"return": 2}]
    await play(world, Plan(Program(nodes, [[0, "t"]])))


# ---- what goes wrong --------------------------------------------------------


@requirement("APP-6", "WORK-6")
@pytest.mark.parametrize("name", ["nobody-has-this", "toString", "__init__"])
async def test_unknown_task(world: World, name: str) -> None:
    """It is reported, with its name; who waits for it goes on waiting."""
    nodes: list[Any] = [{"do": [[[1]]]}, {"task": name, "args": []}]
    await play(world, Plan(Program(nodes, [[0, "t"]])))
    reasons = [problem.failure.reason for problem in world.problems]
    assert any(name in reason for reason in reasons), f"{name!r} is not in {reasons}"


@requirement("WORK-6")
async def test_failing_task(world: World) -> None:
    """It is reported with what it says; the other calls of the gather are made."""
    nodes: list[Any] = [{"do": [[[1], [2]]]}, {"raise": "no luck today"}, {"return": 2}]
    await play(world, Plan(Program(nodes, [[0, "t"]])))
    assert "no luck today" in world.problems[0].failure.reason


@requirement("APP-7")
async def test_swallowed_defer(world: World) -> None:
    """A task that catches everything has no value before its calls have theirs."""
    nodes: list[Any] = [{"do": [[[1, "u"]]], "catch": "fallback"}, {"return": "v"}]
    program = Program(nodes, [[0, "t"]])
    await run(world, program)
    (root,) = program.edges
    found = await world.read_task(root.call.task, root.call.args.encode())
    assert found is None, f"the value is written all the same: {found!r}"


@requirement("QUEUE-15", "WORK-11")
@pytest.mark.profile("program", "durable")
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_store_fails_while_a_task_looks(world: World, nth: int) -> None:
    """A value that could not be looked for is no failure of the task: it runs again."""
    nodes: list[Any] = [{"do": [[[1]], [[2]]]}, {"return": 1}, {}]
    program = Program(nodes, [[0, "t"]])
    (root,) = program.edges
    looks = 0

    def is_it(it: Passing) -> bool:
        nonlocal looks
        is_look = it.worker != "client" and any(
            each.kind is Kind.GET and each.key.startswith("value/")
            for each in it.operations
        )
        looks += is_look
        return is_look and looks == nth

    world.director.rule(Match(is_it), CUT_BEFORE, times=1)
    await world.schedule_task(root.topic, root.call.task, root.call.args.encode())
    await world.start(root.topic, tasks=True, durable=True)
    await settle(world)
    found = await world.read_task(root.call.task, root.call.args.encode())
    assert found == b"[1,[]]", f"the root is worth {found!r}"


async def test_caught_failure(world: World) -> None:
    """A task may catch its own failure: then it has not failed."""
    program = Program([{"raise": "no", "catch": [1]}], [[0, "t"]])
    await run(world, program)
    (root,) = program.edges
    assert await world.read_task(root.call.task, root.call.args.encode()) == b"[1]"
    await world.expect_problems()


# ---- which call it is -------------------------------------------------------


@requirement("CODEC-1", "SCHED-1")
@pytest.mark.profile("program", "codec-json")
async def test_other_spelling_is_the_same_call(world: World) -> None:
    """A root in another spelling has its value already: nothing is put."""
    program = one("echo", {"a": 1, "b": [2.5, "é"]})
    await run(world, program)
    text = b' [ {"b": [25e-1, "\\u00e9"], "\\u0061": 1.0} ] '
    await world.schedule_task("t", "echo", text)
    await world.quiet()
    assert await lengths(world, "t") == [0]
    assert len(await world.redis.keys("brrr_count/*")) == 1
    assert await world.read_task("echo", text) is not None


@requirement("CODEC-1")
async def test_nearly_the_same_calls(world: World) -> None:
    """Calls that look alike, in one gather: each has a value of its own."""
    alike = [
        1,
        "1",
        True,
        "true",
        None,
        "null",
        [],
        {},
        "",
        [1],
        ["1"],
        [[1]],
        "é",
        "é",
    ]
    leaves = [{"task": "echo", "args": [each]} for each in alike]
    root: dict[str, Any] = {"do": [[[at + 1] for at in range(len(alike))]]}
    await play(world, Plan(Program([root, *leaves], [[0, "t"]])))
