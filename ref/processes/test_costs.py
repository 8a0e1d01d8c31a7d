# SPDX-License-Identifier: AGPL-3.0-only
"""The cost formulas of spec/operations.md, counted by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processes.test_joins import commands
from processes.worker import call_hash, schedule, until, working

if TYPE_CHECKING:
    from processes.server import Server
    from redis import Redis

JOBS = 200
LEAF = 4
PARENT = 3  # INCR, RPUSH, and the script that removes the record
CHILD = 14  # of a fan-out, at most


def work(redis: Redis, url: str, value: str) -> dict[str, int]:
    """Run a worker until nothing is left, and count what it has sent."""
    redis.config_resetstat()
    with working("release", url, "-c", "1") as worker:
        until(lambda: redis.strlen(f"value/{value}") > 0, 30, value)
        until(lambda: not redis.llen("t"), 30, "no message left")
        worker.stop()
    sent = commands(redis)
    for name in ("llen", "client|id", "client|unblock"):
        sent.pop(name, None)
    return sent


def leaves(redis: Redis) -> str:
    for i in range(JOBS):
        schedule(redis, f"root{i}", "leaf", f"r.{i}")
    return call_hash("leaf", f"r.{JOBS - 1}")


def test_leaf(server: Server) -> None:
    redis = server.redis
    sent = work(redis, server.url, leaves(redis))
    sent["blpop"] = JOBS  # and one that waits, or that the stop has ended
    assert sum(sent.values()) == LEAF * JOBS, sent


def test_leaf_with_a_parent(server: Server) -> None:
    redis = server.redis
    last = leaves(redis)
    for i in range(JOBS):
        name = call_hash("leaf", f"r.{i}")
        root = f"parent{i}"
        element = f"li1e{len(root)}:{root}1:p1:ue"
        redis.set(f"pending_returns/{name}", f"d7:returnsl{element}ee")
    sent = work(redis, server.url, last)
    sent["blpop"] = JOBS
    assert sum(sent.values()) == (LEAF + PARENT) * JOBS, sent


def test_fan_out(server: Server) -> None:
    redis = server.redis
    schedule(redis, "root", "fan", f"r.{JOBS}")
    sent = work(redis, server.url, call_hash("fan", f"r.{JOBS}"))
    assert sum(sent.values()) <= (CHILD + 0.5) * JOBS, sent
