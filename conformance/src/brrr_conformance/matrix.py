# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix: every SDK with every other, and all of them in one fleet.

A cell is one graph of calls over two topics. The caller schedules it and serves
the one topic, the callee serves the other; so each of them defers to the other,
wakes the other, and adds to records that the other has written. Both read the
values. Where both run programs, they run one the same way, as tasks of their own.
The fleet works off many graphs, made at random, on one topic.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brrr_conformance import deviation
from brrr_conformance.build import ask
from brrr_conformance.config import Profile
from brrr_conformance.diagnosis import tell
from brrr_conformance.graph import Graph, Node, at_random, delivered, expect_done
from brrr_conformance.outcome import (
    AdapterTimeout,
    CaseFailed,
    NotImplementedByAdapter,
    Status,
    status_of,
    worst,
)
from brrr_conformance.pool import Pool
from brrr_conformance.program import Oracle, Program
from brrr_conformance.report import Outcome
from brrr_conformance.server import Server, serve_redis
from brrr_conformance.stage import check, check_values
from brrr_conformance.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from brrr_conformance.config import AdapterConfig
    from brrr_conformance.deviation import Deviation
    from brrr_conformance.pb import adapter_pb2 as pb

PAIR_SECONDS = 30.0
FLEET_SECONDS = 60.0
GRAPH_SECONDS = 2.0

CALLER_TOPIC = "größe/:"
CALLEE_TOPIC = "\U0001f600 topic"
TOPIC = "t"
FLEET = "fleet"

# Down and up between the two; `m` is waited for on both topics, `z` has no octets.
PAIR = Graph(
    {
        "p": Node(("a", "b", "m"), topic=CALLER_TOPIC),
        "a": Node(("m", "c"), topic=CALLEE_TOPIC),
        "b": Node(("c", "z"), at_once=False, topic=CALLEE_TOPIC),
        "m": Node(("z",), topic=CALLER_TOPIC),
        "c": Node(topic=CALLEE_TOPIC),
        "z": Node(topic=CALLEE_TOPIC, silent=True),
    }
)

# The same as a program: each side calls, and is called, by its own app layer.
CALLER_TASKS, CALLEE_TASKS = "größe/: tasks", "\U0001f600 tasks"
DOWN, UP = CALLEE_TASKS, CALLER_TASKS
PROGRAM = Program(
    [
        {"do": [[[1, DOWN], [2, DOWN], [3, UP]], [[6, DOWN]]]},
        {"do": [[[3, UP], [4, DOWN]]]},
        {"do": [[[4, DOWN]], [[5, DOWN]]]},
        {"do": [[[5, DOWN]]]},
        {"task": "echo", "args": [{"a": ["é", None, 1]}]},
        {"task": "hello", "args": [""]},
        {"task": "fib", "args": [6]},
    ],
    [[0, CALLER_TASKS]],
)


@dataclass(frozen=True, slots=True)
class Cell:
    caller: str
    callee: str
    outcome: Outcome


@dataclass(slots=True)
class Fleet:
    """All SDKs on one topic, and what they have done."""

    adapters: tuple[str, ...]
    graphs: int
    seed: int
    calls: int = 0
    messages: int = 0
    # How many invocations each SDK has handled.
    handled: dict[str, int] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=lambda: Outcome("matrix.fleet", FLEET, ()))


@dataclass(slots=True)
class Matrix:
    pairs: list[Cell]
    fleet: Fleet
    welcomes: dict[str, pb.Welcome]
    seconds: float = 0.0

    @property
    def outcomes(self) -> list[Outcome]:
        return [*(cell.outcome for cell in self.pairs), self.fleet.outcome]

    @property
    def failures(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.status.is_failure]


@dataclass(slots=True)
class Player:
    """Plays cells, one after the other, on one Redis."""

    server: Server
    pool: Pool
    listed: Sequence[Deviation]

    async def play_pair(self, caller: AdapterConfig, callee: AdapterConfig) -> Cell:
        async def play(world: World, others: list[World]) -> None:
            await serve_with(world, caller, CALLER_TOPIC)
            await serve_with(world, callee, CALLEE_TOPIC)
            await world.schedule(CALLER_TOPIC, ask("p"))
            await world.quiet()
            await self._read_all(PAIR.values, [world, *others])
            await expect_done(world, PAIR, uncounted=0, most=1 + 4 * PAIR.edges)
            if Profile.PROGRAM in caller.profiles & callee.profiles:
                await play_program(world, others, caller, callee)

        members = list({each.name: each for each in (caller, callee)}.values())
        name = f"{deviation.MATRIX}{caller.name}.{callee.name}"
        outcome = Outcome(name, f"{caller.name}+{callee.name}", ())
        outcome = await self._play(outcome, members, PAIR, play, PAIR_SECONDS)
        return Cell(caller.name, callee.name, outcome)

    async def play_fleet(
        self, present: Sequence[AdapterConfig], missing: Sequence[str], fleet: Fleet
    ) -> None:
        """Let all that are there work; without those that are missing."""
        graphs = make_graphs(fleet.seed, fleet.graphs)
        whole = Graph(
            {name: node for each in graphs for name, node in each.nodes.items()}
        )
        fleet.calls = len(whole.nodes)

        async def play(world: World, others: list[World]) -> None:
            clients = [world, *others]
            for config in present:
                await serve_with(world, config, TOPIC)
            for number, graph in enumerate(graphs):
                root = next(iter(graph.nodes))
                await clients[number % len(clients)].schedule(TOPIC, ask(root))
            try:
                await world.quiet()
                roots = [next(iter(graph.nodes)) for graph in graphs]
                due = {root: whole.values[root] for root in roots}
                await self._read_all(due, clients)
                most = sum(1 + 4 * graph.edges for graph in graphs)
                await expect_done(world, whole, uncounted=0, most=most)
            finally:
                fleet.messages = len(delivered(world))
                fleet.handled = count_handled(world)

        seconds = FLEET_SECONDS + GRAPH_SECONDS * fleet.graphs
        fleet.outcome = await self._play(fleet.outcome, present, whole, play, seconds)
        if missing:
            status = worst([fleet.outcome.status, Status.NOT_IMPLEMENTED])
            said = f"without {', '.join(missing)}: {fleet.outcome.status}"
            if fleet.outcome.message:
                said += f": {fleet.outcome.message}"
            fleet.outcome = replace(fleet.outcome, status=status, message=said)

    async def _play(
        self,
        outcome: Outcome,
        members: Sequence[AdapterConfig],
        graph: Graph,
        play: Callable[[World, list[World]], Awaitable[None]],
        seconds: float,
    ) -> Outcome:
        """Give each member a client, the first one's world to work in; and judge."""
        started = time.monotonic()
        await self.server.redis.flushdb()
        worlds = [
            World(
                pool=self.pool,
                client_config=each,
                worker_configs=(),
                redis=self.server.redis,
            )
            for each in members
        ]
        worlds[0].actors.learn(graph.rules())
        error: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                for member in members:
                    demand_profiles(member)
                await play(worlds[0], worlds[1:])
        except TimeoutError:
            error = AdapterTimeout(f"it is not over after {seconds:g} s")
            error.add_note(whose_workers(worlds[0]))
        except Exception as raised:
            error = raised
            error.add_note(whose_workers(worlds[0]))
        for world in worlds:
            try:
                await world.end()
            except Exception as raised:
                error = error or raised
        status, message = status_of(error), ""
        if error is not None:
            bare = status is Status.NOT_IMPLEMENTED
            message = str(error) if bare else tell(error, worlds[0])
        outcome = outcome.after(status, time.monotonic() - started, message)
        names = {member.name for member in members}
        mine = [entry for entry in self.listed if entry.adapter in names]
        known = deviation.entries_for(mine, outcome.id, outcome.adapter)
        return deviation.judge(outcome, known)

    async def _read_all(self, due: dict[str, bytes], clients: Sequence[World]) -> None:
        """Demand that every SDK reads the values that the oracle knows."""
        for client in clients:
            wrong = [
                f"{name!r} is {got!r}, not {value!r}"
                for name, value in due.items()
                if (got := await client.read(name)) != value
            ]
            if wrong:
                reader = client.client_config.name
                some = "\n".join(wrong[:10])
                raise CaseFailed(
                    f"{len(wrong)} values are wrong, {reader} reads:\n{some}"
                )


async def play_matrix(
    adapters: Sequence[AdapterConfig],
    listed: Sequence[Deviation],
    redis: str | None,
    seed: int,
    graphs: int,
) -> Matrix:
    """Play every ordered pair, then the fleet."""
    started = time.monotonic()
    async with serve_redis(redis) as server:
        pool = Pool(server)
        player = Player(server, pool, listed)
        try:
            pairs = [
                await player.play_pair(caller, callee)
                for caller in adapters
                for callee in adapters
            ]
            missing = [
                each.caller
                for each in pairs
                if each.caller == each.callee
                and each.outcome.status is Status.NOT_IMPLEMENTED
            ]
            names = tuple(each.name for each in adapters)
            fleet = Fleet(names, graphs, seed)
            present = [each for each in adapters if each.name not in missing]
            if present:
                await player.play_fleet(present, missing, fleet)
            else:
                status = Status.NOT_IMPLEMENTED
                fleet.outcome = fleet.outcome.after(status, 0.0, "nobody is there")
        finally:
            await pool.end()
    return Matrix(pairs, fleet, pool.welcomes, time.monotonic() - started)


def make_graphs(seed: int, number: int) -> list[Graph]:
    """Make graphs with shared nodes, no two of them with a call in common."""
    graphs = []
    for each in range(number):
        chance = random.Random(f"{seed}/{each}")  # noqa: S311 - the same graph each time
        size, reach = chance.randint(2, 24), chance.randint(1, 8)
        graphs.append(at_random(chance, size, reach, 4, prefix=f"g{each}."))
    return graphs


async def play_program(
    world: World, others: list[World], caller: AdapterConfig, callee: AdapterConfig
) -> None:
    """Let both run the tasks of a program, and read what each call is worth."""
    oracle = Oracle(PROGRAM)
    stage = await world.another()
    try:
        for config, topic in ((caller, CALLER_TASKS), (callee, CALLEE_TASKS)):
            stage.worker_configs = (config,)
            await stage.start(topic, tasks=True)
        (root,) = PROGRAM.edges
        await stage.schedule_task(root.topic, root.call.task, root.call.args.encode())
        await stage.quiet()
        await check(stage, oracle)
        for other in others:
            await check_values(other, oracle)
    except Exception:
        world.show(stage)
        raise
    finally:
        await stage.end()


def demand_profiles(adapter: AdapterConfig) -> None:
    if missing := {Profile.CLIENT, Profile.WORKER} - adapter.profiles:
        names = ", ".join(sorted(missing))
        raise NotImplementedByAdapter(f"{adapter.name} does not claim {names}")


async def serve_with(world: World, config: AdapterConfig, topic: str) -> None:
    """Let a worker of this SDK serve a topic, from now on."""
    world.worker_configs = (config,)
    await world.start(topic)


def count_handled(world: World) -> dict[str, int]:
    """Count the invocations of each SDK."""
    owner = {each.name: each.member.adapter.config.name for each in world.workers}
    counts = Counter(owner[call.worker] for call in world.invocations)
    return {name: counts[name] for name in owner.values()}


def whose_workers(world: World) -> str:
    owners = [(each.name, each.member.adapter.config.name) for each in world.workers]
    return ", ".join(f"{name} is of {owner}" for name, owner in owners)
