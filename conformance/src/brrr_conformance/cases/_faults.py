# SPDX-License-Identifier: AGPL-3.0-only
"""What the cases of faults share: what a fault does, and what must hold after it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from brrr_conformance.build import ask, queued, stored_call
from brrr_conformance.cases._common import wait_for_report
from brrr_conformance.cases._scenarios import RECORD
from brrr_conformance.commands import Kind
from brrr_conformance.director import CUT_AFTER, CUT_BEFORE, Action, Cut, answer
from brrr_conformance.outcome import TraceRejected
from brrr_conformance.protocol import Decoder
from brrr_conformance.records import PendingReturns, ScheduleMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from brrr_conformance.cases._scenarios import Point, Scenario
    from brrr_conformance.commands import Operation
    from brrr_conformance.director import Passing
    from brrr_conformance.protocol import Operations
    from brrr_conformance.world import World

BYSTANDER = "z"
# What is not sent again when its reply did not come [REDIS-24].
ONCE = frozenset({Kind.SET_NEW, Kind.CAS, Kind.CAD, Kind.PUT, Kind.INCR})


# ---- faults -----------------------------------------------------------------


def action_of(world: World, place: Point, fault: str) -> Action:
    if fault == "error":
        return answer(
            "LOADING Redis is loading the dataset in memory"
            if place.reads
            else "OOM command not allowed when used memory > 'maxmemory'."
        )
    if fault == "dies":
        return dies(world)
    return CUT_BEFORE if fault == "cut-before" else CUT_AFTER


def dies(world: World) -> Action:
    """Let the worker die when the command is done, and before it knows."""

    async def after(it: Passing) -> None:
        world.kill(world.worker(it.worker))
        raise Cut

    return Action("killed after", after=after)


# ---- what must hold ---------------------------------------------------------


async def check_store(world: World, scenario: Scenario) -> None:
    """Demand that the store never lies, whatever is unfinished.

    Each value is the right one. Whoever is named, in a message or a record, has a
    call. No counter is below what was put under its root.
    """
    found = await world.database.read()
    values = scenario.graph.values | {BYSTANDER: BYSTANDER.encode()}
    put = Counter(message.root_id for message in messages_put(world))
    for key, stored in found.items():
        kind, _, name = key.decode().partition("/")
        if kind == "value":
            assert stored == values[name], f"the value of {name} is {stored!r}"
        elif kind == "pending_returns":
            assert isinstance(stored, bytes)
            waiting = PendingReturns.decode(stored).returns
            for each in (name, *(parent.call_hash for parent in waiting)):
                assert f"call/{each}".encode() in found, f"{each} waits without a call"
        elif kind == "brrr_count":
            assert isinstance(stored, bytes)
            assert int(stored) >= put[name], f"{put[name]} put, {stored!r} counted"


def messages_put(world: World) -> list[ScheduleMessage]:
    """Give what workers and clients have put, as far as they know."""
    decoder = Decoder()
    return [
        ScheduleMessage.decode(each.octets or b"")
        for frame in world.frames
        for each in decoder.show(frame)
        if frame.reply is not None and each.kind is Kind.PUT and each.done
    ]


def check_commands(world: World, scenario: Scenario) -> None:
    """Demand the order of steps, of each message that a worker has taken.

    What rests on a step that has failed is not done. What must not be done twice is
    not sent again when its reply did not come [REDIS-24]. A record is removed when a
    message for each return in it was put, and not before.
    """
    if violation := world.judge():  # who says most exactly what was wrong
        raise TraceRejected(violation)
    decoder = Decoder()
    once = ONCE if world.table is None else ONCE - {Kind.CAD}  # [DYN-7]
    handlings: dict[str, Handling] = {}
    put: set[bytes] = set()
    for frame in world.frames:
        operations = decoder.show(frame)
        handling = handlings.setdefault(frame.worker, Handling(1, once))
        if frame.reply is not None:
            handling.answered(operations, frame.connection)
        for each in operations:
            if frame.reply is None:
                handling.sent(each, frame.connection, put)
            elif each.kind is Kind.POP and each.done:
                message = ScheduleMessage.decode(each.octets or b"")
                puts = scenario.puts(message.call_hash)
                handlings[frame.worker] = Handling(puts, once)
            elif each.kind is Kind.PUT and each.done:
                put.add(each.octets or b"")


class Handling:
    """What a worker does for one message, of which it puts `puts` others at most.

    `kinds` are what it does not send again [REDIS-24] [DYN-7]. One thing may be sent
    after the other without waiting, over one connection.
    """

    def __init__(self, puts: int, kinds: frozenset[Kind]) -> None:
        self.puts, self.kinds = puts, kinds
        # By key: the connection that a write is under way on; None if it has failed.
        self.unsure: dict[str, int | None] = {}
        self.once: Counter[tuple[Kind, str, bytes]] = Counter()
        self.counted = 0

    def answered(self, done: Operations, connection: int) -> None:
        for each in done:
            if each.error is not None:
                self.unsure[each.key] = None
            elif self.unsure.get(each.key) == connection:
                del self.unsure[each.key]
            # What was not done may come again: a put, or a compare that mismatched.
            again = each.kind is Kind.PUT or each.kind.is_compare
            if each.error is not None or (again and not each.done):
                self.once[_once(each)] -= 1
        # What was not counted pays for no put. What was not put (RPUSHX without a
        # list, a script that failed as a whole) leaves its count.
        kinds = Counter(each.kind for each in done if not each.done)
        refused = any(each.error is not None for each in done)
        if kinds[Kind.INCR] or not refused:
            self.counted += kinds[Kind.PUT] - kinds[Kind.INCR]

    def sent(self, it: Operation, connection: int, put: set[bytes]) -> None:
        for key in _rests_on(it):
            on = self.unsure.get(key, connection)
            assert on == connection, f"{it} is done, and the write of {key} has failed"
        if it.kind in (Kind.SET, Kind.SET_NEW, Kind.CAS, Kind.CAD):
            self.unsure[it.key] = connection
        if it.kind in self.kinds:
            self.once[_once(it)] += 1
            most = self.puts if it.kind is Kind.INCR else 1
            assert self.once[_once(it)] <= most, f"{it} is sent again"
        self.counted += (it.kind is Kind.INCR) - (it.kind is Kind.PUT)
        assert self.counted >= 0, f"{it}: {it.octets!r} was not counted"
        if it.kind is Kind.CAD and it.expected is not None:
            for each in PendingReturns.decode(it.expected).returns:
                message = ScheduleMessage(each.root_id, each.call_hash).encode()
                assert message in put, f"{it} is done, and {message!r} was not put"


def _once(it: Operation) -> tuple[Kind, str, bytes]:
    """Name what is done once for a message: a compare on this key, a put of this."""
    kind = Kind.CAS if it.kind in (Kind.SET_NEW, Kind.CAD) else it.kind
    return kind, it.key, (it.octets or b"") if kind is Kind.PUT else b""


def _rests_on(it: Operation) -> Iterable[str]:
    """Give the keys that must have been written before."""
    if it.kind in (Kind.SET_NEW, Kind.CAS) and it.key.startswith(RECORD):
        yield "call/" + it.key.removeprefix(RECORD)  # [SCHED-20]
    if it.kind is Kind.CAD:
        yield "value/" + it.key.removeprefix(RECORD)  # [RET-1]
    if it.kind is Kind.PUT:  # [SCHED-21]
        yield RECORD + ScheduleMessage.decode(it.octets or b"").call_hash


async def check_alive(world: World, topics: Iterable[str]) -> None:
    """Demand that workers of these topics take messages still."""
    await world.given(stored_call(BYSTANDER))
    for topic in topics:
        await world.given(queued(topic, ("root9", BYSTANDER)))
        await world.quiet()
        taken = await world.stored(f"value/{BYSTANDER}") is not None
        assert taken, f"nobody takes a message from {topic} any more"
        await world.remove(f"value/{BYSTANDER}")


async def check_report(
    world: World, scenario: Scenario, place: Point, *, is_lost: bool = False
) -> None:
    """Demand that every worker goes on, and tells what it gave up.

    Where the reply `is_lost` to what must not be sent again, that is what it gave up,
    whatever becomes of the roots.
    """
    ended = [each.name for each in world.workers if each.ended]
    assert not ended, (
        f"{', '.join(ended)} has ended because of {place}: it was to report it, and "
        "to go on asking for messages"
    )
    names = [name for _, name in scenario.roots]
    done = [name for name in names if await world.stored(f"value/{name}")]
    # A message that a plain pop took and did not bring is lost, and nobody knows.
    may_be_silent = done == names and not (is_lost and {*place.kinds} <= ONCE)
    if may_be_silent or Kind.POP in place.kinds:
        return
    await wait_for_report(world)
    assert world.problems, "a message is given up without a report"


async def schedule_again(world: World, scenario: Scenario) -> None:
    """Schedule each root anew that has no value, and demand that it gets it."""
    for name in dict.fromkeys(name for _, name in scenario.roots):
        if await world.stored(f"value/{name}") is None:
            node = scenario.graph.nodes[name]
            await world.schedule(node.topic, ask(name))
            await world.quiet()
    for name in dict.fromkeys(name for _, name in scenario.roots):
        found = await world.stored(f"value/{name}")
        assert found == scenario.graph.values[name], (
            f"{name} is not repaired: {found!r}"
        )
