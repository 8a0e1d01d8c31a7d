# SPDX-License-Identifier: AGPL-3.0-only
"""Traces written by hand, for the tests of the trace checker.

tape = Tape()
tape.take("t", ("root1", "p"))
tape.read("call/p", CALL)
trace = tape.trace
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from brrr_conformance.aside import Act, Deed
from brrr_conformance.build import defer, response
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.records import (
    Call,
    PendingReturn,
    PendingReturns,
    ScheduleMessage,
)
from brrr_conformance.resp import Error, Reply, Value
from brrr_conformance.step import Step
from brrr_conformance.tap import Frame, Trace

NOW = 1_800_000_000
THEN = 1_700_000_000
CALL = Call(b"[]", "task").encode()
CAS = "if redis.call('GET',KEYS[1])==ARGV[1] then redis.call('SET',KEYS[1],ARGV[2])"
CAD = "if redis.call('GET',KEYS[1])==ARGV[1] then redis.call('DEL',KEYS[1])"


def message(root_id: str, call_hash: str) -> bytes:
    return ScheduleMessage(root_id, call_hash).encode()


def waiting(*returns: tuple[str, str, str], at: int = NOW) -> bytes:
    return PendingReturns(tuple(PendingReturn(*it) for it in returns), at).encode()


@dataclass
class Tape:
    worker: str = "worker-1"
    trace: Trace = field(default_factory=lambda: Trace(0.0, float(NOW)))
    counts: dict[str, int] = field(default_factory=dict)
    sent: dict[tuple[str, int], deque[Step]] = field(default_factory=dict)
    told: int = 0

    # ---- commands -----------------------------------------------------------

    def send(self, *words: str | bytes | int, line: int = 1) -> None:
        """Send a command, whose reply may come later."""
        args = tuple(
            each if isinstance(each, bytes) else str(each).encode() for each in words
        )
        step = Step(args)
        self.sent.setdefault((self.worker, line), deque()).append(step)
        self._frame(line, step, None)

    def reply(self, value: Value = b"OK", line: int = 1) -> None:
        step = self.sent[self.worker, line].popleft()
        self._frame(line, step, Reply(value, []))

    def _frame(self, line: int, step: Step, reply: Reply | None) -> None:
        seconds = len(self.trace.frames) / 1000
        self.trace.frames.append(Frame(seconds, self.worker, line, step, reply))

    def do(
        self, *words: str | bytes | int, reply: Value = b"OK", line: int = 1
    ) -> None:
        self.send(*words, line=line)
        self.reply(reply, line)

    # ---- steps of the protocol ----------------------------------------------

    def take(self, topic: str, octets: bytes | tuple[str, str]) -> None:
        taken = octets if isinstance(octets, bytes) else message(*octets)
        self.do("BLPOP", topic, 20, reply=[topic.encode(), taken])

    def wait(self, topic: str) -> None:
        """Ask for a message that does not come."""
        self.send("BLPOP", topic, 20, line=9)

    def read(self, key: str, found: bytes | None) -> None:
        self.do("GET", key, reply=found)

    def exists(self, key: str, found: bool) -> None:
        self.do("EXISTS", key, reply=int(found))

    def set(self, key: str, octets: bytes) -> None:
        self.do("SET", key, octets)

    def create(self, key: str, octets: bytes, done: bool = True) -> None:
        self.do("SET", key, octets, "NX", reply=b"OK" if done else None)

    def cas(self, key: str, old: bytes, new: bytes, done: bool = True) -> None:
        self.do("EVAL", CAS, 1, key, old, new, reply=int(done))

    def cad(self, key: str, old: bytes, done: bool = True) -> None:
        self.do("EVAL", CAD, 1, key, old, reply=int(done))

    def count(self, root_id: str, number: int | None = None) -> None:
        self.counts[root_id] = number or self.counts.get(root_id, 0) + 1
        self.do("INCR", f"brrr_count/{root_id}", reply=self.counts[root_id])

    def push(self, topic: str, root_id: str, call_hash: str) -> None:
        self.do("RPUSH", topic, message(root_id, call_hash), reply=1)

    def put(self, topic: str, root_id: str, call_hash: str) -> None:
        self.count(root_id)
        self.push(topic, root_id, call_hash)

    # ---- whole handlings ----------------------------------------------------

    def begin(self, call_hash: str = "p", root_id: str = "root1") -> None:
        """Take a message of topic t, and read its call."""
        self.take("t", (root_id, call_hash))
        self.read(f"call/{call_hash}", CALL)

    def first(
        self, child: str = "c", parent: str = "p", root_id: str = "root1"
    ) -> None:
        """Write a child and register with it, as the first who asks."""
        self.set(f"call/{child}", CALL)
        self.read(f"pending_returns/{child}", None)
        self.create(f"pending_returns/{child}", waiting((root_id, parent, "t")))

    # ---- beside the commands ------------------------------------------------

    def tell(self, **command: Any) -> None:
        self.told += 1
        self.trace.aside(self.worker, pb.Command(id=self.told, **command))

    def serve(self, topic: str = "t") -> None:
        self.tell(serve=pb.Serve(topic=topic))

    def invoke(self, call_hash: str, answer: pb.Answer, number: int = 1) -> None:
        invocation = pb.Invocation(
            invocation=number,
            topic="t",
            call_hash=call_hash,
            task_name="task",
            payload=b"[]",
        )
        self.trace.aside(self.worker, pb.Reply(id=1, invocation=invocation))
        given = pb.Answer()
        given.CopyFrom(answer)
        given.invocation = number
        self.tell(answer=given)

    def report(self, code: pb.Code) -> None:
        failure = pb.Failure(code=code, reason="so")
        self.trace.aside(self.worker, pb.Reply(id=1, problem=failure))

    def quiet(self) -> None:
        self.trace.aside("", Deed(Act.QUIET))


__all__ = [
    "CAD",
    "CALL",
    "CAS",
    "NOW",
    "THEN",
    "Error",
    "Tape",
    "defer",
    "message",
    "response",
    "waiting",
]
