# SPDX-License-Identifier: AGPL-3.0-only
"""The adapter itself: whether its answers can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.outcome import AdapterBroken, CommandFailed
from brrr_conformance.outcome import NotImplementedByAdapter as Lacking

if TYPE_CHECKING:
    from brrr_conformance.pool import Bench

pytestmark = pytest.mark.profile("wire")


async def test_unknown_command(bench: Bench) -> None:
    """A command that there is not: NOT_IMPLEMENTED, not a crash and not a success."""
    adapter = await bench.adapter()
    try:
        await adapter.probe()
    except Lacking:
        return
    except CommandFailed as error:
        raise AdapterBroken(f"an unknown command ended in {error.code}") from error
