# SPDX-License-Identifier: AGPL-3.0-only
"""Tasks that look sequential, in the order of spec/app.md.

A task is a coroutine: task(run, *args). It makes calls with `run.call(ask)` and
`run.gather(ask, …)`, whose asks come from `run.ask(name, args, topic)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import codec
from tiny import Ask, Brrr, BrrrError, Call


class Missing(BaseException):
    """Ends a run. Not an Exception: a task that catches those must not see it."""


class App:
    def __init__(self, tasks: Mapping[str, Callable[..., Awaitable[Any]]]):
        self.tasks = tasks

    def ask(self, task_name: str, args: Any, topic: str = "") -> Ask:
        payload, call_hash = codec.encode_call(task_name, args)
        return Ask(call_hash, task_name, payload, topic)

    async def handle(self, brrr: Brrr, call: Call) -> bytes | list[Ask]:
        if not (task := self.tasks.get(call.task_name)):  # [APP-6]
            raise BrrrError("HANDLER_FAILED", f"no task {call.task_name!r}")
        args = codec.read(call.payload)
        if not isinstance(args, list):
            codec.refuse("CODEC-22", "the arguments are no array")
        run = Run(self, brrr)
        try:
            value = await task(run, *args)
        except Missing:
            return list(run.missing.values())
        finally:
            run.over = True
        if run.missing:  # [APP-7]
            raise BrrrError("HANDLER_FAILED", "a value, though a call has none yet")
        return codec.write(value).encode()


class Run:
    def __init__(self, app: App, brrr: Brrr):
        self.app, self.brrr, self.over = app, brrr, False
        self.found: dict[str, bytes] = {}
        self.missing: dict[str, Ask] = {}

    def ask(self, task_name: str, args: Any, topic: str = "") -> Ask:
        return self.app.ask(task_name, args, topic)

    async def call(self, ask: Ask) -> Any:
        return (await self.gather(ask))[0]

    async def gather(self, *asks: Ask) -> list[Any]:
        if self.over:  # [APP-3]
            raise BrrrError("MISUSE", f"{asks} is asked for outside of a task")
        hashes = [ask.call_hash for ask in asks]
        for ask in {ask.call_hash: ask for ask in asks}.values():
            await self.look_up(ask)
        if not self.missing.keys().isdisjoint(hashes):  # [APP-1] [APP-2]
            raise Missing
        return [codec.read(self.found[each]) for each in hashes]

    async def look_up(self, ask: Ask) -> None:
        if ask.call_hash in self.found or ask.call_hash in self.missing:  # [APP-5]
            return
        value = await self.brrr.read(ask.call_hash)
        if value is None:
            self.missing[ask.call_hash] = ask
        else:
            self.found[ask.call_hash] = value
