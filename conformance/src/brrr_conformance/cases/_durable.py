# SPDX-License-Identifier: AGPL-3.0-only
"""What the cases of durable workers share: what is where, and how a worker dies.

A worker `gone`, where there is one, is made up: it is in the registry, and has taken
messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.build import count, queued, waiting
from brrr_conformance.crew import DEAD_AFTER_MS
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.server import raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.crew import Worker
    from brrr_conformance.state import State
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

DEAD_SECONDS = DEAD_AFTER_MS / 1000
# Longer than any BLMOVE of a dead worker may wait.
LONG_GONE = DEAD_AFTER_MS + 21_000
# When a message that was left behind is handled, at the latest; with time to spare.
SOON = 4 * DEAD_SECONDS + 2

WORKERS, ATTEMPTS, DEAD = (
    f"brrr:{each}:{{t}}" for each in ("workers", "attempts", "dead")
)
INFLIGHT = "brrr:inflight:{t}:"
GONE = INFLIGHT + "gone"
H = ScheduleMessage("root1", "h").encode()

ONE_WAITS = waiting("h", ("root1", "p", "u"))
ONE_WOKEN = count("root1", 1) + queued("u", ("root1", "p"))

# ---- what is where ----------------------------------------------------------

# Key, message and attempts, of each message that a worker has taken.
IN_FLIGHT = """
    local found = {}
    for _, key in ipairs(redis.call('KEYS', 'brrr:inflight:*')) do
        for _, message in ipairs(redis.call('LRANGE', key, 0, -1)) do
            local again = redis.call('HGET', KEYS[1], message) or '0'
            table.insert(found, {key, message, tonumber(again)})
        end
    end
    return found"""


async def in_flight(world: World) -> list[tuple[str, bytes, int]]:
    found = await raw(world.redis, "EVAL", IN_FLIGHT, 1, ATTEMPTS)
    return [(key.decode(), message, again) for key, message, again in found]


async def only_in_flight(world: World) -> tuple[str, bytes, int]:
    """Demand that one message is in flight; give it."""
    found = await in_flight(world)
    assert len(found) == 1, f"one message is due in flight, got {found}"
    return found[0]


async def names(world: World) -> dict[str, int]:
    """Give the workers in the registry, and their times."""
    pairs = await world.redis.zrange(WORKERS, 0, -1, withscores=True)
    return {name.decode(): int(score) for name, score in pairs}


async def only_name(world: World) -> str:
    """Demand that one worker is in the registry; give its name."""
    found = [*await names(world)]
    assert len(found) == 1, f"one worker is due in the registry, got {found}"
    return found[0]


async def now_ms(world: World) -> int:
    seconds, micros = await raw(world.redis, "TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def bury(
    world: World,
    *messages: bytes,
    age: int = LONG_GONE,
    again: int = 0,
    name: str = "gone",
) -> None:
    """Make up a worker that was heard of last so many ms ago, and has taken these."""
    await raw(world.redis, "ZADD", WORKERS, await now_ms(world) - age, name)
    for message in messages:
        await raw(world.redis, "RPUSH", INFLIGHT + name, message)
        if again:
            await raw(world.redis, "HSET", ATTEMPTS, message, again)


async def settle(world: World) -> None:
    """Wait until nothing is queued or in flight, and all is quiet."""

    async def settled() -> bool:
        left = await world.redis.llen("t"), await world.redis.hlen(ATTEMPTS)
        return not any(left) and not await in_flight(world)

    await world.until(settled, SOON, "every message is handled and acknowledged")
    await world.quiet()


async def expect(
    world: World, *after: State, problems: list[str] | None = None
) -> None:
    """Demand this, and nothing in flight, once all is done."""
    await settle(world)
    await world.expect(*after, problems=problems or [], beside=[WORKERS.encode()])


def acknowledges(step: Step) -> bool:
    """Match what changes a list of messages in flight, and names a message."""
    return any(key.startswith(INFLIGHT.encode()) for key in step.keys) and any(
        arg.startswith(b"li2e") for arg in step.args
    )


def puts_child(step: Step) -> bool:
    return step.writes("t") and not step.is_pop


# ---- deaths -----------------------------------------------------------------


def dying(world: World) -> Callable[[Step], Awaitable[None]]:
    """Let the first worker die of a command."""

    async def die(_: Step) -> None:
        world.kill(world.workers[0])
        raise ConnectionResetError

    return die


async def follow(world: World) -> Worker:
    """Start a second worker once the first is dead."""
    first = world.workers[0]

    async def is_dead() -> bool:
        return first.ended

    await world.until(is_dead, SOON, "the first worker comes to where it dies")
    [second] = await world.start("t", durable=True)
    return second
