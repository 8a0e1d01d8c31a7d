# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker rejects: returns, how a message is handled, what is stored.

Each function plays the shortest trace that breaks one rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.build import fail
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.records import Call
from rules import OTHER, P, Rules, expect_rejected
from tape import CALL, THEN, defer, message, response, waiting

if TYPE_CHECKING:
    from brrr_conformance.resp import Value
    from rules import Play
    from tape import Tape

RULES = Rules()
breaks = RULES.breaks


@breaks("RET-1")
def value_after_the_returns(tape: Tape) -> None:
    tape.begin("c")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.set("value/c", b"v")


@breaks("RET-1")
def value_after_the_read(tape: Tape) -> None:
    tape.begin("c")
    tape.read("pending_returns/c", None)
    tape.set("value/c", b"v")


@breaks("RET-1")
def value_is_not_written(tape: Tape) -> None:
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    tape.read("pending_returns/c", None)


@breaks("RET-1")
def value_of_another_call(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/d", b"v")


@breaks("RET-2")
def return_on_the_workers_topic(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(("root1", "p", "u")))
    tape.put("t", "root1", "p")


@breaks("RET-2")
def return_under_the_childs_root(tape: Tape) -> None:
    tape.begin("c", "root2")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root2", "p")


@breaks("RET-2")
def nobody_looks_who_waits(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")


@breaks("RET-2")
def a_return_is_not_put(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))


@breaks("RET-3")
def again_after_a_mismatch(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P), done=False)
    tape.read("pending_returns/c", waiting(P, ("root1", "q", "t")))
    tape.put("t", "root1", "p")


@breaks("RET-4")
def removed_without_comparison(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.do("DEL", "pending_returns/c", reply=1)


@breaks("RET-4")
def removed_before_the_put(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.cad("pending_returns/c", waiting(P))


@breaks("RET-4")
def record_is_left(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")


@breaks("RET-4")
def removed_against_other_octets(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P, at=THEN))


@breaks("RET-4")
def no_read_after_the_mismatch(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "p")
    tape.cad("pending_returns/c", waiting(P), done=False)
    tape.cad("pending_returns/c", waiting(P))


@breaks("RET-5")
def record_stays_at_the_spawn_limit(tape: Tape) -> None:
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", waiting(P))
    tape.count("root1", 10_001)
    tape.report(pb.SPAWN_LIMIT)


@breaks("WORK-20")
def skip_without_the_returns(tape: Tape) -> None:
    tape.serve()
    tape.take("t", ("root1", "c"))
    tape.exists("value/c", True)


@breaks("WORK-2")
def other_payload(tape: Tape) -> None:
    tape.serve()
    tape.take("t", ("root1", "p"))
    tape.read("call/p", Call(b"[1]", "task").encode())
    tape.invoke("p", response(b"v"))


@breaks("WORK-2")
def message_is_dropped(tape: Tape) -> None:
    tape.serve()
    tape.begin()


@breaks("WORK-3")
def invoked_twice(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", response(b"v"))
    tape.invoke("p", response(b"v"), 2)


@breaks("WORK-4")
def no_message_and_no_report(tape: Tape) -> None:
    tape.serve()
    tape.take("t", b"hello")


@breaks("WORK-4")
def put_because_of_no_message(tape: Tape) -> None:
    tape.take("t", b"hello")
    tape.put("t", "root1", "c")


@breaks("WORK-5")
def value_before_the_call_is_read(tape: Tape) -> None:
    tape.take("t", ("root1", "c"))
    tape.set("value/c", b"v")


@breaks("WORK-5")
def call_is_missing_and_no_report(tape: Tape) -> None:
    tape.serve()
    tape.take("t", ("root1", "p"))
    tape.read("call/p", None)


@breaks("WORK-5")
def call_is_missing_when_its_message_is_taken(tape: Tape) -> None:
    tape.serve()
    taken: Value = [message("root1", "p"), 0, None]
    tape.do("EVAL", "redis.call('LPOP',KEYS[1])", 1, "t", reply=taken)


@breaks("WORK-6")
def handler_fails_in_silence(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", fail())


@breaks("WORK-6")
def value_of_a_handler_that_failed(tape: Tape) -> None:
    tape.serve()
    tape.begin("c")
    tape.invoke("c", fail())
    tape.set("value/c", b"v")


@breaks("WORK-9")
def registers_in_what_does_not_decode(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", b"di1ee")
    tape.cas("pending_returns/c", b"di1ee", waiting(P))


@breaks("STORE-6")
def too_many_attempts(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    for _ in range(102):
        tape.read("pending_returns/c", waiting(OTHER))
        tape.cas("pending_returns/c", waiting(OTHER), waiting(OTHER, P), done=False)


@breaks("RET-1")
def value_is_not_written_after_a_problem(tape: Tape) -> None:
    # What was told before the second message came was about the first one.
    tape.serve()
    tape.begin()
    tape.invoke("p", fail())
    tape.report(pb.HANDLER_FAILED)
    tape.begin("c")
    tape.invoke("c", response(b"v"), 2)
    tape.read("pending_returns/c", None)


@breaks("REC-5")
def another_value(tape: Tape) -> None:
    tape.serve()
    tape.begin("c")
    tape.invoke("c", response(b"v"))
    tape.set("value/c", b"w")


@breaks("REC-4")
def another_call(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c"))
    tape.set("call/c", Call(b"[1]", "task").encode())


@breaks("REC-7")
def returns_are_not_sorted(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(("root1", "z", "t")))
    old = waiting(("root1", "z", "t"))
    tape.cas(
        "pending_returns/c", old, old.replace(b"1:tee", b"1:teli1e5:root11:p1:tee")
    )


@breaks("REC-6")
def a_return_is_there_twice(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    new = waiting(P)
    tape.create(
        "pending_returns/c",
        new.replace(b"li1e5:root11:p1:te", b"li1e5:root11:p1:te" * 2),
    )


@breaks("REC-11")
def unknown_key_is_written_back(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", b"d7:payload2:[]9:task_name4:task1:xi1ee")


@breaks("REC-1")
def message_is_no_message(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.count("root1")
    tape.do("RPUSH", "t", b"l5:root11:ce", reply=1)


@breaks("REDIS-1")
def put_in_front(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.count("root1")
    tape.do("LPUSH", "t", message("root1", "c"), reply=1)


@breaks("REDIS-2")
def polling(tape: Tape) -> None:
    for _ in range(5):
        tape.do("LPOP", "t", reply=None)


@breaks("REDIS-2")
def taken_from_the_tail(tape: Tape) -> None:
    tape.do("BRPOP", "t", 20, reply=None)


@breaks("REDIS-10")
def counts_by_two(tape: Tape) -> None:
    tape.begin()
    tape.do("INCRBY", "brrr_count/root1", 2, reply=2)


@breaks("REDIS-10")
def counter_is_set(tape: Tape) -> None:
    tape.begin()
    tape.do("SET", "brrr_count/root1", 1)


@breaks("REDIS-11")
def counter_expires_soon(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.put("t", "root1", "c")
    tape.do("EXPIRE", "brrr_count/root1", 60, reply=1)


@breaks("REDIS-20")
def key_of_nobody(tape: Tape) -> None:
    tape.begin()
    tape.set("calls:c", CALL)


@breaks("REDIS-21")
def appended(tape: Tape) -> None:
    tape.begin()
    tape.do("APPEND", "value/p", "v", reply=1)


@breaks("REDIS-23")
def value_expires(tape: Tape) -> None:
    tape.begin("c")
    tape.do("SET", "value/c", b"v", "EX", 60)


@breaks("REDIS-23")
def value_is_removed(tape: Tape) -> None:
    tape.begin("c")
    tape.do("DEL", "value/c", reply=1)


# ---- all of them ------------------------------------------------------------


@RULES.each
def test_rejected(requirement: str, play: Play) -> None:
    expect_rejected(requirement, play)
