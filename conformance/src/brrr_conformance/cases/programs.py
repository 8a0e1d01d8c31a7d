# SPDX-License-Identifier: AGPL-3.0-only
"""Programs: the SDK's own app layer runs tasks that look sequential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.program import Program
from brrr_conformance.stage import Plan, play

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("program")
requirement = pytest.mark.requirement


def one(task: str, *args: Any) -> Program:
    """Make a program that is one call of another task."""
    return Program([{"task": task, "args": list(args)}], [[0, "t"]])


@requirement("APP-1")
async def test_hello(world: World) -> None:
    """A task with one argument."""
    await play(world, Plan(one("hello", "Wörld")))


@requirement("APP-2")
async def test_fib(world: World) -> None:
    """A task that gathers itself."""
    await play(world, Plan(one("fib", 15)))


@requirement("APP-1")
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
async def test_very_wide_gather(world: World) -> None:
    """300 calls at once."""
    await gather_all(world, 300)
