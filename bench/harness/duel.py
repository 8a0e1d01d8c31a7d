# SPDX-License-Identifier: AGPL-3.0-only
"""A duel: both sides by turns, and the contests that are decided by it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from harness.stats import MIN_ROUNDS, Round, is_settled, ratios, summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.machine import Measures

MAX_ROUNDS = 15
IN_JSON = ("name", "unit", "ours", "theirs", "ratio", "goal", "met", "spread")


@dataclass(frozen=True, slots=True)
class Contest:
    """What is looked at in the runs of a duel.

    measure takes the number out of a run, in `unit`. goal is the least ratio.
    theirs, where it is set, takes it out of a run of the other side.
    """

    name: str
    unit: str
    measure: Callable[[Measures], float]
    goal: float
    more_is_better: bool = True
    theirs: Callable[[Measures], float] | None = None

    def round(self, ours: Measures, theirs: Measures) -> Round:
        return Round(self.measure(ours), (self.theirs or self.measure)(theirs))


@dataclass(frozen=True, slots=True)
class Duel:
    """One run of each side is a round. The other side's name is for the report."""

    against: str
    ours: Callable[[], Measures]
    theirs: Callable[[], Measures]
    contests: tuple[Contest, ...]
    max_rounds: int = MAX_ROUNDS
    about: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the report; ratio and goal: how many times better we are."""

    name: str
    against: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    goal: float
    met: bool
    spread: float
    rounds: int
    about: str = ""
    ratios: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        fields = asdict(self)
        return {name: fields[name] for name in IN_JSON}


def play(
    duel: Duel, rounds: int, say: Callable[[str], None], *, more: bool
) -> list[Result]:
    """Play so many rounds, and, if there may be more, more where it is close."""
    played: list[tuple[Measures, Measures]] = []
    while len(played) < rounds or (
        more
        and rounds >= MIN_ROUNDS
        and len(played) < duel.max_rounds
        and not all(settled(each, played) for each in duel.contests)
    ):
        if len(played) % 2:
            theirs = duel.theirs()
            played.append((duel.ours(), theirs))
        else:
            ours = duel.ours()
            played.append((ours, duel.theirs()))
    results = [decide(each, duel, played) for each in duel.contests]
    for each in results:
        say(
            f"{each.name:<44} {each.ratio:8.2f} x  goal {each.goal:6.2f}"
            f"  {'met' if each.met else 'NOT MET'}  ({each.rounds} rounds)"
        )
    return results


def rounds_of(contest: Contest, played: list[tuple[Measures, Measures]]) -> list[Round]:
    return [contest.round(ours, theirs) for ours, theirs in played]


def settled(contest: Contest, played: list[tuple[Measures, Measures]]) -> bool:
    rounds = rounds_of(contest, played)
    values = ratios(rounds, more_is_better=contest.more_is_better)
    return is_settled(values, contest.goal)


def decide(
    contest: Contest, duel: Duel, played: list[tuple[Measures, Measures]]
) -> Result:
    rounds = rounds_of(contest, played)
    s = summarise(rounds, more_is_better=contest.more_is_better)
    return Result(
        name=contest.name,
        against=duel.against,
        unit=contest.unit,
        ours=s.ours,
        theirs=s.theirs,
        ratio=s.ratio,
        goal=contest.goal,
        met=s.ratio >= contest.goal,
        spread=s.spread,
        rounds=len(rounds),
        about=duel.about,
        ratios=ratios(rounds, more_is_better=contest.more_is_better),
    )
