# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker rejects, and by which requirement.

Each function plays the shortest trace that breaks one rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import ask, fail
from brrr_conformance.checker import check
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.records import Call
from tape import CAD, CALL, NOW, THEN, Error, Tape, defer, message, response, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Play = Callable[[Tape], None]

P = ("root1", "p", "t")
OTHER = ("root1", "o", "t")
INFLIGHT = "brrr:inflight:{t}:w"
RULES: list[tuple[str, Play]] = []


def breaks(requirement: str) -> Callable[[Play], Play]:
    def note(play: Play) -> Play:
        RULES.append((requirement, play))
        return play

    return note


# ---- what is put ------------------------------------------------------------


@breaks("SCHED-10")
def put_without_count(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.push("t", "root1", "c")


@breaks("SCHED-10")
def count_after_put(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.push("t", "root1", "c")
    tape.count("root1")


@breaks("SCHED-10")
def one_count_for_two(tape: Tape) -> None:
    tape.begin()
    tape.first("a")
    tape.first("b")
    tape.put("t", "root1", "a")
    tape.push("t", "root1", "b")


@breaks("SCHED-10")
def count_of_another_root(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.count("root2")
    tape.push("t", "root1", "c")


@breaks("SCHED-12")
def put_above_the_limit(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.count("root1", 10_001)
    tape.push("t", "root1", "c")


@breaks("SCHED-11")
def counted_and_not_put(tape: Tape) -> None:
    tape.begin("c")
    tape.set("value/c", b"v")
    tape.read("pending_returns/c", None)
    tape.count("root1")


@breaks("SCHED-20")
def child_is_not_written(tape: Tape) -> None:
    tape.begin()
    tape.read("pending_returns/c", None)
    tape.create("pending_returns/c", waiting(P))


@breaks("SCHED-20")
def child_is_written_late(tape: Tape) -> None:
    tape.begin()
    tape.create("pending_returns/c", waiting(P))
    tape.set("call/c", CALL)


@breaks("SCHED-21")
def put_before_it_is_registered(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.put("t", "root1", "c")
    tape.create("pending_returns/c", waiting(P))


@breaks("SCHED-21")
def put_though_it_was_a_mismatch(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(P), done=False)
    tape.put("t", "root1", "c")


@breaks("SCHED-21")
def put_for_nobody(tape: Tape) -> None:
    tape.begin()
    tape.put("t", "root1", "c")


@breaks("SCHED-22")
def another_root_is_registered(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(("root2", "p", "t")))


@breaks("SCHED-22")
def topic_of_the_child_is_registered(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(("root1", "p", "u")))


@breaks("SCHED-22")
def nobody_asked_for_it(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("a"))
    tape.first("a")
    tape.put("t", "root1", "a")
    tape.set("call/a", CALL)
    tape.create("pending_returns/c", waiting(P))


@breaks("SCHED-23")
def child_under_another_root(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.put("t", "root2", "c")


@breaks("SCHED-23")
def child_on_the_parents_topic(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", defer(ask("c", topic="u")))
    tape.first()
    tape.put("t", "root1", "c")


@breaks("SCHED-24")
def new_record_without_a_time(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(P, at=0))


@breaks("SCHED-24")
def new_record_of_another_day(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(P, at=THEN))


@breaks("SCHED-24")
def new_record_of_two(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.create("pending_returns/c", waiting(OTHER, P))


@breaks("SCHED-24")
def new_child_is_not_put(tape: Tape) -> None:
    tape.begin()
    tape.first()


@breaks("SCHED-24")
def child_is_forgotten(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("a", "b"))
    tape.first("a")
    tape.put("t", "root1", "a")


@breaks("SCHED-25")
def a_return_gets_lost(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(OTHER))
    tape.cas("pending_returns/c", waiting(OTHER), waiting(P))


@breaks("SCHED-25")
def the_time_is_changed(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(OTHER))
    tape.cas("pending_returns/c", waiting(OTHER), waiting(OTHER, P, at=NOW + 1))


@breaks("SCHED-26")
def wrong_expected_value(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(OTHER))
    tape.cas("pending_returns/c", waiting(OTHER, at=THEN), waiting(OTHER, P, at=THEN))


@breaks("SCHED-26")
def no_read_after_a_mismatch(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(OTHER))
    tape.cas("pending_returns/c", waiting(OTHER), waiting(OTHER, P), done=False)
    tape.cas("pending_returns/c", waiting(OTHER), waiting(OTHER, P))


@breaks("SCHED-26")
def written_without_comparison(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", None)
    tape.set("pending_returns/c", waiting(P))


@breaks("SCHED-27")
def repeated_call_is_not_put(tape: Tape) -> None:
    tape.begin(root_id="root2")
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(P))
    tape.cas("pending_returns/c", waiting(P), waiting(P, ("root2", "p", "t")))


@breaks("SCHED-28")
def second_parent_puts(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(OTHER))
    tape.cas("pending_returns/c", waiting(OTHER), waiting(OTHER, P))
    tape.put("t", "root1", "c")


@breaks("SCHED-28")
def every_rerun_puts(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    both = waiting(P, ("root2", "p", "t"))
    tape.read("pending_returns/c", both)
    tape.cas("pending_returns/c", both, both)
    tape.put("t", "root1", "c")


@breaks("SCHED-28")
def put_without_a_write(tape: Tape) -> None:
    tape.begin()
    tape.set("call/c", CALL)
    tape.read("pending_returns/c", waiting(P))
    tape.put("t", "root1", "c")


@breaks("SCHED-29")
def child_is_put_twice(tape: Tape) -> None:
    tape.begin()
    tape.first()
    tape.put("t", "root1", "c")
    tape.put("t", "root1", "c")


@breaks("SCHED-31")
def spawn_limit_in_silence(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c"))
    tape.first()
    tape.count("root1", 10_001)


@breaks("WORK-22")
def watch_list_of_another_root(tape: Tape) -> None:
    tape.serve()
    tape.begin()
    tape.invoke("p", defer("c"))
    tape.first()
    tape.put("t", "root1", "c")
    tape.take("t", ("root2", "p"))
    tape.create("pending_returns/c", waiting(("root2", "p", "t")))


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


@pytest.mark.parametrize(
    ("requirement", "play"), [pytest.param(*it, id=it[1].__name__) for it in RULES]
)
def test_rejected(requirement: str, play: Play) -> None:
    tape = Tape()
    play(tape)
    if not tape.sent.get((tape.worker, 9)) and tape.worker != "client":
        tape.wait("t")
    tape.quiet()
    violation = check(tape.trace)
    assert violation is not None, "accepted"
    assert violation.requirement == requirement, str(violation)
    assert 0 <= violation.frame <= len(tape.trace.frames)
    assert violation.worker == tape.worker
    assert violation.reason.endswith(".") or requirement == "TRACE"
