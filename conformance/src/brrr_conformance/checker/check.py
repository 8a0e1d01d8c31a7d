# SPDX-License-Identifier: AGPL-3.0-only
"""The trace checker: accepts a recorded case, or says which rule it breaks where.

    violation = check(trace)      # None: the protocol allows all of it

Each process has a ledger of what it holds, has read and has had confirmed; the
rules ask it about every move. What the specification leaves open is accepted: any
order, pipelines, reads that were not needed, cheap joins [WORK-20] to [WORK-23],
another attempt or none after 100. A command whose reply never came may have been
carried out or not, and is held against nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance.aside import Act, Aside, Deed
from brrr_conformance.checker.ending import interrupt, is_complete, settle
from brrr_conformance.checker.history import Answered, History, Move, Replied, Sent
from brrr_conformance.checker.inflight import (
    acknowledge,
    acknowledged,
    note,
    settle_held,
)
from brrr_conformance.checker.ledger import Ledger, Report, reject
from brrr_conformance.checker.putting import put
from brrr_conformance.checker.recording import PENDING, record
from brrr_conformance.checker.repeating import judge_again
from brrr_conformance.checker.resting import judge_rest
from brrr_conformance.checker.shadow import Shadow
from brrr_conformance.checker.speaking import heard, told
from brrr_conformance.checker.taking import learn, look, pop, script_topic, take
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.commands import COUNT, DURABLE, STORE, text
from brrr_conformance.commands import Kind as Do
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.step import SCRIPTS

if TYPE_CHECKING:
    from brrr_conformance.tap import Trace

OURS = tuple(text(each) for each in (*STORE, COUNT))
CHANGES = (Do.SET, Do.SET_NEW, Do.CAS, Do.CAD, Do.REMOVE, Do.UNKNOWN, Do.INCR)
# The latest time that a record may hold [WIRE-4].
ALWAYS = 1 << 53
# How far the clocks of a worker and of the runner may be apart, in seconds.
CLOCK = 2


def check(trace: Trace, *, whole: bool = False, timed: bool = True) -> Violation | None:
    """Judge a trace; `whole` is that nobody else has written to the database.

    Then replies must be those of an engine which was empty at first: a trace with
    a command too many or too few is found out. One that is not `timed` does not
    say when it was recorded: any time may be the present one.
    """
    try:
        history = History.read(trace)
        _Checker.over(trace, history, whole=whole, timed=timed).run()
    except Rejected as rejected:
        return rejected.violation
    return None


@dataclass(slots=True)
class _Checker:
    history: History
    times: tuple[int, int]
    shadow: Shadow
    ledgers: dict[str, Ledger] = field(default_factory=dict)

    @classmethod
    def over(
        cls, trace: Trace, history: History, *, whole: bool, timed: bool
    ) -> _Checker:
        last = max((each.seconds for each in trace.frames[-1:]), default=0.0)
        times = int(trace.began) - CLOCK, int(trace.began + last) + CLOCK
        times = times if timed else (1, ALWAYS)
        checker = cls(history, times, Shadow(strict=whole))
        for event in history.events:
            checker._foresee(event)
        return checker

    def ledger(self, name: str) -> Ledger:
        if name not in self.ledgers:
            self.ledgers[name] = Ledger(name, self.times)
        return self.ledgers[name]

    def _foresee(self, event: object) -> None:
        """Note what is known of a case as a whole only."""
        match event:
            case Aside(worker=worker, what=pb.Command() as command):
                ledger = self.ledger(worker)
                kind = command.WhichOneof("command")
                # What tasks of the adapter's own answer, nobody is told.
                ledger.own_tasks |= kind in ("serve_tasks", "schedule_task")
                ledger.informed = not ledger.own_tasks
            case Aside(at=at, worker=worker, what=pb.Reply() as reply):
                kind = reply.WhichOneof("reply")
                if kind in ("problem", "failure"):
                    failure = reply.problem if kind == "problem" else reply.failure
                    self.ledger(worker).reports.append(Report(at, failure))
            case Aside(what=Deed(act=Act.PUSH) as deed):
                self.shadow.pushed(deed)
            case Aside(at=at, worker=worker, what=Deed(act=Act.CUT)):
                self.ledger(worker).troubles.append(at)
            case Replied(worker=worker, frame=frame, is_error=True):
                self.ledger(worker).troubles.append(frame)
            case Sent(move=move):
                ledger = self.ledger(move.worker)
                if move.answered is None and move.kind is not Do.POP:
                    ledger.troubles.append(move.sent)
                if move.kind is Do.POP and move.done and move.answered is not None:
                    ledger.takes.append(move.answered)
                if move.kind in CHANGES or move.kind is Do.PUT:
                    ledger.changes.append(move.sent)
            case _:
                pass

    def run(self) -> None:
        for event in self.history.events:
            match event:
                case Sent(move=move):
                    self.shadow.sent(move)
                    self._sent(self.ledger(move.worker), move)
                    if move.answered is None and move.kind is not Do.POP:
                        interrupt(self.ledger(move.worker))
                case Answered(move=move):
                    self.shadow.answered(move)
                    self._answered(self.ledger(move.worker), move)
                case Replied(worker=worker, is_error=True):
                    interrupt(self.ledger(worker))
                case Aside(worker=worker, what=Deed() as deed):
                    self._done(worker, deed)
                case Aside(worker=worker, what=pb.Command() as command):
                    told(self.ledger(worker), event.at, command)
                case Aside(worker=worker, what=pb.Reply() as reply):
                    heard(self.ledger(worker), event.at, reply)
                case _:
                    pass
        for ledger in self.ledgers.values():
            # Without adapter I/O, a worker that waits is done.
            if not ledger.informed and ledger.pops and ledger.pops[-1].done is None:
                self._settle(ledger)

    def _settle(self, ledger: Ledger) -> None:
        settle(ledger)
        if ledger.durable and not ledger.over:
            settle_held(ledger)

    def _done(self, worker: str, deed: Deed) -> None:
        match deed.act:
            case Act.QUIET:
                for ledger in self.ledgers.values():
                    self._settle(ledger)
                self.shadow.judge_queues(self.ledgers.values())
                judge_rest(self.shadow, self.ledgers)
            case Act.KILL:
                self.ledger(worker).over = True
            case Act.CUT:
                interrupt(self.ledger(worker))
            case _:
                self.shadow.beside(deed)

    def _sent(self, ledger: Ledger, move: Move) -> None:
        judge_again(ledger, move)
        if move.failed:  # it was not carried out
            return
        note(ledger, move)
        ours = move.key.startswith(OURS)
        match move.kind:
            case Do.GET | Do.EXISTS:
                ledger.look(move)
            case Do.PUT:
                put(ledger, move)
            case Do.POP:
                pop(ledger, move)
            case Do.ACK | Do.SET_ASIDE:
                acknowledge(ledger, move)
            case Do.BEAT | Do.REAP:
                ledger.beaten.append(move)
            case kind if kind in CHANGES and ours:
                record(ledger, move)
                self.shadow.judge(ledger, move)
            case kind if kind in CHANGES:
                _elsewhere(move)
            case _:
                pass

    def _answered(self, ledger: Ledger, move: Move) -> None:
        if move.failed:
            return
        if move.kind is Do.GET and move.key.startswith(PENDING):
            ledger.learn_returns(move.key.removeprefix(PENDING), move)
        if move.kind in (Do.POP, Do.LOOK):
            look(ledger, move)
        if (move.kind is Do.POP and move.done) or script_topic(move):
            for each in [it for it in ledger.handlings if is_complete(ledger, it)]:
                if not ledger.durable:
                    ledger.close(each)
        if move.kind is Do.POP and move.done:
            take(ledger, move)
        if move.kind in (Do.ACK, Do.SET_ASIDE):
            acknowledged(ledger, move)
        for topic, octets in learn(ledger, move):
            self.shadow.take(move, topic, octets)


def _elsewhere(move: Move) -> None:
    """Reject what changes a key that the binding does not know."""
    if move.key.startswith(text(DURABLE)) or move.step.name in SCRIPTS:
        return
    if move.kind is Do.UNKNOWN and move.step.name not in ("SET", "DEL"):
        reject(move, "REDIS-1", "A queue is put to, and taken from, and no more.")
    reject(move, "REDIS-20", "No record, counter or queue has this key.")
