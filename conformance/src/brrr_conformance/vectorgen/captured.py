# SPDX-License-Identifier: AGPL-3.0-only
"""Every record that the two real SDKs put on the wire (conformance/vectors/captured).

All of them are canonical, so they must come back as they were.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from brrr_conformance.captured import captures
from brrr_conformance.vectorgen.vector import accept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.captured import Capture
    from brrr_conformance.vectorgen.vector import Vector

# How each record begins, and where the SDKs put it.
RECORDS = [
    ("decode.ScheduleMessage", re.compile(rb"li2e"), "REC-1", "a message"),
    ("decode.Call", re.compile(rb"d7:payload"), "REC-4", "a stored call"),
    ("decode.PendingReturns", re.compile(rb"d7:returns"), "REC-3", "a stored record"),
]

# A return, in texts that hold no bencode themselves.
RETURN = re.compile(rb"li1e[0-9]+:.+?[0-9]+:.+?[0-9]+:.+?e(?=li1e|e)")


def vectors() -> Iterator[Vector]:
    """Make a vector of each record, once for each SDK and scenario."""
    for capture in captures():
        seen: set[bytes] = set()
        for octets in chain.from_iterable(capture.sent + capture.answered):
            if octets not in seen:
                seen.add(octets)
                yield from _of(capture, octets, len(seen))


def _of(capture: Capture, octets: bytes, number: int) -> Iterator[Vector]:
    slug = f"{capture.sdk}-{capture.name}-{number}"
    for suite, begin, requirement, what in RECORDS:
        if begin.match(octets):
            note = f"{what}, as the {capture.sdk} SDK has it in {capture.name}"
            yield accept(suite, slug, octets, f"REC-12 {requirement}", note)
    for at, element in enumerate(RETURN.findall(octets)):
        note = f"a return, as the {capture.sdk} SDK has it in {capture.name}"
        name = f"{slug}-{at}"
        yield accept("decode.PendingReturn", name, element, "REC-12 REC-2", note)
