# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants that are right as long as a process has one worker, and no client."""

from __future__ import annotations

import asyncio

from tiny import Brrr, BrrrError, Worker

from mutants.kit import breaks


@breaks("SCHED-22", first="beside")
class KnowsOneTopic(Worker):
    """A pending return has the topic of the worker that was started first."""

    async def add_pending_return(self, call_hash, parent):
        topic = next(iter(self.brrr.running)).topic
        return await super().add_pending_return(call_hash, parent._replace(topic=topic))


@breaks("SCHED-22", first="beside")
class KnowsOneMessage(Worker):
    """A defer goes by the message that the process has taken last."""

    async def invoke(self, job, call):
        self.brrr.job = job
        return await super().invoke(job, call)

    async def defer(self, _, asks):
        await super().defer(self.brrr.job, asks)


@breaks("QUEUE-1", first="beside")
class PopsForItsNeighbours(Worker):
    """A worker takes messages of all topics that are served in its process."""

    async def get(self):
        self.polling = True
        try:
            if not self.client_id:
                self.client_id = await self.brrr.do("CLIENT ID", on=self.line)
            topics = [worker.topic for worker in self.brrr.running]
            reply = await self.brrr.do("BLPOP", *topics, 20, on=self.line)
        finally:
            self.polling = False
        return reply[1] if reply else None


@breaks("WORK-7", first="beside")
class EndsWithItsNeighbour(Worker):
    """A worker that ends with a problem ends all workers of its process."""

    async def run(self):
        try:
            await super().run()
        except BrrrError:
            others = [each for each in self.brrr.running if each is not self]
            await asyncio.gather(*(each.stop() for each in others))
            raise


@breaks("SCHED-4", status="timed out", first="beside")
class SchedulesOnTheLineOfAPop(Brrr):
    """A client has the connection of a worker, and waits until its pop has ended."""

    async def do(self, *command, on=None):
        if command[0] == "EXISTS" and self.running:
            on = next(iter(self.running)).line
        return await super().do(*command, on=on)
