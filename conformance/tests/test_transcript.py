# SPDX-License-Identifier: AGPL-3.0-only
"""What passed on the wire, in the protocol's words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from brrr_conformance import resp
from brrr_conformance.aside import Act, Deed
from brrr_conformance.build import defer, response
from brrr_conformance.outcome import Status
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.recipe import Recipe
from brrr_conformance.records import (
    Call,
    PendingReturn,
    PendingReturns,
    ScheduleMessage,
)
from brrr_conformance.report import Outcome
from brrr_conformance.step import Step
from brrr_conformance.tap import Trace
from brrr_conformance.transcript import (
    FIRST,
    LAST,
    MOST_FAILURES,
    MOST_FOR_EXAMPLE,
    choose,
)
from brrr_conformance.transcript import transcribe as transcribe_world
from sample_report import HOSTILE

if TYPE_CHECKING:
    from brrr_conformance.world import World

MESSAGE = ScheduleMessage("root1", "c").encode()
ONE = PendingReturns((PendingReturn("root1", "p", "t"),), 17).encode()
TWO = PendingReturns(
    (PendingReturn("root1", "p", "t"), PendingReturn("root1", "q", "t")), 17
).encode()


def world_of(trace: Trace) -> World:
    recipe = Recipe(seed=3)
    recipe.choose("order", lambda: [1, 0])
    fake = SimpleNamespace(trace=trace, frames=trace.frames, recipe=recipe)
    return cast("World", fake)


def transcribe(trace: Trace) -> list[tuple[str, str]]:
    events = transcribe_world(world_of(trace))["events"]
    return [(each["kind"], each["text"]) for each in events]


def exchange(trace: Trace, words: bytes | tuple[bytes, ...], value: Any) -> None:
    step = Step(tuple(words.split()) if isinstance(words, bytes) else words)
    trace.add("worker-1", 1, step)
    trace.add("worker-1", 1, step, resp.Reply(value, []))


@pytest.mark.parametrize(
    ("words", "value", "sent", "answered"),
    [
        (b"BLPOP t 0", [b"t", MESSAGE], "wait for a message on t", "(root1, c)"),
        (b"BLPOP t 1", None, "wait for a message on t", "nothing"),
        (b"GET value/c", None, "read value/c", "nothing"),
        (b"GET value/c", b"", "read value/c", "''"),
        (b"EXISTS value/c", 1, "look for value/c", "there"),
        (
            (b"SET", b"call/c", Call(b"[1]", "fib").encode()),
            b"OK",
            "write call/c: fib([1])",
            "done",
        ),
        (
            (b"SET", b"pending_returns/c", ONE, b"NX"),
            None,
            "create pending_returns/c if absent: returns since 17 {(root1, p, t)}",
            "mismatch",
        ),
        (
            (b"EVAL", b"if", b"1", b"pending_returns/c", ONE, TWO),
            1,
            (
                "compare and set pending_returns/c: "
                "returns since 17 {(root1, p, t)} ⇒ "
                "returns since 17 {(root1, p, t), (root1, q, t)}"
            ),
            "done",
        ),
        (b"INCR brrr_count/root1", 7, "count up brrr_count/root1", "7"),
        ((b"RPUSH", b"t", MESSAGE), 1, "put on t: (root1, c)", "done"),
        (b"MULTI", b"OK", "MULTI", "OK"),
        (b"GET value/c", resp.Error(b"LOADING"), "read value/c", "error: LOADING"),
        (b"XADD value/c *", resp.Error(b"ERR\n"), "XADD value/c *", "error: ERR\\n"),
    ],
)
def test_words(
    words: bytes | tuple[bytes, ...], value: Any, sent: str, answered: str
) -> None:
    trace = Trace()
    exchange(trace, words, value)
    assert transcribe(trace) == [("command", sent), ("reply", answered)]


def test_how_a_client_connects_is_one_event() -> None:
    trace = Trace()
    exchange(trace, b"HELLO 3", [b"server", b"redis"])
    exchange(trace, b"CLIENT SETINFO LIB-NAME x", resp.Error(b"ERR"))
    exchange(trace, b"GET value/c", b"1")
    kinds = [kind for kind, _ in transcribe(trace)]
    assert kinds == ["connected", "command", "reply"]


def test_pipelined_commands_have_their_own_replies() -> None:
    trace = Trace()
    steps = [Step((b"EXISTS", b"value/c")), Step((b"GET", b"call/c"))]
    for step in steps:
        trace.add("worker-1", 1, step)
    trace.add("worker-1", 1, steps[0], resp.Reply(0, []))
    trace.add("worker-1", 1, steps[1], resp.Reply(b"x", []))
    events = transcribe_world(world_of(trace))["events"]
    assert [each["command"] for each in events] == [0, 1, 0, 1]
    assert [each["text"] for each in events[2:]] == ["absent", "x"]


def test_handlers_and_problems() -> None:
    trace = Trace()
    call = pb.Invocation(
        call_hash="c", task_name=HOSTILE.replace("\ud800", ""), payload=b"[]"
    )
    trace.aside("worker-1", pb.Reply(invocation=call))
    for answer in (defer("d", "e"), response(b"v"), pb.Answer(fail="no")):
        trace.aside("worker-1", pb.Command(answer=answer))
    trace.aside("worker-1", pb.Command(hello=pb.Hello(protocol=1)))
    trace.intervene("worker-1", 1, "cut before GET")
    trace.aside("worker-1", Deed(Act.KILL))
    trace.aside("", Deed(Act.QUIET))
    failure = pb.Failure(code=pb.REFUSED, reason="bad\n")
    trace.aside("worker-1", pb.Reply(problem=failure))
    told = transcribe(trace)
    assert told[0][1].startswith("c: </script><img src=")
    assert all(text.isprintable() for _, text in told)
    assert told[1:] == [
        ("answered", "defer on d, e"),
        ("answered", "value v"),
        ("answered", "fail: no"),
        ("fault", "cut before GET"),
        ("fault", "killed"),
        ("problem", "REFUSED: bad\\n"),
    ]


def test_long_ones_are_cut_in_the_middle() -> None:
    trace = Trace()
    for number in range(FIRST + LAST):
        exchange(trace, b"GET value/%d" % number, None)
    found = transcribe_world(world_of(trace))
    assert found["left_out"] == FIRST + LAST
    assert len(found["events"]) == FIRST + LAST
    assert found["events"][found["first"] - 1]["text"] == "nothing"
    assert found["events"][-1]["text"] == "nothing"


def test_seed_and_choices() -> None:
    found = transcribe_world(world_of(Trace()))
    assert (found["seed"], found["recipe"]) == (3, {"order": [1, 0]})


# ---- which are chosen -------------------------------------------------------


def chosen(*cases: tuple[str, int, Outcome]) -> list[str]:
    """Give the adapters and cases chosen of these, with so many events each."""
    made: dict[tuple[str, str], dict[str, Any]] = {
        (outcome.id, outcome.adapter): {"events": [{}] * events}
        for _, events, outcome in cases
    }
    found = choose(made, [outcome for *_, outcome in cases])
    return [f"{each['adapter']} {each['case']}" for each in found]


def case(
    name: str, *requirements: str, adapter: str = "c", events: int = 2, **how: Any
) -> tuple[str, int, Outcome]:
    return name, events, Outcome(name, adapter, requirements, **how)


def test_one_that_passes_for_each_requirement() -> None:
    assert chosen(
        case("none", "RET-1", events=0),
        case("long", "RET-1", events=MOST_FOR_EXAMPLE + 1),
        case("first", "RET-1", "RET-2"),
        case("second", "RET-2"),
        case("third", "RET-2", "RET-3"),
        case("second", "RET-2", adapter="tiny"),
    ) == ["c first", "c third", "tiny second"]


def test_all_that_fail() -> None:
    failed = [
        case(f"bad{number}", "RET-1", status=Status.FAILED, events=FIRST + LAST)
        for number in range(MOST_FAILURES + 1)
    ]
    assert chosen(case("good", "RET-1"), *failed) == [
        "c good",
        *(f"c bad{number}" for number in range(MOST_FAILURES)),
    ]
