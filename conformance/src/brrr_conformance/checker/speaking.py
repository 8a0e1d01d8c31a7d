# SPDX-License-Identifier: AGPL-3.0-only
"""What commands and replies of adapter.proto tell: what was asked, what was due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.checker.octets import call_in
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.commands import Kind as Do

if TYPE_CHECKING:
    from brrr_conformance.checker.ledger import Ledger
    from brrr_conformance.pb import adapter_pb2 as pb


def told(ledger: Ledger, at: int, command: pb.Command) -> None:
    """Note what an adapter was told."""
    match command.WhichOneof("command"):
        case "serve":
            ledger.topics.add(command.serve.topic)
            ledger.hands = max(ledger.hands, command.serve.concurrency)
            ledger.on_problem = command.serve.on_problem
        case "serve_tasks":
            ledger.topics.add(command.serve_tasks.topic)
            ledger.hands = max(ledger.hands, command.serve_tasks.concurrency)
        case "schedule":
            ledger.schedules[command.id] = command.schedule.ask
            ledger.scheduled_at[command.id] = at
        case "answer":
            number = command.answer.invocation
            for each in ledger.handlings:
                if number in each.invoked:
                    each.hear(command.answer)
        case "close":
            ledger.over = True
        case _:
            pass


def heard(ledger: Ledger, at: int, reply: pb.Reply) -> None:
    """Judge what an adapter says."""
    kind = reply.WhichOneof("reply")
    if kind == "invocation":
        _invoked(ledger, at, reply.invocation)
    elif kind == "done" and reply.id in ledger.schedules:
        _scheduled(ledger, at, reply.id)


def _invoked(ledger: Ledger, at: int, invocation: pb.Invocation) -> None:
    held = [
        each
        for each in ledger.open(invocation.call_hash)
        if each.topic == invocation.topic
    ]
    free = [each for each in held if not each.invoked]
    # A durable worker may try a message again by itself.
    again = held if ledger.durable or (held and ledger.troubled(held[0].at)) else []
    name = f"invocation of {invocation.call_hash!r}"
    if not held:
        why = "The handler is invoked for a message that the worker does not hold."
        _reject(ledger, at, name, "WORK-2", why)
    if not free and not again:
        why = "The handler is invoked once more for the same message."
        _reject(ledger, at, name, "WORK-3", why)
    (free or again)[0].invoked.append(invocation.invocation)
    key = f"call/{invocation.call_hash}"
    calls = [
        call_in(octets)
        for each in (*ledger.reads[key], *ledger.writes[key])
        if (octets := each.found if each.kind is Do.GET else each.octets) is not None
    ]
    if not calls:
        why = "The handler is invoked before the call was read."
        _reject(ledger, at, name, "WORK-5", why)
    given = (invocation.task_name, invocation.payload)
    if not any(call and (call.task_name, call.payload) == given for call in calls):
        why = "The handler is given another task or payload than the stored call has."
        _reject(ledger, at, name, "WORK-2", why)


def _scheduled(ledger: Ledger, at: int, number: int) -> None:
    """Find a root that was neither put nor found to have its value [SCHED-4]."""
    ask = ledger.schedules[number]
    put = any(each[1:] == (ask.call_hash, ask.topic) for each in ledger.roots)
    found = any(
        each.done is not False for each in ledger.reads[f"value/{ask.call_hash}"]
    )
    if not put and not found and not ledger.troubled(ledger.scheduled_at[number]):
        why = "It is scheduled, and no message was put."
        name = f"schedule of {ask.call_hash!r}"
        _reject(ledger, at, name, "SCHED-4", why)


def _reject(
    ledger: Ledger, at: int, command: str, requirement: str, reason: str
) -> None:
    raise Rejected(Violation(requirement, at, ledger.name, command, reason))
