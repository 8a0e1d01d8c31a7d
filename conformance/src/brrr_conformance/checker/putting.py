# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for what is put: each message was counted, and somebody had it coming.

A worker puts children that it has registered with, and returns that it has read; a
client puts roots. A message that is none of these breaks the requirement by which
it comes closest to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.checker.ledger import MOST_MESSAGES, reject
from brrr_conformance.checker.octets import flaw, message_in, returns_in
from brrr_conformance.records import Kind, PendingReturn, ScheduleMessage

if TYPE_CHECKING:
    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger

AT_THE_HEAD = ("LPUSH", "LPUSHX")


def put(ledger: Ledger, move: Move) -> None:
    """Judge a message that goes to a queue."""
    if move.step.name in AT_THE_HEAD:
        said = "A message goes to the tail of its queue; one that was taken is handled"
        reject(move, "REDIS-1", f"{said}, not put back [WORK-12].")
    if move.octets is None:
        return
    message = message_in(move.octets)
    if wrong := flaw(Kind.SCHEDULE_MESSAGE, move.octets):
        reject(move, wrong[0], f"What is put is {wrong[1]}.")
    if message is None or move.done is False or _refused_within(ledger, move, message):
        return
    _spend(ledger, move, message)
    content = PendingReturn(message.root_id, message.call_hash, move.key)
    ledger.puts[content].append(move)
    if (
        _put_child(ledger, move, message)
        or _put_return(ledger, move, message)
        or _put_root(ledger, move, message)
    ):
        return
    _blame(ledger, move, message)


def _refused_within(ledger: Ledger, move: Move, message: ScheduleMessage) -> bool:
    """Tell whether a script counts too, and has met the limit: then it puts nothing."""
    return any(each.move.sent == move.sent for each in ledger.refusals[message.root_id])


def _spend(ledger: Ledger, move: Move, message: ScheduleMessage) -> None:
    """Find the count that pays for this message [SCHED-10] [SCHED-12]."""
    counts = ledger.unspent[message.root_id]
    for at, each in enumerate(counts):
        if each.move.precedes(move) and not each.refused:
            # Of a put without a reply nobody knows: it may be tried again.
            if move.answered is not None:
                each.spent = True
                del counts[at]
            return
    if any(each.refused for each in counts):
        reject(
            move,
            "SCHED-12",
            f"The count of root {message.root_id!r} was above {MOST_MESSAGES}: this "
            "message must not be put.",
        )
    reject(
        move,
        "SCHED-10",
        f"Nothing was counted for this message under root {message.root_id!r} before.",
    )


# ---- children ---------------------------------------------------------------


def _put_child(ledger: Ledger, move: Move, message: ScheduleMessage) -> bool:
    child = message.call_hash
    for handling in reversed(ledger.handlings):
        if handling.message is None or handling.root_id != message.root_id:
            continue
        if child in handling.children or not _may_put(ledger, handling, child, move):
            continue
        if move.key not in topics_of(ledger, handling, child, move.key):
            continue
        if move.answered is not None:
            handling.children.add(child)
        handling.moves.append(move)
        return True
    return False


def _may_put(ledger: Ledger, handling: Handling, child: str, move: Move) -> bool:
    """Tell whether the child's record says that it must be put, or may [QUEUE-12]."""
    registered = [
        each
        for each in handling.registrations.get(child, ())
        if each.move.precedes(move)
    ]
    if any(each.due for each in registered):
        return True
    if not handling.may_force:
        return False
    return bool(registered) or _is_registered(ledger, handling, child, move)


def _is_registered(ledger: Ledger, handling: Handling, child: str, move: Move) -> bool:
    """Tell whether it has read that the own return is in the child's record."""
    for each in ledger.reads[f"pending_returns/{child}"]:
        if each.found is None or not handling.at <= each.sent < move.sent:
            continue
        record = returns_in(each.found)
        if record is not None and handling.own_return in record.returns:
            return True
    return False


def topics_of(
    ledger: Ledger, handling: Handling, child: str, otherwise: str
) -> set[str]:
    """Give the topics on which a child may be put [SCHED-23]."""
    if not ledger.informed:
        return {otherwise}
    return {
        ask.topic or handling.topic
        for past in ledger.past(handling.own_return)
        for ask in past.asked.get(child, ())
    }


# ---- returns ----------------------------------------------------------------


def _put_return(ledger: Ledger, move: Move, message: ScheduleMessage) -> bool:
    ret = PendingReturn(message.root_id, message.call_hash, move.key)
    certain = [each for each in ledger.returned[ret] if each.answered is not None]
    if len(certain) >= ledger.entitled[ret]:
        return False
    ledger.returned[ret].append(move)
    for handling in ledger.handlings:
        if ret in handling.entitled:
            handling.moves.append(move)
            break
    return True


# ---- roots ------------------------------------------------------------------


def _put_root(ledger: Ledger, move: Move, message: ScheduleMessage) -> bool:
    """Judge what a client puts; False if this process is none."""
    if ledger.informed and not ledger.schedules:
        return False
    if not ledger.informed and ledger.taken:
        return False
    written = [
        each
        for each in ledger.writes[f"call/{message.call_hash}"]
        if each.precedes(move)
    ]
    if not written:
        reject(move, "SCHED-2", "The Call is not written before its message is put.")
    before = [each for each in ledger.roots if each[1] == message.call_hash]
    if any(each[0] == message.root_id for each in ledger.roots):
        reject(
            move,
            "SCHED-4" if before else "SCHED-3",
            f"A message of root {message.root_id!r} was put before: each root has one, "
            "and a root_id of its own.",
        )
    if ledger.informed:
        asked = [
            ask
            for ask in ledger.schedules.values()
            if ask.call_hash == message.call_hash
        ]
        if move.key not in {ask.topic for ask in asked}:
            reject(move, "SCHED-4", f"Nobody has scheduled this on {move.key!r}.")
        written = written[: len(asked)]
    if len(before) >= len(written):
        reject(move, "SCHED-4", "A scheduled root gets one message; this is one more.")
    if len(ledger.counts[message.root_id]) > 1:
        reject(
            move,
            "SCHED-3",
            f"The root_id {message.root_id!r} was counted before: it is not new.",
        )
    if move.answered is not None:
        ledger.roots.append((message.root_id, message.call_hash, move.key))
    return True


# ---- whose fault ------------------------------------------------------------


def _blame(ledger: Ledger, move: Move, message: ScheduleMessage) -> None:
    """Reject a message that nobody had coming, by what it comes closest to."""
    _blame_return(ledger, move, message)
    _blame_child(ledger, move, message)
    if not ledger.handlings and not any(True for _ in ledger.closed):
        reject(move, "SCHED-4", "Nobody has scheduled this, and no message was taken.")
    last = max((each.at for each in ledger.handlings), default=0)
    codes = {each.last_answer for each in ledger.handlings}
    if ledger.garbage():
        reject(move, "WORK-4", "What was taken is no message: nothing may be put.")
    if codes == {"fail"}:
        reject(move, "WORK-6", "The handler has failed: nothing may be put.")
    if not ledger.handlings and ledger.durable:
        reject(move, "QUEUE-10", "The message that this is about was acknowledged.")
    ledger.refuse_late(move, message.call_hash, message.root_id)
    reject(
        move,
        "SCHED-21",
        "This is neither a child that the worker has registered with since frame "
        f"{last}, nor a return that it has read.",
    )


def _blame_return(ledger: Ledger, move: Move, message: ScheduleMessage) -> None:
    for handling in ledger.handlings:
        key = f"pending_returns/{handling.call_hash}"
        for each in ledger.reads[key]:
            record = returns_in(each.found) if each.found is not None else None
            if record is None or (each.answered or 0) >= move.sent:
                continue
            same = [it for it in record.returns if it.call_hash == message.call_hash]
            exact = [it for it in same if it.root_id == message.root_id]
            if any(it.topic == move.key for it in exact):
                if ledger.returned[
                    PendingReturn(message.root_id, message.call_hash, move.key)
                ]:
                    reject(
                        move,
                        "RET-3",
                        "This return was put before, for the same message: after a "
                        "mismatch only those are due that are new in the record.",
                    )
                reject(
                    move,
                    "RET-1",
                    "The worker read who waits before it had written the value: who "
                    "registers in between is sent back for nothing.",
                )
            if exact:
                topics = ", ".join(repr(it.topic) for it in exact)
                reject(
                    move,
                    "RET-2",
                    f"The return says topic {topics}, it is put on {move.key!r}.",
                )
            if same and message.root_id == handling.root_id:
                roots = ", ".join(repr(it.root_id) for it in same)
                reject(
                    move,
                    "RET-2",
                    f"The return says root {roots}, it is put under "
                    f"{message.root_id!r}.",
                )


def _blame_child(ledger: Ledger, move: Move, message: ScheduleMessage) -> None:
    child = message.call_hash
    for handling in reversed(ledger.handlings):
        asked = child in handling.asked
        registered = handling.registrations.get(child, [])
        attempts = handling.attempts.get(child, [])
        read = _is_registered(ledger, handling, child, move)
        if not (asked or registered or attempts or read):
            continue
        if handling.root_id != message.root_id:
            reject(
                move,
                "SCHED-23",
                f"A child goes under the root of its parent, {handling.root_id!r}.",
            )
        if move.key not in topics_of(ledger, handling, child, move.key):
            due = ", ".join(map(repr, topics_of(ledger, handling, child, move.key)))
            reject(move, "SCHED-23", f"The topic of this child is {due}.")
        if child in handling.children:
            reject(move, "SCHED-29", "This child was put before, for the same defer.")
        if any(each.move.precedes(move) for each in registered) or read:
            reject(
                move,
                "SCHED-28",
                "The child's record was there, and it is not a repeated call: the "
                "child is on its way.",
            )
        reject(
            move,
            "SCHED-21",
            "The pending return is not in the child's record yet: a child that "
            "finishes now finds nobody waiting.",
        )
