# SPDX-License-Identifier: AGPL-3.0-only
"""Programs as Hypothesis makes them up: trees, shared nodes, topics, roots.

A node is asked for by nodes before it, so whatever is drawn is a graph without
cycles, all of it reached from the first node. Fewer and plainer is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from brrr_conformance.program import Program
from brrr_conformance.stage import Plan

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

HOME = "t"
# Values of values double with each shared node: beyond so many, one is taken.
MOST_LEAVES = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """What programs of a kind have."""

    nodes: int = 8
    # How many ask for one node; and how often one of them may.
    parents: int = 1
    times: int = 1
    topics: tuple[str, ...] = ()
    roots: int = 1
    fails: bool = False
    workers: int = 1
    hands: int = 1
    jostle: bool = False
    respelled: bool = False


NAMES = st.text("abz", max_size=2)
# What every JSON library writes alike: but for that, see the vectors of the codec.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text("aé€😀\n")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=4,
)


def leaves(shape: Shape) -> SearchStrategy[dict[str, Any]]:
    """Make a node that asks for nothing."""
    kinds: list[SearchStrategy[dict[str, Any]]] = [
        st.builds(lambda it: {"return": it}, VALUES),
        st.builds(lambda it: {"task": "echo", "args": [it]}, VALUES),
        st.builds(lambda it: {"task": "hello", "args": [it]}, NAMES),
        st.builds(lambda it: {"big": it}, st.sampled_from([0, 1, 5000])),
    ]
    if shape.fails:
        kinds.append(st.just({"raise": "as the program says"}))
    return st.one_of(kinds)


@dataclass(frozen=True, slots=True)
class Asked:
    """That a node is asked for: by whom, on which topic, how often, in which step."""

    # Among the nodes before it, counted round.
    by: int
    topic: str
    times: int
    # With what was asked for before it, in one gather.
    joined: bool
    # Before all else that this one asks for.
    first: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A node, as drawn: what of it counts depends on who asks for it."""

    asked: list[Asked]
    leaf: dict[str, Any]
    take: int
    fails: bool


def drawn(shape: Shape) -> SearchStrategy[Node]:
    asked = st.builds(
        Asked,
        st.integers(0, shape.nodes),
        st.sampled_from(("", *shape.topics)),
        st.integers(1, shape.times),
        st.booleans(),
        st.booleans(),
    )
    return st.builds(
        Node,
        st.lists(asked, min_size=1, max_size=shape.parents),
        leaves(shape),
        st.integers(0, 8),
        st.sampled_from([False] * 9 + [shape.fails]),
    )


def programs(shape: Shape) -> SearchStrategy[Program]:
    nodes = st.lists(drawn(shape), min_size=1, max_size=shape.nodes)
    more = st.lists(
        st.tuples(st.integers(0, shape.nodes), st.sampled_from((HOME, *shape.topics))),
        max_size=shape.roots - 1,
    )
    return st.builds(build, nodes, more)


def build(drawn: list[Node], more: list[tuple[int, str]]) -> Program:
    """Put the nodes together; the first is the first root, others may be roots too."""
    steps: list[list[list[list[Any]]]] = [[] for _ in drawn]
    for at, node in enumerate(drawn[1:], 1):
        for asked in node.asked:
            edge = [at, asked.topic] if asked.topic else [at]
            mine, edges = steps[asked.by % at], [edge] * asked.times
            if mine and asked.joined:
                mine[0 if asked.first else -1].extend(edges)
            else:
                mine.insert(0 if asked.first else len(mine), edges)
    nodes: list[dict[str, Any]] = [{} for _ in drawn]
    width = [1] * len(drawn)
    for at in reversed(range(len(drawn))):
        nodes[at] = drawn[at].leaf
        if not steps[at]:
            continue
        nodes[at] = {"do": steps[at]}
        asked_for = [edge for step in steps[at] for edge in step]
        width[at] = sum(width[edge[0]] for edge in asked_for)
        if width[at] > MOST_LEAVES:
            nodes[at]["take"] = drawn[at].take % len(asked_for)
            width[at] = MOST_LEAVES
        elif drawn[at].fails:
            nodes[at]["raise"] = "after its steps"
    others = [[at % len(drawn), topic] for at, topic in more]
    return Program(nodes, [[0, HOME], *others])


def plans(shape: Shape) -> SearchStrategy[Plan]:
    delays = st.lists(st.integers(0, 6), max_size=6 if shape.jostle else 0)
    return st.builds(
        Plan,
        programs(shape),
        workers=st.integers(1, shape.workers),
        hands=st.sampled_from(sorted({1, shape.hands})),
        ready=st.booleans(),
        jostle=delays.map(tuple),
        respelled=st.just(shape.respelled),
    )
