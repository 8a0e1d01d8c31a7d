# SPDX-License-Identifier: AGPL-3.0-only
"""One vector, as a table's row becomes a line of a file.

A row gives what a human decided: octets, verdict, requirements, reason. What
follows from it (the decoded value of an accepted record) is filled in here by the
oracle, and checked by the tests against a second, naive reading.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from brrr_conformance.forms import to_json
from brrr_conformance.records import Kind, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

# Octets, or pieces with how often each is repeated.
Octets: TypeAlias = "bytes | list[tuple[bytes, int]]"


@dataclass(frozen=True, slots=True)
class Vector:
    """A row of a table, with the suite and the rest that it shares with others."""

    suite: str
    slug: str
    expect: str
    requirements: str  # ids, separated by spaces
    note: str
    octets: Octets | None = None  # input of a decoder
    value: Any = None  # input of an encoder, or result of a decoder
    canonical: Octets | None = None
    level: int = 1

    @property
    def id(self) -> str:
        return f"{self.suite}/{self.slug}"

    def line(self) -> str:
        """Write the vector as it stands in a file."""
        members: dict[str, Any] = {"id": self.id, "suite": self.suite}
        if isinstance(self.octets, bytes):
            members["hex"] = self.octets.hex()
        elif self.octets is not None:
            members["gen"] = _written(self.octets)
        if self.value is not None:
            members["value"] = self.value
        members["expect"] = self.expect
        if self.canonical is not None:
            members["canonical"] = _written(self.canonical)
        members["level"] = self.level
        members["requirements"] = self.requirements.split()
        members["note"] = self.note
        return json.dumps(members, separators=(",", ":"))


def _written(octets: Octets) -> str | list[list[str | int]]:
    if isinstance(octets, bytes):
        return octets.hex()
    return [[piece.hex(), times] for piece, times in octets]


def reject(
    suite: str,
    slug: str,
    octets: Octets,
    requirements: str,
    note: str,
    *,
    level: int = 1,
) -> Vector:
    """Make a vector that a decoder of this level must reject."""
    return Vector(suite, slug, "reject", requirements, note, octets, level=level)


def accept(
    suite: str,
    slug: str,
    octets: Octets,
    requirements: str,
    note: str,
    *,
    canonical: Octets | None = None,
    expect: str = "accept",
) -> Vector:
    """Make a vector that a decoder must accept, and encode again as `canonical`.

    Without it, the same octets. `expect` may weaken that to a choice.
    """
    again = octets if canonical is None else canonical
    value = None
    kind = Kind(suite.removeprefix("decode."))
    if kind is not Kind.VALUE and isinstance(octets, bytes) and len(octets) < 4096:
        value = to_json(decode(kind, again if isinstance(again, bytes) else octets))
    return Vector(suite, slug, expect, requirements, note, octets, value, again)


def writes(
    suite: str, slug: str, value: Any, canonical: bytes, requirements: str, note: str
) -> Vector:
    """Make a vector whose value an encoder must write as `canonical`."""
    return Vector(
        suite, slug, "accept", requirements, note, value=value, canonical=canonical
    )


def refuses(suite: str, slug: str, value: Any, requirements: str, note: str) -> Vector:
    """Make a vector whose value an encoder must refuse."""
    return Vector(suite, slug, "reject", requirements, note, value=value)


def cuts(suite: str, record: list[tuple[bytes, str]]) -> Iterator[Vector]:
    """Cut a record, given as named pieces, at each of its octets [WIRE-13]."""
    whole = b"".join(piece for piece, _ in record)
    yield reject(suite, "empty", b"", "WIRE-12", "no octets at all")
    start = 0
    for piece, name in record:
        for at in range(max(start, 1), start + len(piece)):
            inside = whole[start:at]
            where = f"inside {name}" if inside else f"before {name}"
            # Behind its colon, a string is longer than what is left.
            ids = "WIRE-13 WIRE-21" if b":" in inside else "WIRE-13"
            note = f"cut after {at} octets, {where}"
            yield reject(suite, f"cut-{at}", whole[:at], ids, note)
        start += len(piece)


def string(octets: bytes) -> bytes:
    """Write octets as a bencode string, with no oracle in between."""
    return str(len(octets)).encode() + b":" + octets
