# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for the state in which all comes to rest, whoever has left it so.

WAIT (S4): a parent that has deferred, and has no value, is in the record of a child,
or a message for it is queued or in hand.
RUN (S5): a call that somebody waits for, and that has no value, is queued, in hand,
or waits itself.

Where a worker was killed, cut or refused something, that is promised by durable
queues alone. What the case itself wrote, and what a failing handler left, is nobody's
fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brrr_conformance.checker.octets import message_in, returns_in
from brrr_conformance.checker.verdict import Rejected, Violation
from brrr_conformance.pb import adapter_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from brrr_conformance.checker.handling import Handling
    from brrr_conformance.checker.history import Move
    from brrr_conformance.checker.ledger import Ledger
    from brrr_conformance.checker.shadow import Shadow

PENDING = "pending_returns/"


def judge_rest(shadow: Shadow, ledgers: Mapping[str, Ledger]) -> None:
    """Judge what is in the database now that nothing will happen by itself."""
    workers = [each for each in ledgers.values() if each.taken]
    codes = {it.failure.code for each in workers for it in each.reports}
    unlucky = any(each.troubles or each.over for each in workers)
    durable = all(each.durable for each in workers)
    if any(any(each.refusals.values()) for each in workers) or not workers:
        return
    if not codes <= {pb.BACKEND} or ((unlucky or codes) and not durable):
        return
    _Rest.of(shadow, workers, unlucky=unlucky).judge()


@dataclass(slots=True)
class _Rest:
    shadow: Shadow
    unlucky: bool
    # By call_hash: messages ever taken for it, with who took them; the last of them
    # comes last. Who is in a record; and for whom there is a message.
    taken: dict[str, list[tuple[Ledger, Handling]]] = field(default_factory=dict)
    # Messages that somebody holds; or held when it died, and nobody has come for yet.
    in_hand: list[Handling] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    queued: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, shadow: Shadow, workers: list[Ledger], *, unlucky: bool) -> _Rest:
        rest = cls(shadow, unlucky)
        for ledger in workers:
            for each in _all_of(ledger):
                rest.taken.setdefault(each.call_hash, []).append((ledger, each))
        alive = [it for each in workers if not each.over for it in _all_of(each)]
        for ledger in workers:
            for each in ledger.handlings:
                later = [it for it in alive if it.octets == each.octets]
                if not ledger.over or all(it.at < each.at for it in later):
                    rest.in_hand.append(each)
        for taken in rest.taken.values():
            taken.sort(key=lambda it: it[1].at)
        for name, key in shadow.keys.items():
            if name.startswith(PENDING):
                for held in key.held:
                    record = returns_in(held) if held is not None else None
                    if record is not None:
                        rest.waiting |= {ret.call_hash for ret in record.returns}
        for messages in shadow.queues.values():
            for octets, number in messages.items():
                message = message_in(octets) if number > 0 else None
                if message is not None:
                    rest.queued.add(message.call_hash)
        return rest

    def judge(self) -> None:
        for name, move in self.shadow.registered.items():
            child = name.removeprefix(PENDING)
            if self.shadow.surely(name) and self._is_lost(child):
                self._reject_run(child, move)
        for call_hash, taken in self.taken.items():
            ledger, last = taken[-1]
            children = last.registrations
            if any(self.shadow.keys[f"{PENDING}{it}"].foreign for it in children):
                continue
            if children and self._is_lost(call_hash):
                raise Rejected(
                    Violation(
                        "QUEUE-11" if self.unlucky else "RET-2",
                        last.at,
                        ledger.name,
                        last.command,
                        f"All is quiet, and {call_hash!r} has deferred and has no "
                        "value, waits for nobody, and no message for it is on its way.",
                    )
                )

    def _is_lost(self, call_hash: str) -> bool:
        """Tell whether a call has no value, and nothing will bring it to one."""
        if call_hash in self.waiting or call_hash in self.queued:
            return False
        if not self.shadow.surely_absent(f"value/{call_hash}"):
            return False
        for each in self.in_hand:
            if call_hash == each.call_hash or call_hash in each.registrations:
                return False
        return not any(_has_failed(*it) for it in self.taken.get(call_hash, ()))

    def _reject_run(self, child: str, move: Move) -> None:
        put = child in self.shadow.put_for
        if self.unlucky:
            name = "QUEUE-11" if put else "QUEUE-12"
        else:
            name = "WORK-2" if put else "SCHED-24"
        why = "its message is gone" if put else "no message was ever put for it"
        raise Rejected(
            Violation(
                name,
                move.sent,
                move.worker,
                str(move.step),
                f"All is quiet, {child!r} is waited for and has no value, and {why}.",
            )
        )


def _all_of(ledger: Ledger) -> list[Handling]:
    return [*ledger.closed, *ledger.handlings]


def _has_failed(ledger: Ledger, handling: Handling) -> bool:
    """Tell whether its handler may have ended without a value, or asked for nothing."""
    if handling.wrote is not None or handling.registrations:
        return False
    if not ledger.informed:
        return True
    return handling.last_answer != "response"
