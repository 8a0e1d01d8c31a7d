# SPDX-License-Identifier: AGPL-3.0-only
"""A worker's memory is bounded, whatever passes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from processes.worker import schedule, until, until_value, working

if TYPE_CHECKING:
    from processes.server import Server
    from redis import Redis

LIMIT = 16 * 1024 * 1024
CONCURRENCY = ("-c", "256")
BATCH = 50_000
JOBS = 1_000_000

# Schedules ARGV[2] leaves under names of their own.
PRODUCE = """
for i = 1, ARGV[2] do
  local payload = ARGV[1] .. '.' .. i
  local name = 'leaf:' .. payload
  redis.call('SET', 'call/' .. name,
    'd7:payload' .. #payload .. ':' .. payload .. '9:task_name4:leafe')
  redis.call('RPUSH', 't', 'li2e1:r' .. #name .. ':' .. name .. 'e')
end
"""


def produce(redis: Redis, batch: int, count: int) -> None:
    for part in range(0, count, 1000):
        redis.eval(PRODUCE, 0, f"{batch}-{part}", min(1000, count - part))


def test_flat_over_a_million_jobs(server: Server) -> None:
    redis = server.redis
    redis.config_set("appendonly", "no")
    with working("release", server.url, *CONCURRENCY) as worker:
        produce(redis, 0, 1000)
        until(lambda: redis.dbsize() == 2000, 30, "1 000 jobs")
        early = worker.memory("VmRSS")
        for batch in range(1, JOBS // BATCH + 1):
            redis.flushdb()
            produce(redis, batch, BATCH)
            until(lambda: redis.dbsize() == 2 * BATCH, 60, f"batch {batch}")
        late = worker.memory("VmRSS")
        assert worker.memory("VmHWM") < LIMIT
        counts = worker.stop()
    assert counts["returned"] == 1000 + JOBS
    assert late < early * 1.1, (early, late)


@pytest.mark.parametrize(("task", "value"), [("chain", "4000"), ("fan", "4000")])
def test_large_graph(server: Server, task: str, value: str) -> None:
    redis = server.redis
    redis.config_set("appendonly", "no")
    with working("release", server.url, *CONCURRENCY) as worker:
        schedule(redis, "root", task, "r.4000")
        assert until_value(redis, task, "r.4000", 60) == value
        assert worker.memory("VmHWM") < LIMIT
        worker.stop()
