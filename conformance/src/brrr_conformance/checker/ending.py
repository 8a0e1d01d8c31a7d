# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for what is left undone about a message: when all is quiet, or at its end.

Until then anything may still come. A worker that had an error of its backends, or
has reported a problem, owes nothing more, but for the spawn limit [RET-5].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance.checker.octets import returns_in
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.commands import Kind as Do
from brrr_conformance.pb import adapter_pb2 as pb

if TYPE_CHECKING:
    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.ledger import Ledger

# Which requirement is not met, and why.
Why: TypeAlias = "tuple[str, str] | None"


def settle(ledger: Ledger) -> None:
    """Judge what a worker holds now that nothing will happen by itself."""
    if ledger.over:
        return
    for handling in list(ledger.handlings):
        if ledger.durable or not handling.is_answered:
            continue
        if why := undone(ledger, handling):
            _reject(ledger, handling.at, handling.command, *why)
        ledger.close(handling)
    for counts in ledger.counts.values():
        for each in counts:
            if each.spent or each.refused or each.move.done is None:
                continue
            # One that was lost with its put may have paid for another.
            since = counts[0].move.sent
            if not ledger.troubled(since) and not ledger.reported(since):
                move = each.move
                reason = "The message that was counted here was never put."
                _reject(ledger, move.sent, str(move.step), "SCHED-11", reason)


def interrupt(ledger: Ledger) -> None:
    """Note that something may be lost: a connection, a reply."""
    for handling in ledger.handlings:
        handling.over |= is_complete(ledger, handling)
    ledger.start_again()


def undone(ledger: Ledger, handling: Handling, before: float = math.inf) -> Why:
    """Tell what is still to be done about a message, as of before a frame."""
    if ledger.troubled(handling.at, before):
        return None
    codes = ledger.problems_of(handling)
    if codes == {pb.SPAWN_LIMIT} and not any(ledger.refusals.values()):
        why = _children(ledger, handling)
        return why and ("SCHED-11", f"No count was above the limit. {why[1]}")
    if not codes:
        why = (
            _unreported(ledger, handling)
            or _children(ledger, handling)
            or _answer(ledger, handling)
        )
        if why:
            return why
    if codes <= {pb.SPAWN_LIMIT}:
        return _returns(ledger, handling)
    return None


def is_complete(ledger: Ledger, handling: Handling) -> bool:
    """Tell whether all is done about a message, and confirmed, by what is seen so far.

    Unlike `undone`, this is not content with a problem that is reported later.
    """
    if handling.message is None or not handling.is_answered:
        return False
    if any(each.answered is None for each in handling.moves):
        return False
    if handling.last_answer == "fail" or _unreported(ledger, handling):
        return False
    if ledger.hands > 1:
        return False  # what is seen may belong to an equal message
    begun = bool(handling.invoked or handling.wrote or handling.registrations)
    if not begun and _exists(ledger, handling, handling.call_hash):
        begun = ledger.informed
    if not begun and not _watched(ledger, handling):
        return False
    return not (
        _children(ledger, handling)
        or _answer(ledger, handling)
        or _returns(ledger, handling)
    )


def _unreported(ledger: Ledger, handling: Handling) -> Why:
    """Find a problem that nobody was told of."""
    if not ledger.informed:
        return None
    if handling.message is None:
        return "WORK-4", "What was taken is no message, and nobody was told."
    if handling.last_answer == "fail":
        return "WORK-6", "The handler has failed, and nobody was told."
    refused = ledger.refusals[handling.root_id]
    if any(each.move.sent >= handling.at for each in refused):
        return "SCHED-31", "The spawn limit was met, and nobody was told."
    return None


# ---- defer ------------------------------------------------------------------


def _children(ledger: Ledger, handling: Handling) -> Why:
    for child, registered in handling.registrations.items():
        due = [each.move for each in registered if each.due and each.move.done]
        if due and child not in handling.children:
            if ledger.refused(handling.root_id):
                continue
            name = "SCHED-24" if due[0].kind is Do.SET_NEW else "SCHED-27"
            return name, f"The child {child!r} must be put, and was not."
    if handling.last_answer != "defer":
        return None
    for child in handling.last_asked:
        if _exists(ledger, handling, child):
            continue
        if child not in handling.registrations and not _found_own(
            ledger, handling, child
        ):
            reads = ledger.reads[f"pending_returns/{child}"]
            name = "SCHED-25" if reads and reads[-1].found else "SCHED-24"
            return name, f"Nobody is registered with the child {child!r}."
        refused = ledger.refused(handling.root_id)
        if handling.must_force and child not in handling.children and not refused:
            return "QUEUE-12", f"Delivered again, and {child!r} was not put."
    return None


def _exists(ledger: Ledger, handling: Handling, call_hash: str) -> bool:
    """Tell whether a value was found since, or nobody knows."""
    return any(
        each.done is not False and each.sent >= handling.at
        for each in ledger.reads[f"value/{call_hash}"]
    )


def _found_own(ledger: Ledger, handling: Handling, child: str) -> bool:
    for each in ledger.reads[f"pending_returns/{child}"]:
        if each.found is not None and each.sent >= handling.at:
            record = returns_in(each.found)
            if record is None or handling.own_return in record.returns:
                return True
    return False


# ---- response ---------------------------------------------------------------


def _answer(ledger: Ledger, handling: Handling) -> Why:
    """Find a message about which nothing was done at all."""
    if not ledger.informed or handling.message is None:
        return None
    if handling.last_answer == "response" and handling.wrote is None:
        return "RET-1", "The handler has given a value, which was not written."
    if handling.invoked or _exists(ledger, handling, handling.call_hash):
        return None
    others = (*ledger.handlings, *ledger.closed)
    if any(
        each is not handling
        and (each.octets, each.topic) == (handling.octets, handling.topic)
        and each.at >= handling.at
        for each in others
    ):
        return None  # [WORK-23]
    if _watched(ledger, handling):
        return None
    calls = ledger.reads[f"call/{handling.call_hash}"]
    if calls and calls[-1].done is False:
        return "WORK-5", "The call is missing, and nobody was told."
    return "WORK-2", "The message was taken, and the handler not invoked."


def _watched(ledger: Ledger, handling: Handling) -> bool:
    """Tell whether the own return is with a child that was asked for [WORK-21]."""
    asked = {child for it in ledger.past(handling.own_return) for child in it.asked}
    return any(
        child in handling.registrations or _found_own(ledger, handling, child)
        for child in asked
    )


def _returns(ledger: Ledger, handling: Handling) -> Why:
    """See whether the record is gone, or was never there, once there is a value."""
    skipped = ledger.informed and not handling.invoked
    if handling.message is None or handling.finished is not None:
        return None
    if handling.wrote is None and not (
        skipped and _exists(ledger, handling, handling.call_hash)
    ):
        return None
    key = f"pending_returns/{handling.call_hash}"
    reads = [each for each in ledger.reads[key] if each.sent >= handling.at]
    late = [each for each in reads if ledger.value_before(handling.call_hash, each)]
    if any(each.found is None for each in late):
        return None
    if not late:
        if reads:
            return "RET-1", "Who waits was read before the value was written only."
        name = "WORK-20" if skipped else "RET-2"
        return name, "There is a value, and nobody has looked who waits for it."
    record = returns_in(late[-1].found or b"")
    if record is None:
        return "WORK-9", "PendingReturns do not decode, and nobody was told."
    refused = False
    for ret in record.returns:
        put = len(ledger.returned[ret]) > ledger.claimed[ret]
        if not put and not ledger.refused(ret.root_id):
            return "RET-2", f"The parent {ret.call_hash!r} waits, and was not put."
        refused = refused or not put
    if refused:
        return "RET-5", (
            "A return met the spawn limit, and the record is still there: the next "
            "run of this call puts the others again."
        )
    return "RET-4", "All returns were put, and the record is still there."


def _reject(
    ledger: Ledger, frame: int, command: str, requirement: str, reason: str
) -> None:
    raise Rejected(Violation(requirement, frame, ledger.name, command, reason))
