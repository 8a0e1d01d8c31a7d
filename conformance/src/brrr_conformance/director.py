# SPDX-License-Identifier: AGPL-3.0-only
"""What a case does to commands on their way: the Hooks of a tap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.step import Step

Matches: TypeAlias = "Callable[[Step], bool]"
Do: TypeAlias = "Callable[[Step], Awaitable[None]]"
Change: TypeAlias = "Callable[[Step], Step]"


@dataclass(slots=True)
class _Hook:
    matches: Matches
    do: Do
    # How often it may still be done; None is always.
    left: int | None


@dataclass(slots=True)
class Hooks:
    """A Director (tap.py): each hook sees each command that it matches."""

    _before: list[_Hook] = field(default_factory=list)
    _after: list[_Hook] = field(default_factory=list)
    _rewrites: list[tuple[Matches, Change]] = field(default_factory=list)

    def before(self, matches: Matches, do: Do, times: int | None) -> None:
        self._before.append(_Hook(matches, do, times))

    def after(self, matches: Matches, do: Do, times: int | None) -> None:
        self._after.append(_Hook(matches, do, times))

    def rewrite(self, matches: Matches, change: Change) -> None:
        self._rewrites.append((matches, change))

    async def admit(self, worker: str, connection: int, step: Step) -> Step:
        del worker, connection
        await _play(self._before, step)
        for matches, change in self._rewrites:
            if matches(step):
                step = change(step)
        return step

    async def release(self, worker: str, connection: int, step: Step) -> None:
        del worker, connection
        await _play(self._after, step)


async def _play(hooks: list[_Hook], step: Step) -> None:
    for hook in hooks:
        if hook.left != 0 and hook.matches(step):
            hook.left = None if hook.left is None else hook.left - 1
            await hook.do(step)
