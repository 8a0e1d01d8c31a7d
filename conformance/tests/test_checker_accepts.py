# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker accepts: all that the specification leaves open."""

from __future__ import annotations

import pytest

from brrr_conformance.build import ask, fail
from brrr_conformance.checker import check
from brrr_conformance.pb import adapter_pb2 as pb
from tape import (
    CALL,
    CAS,
    THEN,
    Error,
    Tape,
    defer,
    message,
    response,
    waiting,
)

P = ("root1", "p", "t")


def one_child(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.put("t", "root1", "c")


def one_return(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P))


def test_schedule() -> None:
    tape = Tape("client")
    tape.exists("value/p", False)
    tape.set("call/p", CALL)
    tape.put("t", "r" * 22, "p")
    tape.exists("value/q", True)
    assert check(tape.trace) is None


def test_defer_and_return() -> None:
    tape = Tape()
    one_child(tape)
    one_return(tape)
    tape.wait("t")
    assert check(tape.trace) is None


def test_optimistic_set_new() -> None:
    """SET NX without a read; only after the mismatch the record is read."""
    tape = Tape()
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(P), done=False)
    old = waiting(("root1", "o", "t"), at=THEN)
    tape.read("pending_returns/c", old)
    tape.cas("pending_returns/c", old, waiting(("root1", "o", "t"), P, at=THEN))
    tape.wait("t")
    assert check(tape.trace) is None


def test_pipelined() -> None:
    """A call and the read of the record, in one packet; two children at once."""
    tape = Tape()
    tape.begin()
    for child in "ab":
        tape.send("SET", f"call/{child}", CALL)
        tape.send("SET", f"pending_returns/{child}", waiting(P), "NX")
    for _ in "abab":
        tape.reply()
    for _ in "ab":
        tape.send("INCR", "brrr_count/root1")
    tape.reply(1)
    tape.reply(2)
    for child in "ab":
        tape.send("RPUSH", "t", message("root1", child))
    tape.reply(1)
    tape.reply(2)
    tape.wait("t")
    assert check(tape.trace) is None


def test_value_and_read_in_one_packet() -> None:
    tape = Tape()
    tape.begin("c")
    tape.send("SET", "value/c", b"v")
    tape.send("GET", "pending_returns/c")
    tape.reply()
    tape.reply(None)
    tape.wait("t")
    assert check(tape.trace) is None


def test_watch_and_exec() -> None:
    tape = Tape()
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.do("WATCH", "pending_returns/c")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.do("MULTI")
    tape.do("DEL", "pending_returns/c", reply=b"QUEUED")
    tape.do("EXEC", reply=[1])
    tape.wait("t")
    assert check(tape.trace) is None


def test_repeated_call() -> None:
    """Another root of the same parent: the child is put again [SCHED-27]."""
    tape = Tape()
    tape.begin(root_id="root2")
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(P, at=THEN))
    both = waiting(P, ("root2", "p", "t"), at=THEN)
    tape.cas("pending_returns/c", waiting(P, at=THEN), both)
    tape.put("t", "root2", "c")
    tape.wait("t")
    assert check(tape.trace) is None


def test_write_is_left_out() -> None:
    tape = Tape()
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(P))
    tape.wait("t")
    assert check(tape.trace) is None


def test_watched_child() -> None:
    """The second run looks at one child only, and registers with that [WORK-21]."""
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("a", "b"))
    for child in "ab":
        tape.first(child)
        tape.put("t", "root1", child)
    tape.take("t", ("root1", "p"))
    tape.do("MGET", "value/a", "value/b", reply=[b"1", None])
    tape.read("pending_returns/b", None)
    tape.create("pending_returns/b", waiting(P))
    tape.put("t", "root1", "b")
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_skip() -> None:
    """The value is there: only the returns are left to do [WORK-20]."""
    tape = Tape()
    tape.serve()
    tape.take("t", ("root1", "c"))
    tape.exists("value/c", True)
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P))
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_merged() -> None:
    """Two equal messages, handled once [WORK-23]."""
    tape = Tape()
    tape.serve()
    tape.take("t", ("root1", "c"))
    tape.take("t", ("root1", "c"))
    tape.read("call/c", CALL)
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", None)
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_mismatch_while_returning() -> None:
    """A parent came in between: it is put as well, the first one not again [RET-3]."""
    tape = Tape()
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P), done=False)
    both = waiting(P, ("root1", "q", "u"))
    tape.read("pending_returns/c", both)
    tape.put("u", "root1", "q")
    tape.cad("pending_returns/c", both)
    tape.wait("t")
    assert check(tape.trace) is None


@pytest.mark.parametrize("attempts", [100, 101])
def test_attempts(attempts: int) -> None:
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c"))
    tape.set("call/c", CALL)
    old, new = waiting(("r", "o", "t")), waiting(("r", "o", "t"), P)
    for _ in range(attempts):
        tape.read("pending_returns/c", old)
        tape.cas("pending_returns/c", old, new, done=False)
    tape.report(pb.CAS_EXHAUSTED)
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_spawn_limit_of_a_return() -> None:
    """The refused return is dropped, the other one put, the record removed [RET-5]."""
    tape = Tape()
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"v")
    both = waiting(P, ("root2", "q", "u"))
    tape.read("pending_returns/c", both)
    tape.count("root1", 10_001)
    tape.put("u", "root2", "q")
    tape.cad("pending_returns/c", both)
    tape.report(pb.SPAWN_LIMIT)
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_reply_never_came() -> None:
    """Was it registered or not? Whatever is (not) done then is right."""
    tape = Tape()
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", None)
    tape.send("SET", "pending_returns/c", waiting(P), "NX")
    tape.wait("t")
    assert check(tape.trace) is None


def test_backend_fails() -> None:
    tape = Tape()
    tape.begin()
    tape.set("call/c", CALL)
    tape.do("GET", "pending_returns/c", reply=Error(b"LOADING"))
    tape.wait("t")
    assert check(tape.trace) is None


def test_unknown_script_is_sent_again() -> None:
    tape = Tape()
    tape.begin()
    tape.set("call/c", CALL)
    old, new = waiting(("r", "o", "t")), waiting(("r", "o", "t"), P)
    tape.read("pending_returns/c", old)
    args = (1, "pending_returns/c", old, new)
    tape.do("EVALSHA", "0" * 40, *args, reply=Error(b"NOSCRIPT"))
    tape.do("EVAL", CAS, *args, reply=1)
    tape.wait("t")
    assert check(tape.trace) is None


INFLIGHT = "brrr:inflight:{t}:w"


def durable(tape: Tape) -> None:
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)


def test_durable() -> None:
    tape = Tape()
    durable(tape)
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, reply=message("root1", "c"))
    tape.read("call/c", CALL)
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", None)
    tape.do("LREM", INFLIGHT, 1, message("root1", "c"), reply=1)
    assert check(tape.trace) is None


def test_delivered_again_with_force() -> None:
    """The child's record was there: it is put all the same [QUEUE-12]."""
    tape = Tape()
    durable(tape)
    again = message("root1", "p")
    keys = ("brrr:workers:{t}", "brrr:inflight:{t}:gone", INFLIGHT)
    tape.do("EVAL", "reap", 3, *keys, reply=[again, 1])
    tape.read("call/p", CALL)
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "c")
    tape.do("LREM", INFLIGHT, 1, again, reply=1)
    assert check(tape.trace) is None


def test_several_hands() -> None:
    """One worker handles two messages at a time, in any order."""
    tape = Tape()
    tape.begin("c")
    tape.begin("d")
    both = [("c", waiting(P)), ("d", waiting(P))]
    for child, _ in both:
        tape.set(f"value/{child}", b"v")
    for child, record in both:
        tape.read(f"pending_returns/{child}", record)
    for _ in both:
        tape.put("t", "root1", "p")
    for child, record in reversed(both):
        tape.cad(f"pending_returns/{child}", record)
    tape.wait("t")
    assert check(tape.trace) is None


def test_handler_fails() -> None:
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", fail())
    tape.wait("t")
    tape.quiet()
    tape.report(pb.HANDLER_FAILED)  # may come a little later
    assert check(tape.trace) is None


def test_child_of_another_topic() -> None:
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer(ask("c", topic="u")))
    tape.first()
    tape.put("u", "root1", "c")
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


@pytest.mark.parametrize("part", [one_child, one_return])
def test_whole(part: object) -> None:
    """The parts that other tests begin with."""
    tape = Tape()
    part(tape)  # type: ignore[operator]
    tape.wait("t")
    assert check(tape.trace) is None
