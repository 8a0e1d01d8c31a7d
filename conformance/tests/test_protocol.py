# SPDX-License-Identifier: AGPL-3.0-only
"""Commands as operations of the protocol, however an SDK does them."""

from __future__ import annotations

import pytest

from brrr_conformance.commands import Kind, Operation
from brrr_conformance.protocol import Decoder
from brrr_conformance.records import PendingReturn, PendingReturns, ScheduleMessage
from brrr_conformance.resp import Error, Reply, Value
from brrr_conformance.step import Step

KEY = b"pending_returns/c"
OLD = PendingReturns((PendingReturn("root1", "p", "t"),), 5).encode()
NEW = PendingReturns(
    (PendingReturn("root1", "p", "t"), PendingReturn("root2", "p", "t")), 5
).encode()
M = ScheduleMessage("root1", "c").encode()
OWN = b"brrr:inflight:{t}:w"
REGISTRY, ATTEMPTS, DEAD = (
    f"brrr:{each}:{{t}}".encode() for each in ("workers", "attempts", "dead")
)


class Line:
    """One connection of one worker, with a decoder that others may share."""

    def __init__(
        self, decoder: Decoder | None = None, worker: str = "w", number: int = 1
    ):
        self.decoder, self.worker, self.number = decoder or Decoder(), worker, number

    def sent(self, *words: bytes) -> tuple[Operation, ...]:
        self.step = Step(words)
        return self.decoder.sent(self.worker, self.number, self.step)

    def answered(self, value: Value) -> tuple[Operation, ...]:
        reply = Reply(value, [])
        return self.decoder.answered(self.worker, self.number, self.step, reply)

    def do(self, *words: bytes, reply: Value) -> tuple[Operation, ...]:
        self.sent(*words)
        return self.answered(reply)


def one(operations: tuple[Operation, ...]) -> Operation:
    [operation] = operations
    return operation


# ---- plain commands ---------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kind", "octets", "expected"),
    [
        ((b"SET", KEY, NEW), Kind.SET, NEW, None),
        ((b"set", KEY, NEW, b"nx"), Kind.SET_NEW, NEW, None),
        ((b"SETNX", KEY, NEW), Kind.SET_NEW, NEW, None),
        ((b"SETEX", KEY, b"60", NEW), Kind.SET, NEW, None),
        ((b"MSET", KEY, NEW), Kind.SET, NEW, None),
        ((b"SET", KEY, NEW, b"IFEQ", OLD), Kind.CAS, NEW, OLD),
        ((b"DELEX", KEY, b"ifeq", OLD), Kind.CAD, None, OLD),
        ((b"DEL", KEY), Kind.REMOVE, None, None),
        ((b"GET", KEY), Kind.GET, None, None),
        ((b"EXISTS", KEY), Kind.EXISTS, None, None),
        ((b"INCR", KEY), Kind.INCR, None, None),
        ((b"INCRBY", KEY, b"1"), Kind.INCR, None, None),
        ((b"INCRBY", KEY, b"2"), Kind.UNKNOWN, None, None),
        ((b"EVAL", b"?", b"1", KEY), Kind.UNKNOWN, None, None),
        ((b"FROB", KEY), Kind.UNKNOWN, None, None),
    ],
)
def test_record(
    words: tuple[bytes, ...], kind: Kind, octets: bytes | None, expected: bytes | None
) -> None:
    operation = one(Line().sent(*words))
    assert operation == Operation(kind, KEY.decode(), octets, expected)


@pytest.mark.parametrize(
    ("words", "kind", "key"),
    [
        ((b"BLPOP", b"t", b"20"), Kind.POP, "t"),
        ((b"BLMOVE", b"t", OWN, b"LEFT", b"RIGHT", b"20"), Kind.POP, "t"),
        ((b"BLMPOP", b"20", b"1", b"t", b"LEFT"), Kind.POP, "t"),
        ((b"LPOP", b"t"), Kind.POP, "t"),
        ((b"LMOVE", OWN, OWN, b"LEFT", b"RIGHT"), Kind.REAP, OWN.decode()),
        ((b"LREM", OWN, b"1", M), Kind.ACK, OWN.decode()),
        ((b"RPUSH", DEAD, b"d7:"), Kind.SET_ASIDE, DEAD.decode()),
        ((b"ZADD", REGISTRY, b"1", b"w"), Kind.BEAT, REGISTRY.decode()),
        ((b"ZREM", REGISTRY, b"w"), Kind.LEAVE, REGISTRY.decode()),
        ((b"LLEN", b"t"), Kind.LOOK, "t"),
        ((b"EVAL", b"?", b"1", REGISTRY, b"w"), Kind.BEAT, REGISTRY.decode()),
        (
            (b"EVAL", b"?", b"3", REGISTRY, OWN, ATTEMPTS, b"w", b"800"),
            Kind.REAP,
            REGISTRY.decode(),
        ),
        ((b"EVAL", b"?", b"2", OWN, ATTEMPTS, M), Kind.ACK, OWN.decode()),
        (
            (b"EVAL", b"?", b"3", OWN, ATTEMPTS, DEAD, M, b"d2:at"),
            Kind.SET_ASIDE,
            OWN.decode(),
        ),
    ],
)
def test_queue(words: tuple[bytes, ...], kind: Kind, key: str) -> None:
    operation = one(Line().sent(*words))
    assert (operation.kind, operation.key) == (kind, key)


@pytest.mark.parametrize("words", [(b"PING",), (b"CLIENT", b"ID"), (b"SET", KEY), ()])
def test_nothing(words: tuple[bytes, ...]) -> None:
    assert Line().sent(*words) == ()


def test_several_in_one_command() -> None:
    line = Line()
    puts = line.sent(b"RPUSH", b"t", M, b"x")
    assert [each.octets for each in puts] == [M, b"x"]
    line.answered(2)
    first, second = line.do(b"MGET", b"value/a", b"value/b", reply=[None, b"v"])
    assert (first.done, first.octets) == (False, None)
    assert (second.done, second.octets) == (True, b"v")
    there = line.do(b"EXISTS", b"value/a", b"value/b", reply=1)
    assert [each.done for each in there] == [None, None]


# ---- scripts ----------------------------------------------------------------


def script(*args: bytes) -> tuple[bytes, ...]:
    return (b"EVALSHA", b"0123", b"1", KEY, *args)


@pytest.mark.parametrize(
    ("read", "args", "kind", "octets", "expected"),
    [
        (OLD, (OLD, NEW), Kind.CAS, NEW, OLD),
        (OLD, (NEW, OLD), Kind.CAS, NEW, OLD),
        (NEW, (NEW, OLD), Kind.CAS, OLD, NEW),
        (OLD, (b"1", OLD, b"1", OLD), Kind.CAS, OLD, OLD),
        (OLD, (OLD,), Kind.CAD, None, OLD),
        (None, (b"0", b"", b"1", NEW), Kind.SET_NEW, NEW, None),
        (None, (NEW, OLD), Kind.CAS, NEW, OLD),
    ],
)
def test_script(
    read: bytes | None,
    args: tuple[bytes, ...],
    kind: Kind,
    octets: bytes | None,
    expected: bytes | None,
) -> None:
    """What the worker has read, over whatever connection, tells old from new."""
    line = Line()
    Line(line.decoder, number=2).do(b"GET", KEY, reply=read)
    operation = one(line.sent(*script(*args)))
    assert operation == Operation(kind, KEY.decode(), octets, expected)


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ((M,), Kind.ACK),
        ((b"hello",), Kind.ACK),
        ((M, b"why"), Kind.SET_ASIDE),
        ((b"hello", b"why"), Kind.SET_ASIDE),
        ((b"worker", b"30000"), Kind.REAP),
    ],
)
def test_script_with_all_keys_of_a_queue(args: tuple[bytes, ...], kind: Kind) -> None:
    """It is about a message if that was taken before, or looks like one."""
    own = b"brrr:inflight:{t}:w"
    line = Line()
    line.do(b"BLMOVE", b"t", own, b"LEFT", b"RIGHT", b"20", reply=b"hello")
    keys = b"t", own, b"brrr:workers:{t}", b"brrr:attempts:{t}", b"brrr:dead:{t}"
    assert one(line.sent(b"FCALL", b"do", b"5", *keys, *args)).kind is kind


def test_script_that_counts_and_puts() -> None:
    line = Line()
    count, put = line.sent(b"FCALL", b"put", b"2", b"brrr_count/root1", b"t", M)
    assert (count.kind, count.key) == (Kind.INCR, "brrr_count/root1")
    assert (put.kind, put.key, put.octets) == (Kind.PUT, "t", M)


# ---- replies ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reply", "done"),
    [
        ((b"SET", KEY, NEW, b"NX"), b"OK", True),
        ((b"SET", KEY, NEW, b"NX"), None, False),
        (script(OLD, NEW), 1, True),
        (script(OLD, NEW), 0, False),
        (script(OLD, NEW), b"OK", True),
        (script(OLD, NEW), [0, OLD], False),
        ((b"DELEX", KEY, b"IFEQ", OLD), 0, False),
        ((b"GET", KEY), None, False),
        ((b"EXISTS", KEY), 1, True),
        ((b"BLPOP", b"t", b"20"), None, False),
        ((b"LREM", OWN, b"1", M), 0, False),
        ((b"RPUSH", b"t", M), 7, True),
    ],
)
def test_done(words: tuple[bytes, ...], reply: Value, done: bool) -> None:
    assert one(Line().do(*words, reply=reply)).done is done


def test_error() -> None:
    operation = one(Line().do(b"SET", KEY, NEW, reply=Error(b"OOM")))
    assert (operation.done, operation.error) == (False, b"OOM")


def test_count() -> None:
    assert one(Line().do(b"INCR", b"brrr_count/r", reply=3)).number == 3


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ((b"BLPOP", b"u", b"t", b"20"), [b"t", M]),
        ((b"BLMPOP", b"20", b"2", b"u", b"t", b"LEFT"), [b"t", [M]]),
    ],
)
def test_pop_of_several(words: tuple[bytes, ...], reply: Value) -> None:
    other, taken = Line().do(*words, reply=reply)
    assert (other.done, taken.done, taken.octets) == (False, True, M)


TAKE = b"EVAL", b"?", b"1", b"t"


@pytest.mark.parametrize(
    ("reply", "taken"),
    [(None, None), ([M], M), (M, M), ([b"x", 1, b"y"], b"x"), ([M, 1], M)],
)
def test_script_that_takes(reply: Value, taken: bytes | None) -> None:
    operation = one(Line().do(*TAKE, reply=reply))
    assert (operation.kind, operation.key) == (Kind.POP, "t")
    assert (operation.octets, operation.done) == (taken, taken is not None)


def test_script_that_fails_to_take() -> None:
    assert one(Line().do(*TAKE, reply=Error(b"NOPERM"))).error == b"NOPERM"


@pytest.mark.parametrize(("number", "call"), [(0, b"call"), (1, None)])
def test_script_that_takes_and_reads(number: int, call: bytes | None) -> None:
    pop, exists, get = Line().do(*TAKE, reply=[M, number, call])
    assert (pop.kind, pop.octets) == (Kind.POP, M)
    assert (str(exists), exists.done) == ("exists value/c", number == 1)
    assert (str(get), get.octets, get.done) == ("get call/c", call, call is not None)


def test_pop_into_a_list() -> None:
    words = (b"BLMOVE", b"t", OWN, b"LEFT", b"RIGHT", b"20")
    operation = one(Line().do(*words, reply=M))
    assert (operation.key, operation.octets) == ("t", M)


def test_pipeline() -> None:
    """Replies are those of the oldest commands, each connection for itself."""
    line = Line()
    other = Line(line.decoder, number=2)
    line.sent(b"GET", b"value/a")
    line.sent(b"INCR", b"brrr_count/r")
    other.sent(b"GET", b"value/b")
    assert one(line.answered(b"1")).key == "value/a"
    assert one(other.answered(b"2")).key == "value/b"
    assert one(line.answered(3)).number == 3
    assert line.answered(b"nobody asked") == ()


# ---- transactions -----------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "command", "kind"),
    [
        (OLD, (b"SET", KEY, NEW), Kind.CAS),
        (None, (b"SET", KEY, NEW), Kind.SET_NEW),
        (OLD, (b"DEL", KEY), Kind.CAD),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_transaction(
    read: bytes | None, command: tuple[bytes, ...], kind: Kind, done: bool
) -> None:
    """Nothing is done before the EXEC, and that is the compare-and-set."""
    line = Line()
    assert line.do(b"WATCH", KEY, reply=b"OK") == ()
    line.do(b"GET", KEY, reply=read)
    assert line.do(b"MULTI", reply=b"OK") == ()
    assert line.do(*command, reply=b"QUEUED") == ()
    assert line.do(b"INCR", b"brrr_count/r", reply=b"QUEUED") == ()
    compare, count = line.sent(b"EXEC")
    assert (compare.kind, compare.expected, count.kind) == (kind, read, Kind.INCR)
    compare, count = line.answered([b"OK", 4] if done else None)
    assert compare.done is done
    assert count.number == (4 if done else None)


def test_transaction_that_is_dropped() -> None:
    line = Line()
    line.do(b"WATCH", KEY, reply=b"OK")
    line.do(b"MULTI", reply=b"OK")
    line.do(b"SET", KEY, NEW, reply=b"QUEUED")
    line.do(b"DISCARD", reply=b"OK")
    assert one(line.sent(b"SET", KEY, NEW)).kind is Kind.SET
