# SPDX-License-Identifier: AGPL-3.0-only
"""How many commands a graph costs, as the server has counted them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.machine import Redis, program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COUNTED = re.compile(r"^cmdstat_(\S+?):calls=(\d+)", re.MULTILINE)
NOT_OURS = ("config", "info", "flushall", "client", "command")
CONCURRENCIES = (1, 64)


def sent(stats: str) -> int:
    """Count the commands that workers have sent, from INFO commandstats.

    The server also counts what scripts do: a compare-and-delete is a GET and a
    DEL. Nothing else in these graphs is a script, nor a DEL.
    """
    counts = {name: int(calls) for name, calls in COUNTED.findall(stats)}
    ours = {
        name: calls
        for name, calls in counts.items()
        if not name.startswith(NOT_OURS) and name != "del"
    }
    scripts = counts.get("eval", 0) + counts.get("evalsha", 0)
    return sum(ours.values()) - scripts


def count(redis: Redis, task: str, children: int, concurrency: int) -> int:
    redis.clear()
    redis.ask("CONFIG", "RESETSTAT")
    program("graph", redis.port, concurrency, task, children, 1)
    return sent(redis.ask("INFO", "commandstats"))


def worst(redis: Redis, task: str, children: int, at: Iterable[int]) -> float:
    return max(count(redis, task, children, each) for each in at) / children


def commands_per_child(
    redis: Redis, task: str, sizes: Sequence[int]
) -> dict[int, float]:
    """Count, for each number of children, the commands until all is handled."""
    return {n: worst(redis, task, n, CONCURRENCIES) for n in sizes}
