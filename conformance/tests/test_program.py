# SPDX-License-Identifier: AGPL-3.0-only
"""Programs: the oracle's word on them, and a search that ends with a small one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.config import load_adapter
from brrr_conformance.outcome import CaseFailed
from brrr_conformance.pool import Pool
from brrr_conformance.program import NOTHING, Oracle, Program
from brrr_conformance.search import play_many
from brrr_conformance.shapes import Shape, plans
from brrr_conformance.stage import Plan
from brrr_conformance.world import World

if TYPE_CHECKING:
    from brrr_conformance.server import Server
    from conftest import SpoilTiny

PAGE = Path(__file__).resolve().parents[1] / "programs.md"
# Whoever gathers gets the values in the wrong order.
TURNS_ROUND = """
import app
gather = app.Run.gather
async def gather_turned(self, *asks):
    return (await gather(self, *asks))[::-1]
app.Run.gather = gather_turned
"""


def worth(nodes: list[dict[str, Any]]) -> Any:
    oracle = Oracle(Program(nodes, [[0, "t"]]))
    return oracle.value(oracle.program.edges[0].call)


def test_page() -> None:
    """The example of the page is worth what it says."""
    found = re.search("```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    nodes = json.loads(found[1])
    assert worth(nodes) == [{"a": 1}, None, {"a": 1}, "xxx"]
    oracle = Oracle(Program(nodes, [[0, "t"]]))
    assert (len(oracle.played), oracle.topics) == (5, ["other", "t"])
    nodes[2]["raise"] = "no"
    oracle = Oracle(Program(nodes, [[0, "t"]]))
    assert [each.fails for each in oracle.played.values()].count(True) == 1
    assert {each.call.at for each in oracle.played.values()} == {0, 1, 2, None}
    (waiting,) = oracle.waiting.values()
    assert {call.at for call in waiting} == {0}


def test_stuck() -> None:
    """Who waits for a call that waits, waits; what stands behind is not asked for."""
    nodes: list[Any] = [{"do": [[[1], [2]], [[3]]]}, {"do": [[[4]]]}, {}, {}]
    oracle = Oracle(Program([*nodes, {"raise": "no"}], [[0, "t"]]))
    by_index = {each.call.at: each for each in oracle.played.values()}
    assert by_index.keys() == {0, 1, 2, 4}
    valued = {at for at, each in by_index.items() if each.value is not NOTHING}
    assert valued == {2}
    assert [each.at for each in by_index[0].waits_for] == [1]


def test_messages() -> None:
    """One that is shared is put once, and puts back all who asked."""
    nodes: list[Any] = [{"do": [[[1], [2]]]}, {"do": [[[3]]]}, {"do": [[[3]]]}, {}]
    oracle = Oracle(Program(nodes, [[0, "t"]]))
    assert oracle.most_messages(alone=True) == 4 + 4
    assert oracle.most_messages(alone=False) == 1 + 4 * 4


async def test_search(server: Server, spoil_tiny: SpoilTiny) -> None:
    """What fails is shrunk, the same each time; and it can be played again."""
    config = load_adapter(spoil_tiny(TURNS_ROUND))
    pool = Pool(server)
    shrunk = []
    try:
        for _ in range(2):
            world = World(
                pool=pool,
                client_config=config,
                worker_configs=(config,),
                redis=server.redis,
            )
            with pytest.raises(CaseFailed, match="is worth"):
                await play_many(world, plans(Shape()), 50)
            shrunk.append(world.recipe.chosen["program"])
            assert world.frames
        assert shrunk[0] == shrunk[1]
        assert len(shrunk[0]["nodes"]) == 3
        again = World(
            pool=pool,
            client_config=config,
            worker_configs=(config,),
            redis=server.redis,
        )
        await server.redis.flushdb()
        again.recipe.given = world.recipe.chosen
        with pytest.raises(CaseFailed, match="is worth"):
            await play_many(again, plans(Shape()), 50)
        await again.end()
    finally:
        await pool.end()


def test_plans_are_json() -> None:
    plan = Plan(Program([{"return": None}], [[0, "t"]]), hands=8, jostle=(1, 2))
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == Plan(
        plan.program, hands=8, jostle=(1, 2)
    )
