# SPDX-License-Identifier: AGPL-3.0-only
"""Sizes that must be accepted [REC-30], one octet or element less, and one more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brrr_conformance.vectorgen.vector import Vector, accept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.vectorgen.vector import Octets

KIB_64 = 64 * 1024
MIB_16 = 16 * 1024 * 1024
MANY = 16_384


def _filled(before: bytes, behind: bytes, fill: bytes, size: int) -> Octets:
    """Fill a string between `before` and `behind`, so that all has `size` octets."""
    left = size - len(before) - len(behind)
    length = next(n for n in range(left, 0, -1) if len(b"%d:" % n) + n == left)
    return [(before + b"%d:" % length, 1), (fill, length), (behind, 1)]


def vectors() -> Iterator[Vector]:
    """Make the vectors of great size."""
    for size, slug in ((KIB_64 - 1, "less-1"), (KIB_64, "max"), (KIB_64 + 1, "plus-1")):
        for field, before, behind in (
            ("root", b"li2e", b"6:c1hashe"),
            ("hash", b"li2e5:root1", b"e"),
        ):
            octets = _filled(before, behind, b"a", size)
            note = f"a ScheduleMessage of {size} octets, most of them {field}"
            yield _sized("decode.ScheduleMessage", f"size-{field}-{slug}", octets, note)
    # One octet less tells nothing new, and each of these takes a second.
    for size, slug in ((MIB_16, "max"), (MIB_16 + 1, "plus-1")):
        octets = _filled(b"d7:payload", b"9:task_name4:leafe", b"\x00", size)
        note = f"a Call of {size} octets, most of them payload"
        yield _sized("decode.Call", f"size-payload-{slug}", octets, note)
    yield from _names()
    yield from _returns()


def _sized(
    suite: str,
    slug: str,
    octets: Octets,
    note: str,
    canonical: Octets | None = None,
) -> Vector:
    expect = "either" if slug.endswith("plus-1") else "accept"
    return accept(
        suite, slug, octets, "REC-30", note, canonical=canonical, expect=expect
    )


def _names() -> Iterator[Vector]:
    for length in (255, 256, 65_535, 65_536, 1_000_000):
        before = b"d7:payload2:[]9:task_name%d:" % length
        octets: Octets = [(before, 1), (b"a", length), (b"e", 1)]
        note = f"a task_name of {length} octets"
        yield accept("decode.Call", f"name-{length}", octets, "REC-30 WIRE-10", note)
    before = b"d7:payload2:[]9:task_name%d:" % 60_000
    octets = [(before, 1), ("é".encode(), 30_000), (b"e", 1)]
    note = "a task_name of 30 000 characters, two octets each"
    yield accept("decode.Call", "name-two-octets", octets, "REC-30 WIRE-10", note)


def _returns() -> Iterator[Vector]:
    suite = "decode.PendingReturns"
    for count, slug in ((MANY, "max"), (MANY + 1, "plus-1")):
        octets: Octets = [(b"d7:returnsl", 1), (b"li1e1:r1:h1:te", count), (b"ee", 1)]
        note = f"{count} returns, all the same"
        once = b"d7:returnslli1e1:r1:h1:teee"
        yield _sized(suite, f"count-same-{slug}", octets, note, once)
    # 64 roots, 256 hashes each.
    entries = [
        b"li1e1:%c2:%02x1:te" % (0x30 + root, call)
        for root in range(64)
        for call in range(256)
    ]
    whole = b"d7:returnsl" + b"".join(entries) + b"ee"
    note = f"{MANY} returns, each another; canonical as they stand"
    # A second half of a megabyte for `canonical` is not worth it.
    yield Vector(suite, "count-max", "accept", "REC-30", note, whole)
    octets = _filled(b"d7:returnslli1e1:r1:h", b"eee", b"t", MIB_16)
    note = f"PendingReturns of {MIB_16} octets, most of them one topic"
    yield _sized(suite, "size-max", octets, note)
    # Many entries of about 1 KiB: 16 MiB at one go, in pieces.
    wide = b"li1e1:r1:h" + b"1004:" + b"t" * 1004 + b"e"
    count = (MIB_16 - 13) // len(wide)
    octets = [(b"d7:returnsl", 1), (wide, count), (b"ee", 1)]
    once = b"d7:returnsl" + wide + b"ee"
    note = f"{count} returns of {len(wide)} octets, all the same: nearly 16 MiB"
    # Who copies what is left at each of its tokens is not done in time.
    ids = "REC-30 REC-21 WIRE-26"
    yield accept(suite, "size-many", octets, ids, note, canonical=once)
