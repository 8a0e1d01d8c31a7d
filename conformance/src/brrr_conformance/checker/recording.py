# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for what is written to the store and the counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.checker.ledger import reject
from brrr_conformance.checker.octets import call_in, flaw
from brrr_conformance.checker.registering import pending
from brrr_conformance.commands import Kind as Do
from brrr_conformance.records import Kind
from brrr_conformance.step import SCRIPTS

if TYPE_CHECKING:
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger

CALL, VALUE, PENDING, COUNT = "call/", "value/", "pending_returns/", "brrr_count/"
WRITES = (Do.SET, Do.SET_NEW, Do.CAS)
REMOVES = (Do.REMOVE, Do.CAD)
EXPIRES = ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "SETEX", "PSETEX")
EXPIRY = (b"EX", b"PX", b"EXAT", b"PXAT")
DAY = 24 * 60 * 60


def record(ledger: Ledger, move: Move) -> None:
    """Judge what changes a record or a counter."""
    key = move.key
    if expires(move) and not (key.startswith(COUNT) and _late(move)):
        name = "REDIS-11" if key.startswith(COUNT) else "REDIS-23"
        reject(move, name, "This must not expire.")
    if key.startswith(COUNT):
        _count(ledger, move)
    elif key.startswith(PENDING):
        pending(ledger, move)
    elif move.kind in REMOVES:
        reject(move, "REDIS-23", "Calls and values are never removed.")
    elif move.kind in WRITES:
        if key.startswith(CALL):
            _call(ledger, move)
        else:
            _value(ledger, move)
        ledger.writes[key].append(move)
    elif move.step.name not in SCRIPTS:
        reject(move, "REDIS-21", "A record is a string, and is written as a whole.")


def expires(move: Move) -> bool:
    name, args = move.step.name, move.step.args
    with_option = name == "SET" and any(each.upper() in EXPIRY for each in args[3:])
    return name in EXPIRES or with_option


def _late(move: Move) -> bool:
    """Tell whether a counter may expire like this [REDIS-11]."""
    args, factor = move.step.args, 1000 if move.step.name.startswith("P") else 1
    if move.step.name not in ("EXPIRE", "PEXPIRE") or not args[2].isdigit():
        return False
    return int(args[2]) >= DAY * factor


def _count(ledger: Ledger, move: Move) -> None:
    if move.kind is Do.INCR:
        ledger.count(move.key.removeprefix(COUNT), move)
    elif not expires(move) and move.step.name not in SCRIPTS:
        reject(move, "REDIS-10", "A counter is counted up by 1, in one command.")


def _call(ledger: Ledger, move: Move) -> None:
    octets, call_hash = move.octets or b"", move.key.removeprefix(CALL)
    if wrong := flaw(Kind.CALL, octets):
        reject(move, wrong[0], f"What is written is {wrong[1]}.")
    call = call_in(octets)
    if not ledger.informed or call is None:
        if ledger.taken and not ledger.handlings:
            reject(move, "SCHED-20", "The worker holds no message that could ask.")
        return
    asked = (each.asked.get(call_hash, ()) for each in ledger.handlings)
    mine = [ask for asks in asked for ask in asks]
    mine += [it for it in ledger.schedules.values() if it.call_hash == call_hash]
    if not mine:
        if any(each.last_answer == "fail" for each in ledger.handlings):
            reject(move, "WORK-6", "The handler has failed: nothing may be written.")
        ledger.refuse_late(move, call_hash)
        name = "SCHED-20" if ledger.taken else "SCHED-2"
        reject(move, name, "Nobody has asked for this call.")
    if not any(
        (ask.task_name, ask.payload) == (call.task_name, call.payload) for ask in mine
    ):
        reject(move, "REC-4", "The Call is not the one that was asked for.")
    _seen(ledger, move, call_hash)


def _seen(ledger: Ledger, move: Move, call_hash: str) -> None:
    """Reject what a client writes that has found the value [SCHED-1]."""
    starts = [
        ledger.scheduled_at[number]
        for number, ask in ledger.schedules.items()
        if ask.call_hash == call_hash
    ]
    if ledger.taken or not starts:
        return
    looks = [
        each
        for each in ledger.reads[f"{VALUE}{call_hash}"]
        if each.sent >= max(starts) and each.answered is not None
    ]
    if looks and all(each.done for each in looks):
        reject(move, "SCHED-1", "The value is there: nothing may be written.")


def _value(ledger: Ledger, move: Move) -> None:
    call_hash = move.key.removeprefix(VALUE)
    handlings = ledger.open(call_hash)
    if not handlings:
        name = "QUEUE-10" if ledger.durable and ledger.closed else "RET-1"
        reject(move, name, "The worker does not handle a message for this call.")
    calls = ledger.reads[f"{CALL}{call_hash}"] + ledger.writes[f"{CALL}{call_hash}"]
    if not any(each.precedes(move) and each.done is not False for each in calls):
        reject(move, "WORK-5", "The call was not read before its value is written.")
    # A value that was found may be written once more: the handler was left out.
    found = ledger.looked(move.key, move, move.octets)
    if ledger.informed and not found:
        given = [
            answer
            for each in handlings
            for answer in each.answers
            if answer.WhichOneof("answer") == "response"
        ]
        if not given:
            name = "WORK-6" if handlings[0].last_answer == "fail" else "RET-1"
            reject(move, name, "The handler has given no value.")
        if not any(each.response.value == move.octets for each in given):
            reject(move, "REC-5", "The handler has given another value.")
    ended = [each for each in handlings if each.last_answer == "response"]
    writer = next((each for each in ended if each.wrote is None), handlings[0])
    writer.moves.append(move)
    writer.wrote = writer.wrote or move
