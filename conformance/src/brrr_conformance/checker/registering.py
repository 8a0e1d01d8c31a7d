# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for the records of pending returns: who waits is added, or all are removed.

Both are compare-and-set loops: from a read, against the octets that it found, and
after a mismatch from a read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.checker.handling import Registration
from brrr_conformance.checker.ledger import reject
from brrr_conformance.checker.octets import flaw, returns_in
from brrr_conformance.commands import Kind as Do
from brrr_conformance.records import Kind, PendingReturn, PendingReturns
from brrr_conformance.step import SCRIPTS

if TYPE_CHECKING:
    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger

PENDING = "pending_returns/"
MOST_ATTEMPTS = 101  # [STORE-6]
OWN = ""


def pending(ledger: Ledger, move: Move) -> None:
    """Judge what changes a record of pending returns."""
    child = move.key.removeprefix(PENDING)
    match move.kind:
        case Do.SET:
            reject(move, "SCHED-26", "The record is written without a comparison.")
        case Do.REMOVE:
            reject(move, "RET-4", "The record is removed without a comparison.")
        case Do.CAD:
            _remove(ledger, move, child)
        case Do.SET_NEW | Do.CAS:
            _register(ledger, move, child)
        case _:
            if move.step.name not in SCRIPTS:
                reject(move, "REDIS-21", "A record is written as a whole.")


# ---- adding a return --------------------------------------------------------


def _register(ledger: Ledger, move: Move, child: str) -> None:
    octets = move.octets or b""
    old = PendingReturns()
    if move.kind is Do.CAS:
        record = returns_in(move.expected or b"")
        if record is None:
            reject(move, "WORK-9", "The record does not decode: it stays as it is.")
        old = record
    if wrong := flaw(Kind.PENDING_RETURNS, octets):
        reject(move, wrong[0], f"What is written is {wrong[1]}.")
    new = returns_in(octets) or PendingReturns()
    handling = _whose(ledger, move, child, old, new)
    if move.kind is Do.CAS:
        _check_changed(move, old, new)
        _check_expected(ledger, move, "SCHED-26")
    else:
        _check_created(ledger, move, new)
    _check_asked(ledger, move, child, handling)
    _check_again(ledger, move, child, handling, "SCHED-26")
    handling.moves.append(move)
    due = move.kind is Do.SET_NEW or _is_repeated(old, handling.own_return)
    if move.done is not False:
        registered = Registration(move, due)
        handling.registrations.setdefault(child, []).append(registered)


def _whose(
    ledger: Ledger, move: Move, child: str, old: PendingReturns, new: PendingReturns
) -> Handling:
    """Find the message whose return is added [SCHED-22]."""
    before = set(old.returns)
    added = [ret for ret in new.returns if ret not in before]
    for ret in added or new.returns:
        if found := ledger.of(ret):
            return found[0]
    if move.kind is Do.SET_NEW and ledger.open(child):
        reject(
            move,
            "RET-4",
            "The record is removed against octets that the worker has not read last.",
        )
    for ret in added:
        for handling in ledger.handlings:
            if handling.call_hash == ret.call_hash:
                reject(
                    move,
                    "SCHED-22",
                    f"The return {_show(ret)} is not that of the {handling.name}.",
                )
    for ret in added:
        ledger.refuse_late(move, child, ret.root_id)
    if ledger.garbage():
        reject(move, "WORK-4", "What was taken is no message: nothing may be written.")
    if ledger.durable and not ledger.handlings and ledger.closed:
        reject(move, "QUEUE-10", "The message that this is about was acknowledged.")
    if not added and new.returns:
        reject(move, "SCHED-25", "The record is written back without an own return.")
    reject(move, "SCHED-22", "The return is not that of a message under way.")
    return None


def _check_changed(move: Move, old: PendingReturns, new: PendingReturns) -> None:
    """See that the record is as it was, with one return more [SCHED-25]."""
    before, after = set(old.returns), set(new.returns)
    if lost := before - after:
        first = min(map(_show, lost))
        reject(move, "SCHED-25", f"The return {first} gets lost.")
    if len(after - before) > 1:
        reject(move, "SCHED-25", "More than one return is added.")
    if new.scheduled_at != old.scheduled_at:
        reject(
            move,
            "SCHED-25",
            f"scheduled_at was {old.scheduled_at}, it becomes {new.scheduled_at}.",
        )


def _check_created(ledger: Ledger, move: Move, new: PendingReturns) -> None:
    if len(new.returns) != 1:
        reject(move, "SCHED-24", "A new record holds one return, that of the parent.")
    earliest, latest = ledger.times
    if not earliest <= new.scheduled_at <= latest:
        reject(
            move,
            "SCHED-24",
            f"scheduled_at is {new.scheduled_at or 'unset'}, not the present time.",
        )


def _check_asked(ledger: Ledger, move: Move, child: str, handling: Handling) -> None:
    """See that the handler asked for this child, whose Call is written [SCHED-20]."""
    past = list(ledger.past(handling.own_return))
    if ledger.informed and not any(child in each.asked for each in past):
        others = (*ledger.handlings, *ledger.closed)
        same = [it for it in others if it.call_hash == handling.call_hash]
        if any(child in each.asked for each in same):
            reject(move, "WORK-22", "This child was asked for by another root only.")
        if handling.last_answer == "fail":
            reject(move, "WORK-6", "The handler failed: nothing may be written.")
        reject(move, "SCHED-22", f"The {handling.name} has not asked for it.")
    written = ledger.writes[f"call/{child}"]
    start = min(each.at for each in past)
    if not any(each.precedes(move) and each.sent >= start for each in written):
        reject(move, "SCHED-20", "The Call of the child is not written before.")


def _is_repeated(old: PendingReturns, own: PendingReturn) -> bool:
    """Tell whether the child must be put though it has a record [SCHED-27]."""
    others = [(ret.call_hash, ret.topic) for ret in old.returns]
    return own not in old.returns and (own.call_hash, own.topic) in others


# ---- removing the record ----------------------------------------------------


def _remove(ledger: Ledger, move: Move, call_hash: str) -> None:
    expected = move.expected or b""
    handlings = ledger.open(call_hash)
    if not handlings:
        name = "QUEUE-10" if ledger.durable and ledger.closed else "RET-4"
        reject(move, name, "The worker does not handle a message for this call.")
    record = returns_in(expected)
    if record is None:
        reject(move, "WORK-9", "The record does not decode: it stays as it is.")
    _check_expected(ledger, move, "RET-4")
    reads = ledger.looked(move.key, move, expected)
    if not any(ledger.value_before(call_hash, each) for each in reads):
        reject(move, "RET-1", "The record was read before the value was written.")
    sent_again = any(
        each.kind is Do.CAD and each.answered is None and each.expected == expected
        for each in handlings[0].moves
    )
    for ret in () if sent_again else set(record.returns) - handlings[0].claimed:
        put = [each for each in ledger.puts[ret] if each.precedes(move)]
        if len(put) > ledger.claimed[ret]:
            ledger.claimed[ret] += 1
            handlings[0].claimed.add(ret)
        elif not ledger.refused(ret.root_id, move):
            reject(move, "RET-4", f"The return {_show(ret)} was not put before.")
    _check_again(ledger, move, OWN, handlings[0], "RET-4")
    handlings[0].moves.append(move)
    if move.done is not False:
        for each in handlings:
            each.finished = move


# ---- compare-and-set loops --------------------------------------------------


def _check_expected(ledger: Ledger, move: Move, requirement: str) -> None:
    """See that the worker has read what it expects."""
    if not ledger.looked(move.key, move, move.expected):
        reject(
            move, requirement, "What is expected are not octets that the worker read."
        )


def _check_again(
    ledger: Ledger, move: Move, child: str, handling: Handling, requirement: str
) -> None:
    """After a mismatch comes a read, and it does not go on for ever [STORE-6]."""
    attempts = handling.attempts.setdefault(child, [])
    alone = len(ledger.open(handling.call_hash)) == 1
    asked = handling.last_asked[child]
    attempts.append(move)
    if not alone:
        return
    if child == OWN or asked == 1:
        # After a mismatch; and none is done twice.
        missed = [each.sent for each in attempts[:-1] if each.done is not None]
        last = max(missed, default=-1)
        again = [each for each in ledger.reads[move.key] if last < each.sent]
        enough = last < 0 or bool(again)
    else:
        # Asked for several times, it may be registered as often at once: then each
        # attempt has a read of its own, but for one SET NX at first.
        reads = [each for each in ledger.reads[move.key] if each.sent >= handling.at]
        free = max(asked, 1) * any(each.kind is Do.SET_NEW for each in attempts)
        enough = len(attempts) <= len(reads) + free
    if not enough:
        reject(move, requirement, "After the mismatch the record was not read again.")
    if len(attempts) > MOST_ATTEMPTS * max(asked, 1):
        reject(move, "STORE-6", f"This is attempt {len(attempts)}: too many.")


def _show(ret: PendingReturn) -> str:
    return f"({ret.root_id}, {ret.call_hash}, {ret.topic})"
