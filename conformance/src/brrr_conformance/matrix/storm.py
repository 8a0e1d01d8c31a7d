# SPDX-License-Identifier: AGPL-3.0-only
"""Storms: SDKs in one fleet run programs, while workers die and connections are lost.

Several programs over two topics, with calls that are shared and roots that come
again. Faults come at steps of the protocol, whoever takes that step. What must
hold is what the weakest member promises:

    at-most-once    the store never lies, and the trace checker accepts what was
                    done. A root may be left; scheduled anew, it gets its value
    durable         every root gets its value, and nothing is set aside
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis import RedisError

from brrr_conformance import deviation, jcs
from brrr_conformance.commands import Kind
from brrr_conformance.config import Profile
from brrr_conformance.director import (
    CUT_AFTER,
    CUT_BEFORE,
    DONE,
    Action,
    Cut,
    Match,
    answer,
    delay_reply,
    do,
    does,
    drop_reply,
    hold,
)
from brrr_conformance.matrix.fleet import without
from brrr_conformance.matrix.weather import (
    RESTART,
    STEPS,
    TOPICS,
    Fault,
    make_faults,
    make_program,
)
from brrr_conformance.outcome import CaseFailed, NotImplementedByAdapter
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.program import NOTHING, Oracle
from brrr_conformance.report import Outcome
from brrr_conformance.stage import Found, hashes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.crew import Worker
    from brrr_conformance.director import Passing
    from brrr_conformance.matrix.arena import Arena
    from brrr_conformance.program import Call
    from brrr_conformance.world import World

SECONDS = 120.0
# How long a fleet may take to come to rest after the last fault, durable or not.
REST_SECONDS = 60.0
PROGRAMS = 3
DELIVERIES = {"at-most-once": False, "durable": True}
DROPPED_SECONDS = 0.05
LATE_SECONDS = 0.02
START_SECONDS = 15.0
# Between two looks at what dead workers have left behind.
LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Storm:
    adapters: tuple[str, ...]
    delivery: str
    outcome: Outcome
    calls: int = 0
    roots: int = 0
    # Those that came about.
    faults: list[Fault] = field(default_factory=list)
    # Roots that had their values without being scheduled anew.
    finished: int = 0

    @property
    def summary(self) -> str:
        faults = ", ".join(f"{it.what} at {it.step} {it.nth}" for it in self.faults)
        return (
            f"{', '.join(self.adapters)}; {self.calls} calls, {self.finished} of "
            f"{self.roots} roots by themselves; faults: {faults or 'none'}"
        )


async def play_storms(
    arena: Arena, present: Sequence[AdapterConfig], missing: Sequence[str]
) -> list[Storm]:
    """Play each kind as often as is asked for, each with faults of its own."""
    storms = []
    for delivery, durable in DELIVERIES.items():
        needs = {Profile.PROGRAM} | ({Profile.DURABLE} if durable else set())
        members = [each for each in present if needs <= each.profiles]
        others = [each.name for each in present if not needs <= each.profiles]
        for number in range(1, arena.terms.storms + 1):
            name = f"{deviation.MATRIX}storm.{delivery}.{number}"
            if not arena.wants(name):
                continue
            outcome = Outcome(name, "fleet", ())
            storm = Storm(tuple(it.name for it in members), delivery, outcome)
            if members:
                stage = Stage(storm, members, durable, f"{delivery} {number}")
                storm.outcome = await arena.play(outcome, members, stage.play, SECONDS)
            absent = [*missing, *([] if durable else others)]
            storm.outcome = without(storm.outcome, members, absent)
            storms.append(storm)
    return storms


# ---- how it is played -------------------------------------------------------


@dataclass(slots=True)
class Stage:
    """One storm."""

    storm: Storm
    members: Sequence[AdapterConfig]
    durable: bool
    name: str
    # Workers that have been killed, and nobody has come in their place yet.
    fallen: list[Worker] = field(default_factory=list)
    # Something is to be seen to; and Redis is not there.
    trouble: asyncio.Event = field(default_factory=asyncio.Event)
    outage: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Who has asked for a message; and that there is another.
    asked: set[str] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    # Nothing happens: somebody has just come, or all is over.
    calm: bool = False

    async def play(self, world: World) -> None:
        chance = world.recipe.chance(self.name)
        sizes = [chance.randint(6, 16) for _ in range(PROGRAMS)]
        programs = [make_program(chance, size) for size in sizes]
        restarts = world.pool.server.own is not None
        made = make_faults(chance, durable=self.durable, restarts=restarts)
        faults: list[Any] = world.recipe.choose(
            "faults", lambda: [[it.what, it.step, it.nth] for it in made]
        )
        oracles = [Oracle(program) for program in programs]
        await self._agree(world, oracles)
        # All are there, and all is scheduled, before anybody takes a message.
        begin = asyncio.Event()
        world.director.rule(does(Kind.POP), Action("", before=self._has_asked))
        world.director.rule(does(Kind.POP), hold(begin))
        for what, step, nth in faults:
            self._plan(world, Fault(what, step, nth))
        for topic in TOPICS:
            for config in self.members:
                await self._start(world, config, topic)
        await self._schedule(world, oracles)
        begin.set()
        await self._rest(world)
        self.calm = True
        await self._check(world, oracles)

    async def _agree(self, world: World, oracles: Sequence[Oracle]) -> None:
        """Demand that all hash the calls alike: else they play no program together."""
        for member in self.members:
            world.client_config = member
            world.new_client()
            for oracle in oracles:
                for call in oracle.played:
                    args = pb.Json(text=call.args.encode())
                    encoded = await world.encode_call(call.task, args)
                    if encoded.call_hash != call.hash:
                        raise NotImplementedByAdapter(
                            f"{member.name} hashes {call} in a way of its own"
                        )

    async def _start(self, world: World, config: AdapterConfig, topic: str) -> None:
        """Let a worker come, and wait until it asks for a message."""
        was_calm, self.calm = self.calm, True
        world.worker_configs = (config,)
        [worker] = await world.start(topic, tasks=True, durable=self.durable)
        async with asyncio.timeout(START_SECONDS):
            while worker.name not in self.asked:
                self.news.clear()
                await self.news.wait()
        self.calm = was_calm

    async def _has_asked(self, it: Passing) -> None:
        self.asked.add(it.worker)
        self.news.set()

    async def _schedule(self, world: World, oracles: Sequence[Oracle]) -> None:
        """Schedule the roots, each with the client of another SDK."""
        edges = [edge for oracle in oracles for edge in oracle.program.edges]
        for number, member in enumerate(self.members):
            world.client_config = member
            world.new_client()
            for edge in edges[number :: len(self.members)]:
                args = edge.call.args.encode()
                await world.schedule_task(edge.topic, edge.call.task, args)
        self.storm.roots = len(edges)
        self.storm.calls = sum(len(oracle.played) for oracle in oracles)

    # ---- faults -------------------------------------------------------------

    def _plan(self, world: World, fault: Fault) -> None:
        seen = 0

        def is_it(it: Passing) -> bool:
            nonlocal seen
            if self.calm or it.worker.startswith("client"):
                return False
            seen += 1
            return seen >= fault.nth

        what = STEPS[fault.step]
        action = self._action(world, fault)
        if fault.step == "take" and action.after is not None:
            what &= DONE  # not one that ended without a message
        world.director.rule(what & Match(is_it), action, times=1)

    def _action(self, world: World, fault: Fault) -> Action:
        usual = {
            "cut-before": CUT_BEFORE,
            "cut-after": CUT_AFTER,
            "reply-dropped": drop_reply(DROPPED_SECONDS),
            "reply-late": delay_reply(LATE_SECONDS),
            "error": answer("LOADING Redis is loading the dataset in memory"),
            RESTART: do(lambda: self._restart(world), "the server restarts"),
        }
        act = usual.get(fault.what)

        async def kill(it: Passing) -> None:
            worker = world.worker(it.worker)
            if worker.ended:
                return
            world.kill(worker)
            self.fallen.append(worker)
            self.trouble.set()
            raise Cut

        if act is None and fault.what == "killed-before":
            act = Action(fault.what, before=kill)
        act = act or Action(fault.what, after=kill)
        return _noting(act, lambda: self.storm.faults.append(fault))

    async def _restart(self, world: World) -> None:
        self.trouble.set()
        async with self.outage:
            with world.outage():
                await world.pool.server.restart()

    # ---- rest ---------------------------------------------------------------

    async def _rest(self, world: World) -> None:
        """Wait until there is nothing to do; let others come for those who fell."""
        async with asyncio.timeout(REST_SECONDS):
            while not await self._is_over(world):
                self.trouble.clear()
                async with self.outage:
                    pass
                while self.fallen:
                    gone = self.fallen.pop()
                    config = gone.member.adapter.config
                    await self._start(world, config, gone.serving.topic)

    async def _is_over(self, world: World) -> bool:
        """Tell whether all is quiet, and was all the time."""
        if self.trouble.is_set():
            return False
        quiet = asyncio.ensure_future(world.quiet())
        trouble = asyncio.ensure_future(self.trouble.wait())
        try:
            await asyncio.wait([quiet, trouble], return_when=asyncio.FIRST_COMPLETED)
            if self.trouble.is_set():
                return False
            await quiet
            if not self.durable or not await _in_flight(world):
                return True
            await asyncio.sleep(LOOK_SECONDS)  # time alone brings it on
        except (RedisError, OSError):
            if not self.trouble.is_set():
                raise
        finally:
            for each in (quiet, trouble):
                each.cancel()
            await asyncio.gather(quiet, trouble, return_exceptions=True)
        return False

    # ---- what must hold -----------------------------------------------------

    async def _check(self, world: World, oracles: Sequence[Oracle]) -> None:
        if ended := [each for each in world.workers if each.failure is not None]:
            why = "; ".join(f"{it.name}: {it.failure}" for it in ended)
            raise CaseFailed(f"workers have ended by themselves\n{why}")
        await check_store(world, oracles)
        left = await self._left(world, oracles)
        self.storm.finished = self.storm.roots - len(left)
        if self.durable:
            if left:
                raise CaseFailed(
                    f"durable, and roots are without a value\n{', '.join(left)}"
                )
            if dead := await world.redis.keys("brrr:dead:*"):
                raise CaseFailed(f"messages were set aside\n{dead}")
            return
        if left:
            await self._schedule(world, oracles)
            await self._rest(world)
            await check_store(world, oracles)
            if left := await self._left(world, oracles):
                raise CaseFailed(
                    "scheduled anew, and roots are still without a value\n"
                    f"{', '.join(left)}"
                )

    async def _left(self, world: World, oracles: Sequence[Oracle]) -> list[str]:
        """Name the roots that have no value, one for each time it was scheduled.

        Which they are differs from run to run, so no first line of a message has them.
        """
        return [
            str(edge.call)
            for oracle in oracles
            for edge in oracle.program.edges
            if await world.stored(f"value/{edge.call.hash}") is None
        ]


def _noting(action: Action, note: Any) -> Action:
    """Let an action be known when it is played."""
    before, after = action.before, action.after

    async def note_before(it: Passing) -> Any:
        note()
        return await before(it) if before is not None else None

    async def note_after(it: Passing) -> Any:
        note()
        return await after(it) if after is not None else None

    if before is not None:
        return Action(action.name, before=note_before)
    return Action(action.name, after=note_after)


async def _in_flight(world: World) -> bool:
    return bool(await world.redis.keys("brrr:inflight:*"))


async def check_store(world: World, oracles: Sequence[Oracle]) -> None:
    """Demand that the store never lies, whatever is unfinished.

    Each value is the right one, and whoever is named in a record has a call.
    """
    worth: dict[str, tuple[Call, Any]] = {}
    for oracle in oracles:
        hashes = await hashes_of(world, oracle) or {}
        for call, call_hash in hashes.items():
            worth[call_hash] = call, oracle.played[call].value
    database = await world.database.read()
    found = Found.sort(
        {key: it for key, it in database.items() if not key.startswith(b"brrr:")}
    )
    for call_hash, record in found.call.items():
        if call_hash not in worth:
            raise CaseFailed(f"{record.task_name} is called, which nobody asked for")
    for call_hash, octets in found.value.items():
        if call_hash not in worth or worth[call_hash][1] is NOTHING:
            raise CaseFailed(f"there is a value for {call_hash}, which has none")
        call, due = worth[call_hash]
        got = jcs.encode(jcs.decode(octets))
        if got != jcs.encode(due):
            raise CaseFailed(f"{call} is worth {jcs.encode(due)}, stored is {got}")
    for call_hash, waiting in found.pending_returns.items():
        for name in (call_hash, *(each.call_hash for each in waiting.returns)):
            if name not in found.call:
                raise CaseFailed(f"{name} waits, or is waited for, without a call")
