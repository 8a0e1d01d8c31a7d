# SPDX-License-Identifier: AGPL-3.0-only
"""What the trace checker rejects: messages that are put, children, records.

Each function plays the shortest trace that breaks one rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.build import ask
from rules import OTHER, P, Rules, expect_rejected
from tape import CALL, NOW, THEN, defer, waiting

if TYPE_CHECKING:
    from rules import Play
    from tape import Tape

RULES = Rules()
breaks = RULES.breaks

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


# ---- all of them ------------------------------------------------------------


@RULES.each
def test_rejected(requirement: str, play: Play) -> None:
    expect_rejected(requirement, play)
