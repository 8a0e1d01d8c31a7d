# SPDX-License-Identifier: AGPL-3.0-only
r"""Octets as the specification writes them (spec/notation.md), both ways.

`\xNN` is an octet, `\\` a backslash, `{X*N}` X N times, `(empty)` none at all.
In the state of a database, `{root}`, `{#root}` and `{now}` are holes: what goes
there is known only afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

EMPTY = "(empty)"

_TOKEN = re.compile(
    rb"\\x(?P<hex>[0-9a-fA-F]{2})"
    rb"|(?P<backslash>\\\\)"
    rb"|\{(?P<hole>root|#root|now)\}"
    rb"|\{(?P<unit>(?:[^{}\\]|\\x[0-9a-fA-F]{2}|\\\\)+)\*(?P<times>[0-9]+)\}"
    rb"|(?P<plain>[^{}\\ ]+)"
)
_SPECIAL = re.compile(rb"[^!-z|~]|\\")


class NotationError(Exception):
    """What stands there is not octets in our notation."""


class Hole(StrEnum):
    ROOT = "root"
    ROOT_SIZE = "#root"
    NOW = "now"


ROOT, NOW = Hole.ROOT, Hole.NOW
Part: TypeAlias = "bytes | Hole"


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets, perhaps with holes."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, *parts: Part) -> Octets:
        return cls(parts)

    def fill(self, root: bytes, now: int) -> bytes:
        values = {
            Hole.ROOT: root,
            Hole.ROOT_SIZE: b"%d" % len(root),
            Hole.NOW: b"%d" % now,
        }
        return b"".join(
            values[part] if isinstance(part, Hole) else part for part in self.parts
        )

    def pattern(self) -> re.Pattern[bytes]:
        """Match what this can become; the groups are named as the holes."""
        pieces: list[bytes] = []
        seen: set[Hole] = set()
        for part in self.parts:
            if not isinstance(part, Hole):
                pieces.append(re.escape(part))
                continue
            name = part.name.lower().encode()
            digits = part is not Hole.ROOT
            inner = b"[0-9]{1,20}" if digits else b".+?"
            new = b"(?P<%s>%s)" % (name, inner)
            pieces.append(b"(?P=%s)" % name if part in seen else new)
            seen.add(part)
        return re.compile(b"".join(pieces), re.DOTALL)


def parse(text: str) -> Octets:
    """Read one word of notation."""
    if text == EMPTY:
        return Octets(())
    source = text.encode()
    parts: list[Part] = []
    at = 0
    while at < len(source):
        token = _TOKEN.match(source, at)
        if token is None:
            raise NotationError(f"{text!r}: not octets, from place {at}")
        at = token.end()
        parts.append(_part(token))
    return Octets(_join(parts))


def parse_plain(text: str) -> bytes:
    """Read octets without holes."""
    octets = parse(text)
    if any(isinstance(part, Hole) for part in octets.parts):
        raise NotationError(f"{text!r}: a hole has no place here")
    return octets.fill(b"", 0)


def show(octets: Octets | bytes, most: int | None = None) -> str:
    """Write octets; with `most`, only that many of them, and how many there are."""
    if isinstance(octets, Octets):
        shown = [
            f"{{{part}}}" if isinstance(part, Hole) else _escape(part, most)
            for part in octets.parts
        ]
        return "".join(shown) or EMPTY
    return _escape(octets, most) or EMPTY


def _escape(octets: bytes, most: int | None) -> str:
    cut = octets if most is None else octets[:most]
    text = _SPECIAL.sub(
        lambda m: b"\\\\" if m[0] == b"\\" else b"\\x%02x" % m[0][0], cut
    ).decode("ascii")
    return text if len(cut) == len(octets) else f"{text}…({len(octets)} octets)"


def _part(token: re.Match[bytes]) -> Part:
    if (octet := token["hex"]) is not None:
        return bytes.fromhex(octet.decode())
    if token["backslash"] is not None:
        return b"\\"
    if (hole := token["hole"]) is not None:
        return Hole(hole.decode())
    if (unit := token["unit"]) is not None:
        return parse_plain(unit.decode()) * int(token["times"])
    return token["plain"]


def _join(parts: list[Part]) -> tuple[Part, ...]:
    """Make one part of octets that follow each other."""
    joined: list[Part] = []
    pieces: list[bytes] = []
    for part in [*parts, None]:
        if isinstance(part, bytes) and not isinstance(part, Hole):
            pieces.append(part)
            continue
        if pieces:
            joined.append(b"".join(pieces))
            pieces = []
        if part is not None:
            joined.append(part)
    return tuple(joined)
