# SPDX-License-Identifier: AGPL-3.0-only
"""All vectors, file by file."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from brrr_conformance.vectorgen import (
    call,
    captured,
    codec_json,
    encode,
    integers,
    limits,
    lists,
    pending_returns,
    strings,
    structure,
    text,
)

if TYPE_CHECKING:
    from brrr_conformance.vectorgen.vector import Vector


# A line of this length would make its file unpleasant to open.
LONG = 100_000


def folder() -> Path:
    """Give the place of the files in the package."""
    return Path(__file__).resolve().parent.parent / "vectors"


def vectors() -> list[Vector]:
    """Make all vectors that tables hold, in the order of the chapters."""
    subjects = (
        structure,
        integers,
        strings,
        text,
        lists,
        call,
        pending_returns,
        limits,
        encode,
    )
    return list(chain.from_iterable(each.vectors() for each in subjects))


def files() -> dict[str, str]:
    """Make the text of each file, by its name."""
    lines: dict[str, list[str]] = defaultdict(list)
    for each in vectors():
        line = each.line() + "\n"
        name = each.suite if len(line) < LONG else "large"
        lines[f"{name}.jsonl"].append(line)
    lines["captured.jsonl"] = [each.line() + "\n" for each in captured.vectors()]
    lines[codec_json.FILE] = [each.line() + "\n" for each in codec_json.vectors()]
    return {name: "".join(lines[name]) for name in sorted(lines)}
