# SPDX-License-Identifier: AGPL-3.0-only
"""The explorer against toy programs, whose interleavings are counted by brute force."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.explore.effects import READ, Access
from brrr_conformance.explore.order import Canonical, Event, canonical
from brrr_conformance.explore.search import Choose, Explored, Offer, search

if TYPE_CHECKING:
    from collections.abc import Sequence

# A step of a thread: "r x" reads, "w x" writes, "c x" counts, "put q", "pop q".
Steps = list[str]
KINDS = {"r": READ, "w": None, "c": "count"}


def accesses(step: str) -> tuple[Access, ...]:
    verb, what = step.split()
    if verb == "put":
        return (Access(f"tail of {what}", None),)
    if verb == "pop":
        return (Access(f"head of {what}", None),)
    return (Access(what, KINDS[verb]),)


@dataclass
class Ran:
    events: list[Event] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)


@dataclass
class Toy:
    """Threads of steps; each step of a thread comes after the one before it.

    After a pop, a thread goes on with the steps that its message names, if any.
    """

    threads: list[Steps]
    # Of messages, by the thread that put them.
    messages: dict[str, Steps] = field(default_factory=dict)
    queued: dict[str, list[str]] = field(default_factory=dict)

    async def run(self, choose: Choose) -> Ran:
        return self.play(choose)

    def play(self, choose: Choose) -> Ran:
        left = [list(steps) for steps in self.threads]
        queues = {
            name: [(each, 0) for each in some] for name, some in self.queued.items()
        }
        counts = [0] * len(left)
        last = [0] * len(left)
        ran = Ran()
        while True:
            offers = {
                f"{number} {steps[0]} #{counts[number]}": number
                for number, steps in enumerate(left)
                if steps and self._can_go(steps[0], queues)
            }
            if not offers:
                break
            choice = choose(
                [
                    Offer(name, str(number), accesses(left[number][0]))
                    for name, number in offers.items()
                ]
            )
            number, bit, cause = offers[choice.name], 1 << len(ran.events), 0
            verb, what = left[number].pop(0).split()
            if verb == "put":
                queues.setdefault(what, []).append((str(number), bit))
            elif verb == "pop":
                message, cause = queues[what].pop(0)
                left[number] = self.messages.get(message, []) + left[number]
            event = Event(choice.name, choice.accesses, last[number], cause)
            ran.events.append(event)
            last[number], counts[number] = bit, counts[number] + 1
        for number, steps in enumerate(left):
            if steps:
                name = f"{number} {steps[0]} #{counts[number]}"
                ran.waiting.append(Event(name, accesses(steps[0]), last[number]))
        return ran

    @staticmethod
    def _can_go(step: str, queues: dict[str, list[tuple[str, int]]]) -> bool:
        verb, what = step.split()
        return verb != "pop" or bool(queues.get(what))


@dataclass
class Prefix:
    """Chooses as it is told, then the first; notes what else could be told."""

    told: list[str]
    others: list[list[str]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def choose(self, offers: Sequence[Offer]) -> Offer:
        at = len(self.taken)
        if at < len(self.told):
            offer = next(each for each in offers if each.name == self.told[at])
        else:
            offer = offers[0]
            self.others += [[*self.taken, each.name] for each in offers[1:]]
        self.taken.append(offer.name)
        return offer


def brute_force(toy: Toy) -> set[Canonical]:
    """Play every interleaving; give those that are not equivalent."""
    found: set[Canonical] = set()
    todo: list[list[str]] = [[]]
    while todo:
        prefix = Prefix(todo.pop())
        found.add(canonical(toy.play(prefix.choose).events))
        todo += prefix.others
    return found


TOYS = {
    "nothing in common": (Toy([["w x", "w y"], ["w z"], ["r u"]]), 1),
    "one write each": (Toy([["w x"], ["w x"], ["w x"]]), 6),
    "reads commute": (Toy([["r x"], ["r x"], ["w x"]]), 4),
    "counts commute": (Toy([["c x"], ["c x"], ["c x"]]), 1),
    "counts and a read": (Toy([["c x"], ["c x"], ["r x"]]), 4),
    "compare and set": (Toy([["r x", "w x"], ["r x", "w x"]]), None),
    "three times": (Toy([["r x", "w x"], ["r x", "w x"], ["w y", "r x"]]), None),
    "two keys": (Toy([["w x", "r y"], ["w y", "r x"]]), 3),
    "writer and readers": (Toy([["w x", "w y"], ["r y", "r x"], ["r y"]]), None),
    "who gets the message": (Toy([["put q"], ["pop q"], ["pop q"]]), 2),
    "waits in vain": (Toy([["put q"], ["pop q", "w x"], ["pop q", "r x"]]), 2),
    "two messages": (
        Toy([["pop q", "pop q"], ["pop q", "pop q"]], {}, {"q": ["m", "m"]}),
        None,
    ),
    "a message and a race": (
        Toy([["w x", "put q", "r y"], ["pop q", "w y"], ["w x", "put q", "r y"]]),
        None,
    ),
    "what a message says": (
        Toy(
            [["pop q", "w z", "pop q"], ["pop q", "w z", "pop q"], ["r x", "put q"]],
            {"m": ["w x", "put q"], "n": ["r y"], "0": ["w y"]},
            {"q": ["m", "n"]},
        ),
        None,
    ),
}


async def explored(toy: Toy, budget: int = 20_000) -> Explored:
    chance = random.Random(1)  # noqa: S311 - to be repeated
    found = Explored()
    async for _ in search(toy, budget, chance, found):
        pass
    return found


@pytest.mark.parametrize("name", TOYS)
async def test_all_interleavings(name: str) -> None:
    toy, number = TOYS[name]
    due = brute_force(toy)
    found = await explored(toy)
    assert found.exhausted
    assert found.seen == due
    assert number in (None, len(due))


@pytest.mark.parametrize("seed", range(60))
async def test_random_programs(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    words = ["r x", "w x", "r y", "w y", "c z", "r z", "put q", "pop q"]
    toy = Toy(
        [chance.choices(words, k=chance.randint(1, 3)) for _ in range(3)],
        {"m": chance.choices(words, k=2)},
        {"q": ["m"] * chance.randint(0, 2)},
    )
    due = brute_force(toy)
    found = await explored(toy)
    assert found.exhausted
    assert found.seen == due
