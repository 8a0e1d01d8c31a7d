# SPDX-License-Identifier: AGPL-3.0-only
"""What the rounds of a contest come to.

In each round both sides run, one right after the other, so that what else the
machine does meets both. The ratio of a round says how many times better we are:
above 1 is better, whether more of a unit is better or less. What counts is the
median of these ratios.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_ROUNDS = 5
AGREEMENT = 0.8  # of the rounds on one side of the goal: then the verdict is safe


@dataclass(frozen=True, slots=True)
class Round:
    ours: float
    theirs: float

    def ratio(self, *, more_is_better: bool) -> float:
        return self.ours / self.theirs if more_is_better else self.theirs / self.ours


@dataclass(frozen=True, slots=True)
class Summary:
    """What all rounds say: medians, and the spread of the ratios.

    That is the width of their middle half, relative to their median: 0.1 is 10 %.
    """

    ours: float
    theirs: float
    ratio: float
    spread: float


def ratios(rounds: Sequence[Round], *, more_is_better: bool) -> list[float]:
    return [each.ratio(more_is_better=more_is_better) for each in rounds]


def spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / middle


def summarise(rounds: Sequence[Round], *, more_is_better: bool) -> Summary:
    values = ratios(rounds, more_is_better=more_is_better)
    return Summary(
        ours=median(each.ours for each in rounds),
        theirs=median(each.theirs for each in rounds),
        ratio=median(values),
        spread=spread(values),
    )


def is_settled(values: Sequence[float], goal: float) -> bool:
    """Whether enough rounds agree about the goal, so that more would not help."""
    if len(values) < MIN_ROUNDS:
        return False
    met = sum(value >= goal for value in values)
    return max(met, len(values) - met) >= AGREEMENT * len(values)
