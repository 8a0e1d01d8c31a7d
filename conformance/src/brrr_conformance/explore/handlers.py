# SPDX-License-Identifier: AGPL-3.0-only
"""What the handlers of a scenario do. Their reads are events like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brrr_conformance.build import ask, defer, response
from brrr_conformance.explore.scenario import plain
from brrr_conformance.explore.straight import pack

if TYPE_CHECKING:
    from brrr_conformance.explore.hands import Hand
    from brrr_conformance.explore.scenario import Task
    from brrr_conformance.explore.scheduler import Scheduler
    from brrr_conformance.resp import Value
    from brrr_conformance.script import Answer, Call


@dataclass(frozen=True, slots=True)
class Handler:
    scheduler: Scheduler
    task: Task

    async def __call__(self, call: Call) -> Answer:
        hand = self.scheduler.hands[call.worker]
        hand.answering += 1
        try:
            return await self._answer(hand)
        finally:
            hand.answering -= 1
            hand.touch(reacted=False)

    async def _answer(self, hand: Hand) -> Answer:
        """Ask for what is missing, all at once or one after the other."""
        task, now = self.task, self.scheduler.play.now
        steps = [[each] for each in task.needs] if task.in_turn else [task.needs]
        for needs in filter(None, steps):
            values = await self._read(hand, [f"value/{it.call_hash}" for it in needs])
            missing = [
                ask(now(each.call_hash), topic=each.topic)
                for each, found in zip(needs, values, strict=True)
                if found is None
            ]
            if missing:
                return defer(*missing)
        return response(task.value)

    async def _read(self, hand: Hand, keys: list[str]) -> list[Value]:
        scheduler, play = self.scheduler, self.scheduler.play
        words = plain(f"(its handler reads {' '.join(keys)})")
        line = ("handler", hand.news)
        hand.answering -= 1  # until it may go
        await scheduler.hold(hand, line, words, play.reads(keys))
        now = (play.now(key).encode() for key in keys)
        [values] = await scheduler.straight.ask(pack(b"MGET", *now))
        hand.complete(hand.lines.pop(line))
        return values if isinstance(values, list) else []
