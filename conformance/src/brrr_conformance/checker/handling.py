# SPDX-License-Identifier: AGPL-3.0-only
"""One message that a worker took, and what the worker has done about it so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance.records import PendingReturn, ScheduleMessage

if TYPE_CHECKING:
    from brrr_conformance.checker.history import Move
    from brrr_conformance.pb import adapter_pb2 as pb


@dataclass(slots=True)
class Registration:
    """The parent of a handling was written into the record of a child."""

    move: Move
    # Whether the child must be put now [SCHED-24] [SCHED-27].
    due: bool


@dataclass(slots=True, eq=False)
class Handling:
    topic: str
    octets: bytes
    # None is what no decoder may accept.
    message: ScheduleMessage | None
    # The frame that brought it.
    at: int
    command: str
    # Whether it may have been delivered before, and whether it was for sure.
    may_force: bool = False
    must_force: bool = False
    # Whether an equal message came, from a dead worker, while this one was held.
    followed: bool = False
    # The numbers of the invocations made for it, and what they were answered.
    invoked: list[int] = field(default_factory=list)
    answers: list[pb.Answer] = field(default_factory=list)
    # What was asked for, by call_hash; and how often each, by the last answer.
    asked: dict[str, list[pb.Ask]] = field(default_factory=lambda: defaultdict(list))
    last_asked: Counter[str] = field(default_factory=Counter)
    registrations: dict[str, list[Registration]] = field(default_factory=dict)
    # Attempts to register with a child, or to remove the own record (at "").
    attempts: dict[str, list[Move]] = field(default_factory=dict)
    # Messages put for children.
    children: set[str] = field(default_factory=set)
    # Pending returns that it has read, so that each may be put once [RET-3]; and
    # those of the record that it has removed.
    entitled: set[PendingReturn] = field(default_factory=set)
    claimed: set[PendingReturn] = field(default_factory=set)
    # All that was written and put because of it.
    moves: list[Move] = field(default_factory=list)
    # The SET of the value.
    wrote: Move | None = None
    # What found that nobody waits (any more).
    finished: Move | None = None
    # Whether all was done, and known to be, when something went wrong after it.
    over: bool = False
    # What stands in the record of a child that its call waits for [SCHED-22].
    own_return: PendingReturn = field(init=False)

    def next_like_it(self, at: int) -> Handling:
        """Give the equal message that is held after this one."""
        return Handling(self.topic, self.octets, self.message, at, self.command, True)

    def __post_init__(self) -> None:
        self.own_return = PendingReturn(self.root_id, self.call_hash, self.topic)

    def start_again(self) -> None:
        """Let it be handled anew: what was done before does not count."""
        self.may_force = True
        self.children.clear()
        self.entitled.clear()
        self.claimed.clear()
        self.attempts.clear()
        self.finished = None

    @property
    def root_id(self) -> str:
        return self.message.root_id if self.message else ""

    @property
    def call_hash(self) -> str:
        return self.message.call_hash if self.message else ""

    @property
    def name(self) -> str:
        return f"message {self.call_hash!r} of {self.root_id!r} on {self.topic!r}"

    def hear(self, answer: pb.Answer) -> None:
        """Note what an invocation was answered."""
        self.answers.append(answer)
        self.last_asked.clear()
        for ask in answer.defer.children:
            self.asked[ask.call_hash].append(ask)
            self.last_asked[ask.call_hash] += 1

    @property
    def last_answer(self) -> str:
        """How the handler ended: response, defer, fail, or "" for not yet."""
        if not self.is_answered or not self.answers:
            return ""
        return self.answers[-1].WhichOneof("answer") or ""

    @property
    def is_answered(self) -> bool:
        """Whether every invocation was answered."""
        return len(self.answers) >= len(self.invoked)
