# SPDX-License-Identifier: AGPL-3.0-only
"""The schedule with the fewest switches between workers that still fails.

A schedule is a list of turns: one worker, some commands. Shrinking joins two turns
of one worker by moving the later one up, or the earlier one down, for as long as that
still fails.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance.explore.search import stay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from brrr_conformance.explore.play import Played
    from brrr_conformance.explore.search import Offer, Program

MOST_TRIES = 300


@dataclass(slots=True)
class Follow:
    """Chooses as a schedule says, as far as that is possible."""

    schedule: Sequence[str]
    _at: int = 0
    _last: str = ""
    # Where it was not possible.
    astray: int = 0
    _gone: set[str] = field(default_factory=set)

    def choose(self, offers: Sequence[Offer]) -> Offer:
        offer = self._choose(offers)
        self._last = offer.worker
        self._gone.add(offer.name)
        return offer

    def _choose(self, offers: Sequence[Offer]) -> Offer:
        while self._at < len(self.schedule):
            wanted = self.schedule[self._at]
            self._at += 1
            if wanted in self._gone:
                continue
            for offer in offers:
                if offer.name == wanted:
                    return offer
            self.astray += 1
            # Another command of that worker: it has come another way.
            worker = worker_of(wanted)
            for offer in offers:
                if offer.worker == worker:
                    return offer
        return stay(offers, self._last)


async def shrink(
    program: Program[Played], played: Played, fails: Callable[[Played], bool]
) -> Played:
    """Give the run that still fails with the fewest switches that were found."""
    tries, best, better = 0, played, True
    while better:
        better = False
        for candidate in _shorter(best.schedule):
            if tries >= MOST_TRIES:
                return best
            tries += 1
            run = await program.run(Follow(candidate).choose)
            if switches(run.schedule) < switches(best.schedule) and fails(run):
                best, better = run, True
                break
    return best


def worker_of(name: str) -> str:
    return name.partition(" ")[0]


def turns(schedule: Sequence[str]) -> list[list[str]]:
    """Split a schedule into the turns of its workers."""
    return [list(turn) for _, turn in itertools.groupby(schedule, worker_of)]


def switches(schedule: Sequence[str]) -> int:
    return max(0, len(turns(schedule)) - 1)


def _shorter(schedule: Sequence[str]) -> Iterator[list[str]]:
    """Join two turns of one worker, each pair in both ways, the nearest first."""
    parts = turns(schedule)
    pairs = [
        (first, second)
        for first, second in itertools.combinations(range(len(parts)), 2)
        if worker_of(parts[first][0]) == worker_of(parts[second][0])
    ]
    for first, second in sorted(pairs, key=lambda pair: pair[1] - pair[0]):
        between = parts[first + 1 : second]
        joined = parts[first] + parts[second]
        before, behind = parts[:first], parts[second + 1 :]
        for middle in ([joined, *between], [*between, joined]):
            yield list(itertools.chain(*before, *middle, *behind))
