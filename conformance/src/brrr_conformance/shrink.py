# SPDX-License-Identifier: AGPL-3.0-only
"""Makes what fails smaller, as long as it fails the same way.

Delta debugging [Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing
Input, 2002] on lists, and from there on JSON: lists lose elements, objects lose
members, numbers go down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


def fewer(items: Sequence[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """Leave out what is not needed: no single element can go then.

    `fails` is true of `items` themselves.
    """
    left, parts = list(items), 2
    while left:
        size = -(-len(left) // parts)
        for start in range(0, len(left), size):
            rest = left[:start] + left[start + size :]
            if fails(rest):
                left, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(left))
    return left


def smaller(value: Any, fails: Callable[[Any], bool]) -> Any:
    """Shrink a JSON value, from the outside in."""
    match value:
        case list():
            left = fewer(value, fails)
            for at in range(len(left)):
                left[at] = smaller(left[at], _within(left, at, fails))
            return left
        case dict():
            members = dict(fewer(list(value.items()), lambda some: fails(dict(some))))
            for name in members:
                inside = _within(members, name, fails)
                members[name] = smaller(members[name], inside)
            return members
        case bool():
            return value
        case int():
            while (less := next(filter(fails, _below(value)), value)) != value:
                value = less
            return value
        case _:
            return value


def _within(
    whole: Any, place: Any, fails: Callable[[Any], bool]
) -> Callable[[Any], bool]:
    """Ask of a part what it makes of the whole."""

    def of_part(part: Any) -> bool:
        other = whole.copy()
        other[place] = part
        return fails(other)

    return of_part


def _below(number: int) -> Iterator[int]:
    """Give numbers nearer to 0, the smallest first."""
    step = abs(number)
    while step:
        yield (abs(number) - step) * (1 if number > 0 else -1)
        step //= 2
