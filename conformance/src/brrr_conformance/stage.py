# SPDX-License-Identifier: AGPL-3.0-only
"""Plays a program on an SDK, and holds what comes of it against the oracle.

What every SDK shows: how many calls, values and counters there are, and what its
own client reads. Where it also tells its hashes, each record must be the one due.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from brrr_conformance import jcs
from brrr_conformance.config import Profile
from brrr_conformance.graph import delivered
from brrr_conformance.outcome import CaseFailed, NotImplementedByAdapter
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.program import NOTHING, Call, Oracle, Program
from brrr_conformance.records import Call as CallRecord
from brrr_conformance.records import PendingReturns

if TYPE_CHECKING:
    from brrr_conformance.state import Stored
    from brrr_conformance.step import Step
    from brrr_conformance.world import World

# A jostled command waits for others, but never for longer.
JOSTLE_SECONDS = 0.003
SHOWN = 160
NAMES = ("workers", "hands", "ready", "respelled")


@dataclass(frozen=True, slots=True)
class Plan:
    """A program, and how it is played."""

    program: Program
    # On each topic.
    workers: int = 1
    # Invocations at a time, of each worker.
    hands: int = 1
    # Whether workers are there before the roots are scheduled.
    ready: bool = False
    # How many other events each command waits for: the list goes round.
    jostle: tuple[int, ...] = ()
    # Whether roots are scheduled and read in another spelling of their arguments.
    respelled: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "nodes": self.program.nodes,
            "roots": self.program.roots,
            "workers": self.workers,
            "hands": self.hands,
            "ready": self.ready,
            "jostle": list(self.jostle),
            "respelled": self.respelled,
        }

    @classmethod
    def from_json(cls, plan: dict[str, Any]) -> Self:
        rest = {name: plan[name] for name in NAMES}
        program = Program(plan["nodes"], plan["roots"])
        return cls(program, jostle=tuple(plan["jostle"]), **rest)


async def play(world: World, plan: Plan) -> Oracle:
    """Play a program from roots to rest, and check all that is left of it."""
    oracle = Oracle(plan.program)
    if plan.jostle:
        jostle(world, plan.jostle)
    if plan.ready:
        await start(world, plan, oracle.topics)
    for edge in plan.program.edges:
        args = respell(edge.call.values) if plan.respelled else edge.call.args
        await world.schedule_task(edge.topic, edge.call.task, args.encode())
    if not plan.ready:
        await start(world, plan, oracle.topics)
    await world.quiet()
    await check(world, oracle)
    if plan.respelled:
        await check_values(world, oracle, respelled=True)
    return oracle


def respell(value: Any) -> str:
    """Write JSON in another way than the codec: spaces, escapes, order, exponents."""
    match value:
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return f"{int(value)}.0e0" if value == int(value) else f" {value!r}"
        case str():
            units = value.encode("utf-16-be")
            pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
            return '"' + "".join(f"\\u{pair}" for pair in pairs) + '"'
        case list():
            return "[ " + " ,\n".join(map(respell, value)) + "]"
    members = sorted(value.items(), reverse=True)
    return "{" + ",".join(f"{respell(k)} :{respell(v)}" for k, v in members) + " }"


async def start(world: World, plan: Plan, topics: list[str]) -> None:
    for topic in topics:
        await world.start(
            topic, workers=plan.workers, concurrency=plan.hands, tasks=True
        )


def jostle(world: World, pattern: tuple[int, ...]) -> None:
    """Let each command wait until some others have passed."""
    number = 0

    async def wait(_: Step) -> None:
        nonlocal number
        events = pattern[number % len(pattern)]
        number += 1
        if events:
            since = world.trace.events + events - 1
            await world.trace.changed(since, JOSTLE_SECONDS)

    world.before(lambda _: True, wait)


# ---- what is left -----------------------------------------------------------


async def check(world: World, oracle: Oracle) -> None:
    """Demand just the calls, values, waiting parents and counters that are due."""
    world.check()
    found = Found.sort(await world.database.read())
    _check_problems(world, oracle)
    _check_numbers(found, oracle)
    _check_messages(world, found, oracle)
    _check_values_once(world)
    hashes = await hashes_of(world, oracle)
    if hashes is not None:
        _check_records(found, oracle, hashes)
    await check_values(world, oracle)


@dataclass(slots=True)
class Found:
    """What the database holds, each kind by what follows the slash."""

    call: dict[str, CallRecord] = field(default_factory=dict)
    value: dict[str, bytes] = field(default_factory=dict)
    pending_returns: dict[str, PendingReturns] = field(default_factory=dict)
    brrr_count: dict[str, int] = field(default_factory=dict)

    @classmethod
    def sort(cls, database: dict[bytes, Stored]) -> Found:
        found = cls()
        for key, stored in database.items():
            kind, _, name = key.decode().partition("/")
            if not isinstance(stored, bytes):
                raise CaseFailed(f"{len(stored)} messages are left on {key.decode()!r}")
            if kind == "call":
                found.call[name] = CallRecord.decode(stored)
            elif kind == "value":
                found.value[name] = stored
            elif kind == "pending_returns":
                found.pending_returns[name] = PendingReturns.decode(stored)
            elif kind == "brrr_count":
                found.brrr_count[name] = int(stored)
            else:
                raise CaseFailed(f"nobody was to write {key.decode()!r}")
        return found


def _check_problems(world: World, oracle: Oracle) -> None:
    """Each failing call is reported at least once, and nothing else is."""
    failing = [each for each in oracle.played.values() if each.fails]
    shown = "\n".join(map(str, world.problems))
    if not failing and world.problems:
        raise CaseFailed(f"no call fails, but these problems are reported:\n{shown}")
    if len(world.problems) < len(failing):
        names = ", ".join(str(each.call) for each in failing)
        raise CaseFailed(f"reports are due of {names}; got:\n{shown or 'none'}")


def _check_numbers(found: Found, oracle: Oracle) -> None:
    played = oracle.played.values()
    tasks = Counter(each.call.task for each in played)
    got = Counter(record.task_name for record in found.call.values())
    if got != tasks:
        raise CaseFailed(f"calls are due of {dict(tasks)}, stored are {dict(got)}")
    valued = sum(each.value is not NOTHING for each in played)
    if len(found.value) != valued:
        raise CaseFailed(f"{valued} values are due, stored are {len(found.value)}")
    if strays := (set(found.value) | set(found.pending_returns)) - set(found.call):
        raise CaseFailed(f"there is no call for {sorted(strays)}")
    if both := set(found.value) & set(found.pending_returns):
        raise CaseFailed(f"somebody waits for values that are there: {sorted(both)}")
    if len(found.pending_returns) != len(oracle.waiting):
        number = len(found.pending_returns)
        raise CaseFailed(f"{len(oracle.waiting)} calls are waited for, not {number}")


def _check_messages(world: World, found: Found, oracle: Oracle) -> None:
    """Each message was counted before it was put, and none was one too many."""
    roots = len(oracle.program.roots)
    if not 1 <= len(found.brrr_count) <= roots:
        raise CaseFailed(f"{roots} roots have {len(found.brrr_count)} counters")
    counted, taken = sum(found.brrr_count.values()), len(delivered(world))
    if counted < taken:
        raise CaseFailed(f"{taken} messages were taken, {counted} had been counted")
    if (put := _messages_put(world, oracle.topics)) not in (None, counted):
        raise CaseFailed(f"{put} messages were put, {counted} were counted")
    alone = len(world.workers) == 1 and world.workers[0].concurrency <= 1
    if counted > (most := oracle.most_messages(alone=alone)):
        raise CaseFailed(f"{counted} messages, {most} would do")


def _messages_put(world: World, topics: list[str]) -> int | None:
    """Count them; None where they were put by commands that we cannot read."""
    number = 0
    for frame in world.commands():
        step = frame.step
        if step.name in ("RPUSH", "LPUSH"):
            number += len(step.args) - 2
        elif not step.is_pop and any(step.writes(topic) for topic in topics):
            return None
    return number


def _check_values_once(world: World) -> None:
    """Who writes a value again, writes the same octets."""
    written: dict[bytes, bytes] = {}
    for frame in world.commands(lambda step: step.name == "SET"):
        key, octets = frame.step.args[1:3]
        if key.startswith(b"value/") and written.setdefault(key, octets) != octets:
            raise CaseFailed(f"{key.decode()} was written with two contents")


def _check_records(found: Found, oracle: Oracle, hashes: dict[Call, str]) -> None:
    """Each call has just the records that are due, under its hash."""
    names = {call_hash: str(call) for call, call_hash in hashes.items()}
    if len(names) < len(hashes):
        raise CaseFailed("two calls have the same hash")

    def compare(what: str, due: set[str], got: set[str]) -> None:
        for text, some in (("is not there", due - got), ("is not due", got - due)):
            for each in sorted(some):
                raise CaseFailed(f"{what} of {names.get(each, each)} {text}")

    played = oracle.played
    valued = {hashes[it] for it in played if played[it].value is not NOTHING}
    compare("the call", set(names), set(found.call))
    compare("the value", valued, set(found.value))
    waited_for = {hashes[it] for it in oracle.waiting}
    compare("the record", waited_for, set(found.pending_returns))
    for child, parents in oracle.waiting.items():
        returns = found.pending_returns[hashes[child]].returns
        due, got = {hashes[it] for it in parents}, {it.call_hash for it in returns}
        compare(f"in the record of {child} the return", due, got)
        for each in returns:
            parent = next(it for it in parents if hashes[it] == each.call_hash)
            if each.topic not in played[parent].topics:
                raise CaseFailed(f"{parent} waits on the topic {each.topic!r}")


async def hashes_of(world: World, oracle: Oracle) -> dict[Call, str] | None:
    """Give the hash of each call; None where the SDK does not tell them."""
    if Profile.CODEC_JSON in world.client_config.profiles:
        return {call: call.hash for call in oracle.played}
    hashes = {}
    try:
        for call in oracle.played:
            args = pb.Json(text=call.args.encode())
            hashes[call] = (await world.encode_call(call.task, args)).call_hash
    except NotImplementedByAdapter:
        return None
    return hashes


async def check_values(
    world: World, oracle: Oracle, *, respelled: bool = False
) -> None:
    """Demand that the SDK reads what each call is worth."""
    for each in oracle.played.values():
        args = respell(each.call.values) if respelled else each.call.args
        got = await world.read_task(each.call.task, args.encode())
        due = None if each.value is NOTHING else jcs.encode(each.value)
        if (None if got is None else _canonical(got)) != due:
            raise CaseFailed(
                f"{each.call} is worth {_short(due)}, the client reads {_short(got)}"
            )


def _canonical(octets: bytes) -> str:
    with contextlib.suppress(jcs.Refused):
        return jcs.encode(jcs.decode(octets))
    return f"no JSON: {octets!r}"


def _short(value: str | bytes | None) -> str:
    if value is None:
        return "nothing"
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…({len(text)})"
