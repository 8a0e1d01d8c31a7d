# SPDX-License-Identifier: AGPL-3.0-only
"""What one process is known to have done, and what it holds."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from brrr_conformance.checker.octets import message_in, returns_in
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.pb import adapter_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.repeating import Lost, What
    from brrr_conformance.records import PendingReturn

MOST_MESSAGES = 10_000  # [SCHED-11]


@dataclass(slots=True)
class Count:
    """An INCR, which pays for one message."""

    move: Move
    spent: bool = False

    @property
    def number(self) -> int | None:
        outcome = self.move.outcome
        return outcome.number if outcome is not None else None

    @property
    def refused(self) -> bool:
        """Whether it met the spawn limit [SCHED-12]."""
        return self.number is not None and self.number > MOST_MESSAGES


@dataclass(slots=True)
class Report:
    """A problem that a worker reported, and between which frames."""

    at: int
    failure: pb.Failure


@dataclass(slots=True)
class Ledger:
    name: str
    # What may stand as scheduled_at in a new record.
    times: tuple[int, int]
    # Whether adapter I/O is known: then what handlers answered is known too.
    informed: bool = False
    own_tasks: bool = False
    # All problems of the case, those of later too: they come by another way.
    reports: list[Report] = field(default_factory=list)
    # Frames of error replies, and of commands that never got a reply.
    troubles: list[int] = field(default_factory=list)
    # Frames in which it changes something, and in which a message comes.
    changes: list[int] = field(default_factory=list)
    takes: list[int] = field(default_factory=list)
    # Dead, or told to close: nothing more is due from it.
    over: bool = False
    topics: set[str] = field(default_factory=set)
    # How many messages it may handle at a time.
    hands: int = 1
    handlings: list[Handling] = field(default_factory=list)
    closed: list[Handling] = field(default_factory=list)
    # By their own return.
    closed_of: dict[PendingReturn, list[Handling]] = field(
        default_factory=lambda: defaultdict(list)
    )
    taken: int = 0
    durable: bool = False
    # By key.
    reads: dict[str, list[Move]] = field(default_factory=lambda: defaultdict(list))
    writes: dict[str, list[Move]] = field(default_factory=lambda: defaultdict(list))
    # Of pending returns: how often each may be put, was put, and must have been.
    # Messages of several handlings may be equal: who put which, nobody can tell.
    entitled: Counter[PendingReturn] = field(default_factory=Counter)
    returned: dict[PendingReturn, list[Move]] = field(
        default_factory=lambda: defaultdict(list)
    )
    claimed: Counter[PendingReturn] = field(default_factory=Counter)
    # All that was put with the content of a return, as one or as a child.
    puts: dict[PendingReturn, list[Move]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # By root_id.
    counts: dict[str, list[Count]] = field(default_factory=lambda: defaultdict(list))
    unspent: dict[str, list[Count]] = field(default_factory=lambda: defaultdict(list))
    refusals: dict[str, list[Count]] = field(default_factory=lambda: defaultdict(list))
    # Of a client: calls to schedule, by the id of the command; messages put.
    schedules: dict[int, pb.Ask] = field(default_factory=dict)
    scheduled_at: dict[int, int] = field(default_factory=dict)
    roots: list[tuple[str, str, str]] = field(default_factory=list)
    # Looks at a queue that found nothing, one after the other.
    looks: int = 0
    pops: list[Move] = field(default_factory=list)
    beaten: list[Move] = field(default_factory=list)
    # Of durable queues: the lists that it takes messages to; by message, what took it
    # off again; messages in dead letters; all that replies have told; messages whose
    # attempts were forgotten; and when it looked at a list.
    lists: set[str] = field(default_factory=set)
    acknowledged: dict[bytes, list[Move]] = field(
        default_factory=lambda: defaultdict(list)
    )
    letters: set[bytes] = field(default_factory=set)
    seen: set[bytes] = field(default_factory=set)
    forgotten: set[bytes] = field(default_factory=set)
    looked_at: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    # What it does after a problem, as it was told.
    on_problem: pb.OnProblem | None = None
    # What had no reply, the latest of its kind.
    lost: dict[What, Lost] = field(default_factory=dict)

    # ---- handlings ----------------------------------------------------------

    def open(self, call_hash: str) -> list[Handling]:
        """Give the messages for a call that it holds, the latest first."""
        return [
            each
            for each in reversed(self.handlings)
            if each.message is not None and each.call_hash == call_hash
        ]

    def of(self, ret: PendingReturn) -> list[Handling]:
        """Give the messages whose own return this is, the latest first."""
        found = self.open(ret.call_hash)
        return [each for each in found if each.own_return == ret]

    def past(self, ret: PendingReturn) -> Iterator[Handling]:
        """Give all messages with this return that it ever took, the latest first."""
        yield from self.of(ret)
        yield from reversed(self.closed_of[ret])

    def close(self, handling: Handling) -> None:
        self.handlings.remove(handling)
        self.closed.append(handling)
        if handling.message is not None:
            self.closed_of[handling.own_return].append(handling)

    # ---- what it knows ------------------------------------------------------

    def looked(self, key: str, before: Move, octets: bytes | None) -> list[Move]:
        """Give the reads of a key that found these octets, before that move."""
        return [
            each
            for each in self.reads[key]
            if each.answered is not None
            and each.answered < before.sent
            and each.done is not None
            and each.found == octets
        ]

    def value_before(self, call_hash: str, move: Move) -> bool:
        """Tell whether it knew that a value is there when it sent this [RET-1]."""
        key = f"value/{call_hash}"
        wrote = any(
            each.precedes(move) and each.done is not False for each in self.writes[key]
        )
        return wrote or any(
            each.done is not False and each.precedes(move) for each in self.reads[key]
        )

    def learn_returns(self, call_hash: str, read: Move) -> None:
        """Note who waits for a call, if the value was there before [RET-1]."""
        record = None if read.found is None else returns_in(read.found)
        if record is None or not self.value_before(call_hash, read):
            return
        for handling in self.open(call_hash):
            new = set(record.returns) - handling.entitled
            handling.entitled |= new
            self.entitled.update(new)

    def refused(self, root_id: str, before: Move | None = None) -> bool:
        """Tell whether it met the spawn limit of a root."""
        return any(
            before is None or each.move.precedes(before)
            for each in self.refusals[root_id]
        )

    def count(self, root_id: str, move: Move) -> None:
        """Note that a message was counted, or refused."""
        count = Count(move)
        self.counts[root_id].append(count)
        self.unspent[root_id].append(count)
        if count.refused:
            self.refusals[root_id].append(count)

    # ---- trouble ------------------------------------------------------------

    def reported(self, since: int) -> list[pb.Failure]:
        """Give the problems told after a frame; one told `at` it came before it."""
        return [each.failure for each in self.reports if each.at > since]

    def problems_of(self, handling: Handling) -> set[pb.Code]:
        """Give the codes of all problems that may be about a message."""
        return {
            each.code
            for each in self.reported(handling.at)
            if each.message in (b"", handling.octets)
            and not (
                each.code == pb.HANDLER_FAILED
                and handling.last_answer in ("response", "defer")
            )
        }

    def troubled(self, since: int, before: float = math.inf) -> bool:
        return any(since <= each < before for each in self.troubles)

    def start_again(self) -> None:
        """Let each message be handled anew: something of it may have been lost.

        A worker may do so by itself [QUEUE-15]; what it did before does not count.
        """
        for handling in self.handlings:
            handling.start_again()

    def look(self, move: Move) -> None:
        """Note a read; where something was lost, a handling may begin anew with it."""
        self.reads[move.key].append(move)
        kind, _, call_hash = move.key.partition("/")
        if kind not in ("call", "value"):
            return
        for handling in self.open(call_hash):
            if self.troubled(handling.at, move.sent):
                handling.start_again()

    def refuse_late(self, move: Move, child: str, root_id: str | None = None) -> None:
        """Reject what is done for a child when its parent's problem was reported."""
        for handling in reversed(self.closed):
            if not any(handling.at <= each.at <= move.sent for each in self.reports):
                continue
            if child in handling.asked and root_id in (None, handling.root_id):
                reject(
                    move,
                    "WORK-11",
                    f"A problem with the {handling.name} was reported before this.",
                )

    def waiting(self) -> list[Move]:
        """Give the pops that wait for a message; those before them are lost."""
        most = 1 if self.durable else self.hands
        return [each for each in self.pops if each.answered is None][-most:]

    # ---- durable queues -----------------------------------------------------

    def goes_on(self, after: int) -> bool:
        """Tell whether it changes something before it takes another message."""
        come = [each for each in self.takes if each > after]
        end = come[0] if come else math.inf
        return any(after < each < end for each in self.changes)

    def holding(self, octets: bytes) -> list[Handling]:
        return [each for each in self.handlings if each.octets == octets]

    def garbage(self) -> bool:
        """Tell whether all that it holds are no messages."""
        held = [each for each in self.handlings if each.message is None]
        return bool(held) and len(held) == len(self.handlings)


def reject(move: Move, requirement: str, reason: str) -> NoReturn:
    raise Rejected(
        Violation(requirement, move.sent, move.worker, str(move.step), reason)
    )


def is_message(octets: object) -> bool:
    return isinstance(octets, bytes) and message_in(octets) is not None
