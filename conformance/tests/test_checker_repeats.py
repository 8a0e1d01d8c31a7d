# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker says of commands that come twice, their reply being lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from brrr_conformance.checker import check
from tape import CAD, CALL, CAS, THEN, Tape, defer, message, response, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

P = ("root1", "p", "t")
OLD = waiting(("r", "o", "t"), at=THEN)
NEW = waiting(("r", "o", "t"), P, at=THEN)
RECORD = "pending_returns/c"


@dataclass(frozen=True, slots=True)
class Play:
    """What a worker does about a message for a call, up to the command in question."""

    call_hash: str
    before: Callable[[Tape], None]
    words: tuple[str | bytes | int, ...]
    # The reply when it is sent for the second time, and was done the first time.
    reply: int | None


def nothing(_: Tape) -> None:
    pass


def first(tape: Tape) -> None:
    tape.first()


def counted(tape: Tape) -> None:
    tape.first()
    tape.count("root1")


def called(tape: Tape) -> None:
    tape.set("call/c", CALL)


def read(tape: Tape) -> None:
    tape.set("call/c", CALL)
    tape.read(RECORD, OLD)


def returned(tape: Tape) -> None:
    tape.set("value/c", b"v")
    tape.read(RECORD, waiting(P))
    tape.put("t", "root1", "p")


def half_returned(tape: Tape) -> None:
    tape.set("value/c", b"v")
    tape.read(RECORD, waiting(("root2", "p", "t"), P))
    tape.put("t", "root1", "p")


PLAYS = {
    "put": Play("p", counted, ("RPUSH", "t", message("root1", "c")), 2),
    "incr": Play("p", first, ("INCR", "brrr_count/root1"), 2),
    "incr of a return": Play("c", half_returned, ("INCR", "brrr_count/root2"), 2),
    "set_new": Play("p", called, ("SET", RECORD, waiting(P), "NX"), None),
    "cas": Play("p", read, ("EVAL", CAS, 1, RECORD, OLD, NEW), 0),
    "cad": Play("c", returned, ("EVAL", CAD, 1, RECORD, waiting(P)), 0),
}
of_each_play = pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)


def expect_again(tape: Tape) -> None:
    violation = check(tape.trace)
    assert violation is not None, "accepted"
    assert violation.requirement == "REDIS-24", str(violation)
    assert tape.trace.frames[violation.frame].reply is None
    assert violation.frame >= len(tape.trace.frames) - 2
    assert violation.worker == tape.worker


@of_each_play
def test_sent_again(play: Play) -> None:
    """Its connection was lost; another one carries it once more."""
    tape = Tape()
    tape.begin(play.call_hash)
    play.before(tape)
    tape.send(*play.words, line=2)
    tape.do(*play.words, reply=play.reply)
    expect_again(tape)


@of_each_play
@pytest.mark.parametrize("look", ["call", "value"])
def test_handled_anew(play: Play, look: str) -> None:
    """A durable worker handles it again, from the start [QUEUE-15]."""
    tape = Tape()
    tape.begin(play.call_hash)
    play.before(tape)
    tape.send(*play.words, line=2)
    if look == "call":
        tape.read(f"call/{play.call_hash}", CALL)
    else:
        tape.exists(f"value/{play.call_hash}", False)
    tape.send(*play.words)
    assert check(tape.trace) is None


@of_each_play
def test_another_message(play: Play) -> None:
    """An equal message asks for the same."""
    tape = Tape()
    for line in (2, 3):
        tape.begin(play.call_hash)
        if line == 2 or play.call_hash == "c":
            play.before(tape)
        tape.send(*play.words, line=line)
    violation = check(tape.trace)
    assert violation is None or violation.requirement != "REDIS-24", str(violation)


@pytest.mark.parametrize("words", [("INCR", "brrr_count/r"), ("RPUSH", "t", "…")])
def test_client(words: tuple[str, ...]) -> None:
    """A client that schedules a root."""
    root = message("r", "p")
    args = [root if each == "…" else each for each in words]
    tape = Tape("client")
    tape.exists("value/p", False)
    tape.set("call/p", CALL)
    if words[0] == "RPUSH":
        tape.count("r")
    tape.send(*args, line=2)
    tape.do(*args, reply=2)
    expect_again(tape)


def test_same_connection() -> None:
    """Two in a pipeline that was lost as a whole: no reply was missed in between."""
    tape = Tape()
    tape.begin()
    tape.first()
    for _ in range(2):
        tape.send("INCR", "brrr_count/root1", line=2)
    assert check(tape.trace) is None


def test_asked_for_twice() -> None:
    """Two asks for one child register at once, each with a connection."""
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c", "c"))
    tape.set("call/c", CALL)
    for line in (1, 2):
        tape.send("SET", "pending_returns/c", waiting(P), "NX", line=line)
    tape.reply(None, line=2)
    assert check(tape.trace) is None


def test_several_at_once() -> None:
    """Two counts in one pipeline, both lost, and two more: one too many is found."""
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("a", "b"))
    for child in "ab":
        tape.first(child)
    for line in (1, 1, 2):
        tape.send("INCR", "brrr_count/root1", line=line)
    expect_again(tape)


def test_value_again() -> None:
    """A value, or a call, may be set as often as it likes."""
    tape = Tape()
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    for line in (2, 1):
        tape.send("SET", "value/c", b"v", line=line)
    assert check(tape.trace) is None
