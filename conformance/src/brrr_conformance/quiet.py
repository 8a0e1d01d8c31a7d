# SPDX-License-Identifier: AGPL-3.0-only
"""When is it over? The tap knows, and Redis confirms.

All is quiet when every worker waits in a blocking pop, nothing else of it is
under way, no handler is to be answered, and nothing is on a queue that is served.
The tap sees what the workers have sent; that the pops do block, and have not just
been given a message, only Redis can tell, in one atomic look.

A worker that asked for a message *after* everything else it did has finished
what it did. One that asks ahead, or handles several messages at a time, may have
more to send: it must keep still for SETTLE_SECONDS, and then sleep, which on a busy
machine comes later.
"""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis.asyncio import Redis

    from brrr_conformance.crew import Worker
    from brrr_conformance.tap import Connection, Frame, Trace

SETTLE_SECONDS = 0.05
# Between two looks at Redis, when the tap is sure and Redis is not yet.
LOOK_SECONDS = 0.005
# So many frames without a message, and a worker that polls has nothing to do.
POLLS = 8

QUIET = 0.0
BUSY = math.inf


async def look(redis: Redis, workers: Sequence[Worker], trace: Trace) -> float:
    """Tell whether all is quiet: QUIET, BUSY, or when to look again."""
    running = [worker for worker in workers if not worker.ended]
    addresses = set()
    for worker in running:
        if pop := pop_of(worker):
            addresses.add(pop.address)
        elif not polls_in_vain(worker, trace):
            return BUSY
    unsure = [worker for worker in running if not asked_last(worker, trace)]
    if unsure:
        still = time.monotonic() - trace.last
        if still < SETTLE_SECONDS:
            return SETTLE_SECONDS - still
        if any(worker.member.sleeps is False for worker in unsure):
            return LOOK_SECONDS
    topics = {worker.serving.topic for worker in running}
    return QUIET if await all_blocked(redis, topics, addresses) else LOOK_SECONDS


def pop_of(worker: Worker) -> Connection | None:
    """Find the connection that waits for a message, if no other has more to do."""
    if worker.member.requests is not None and worker.member.requests.under_way:
        return None
    topic = worker.serving.topic
    busy = [each for each in worker.member.tap.connections.values() if each.busy]
    pops = [each for each in busy if each.pops and each.waiting[0].touches(topic)]
    return pops[0] if pops and all(each.pops for each in busy) else None


def asked_last(worker: Worker, trace: Trace) -> bool:
    """Tell whether the worker's last frame of all is its request for a message."""
    if worker.concurrency > 1:
        return False
    last = next(last_frames(worker, trace), None)
    if last is None:
        return False
    asks = last.reply is None and last.step.is_pop
    return asks or polls_in_vain(worker, trace)


def polls_in_vain(worker: Worker, trace: Trace) -> bool:
    """Tell whether all that the worker does is to look at its empty queue.

    [REDIS-2] forbids it, and a case says so; the other cases go on all the same.
    """
    frames = list(itertools.islice(last_frames(worker, trace), POLLS))
    empty = [frame for frame in frames if frame.reply and not frame.reply.value]
    topic = worker.serving.topic
    return len(empty) >= POLLS // 2 and all(
        frame.step.touches(topic) and not frame.step.is_pop for frame in frames
    )


def last_frames(worker: Worker, trace: Trace) -> Iterator[Frame]:
    """Give the worker's frames, the last one first."""
    return (frame for frame in reversed(trace.frames) if frame.worker == worker.name)


async def all_blocked(redis: Redis, topics: set[str], addresses: set[str]) -> bool:
    """Ask Redis, in one look, whether queues are empty and all pops block."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.client_list()
    for topic in topics:
        pipeline.llen(topic)
    clients: list[dict[str, Any]]
    clients, *lengths = await pipeline.execute(raise_on_error=False)
    blocked = {each["addr"] for each in clients if "b" in each["flags"]}
    # A key that is no list at all is a length that cannot be had: not ours.
    return addresses <= blocked and not any(
        isinstance(length, int) and length for length in lengths
    )
