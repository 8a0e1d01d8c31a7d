# SPDX-License-Identifier: AGPL-3.0-only
"""The processes of a case: an SDK's client and its workers, and what they send.

The runner is the handler of each worker: what an invocation is to be answered
stands in the case's script (script.py).
"""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypedDict

from brrr_conformance import script
from brrr_conformance.adapter import Serving
from brrr_conformance.aside import Act, Deed
from brrr_conformance.director import Rules
from brrr_conformance.ground import Ground
from brrr_conformance.outcome import (
    AdapterBroken,
    CaseFailed,
    HarnessError,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.promises import broken_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.pool import Member, Pool
    from brrr_conformance.tap import Director

# Without a heartbeat for so long, a durable worker is taken for dead: as short as
# a busy machine lets three heartbeats be in time.
DEAD_AFTER_MS = 800


class How(TypedDict, total=False):
    """How workers are started: see Crew.start."""

    workers: int
    stop: bool
    concurrency: int
    durable: bool
    dead_letters: bool
    tasks: bool
    beside: Worker | None


@dataclass(slots=True)
class Worker:
    """One Serve of one adapter process."""

    name: str
    member: Member
    serving: Serving
    concurrency: int

    @property
    def ended(self) -> bool:
        return self.serving.ended.is_set()

    @property
    def failure(self) -> pb.Failure | None:
        """What the worker ended with, by itself."""
        return self.serving.failure


@dataclass(frozen=True, slots=True)
class Problem:
    worker: str
    failure: pb.Failure

    @property
    def code(self) -> str:
        return pb.Code.Name(self.failure.code)

    def __str__(self) -> str:
        return f"{self.worker}: {self.code}: {self.failure.reason}"


@dataclass(slots=True, repr=False, kw_only=True)
class Crew(Ground):
    pool: Pool
    # Whose client and whose workers: one SDK, or the two of a mixed fleet.
    client_config: AdapterConfig
    worker_configs: Sequence[AdapterConfig]
    director: Rules = field(init=False)
    # Who directs in its place, when schedules are explored.
    scheduler: Director | None = None
    actors: script.Actors = field(default_factory=script.Actors)
    problems: list[Problem] = field(default_factory=list)
    invocations: list[script.Call] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    # Invocations that the runner is still to answer.
    answering: set[asyncio.Task[None]] = field(default_factory=set)
    # Seconds for each reply, where the usual is more.
    patience: float = math.inf
    _members: list[Member] = field(default_factory=list)
    _killed: list[Member] = field(default_factory=list)
    _client: Member | None = None
    _clients: int = 0

    def __post_init__(self) -> None:
        self.director = Rules(self.trace)

    def new_client(self) -> None:
        """Let another process be the client from now on."""
        self._client = None

    def be_client(self, worker: Worker) -> None:
        """Let the process of a worker be the client from now on."""
        self._client = worker.member

    async def get_client(self) -> Member:
        if self._client is None:
            self._clients += 1
            name = "client" if self._clients == 1 else f"client-{self._clients}"
            self._client = await self._open(self.client_config, name)
        return self._client

    async def start(
        self,
        topic: str,
        rules: script.Script | None = None,
        *,
        workers: int = 1,
        stop: bool = False,
        concurrency: int = 0,
        durable: bool = False,
        dead_letters: bool = False,
        tasks: bool = False,
        beside: Worker | None = None,
    ) -> list[Worker]:
        """Start workers, each a process of its own; they run to the case's end.

        `rules` say what handlers do (script.py), whichever worker runs them. With
        `stop`, a worker ends at its first problem, else it reports and goes on;
        with `dead_letters`, it sets the message aside first. With `tasks`, workers
        run those of conformance/programs.md, and nobody asks the runner. Those
        `beside` a worker are in its process, and go by its name in the trace.
        """
        self.actors.learn(rules or {})
        policy = pb.DEAD_LETTER if dead_letters else pb.STOP if stop else pb.GO_ON
        started = []
        for _ in range(workers):
            for config in self.worker_configs:
                name = f"worker-{len(self.workers) + 1}"
                if len(self.worker_configs) > 1:
                    name = f"{config.name}-{len(self.workers) + 1}"
                if beside is None:
                    dead_after_ms = DEAD_AFTER_MS if durable else None
                    member = await self._open(config, name, dead_after_ms)
                else:
                    name, member = beside.name, beside.member
                serving = Serving(
                    topic, self._invoked, self._problem, self._ended, policy
                )
                worker = Worker(name, member, serving, concurrency)
                self.workers.append(worker)
                await member.adapter.serve(serving, concurrency, tasks=tasks)
                started.append(worker)
        return started

    def check(self) -> None:
        """Raise what has gone wrong beside the commands."""
        if self.trace.error is not None:
            raise self.trace.error
        for member in self._members:
            if member.adapter.error is not None:
                raise member.adapter.error

    async def _open(
        self, config: AdapterConfig, name: str, dead_after_ms: int | None = None
    ) -> Member:
        member = await self.pool.borrow(config)
        self._members.append(member)
        member.attach(name, self.trace, self.scheduler or self.director)
        member.adapter.on_error = self.trace.touch
        member.adapter.on_io = partial(self.trace.aside, name)
        await member.open(self.table, dead_after_ms)
        member.adapter.patience = self.patience
        return member

    async def end(self) -> None:
        """Give everything back; raise the first thing that goes wrong with it."""
        for task in list(self.answering):
            task.cancel()
        failures: list[Exception] = []
        for member in [*self._members, *self._killed]:
            try:
                await self.pool.give_back(member)
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def log(self) -> str:
        """Give what the processes wrote to standard error."""
        logs = [
            (member.tap.worker, member.adapter.log().strip())
            for member in [*self._members, *self._killed]
        ]
        return "\n".join(f"[{name}] {text}" for name, text in logs if text)

    # ---- what the adapters send ---------------------------------------------

    def _invoked(self, serving: Serving, invocation: pb.Invocation) -> None:
        worker = next(each for each in self.workers if each.serving is serving)
        call = script.Call(
            worker.name,
            invocation.topic,
            invocation.call_hash,
            invocation.task_name,
            invocation.payload,
            lambda call_hash: self.stored(f"value/{call_hash}"),
        )
        self.invocations.append(call)
        if invocation.topic != serving.topic:
            self.trace.fail(
                CaseFailed(
                    f"invoked for topic {invocation.topic!r}, served {serving.topic!r}"
                )
            )
        task = asyncio.create_task(
            self._answer(worker, invocation.invocation, call), name=worker.name
        )
        self.answering.add(task)
        task.add_done_callback(self._answered)
        self.trace.touch()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self.answering.discard(task)
        self.trace.touch()

    async def _answer(self, worker: Worker, number: int, call: script.Call) -> None:
        try:
            answer = pb.Answer()
            try:
                answer.CopyFrom(await self.actors.answer(call))
            except Exception as error:
                self.trace.fail(
                    error
                    if isinstance(error, AssertionError)
                    else HarnessError(f"a handler of the case: {error!r}")
                )
                answer.fail = "the case has failed"
            answer.invocation = number
            if worker.member not in self._killed:
                await worker.member.adapter.answer(answer)
        except Exception as error:
            self.trace.fail(error)

    def _problem(self, serving: Serving, failure: pb.Failure) -> None:
        worker = next(each for each in self.workers if each.serving is serving)
        self.problems.append(Problem(worker.name, failure))
        if failure.code == pb.NOT_IMPLEMENTED:
            if broken := broken_by(worker.member.adapter.config, serving.command):
                self.trace.fail(AdapterBroken(f"{broken}: {failure.reason}"))
            self.trace.fail(NotImplementedByAdapter(failure.reason))
        self.trace.touch()

    def _ended(self, serving: Serving) -> None:
        if serving.failure is not None:
            self._problem(serving, serving.failure)
        self.trace.touch()

    # ---- faults -------------------------------------------------------------

    def kill(self, worker: Worker) -> None:
        """End a worker's process at once; its handlers get no answer any more.

        In a hook, raise ConnectionError afterwards, and the command never goes.
        """
        self._members.remove(worker.member)
        self._killed.append(worker.member)
        self.trace.aside(worker.name, Deed(Act.KILL))
        worker.member.adapter.kill()
        for task in self.answering:
            if task.get_name() == worker.name:
                task.cancel()
        self.trace.touch()

    def cut(self, worker: Worker) -> None:
        """Cut a worker's connections to Redis; it may connect again."""
        self.trace.aside(worker.name, Deed(Act.CUT))
        worker.member.tap.cut()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Have no Redis for a while: nobody is blamed for not finding it."""
        self.trace.outage = True
        try:
            yield
        finally:
            self.trace.outage = False
            for worker in self.workers:
                self.trace.aside(worker.name, Deed(Act.CUT))

    def worker(self, name: str) -> Worker:
        return next(each for each in self.workers if each.name == name)
