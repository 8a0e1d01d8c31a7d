# SPDX-License-Identifier: AGPL-3.0-only
"""Words that the cases share: octets, commands to match, messages, reports."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import time
from typing import TYPE_CHECKING

from brrr_conformance import request, resp
from brrr_conformance.world import REPORT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.crew import Problem
    from brrr_conformance.pb import adapter_pb2 as pb
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

EVERY_OCTET = bytes(range(256))
MEBIBYTE = 1 << 20
NO_EXPIRY = -1
HELD_SECONDS = 3.0
# A worker with one hand never takes a second message while it holds the first.
TAKEN_SECONDS = 0.5


def noise(size: int) -> bytes:
    """Make octets without any pattern, always the same."""
    return hashlib.shake_256(b"brrr").digest(size)


def held(world: World, *hashes: str) -> list[str]:
    """Leave out what the store cannot hold: DynamoDB has no key of no octets."""
    return [each for each in hashes if each or world.table is None]


# ---- commands ---------------------------------------------------------------


def writes(*keys: str | bytes) -> Callable[[Step], bool]:
    """Match what may change one of these keys."""
    return lambda step: any(step.writes(key) for key in keys)


def counts(step: Step) -> bool:
    """Match what may change a counter, whatever its root."""
    return step.is_write and any(key.startswith(b"brrr_count/") for key in step.keys)


def putting(world: World, *states: State) -> Callable[[Step], Awaitable[None]]:
    """Do what another worker might do just now: write this."""

    async def put(_: Step) -> None:
        await world.given(*states)

    return put


def removing(world: World, key: str) -> Callable[[Step], Awaitable[None]]:
    """Do what another worker might do just now: remove this."""

    async def remove(_: Step) -> None:
        await world.remove(key)

    return remove


def attempts(world: World, key: str) -> int:
    """Count the commands that Redis took as a write of this key.

    An error is no attempt: a script may have been unknown, and is sent again.
    """
    return sum(
        frame.step.writes(key) and not isinstance(frame.reply.value, resp.Error)
        for frame in world.frames
        if frame.reply is not None
    )


def finish_between(world: World, child: str, *topics: str) -> None:
    """Remove the record of a child when it is put, as who finishes it would.

    Whoever looks at the record, and was not the first to come to it, waits until
    then: so an SDK that registers all at once ends the same way each time.
    """
    key = f"pending_returns/{child}"
    comers, put = itertools.count(1), asyncio.Event()

    def looks_later(step: Step) -> bool:
        return step.touches(key) and next(comers) > 1 and step.reads(key)

    async def finish(step: Step) -> None:
        await removing(world, key)(step)
        put.set()

    async def wait(_: Step) -> None:
        with contextlib.suppress(TimeoutError):  # the put may be behind this look
            await asyncio.wait_for(put.wait(), HELD_SECONDS)

    world.before(writes(*topics), finish, times=1)
    world.before(looks_later, wait)


# ---- messages ---------------------------------------------------------------


async def take_all(world: World, *topics: str) -> list[tuple[str, str]]:
    """Empty these queues; give (root_id, call_hash) of each message, sorted.

    For messages whose order among each other is the SDK's own choice.
    """
    messages = [message for topic in topics for message in await world.queue(topic)]
    await world.redis.execute_command("DEL", *topics)
    return sorted((each.root_id, each.call_hash) for each in messages)


async def taken(world: World, topic: str) -> None:
    """Wait until all messages of a topic are taken, or nobody will take them."""
    end = time.monotonic() + TAKEN_SECONDS
    while await world.redis.llen(topic) and (left := end - time.monotonic()) > 0:
        await world.trace.changed(world.trace.events, min(left, 0.01))


async def only_root(world: World, topic: str) -> str:
    """Give the root_id of the one message on a queue."""
    messages = await world.queue(topic)
    assert len(messages) == 1, f"one message is due on {topic!r}, got {messages}"
    return messages[0].root_id


async def expiry(world: World, key: str) -> int:
    """Give the seconds that a key has left, or NO_EXPIRY; -2 is no such key."""
    if world.table is not None and request.item_key(key.encode()):
        # An item expires by another attribute, which no record has [DYN-1].
        return NO_EXPIRY if await world.stored(key) is not None else -2
    seconds: int = await world.redis.execute_command("TTL", key)
    return seconds


# ---- reports ----------------------------------------------------------------


async def expect_report(world: World, *codes: str) -> Problem:
    """Demand one report, with one of these codes; give it."""
    problems = await expect_reports(world, *codes)
    assert len(problems) == 1, f"one report is due, got {_shown(problems)}"
    return problems[0]


async def wait_for_report(world: World) -> None:
    """Wait a while for one: it comes by another way than the commands."""
    deadline = time.monotonic() + REPORT_SECONDS
    while not world.problems:
        left = deadline - time.monotonic()
        if not await world.trace.changed(world.trace.events, max(left, 0)):
            break


async def expect_reports(world: World, *codes: str) -> list[Problem]:
    """Demand at least one report, and each with one of these codes; give them."""
    await wait_for_report(world)
    problems = list(world.problems)
    world.problems.clear()
    assert problems, f"a report is due ({' or '.join(codes)}), got none"
    wrong = [each for each in problems if each.code not in codes]
    assert not wrong, f"due is {' or '.join(codes)}, got {_shown(wrong)}"
    return problems


def check_message(problem: Problem, message: bytes) -> None:
    """Check the message in a report, where it holds one."""
    failure: pb.Failure = problem.failure
    if failure.HasField("message"):
        assert failure.message == message, "the report holds other octets"


def _shown(problems: list[Problem]) -> str:
    return "; ".join(map(str, problems)) or "none"
