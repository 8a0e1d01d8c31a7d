# SPDX-License-Identifier: AGPL-3.0-only
"""What a case works with: a clean database, an SDK's client and its workers.

    async def test_one_child(world: World) -> None:
        await world.given(stored_call("p"), queued("t", ("root1", "p")))
        await world.serve("t", {"p": [defer("c"), response(b"2")],
                                "c": response(b"1")})
        await world.expect(stored_call("p"), stored_call("c"), value("c", b"1"),
                           value("p", b"2"), count("root1", 2))

`serve` starts a worker and waits until all is quiet; `expect` compares the whole
database, and the problems that the workers reported, with what is due.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from brrr_conformance import script, state
from brrr_conformance.adapter import Serving
from brrr_conformance.aside import Act, Deed
from brrr_conformance.build import ask
from brrr_conformance.checker import Violation, check
from brrr_conformance.commands import text
from brrr_conformance.config import Profile
from brrr_conformance.database import OnRedis, WithTable
from brrr_conformance.director import Action, Rules, change, step
from brrr_conformance.outcome import (
    AdapterBroken,
    AdapterTimeout,
    CaseFailed,
    HarnessError,
    NotImplementedByAdapter,
)
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.quiet import BUSY, QUIET, look
from brrr_conformance.recipe import Recipe
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.server import raw
from brrr_conformance.tap import Trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.database import Database
    from brrr_conformance.director import Rule
    from brrr_conformance.dynamodb import Table
    from brrr_conformance.explore.search import Explored
    from brrr_conformance.pool import Member, Pool
    from brrr_conformance.step import Step
    from brrr_conformance.tap import Director, Frame

# How long nothing at all may happen before a case is taken to hang.
STALL_SECONDS = 5.0
# How long a worker's report may take to reach the runner.
REPORT_SECONDS = 1.0
# Without a heartbeat for so long, a durable worker is taken for dead: as short as
# a busy machine lets three heartbeats be in time.
DEAD_AFTER_MS = 800
# Between two looks at a database in which time alone may change something.
LOOK_SECONDS = 0.01


class How(TypedDict, total=False):
    """How workers are started: see World.start."""

    workers: int
    stop: bool
    concurrency: int
    durable: bool
    dead_letters: bool
    tasks: bool


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


# No repr: pytest-asyncio has one made for each case, of all its frames.
@dataclass(slots=True, repr=False)
class World:
    pool: Pool
    # Whose client and whose workers: one SDK, or the two of a mixed fleet.
    client_config: AdapterConfig
    worker_configs: Sequence[AdapterConfig]
    # Straight to the database; redis-py has types for few of its replies.
    redis: Any
    # Where the records are, if not on Redis too.
    table: Table | None = None
    recipe: Recipe = field(default_factory=Recipe)
    trace: Trace = field(default_factory=Trace)
    director: Rules = field(init=False)
    # Who directs in its place, when schedules are explored.
    scheduler: Director | None = None
    # How far that has come.
    explored: Explored | None = None
    actors: script.Actors = field(default_factory=script.Actors)
    problems: list[Problem] = field(default_factory=list)
    invocations: list[script.Call] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    # Invocations that the runner is still to answer.
    answering: set[asyncio.Task[None]] = field(default_factory=set)
    started: float = field(default_factory=time.time)
    # Seconds for each reply, where the usual is more.
    patience: float = math.inf
    _members: list[Member] = field(default_factory=list)
    _killed: list[Member] = field(default_factory=list)
    _client: Member | None = None
    _clients: int = 0

    def __post_init__(self) -> None:
        self.director = Rules(self.trace)

    # ---- the database -------------------------------------------------------

    @property
    def database(self) -> Database:
        redis = OnRedis(self.redis)
        return redis if self.table is None else WithTable(redis, self.table)

    async def given(self, *states: state.State) -> None:
        """Put this into the database, next to what is there."""
        joined, now = state.join(states), int(time.time())
        with self._writing(
            {
                entry.key.fill(b"", 0): entry.string.fill(b"", now)
                for entry in joined.entries
                if entry.string is not None
            }
        ):
            await self.database.write(joined)
        for entry in joined.entries:
            for item in entry.items:
                key = text(entry.key.fill(b"", 0))
                self.trace.aside("", Deed(Act.PUSH, key, item.fill(b"", 0)))

    async def expect(self, *states: state.State, problems: Sequence[str] = ()) -> None:
        """Demand that the database holds this and nothing else.

        `problems` are the codes that workers must have reported, in any order.
        """
        self.check()
        actual = await self.database.read()
        comparison = state.Comparison.make(
            state.join(states), actual, self.started, time.time()
        )
        if not comparison.equal:
            raise CaseFailed(comparison.report())
        await self.expect_problems(*problems)
        if left := self.actors.unplayed():
            raise CaseFailed(f"the handler was not invoked as often as due: {left}")

    async def expect_problems(self, *codes: str) -> None:
        """Demand that the workers reported just this, in any order."""
        # A report comes by another way than the commands: it may be a bit late.
        deadline = time.monotonic() + REPORT_SECONDS
        while len(self.problems) < len(codes):
            left = deadline - time.monotonic()
            if not await self.trace.changed(self.trace.events, max(left, 0)):
                break
        got = sorted(problem.code for problem in self.problems)
        if got != sorted(codes):
            due = ", ".join(sorted(codes)) or "none"
            shown = "\n".join(map(str, self.problems)) or "none"
            raise CaseFailed(f"expected problems: {due}; got:\n{shown}")
        self.problems.clear()

    async def queue(self, topic: str) -> list[ScheduleMessage]:
        """Read the messages that are on a queue, from its head."""
        items: list[bytes]
        items = await raw(self.redis, "LRANGE", topic, 0, -1)
        return [ScheduleMessage.decode(item) for item in items]

    async def stored(self, key: str) -> bytes | None:
        """Read what is stored at a key, straight from the database."""
        return await self.database.get(key.encode())

    async def remove(self, key: str) -> None:
        """Remove what is at a key, as another worker might do just now."""
        with self._writing({key.encode(): None}):
            await self.database.remove(key.encode())

    @contextmanager
    def _writing(self, strings: Mapping[bytes, bytes | None]) -> Iterator[None]:
        """Note what the case writes: before, for it may be seen at once, and after."""
        for key in strings:
            self.trace.aside("", Deed(Act.TOUCH, text(key)))
        yield
        for key, octets in strings.items():
            self.trace.aside("", Deed(Act.WRITE, text(key), octets))

    # ---- the SDK's client ---------------------------------------------------

    async def schedule(self, topic: str, call: pb.Ask | str) -> None:
        """Schedule a root with the SDK's client."""
        message = pb.Ask()
        message.CopyFrom(ask(call) if isinstance(call, str) else call)
        message.topic = topic
        await (await self._get_client()).adapter.schedule(message)

    async def read(self, call_hash: str) -> bytes | None:
        """Read a value with the SDK's client; None is absent."""
        return await (await self._get_client()).adapter.read(call_hash)

    async def schedule_task(self, topic: str, task: str, args: bytes) -> None:
        """Schedule a root with the SDK's app layer; the arguments are JSON."""
        adapter = (await self._get_client()).adapter
        await adapter.schedule_task(topic, task, args)

    async def read_task(self, task: str, args: bytes) -> bytes | None:
        """Read the value of a call with the SDK's app layer: JSON; None is absent."""
        return await (await self._get_client()).adapter.read_task(task, args)

    async def encode_call(self, task: str, args: pb.Json) -> pb.EncodedCall:
        """Encode a call with the codec of the SDK's tasks."""
        return await (await self._get_client()).adapter.encode_call(task, args)

    def new_client(self) -> None:
        """Let another process be the client from now on."""
        self._client = None

    async def _get_client(self) -> Member:
        if self._client is None:
            self._clients += 1
            name = "client" if self._clients == 1 else f"client-{self._clients}"
            self._client = await self._open(self.client_config, name)
        return self._client

    # ---- the SDK's workers --------------------------------------------------

    async def serve(
        self, topic: str, rules: script.Script | None = None, **how: Unpack[How]
    ) -> list[Worker]:
        """Start workers on a topic, and wait until all is quiet."""
        started = await self.start(topic, rules, **how)
        await self.quiet()
        return started

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
    ) -> list[Worker]:
        """Start workers, each a process of its own; they run to the case's end.

        `rules` say what handlers do (script.py), whichever worker runs them. With
        `stop`, a worker ends at its first problem, else it reports and goes on;
        with `dead_letters`, it sets the message aside first. With `tasks`, workers
        run those of conformance/programs.md, and nobody asks the runner.
        """
        self.actors.learn(rules or {})
        policy = pb.DEAD_LETTER if dead_letters else pb.STOP if stop else pb.GO_ON
        started = []
        for _ in range(workers):
            for config in self.worker_configs:
                name = f"worker-{len(self.workers) + 1}"
                if len(self.worker_configs) > 1:
                    name = f"{config.name}-{len(self.workers) + 1}"
                member = await self._open(
                    config, name, DEAD_AFTER_MS if durable else None
                )
                serving = Serving(
                    topic, self._invoked, self._problem, self._ended, policy
                )
                worker = Worker(name, member, serving, concurrency)
                self.workers.append(worker)
                await member.adapter.serve(serving, concurrency, tasks=tasks)
                started.append(worker)
        return started

    async def quiet(self) -> None:
        """Wait until every queue served is empty and all workers wait for more."""
        while True:
            self.check()
            seen = self.trace.events
            pause = BUSY
            if not self.answering:
                pause = await look(self.redis, self.workers, self.trace)
            if self.trace.events != seen:
                continue
            if pause == QUIET:
                self.trace.aside("", Deed(Act.QUIET))
                return
            left = self.trace.last + self._stall_seconds - time.monotonic()
            if left <= 0:
                raise AdapterTimeout(self._stalled())
            await self.trace.changed(seen, min(pause, left))

    async def until(
        self, condition: Callable[[], Awaitable[object]], seconds: float, due: str
    ) -> None:
        """Wait until this is so; it is `due` within so many seconds."""
        end = time.monotonic() + seconds
        while not await condition():
            self.check()
            if time.monotonic() > end:
                raise CaseFailed(f"within {seconds:g} s: {due}")
            await self.trace.changed(self.trace.events, LOOK_SECONDS)

    def check(self) -> None:
        """Raise what has gone wrong beside the commands."""
        if self.trace.error is not None:
            raise self.trace.error
        for member in self._members:
            if member.adapter.error is not None:
                raise member.adapter.error

    @property
    def _stall_seconds(self) -> float:
        if any(each.attached for each in self.worker_configs):
            return math.inf
        return min(STALL_SECONDS, self.patience)

    def _stalled(self) -> str:
        busy = [worker.name for worker in self.workers if not worker.ended]
        return (
            f"nothing has happened for {self._stall_seconds:g} s, and not all of "
            f"{', '.join(busy)} wait for a message in a blocking pop"
        )

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
            claims = Profile.WORKER in worker.member.adapter.config.profiles
            if claims and serving.policy != pb.DEAD_LETTER:
                who = worker.member.adapter.config.name
                said = f"{who} claims worker, and replies NOT_IMPLEMENTED to serve"
                self.trace.fail(AdapterBroken(f"{said}: {failure.reason}"))
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

    # ---- interference -------------------------------------------------------
    #
    # By the words of a command. What is to be told by its meaning, held, cut or
    # answered, is for world.director.

    def before(
        self,
        matches: Callable[[Step], bool],
        do: Callable[[Step], Awaitable[None]],
        *,
        times: int | None = None,
    ) -> Rule:
        """Do something before a command that matches goes to the database.

        What it does is done when the command arrives. With `times`, only the
        first so many commands count.
        """
        action = Action("", before=lambda it: do(it.step))
        return self.director.rule(step(matches), action, times=times)

    def after(
        self,
        matches: Callable[[Step], bool],
        do: Callable[[Step], Awaitable[None]],
        *,
        times: int | None = None,
    ) -> Rule:
        """Do something after a command was carried out, before its sender knows."""
        action = Action("", after=lambda it: do(it.step))
        return self.director.rule(step(matches), action, times=times)

    def rewrite(
        self, matches: Callable[[Step], bool], to: Callable[[Step], Step]
    ) -> Rule:
        """Let another command go in place of one that matches."""
        return self.director.rule(step(matches), change(to))

    @property
    def frames(self) -> list[Frame]:
        return self.trace.frames

    def commands(self, matches: Callable[[Step], bool] | None = None) -> list[Frame]:
        """Give the commands that went to Redis or DynamoDB, in order."""
        return [
            frame
            for frame in self.trace.frames
            if frame.reply is None and (matches is None or matches(frame.step))
        ]

    # ---- life ---------------------------------------------------------------

    def judge(self) -> Violation | None:
        """Tell what of all that passed the protocol does not allow.

        Not where the case has sent other commands than the SDK's, nor where it has
        had each of its schedules judged already.
        """
        if self.explored is not None:
            return None
        return None if self.director.has_rewritten else check(self.trace)

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

    async def another(self) -> World:
        """Give a world of the same SDKs on the same database, which is cleared."""
        database = self.database
        for key in await database.read():
            await database.remove(key)
        return World(
            self.pool,
            self.client_config,
            self.worker_configs,
            self.redis,
            self.table,
            self.recipe,
            patience=self.patience,
        )

    def show(self, other: World) -> None:
        """Let what happened in another world be what happened here."""
        self.trace, self.problems = other.trace, other.problems

    def log(self) -> str:
        """Give what the processes wrote to standard error."""
        logs = [
            (member.tap.worker, member.adapter.log().strip())
            for member in [*self._members, *self._killed]
        ]
        return "\n".join(f"[{name}] {text}" for name, text in logs if text)
