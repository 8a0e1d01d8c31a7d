# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker rejects: durable queues, clients, work after a report.

Each function plays the shortest trace that breaks one rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.build import ask
from brrr_conformance.pb import adapter_pb2 as pb
from rules import P, Rules, expect_rejected
from tape import CAD, CALL, Error, defer, message, waiting

if TYPE_CHECKING:
    from rules import Play
    from tape import Tape

RULES = Rules()
breaks = RULES.breaks
INFLIGHT = "brrr:inflight:{t}:w"


@breaks("QUEUE-1")
def topic_of_others(tape: Tape) -> None:
    tape.serve("t")
    tape.do("BLPOP", "u", 20, reply=None)


@breaks("QUEUE-10")
def acknowledged_first(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, reply=message("root1", "c"))
    tape.read("call/c", CALL)
    tape.set("value/c", b"v")
    tape.do("LREM", INFLIGHT, 1, message("root1", "c"), reply=1)
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")


@breaks("QUEUE-10")
def written_after_it_was_acknowledged(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, reply=message("root1", "c"))
    tape.read("call/c", CALL)
    tape.do("LREM", INFLIGHT, 1, message("root1", "c"), reply=1)
    tape.set("value/c", b"v")


@breaks("QUEUE-10")
def last_reply_is_not_there(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, reply=message("root1", "c"))
    tape.read("call/c", CALL)
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.send("EVAL", CAD, 1, "pending_returns/c", waiting(P))
    tape.send("LREM", INFLIGHT, 1, message("root1", "c"))
    tape.reply(1)
    tape.reply(1)


@breaks("QUEUE-12")
def delivered_again_without_force(tape: Tape) -> None:
    tape.serve()
    tape.do(
        "EVAL",
        "reap",
        3,
        "brrr:workers:{t}",
        "brrr:inflight:{t}:gone",
        INFLIGHT,
        reply=[message("root1", "p"), 1],
    )
    tape.read("call/p", CALL)
    tape.invoke("p", defer("c"))
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(P))
    tape.do("LREM", INFLIGHT, 1, message("root1", "p"), reply=1)


@breaks("REDIS-30")
def from_the_tail_into_flight(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    tape.do("BLMOVE", "t", INFLIGHT, "RIGHT", "RIGHT", 20, reply=None)


@breaks("REDIS-30")
def waits_too_long(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 60, reply=None)


@breaks("REDIS-30")
def two_pops_at_a_time(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    tape.send("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20)
    tape.send("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20)
    tape.reply(None)
    tape.reply(None)


@breaks("REDIS-32")
def not_in_the_registry(tape: Tape) -> None:
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, reply=None)


@breaks("TRACE")
def reply_to_nobody(tape: Tape) -> None:
    tape.send("GET", "call/p")
    tape.reply(None)
    tape.trace.frames.append(tape.trace.frames[-1])


# ---- a client ---------------------------------------------------------------


def client(tape: Tape, call_hash: str = "p") -> None:
    tape.worker = "client"
    tape.tell(schedule=pb.Schedule(ask=ask(call_hash, topic="t")))
    tape.exists(f"value/{call_hash}", False)


@breaks("SCHED-1")
def writes_though_there_is_a_value(tape: Tape) -> None:
    tape.worker = "client"
    tape.tell(schedule=pb.Schedule(ask=ask("p", topic="t")))
    tape.exists("value/p", True)
    tape.set("call/p", CALL)


@breaks("SCHED-2")
def put_before_the_call_is_written(tape: Tape) -> None:
    client(tape)
    tape.put("t", "r1", "p")
    tape.set("call/p", CALL)


@breaks("SCHED-3")
def root_id_is_used_again(tape: Tape) -> None:
    client(tape)
    tape.set("call/p", CALL)
    tape.put("t", "r1", "p")
    client(tape, "q")
    tape.set("call/q", CALL)
    tape.put("t", "r1", "q")


@breaks("SCHED-4")
def root_is_put_twice(tape: Tape) -> None:
    client(tape)
    tape.set("call/p", CALL)
    tape.put("t", "r1", "p")
    tape.put("t", "r2", "p")


@breaks("SCHED-4")
def root_is_put_on_another_topic(tape: Tape) -> None:
    client(tape)
    tape.set("call/p", CALL)
    tape.put("u", "r1", "p")


@breaks("SCHED-4")
def root_is_not_put(tape: Tape) -> None:
    client(tape)
    tape.set("call/p", CALL)
    tape.trace.aside("client", pb.Reply(id=tape.told, done=pb.Done()))


# ---- after a report ---------------------------------------------------------


def gives_up(tape: Tape) -> None:
    """Report what one of two children met, and be done."""
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("a", "b"))
    tape.first("a")
    tape.count("root1")
    tape.do("RPUSH", "t", message("root1", "a"), reply=Error(b"OOM"))
    tape.report(pb.BACKEND)
    tape.quiet()


@breaks("WORK-11")
def late_call(tape: Tape) -> None:
    gives_up(tape)
    tape.set("call/b", CALL)


@breaks("WORK-11")
def late_registration(tape: Tape) -> None:
    gives_up(tape)
    tape.read("pending_returns/b", None)
    tape.create("pending_returns/b", waiting(P))


@breaks("WORK-11")
def late_put(tape: Tape) -> None:
    gives_up(tape)
    tape.put("t", "root1", "b")


# ---- all of them ------------------------------------------------------------


@RULES.each
def test_rejected(requirement: str, play: Play) -> None:
    expect_rejected(requirement, play)
