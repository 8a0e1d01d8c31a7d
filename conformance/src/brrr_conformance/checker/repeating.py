# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for what is sent again because its reply did not come [REDIS-24].

Client libraries do that by themselves. A worker may do the same thing twice for
good reasons too: another message asks for it, or the same one is handled anew. It
has sent it again if it held just one message that can have asked for it, and has
neither taken another one since nor begun this one again: that begins with a look at
its call, or at the value of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance import request
from brrr_conformance.checker.ledger import reject
from brrr_conformance.checker.octets import returns_in
from brrr_conformance.commands import COUNT, text
from brrr_conformance.commands import Kind as Do

if TYPE_CHECKING:
    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger

ONCE = (Do.PUT, Do.INCR, Do.SET_NEW, Do.CAS, Do.CAD)

What: TypeAlias = "tuple[Do, str, bytes | None, bytes | None]"


@dataclass(frozen=True, slots=True)
class Lost:
    """A command whose reply never came."""

    move: Move
    # The messages that may have asked for it, and how often each had been invoked.
    owners: tuple[tuple[Handling, int], ...]
    # How many messages had been taken before.
    taken: int
    # Of a counter: how many messages are to be counted at all.
    due: int


def judge_again(ledger: Ledger, move: Move) -> None:
    """Reject a command that was sent before, and had no reply."""
    # A store on DynamoDB SHOULD not [DYN-7].
    if move.kind not in ONCE or request.is_request(move.step):
        return
    lost = ledger.lost.get(_what(move))
    if lost is not None and _is_again(ledger, lost, move):
        reject(
            move,
            "REDIS-24",
            f"The same was sent in frame {lost.move.sent}, and had no reply: it may "
            "have been done.",
        )
    if move.answered is None:
        owners = [(each, len(each.invoked)) for each in _owners(ledger, move)]
        due = sum(_due(each, move) for each, _ in owners)
        if lost is not None and lost.move.connection == move.connection:
            due = max(due, lost.due)  # of one pipeline, that was lost as a whole
        ledger.lost[_what(move)] = Lost(move, tuple(owners), ledger.taken, due)


def _what(move: Move) -> What:
    return move.kind, move.key, move.octets, move.expected


def _is_again(ledger: Ledger, lost: Lost, move: Move) -> bool:
    if move.connection == lost.move.connection or ledger.taken > lost.taken:
        return False
    if len(lost.owners) > 1 or (ledger.taken and not lost.owners):
        return False
    for handling, invoked in lost.owners:
        if len(handling.invoked) > invoked or _begun(ledger, handling, lost.move):
            return False
        if move.kind is Do.INCR:
            return _counted(ledger, handling, move) >= max(
                lost.due, _due(handling, move)
            )
        if move.kind in (Do.SET_NEW, Do.CAS) and _asked(handling, move) > 1:
            return False
    return True


def _owners(ledger: Ledger, move: Move) -> list[Handling]:
    """Give the messages under way that may ask for this."""
    if move.kind is Do.CAD:
        return ledger.open(move.key.partition("/")[2])
    if move.kind in (Do.SET_NEW, Do.CAS):
        record = returns_in(move.octets or b"")
        returns = record.returns if record is not None else ()
        return [each for each in ledger.handlings if each.own_return in returns]
    return list(ledger.handlings)


def _begun(ledger: Ledger, handling: Handling, after: Move) -> bool:
    """Tell whether it is handled from the start again."""
    name = handling.call_hash
    looks = (*ledger.reads[f"call/{name}"], *ledger.reads[f"value/{name}"])
    return any(each.sent > after.sent for each in looks)


def _asked(handling: Handling, move: Move) -> int:
    """Tell how often the handler has asked for the child that this is about."""
    return handling.last_asked[move.key.partition("/")[2]]


# ---- counters ---------------------------------------------------------------


def _due(handling: Handling, move: Move) -> int:
    """Tell how many messages are to be counted here because of one message."""
    root_id = move.key.removeprefix(text(COUNT))
    due = sum(ret.root_id == root_id for ret in handling.entitled)
    if root_id == handling.root_id:
        children = handling.registrations
        forced = set(handling.asked) if handling.must_force else set()
        due += len(
            forced
            | {name for name, some in children.items() if any(it.due for it in some)}
        )
    return due


def _counted(ledger: Ledger, handling: Handling, move: Move) -> int:
    counts = ledger.counts[move.key.removeprefix(text(COUNT))]
    return sum(each.move.sent >= handling.at for each in counts)
