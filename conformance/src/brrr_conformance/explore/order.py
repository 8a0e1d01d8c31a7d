# SPDX-License-Identifier: AGPL-3.0-only
"""What of a run came before what, and could have come after it.

Events are numbered in the order in which they happened; a set of them is an integer
with a bit for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from brrr_conformance.explore.effects import Accesses

# For each resource, what touched it: sets of events that commute, in order.
Canonical: TypeAlias = tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]


@dataclass(frozen=True, slots=True)
class Event:
    # The same in all schedules: worker, command, and which of its kind it is.
    name: str
    accesses: Accesses
    # The events of its own worker that had to be over first.
    after: int = 0
    # The event that put the message which this one took: before it, but no race.
    cause: int = 0


@dataclass(slots=True)
class _Group:
    """Events that touch one resource and commute, and the group before them."""

    kind: str | bytes | None
    members: int
    before: int


@dataclass(frozen=True, slots=True)
class Order:
    """Happens-before, and the races: pairs that nothing but a conflict orders."""

    # Those that happened, and those that wait.
    events: Sequence[Event]
    length: int
    before: list[int] = field(default_factory=list)
    races: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, events: Sequence[Event], waiting: Sequence[Event] = ()) -> Order:
        """Order a run; what still waits at its end races with what it waits for."""
        groups: dict[str, _Group] = {}
        order = cls([*events, *waiting], len(events))
        for number, event in enumerate(events):
            rivals = 0
            for resource, kind in event.accesses:
                rivals |= _join(groups, resource, kind, 1 << number)
            order._add(number, event, rivals)
        for number, event in enumerate(waiting, len(events)):
            last = [groups.get(access.resource) for access in event.accesses]
            rivals = 0
            for group in filter(None, last):
                rivals |= group.members
            order._add(number, event, rivals)
        return order

    def _add(self, number: int, event: Event, rivals: int) -> None:
        known = self._closure(event.after)
        for rival in bits(rivals):
            others = self._past(rivals & ~(1 << rival))
            if not (known | others) >> rival & 1:
                self.races.append((rival, number))
        self.before.append(known | self._closure(rivals | event.cause))

    def _past(self, some: int) -> int:
        """Give what is before any of some events."""
        past = 0
        for number in bits(some):
            past |= self.before[number]
        return past

    def _closure(self, some: int) -> int:
        return some | self._past(some)

    def reversal(self, first: int, second: int) -> list[int]:
        """Give what may stand in the place of `first`, so that `second` precedes it.

        What follows in the run without having to, and then `second`; of these, the
        ones that can be the very first.
        """
        sequence = [
            number
            for number in range(first + 1, min(second, self.length))
            if not self.before[number] >> first & 1
        ]
        sequence.append(second)
        inside, initials = 0, []
        for number in sequence:
            if not self.before[number] & inside:
                initials.append(number)
            inside |= 1 << number
        return initials


def _join(
    groups: dict[str, _Group], resource: str, kind: str | bytes | None, bit: int
) -> int:
    """Note an access; give the accesses just before it that it conflicts with."""
    group = groups.get(resource)
    if group is None:
        groups[resource] = _Group(kind, bit, 0)
        return 0
    if kind is not None and group.kind == kind:
        group.members |= bit
        return group.before
    groups[resource] = _Group(kind, bit, group.members)
    return group.members


def canonical(events: Sequence[Event]) -> Canonical:
    """Give what is equal for two runs if, and only if, they are equivalent.

    Two runs are equivalent if each can be had from the other by exchanging
    neighbours that commute. They have the same events then, and on each resource
    the same order of those that do not commute; the rest follows.
    """
    found: dict[str, list[tuple[str | bytes | None, list[str]]]] = {}
    for event in events:
        for resource, kind in event.accesses:
            groups = found.setdefault(resource, [])
            if groups and kind is not None and groups[-1][0] == kind:
                groups[-1][1].append(event.name)
            else:
                groups.append((kind, [event.name]))
    return tuple(
        (resource, tuple(tuple(sorted(names)) for _, names in groups))
        for resource, groups in sorted(found.items())
    )


def bits(some: int) -> Iterator[int]:
    """Give the events of a set."""
    while some:
        low = some & -some
        yield low.bit_length() - 1
        some ^= low
