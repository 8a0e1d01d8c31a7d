# SPDX-License-Identifier: AGPL-3.0-only
"""What a command touches, and so which commands commute: the independence relation.

Two commands commute if, whenever both could go next, either order leaves the same
database and gives each the same reply. A command is a set of accesses, each to a
resource and of a kind. Accesses to different resources commute; to one resource,
those of the same kind, unless the kind is None. The kinds, and why:

- *read*: reads change nothing (get, exists, a length).
- the octets of a *set*: a set with the same octets. Either order ends in these octets,
  and the reply is OK. (Two workers write the call of one child.)
- *count*: incr of one counter, far from the spawn limit. The sum is the same, and a
  reply is only ever compared with the limit [SCHED-11]. Near the limit it is None.
- *put* on a queue that nobody serves: a queue promises no order, and the final
  state is compared without one.
- None: everything else. A compare-and-set commutes with nothing, until it has failed:
  then it was a read.

A queue that is served is two resources, its tail and its head. Puts touch the tail:
their order is that of the messages. Pops touch the head: their order decides which
worker gets which message. A put and a pop commute, for a pop may go only when there
is a message, and then the one does not touch what the other does. What remains is
that a message is put before it is taken; that is no race but a cause, and scheduler.py
notes it. (A pop that waits in Redis, and is served by a put, is the same as one that
goes right after the put; first come, first served is one of the orders of pops.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from brrr_conformance.commands import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from brrr_conformance.commands import Operation
    from brrr_conformance.step import Step

READ = "read"
COUNT = "count"
PUT = "put"

_READS = frozenset({Kind.GET, Kind.EXISTS, Kind.LOOK})


class Access(NamedTuple):
    resource: str
    # Accesses of one kind commute; those of kind None with nothing.
    kind: str | bytes | None


Accesses: TypeAlias = tuple[Access, ...]


def conflict(some: Accesses, others: Accesses) -> bool:
    """Tell whether two commands do not commute."""
    return any(
        a.resource == b.resource and (a.kind is None or a.kind != b.kind)
        for a in some
        for b in others
    )


def effects(
    operations: Iterable[Operation],
    served: Collection[str],
    limited: Collection[str],
) -> Accesses:
    """Give the accesses of a command, to be done or done.

    `served` are the queues of the workers, `limited` the counters whose count
    matters.
    """
    found = (
        access for each in operations for access in _effects(each, served, limited)
    )
    return tuple(dict.fromkeys(found))


def watching(step: Step) -> Accesses:
    """Give the accesses of a WATCH: it reads, for the EXEC that follows."""
    return tuple(Access(key.decode(errors="replace"), READ) for key in step.keys)


def _effects(
    operation: Operation, served: Collection[str], limited: Collection[str]
) -> Iterator[Access]:
    key, kind = operation.key, operation.kind
    if key not in served:
        yield Access(key, PUT if kind is Kind.PUT else _kind(operation, limited))
        return
    if kind is not Kind.POP:
        yield Access(f"tail of {key}", _kind(operation, limited))
    if kind is not Kind.PUT:
        yield Access(f"head of {key}", _kind(operation, limited))


def _kind(operation: Operation, limited: Collection[str]) -> str | bytes | None:
    kind = operation.kind
    if kind in _READS or (kind.is_compare and operation.done is False):
        return READ
    if kind is Kind.INCR and operation.key not in limited:
        return COUNT
    if kind is Kind.SET:
        return operation.octets
    return None
