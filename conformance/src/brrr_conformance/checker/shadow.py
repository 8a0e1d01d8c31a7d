# SPDX-License-Identifier: AGPL-3.0-only
"""A shadow of the store: what each key may hold, as far as the replies tell.

A write may be carried out at any time between its command and its reply; so a key
may hold several things, and a read is right if it found one of those that were
possible while it was under way. A write without a reply stays possible for ever.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance.aside import Act, Deed
from brrr_conformance.checker.ledger import reject
from brrr_conformance.checker.octets import message_in
from brrr_conformance.commands import COUNT, STORE, text
from brrr_conformance.commands import Kind as Do
from brrr_conformance.step import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger

RECORDS = tuple(map(text, STORE))
COUNTERS = text(COUNT)
WRITES = (Do.SET, Do.SET_NEW, Do.CAS, Do.CAD, Do.REMOVE)

Held: TypeAlias = "bytes | None"


@dataclass(slots=True)
class _Key:
    # What may be there now; and what is being written.
    held: set[Held] = field(default_factory=lambda: {None})
    pending: dict[int, Held] = field(default_factory=dict)
    # For each read or comparison under way, what may have been there meanwhile.
    seen: dict[int, set[Held]] = field(default_factory=dict)
    # What somebody beside the workers wrote while these were under way.
    beside: dict[int, Held] = field(default_factory=dict)
    # Whether a SET NX was done, and nothing that may have removed it since.
    created: bool = False
    # Whether somebody beside the workers is writing, or ever was.
    open: bool = False
    foreign: bool = False

    def spread(self) -> None:
        for each in self.seen.values():
            each |= self.held


@dataclass(slots=True)
class Shadow:
    strict: bool
    keys: dict[str, _Key] = field(default_factory=lambda: defaultdict(_Key))
    # Of a counter: what it held when somebody beside the workers wrote it; how often
    # it was counted up since; which numbers that gave.
    bases: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    queues: dict[str, Counter[bytes]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    # Of records of pending returns: what wrote each last. Calls that a message was
    # put for.
    registered: dict[str, Move] = field(default_factory=dict)
    put_for: set[str] = field(default_factory=set)
    # Of a queue: puts and pops without a reply.
    unsure: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    # ---- records ------------------------------------------------------------

    def sent(self, move: Move) -> None:
        if move.kind in (Do.PUT, Do.POP) and move.answered is None:
            self.unsure[move.key].add(id(move))
        if move.kind is Do.PUT and move.octets is not None and move.done is not False:
            self.queues[move.key][move.octets] += 1
            if message := message_in(move.octets):
                self.put_for.add(message.call_hash)
        if move.kind is Do.INCR and not move.failed:
            self.counted[move.key] += 1
        if move.failed or not move.key.startswith(RECORDS):
            return
        key = self.keys[move.key]
        if move.kind in WRITES and move.done is not False:
            new = move.octets if move.kind in (Do.SET, Do.SET_NEW, Do.CAS) else None
            key.pending[id(move)] = new
            key.held.add(new)
            key.spread()
            key.created &= new is not None
        key.seen[id(move)] = set(key.held)

    def answered(self, move: Move) -> None:
        if move.failed:
            return
        if move.key.startswith(RECORDS):
            key = self.keys[move.key]
            seen = key.seen.pop(id(move), set())
            if self.strict and not key.open:
                self._compare(move, seen)
            self._settle(key, move)
            if move.done and move.kind in (Do.SET_NEW, Do.CAS):
                self.registered[move.key] = move
        elif move.kind is Do.INCR and move.outcome is not None and self.strict:
            self._check_number(move, move.outcome.number or 0)
        elif move.kind is Do.POP and move.found is not None:
            self.take(move, move.key, move.found)

    def _settle(self, key: _Key, move: Move) -> None:
        """Note what a key holds now that a write is over, or a read has shown it."""
        if id(move) in key.pending:
            new = key.pending.pop(id(move))
            removing = None in (new, *key.pending.values())
            if move.kind is Do.SET_NEW and key.created and self.strict:
                reject(move, "STORE-3", "Two that expect no record were both done.")
            key.created = not removing and (key.created or move.kind is Do.SET_NEW)
            key.held = {new, *key.pending.values()}
            if id(move) in key.beside:
                key.held.add(key.beside.pop(id(move)))
        elif move.kind is Do.GET and not key.pending:
            key.held = {move.found}
        key.spread()

    def _compare(self, move: Move, seen: set[Held]) -> None:
        due = "at that time the key did not hold that"
        wrong = False
        match move.kind:
            case Do.GET:
                wrong = move.found not in seen
            case Do.EXISTS if move.done is not None:
                wrong = all((each is not None) is not move.done for each in seen)
            case Do.SET_NEW if move.done:
                wrong = None not in seen
            case Do.SET_NEW:
                wrong = seen == {None}
            case Do.CAS | Do.CAD if move.expected is not None:
                others = seen - {move.expected}
                wrong = move.expected not in seen if move.done else not others
            case _:
                pass
        if wrong:
            reject(move, "STORE-1", f"No store replies like this: {due}.")

    # ---- counters and queues ------------------------------------------------

    def pushed(self, deed: Deed) -> None:
        """Note a message of the case's own: before it comes, for it is told later."""
        self.queues[deed.key][deed.octets or b""] += 1

    def take(self, move: Move, topic: str, octets: bytes) -> None:
        """Note that a message was taken from a queue."""
        queue = self.queues[topic]
        if queue[octets] > 0:
            queue[octets] -= 1
        elif self.strict and not self.keys[topic].foreign:
            reject(move, "QUEUE-2", "Nobody has put this message, or not so often.")

    def _check_number(self, move: Move, number: int) -> None:
        """See that each of n counts gives a number of its own, up to n [CACHE-1]."""
        base, seen = self.bases[move.key], self.numbers[move.key]
        most = base + self.counted[move.key]
        wrong = number in seen or not base < number <= most
        seen.add(number)
        if wrong and not self.keys[move.key].open:
            reject(move, "CACHE-1", "No counter counts like this.")

    # ---- beside the workers -------------------------------------------------

    def beside(self, deed: Deed) -> None:
        """Note what the case itself does to the database."""
        key = self.keys[deed.key]
        match deed.act:
            case Act.TOUCH:
                key.created = False
                key.open = key.foreign = True
            case Act.WRITE:
                key.open, key.foreign = False, True
                key.held = {deed.octets, *key.pending.values()}
                key.beside.update(dict.fromkeys(key.pending, deed.octets))
                for each in key.seen.values():
                    each |= key.held
                if deed.octets is not None and deed.octets.isdigit():
                    self.bases[deed.key] = int(deed.octets)
                    self.numbers[deed.key].clear()
            case _:
                pass

    def judge_queues(self, ledgers: Collection[Ledger]) -> None:
        """Reject a message that lies on a queue which somebody serves, at rest."""
        live = [each for each in ledgers if not each.over and not each.troubles]
        waiting = [pop for each in live for pop in each.waiting()]
        ours = {id(each) for each in waiting}
        for each in waiting if self.strict else ():
            if self.unsure[each.key] <= ours and any(self.queues[each.key].values()):
                reject(each, "WORK-1", "A message is there, and was not taken.")

    # ---- at rest ------------------------------------------------------------

    def surely(self, name: str) -> bool:
        """Tell whether there is a record that only the workers have written."""
        key = self.keys[name]
        return len(key.held) == 1 and None not in key.held and not key.foreign

    def surely_absent(self, name: str) -> bool:
        key = self.keys[name]
        return key.held == {None} and not key.foreign

    # ---- what it is for -----------------------------------------------------

    def judge(self, ledger: Ledger, move: Move) -> None:
        """Reject what a client writes where there is a value [SCHED-1]."""
        if not move.key.startswith("call/") or ledger.taken:
            return
        if not ledger.schedules or move.step.name in SCRIPTS:
            return
        value = self.keys[f"value/{move.key.removeprefix('call/')}"]
        if None not in value.held and not value.open:
            looks = ledger.reads[f"value/{move.key.removeprefix('call/')}"]
            if not looks or looks[-1].done is not False:
                reject(move, "SCHED-1", "The value is there: nothing may be written.")
