# SPDX-License-Identifier: AGPL-3.0-only
"""Every vector: those of the package and the examples of the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance import codec
from brrr_conformance.case import SPEC
from brrr_conformance.codec import CodecVector
from brrr_conformance.judge import judge
from brrr_conformance.vector import AnyVector, all_vectors, read_vectors

if TYPE_CHECKING:
    from brrr_conformance.pool import Bench


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    file = metafunc.config.getoption("--vectors")
    vectors = read_vectors(file) if file else all_vectors(metafunc.config.stash[SPEC])
    metafunc.parametrize(
        "vector",
        [
            pytest.param(
                vector,
                id=vector.id,
                marks=[
                    pytest.mark.requirement(*vector.requirements),
                    pytest.mark.profile(vector.profile),
                ],
            )
            for vector in vectors
        ],
    )


async def test_vector(vector: AnyVector, bench: Bench) -> None:
    adapter = await bench.adapter()
    if isinstance(vector, CodecVector):
        await codec.judge(vector, adapter)
    else:
        await judge(vector, adapter)
