# SPDX-License-Identifier: AGPL-3.0-only
"""What joins cost, counted by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from processes.worker import count, schedule, until, until_value, working

if TYPE_CHECKING:
    from processes.server import Server
    from redis import Redis

CHILDREN = 1000
RUNS = 3
COMMANDS = 15
KEYS = 2 * (CHILDREN + 1) + 1  # calls, values, and the counter
NOT_OURS = {"config|resetstat", "dbsize", "info", "ping", "strlen"}


def commands(redis: Redis) -> dict[str, int]:
    """Count what the worker has sent: this test sends what is in NOT_OURS only."""
    stats: dict[str, dict[str, int]] = redis.info("commandstats")
    calls = {
        name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()
    }
    # A compare-and-delete is a script: the server counts its GET and DEL, too.
    calls["get"] -= calls.get("del", 0)
    return {name: n for name, n in calls.items() if name not in NOT_OURS | {"del"}}


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_fan_out(server: Server, concurrency: int) -> None:
    redis = server.redis
    redis.config_set("appendonly", "no")
    schedule(redis, "root", "fan", f"r.{CHILDREN}")
    redis.config_resetstat()
    with working("release", server.url, "-c", str(concurrency)) as worker:
        assert until_value(redis, "fan", f"r.{CHILDREN}", 30) == str(CHILDREN)
        # Neither records of those who wait, nor messages: all is handled.
        until(lambda: redis.dbsize() == KEYS, 30, "all is done")
        counts = worker.stop()
    sent = commands(redis)
    runs = counts["deferred"] + counts["returned"] - CHILDREN
    assert runs <= RUNS, counts
    assert sum(sent.values()) <= COMMANDS * CHILDREN, sent


def test_two_roots(server: Server) -> None:
    redis = server.redis
    redis.config_set("appendonly", "no")
    messages = []
    for roots in (1, 2):
        redis.flushdb()
        for root in range(roots):
            schedule(redis, f"root{root}", "tree", "r.3.6.0.0")
        with working("release", server.url, "-c", "8") as worker:
            until_value(redis, "tree", "r.3.6.0.0", 30)
            until(lambda: not redis.llen("t"), 30, "no message left")
            worker.stop()
        messages.append(sum(count(redis, f"root{root}") for root in range(roots)))
    assert messages[1] <= 2.5 * messages[0], messages
