# SPDX-License-Identifier: AGPL-3.0-only
"""The Python SDK of Brrr, on the Redis store of its adapter.

python.py PORT, in the SDK's own interpreter. As peer.mjs: one run a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "adapters" / "python"))

import brrr
import redis.asyncio as redis
from brrr.backends.redis import RedisQueue
from stores import RedisStore


async def leaf(url: str, count: int, concurrency: int) -> dict[str, float]:
    """Do jobs that are there already."""
    left, done = count, asyncio.Event()

    async def handle(_request: Any, _connection: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            done.set()
        return brrr.Response(b"1")

    async with redis.from_url(url, protocol=3) as client:
        queue = RedisQueue(client)
        async with brrr.serve(queue, RedisStore(client), queue) as server:
            start, cpu = time.perf_counter(), time.process_time()
            loops = [
                asyncio.create_task(server.loop("jobs", handle))
                for _ in range(concurrency)
            ]
            await done.wait()
            seconds = time.perf_counter() - start
            cpu_seconds = time.process_time() - cpu
            for each in loops:
                each.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
    return {"jobs": count, "seconds": seconds, "cpu_seconds": cpu_seconds}


async def main() -> None:
    url = f"redis://127.0.0.1:{sys.argv[1]}"
    while line := await asyncio.to_thread(sys.stdin.readline):
        run = json.loads(line)
        result = await leaf(url, run["count"], run["concurrency"])
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
