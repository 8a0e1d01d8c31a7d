# SPDX-License-Identifier: AGPL-3.0-only
"""States: written, read back, and compared down to the octet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance import state
from brrr_conformance.build import (
    NOW,
    count,
    queued,
    stored_call,
    string,
    value,
    waiting,
)
from brrr_conformance.notation import parse
from brrr_conformance.state import Comparison, Entry, State, Stored

if TYPE_CHECKING:
    from brrr_conformance.server import Server

NOW_IS = 1_800_000_000


def compare(expected: State, actual: dict[bytes, Stored]) -> Comparison:
    return Comparison.make(expected, actual, NOW_IS, NOW_IS + 2)


async def test_what_is_written_is_read(server: Server) -> None:
    written = state.join(
        [
            stored_call("h", payload=bytes(range(256))),
            value("h", b""),
            count("r", 3),
            queued("t", ("r", "h"), b"\xff", b""),
            waiting("h", ("r", "p", "t")),
        ]
    )
    await state.write(server.redis, written)
    actual = await state.read(server.redis)
    assert actual == {
        b"call/h": b"d7:payload256:" + bytes(range(256)) + b"9:task_name4:taske",
        b"value/h": b"",
        b"brrr_count/r": b"3",
        b"t": (b"li2e1:r1:he", b"\xff", b""),
        b"pending_returns/h": b"d7:returnslli1e1:r1:p1:tee12:scheduled_ati1700000000ee",
    }
    assert compare(written, actual).equal


async def test_other_types_are_seen(server: Server) -> None:
    await server.redis.hset("h", "f", "1")
    actual = await state.read(server.redis)
    assert list(actual) == [b"h"]
    assert not compare(State(), actual).equal


def test_empty_list_is_no_key() -> None:
    assert compare(queued("t"), {}).equal


@pytest.mark.parametrize(
    "actual",
    [
        {},
        {b"value/h": b"v "},
        {b"value/h": b"v", b"x": b""},
        {b"value/h": (b"v",)},
        {b"value/H": b"v"},
    ],
)
def test_differences(actual: dict[bytes, Stored]) -> None:
    comparison = compare(value("h", b"v"), actual)
    assert not comparison.equal
    assert "- " in comparison.report()


def test_order_of_a_list_counts() -> None:
    assert not compare(queued("t", b"a", b"b"), {b"t": (b"b", b"a")}).equal


def test_lists_at_one_key_are_joined() -> None:
    joined = queued("t", b"a") + queued("t", b"b")
    assert compare(joined, {b"t": (b"a", b"b")}).equal


@pytest.mark.parametrize(
    ("seconds", "equal"),
    [(NOW_IS - 2, False), (NOW_IS - 1, True), (NOW_IS + 3, True), (NOW_IS + 4, False)],
)
def test_now(seconds: int, equal: bool) -> None:
    """A second that has just begun may not have begun for C's time()."""
    expected = waiting("c", ("r", "p", "t"), scheduled_at=NOW)
    octets = b"d7:returnslli1e1:r1:p1:tee12:scheduled_ati%dee" % seconds
    assert compare(expected, {b"pending_returns/c": octets}).equal == equal


def entry(kind: str, key: str, *octets: str) -> Entry:
    words = tuple(parse(each) for each in octets)
    if kind == "STRING":
        return Entry(parse(key), string=words[0])
    return Entry(parse(key), items=words)


ROOTED = State(
    (
        entry("STRING", "brrr_count/{root}", "1"),
        entry("LIST", "t", "li2e1:x1:he", "li2e{#root}:{root}1:he"),
    )
)


def test_root_is_found_and_is_one() -> None:
    messages = (b"li2e1:x1:he", b"li2e3:abc1:he")
    comparison = compare(ROOTED, {b"brrr_count/abc": b"1", b"t": messages})
    assert comparison.equal
    assert comparison.root == b"abc"


@pytest.mark.parametrize(
    "actual",
    [
        {b"brrr_count/abc": b"1", b"t": (b"li2e1:x1:he", b"li2e3:abd1:he")},
        {b"brrr_count/abc": b"1", b"t": (b"li2e1:x1:he", b"li2e4:abc1:he")},
        {b"brrr_count/abc": b"2", b"t": (b"li2e1:x1:he", b"li2e3:abc1:he")},
        {b"t": (b"li2e1:x1:he", b"li2e3:abc1:he")},
    ],
)
def test_root_that_is_not_one(actual: dict[bytes, Stored]) -> None:
    assert not compare(ROOTED, actual).equal


def test_report_shows_both_sides() -> None:
    comparison = compare(string("k", b"a\x00"), {b"k": b"b" * 1000})
    assert comparison.report().splitlines()[1:] == [
        "- STRING k a\\x00",
        f"+ STRING k {'b' * 200}…(1000 octets)",
    ]
