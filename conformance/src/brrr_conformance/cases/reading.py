# SPDX-License-Identifier: AGPL-3.0-only
"""Values: what a client reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import ask, stored_call, value, waiting
from brrr_conformance.cases._common import (
    EVERY_OCTET,
    MEBIBYTE,
    NO_EXPIRY,
    expiry,
    held,
    noise,
)

if TYPE_CHECKING:
    from brrr_conformance.world import World

pytestmark = pytest.mark.profile("client")
requirement = pytest.mark.requirement

VALUES = {
    "text": b"v",
    "zero-octets": b"",
    "every-octet": EVERY_OCTET,
    "like-bencode": b"d7:payload0:9:task_name0:e",
    "like-null": b"null",
    "line-ends": b"\r\n$-1\r\n",
}


@requirement("SCHED-5", "STORE-1", "REC-5")
@pytest.mark.parametrize("name", VALUES)
async def test_value(world: World, name: str) -> None:
    """A value is read as the octets that are stored, with no call beside it."""
    await world.given(value("h", VALUES[name]))
    assert await world.read("h") == VALUES[name]


@requirement("SCHED-5", "STORE-1")
@pytest.mark.store("redis")  # no item of DynamoDB is so large
async def test_ten_mebibytes(world: World) -> None:
    """A value of many buffers is read whole."""
    octets = noise(10 * MEBIBYTE)
    await world.given(value("h", octets))
    assert await world.read("h") == octets


@requirement("SCHED-5")
async def test_absent(world: World) -> None:
    """Where there is nothing, there is no value."""
    assert await world.read("h") is None


@requirement("SCHED-5", "STORE-2")
async def test_records_of_other_types(world: World) -> None:
    """A call that somebody waits for has no value yet."""
    await world.given(stored_call("h"), waiting("h", ("root1", "p", "t")))
    assert await world.read("h") is None


@requirement("SCHED-5", "REDIS-20")
async def test_values_of_other_hashes(world: World) -> None:
    """A value belongs to its hash alone, not to one that is like it."""
    others = held(world, "hh", "H", "", " h", "h/")
    await world.given(*(value(each, b"v") for each in others))
    assert await world.read("h") is None


@requirement("SCHED-5", "REDIS-20")
async def test_hash_of_every_character(world: World) -> None:
    """Each character that a hash may have stands in the key as it is."""
    name = "".join(map(chr, range(0x20, 0x7F)))
    await world.given(value(name, b"v"))
    assert await world.read(name) == b"v"


@requirement("SCHED-5")
async def test_value_comes_later(world: World) -> None:
    """That a value was absent is nothing to be remembered."""
    assert await world.read("h") is None
    await world.given(value("h", b""))
    assert await world.read("h") == b""


@requirement("SCHED-5")
async def test_read_after_schedule(world: World) -> None:
    """A root that has been scheduled has no value until a worker wrote one."""
    await world.schedule("t", ask("h"))
    assert await world.read("h") is None


@requirement("SCHED-5", "REDIS-23")
async def test_reading_changes_nothing(world: World) -> None:
    """A value can be read as often as one likes, and does not wear out."""
    before = (value("h", b"v"), stored_call("h"), waiting("h", ("root1", "p", "t")))
    await world.given(*before)
    assert [await world.read("h") for _ in range(3)] == [b"v"] * 3
    await world.expect(*before)
    assert await expiry(world, "value/h") == NO_EXPIRY


@requirement("SCHED-5")
async def test_reads_at_the_same_time(world: World) -> None:
    """Each of many reads under way gets its own answer."""
    due = [None if number % 5 == 0 else b"%d" % number for number in range(50)]
    await world.given(*(value(f"h{n}", v) for n, v in enumerate(due) if v is not None))
    await world.read("h0")
    found = await asyncio.gather(*(world.read(f"h{n}") for n in range(len(due))))
    assert found == due
