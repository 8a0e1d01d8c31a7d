# SPDX-License-Identifier: AGPL-3.0-only
"""What a case chose, so that it can be played again: schedule, graph, moments.

Everything that a case does not do the same way each time goes through `choose`.
What was chosen is written down when the case fails; a replay gives it back.

    order = world.recipe.choose("schedule", lambda: explore(seed))
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


@dataclass(slots=True)
class Recipe:
    seed: int = 1
    # From an earlier run, values that JSON can hold.
    given: Mapping[str, Any] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)

    def choose(self, name: str, make: Callable[[], T]) -> T:
        """Give what was chosen under this name before, or else choose now."""
        value: T = self.given[name] if name in self.given else make()
        self.chosen[name] = value
        return value

    def chance(self, name: str) -> random.Random:
        """Give random numbers, the same for the same seed and name."""
        return random.Random(f"{self.seed} {name}")  # noqa: S311 - to be repeated
