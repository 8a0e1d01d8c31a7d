# SPDX-License-Identifier: AGPL-3.0-only
"""The `example redis` blocks of the specification, as they stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.case import SPEC
from brrr_conformance.scenario import play, read_scenario

if TYPE_CHECKING:
    from brrr_conformance.spec import Example
    from brrr_conformance.world import World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    spec = metafunc.config.stash[SPEC]
    examples = [example for example in spec.examples if example.kind == "redis"]
    metafunc.parametrize("example", [parameter(example) for example in examples])


def parameter(example: Example) -> object:
    profile = "worker" if read_scenario(example).needs_worker else "client"
    marks = [
        pytest.mark.requirement(*example.requirements),
        pytest.mark.profile(profile),
    ]
    return pytest.param(example, id=example.id, marks=marks)


async def test_example(example: Example, world: World) -> None:
    await play(read_scenario(example), world)
