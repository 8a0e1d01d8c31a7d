# SPDX-License-Identifier: AGPL-3.0-only
"""What rounds come to."""

from __future__ import annotations

import pytest
from harness.stats import Round, Summary, is_settled, ratios, spread, summarise


def test_more_is_better() -> None:
    assert Round(30, 10).ratio(more_is_better=True) == 3
    assert Round(30, 10).ratio(more_is_better=False) == pytest.approx(1 / 3)


def test_ratio_is_that_of_the_rounds_and_not_of_the_medians() -> None:
    # The machine slows down by and by: each round is a draw at 2 to 1.
    rounds = [Round(200, 100), Round(20, 10), Round(2, 1)]
    assert summarise(rounds, more_is_better=True) == Summary(20, 10, 2, 0)
    rounds = [Round(10, 1), Round(1, 10), Round(4, 2)]
    assert summarise(rounds, more_is_better=True).ratio == 2
    assert summarise(rounds, more_is_better=False).ratio == 0.5


def test_ratios_stand_in_the_order_of_the_rounds() -> None:
    rounds = [Round(1, 2), Round(3, 1)]
    assert ratios(rounds, more_is_better=True) == [0.5, 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([7], 0), ([1, 1, 1], 0), ([1, 2, 3, 4, 5], 2 / 3), ([5, 1, 3, 2, 4], 2 / 3)],
)
def test_spread_is_the_middle_half(values: list[float], expected: float) -> None:
    assert spread(values) == pytest.approx(expected)


def test_spread_does_not_mind_an_outlier() -> None:
    assert spread([10, 10, 10, 10, 1000]) == 0


@pytest.mark.parametrize(
    ("values", "settled"),
    [
        ([2] * 4, False),  # too few rounds
        ([2] * 5, True),
        ([0.5] * 5, True),
        ([2, 2, 2, 2, 0.5], True),
        ([2, 2, 2, 0.5, 0.5], False),
        ([0.5, 0.5, 0.5, 0.5, 2], True),
        ([1] * 5, True),  # the goal itself is met
        ([2] * 7 + [0.5] * 3, False),
        ([2] * 8 + [0.5] * 2, True),
    ],
)
def test_is_settled(values: list[float], *, settled: bool) -> None:
    assert is_settled(values, 1) is settled
