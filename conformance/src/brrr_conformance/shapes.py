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
    from hypothesis.strategies import DrawFn, SearchStrategy

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
    kinds = [
        st.fixed_dictionaries({"return": VALUES}),
        st.builds(lambda it: {"task": "echo", "args": [it]}, VALUES),
        st.builds(lambda it: {"task": "hello", "args": [it]}, NAMES),
        st.fixed_dictionaries({"big": st.sampled_from([0, 1, 5000])}),
    ]
    if shape.fails:
        kinds.append(st.just({"raise": "as the program says"}))
    return st.one_of(kinds)


@st.composite
def programs(draw: DrawFn, shape: Shape) -> Program:
    size = draw(st.integers(1, shape.nodes))
    asked: list[list[list[Any]]] = [[] for _ in range(size)]
    for at in range(1, size):
        parents = st.lists(
            st.integers(0, at - 1), min_size=1, max_size=shape.parents, unique=True
        )
        for parent in draw(parents):
            for _ in range(draw(st.integers(1, shape.times))):
                topic = draw(st.sampled_from(("", *shape.topics)))
                asked[parent].append([at, topic] if topic else [at])
    nodes: list[dict[str, Any]] = [{} for _ in range(size)]
    width = [1] * size
    for at in reversed(range(size)):
        if not asked[at]:
            nodes[at] = draw(leaves(shape))
            continue
        nodes[at] = {"do": draw(steps(asked[at]))}
        width[at] = sum(width[edge[0]] for edge in asked[at])
        if width[at] > MOST_LEAVES:
            nodes[at]["take"] = draw(st.integers(0, len(asked[at]) - 1))
            width[at] = MOST_LEAVES
        elif shape.fails and draw(st.integers(0, 9)) == 9:
            nodes[at]["raise"] = "after its steps"
    return Program(nodes, draw(roots(shape, size)))


@st.composite
def steps(draw: DrawFn, edges: list[list[Any]]) -> list[list[list[Any]]]:
    """Divide what a node asks for into calls and gathers, in some order."""
    made: list[list[list[Any]]] = []
    for edge in draw(st.permutations(edges)):
        if made and draw(st.booleans()):
            made[-1].append(edge)
        else:
            made.append([edge])
    return made


def roots(shape: Shape, size: int) -> SearchStrategy[list[list[Any]]]:
    """Schedule the first node, and others, and some of them again."""
    topic = st.sampled_from((HOME, *shape.topics))
    more = st.lists(
        st.tuples(st.integers(0, size - 1), topic).map(list), max_size=shape.roots - 1
    )
    return more.map(lambda others: [[0, HOME], *others])


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
