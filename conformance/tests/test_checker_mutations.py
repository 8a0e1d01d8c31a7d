# SPDX-License-Identifier: AGPL-3.0-only
"""Lawful traces of two SDKs, changed in one place: the trace checker finds it.

What it accepts has to be lawful, or beyond what commands can tell; the reasons are in
LAWFUL, by what the changed command does. Whatever else is accepted is a gap.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.checker import check
from brrr_conformance.commands import Kind as Do
from brrr_conformance.step import SCRIPTS
from mutations import TRACES, Change, Mutation, Pair, mutations, read_trace

if TYPE_CHECKING:
    from pathlib import Path

    from brrr_conformance.checker import Violation

SETS = {Do.SET}
COMPARES = {Do.SET_NEW, Do.CAS, Do.CAD}
CHANGES = {*SETS, *COMPARES, Do.INCR, Do.PUT}
ENDS = {Do.ACK, Do.SET_ASIDE}
READS = {Do.GET, Do.EXISTS}
LIVES = {Do.BEAT, Do.REAP, Do.LOOK, Do.LEAVE}

LAWFUL = {
    "client": "what a client library says to the server is not of the protocol",
    "read": "a read may be left out, come twice, or be of something else, where "
    "nothing that follows rests on it",
    "set": "the same octets may be set twice",
    "mismatch": "an attempt that failed has changed nothing",
    "empty": "a pop that brought nothing has changed nothing",
    "life": "how often a worker shows that it lives, and looks for the dead, is a "
    "matter of time, and a slow machine looks like a slow worker",
    "script": "which of its keys a script uses, nobody can tell",
    "order": "what belongs to different calls, or to no requirement about order, may "
    "be done in either order",
}


def why_lawful(mutation: Mutation) -> str | None:
    """Give the reason why a change may be accepted; None: it must be rejected."""
    pair, change = mutation.pair, mutation.change
    if not pair.operations or (mutation.other and not mutation.other.operations):
        return "client"
    if change is Change.SWAP:
        assert mutation.other is not None
        return None if is_ordered(pair, mutation.other) else "order"
    if pair.kinds <= READS:
        return "read"
    if pair.kinds <= LIVES:
        return "life"
    if change is Change.RENAME and pair.kinds <= ENDS:
        own = pair.frame.step.keys[0].startswith(b"brrr:inflight:")
        return "script" if pair.frame.step.name in SCRIPTS and not own else None
    if change is Change.DROP and not pair.done:
        return "empty" if pair.kinds == {Do.POP} else "mismatch"
    if change is Change.DOUBLE and pair.kinds == SETS:
        return "set"
    return None


def is_ordered(first: Pair, then: Pair) -> bool:
    """Tell whether a requirement says that one comes before the other."""
    return any(
        _comes_before(one.kind, one.key, two.kind, two.key, bool(two.done))
        for one in first.operations
        for two in then.operations
    )


def _comes_before(one: Do, key: str, two: Do, then: str, done: bool) -> bool:
    kind, _, name = key.partition("/")
    other, _, its = then.partition("/")
    if one is Do.SET and kind == "call":  # [SCHED-20]
        return two in COMPARES and name == its
    if one is Do.SET and kind == "value":  # [RET-1]
        return other == "pending_returns" and name == its and done
    if one is Do.GET and two in COMPARES:  # [SCHED-26] [RET-4]
        return key == then and done
    if one in CHANGES and two in ENDS:  # [QUEUE-10]
        return True
    return one is Do.PUT and two is Do.CAD  # [RET-4]


@cache
def judged(file: Path) -> tuple[tuple[Mutation, Violation | None], ...]:
    made = mutations(read_trace(file))
    return tuple((each, check(each.trace, whole=True)) for each in made)


of_each_trace = pytest.mark.parametrize("file", TRACES, ids=lambda file: file.stem)


@of_each_trace
def test_as_it_is(file: Path) -> None:
    assert check(read_trace(file), whole=True) is None
    assert check(read_trace(file)) is None


@of_each_trace
def test_changed(file: Path) -> None:
    """No change is accepted without a reason; each verdict names its command."""
    gaps = []
    for mutation, violation in judged(file):
        if violation is None:
            if why_lawful(mutation) is None:
                gaps.append(f"{mutation.change} {mutation.pair}")
            continue
        assert violation.requirement
        assert violation.reason
        assert 0 <= violation.frame <= len(mutation.trace.frames)
    assert not gaps, "\n".join(gaps)


def test_numbers() -> None:
    """Enough is changed, every reason is needed, and no reason covers all."""
    made: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for file in TRACES:
        for mutation, violation in judged(file):
            reason = why_lawful(mutation) or "none"
            made[reason] += 1
            accepted[reason] += violation is None
    assert sum(made.values()) > 1000
    assert {it for it in accepted if accepted[it]} == set(LAWFUL)
    assert made["none"] > 300
