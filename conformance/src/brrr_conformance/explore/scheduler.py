# SPDX-License-Identifier: AGPL-3.0-only
"""Plays schedules with real workers: holds each command until it is chosen.

The workers stay open from run to run. Between two runs each is held at its request
for a message, which is where it will begin; the database is made anew.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from brrr_conformance.aside import Act, Deed
from brrr_conformance.explore.effects import watching
from brrr_conformance.explore.handlers import Handler
from brrr_conformance.explore.hands import Hand, Held
from brrr_conformance.explore.order import Event
from brrr_conformance.explore.play import Play, Played
from brrr_conformance.explore.scenario import MARK
from brrr_conformance.explore.search import Offer
from brrr_conformance.explore.straight import Straight, pack
from brrr_conformance.explore.words import words_of
from brrr_conformance.outcome import AdapterTimeout, CaseFailed
from brrr_conformance.protocol import Decoder
from brrr_conformance.script import Actors
from brrr_conformance.sleeper import Sleeper
from brrr_conformance.step import Step
from brrr_conformance.world import REPORT_SECONDS

if TYPE_CHECKING:
    from brrr_conformance.aside import Aside
    from brrr_conformance.explore.effects import Accesses
    from brrr_conformance.explore.hands import Line
    from brrr_conformance.explore.scenario import Scenario
    from brrr_conformance.explore.search import Choose
    from brrr_conformance.protocol import Operations
    from brrr_conformance.resp import Reply
    from brrr_conformance.world import World

# How long a worker may do nothing that is seen before it is taken to hang.
STALL_SECONDS = 5.0
# Passes of the event loop after which all that a sleeping process wrote was read.
PASSES = 4
# Where nobody knows whether a process sleeps, it is waited so long.
GRACE_SECONDS = 0.01
# Between two looks at one that is at work.
NAP_SECONDS = 0.0002
# A pop is not held longer from run to run, or its sender would give it up.
POP_SECONDS = 8.0
POP_MOMENT = b"0.001"
# No run of a scenario is as long.
MOST_EVENTS = 400


@dataclass(slots=True)
class Scheduler:
    """A Director (tap.py) and a Program (search.py)."""

    world: World
    scenario: Scenario
    straight: Straight
    play: Play = field(init=False)
    hands: dict[str, Hand] = field(default_factory=dict)
    # The commands that make the state that a run begins with.
    _given: list[bytes] = field(default_factory=list)
    # What passed between runner and adapters before the first run.
    _started: list[Aside] = field(default_factory=list)
    _decoder: Decoder = field(default_factory=Decoder)
    _sleepers: dict[str, Sleeper] = field(default_factory=dict)
    # While a run is under way.
    _choose: Choose | None = None
    # No more messages are taken; everything passes.
    _ending: bool = False
    _open: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.play = Play(self.scenario)
        self._given = [pack(*words) for words in self.scenario.commands()]

    # ---- life ---------------------------------------------------------------

    @classmethod
    async def start(cls, world: World, scenario: Scenario) -> Scheduler:
        """Start the workers; all of them ask for a message, and are held."""
        scheduler = cls(world, scenario, await Straight.connect(world.pool.server))
        world.scheduler = scheduler
        for topic, number in scenario.workers.items():
            for worker in await world.start(topic, workers=number):
                scheduler._hand(worker.name)
                adapter = worker.member.adapter
                scheduler._sleepers[worker.name] = Sleeper.of(adapter.process.pid)
                adapter.on_error = scheduler._wake.set
        return scheduler

    def close(self) -> None:
        """Let everything pass from now on."""
        self._open = True
        for hand in self.hands.values():
            for held in hand.held.values():
                if not held.go.done():
                    held.go.set_result(None)
        self.straight.close()

    # ---- a run --------------------------------------------------------------

    async def run(self, choose: Choose) -> Played:
        """Play one schedule, and leave the workers as they were before it."""
        await self._begin()
        play = self.play
        error: Exception | None = None
        self._choose = choose
        await self._quiet()
        events, operations = list(play.events), list(play.operations)
        if len(events) == MOST_EVENTS:
            error = CaseFailed(f"there is no end to it: {MOST_EVENTS} commands so far")
            self._ending, self._choose = True, lambda offers: offers[0]
            await self._quiet()
            self._ending = False
        trace = self.world.trace
        if trace.error is not None:
            error, trace.error = trace.error, None
        snapshot, problems = await play.snapshot(self.straight), await self._problems()
        trace.aside("", Deed(Act.QUIET))
        waiting = [
            Event(held.name, held.accesses, held.after | self._before(hand))
            for hand in self.hands.values()
            for held in hand.held.values()
        ]
        return Played(
            events, waiting, operations, snapshot, problems, play.started, error
        )

    async def _begin(self) -> None:
        """Make the database anew, and forget the run before."""
        await self._quiet()
        await self._refresh()
        world = self.world
        play = self.play = Play(self.scenario, self.play.number + 1)
        tasks = self.scenario.tasks.items()
        world.actors = Actors({play.now(it): Handler(self, task) for it, task in tasks})
        self._forget()
        for hand in self.hands.values():
            hand.begin()
        commands = [pack(b"FLUSHDB"), *self._given]
        given = b"".join(commands).replace(MARK, play.mark)
        await self.straight.ask(given, len(commands))
        for deed in self.scenario.deeds():
            key, octets = play.now(deed.key), (deed.octets or b"")
            octets = octets.replace(MARK, play.mark)
            world.trace.aside("", replace(deed, key=key, octets=octets))

    def _forget(self) -> None:
        """Leave nothing in the trace but how the workers were started."""
        world, trace = self.world, self.world.trace
        if self.play.number == 1:
            self._started = [replace(each, at=0) for each in trace.asides]
        trace.asides[:] = self._started
        trace.frames.clear()
        trace.interventions.clear()
        world.invocations.clear()
        world.problems.clear()

    async def _problems(self) -> list[str]:
        """Give what the workers reported; it may come after their next commands."""
        trace, problems = self.world.trace, self.world.problems
        limits = self.play.limited & {
            each.key for done in self.play.operations for each in done
        }
        if limits and not problems:
            await trace.changed(trace.events, REPORT_SECONDS)
        return [problem.code for problem in problems]

    # ---- choices ------------------------------------------------------------

    def _advance(self) -> None:
        """Let one more command go, if all workers are quiescent."""
        if self._choose and all(hand.quiescent for hand in self.hands.values()):
            offers = self._offers()
            if offers and (self._ending or len(self.play.events) < MOST_EVENTS):
                self._go(self._choose(offers).name)
            else:
                self._choose = None

    def _offers(self) -> list[Offer]:
        offers = []
        strangers: set[str] = set()
        for hand in self.hands.values():
            topic = hand.worker.serving.topic
            if hand.fresh:  # all that are fresh are alike: the first is enough
                if topic in strangers:
                    continue
                strangers.add(topic)
            offers += [
                Offer(held.name, hand.name, held.accesses)
                for held in hand.held.values()
                if self._may_go(held)
            ]
        return offers

    def _may_go(self, held: Held) -> bool:
        """Tell whether it is no pop, or there is a message."""
        if not held.topics:
            return True
        return not self._ending and any(self.play.queues[it] for it in held.topics)

    def _go(self, chosen: str) -> None:
        for hand in self.hands.values():
            for held in hand.held.values():
                if held.name == chosen:
                    self.play.go(hand, held, self._before(hand))
                    return

    def _before(self, hand: Hand) -> int:
        """Of a fresh worker, give what must be before: the first event of another.

        Those on one topic are alike, so they begin in this order.
        """
        before = 0
        for each in self.hands.values():
            if each is hand:
                return before if hand.fresh else 0
            if each.worker.serving.topic == hand.worker.serving.topic:
                before = self.play.first.get(each.name, 0)
        return 0

    # ---- quiescence ---------------------------------------------------------

    async def _quiet(self) -> None:
        """Wait until all workers are quiescent, and no choice is left."""
        news = -1
        while True:
            self._check()
            self._advance()
            restless = [hand for hand in self.hands.values() if not hand.quiescent]
            if self._choose is None and not restless:
                return
            if all(hand.held and not hand.busy for hand in restless):
                for hand in restless:
                    await self._look_asleep(hand)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._check()
                before, news = news, sum(each.news for each in self.hands.values())
                if news == before:
                    names = ", ".join(hand.name for hand in restless)
                    raise AdapterTimeout(
                        f"{names}: for {STALL_SECONDS:g} s neither a command nor a "
                        "request for the next message"
                    ) from None

    def _check(self) -> None:
        # What a handler complains of is told at the end of the run.
        if not isinstance(self.world.trace.error, AssertionError):
            self.world.check()

    def _notify(self) -> None:
        """Something has come, or gone: perhaps a choice is due, or it is over."""
        self._advance()
        hands = self.hands.values()
        if self._choose is None or all(it.held and not it.busy for it in hands):
            self._wake.set()

    async def _look_asleep(self, hand: Hand) -> None:
        """Find out whether a worker sleeps, and sent nothing before it did."""
        news, asleep = hand.news, self._sleepers[hand.name].sleeps()
        if not asleep:
            await asyncio.sleep(GRACE_SECONDS if asleep is None else NAP_SECONDS)
        for _ in range(PASSES):
            await asyncio.sleep(0)
        connecting = hand.worker.member.tap.connecting
        if asleep is not False and hand.news == news and not connecting:
            hand.sleeps = True

    async def _refresh(self) -> None:
        """Let pops that are held for long end in nothing, as they would in Redis."""
        now = time.monotonic()
        for hand in self.hands.values():
            for held in list(hand.held.values()):
                if held.step and held.topics and now - held.since > POP_SECONDS:
                    held.step = _in_short(held.step)
                    hand.go(held, 0)
        await self._quiet()

    # ---- what comes ---------------------------------------------------------

    async def admit(self, worker: str, connection: int, step: Step) -> Step:
        hand = self._hand(worker)
        if hand is None:
            return step
        operations = self._decoder.sent(worker, connection, step)
        line: Line = ("connection", connection)
        accesses = self._accesses(hand, line, step, operations)
        if not accesses:  # not of the protocol
            hand.flying[id(step)] = None
            return step
        words = words_of(step, operations)
        held = await self.hold(hand, line, words, accesses, step, operations)
        return held.step or step

    async def release(
        self, worker: str, connection: int, step: Step, reply: Reply
    ) -> Reply:
        hand = self._hand(worker)
        if hand is None:
            return reply
        operations = self._decoder.answered(worker, connection, step, reply)
        held = hand.flying.pop(id(step), None)
        if held is not None:
            line: Line = ("connection", connection)
            bit = hand.lines.get(line, 0)
            if bit:
                done = operations or held.operations
                await self.play.note(bit, done, self.straight)
            hand.complete(bit)
            hand.touch(reacted=line in hand.held)
        elif not hand.held:
            hand.touch(reacted=False)
        self._notify()
        return reply

    def _hand(self, worker: str) -> Hand | None:
        """Find who sends, if it serves already, and the play is on."""
        for each in self.world.workers[len(self.hands) :]:
            self.hands[each.name] = Hand(each)
        return None if self._open else self.hands.get(worker)

    def _accesses(
        self, hand: Hand, line: Line, step: Step, operations: Operations
    ) -> Accesses:
        """Give what an event touches; of a transaction, its EXEC is the event."""
        accesses = self.play.effects(operations)
        if step.name == "WATCH":
            accesses = watching(Step(tuple(map(self.play.usual, step.args))))
            hand.watched[line] = hand.watched.get(line, ()) + accesses
        elif step.name in ("EXEC", "DISCARD", "UNWATCH"):
            watched = hand.watched.pop(line, ())
            if step.name == "EXEC":
                accesses += watched
        return accesses

    async def hold(
        self,
        hand: Hand,
        line: Line,
        words: str,
        accesses: Accesses,
        step: Step | None = None,
        operations: Operations = (),
    ) -> Held:
        """Hold a command, or what a handler reads, until it is chosen."""
        go: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        topics = self.play.pops(operations)
        held = Held(words, line, accesses, go, step, operations, topics)
        hand.hold(held)
        self._notify()
        try:
            await go
        except asyncio.CancelledError:  # its connection is closed
            if hand.held.get(line) is held:
                del hand.held[line]
            raise
        return held


def _in_short(step: Step) -> Step:
    """Let a pop wait in Redis for a moment only."""
    args = list(step.args)
    if step.name == "BLMPOP":
        args[1] = POP_MOMENT
    elif step.is_pop:
        args[-1] = POP_MOMENT
    return Step(tuple(args))
