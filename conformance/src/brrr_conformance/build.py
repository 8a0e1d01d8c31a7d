# SPDX-License-Identifier: AGPL-3.0-only
"""Words for cases: states of the database, calls to make, answers of handlers.

States:   await world.given(stored_call("p"), queued("t", ("root1", "p")))
Calls:    ask("c", "leaf", b"[]", topic="u")
Answers:  response(b"v"), defer(ask("c")), fail()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.notation import NOW, Hole, Octets
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.records import (
    Call,
    PendingReturn,
    PendingReturns,
    ScheduleMessage,
)
from brrr_conformance.state import Entry, State

if TYPE_CHECKING:
    from brrr_conformance.script import Answer

TASK = "task"
PAYLOAD = b"[]"
# A time that is not now: nobody may change it.
THEN = 1_700_000_000

# ---- states -----------------------------------------------------------------


def string(key: str | bytes, octets: bytes | Octets) -> State:
    """Say that a key holds these octets."""
    held = octets if isinstance(octets, Octets) else Octets.of(octets)
    return State((Entry(_key(key), string=held),))


def stored_call(call_hash: str, task: str = TASK, payload: bytes = PAYLOAD) -> State:
    return string(f"call/{call_hash}", Call(payload, task).encode())


def value(call_hash: str, octets: bytes) -> State:
    return string(f"value/{call_hash}", octets)


def count(root_id: str, number: int) -> State:
    return string(f"brrr_count/{root_id}", b"%d" % number)


def waiting(
    call_hash: str,
    *returns: tuple[str, str, str],
    scheduled_at: int | Hole = THEN,
) -> State:
    """Say who waits for a call: (root_id, call_hash, topic) of each parent."""
    records = tuple(PendingReturn(*each) for each in returns)
    key = f"pending_returns/{call_hash}"
    if isinstance(scheduled_at, Hole):
        octets = PendingReturns(records).encode()
        return string(
            key, Octets.of(octets[:-1] + b"12:scheduled_ati", scheduled_at, b"ee")
        )
    return string(key, PendingReturns(records, scheduled_at).encode())


def queued(topic: str, *messages: tuple[str, str] | bytes) -> State:
    """Say what is on a queue, from its head: (root_id, call_hash), or octets."""
    items = tuple(
        Octets.of(each if isinstance(each, bytes) else ScheduleMessage(*each).encode())
        for each in messages
    )
    return State((Entry(_key(topic), items=items),))


def _key(key: str | bytes) -> Octets:
    return Octets.of(key if isinstance(key, bytes) else key.encode())


# ---- calls and answers ------------------------------------------------------


def ask(
    call_hash: str, task: str = TASK, payload: bytes = PAYLOAD, topic: str = ""
) -> pb.Ask:
    """Name a call; without a topic, a deferring handler means its own."""
    return pb.Ask(call_hash=call_hash, task_name=task, payload=payload, topic=topic)


def response(octets: bytes) -> Answer:
    """End the handler with this value."""
    return pb.Answer(response=pb.Response(value=octets))


def defer(*children: pb.Ask | str) -> Answer:
    """End the handler because it needs these calls; a text is a hash."""
    asks = [ask(each) if isinstance(each, str) else each for each in children]
    return pb.Answer(defer=pb.Defer(children=asks))


def fail(reason: str = "the case says so") -> Answer:
    return pb.Answer(fail=reason)


__all__ = [
    "NOW",
    "PAYLOAD",
    "TASK",
    "THEN",
    "ask",
    "count",
    "defer",
    "fail",
    "queued",
    "response",
    "stored_call",
    "string",
    "value",
    "waiting",
]
