# SPDX-License-Identifier: AGPL-3.0-only
"""What real SDKs have put on the wire: the folder conformance/vectors/captured."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from brrr_conformance import request
from brrr_conformance.outcome import HarnessError
from brrr_conformance.spec import read_spec
from brrr_conformance.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.resp import Reply
    from brrr_conformance.spec import Example

SDKS = ("python", "typescript")

_FRAME = re.compile(r"c[0-9]+ ([<>]) (b['\"].*['\"])")
_BULK = re.compile(rb"\$([0-9]+)\r\n")
_STATE = "--- final redis state"


@dataclass(frozen=True, slots=True)
class Capture:
    """One scenario of one SDK."""

    sdk: str
    name: str
    # What was sent and what was answered, as bulk strings; in the order recorded.
    sent: tuple[tuple[bytes, ...], ...]
    answered: tuple[tuple[bytes, ...], ...]
    # The lines of the state that was left.
    state: tuple[str, ...]

    @property
    def number(self) -> int:
        return int(self.name.partition("-")[0])


def find_captured() -> Path:
    """Find the folder: in the installed package, else in the checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "captured", here.parents[2] / "vectors" / "captured"):
        if folder.is_dir():
            return folder
    raise HarnessError("the captured frames are neither in the package nor beside it")


def captures() -> Iterator[Capture]:
    """Read the frames of each scenario."""
    for sdk in SDKS:
        for file in sorted((find_captured() / sdk).glob("*.txt")):
            yield _read(sdk, file)


def _read(sdk: str, file: Path) -> Capture:
    head, _, state = file.read_text(encoding="utf-8").partition(_STATE)
    sides: dict[str, list[tuple[bytes, ...]]] = {">": [], "<": []}
    for line in head.splitlines():
        if line.startswith("#"):
            continue
        frame = _FRAME.fullmatch(line)
        if frame is None:
            raise HarnessError(f"{file}: no frame: {line[:80]}")
        octets: bytes = ast.literal_eval(frame[2])
        sides[frame[1]].append(tuple(_bulk_strings(octets)))
    lines = tuple(state.strip().splitlines())
    return Capture(sdk, file.stem, tuple(sides[">"]), tuple(sides["<"]), lines)


def _bulk_strings(octets: bytes) -> Iterator[bytes]:
    """Give the bulk strings of RESP; nothing else in it can hold a record."""
    at = 0
    while match := _BULK.search(octets, at):
        at = match.end() + int(match[1])
        yield octets[match.end() : at]


def scenarios() -> list[Example]:
    """Read the scenarios, as blocks that scenario.py understands."""
    found = read_spec(find_captured()).examples
    return [replace(each, id=f"captured.{n}") for n, each in enumerate(found, 1)]


# ---- DynamoDB ---------------------------------------------------------------


def requests(sdk: str) -> list[tuple[Step, Reply]]:
    """Read what the SDK's store asked of DynamoDB, and the answers."""
    lines = (find_captured() / "dynamodb" / f"{sdk}.txt").read_text(encoding="utf-8")
    found: list[tuple[Step, Reply]] = []
    step = None
    for line in lines.splitlines():
        match line.split(" ", 2), step:
            case [">", target, body], None:
                step = request.step_of(target, body.encode())
            case ["<", _, answer], Step():
                status, _, rest = answer.partition(" ")
                said = rest[rest.index("{") :].encode()
                found.append((step, request.reply_of(int(status), said)))
                step = None
            case _:
                raise HarnessError(f"dynamodb/{sdk}.txt: no exchange: {line[:80]}")
    return found
