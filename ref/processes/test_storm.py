# SPDX-License-Identifier: AGPL-3.0-only
"""Durable workers that are killed again and again lose nothing.

The moments are drawn from BRRR_STORM_SEED: a kill is due when the database has
grown to so many keys. So they fall into the work, however fast the machine is.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processes.worker import Worker, schedule, start, until, until_value

if TYPE_CHECKING:
    from processes.server import Server
    from redis import Redis

WORKERS = 4
ROOTS = 20
DEPTH, WIDTH, MS = 3, 8, 2
KILLS = 100
SPAWN_LIMIT = 10_000
DEAD_AFTER_MS = 1000
LINGER_SECONDS = 20  # [REDIS-36]


def nodes(depth: int) -> int:
    """Count the calls of a tree, the root included."""
    return sum(WIDTH**level for level in range(depth + 1))


NODES = nodes(DEPTH)  # 585


@dataclass(slots=True)
class Fleet:
    url: str
    workers: list[Worker] = field(default_factory=list)

    def fill(self) -> None:
        while len(self.workers) < WORKERS:
            options = ("-d", "-a", str(DEAD_AFTER_MS), "-c", "8")
            self.workers.append(start("asan", self.url, *options))

    def kill_one(self, rng: random.Random) -> None:
        self.workers.pop(rng.randrange(len(self.workers))).kill()
        self.fill()


def payload(root: int) -> str:
    return f"r{root}.{DEPTH}.{WIDTH}.{MS}.0"


def moments(rng: random.Random) -> list[int]:
    """Draw the sizes of the database at which a worker dies."""
    keys = 2 * ROOTS * NODES  # a call and a value for each node
    return sorted(rng.randrange(keys // 100, keys * 95 // 100) for _ in range(KILLS))


def until_keys(redis: Redis, count: int) -> None:
    until(lambda: redis.dbsize() >= count, 60, f"{count} keys")


def storm(server: Server, fleet: Fleet, rng: random.Random) -> None:
    for number, keys in enumerate(moments(rng)):
        until_keys(server.redis, keys)
        fleet.kill_one(rng)
        if number == KILLS // 2:
            server.restart()


def expect_all_values(redis: Redis) -> None:
    """Of every node, not of the roots alone: what is below it, and itself."""
    names = list(redis.scan_iter("value/*", count=1000))
    assert len(names) == ROOTS * NODES
    for name, value in zip(names, redis.mget(names), strict=True):
        depth = int(name.split(b".")[1])
        assert value == b"%d" % nodes(depth), name


def expect_nothing_left(redis: Redis) -> None:
    left = [*redis.scan_iter("brrr:*"), *redis.scan_iter("pending_returns/*")]
    assert left == []
    assert redis.llen("t") == 0


def test_storm(server: Server) -> None:
    seed = int(os.environ.get("BRRR_STORM_SEED", "1"))
    print(f"BRRR_STORM_SEED={seed}")
    rng = random.Random(seed)  # noqa: S311 - it has to repeat
    redis = server.redis
    fleet = Fleet(server.url)
    try:
        fleet.fill()
        for root in range(ROOTS):
            schedule(redis, f"root{root}", "tree", payload(root))
        storm(server, fleet, rng)
        for root in range(ROOTS):
            assert until_value(redis, "tree", payload(root), 120) == str(NODES)
        expect_all_values(redis)
        until(
            lambda: redis.zcard("brrr:workers:{t}") == WORKERS and not redis.llen("t"),
            LINGER_SECONDS + 20,
            "the dead have left the registry, and the last duplicates are handled",
        )
        for worker in fleet.workers:
            worker.stop()
        expect_nothing_left(redis)
        counts = [
            int(redis.get(f"brrr_count/root{root}") or 0) for root in range(ROOTS)
        ]
        assert max(counts) <= SPAWN_LIMIT
    finally:
        for worker in fleet.workers:
            if worker.process.poll() is None:
                worker.kill()
