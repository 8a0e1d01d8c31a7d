# SPDX-License-Identifier: AGPL-3.0-only
"""A recorded case as moves: each operation with when it was sent and what came of it.

Read twice. Here, each command finds its reply; then the rules see the moves in
order and already know how each will end: of a reply that never came, that nobody
can know (`outcome` is None, and so is `answered`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance.aside import Aside
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.commands import Kind
from brrr_conformance.protocol import Decoder
from brrr_conformance.resp import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.commands import Operation
    from brrr_conformance.resp import Reply, Value
    from brrr_conformance.step import Step
    from brrr_conformance.tap import Frame, Trace

# What a client library tries when it connects: an error there says nothing.
SETUP = ("HELLO", "CLIENT", "AUTH", "SELECT", "INFO", "COMMAND")
# Then the script is sent as a whole.
UNKNOWN_SCRIPT = b"NOSCRIPT"


@dataclass(slots=True, eq=False)
class Move:
    """One operation of one worker, from its command to its reply."""

    worker: str
    connection: int
    step: Step
    operation: Operation
    # Numbers of frames.
    sent: int
    answered: int | None = None
    outcome: Operation | None = None
    reply: Reply | None = None

    @property
    def kind(self) -> Kind:
        return self.operation.kind

    @property
    def key(self) -> str:
        return self.operation.key

    @property
    def octets(self) -> bytes | None:
        return self.operation.octets

    @property
    def expected(self) -> bytes | None:
        return self.operation.expected

    @property
    def done(self) -> bool | None:
        """Whether it took effect, or found something; None is that nobody knows."""
        return self.outcome.done if self.outcome is not None else None

    @property
    def found(self) -> bytes | None:
        return self.outcome.octets if self.outcome is not None else None

    @property
    def failed(self) -> bool:
        """Whether the reply is an error: then it was not done at all."""
        return self.outcome is not None and self.outcome.error is not None

    def precedes(self, other: Move) -> bool:
        """Tell whether the server has carried this out before the other.

        What was sent first on one connection was; elsewhere, the reply must have
        been there. Without a reply, it may have been.
        """
        if self.connection == other.connection:
            return self is not other and self.sent <= other.sent
        if self.answered is None:
            return self.sent < other.sent
        return self.answered < other.sent

    def strings(self) -> Iterator[Value]:
        """Give all that is in the reply, flat."""
        if self.reply is not None:
            yield from _flat(self.reply.value)


@dataclass(frozen=True, slots=True)
class Sent:
    move: Move


@dataclass(frozen=True, slots=True)
class Answered:
    move: Move


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply; an error is one that tells of trouble."""

    worker: str
    frame: int
    is_error: bool


Event: TypeAlias = Sent | Answered | Replied | Aside


@dataclass(slots=True)
class _Command:
    frame: int
    step: Step
    moves: list[Move]
    # Where among the events it was sent.
    at: int


@dataclass(slots=True)
class History:
    events: list[Event] = field(default_factory=list)
    _decoder: Decoder = field(default_factory=Decoder)
    _waiting: dict[tuple[str, int], deque[_Command]] = field(default_factory=dict)
    # Moves that are known by the reply only, and where among the events each began.
    _late: list[tuple[int, Sent]] = field(default_factory=list)

    @classmethod
    def read(cls, trace: Trace) -> History:
        """Pair commands and replies; raise Rejected where that cannot be done."""
        history, asides = cls(), deque(trace.asides)
        for number, frame in enumerate(trace.frames):
            while asides and asides[0].at <= number:
                history.events.append(asides.popleft())
            if frame.reply is None:
                history._send(number, frame)
            else:
                history._answer(number, frame, frame.reply)
        history.events.extend(asides)
        for at, sent in sorted(history._late, key=lambda late: late[0], reverse=True):
            history.events.insert(at, sent)
        return history

    def _send(self, number: int, frame: Frame) -> None:
        moves = [
            Move(frame.worker, frame.connection, frame.step, each, number)
            for each in self._decoder.show(frame)
        ]
        line = self._waiting.setdefault((frame.worker, frame.connection), deque())
        self.events += [Sent(move) for move in moves]
        line.append(_Command(number, frame.step, moves, len(self.events)))

    def _answer(self, number: int, frame: Frame, reply: Reply) -> None:
        line = self._waiting.get((frame.worker, frame.connection))
        if not line or line[0].step != frame.step:
            raise Rejected(
                Violation(
                    "TRACE",
                    number,
                    frame.worker,
                    str(frame.step),
                    "a reply to a command that is not the next to get one",
                )
            )
        command = line.popleft()
        outcomes = self._decoder.show(frame)
        moves = command.moves
        # A pop may bring several messages; a script may have read for its message.
        for each in outcomes[len(moves) :]:
            is_pop = each.kind is Kind.POP
            sent = command.frame if is_pop else number
            move = Move(frame.worker, frame.connection, frame.step, each, sent)
            moves.append(move)
            if not is_pop:
                self._late.append((command.at, Sent(move)))
        for move, outcome in zip(moves, outcomes, strict=False):
            move.answered, move.outcome, move.reply = number, outcome, reply
            self.events.append(Answered(move))
        is_error = (
            isinstance(reply.value, Error)
            and frame.step.name not in SETUP
            and not reply.value.text.startswith(UNKNOWN_SCRIPT)
        )
        self.events.append(Replied(frame.worker, number, is_error))


def _flat(value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    else:
        yield value
