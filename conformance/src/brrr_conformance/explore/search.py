# SPDX-License-Identifier: AGPL-3.0-only
"""Which schedule next: all of them up to equivalence, or as many as the budget has.

Stateless model checking with dynamic partial-order reduction: source sets and sleep
sets, as in Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order
reduction" (POPL 2014), algorithm 1. After each run, every race in it is looked at: the
run in which the second of the two comes first is due too, and starts with another
choice before the first of them.

Where three quarters of the budget have not been enough, chance has the rest: each
event gets a random priority, and those that conflict with one that has gone get
another, which samples partial orders rather than interleavings (Yuan, Yang, Gu,
"Partial order aware concurrency sampling", CAV 2018).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar

from brrr_conformance.explore.effects import Accesses, conflict
from brrr_conformance.explore.order import Order, canonical

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Sequence

    from brrr_conformance.explore.order import Canonical, Event

# A schedule that does not repeat is tried so often, then left.
TRIES = 3
# So many such, and the SDK is taken to be of another mind each time: chance needs no
# repetition.
MOST_DIVERGED = 5


class Offer(NamedTuple):
    """A command that may go next."""

    name: str
    worker: str
    accesses: Accesses


Choose: TypeAlias = "Callable[[Sequence[Offer]], Offer]"


class Run(Protocol):
    """What one schedule has come to."""

    @property
    def events(self) -> Sequence[Event]: ...

    @property
    def waiting(self) -> Sequence[Event]:
        """What never went, for it waits for somebody else's event."""


R_co = TypeVar("R_co", bound=Run, covariant=True)
R = TypeVar("R", bound=Run)


class Program(Protocol[R_co]):
    """What is explored: it can be run again and again."""

    async def run(self, choose: Choose) -> R_co:
        """Run to the end; whenever several events can be next, let choose say."""


@dataclass(slots=True)
class Explored:
    """How far an exploration has come."""

    # Of what was left to chance.
    seed: int = 0
    runs: int = 0
    # Every schedule up to equivalence was run.
    exhausted: bool = False
    # Schedules that did not repeat: the SDK does not always do the same.
    diverged: int = 0
    seen: set[Canonical] = field(default_factory=set)

    @property
    def distinct(self) -> int:
        return len(self.seen)

    def to_json(self) -> dict[str, int | bool]:
        return {
            "runs": self.runs,
            "distinct": self.distinct,
            "exhausted": self.exhausted,
            "diverged": self.diverged,
            "seed": self.seed,
        }

    def add(self, run: Run) -> bool:
        """Count a run; tell whether it is equivalent to none before."""
        self.runs += 1
        before = len(self.seen)
        self.seen.add(canonical(run.events))
        return len(self.seen) > before


async def search(
    program: Program[R], budget: int, chance: random.Random, explored: Explored
) -> AsyncIterator[R]:
    """Give runs that are not equivalent, until there are no more or the budget ends."""
    reduction = _Reduction()
    while reduction.more and explored.runs < budget * 3 // 4:
        run = await program.run(reduction.start())
        new = explored.add(run)
        reduction.learn(run)
        explored.diverged = reduction.diverged
        if new:
            yield run
        if explored.diverged > MOST_DIVERGED:
            break
    explored.exhausted = not reduction.more and not explored.diverged
    while not explored.exhausted and explored.runs < budget:
        run = await program.run(Sampler(chance).choose)
        if explored.add(run):
            yield run


# ---- all of them ------------------------------------------------------------


@dataclass(slots=True)
class _Node:
    """A state that was come to: what could go next, and what has been tried."""

    offers: dict[str, Accesses]
    # What need not go next: all that would follow was tried elsewhere.
    sleep: dict[str, Accesses]
    # What is to be tried here.
    due: set[str]
    chosen: str = ""


@dataclass(slots=True)
class _Reduction:
    """Depth first; the stack is the schedule of the present run."""

    more: bool = True
    diverged: int = 0
    _stack: list[_Node] = field(default_factory=list)
    _depth: int = 0
    _tries: int = 0
    _astray: bool = False
    # What sleeps at the next node, and the worker that went last.
    _sleep: dict[str, Accesses] = field(default_factory=dict)
    _asleep: bool = False
    _last: str = ""

    def start(self) -> Choose:
        self._depth, self._astray, self._asleep, self._last = 0, False, False, ""
        self._sleep = {}
        return self._choose

    def _choose(self, offers: Sequence[Offer]) -> Offer:
        if self._asleep or self._astray:  # nothing new follows: to the end, quickly
            return stay(offers, self._last)
        if self._depth < len(self._stack):
            node = self._stack[self._depth]
            offer = next((each for each in offers if each.name == node.chosen), None)
            if offer is None:
                self._astray = True
                return stay(offers, self._last)
        else:
            awake = [each for each in offers if each.name not in self._sleep]
            if not awake:
                self._asleep = True
                return stay(offers, self._last)
            offer = stay(awake, self._last)
            node = _Node(
                {each.name: each.accesses for each in offers},
                dict(self._sleep),
                {offer.name},
                offer.name,
            )
            self._stack.append(node)
        self._sleep = {
            name: accesses
            for name, accesses in node.sleep.items()
            if name != offer.name and not conflict(accesses, offer.accesses)
        }
        self._depth, self._last = self._depth + 1, offer.worker
        return offer

    def learn(self, run: Run) -> None:
        """Note what is due because of a run, and choose the next one."""
        if self._astray or self._depth < len(self._stack):
            self._tries += 1
            if self._tries < TRIES:
                return
            self.diverged += 1
            del self._stack[self._depth + 1 :]
        else:
            self._note_races(run)
        self._tries = 0
        while self._stack:
            node = self._stack[-1]
            node.sleep[node.chosen] = node.offers[node.chosen]
            left = sorted(node.due - node.sleep.keys())
            if left:
                node.chosen = left[0]
                return
            self._stack.pop()
        self.more = False

    def _note_races(self, run: Run) -> None:
        order = Order.of(run.events, run.waiting)
        for first, second in order.races:
            if first >= len(self._stack):
                continue
            node = self._stack[first]
            names = {order.events[each].name for each in order.reversal(first, second)}
            if names & (node.due | node.sleep.keys()):
                continue
            possible = sorted(names & node.offers.keys())
            # Nothing of it was on offer: what came of itself is not known so well.
            node.due |= {possible[0]} if possible else node.offers.keys()


# ---- some of them -----------------------------------------------------------


@dataclass(slots=True)
class Sampler:
    """One schedule by chance."""

    chance: random.Random
    _priorities: dict[str, float] = field(default_factory=dict)

    def choose(self, offers: Sequence[Offer]) -> Offer:
        for each in offers:
            self._priorities.setdefault(each.name, self.chance.random())
        offer = max(offers, key=lambda each: self._priorities[each.name])
        for each in offers:
            if conflict(each.accesses, offer.accesses):
                self._priorities.pop(each.name)
        return offer


def stay(offers: Sequence[Offer], worker: str) -> Offer:
    """Choose the worker that went last, if it can go on; else the first."""
    return next((each for each in offers if each.worker == worker), offers[0])
