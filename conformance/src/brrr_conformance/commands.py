# SPDX-License-Identifier: AGPL-3.0-only
"""One command as operations of the protocol: what it is to do, by its words alone.

What came before it on its connection, and the reply, are protocol.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from brrr_conformance import request
from brrr_conformance.step import SCRIPTS, STORE_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from brrr_conformance.step import Step

DURABLE = b"brrr:"
INFLIGHT, WORKERS, ATTEMPTS, DEAD = (
    f"brrr:{each}:".encode() for each in ("inflight", "workers", "attempts", "dead")
)
STORE = b"call/", b"value/", b"pending_returns/"
COUNT = b"brrr_count/"
MESSAGE = b"li2e"

Words: TypeAlias = tuple[bytes, ...]


@dataclass(slots=True)
class Memory:
    """What helps to tell what a script is to do."""

    # What a worker found at a key when it last looked; None is nothing.
    read: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    # How scripts were sent that made a record: with its place, and all but it.
    made: set[tuple[bytes, int, Words]] = field(default_factory=set)
    # What pops have brought.
    taken: set[bytes] = field(default_factory=set)


class Kind(StrEnum):
    """What is done to a record, a counter, a queue [backends.md], or a durable one."""

    GET = "get"
    EXISTS = "exists"
    SET = "set"
    SET_NEW = "set_new"
    CAS = "cas"
    CAD = "cad"
    # Without a condition.
    REMOVE = "remove"
    INCR = "incr"
    PUT = "put"
    POP = "pop"
    # Of durable queues: a message is taken off a list, or becomes a dead letter; a
    # worker shows that it lives, takes over from the dead, or goes.
    ACK = "ack"
    SET_ASIDE = "set_aside"
    BEAT = "beat"
    REAP = "reap"
    LEAVE = "leave"
    # Looks at something else of a queue: a length, the registry.
    LOOK = "look"
    # May change the key, nobody can tell how.
    UNKNOWN = "unknown"

    @property
    def is_compare(self) -> bool:
        """One that another worker can make fail."""
        return self in (Kind.SET_NEW, Kind.CAS, Kind.CAD)


@dataclass(frozen=True, slots=True)
class Operation:
    kind: Kind
    # The whole key: `pending_returns/c`, `brrr_count/root1`, a topic.
    key: str
    # What is written, put or acknowledged; once done, what was found or taken.
    octets: bytes | None = None
    # By a CAS or CAD, where that can be told.
    expected: bytes | None = None
    # None until the reply is there. False is a mismatch, nothing found, an error.
    done: bool | None = None
    # Of a counter, once it is incremented; of LREM, how many elements go.
    number: int | None = None
    # Instead of a reply.
    error: bytes | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


def operations_of(step: Step, worker: str, memory: Memory) -> tuple[Operation, ...]:
    """Say what a command that is not part of a transaction is to do."""
    if request.is_request(step):
        return tuple(_of_request(step))
    if step.name in SCRIPTS:
        return tuple(_of_script(step, worker, memory))
    if form := FORMS.get(step.name):
        try:
            return tuple(form(step.args))
        except (IndexError, ValueError):  # no command that Redis would take
            return ()
    if step.is_write:
        return _each(Kind.UNKNOWN, step.keys)
    durable = not any(key.startswith(STORE_PREFIXES) for key in step.keys)
    return _each(Kind.LOOK, step.keys) if durable and step.name != "WATCH" else ()


def text(key: bytes) -> str:
    return key.decode(errors="surrogateescape")


def _each(kind: Kind, keys: Sequence[bytes]) -> tuple[Operation, ...]:
    return tuple(Operation(kind, text(key)) for key in keys)


# ---- plain commands ---------------------------------------------------------


def _set(words: Words) -> list[Operation]:
    key, octets, flags = text(words[1]), words[2], words[3:]
    names = [flag.upper() for flag in flags]
    if b"NX" in names:
        found = [Operation(Kind.GET, key)] if b"GET" in names else []
        return [Operation(Kind.SET_NEW, key, octets), *found]
    if b"IFEQ" in names:
        return [Operation(Kind.CAS, key, octets, flags[names.index(b"IFEQ") + 1])]
    return [Operation(Kind.SET, key, octets)]


def _set_later(words: Words) -> list[Operation]:
    """SETEX and PSETEX: the time comes before the value."""
    return [Operation(Kind.SET, text(words[1]), words[3])]


def _mset(words: Words) -> list[Operation]:
    pairs = zip(words[1::2], words[2::2], strict=True)
    return [Operation(Kind.SET, text(key), octets) for key, octets in pairs]


def _delex(words: Words) -> list[Operation]:
    if words[2:3] and words[2].upper() == b"IFEQ":
        return [Operation(Kind.CAD, text(words[1]), None, words[3])]
    return [Operation(Kind.REMOVE, text(words[1]))]


def _increment(words: Words) -> list[Operation]:
    by_one = len(words) == 2 or words[2] == b"1"
    return [Operation(Kind.INCR if by_one else Kind.UNKNOWN, text(words[1]))]


def _push(words: Words) -> list[Operation]:
    key = words[1]
    if key.startswith(DURABLE):
        kind = Kind.SET_ASIDE if key.startswith(DEAD) else Kind.UNKNOWN
    else:
        kind = Kind.PUT
    return [Operation(kind, text(key), octets) for octets in words[2:]]


def _move(words: Words) -> list[Operation]:
    kind = Kind.REAP if words[1].startswith(DURABLE) else Kind.POP
    return [Operation(kind, text(words[1]))]


def _many_pop(words: Words) -> list[Operation]:
    at = 2 if words[0].upper() == b"BLMPOP" else 1
    count = int(words[at])
    return list(_each(Kind.POP, words[at + 1 : at + 1 + count]))


def _acknowledge(words: Words) -> list[Operation]:
    kind = Kind.ACK if words[1].startswith(INFLIGHT) else Kind.UNKNOWN
    return [Operation(kind, text(words[1]), words[3], number=int(words[2]))]


def _forget(words: Words) -> list[Operation]:
    return [Operation(Kind.UNKNOWN, text(words[1]), each) for each in words[2:]]


def _registry(kind: Kind) -> Callable[[Words], list[Operation]]:
    def form(words: Words) -> list[Operation]:
        ours = words[1].startswith(WORKERS)
        return [Operation(kind if ours else Kind.UNKNOWN, text(words[1]))]

    return form


def _keys(
    kind: Kind, first: int = 1, last: int | None = None
) -> Callable[[Words], Sequence[Operation]]:
    return lambda words: _each(kind, words[first:last])


FORMS: dict[str, Callable[[Words], Sequence[Operation]]] = {
    "GET": _keys(Kind.GET, 1, 2),
    "GETEX": _keys(Kind.GET, 1, 2),
    "MGET": _keys(Kind.GET),
    "EXISTS": _keys(Kind.EXISTS),
    "STRLEN": _keys(Kind.EXISTS, 1, 2),
    "TYPE": _keys(Kind.EXISTS, 1, 2),
    "SET": _set,
    "GETSET": _set,
    "SETEX": _set_later,
    "PSETEX": _set_later,
    "MSET": _mset,
    "SETNX": lambda words: [Operation(Kind.SET_NEW, text(words[1]), words[2])],
    "DEL": _keys(Kind.REMOVE),
    "UNLINK": _keys(Kind.REMOVE),
    "GETDEL": _keys(Kind.REMOVE, 1, 2),
    "DELEX": _delex,
    "INCR": _increment,
    "INCRBY": _increment,
    "RPUSH": _push,
    "LPUSH": _push,
    "RPUSHX": _push,
    "LPUSHX": _push,
    "BLPOP": _keys(Kind.POP, 1, -1),
    "BRPOP": _keys(Kind.POP, 1, -1),
    "LPOP": _keys(Kind.POP, 1, 2),
    "RPOP": _keys(Kind.POP, 1, 2),
    "BLMPOP": _many_pop,
    "LMPOP": _many_pop,
    "BLMOVE": _move,
    "LMOVE": _move,
    "BRPOPLPUSH": _move,
    "RPOPLPUSH": _move,
    "LREM": _acknowledge,
    "HDEL": _forget,
    "ZADD": _registry(Kind.BEAT),
    "ZREM": _registry(Kind.LEAVE),
}

# ---- scripts ----------------------------------------------------------------


def _of_script(step: Step, worker: str, memory: Memory) -> list[Operation]:
    """Say what a script is to do, by its keys and arguments."""
    keys = step.keys
    args = step.args[3 + len(keys) :]
    if any(key.startswith(DURABLE) for key in keys):
        return [_durable_script(keys, args, memory)]
    if step.name.endswith("_RO"):
        return list(_each(Kind.GET, keys))
    if takes_message(step):
        return [Operation(Kind.POP, text(keys[0]))]
    messages = [arg for arg in args if arg.startswith(MESSAGE)]
    found = []
    for key in keys:
        written = any(_is_record(text(key), arg) for arg in args)
        # A topic may look like a record.
        if key.startswith(STORE) and (written or not messages):
            found.append(_store_script(step, text(key), args, worker, memory))
        elif key.startswith(COUNT):
            found.append(Operation(Kind.INCR, text(key)))
        else:
            kind = Kind.PUT if messages else Kind.UNKNOWN
            message = messages[0] if messages else None
            # Each topic has a message, or all have one.
            messages = messages[1:] or messages
            found.append(Operation(kind, text(key), message))
    # It is one step: what is removed is removed behind all else.
    return sorted(found, key=lambda each: each.kind is Kind.CAD)


def takes_message(step: Step) -> bool:
    """Tell whether a script takes a message: given a queue, and nothing to put."""
    keys = step.keys
    if step.name not in SCRIPTS or len(keys) != 1 or len(step.args) != 4:
        return False
    return not keys[0].startswith((*STORE, COUNT, DURABLE))


def _durable_script(keys: Words, args: Words, memory: Memory) -> Operation:
    """Name the one thing that it is about."""
    messages = [arg for arg in args if not arg.isdigit()]
    lists = [key for key in keys if key.startswith(INFLIGHT)]
    is_of_message = messages[:1] and (
        messages[0].startswith(MESSAGE) or messages[0] in memory.taken
    )
    if is_of_message or not any(key.startswith(WORKERS) for key in keys):
        if not (lists and messages):
            return Operation(Kind.UNKNOWN, text(keys[0]))
        kind = Kind.SET_ASIDE if len(messages) > 1 else Kind.ACK
        return Operation(kind, text(lists[0]), messages[0])
    registry = next(key for key in keys if key.startswith(WORKERS))
    return Operation(Kind.REAP if lists else Kind.BEAT, text(registry))


def _store_script(
    step: Step, key: str, args: Words, worker: str, memory: Memory
) -> Operation:
    """Tell a set_new, cas or cad: by the octets among the arguments.

    What a worker expects is what it has read; if that tells nothing, the record
    with the fewer octets: it gets one return more. One record alone is expected if
    it is what was read, unless the same script made a record that was in its place:
    a worker may make the very record that another of its hands has read.
    """
    records = [(at, arg) for at, arg in enumerate(args) if _is_record(key, arg)]
    before = memory.read.get((worker, key))
    if not records:
        return Operation(Kind.UNKNOWN, key)
    if key.startswith("call/"):
        return Operation(Kind.SET, key, records[0][1])
    if len(records) == 1:
        [(at, record)] = records
        way = step.args[1], at, args[:at] + args[at + 1 :]
        if before is None and (worker, key) in memory.read:
            memory.made.add(way)
        if record == before and way not in memory.made:
            return Operation(Kind.CAD, key, None, before)
        return Operation(Kind.SET_NEW, key, record)
    first, second = records[0][1], records[1][1]
    if before in (first, second):
        swapped = second == before != first
    else:
        swapped = len(second) < len(first)
    new, expected = (first, second) if swapped else (second, first)
    return Operation(Kind.CAS, key, new, expected)


def _is_record(key: str, arg: bytes) -> bool:
    if key.startswith("value/"):
        return True
    # A script may have records of both kinds, and some that do not decode.
    other = b"7:returns" if key.startswith("call/") else b"7:payload"
    return arg.startswith(b"d") and arg.endswith(b"e") and other not in arg


# ---- DynamoDB ---------------------------------------------------------------


def _of_request(step: Step) -> list[Operation]:
    keys = [text(key) for key in step.keys]
    if request.asks_whether(step):
        return [Operation(Kind.EXISTS, key) for key in keys]
    if step.name in ("GETITEM", "BATCHGETITEM", "TRANSACTGETITEMS"):
        return [Operation(Kind.GET, key) for key in keys]
    if step.name not in ("PUTITEM", "UPDATEITEM", "DELETEITEM") or len(keys) != 1:
        return [Operation(Kind.UNKNOWN, key) for key in keys]
    new, expected, condition = request.octets_in(step)
    if step.name == "DELETEITEM":
        kind = Kind.CAD if condition else Kind.REMOVE
    elif expected is not None:
        kind = Kind.CAS
    else:
        kind = Kind.SET_NEW if condition else Kind.SET
    return [Operation(kind, keys[0], new, expected)]
