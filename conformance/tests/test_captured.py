# SPDX-License-Identifier: AGPL-3.0-only
"""What real SDKs wrote: the oracle reads it, and the scenarios say it right.

That the adapters leave the same states is for the cases (cases/captured.py).
"""

from __future__ import annotations

import re
from itertools import chain

import pytest

from brrr_conformance import records
from brrr_conformance.captured import SDKS, Capture, captures, scenarios
from brrr_conformance.records import Kind, PendingReturns
from brrr_conformance.scenario import Scenario, Serve, read_scenario
from brrr_conformance.state import Comparison, Entry, Stored
from brrr_conformance.vectorgen import captured as captured_vectors

CAPTURES = list(captures())

# What else stands in bulk strings: commands and their words, keys, topics, values
# that are no records, and the two scripts of the capture's store.
WORDS = set(b"BLPOP GET SET EXISTS INCR INCRBY RPUSH EVAL NX 1 20".split())
OTHERS = re.compile(
    rb"(call|value|pending_returns|brrr_count)/[A-Za-z0-9_-]+|topic-[tu]|leaf-value|v"
    rb"|if redis\.call\(.*"
)


def strings(capture: Capture) -> set[bytes]:
    return set(chain.from_iterable(capture.sent + capture.answered))


def kind_of(octets: bytes) -> Kind | None:
    if octets.startswith(b"li2e"):
        return Kind.SCHEDULE_MESSAGE
    if octets.startswith(b"d7:payload"):
        return Kind.CALL
    return Kind.PENDING_RETURNS if octets.startswith(b"d7:returns") else None


def found_in(capture: Capture) -> set[bytes]:
    return {octets for octets in strings(capture) if kind_of(octets) is not None}


def scenario(capture: Capture) -> Scenario:
    return read_scenario(scenarios()[capture.number - 1])


def test_seven_scenarios_of_each_sdk() -> None:
    assert [(each.sdk, each.number) for each in CAPTURES] == [
        (sdk, number) for sdk in SDKS for number in range(1, 8)
    ]
    assert [each.id for each in scenarios()] == [f"captured.{n}" for n in range(1, 8)]


@pytest.mark.parametrize(
    "capture", CAPTURES, ids=lambda each: f"{each.sdk}-{each.name}"
)
class TestCapture:
    def test_everything_is_accounted_for(self, capture: Capture) -> None:
        """No record has escaped by looking like something else."""
        rest = strings(capture) - found_in(capture) - WORDS
        assert [each for each in rest if not OTHERS.fullmatch(each)] == []

    def test_records_come_back_as_they_were(self, capture: Capture) -> None:
        for octets in found_in(capture):
            kind = kind_of(octets)
            assert kind is not None
            assert records.decode(kind, octets).encode() == octets

    def test_each_record_is_a_vector(self, capture: Capture) -> None:
        due = found_in(capture)
        for octets in list(due):
            if kind_of(octets) is Kind.PENDING_RETURNS:
                due |= {each.encode() for each in PendingReturns.decode(octets).returns}
        slug = f"{capture.sdk}-{capture.name}-"
        made = [
            each for each in captured_vectors.vectors() if each.slug.startswith(slug)
        ]
        assert {each.octets for each in made} == due
        assert all(each.canonical == each.octets for each in made)

    def test_state_before_is_what_redis_answered(self, capture: Capture) -> None:
        before = set(chain.from_iterable(map(values, scenario(capture).before.entries)))
        topics = {
            action.topic.encode()
            for action in scenario(capture).actions
            if isinstance(action, Serve)
        }
        answered = set(chain.from_iterable(capture.answered)) - topics
        # Scenario 5 asks only whether a value exists, and is told so.
        assert answered == (set() if capture.number == 5 else before)

    def test_state_after_is_what_was_left(self, capture: Capture) -> None:
        after = scenario(capture).after
        actual = dict(map(left, capture.state))
        comparison = Comparison.make(after, actual, 0, 2**53)
        assert comparison.equal, comparison.report()

    def test_messages_are_on_the_queue_or_were_taken(self, capture: Capture) -> None:
        put = [args[1:] for args in capture.sent if args[0] == b"RPUSH"]
        lists = {
            key: set(stored)
            for key, stored in map(left, capture.state)
            if isinstance(stored, tuple)
        }
        assert all(message in lists[topic] for topic, message in put)


def values(entry: Entry) -> list[bytes]:
    held = entry.items if entry.string is None else (entry.string,)
    return [each.fill(b"", 0) for each in held]


def left(line: str) -> tuple[bytes, Stored]:
    """Read a line of the state that a capture ends with."""
    kind, key, value = line.encode().split(b" ", 2)
    if kind == b"LIST":
        return key, tuple(value.removesuffix(b"|").split(b"|"))
    return key, value
