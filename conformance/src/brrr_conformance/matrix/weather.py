# SPDX-License-Identifier: AGPL-3.0-only
"""What a storm is made of: a program, and faults at steps of the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brrr_conformance.commands import Kind
from brrr_conformance.director import Match, does
from brrr_conformance.shapes import Asked, Node, build

if TYPE_CHECKING:
    import random

    from brrr_conformance.program import Program

TOPICS = ("t", "größe/:")

# The steps at which something happens.
STEPS: dict[str, Match] = {
    "take": does(Kind.POP),
    "call": does(Kind.SET),
    "register": does(Kind.SET_NEW, Kind.CAS),
    "count": does(Kind.INCR),
    "put": does(Kind.PUT),
    "remove": does(Kind.CAD),
}
DEATHS = ("killed-before", "killed-after")
FAULTS = ("cut-before", "cut-after", "reply-dropped", "reply-late", "error", *DEATHS)
RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens the nth time that workers come to a step."""

    what: str
    step: str
    nth: int


def make_program(chance: random.Random, size: int) -> Program:
    """Make calls that are shared, over both topics; the first roots come twice.

    Whoever asks for a call several times does so on one topic. SDKs may take either
    of two [SCHED-29]; then the next run of that call may be on the other topic, its
    return differs in more than the root from the one before, and a new root does not
    put again what was lost [SCHED-27].
    """
    nodes = []
    topics: dict[tuple[int, str], str] = {}
    for at in range(size):
        value = {"return": {"at": at, "é": chance.randrange(1000)}}
        leaf = chance.choice((value, {"task": "fib", "args": [chance.randint(2, 5)]}))
        asked = []
        for _ in range(chance.randint(1, 3)):
            by, topic = chance.randrange(at or 1), chance.choice(("", *TOPICS))
            topic = topics.setdefault((by, str(leaf)), topic)
            joined = chance.random() < 0.6
            asked.append(Asked(by, topic, times=1, joined=joined, first=False))
        nodes.append(Node(asked, leaf, take=at, fails=False))
    roots = [(0, TOPICS[1]), (chance.randrange(size), TOPICS[0])]
    return build(nodes, roots)


def make_faults(
    chance: random.Random,
    *,
    durable: bool,
    restarts: bool,
) -> list[Fault]:
    """Choose what happens, and when: one thing at a time."""
    # An error is another delivery [QUEUE-15], and one message bears only so many.
    usual = [each for each in FAULTS if not durable or each != "error"]
    kinds = ["killed-after", *([RESTART] if restarts else [])]
    kinds += chance.choices(usual, k=4)
    places = [(step, nth) for step in STEPS for nth in range(2, 16)]
    chosen = chance.sample(places, len(kinds))
    return [Fault(what, *place) for what, place in zip(kinds, chosen, strict=True)]
