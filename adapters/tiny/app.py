# SPDX-License-Identifier: AGPL-3.0-only
"""Tasks that look sequential, in the order of spec/app.md.

A task is a coroutine: task(run, *args). It makes calls with `run.call(ask)` and
`run.gather(ask, …)`, whose asks come from `run.ask(name, args, topic)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from codec import Codec
from tiny import Ask, Brrr, BrrrError, Call

Task: TypeAlias = Callable[..., Awaitable[Any]]


class Missing(BaseException):
    """Ends a run. Not an Exception: a task that catches those must not see it."""


class Run:
    """One run of a task: what it has asked for, and what of that is missing."""

    def __init__(self, app: App, brrr: Brrr):
        self.app, self.brrr, self.over = app, brrr, False
        self.found: dict[str, bytes] = {}
        self.missing: dict[str, Ask] = {}
        self.failed: BrrrError | None = None

    def ask(self, task_name: str, args: Any, topic: str = "") -> Ask:
        return self.app.ask(task_name, args, topic)

    async def call(self, ask: Ask) -> Any:
        return (await self.gather(ask))[0]

    async def gather(self, *asks: Ask) -> list[Any]:
        if self.over:  # [APP-3]
            raise BrrrError("MISUSE", f"{asks} is asked for outside of a task")
        for ask in asks:
            await self.look_up(ask)
        if any(ask.call_hash in self.missing for ask in asks):  # [APP-1] [APP-2]
            raise Missing
        return [self.app.codec.read(self.found[ask.call_hash]) for ask in asks]

    async def look_up(self, ask: Ask) -> None:
        if ask.call_hash in self.found or ask.call_hash in self.missing:  # [APP-5]
            return
        try:
            value = await self.brrr.read(ask.call_hash)
        except BrrrError as error:  # nothing that a task may catch [WORK-11]
            self.failed = error
            raise Missing from error
        if value is None:
            self.missing[ask.call_hash] = ask
        else:
            self.found[ask.call_hash] = value


class App:
    """Tasks by name. Called as a worker's handler is, with where values are."""

    run_type = Run

    def __init__(self, tasks: Mapping[str, Task]):
        self.tasks, self.codec = tasks, Codec()

    def ask(self, task_name: str, args: Any, topic: str = "") -> Ask:
        payload, call_hash = self.codec.encode_call(task_name, args)
        return Ask(call_hash, task_name, payload, topic)

    async def handle(self, brrr: Brrr, call: Call) -> bytes | list[Ask]:
        if not (task := self.tasks.get(call.task_name)):  # [APP-6]
            raise BrrrError("HANDLER_FAILED", f"no task {call.task_name!r}")
        run = self.run_type(self, brrr)
        try:
            value = await task(run, *self.codec.read_args(call.payload))
        except Missing:
            if run.failed:
                raise run.failed from None
            return list(run.missing.values())
        finally:
            run.over = True
        if run.missing:  # [APP-7]
            raise BrrrError("HANDLER_FAILED", "a value, though a call has none yet")
        return self.codec.write(value).encode()
