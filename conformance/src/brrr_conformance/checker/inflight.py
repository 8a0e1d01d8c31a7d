# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for durable queues: how a message gets off the list of those in flight.

What a script does with the list is told by its keys and arguments alone, so of one
that acknowledges nobody can tell whether it also forgets the attempts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance import bencode
from brrr_conformance.checker.ending import is_complete, undone
from brrr_conformance.checker.ledger import reject
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.commands import ATTEMPTS, DEAD, INFLIGHT, text
from brrr_conformance.commands import Kind as Do
from brrr_conformance.pb import adapter_pb2 as pb
from brrr_conformance.step import SCRIPTS

if TYPE_CHECKING:
    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger

# Problems after which a message is as it was before.
FOR_GOOD = {pb.REFUSED, pb.CALL_MISSING, pb.HANDLER_FAILED, pb.SPAWN_LIMIT}
KEPT = (
    "QUEUE-13",
    (
        "Its handling has ended, and it is not acknowledged: it stays in flight for as "
        "long as this worker lives."
    ),
)
SET_ASIDE = (
    "QUEUE-20",
    "Its problem was reported, and it is not set aside, as was asked for.",
)
FORGET = text(ATTEMPTS)
LETTERS = text(DEAD)


def acknowledge(ledger: Ledger, move: Move) -> None:
    """Judge what takes a message off its list; nothing of its handling may follow."""
    if move.key.startswith(LETTERS):
        return  # [REDIS-40] is judged when all of its transaction is known
    octets = move.octets or b""
    _check_list(ledger, move)
    held = ledger.holding(octets)
    if not held:
        _check_again(ledger, move, octets)
        ledger.acknowledged[octets].append(move)
        return
    ledger.acknowledged[octets].append(move)
    handling = held[0]
    if move.kind is Do.ACK and not ledger.troubled(handling.at, move.sent):
        _check_over(ledger, handling, move)
    ledger.close(handling)
    if handling.followed and move.done is not False:
        ledger.handlings.append(handling.next_like_it(move.sent))


def _check_list(ledger: Ledger, move: Move) -> None:
    """See that one element goes, and from the worker's own list."""
    if move.operation.number not in (None, 1, -1):
        reject(
            move, "REDIS-34", "One element is to be removed, and not all equal ones."
        )
    if ledger.lists and move.key not in ledger.lists:
        own = ", ".join(sorted(ledger.lists))
        reject(move, "REDIS-34", f"The list of this worker is {own}.")


def _check_again(ledger: Ledger, move: Move, octets: bytes) -> None:
    """Reject what takes a message off that the worker does not hold (any more)."""
    before = ledger.acknowledged[octets]
    if not before:
        if ledger.durable and octets not in ledger.seen:
            reject(move, "REDIS-34", "The worker has not taken this message.")
        return
    last = before[-1]
    if last.done is None or last.sent == move.sent:
        return  # its reply did not come [QUEUE-13]; or a transaction does both
    if move.kind is Do.SET_ASIDE:
        name, why = "REDIS-40", "it is not in the worker's list any more"
    else:
        name, why = "REDIS-34", "this takes an equal one off that nobody has handled"
    reject(move, name, f"The message was acknowledged in frame {last.sent}: {why}.")


def _check_over(ledger: Ledger, handling: Handling, move: Move) -> None:
    why = undone(ledger, handling, move.sent)
    late = [
        each
        for each in handling.moves
        if each.answered is None or each.answered >= move.sent
    ]
    if not handling.is_answered:
        why = "QUEUE-10", "The handler has not ended."
    elif late:
        why = "QUEUE-10", f"No reply yet to: {late[0].step}."
    if why and not ledger.problems_of(handling):
        name = "QUEUE-10" if ledger.goes_on(move.sent) else why[0]
        reject(move, name, f"It is acknowledged too early. {why[1]}")


# ---- dead letters -----------------------------------------------------------


def acknowledged(ledger: Ledger, move: Move) -> None:
    """Judge dead letters, once all that goes with them is known."""
    if move.failed or move.step.name in SCRIPTS:
        return
    if move.kind is Do.SET_ASIDE:
        octets = _of_letter(move.octets or b"")
        with_it = [it for it in ledger.acknowledged[octets] if it.sent == move.sent]
        if not with_it:
            reject(
                move,
                "REDIS-40",
                "A dead letter is added in one atomic step with the removal of the "
                "message from the worker's list.",
            )
        ledger.letters.add(octets)


def _of_letter(octets: bytes) -> bytes:
    """Find the message in a dead letter."""
    try:
        letter = bencode.decode(octets)
    except bencode.DecodeError:
        return b""
    message = letter.get(b"message") if isinstance(letter, dict) else None
    return message if isinstance(message, bytes) else b""


# ---- what is left -----------------------------------------------------------


def settle_held(ledger: Ledger) -> None:
    """Judge what a durable worker still holds now that all is quiet."""
    for handling in ledger.handlings:
        if handling.is_answered and (why := _why_held(ledger, handling)):
            _reject(ledger, handling, *why)
    for handling in ledger.closed:
        _check_attempts(ledger, handling)
        _check_letter(ledger, handling)
    for moves in ledger.acknowledged.values():
        _check_tried(ledger, moves[-1])
    _check_found(ledger)


def _why_held(ledger: Ledger, handling: Handling) -> tuple[str, str] | None:
    """Tell why a message should not be in flight any more."""
    if handling.over:
        return KEPT
    if ledger.troubled(handling.at):
        return None  # it may be kept [QUEUE-15]
    codes = ledger.problems_of(handling)
    if codes:
        if not codes <= FOR_GOOD or ledger.on_problem == pb.STOP:
            return None
        return SET_ASIDE if ledger.on_problem == pb.DEAD_LETTER else KEPT
    if ledger.informed:
        return undone(ledger, handling) or KEPT
    return KEPT if is_complete(ledger, handling) else None


def _check_tried(ledger: Ledger, move: Move) -> None:
    """See that an acknowledgement without a reply is tried again [QUEUE-13]."""
    if move.answered is not None:
        return
    looked = ledger.looked_at[move.key]
    # On other connections it went on, so this one is lost, and not just late.
    later = [each for each in ledger.pops if each.sent > move.sent]
    if (
        later
        and later[0].connection != move.connection
        and max(looked, default=0) < (move.sent)
    ):
        why = "Its reply did not come, and it was not tried again."
        reject(move, "QUEUE-13", why)


def _check_attempts(ledger: Ledger, handling: Handling) -> None:
    """See that nobody takes an acknowledged message for one that keeps failing."""
    if not handling.must_force:
        return
    moves = ledger.acknowledged[handling.octets]
    if not moves or any(it.step.name in SCRIPTS or it.done is None for it in moves):
        return
    if handling.octets not in ledger.forgotten:
        why = "It was delivered again, and how often was not forgotten with it."
        _reject(ledger, handling, "REDIS-34", why)


def _check_letter(ledger: Ledger, handling: Handling) -> None:
    """See that what no worker can handle was set aside, if that was asked for."""
    if ledger.on_problem != pb.DEAD_LETTER or ledger.troubled(handling.at):
        return
    moves = ledger.acknowledged[handling.octets]
    if not moves or any(it.kind is Do.SET_ASIDE or it.done is None for it in moves):
        return
    if handling.octets in ledger.letters:
        return
    if handling.message is None or handling.last_answer == "fail":
        why = "No worker can handle it, and it was acknowledged without a dead letter."
        _reject(ledger, handling, "QUEUE-20", why)


def _check_found(ledger: Ledger) -> None:
    """See that a pop whose answer was lost is followed by a look at the list."""
    pops = [each for each in ledger.pops if each.step.name == "BLMOVE"]
    for at, each in enumerate(pops[:-1]):
        if each.answered is not None:
            continue
        own = each.step.args[2]
        later = [it for it in pops[at + 1 :] if it.step.args[2] == own]
        if not later or any(sent > each.sent for sent in ledger.looked_at[text(own)]):
            continue
        raise Rejected(
            Violation(
                "REDIS-37",
                later[0].sent,
                ledger.name,
                str(later[0].step),
                f"The pop of frame {each.sent} had no answer: a message that it has "
                "moved is in the list, where nobody looks.",
            )
        )


def note(ledger: Ledger, move: Move) -> None:
    """Remember what other rules ask for: lists, looks at them, attempts forgotten."""
    step = move.step
    lists = [key for key in step.keys if key.startswith(INFLIGHT)]
    if step.name in ("BLMOVE", "LMOVE") and step.args[2].startswith(INFLIGHT):
        ledger.lists.add(text(step.args[2]))
    elif step.name != "LREM" and move.kind not in (Do.ACK, Do.SET_ASIDE):
        for key in lists:
            ledger.looked_at[text(key)].append(move.sent)
    if move.kind is Do.UNKNOWN and move.key.startswith(FORGET) and move.octets:
        ledger.forgotten.add(move.octets)


def _reject(ledger: Ledger, handling: Handling, requirement: str, reason: str) -> None:
    raise Rejected(
        Violation(requirement, handling.at, ledger.name, handling.command, reason)
    )
