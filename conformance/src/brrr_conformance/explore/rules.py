# SPDX-License-Identifier: AGPL-3.0-only
"""What must hold after every schedule of a scenario."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import TYPE_CHECKING

from brrr_conformance import state
from brrr_conformance.commands import Kind
from brrr_conformance.explore.scenario import COUNTER, LIMIT, plain
from brrr_conformance.explore.words import read_message
from brrr_conformance.step import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from brrr_conformance.explore.play import Played
    from brrr_conformance.explore.scenario import Scenario
    from brrr_conformance.protocol import Operations
    from brrr_conformance.state import State, Stored


def judge(scenario: Scenario, played: Played) -> list[str]:
    """Give what is wrong with a run; the first line says the most."""
    if played.error is not None:
        return [plain(str(played.error))]
    return [
        *_judge_puts(scenario, played.operations),
        *_judge_state(scenario, played),
        *_judge_counts(scenario, played),
    ]


def _judge_state(scenario: Scenario, played: Played) -> Iterator[str]:
    """Demand the final state; the counters apart."""
    actual = {
        key: held
        for key, held in played.snapshot.items()
        if not key.startswith(COUNTER.encode())
    }
    comparison = state.Comparison.make(
        state.join(scenario.final), actual, played.started, time.time()
    )
    if comparison.equal:
        return
    for key in sorted(comparison.wanted.keys() - actual.keys()):
        if key.startswith(b"value/"):
            call_hash = plain(key.decode().removeprefix("value/"))
            yield f"{call_hash} waits for ever: all is quiet, and it has no value"
    yield comparison.report()


def _judge_counts(scenario: Scenario, played: Played) -> Iterator[str]:
    """Demand not too many messages, and a report if the limit was met."""
    before = dict(_counters(_strings(scenario.given)))
    refused = False
    for root, number in _counters(played.snapshot):
        refused = refused or number > LIMIT
        counted, most = number - before.get(root, 0), scenario.most.get(root, 0)
        if counted > most:
            yield f"{counted} messages under {plain(root)}: {most} are due at most"
    due = {"SPAWN_LIMIT"} if refused else set()
    if set(played.problems) != due:
        wanted, got = ", ".join(due), ", ".join(played.problems)
        yield f"reports due: {wanted or 'none'}, got: {got or 'none'}"


def _judge_puts(scenario: Scenario, done: Iterable[Operations]) -> Iterator[str]:
    """Demand that a message names a call that is there [S1], and was counted."""
    calls = {plain(key.decode()) for key in _strings(scenario.given)}
    counted: Counter[str] = Counter()
    for operation in itertools.chain.from_iterable(done):
        key = plain(operation.key)
        if operation.kind is Kind.INCR:
            counted[key] += 1
        elif key.startswith("call/"):
            calls.add(key)
        elif operation.kind is Kind.PUT and operation.done is not False:
            message = read_message(operation.octets or b"")
            if message is None:
                octets = shorten(operation.octets or b"")
                yield f"what is put is no message: {octets}"
                continue
            call_hash, root = plain(message.call_hash), plain(message.root_id)
            if f"call/{call_hash}" not in calls:
                yield f"{call_hash} is put before its call is there"
            counted[COUNTER + root] -= 1
            if counted[COUNTER + root] < 0:
                yield f"{call_hash} is put before it is counted"


def _strings(states: Iterable[State]) -> dict[bytes, Stored]:
    return {
        entry.key.fill(b"", 0): entry.string.fill(b"", 0)
        for entry in state.join(states).entries
        if entry.string is not None
    }


def _counters(stored: dict[bytes, Stored]) -> Iterator[tuple[str, int]]:
    for key, held in stored.items():
        if key.startswith(COUNTER.encode()) and isinstance(held, bytes):
            yield key.decode().removeprefix(COUNTER), int(held)
