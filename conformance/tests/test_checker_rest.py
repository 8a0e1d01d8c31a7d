# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker says at rest: WAIT and RUN, queues, counts."""

from __future__ import annotations

from brrr_conformance.aside import Act, Deed
from brrr_conformance.build import fail
from brrr_conformance.checker import Violation, check
from brrr_conformance.pb import adapter_pb2 as pb
from tape import CALL, Tape, defer, message, response, waiting

P = ("root1", "p", "t")


def at_rest(*tapes: Tape, whole: bool = False) -> Violation | None:
    """Play one tape after the other, then be quiet."""
    first = tapes[0]
    for tape in tapes:
        tape.wait("t")
    first.quiet()
    return check(first.trace, whole=whole)


def requirement(violation: Violation | None) -> str | None:
    return violation.requirement if violation else None


def deferred(tape: Tape) -> None:
    """Let p wait for c, whose message is on the queue."""
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c"))
    tape.first()
    tape.put("t", "root1", "c")


def another(tape: Tape, name: str = "worker-2") -> Tape:
    return Tape(name, trace=tape.trace, counts=tape.counts)


def test_child_is_queued() -> None:
    tape = Tape()
    deferred(tape)
    assert at_rest(tape) is None


def test_child_is_dropped() -> None:
    """Another worker took its message, and nobody knows of its handler."""
    tape = Tape()
    deferred(tape)
    other = another(tape)
    other.serve()
    other.take("t", ("root1", "c"))
    assert requirement(at_rest(tape, other)) == "WORK-2"


def test_child_whose_handler_fails() -> None:
    tape = Tape()
    deferred(tape)
    other = another(tape)
    other.serve()
    other.begin("c")
    other.invoke("c", fail())
    other.report(pb.HANDLER_FAILED)
    assert at_rest(tape, other) is None


def test_child_that_waits_itself() -> None:
    tape = Tape()
    deferred(tape)
    other = another(tape)
    other.serve()
    other.begin("c")
    other.invoke("c", defer("d"))
    other.first("d", "c")
    other.put("t", "root1", "d")
    assert at_rest(tape, other) is None


def test_parent_is_dropped() -> None:
    """Its child has returned to it; the message was taken by who tells nothing."""
    tape = Tape()
    deferred(tape)
    other = another(tape)
    other.serve()
    other.begin("c")
    other.invoke("c", response(b"v"))
    other.set("value/c", b"v")
    other.read("pending_returns/c", waiting(P))
    other.put("t", "root1", "p")
    other.cad("pending_returns/c", waiting(P))
    assert at_rest(tape, other) is None
    # The same, but that the message for the parent is gone.
    tape = Tape(trace=other.trace)
    tape.trace.asides.pop()
    mute = another(tape, "worker-3")
    mute.serve()
    mute.take("t", ("root1", "p"))
    mute.exists("value/p", False)
    assert requirement(at_rest(mute)) in ("RET-2", "WORK-2", "WORK-5")


def test_killed_while_it_defers() -> None:
    """A plain queue loses what a dead worker held; a durable one does not."""
    for durable in (False, True):
        tape = Tape()
        tape.serve()
        registry, own = "brrr:workers:{t}", "brrr:inflight:{t}:w"
        if durable:
            tape.do("ZADD", registry, 1, "w", reply=1)
            moved = message("root1", "p")
            tape.do("BLMOVE", "t", own, "LEFT", "RIGHT", 20, reply=moved)
            tape.read("call/p", CALL)
        else:
            tape.begin()
        tape.invoke("p", defer("c"))
        tape.first()
        if durable:  # and nobody puts the child, and the message is gone all the same
            tape.report(pb.BACKEND)
            tape.do("LREM", own, 1, message("root1", "p"), reply=1)
        tape.trace.aside(tape.worker, Deed(Act.KILL))
        tape.quiet()
        due = "QUEUE-12" if durable else None
        assert requirement(check(tape.trace)) == due


def test_killed_between_record_and_message() -> None:
    """The message is in flight until somebody takes it over."""
    tape = Tape()
    tape.serve()
    own = "brrr:inflight:{t}:w"
    tape.do("ZADD", "brrr:workers:{t}", 1, "w", reply=1)
    moved = message("root1", "p")
    tape.do("BLMOVE", "t", own, "LEFT", "RIGHT", 20, reply=moved)
    tape.read("call/p", CALL)
    tape.invoke("p", defer("c"))
    tape.first()
    tape.trace.aside(tape.worker, Deed(Act.KILL))
    tape.quiet()
    assert check(tape.trace) is None


def test_what_the_case_has_written() -> None:
    """Somebody removes the record by hand: the parent waits for ever, lawfully."""
    tape = Tape()
    deferred(tape)
    for act in (Act.TOUCH, Act.WRITE):
        tape.trace.aside("", Deed(act, "pending_returns/c"))
    assert at_rest(tape) is None


# ---- whole traces -----------------------------------------------------------


def test_message_is_left() -> None:
    tape = Tape()
    tape.trace.aside("", Deed(Act.PUSH, "t", message("root1", "p")))
    for key in ("call/p", "call/c", "value/c", "pending_returns/c"):
        octets = CALL if key == "call/p" else None
        tape.trace.aside("", Deed(Act.WRITE, key, octets))
    deferred(tape)
    assert requirement(at_rest(tape, whole=True)) == "WORK-1"


def test_message_of_nobody() -> None:
    tape = Tape()
    tape.serve()
    tape.take("t", ("root1", "c"))
    assert requirement(check(tape.trace, whole=True)) == "QUEUE-2"


def test_counts() -> None:
    for numbers, due in (((1, 2), None), ((1, 1), "CACHE-1"), ((1, 3), "CACHE-1")):
        tape = Tape()
        for number in numbers:
            tape.do("INCR", "brrr_count/root1", reply=number)
        assert requirement(check(tape.trace, whole=True)) == due


def test_lost_count() -> None:
    """A count without a reply may have been done: the next one gives 2."""
    tape = Tape()
    tape.send("INCR", "brrr_count/root1")
    another(tape).do("INCR", "brrr_count/root1", reply=2)
    assert check(tape.trace, whole=True) is None


def test_created_twice() -> None:
    tape = Tape()
    for line in (3, 4):
        tape.send("SETNX", "call/c", CALL, line=line)
    for line in (3, 4):
        tape.reply(1, line=line)
    assert requirement(check(tape.trace, whole=True)) == "STORE-3"
