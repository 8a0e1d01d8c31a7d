# SPDX-License-Identifier: AGPL-3.0-only
"""What a case chose, so that it can be played again: schedule, graph, moments.

Everything that a case does not do the same way each time goes through `choose`.
What was chosen is written down when the case fails; a replay gives it back.

    order = world.recipe.choose("schedule", lambda: explore(seed))

What follows from the seed and is not to be given back is only noted: the same seed
must bring about the same notes.
"""

from __future__ import annotations

import hashlib
import json
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
    # Whether another seed may choose otherwise.
    by_chance: bool = False
    _notes: Any = field(default_factory=hashlib.sha256)

    def choose(self, name: str, make: Callable[[], T]) -> T:
        """Give what was chosen under this name before, or else choose now."""
        value: T = self.given[name] if name in self.given else make()
        self.chosen[name] = value
        self.note(name, value)
        return value

    def chance(self, name: str) -> random.Random:
        """Give random numbers, the same for the same seed and name."""
        self.by_chance = True
        return random.Random(f"{self.seed} {name}")  # noqa: S311 - to be repeated

    def note(self, name: str, value: object) -> None:
        """Note what was done because of the seed."""
        self._notes.update(json.dumps([name, value]).encode())

    @property
    def notes(self) -> str:
        """Give a digest of all that was chosen and noted."""
        digest: str = self._notes.hexdigest()
        return digest
