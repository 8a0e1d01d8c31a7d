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

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Unpack

from brrr_conformance import script, state
from brrr_conformance.aside import Act, Deed
from brrr_conformance.build import ask
from brrr_conformance.checker import Violation, check
from brrr_conformance.crew import Crew, How, Worker
from brrr_conformance.director import Action, change, step
from brrr_conformance.outcome import AdapterTimeout, CaseFailed
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.quiet import BUSY, QUIET, look
from brrr_conformance.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from brrr_conformance.director import Rule
    from brrr_conformance.explore.search import Explored
    from brrr_conformance.step import Step
    from brrr_conformance.tap import Frame

# How long nothing at all may happen before a case is taken to hang.
STALL_SECONDS = 5.0
# How long a worker's report may take to reach the runner.
REPORT_SECONDS = 1.0
# Between two looks at a database in which time alone may change something.
LOOK_SECONDS = 0.01


@dataclass(slots=True, repr=False, kw_only=True)
class World(Crew):
    """The database (ground.py), the processes on it (crew.py), and what is due."""

    recipe: Recipe = field(default_factory=Recipe)
    # How far the exploring of schedules has come.
    explored: Explored | None = None
    started: float = field(default_factory=time.time)

    # ---- the SDK's client ---------------------------------------------------

    async def schedule(self, topic: str, call: pb.Ask | str) -> None:
        """Schedule a root with the SDK's client."""
        message = pb.Ask()
        message.CopyFrom(ask(call) if isinstance(call, str) else call)
        message.topic = topic
        await (await self.get_client()).adapter.schedule(message)

    async def read(self, call_hash: str) -> bytes | None:
        """Read a value with the SDK's client; None is absent."""
        return await (await self.get_client()).adapter.read(call_hash)

    async def schedule_task(self, topic: str, task: str, args: bytes) -> None:
        """Schedule a root with the SDK's app layer; the arguments are JSON."""
        adapter = (await self.get_client()).adapter
        await adapter.schedule_task(topic, task, args)

    async def read_task(self, task: str, args: bytes) -> bytes | None:
        """Read the value of a call with the SDK's app layer: JSON; None is absent."""
        return await (await self.get_client()).adapter.read_task(task, args)

    async def encode_call(self, task: str, args: pb.Json) -> pb.EncodedCall:
        """Encode a call with the codec of the SDK's tasks."""
        return await (await self.get_client()).adapter.encode_call(task, args)

    # ---- the SDK's workers --------------------------------------------------

    async def serve(
        self, topic: str, rules: script.Script | None = None, **how: Unpack[How]
    ) -> list[Worker]:
        """Start workers on a topic, and wait until all is quiet."""
        started = await self.start(topic, rules, **how)
        await self.quiet()
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
            if self.answering:  # the runner is at work: a gather of 1 000 values
                left = pause
            elif left <= 0:
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

    # ---- what is due --------------------------------------------------------

    async def expect(
        self,
        *states: state.State,
        problems: Sequence[str] = (),
        beside: Collection[bytes] = (),
    ) -> None:
        """Demand that the database holds this and nothing else.

        `problems` are the codes that workers must have reported, in any order;
        `beside` are keys that are not looked at.
        """
        self.check()
        found = await self.database.read()
        actual = {key: value for key, value in found.items() if key not in beside}
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

    async def another(self) -> World:
        """Give a world of the same SDKs on the same database, which is cleared."""
        database = self.database
        for key in await database.read():
            await database.remove(key)
        return World(
            pool=self.pool,
            client_config=self.client_config,
            worker_configs=self.worker_configs,
            redis=self.redis,
            table=self.table,
            recipe=self.recipe,
            patience=self.patience,
        )

    def show(self, other: World) -> None:
        """Let what happened in another world be what happened here."""
        self.trace, self.problems = other.trace, other.problems
