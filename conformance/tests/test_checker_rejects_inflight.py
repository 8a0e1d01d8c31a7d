# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker rejects: what a durable worker does with its list.

Each function plays the shortest trace that breaks one rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance import bencode
from brrr_conformance.build import fail
from brrr_conformance.checker import check
from brrr_conformance.pb import adapter_pb2 as pb
from rules import P, Rules, expect_rejected
from tape import CALL, Tape, message, response, waiting

if TYPE_CHECKING:
    from rules import Play

RULES = Rules()
breaks = RULES.breaks
REGISTRY, INFLIGHT, DEAD = "brrr:workers:{t}", "brrr:inflight:{t}:w", "brrr:dead:{t}"
ATTEMPTS = "brrr:attempts:{t}"
TAKEN = message("root1", "c")
LETTER = bencode.encode({b"at": 1, b"message": b"hello", b"reason": b"so"})
SET_ASIDE = "redis.call('LREM',KEYS[1],1,ARGV[1]) redis.call('RPUSH',KEYS[2],ARGV[2])"


def take(tape: Tape, octets: bytes = TAKEN) -> None:
    tape.do("ZADD", REGISTRY, 1, "w", reply=1)
    tape.do("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, reply=octets)


def handle(tape: Tape, number: int = 1) -> None:
    """Serve, take a message, and do all about it."""
    tape.serve()
    take(tape)
    tape.read("call/c", CALL)
    tape.invoke("c", response(b"v"), number)
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", None)


def acknowledge(tape: Tape, octets: bytes = TAKEN, reply: int = 1) -> None:
    tape.do("LREM", INFLIGHT, 1, octets, reply=reply)


def wait(tape: Tape) -> None:
    tape.send("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, line=9)


def deliver_again(tape: Tape) -> None:
    """Take the message of a dead worker over."""
    tape.serve()
    tape.do("ZADD", REGISTRY, 1, "w", reply=1)
    keys = REGISTRY, "brrr:inflight:{t}:gone", INFLIGHT
    tape.do("EVAL", "reap", 3, *keys, reply=[TAKEN, 1])
    tape.read("call/c", CALL)
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", None)


@breaks("QUEUE-13")
def never_acknowledged(tape: Tape) -> None:
    handle(tape)
    wait(tape)


@breaks("QUEUE-13")
def problem_told_and_never_acknowledged(tape: Tape) -> None:
    tape.tell(serve=pb.Serve(topic="t", on_problem=pb.GO_ON))
    take(tape, b"hello")
    tape.report(pb.REFUSED)
    wait(tape)


@breaks("QUEUE-13")
def acknowledgement_is_lost_and_not_tried_again(tape: Tape) -> None:
    handle(tape)
    tape.send("LREM", INFLIGHT, 1, TAKEN, line=3)
    wait(tape)


@breaks("QUEUE-13")
def kept_though_all_was_done_before_the_trouble(tape: Tape) -> None:
    handle(tape)
    tape.send("GET", "call/x", line=3)
    wait(tape)


@breaks("REDIS-34")
def acknowledged_twice(tape: Tape) -> None:
    handle(tape)
    acknowledge(tape)
    acknowledge(tape)


@breaks("REDIS-34")
def all_equal_ones_go(tape: Tape) -> None:
    handle(tape)
    tape.do("LREM", INFLIGHT, 0, TAKEN, reply=1)


@breaks("REDIS-34")
def off_the_list_of_another(tape: Tape) -> None:
    handle(tape)
    tape.do("LREM", f"{INFLIGHT}x", 1, TAKEN, reply=1)


@breaks("REDIS-34")
def what_was_never_taken(tape: Tape) -> None:
    handle(tape)
    acknowledge(tape, b"hello")


@breaks("REDIS-34")
def attempts_are_kept(tape: Tape) -> None:
    deliver_again(tape)
    acknowledge(tape)


@breaks("QUEUE-20")
def acknowledged_without_a_dead_letter(tape: Tape) -> None:
    tape.tell(serve=pb.Serve(topic="t", on_problem=pb.DEAD_LETTER))
    take(tape, b"hello")
    acknowledge(tape, b"hello")
    tape.report(pb.REFUSED)
    wait(tape)


@breaks("QUEUE-20")
def dead_letter_is_left_out(tape: Tape) -> None:
    tape.tell(serve=pb.Serve(topic="t", on_problem=pb.DEAD_LETTER))
    take(tape)
    tape.read("call/c", CALL)
    tape.invoke("c", fail())
    tape.report(pb.HANDLER_FAILED)
    wait(tape)


@breaks("REDIS-40")
def dead_letter_twice(tape: Tape) -> None:
    take(tape, b"hello")
    for _ in range(2):
        keys = INFLIGHT, DEAD
        tape.do("EVAL", SET_ASIDE, 2, *keys, b"hello", LETTER, reply=1)


@breaks("REDIS-40")
def dead_letter_by_itself(tape: Tape) -> None:
    take(tape, b"hello")
    tape.do("RPUSH", DEAD, LETTER, reply=1)
    acknowledge(tape, b"hello")


@breaks("REDIS-37")
def nobody_looks_at_the_list(tape: Tape) -> None:
    tape.do("ZADD", REGISTRY, 1, "w", reply=1)
    tape.send("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20)
    wait(tape)


@breaks("REDIS-32")
def registry_of_another_topic(tape: Tape) -> None:
    tape.do("ZADD", f"{REGISTRY}x", 1, "w", reply=1)
    wait(tape)


@RULES.each
def test_rejected(requirement: str, play: Play) -> None:
    expect_rejected(requirement, play)


# ---- and what is lawful -----------------------------------------------------


def expect_lawful(tape: Tape) -> None:
    wait(tape)
    tape.quiet()
    assert check(tape.trace) is None


def test_acknowledged() -> None:
    tape = Tape()
    handle(tape)
    acknowledge(tape)
    expect_lawful(tape)


def test_tried_again() -> None:
    """The first one had no reply; it may have been done [QUEUE-13]."""
    tape = Tape()
    handle(tape)
    tape.send("LREM", INFLIGHT, 1, TAKEN, line=3)
    acknowledge(tape, reply=0)
    expect_lawful(tape)


def test_compared() -> None:
    """The first one had no reply, and the list has no such message any more."""
    tape = Tape()
    handle(tape)
    tape.send("LREM", INFLIGHT, 1, TAKEN, line=3)
    tape.do("LRANGE", INFLIGHT, 0, -1, reply=[])
    expect_lawful(tape)


def test_equal_messages() -> None:
    tape = Tape()
    for number in (1, 2):
        handle(tape, number)
        acknowledge(tape)
    expect_lawful(tape)


def test_attempts_are_forgotten() -> None:
    tape = Tape()
    deliver_again(tape)
    tape.do("MULTI")
    tape.do("LREM", INFLIGHT, 1, TAKEN, reply=b"QUEUED")
    tape.do("HDEL", ATTEMPTS, TAKEN, reply=b"QUEUED")
    tape.do("EXEC", reply=[1, 1])
    expect_lawful(tape)


def test_set_aside_in_a_transaction() -> None:
    tape = Tape()
    tape.tell(serve=pb.Serve(topic="t", on_problem=pb.DEAD_LETTER))
    take(tape, b"hello")
    tape.do("MULTI")
    tape.do("RPUSH", DEAD, LETTER, reply=b"QUEUED")
    tape.do("LREM", INFLIGHT, 1, b"hello", reply=b"QUEUED")
    tape.do("EXEC", reply=[1, 1])
    tape.report(pb.REFUSED)
    expect_lawful(tape)


def test_kept_after_a_failure() -> None:
    """The store did not reply: the message may stay in flight [QUEUE-15]."""
    tape = Tape()
    tape.serve()
    take(tape)
    tape.send("GET", "call/c", line=3)
    tape.report(pb.BACKEND)
    expect_lawful(tape)


def test_list_is_looked_at() -> None:
    """A pop was lost; what it may have moved is looked for [REDIS-37]."""
    tape = Tape()
    tape.serve()
    tape.do("ZADD", REGISTRY, 1, "w", reply=1)
    tape.send("BLMOVE", "t", INFLIGHT, "LEFT", "RIGHT", 20, line=3)
    tape.do("LRANGE", INFLIGHT, 0, -1, reply=[])
    expect_lawful(tape)


def test_returns_before_the_acknowledgement() -> None:
    tape = Tape()
    tape.serve()
    take(tape)
    tape.read("call/c", CALL)
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P))
    acknowledge(tape)
    expect_lawful(tape)
