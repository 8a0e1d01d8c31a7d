# SPDX-License-Identifier: AGPL-3.0-only
"""What a case does to commands and replies on their way: rules of match and action.

    registers_c = does(Kind.SET_NEW, Kind.CAS, key="pending_returns/c")
    world.director.rule(registers_c & by("worker-2"), CUT_AFTER, times=1)
    world.director.rule(puts("c"), hold(event))

A match looks at the operations of a command (protocol.py) and at who sends it; when
the reply is on its way, at what was done. What a rule does is noted in the trace.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from brrr_conformance.aside import Act, Deed
from brrr_conformance.bencode import DecodeError
from brrr_conformance.commands import Kind
from brrr_conformance.protocol import Decoder
from brrr_conformance.records import ScheduleMessage
from brrr_conformance.tap import Answer, Trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from brrr_conformance.protocol import Operations
    from brrr_conformance.resp import Reply
    from brrr_conformance.step import Step

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Passing:
    """A command on its way to Redis, or its reply on the way back."""

    worker: str
    connection: int
    step: Step
    operations: Operations
    reply: Reply | None = None


# ---- matches ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """Says which commands are meant. Those of a rule are asked once for each."""

    accepts: Callable[[Passing], bool]

    def __and__(self, other: Match) -> Match:
        return Match(lambda it: self.accepts(it) and other.accepts(it))

    def __or__(self, other: Match) -> Match:
        return Match(lambda it: self.accepts(it) or other.accepts(it))

    def __invert__(self) -> Match:
        return Match(lambda it: not self.accepts(it))


EVERYTHING = Match(lambda _: True)


def does(*kinds: Kind, key: str | None = None) -> Match:
    """Match one of these operations, on this key if one is given."""
    return Match(
        lambda it: any(
            each.kind in kinds and key in (None, each.key) for each in it.operations
        )
    )


def compares(key: str) -> Match:
    """Match each set_new, cas and cad of a key: what another worker can make fail."""
    return does(Kind.SET_NEW, Kind.CAS, Kind.CAD, key=key)


def puts(call_hash: str, root_id: str | None = None) -> Match:
    """Match the put of a call's message, on whatever topic."""

    def is_it(octets: bytes) -> bool:
        try:
            message = ScheduleMessage.decode(octets)
        except DecodeError:
            return False
        return message.call_hash == call_hash and root_id in (None, message.root_id)

    return Match(
        lambda it: any(
            each.kind is Kind.PUT and is_it(each.octets or b"")
            for each in it.operations
        )
    )


def by(*workers: str) -> Match:
    return Match(lambda it: it.worker in workers)


def step(matches: Callable[[Step], bool]) -> Match:
    """Match a command by its words."""
    return Match(lambda it: matches(it.step))


# Of a reply: something was taken or found, the write took effect.
DONE = Match(lambda it: any(each.done for each in it.operations))

# ---- actions ----------------------------------------------------------------


class Cut(ConnectionResetError):
    """The connection is to end here."""


Before: TypeAlias = "Callable[[Passing], Awaitable[Step | Answer | None]]"
After: TypeAlias = "Callable[[Passing], Awaitable[Reply | None]]"


@dataclass(frozen=True, slots=True)
class Action:
    """What is done before a command goes, or else before its reply does.

    It may give another command, an answer, or another reply to go instead.
    """

    # As the trace tells it; without one, the trace does not.
    name: str
    before: Before | None = None
    after: After | None = None


async def _cut(_: Passing) -> None:
    raise Cut


# The server never sees the command; or it does, and its sender gets no reply.
CUT_BEFORE = Action("cut before", before=_cut)
CUT_AFTER = Action("cut after", after=_cut)


def do(what: Callable[[], Awaitable[object]], name: str = "") -> Action:
    """Let something happen before the command goes; it ends, whoever hangs up."""

    async def before(_: Passing) -> None:
        await asyncio.shield(asyncio.ensure_future(what()))

    return Action(name, before)


def deny(write: Callable[[], Awaitable[object]]) -> Action:
    """Let another worker write first, so that a compare-and-set finds a mismatch."""
    return do(write, "denied: another was first")


def opens(event: asyncio.Event, *, after: bool = True) -> Action:
    """Let go on what is held until this event."""

    async def open_it(_: Passing) -> None:
        event.set()

    name = "lets others go on"
    return Action(name, after=open_it) if after else Action(name, before=open_it)


def hold(event: asyncio.Event, most: float | None = None) -> Action:
    """Keep the command back until the event, so many seconds at most."""
    return Action("held", before=_waiting(event, most))


def hold_reply(event: asyncio.Event, most: float | None = None) -> Action:
    """Keep the reply back until the event; the command has been carried out."""
    return Action("reply held", after=_waiting(event, most))


def _waiting(
    event: asyncio.Event, most: float | None
) -> Callable[[Passing], Awaitable[None]]:
    async def wait(_: Passing) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), most)

    return wait


def delay(seconds: float) -> Action:
    return Action(f"delayed {seconds:g} s", before=_sleeping(seconds))


def delay_reply(seconds: float) -> Action:
    return Action(f"reply delayed {seconds:g} s", after=_sleeping(seconds))


def drop_reply(seconds: float) -> Action:
    """Carry the command out and say no more; cut the connection after a while."""

    async def after(_: Passing) -> None:
        await asyncio.sleep(seconds)
        raise Cut

    return Action("reply dropped", after=after)


def _sleeping(seconds: float) -> Callable[[Passing], Awaitable[None]]:
    async def sleep(_: Passing) -> None:
        await asyncio.sleep(seconds)

    return sleep


def answer(error: str) -> Action:
    """Answer with an error in place of Redis, which never sees the command."""

    async def before(_: Passing) -> Answer:
        return Answer(error)

    return Action(f"answered {error}", before)


def change(to: Callable[[Step], Step]) -> Action:
    """Let another command go in its place."""

    async def before(it: Passing) -> Step:
        return to(it.step)

    return Action("", before)


# ---- rules ------------------------------------------------------------------


@dataclass(slots=True)
class Rule:
    match: Match
    action: Action
    # How often it may still be played; None is always.
    left: int | None
    played: int = 0

    def takes(self, it: Passing) -> bool:
        """Tell whether it is to be played now, and count that."""
        if self.left == 0 or not self.match.accepts(it):
            return False
        self.left = None if self.left is None else self.left - 1
        self.played += 1
        return True


@dataclass(slots=True)
class Rules:
    """A Director (tap.py): each rule sees each command, in the order of the rules."""

    trace: Trace = field(default_factory=Trace)
    # Whether a command went that no SDK had sent.
    has_rewritten: bool = False
    _before: list[Rule] = field(default_factory=list)
    _after: list[Rule] = field(default_factory=list)
    _decoder: Decoder = field(default_factory=Decoder)

    def rule(self, match: Match, action: Action, *, times: int | None = None) -> Rule:
        """Play an action on each command that matches, or on the first so many."""
        rule = Rule(match, action, times)
        (self._after if action.before is None else self._before).append(rule)
        return rule

    def order(self, first: Match, then: Match, most: float) -> None:
        """Hold what comes then until what comes first is done, or is not coming."""
        done = asyncio.Event()
        self.rule(first, opens(done))
        self.rule(then, hold(done, most))

    async def admit(self, worker: str, connection: int, step: Step) -> Step | Answer:
        operations = self._decoder.sent(worker, connection, step)
        it = Passing(worker, connection, step, operations)
        for rule in self._before:
            if rule.takes(it) and rule.action.before is not None:
                self._note(it, rule.action)
                instead = await self._play(rule.action.before, it)
                if isinstance(instead, Answer):
                    return instead
                if instead is not None:
                    it = Passing(worker, connection, instead, operations)
                    self.has_rewritten = True
        return it.step

    async def release(
        self, worker: str, connection: int, step: Step, reply: Reply
    ) -> Reply:
        operations = self._decoder.answered(worker, connection, step, reply)
        it = Passing(worker, connection, step, operations, reply)
        for rule in self._after:
            if rule.takes(it) and rule.action.after is not None:
                self._note(it, rule.action)
                instead = await self._play(rule.action.after, it)
                reply = reply if instead is None else instead
        return reply

    async def _play(self, act: Callable[[Passing], Awaitable[T]], it: Passing) -> T:
        """Do it; who judges the trace is to know of a connection that it ends."""
        try:
            return await act(it)
        except ConnectionError:
            self.trace.aside(it.worker, Deed(Act.CUT))
            raise

    def _note(self, it: Passing, action: Action) -> None:
        if action.name:
            what = ", ".join(map(str, it.operations)) or str(it.step)
            self.trace.intervene(it.worker, it.connection, f"{action.name}: {what}")
