# SPDX-License-Identifier: AGPL-3.0-only
"""Rules for how messages are taken, and what becomes known by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.checker.handling import Handling
from brrr_conformance.checker.history import Move
from brrr_conformance.checker.ledger import is_message, reject
from brrr_conformance.checker.octets import call_in, message_in
from brrr_conformance.commands import (
    ATTEMPTS,
    COUNT,
    DURABLE,
    INFLIGHT,
    STORE,
    WORKERS,
    Operation,
    text,
)
from brrr_conformance.commands import Kind as Do
from brrr_conformance.step import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.checker.ledger import Ledger

FROM_THE_TAIL = ("BRPOP", "RPOP", "BRPOPLPUSH", "RPOPLPUSH")
# Looks in vain, one after the other, by which a worker polls.
POLLS = 4
LONGEST_SECONDS = 20


def pop(ledger: Ledger, move: Move) -> None:
    """Judge a request for a message."""
    step = move.step
    durable = step.name in ("BLMOVE", "LMOVE")
    if step.name in FROM_THE_TAIL:
        reject(move, "REDIS-2", "A message is taken from the head of its queue.")
    if ledger.topics and move.key not in ledger.topics:
        reject(move, "QUEUE-1", "The worker does not serve this topic.")
    if durable:
        _move(ledger, move)
    ledger.pops.append(move)


def _move(ledger: Ledger, move: Move) -> None:
    args = move.step.args
    ledger.durable = True
    if not args[2].startswith(INFLIGHT):
        reject(move, "REDIS-30", "A message in flight is in the worker's own list.")
    if [each.upper() for each in args[3:5]] != [b"LEFT", b"RIGHT"]:
        reject(move, "REDIS-30", "A message goes from the head to the tail.")
    if move.step.name != "BLMOVE":
        return
    seconds = float(args[5])
    if not 0 < seconds <= LONGEST_SECONDS:
        reject(move, "REDIS-30", f"It waits {seconds:g} s: at most 20 s are allowed.")
    registry = f"{text(WORKERS)}{{{move.key}}}"
    if not any(it.key == registry and it.precedes(move) for it in ledger.beaten):
        reject(move, "REDIS-32", "The worker is not in the registry yet.")
    for each in ledger.pops:
        if each.step.args[:3] != args[:3] or each.step.name != "BLMOVE":
            continue
        # Of one without a reply nobody knows: its connection may be lost.
        if each.answered is not None and each.answered > move.sent:
            reject(move, "REDIS-30", "Another pop of this worker is waiting already.")


def look(ledger: Ledger, move: Move) -> None:
    """Count the looks at a queue that find nothing [REDIS-2]."""
    name = move.step.name
    if move.key.startswith(text(DURABLE)):
        return
    if move.kind is Do.POP and name.startswith("B"):
        ledger.looks = 0
    elif not move.reply or move.reply.value in (None, 0, []):
        ledger.looks += 1
        if ledger.looks >= POLLS:
            reject(move, "REDIS-2", "The worker polls its queue.")


# ---- what is taken ----------------------------------------------------------


def take(ledger: Ledger, move: Move) -> None:
    """Note the message that a pop has brought."""
    if move.found is not None and move.done:
        _hold(ledger, move, move.key, move.found)


def learn(ledger: Ledger, move: Move) -> list[tuple[str, bytes]]:
    """Note the messages in flight that a reply tells of, and how often they came.

    Give those that a script has taken from the queue of a topic just now.
    """
    taken: list[tuple[str, bytes]] = []
    topic = _topic(move) or script_topic(move)
    if topic is not None:
        ledger.seen |= {each for each in move.strings() if isinstance(each, bytes)}
    if topic is None or move.kind in (Do.ACK, Do.SET_ASIDE, Do.POP):
        return taken
    args = move.step.args
    if move.step.name == "HGET" and args[1].startswith(ATTEMPTS) and move.reply:
        again = move.reply.value
        for each in ledger.holding(args[2]):
            if again not in (None, b"0", 0):
                each.may_force = True
        return taken
    from_topic = not any(key.startswith(DURABLE) for key in move.step.keys[:1])
    seen: dict[bytes, int] = {}
    for octets, again, call in _messages(move):
        if call is not None:
            _note_call(ledger, move, octets, call)
        seen[octets] = seen.get(octets, 0) + 1
        held = ledger.holding(octets)
        moved = from_topic and again is None
        if moved or len(held) < seen[octets]:
            handling = _hold(ledger, move, topic, octets)
            handling.may_force = not moved
            handling.must_force = bool(again)
            ledger.durable |= _topic(move) is not None
            if moved:
                taken.append((topic, octets))
        elif again:
            held[0].may_force = True
            # A reply that begins with a number tells of what came just now only.
            held[0].followed = isinstance(next(move.strings(), None), int)
    return taken


def _hold(ledger: Ledger, move: Move, topic: str, octets: bytes) -> Handling:
    at = move.sent if move.answered is None else move.answered
    command = str(move.step)
    handling = Handling(topic, octets, message_in(octets), at, command)
    ledger.handlings.append(handling)
    ledger.taken += 1
    ledger.looks = 0
    return handling


def _messages(move: Move) -> Iterator[tuple[bytes, int | None, bytes | None]]:
    """Give each message of a reply, and what follows it: a number, or its call."""
    values = list(move.strings())
    for at, each in enumerate(values):
        if isinstance(each, bytes) and is_message(each):
            then = values[at + 1] if at + 1 < len(values) else None
            number = then if isinstance(then, int) else None
            call = then if isinstance(then, bytes) and call_in(then) else None
            yield each, number, call


def _note_call(ledger: Ledger, move: Move, octets: bytes, call: bytes) -> None:
    """Note that a script which takes a message has read its call as well."""
    message = message_in(octets)
    if message is None:
        return
    key = f"call/{message.call_hash}"
    asked = Operation(Do.GET, key)
    found = Operation(Do.GET, key, call, done=True)
    place = move.worker, move.connection, move.step
    ledger.look(Move(*place, asked, move.sent, move.answered, found, move.reply))


def script_topic(move: Move) -> str | None:
    """Give the topic of a script that may take messages from a plain queue."""
    theirs = move.step.name in SCRIPTS and move.kind is Do.UNKNOWN
    records = tuple(map(text, (*STORE, COUNT, DURABLE)))
    return move.key if theirs and not move.key.startswith(records) else None


def _topic(move: Move) -> str | None:
    """Find the topic whose durable queue a command is about."""
    for key in move.step.keys:
        if key.startswith(DURABLE):
            name = text(key).partition("{")[2]
            return name.rpartition("}")[0]
    return None
