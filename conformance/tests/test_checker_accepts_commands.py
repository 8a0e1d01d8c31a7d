# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker accepts: other commands than most SDKs send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from brrr_conformance import request
from brrr_conformance.aside import Act, Deed
from brrr_conformance.build import ask, fail
from brrr_conformance.checker import check
from brrr_conformance.pb import adapter_pb2 as pb
from tape import (
    CALL,
    NOW,
    Tape,
    defer,
    message,
    response,
    waiting,
)

if TYPE_CHECKING:
    from brrr_conformance.resp import Value

P = ("root1", "p", "t")
TAKE = "local m=redis.call('LPOP',KEYS[1])"
COUNT_AND_PUT = "if redis.call('INCR',KEYS[1])<=10000 then redis.call('RPUSH',KEYS[2])"


def test_mget_of_one_key() -> None:
    tape = Tape()
    tape.serve()
    tape.take("t", ("root1", "p"))
    tape.do("MGET", "call/p", reply=[CALL])
    tape.invoke("p", response(b"v"))
    tape.set("value/p", b"v")
    tape.do("MGET", "pending_returns/p", reply=[None])
    tape.quiet()
    assert check(tape.trace) is None


def test_script_that_takes_and_reads() -> None:
    """It is sent along with the return of the message before."""
    tape = Tape()
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    tape.send("SET", "value/c", b"v")
    tape.send("EVAL", TAKE, 1, "t")
    tape.send("GET", "pending_returns/c")
    replies: list[Value] = [b"OK", [message("root1", "p"), 0, CALL], None]
    for reply in replies:
        tape.reply(reply)
    tape.invoke("p", response(b"v"), 2)
    tape.set("value/p", b"v")
    tape.do("EVAL", TAKE, 1, "t", reply=[message("root1", "p"), 1, CALL])
    tape.read("pending_returns/p", None)
    tape.do("EVAL", TAKE, 1, "t", reply=None)
    tape.read("pending_returns/p", None)
    tape.quiet()
    assert check(tape.trace) is None


@pytest.mark.parametrize("topic", ["t", "call/x"])
def test_count_and_put_in_one_script(topic: str) -> None:
    """The topic of a return may look like a record."""
    old = waiting(("root1", "p", topic))
    tape = Tape()
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", old)
    keys = "brrr_count/root1", topic
    tape.do("EVAL", COUNT_AND_PUT, 2, *keys, message("root1", "p"), reply=1)
    tape.cad("pending_returns/c", old)
    tape.wait("t")
    assert check(tape.trace) is None


def test_script_that_meets_the_limit() -> None:
    """It counts, and then puts nothing."""
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.invoke("p", defer(ask("c")))
    tape.first()
    keys = "brrr_count/root1", "t"
    tape.do("EVAL", COUNT_AND_PUT, 2, *keys, message("root1", "c"), reply=10_001)
    tape.report(pb.SPAWN_LIMIT)
    tape.quiet()
    assert check(tape.trace) is None


def test_rpushx_that_finds_no_queue() -> None:
    tape = Tape()
    tape.begin()
    tape.first()
    tape.count("root1")
    tape.do("RPUSHX", "t", message("root1", "c"), reply=0)
    tape.push("t", "root1", "c")
    tape.wait("t")
    assert check(tape.trace) is None


def test_value_that_was_found_is_written_again() -> None:
    """The handler is left out [WORK-2]."""
    tape = Tape()
    tape.serve()
    tape.begin()
    tape.read("value/p", b"v")
    tape.set("value/p", b"v")
    tape.read("pending_returns/p", None)
    tape.quiet()
    assert check(tape.trace) is None


def test_equal_message_of_a_dead_worker() -> None:
    """It comes while one like it is in hand, and is handled after that."""
    octets = message("root1", "p")
    own, registry, attempts = (
        f"brrr:{each}:{{t}}" for each in ("inflight", "workers", "attempts")
    )
    tape = Tape()
    tape.serve()
    tape.do("ZADD", registry, NOW, "w", reply=1)
    tape.do("BLMOVE", "t", f"{own}:w", "LEFT", "RIGHT", 20, reply=octets)
    tape.read("call/p", CALL)
    tape.invoke("p", fail("no"))
    keys = f"{own}:w", registry, attempts
    tape.do("EVAL", "beat and reap", 3, *keys, "w", 800, reply=[1, octets, 1])
    tape.report(pb.HANDLER_FAILED)
    tape.do("LREM", f"{own}:w", 1, octets, reply=1)
    tape.read("call/p", CALL)
    tape.invoke("p", response(b"v"), 2)
    tape.set("value/p", b"v")
    tape.read("pending_returns/p", None)
    tape.do("LREM", f"{own}:w", 1, octets, reply=1)
    assert check(tape.trace) is None


def test_removal_that_is_sent_again() -> None:
    """It had no answer: its returns were put for both [DYN-7]."""
    old = waiting(("root1", "p", "t"))
    tape = Tape()
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", old)
    tape.put("t", "root1", "p")
    body = {
        "Key": request.item_key(b"pending_returns/c"),
        "ConditionExpression": "attribute_exists(#value) AND #value = :expected",
        "ExpressionAttributeValues": {":expected": request.binary(old)},
    }
    words = "DeleteItem", "pending_returns/c", json.dumps(body)
    tape.send(*words, line=2)
    tape.trace.aside(tape.worker, Deed(Act.CUT))
    tape.do(*words, reply=None)
    tape.read("pending_returns/c", None)
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_take_and_read_in_one_script() -> None:
    """It takes two messages, and reads their calls at once."""
    tape = Tape()
    tape.serve()
    first, second = message("root1", "p"), message("root1", "q")
    tape.do("EVAL", "take", 1, "t", 2, reply=[first, CALL, second, CALL])
    for number, call_hash in enumerate("pq", 1):
        tape.invoke(call_hash, response(b"v"), number)
        tape.send("SET", f"value/{call_hash}", b"v")
        tape.send("GET", f"pending_returns/{call_hash}")
        tape.reply()
        tape.reply(None)
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None


def test_several_reads_in_one_command() -> None:
    """The value, the call, and the values of all children."""
    tape = Tape()
    tape.serve()
    tape.take("t", ("root1", "p"))
    keys = "value/p", "call/p", "value/a", "value/b"
    tape.do("MGET", *keys, reply=[None, CALL, b"1", b"2"])
    tape.invoke("p", response(b"v"))
    tape.send("SET", "value/p", b"v")
    tape.send("MGET", "pending_returns/p", "pending_returns/x")
    tape.reply()
    tape.reply([None, None])
    tape.wait("t")
    tape.quiet()
    assert check(tape.trace) is None
