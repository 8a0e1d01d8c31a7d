# SPDX-License-Identifier: AGPL-3.0-only
"""Vectors: octets, and what an SDK must make of them. Reads and judges them.

The format is described in vectors/README.md. The reader takes files written by
others: it passes over what it does not know, and says file, line and reason of
what it cannot take.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from brrr_conformance import codec
from brrr_conformance.foreign import in_our_form
from brrr_conformance.forms import from_json
from brrr_conformance.notation import NotationError, parse_plain
from brrr_conformance.outcome import HarnessError
from brrr_conformance.records import Kind, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from brrr_conformance.codec import CodecVector
    from brrr_conformance.spec import Example, Spec

# What a vector may expand to; far above the 16 MiB that any of ours has.
MAX_OCTETS = 128 << 20

# The words of `example decode`: what they expect, from which level on.
VERDICTS = {
    "accept": ("accept", 1),
    "reject": ("reject", 1),
    "reject-2": ("reject", 2),
    "reject-or-keep": ("reject_or_exact", 1),
}

# What a line that is no vector can run into, here or in forms.py.
ERRORS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

Runs: TypeAlias = tuple[tuple[bytes, int], ...]
AnyVector: TypeAlias = "Vector | CodecVector"


class VectorError(HarnessError):
    """A line is not a vector."""


class Way(StrEnum):
    DECODE = "decode"
    ENCODE = "encode"


class Expected(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    EITHER = "either"
    REJECT_OR_EXACT = "reject_or_exact"


@dataclass(frozen=True, slots=True)
class Vector:
    id: str
    way: Way
    kind: Kind
    expect: Expected
    level: int = 1
    requirements: tuple[str, ...] = ()
    note: str = ""
    # Octets are kept as runs: (unit, how often). A decoder's input.
    input: Runs | None = None
    # What an encoder is given, or a decoder must give.
    value: Record | None = None
    # What must be written.
    canonical: Runs | None = None
    source: str = ""
    profile: str = "wire"

    @property
    def suite(self) -> str:
        return f"{self.way}.{self.kind}"


def expand(runs: Runs) -> bytes:
    return b"".join(unit * times for unit, times in runs)


def read_vectors(file: Path) -> list[AnyVector]:
    """Read a file of vectors; raise VectorError for the first bad line."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VectorError(f"{file}: {error}") from error
    vectors: list[AnyVector] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        source = f"{file}:{number}"
        try:
            vector = parse_any(json.loads(line), source)
        except ERRORS as error:
            reason = f"no {error}" if isinstance(error, KeyError) else error
            raise VectorError(f"{source}: {reason}") from error
        if vector.id in lines:
            raise VectorError(
                f"{source}: the id {vector.id!r} is that of line {lines[vector.id]}"
            )
        lines[vector.id] = number
        vectors.append(vector)
    if not vectors:
        raise VectorError(f"{file}: no vectors in it")
    return vectors


def all_vectors(spec: Spec) -> list[AnyVector]:
    """Read the package's own files and the specification's examples."""
    vectors: list[AnyVector] = []
    for example in spec.examples:
        if example.kind in list(Way):
            vectors += spec_vectors(example)
        elif example.kind == codec.EXAMPLE:
            vectors += codec.spec_vectors(example)
    for file in sorted((Path(__file__).parent / "vectors").rglob("*.jsonl")):
        vectors += read_vectors(file)
    twice = [name for name, n in Counter(each.id for each in vectors).items() if n > 1]
    if twice:
        raise VectorError(f"more than one vector has the id {twice[0]!r}")
    return vectors


def parse_any(table: Any, source: str) -> AnyVector:
    """Read one vector, of records or of the JSON codec."""
    if isinstance(table, dict) and str(table.get("suite")).startswith(codec.FAMILY):
        return codec.parse(table, source)
    return parse_vector(table, source)


def parse_vector(table: Any, source: str) -> Vector:
    """Read one vector; one of ERRORS if it is none."""
    if not isinstance(table, dict):
        raise TypeError("not a JSON object")
    way, kind = _suite(_typed(table, "suite", str))
    octets = _octets(table)
    canonical = table.get("canonical")
    written = None if canonical is None else _runs("canonical", canonical)
    value = table.get("value")
    if kind is Kind.VALUE or value is None:
        record = None
    else:
        told = octets if way is Way.DECODE else written or octets
        value = in_our_form(kind, value, lambda: None if told is None else expand(told))
        record = from_json(kind, _mend(value))
    if way is Way.DECODE and octets is None:
        raise ValueError("a decode vector has hex or gen")
    if way is Way.ENCODE:
        if record is None:
            raise ValueError("an encode vector has a value")
        # What is written is due in `canonical`; others put it into `hex`.
        octets, written = None, written or octets
    return Vector(
        _typed(table, "id", str),
        way,
        kind,
        Expected(_typed(table, "expect", str)),
        _level(table.get("level", 1)),
        _texts(table.get("requirements") or []),
        str(table.get("note", "")),
        octets,
        record,
        written,
        source,
    )


def _typed(table: dict[str, Any], name: str, kind: type) -> Any:
    found = table[name]
    if not isinstance(found, kind) or not found:
        raise TypeError(f"{name} is {found!r}")
    return found


def _suite(name: str) -> tuple[Way, Kind]:
    way, _, kind = name.partition(".")
    try:
        suite = Way(way), Kind(kind)
    except ValueError:
        raise ValueError(f"no such suite: {name}") from None
    if suite == (Way.ENCODE, Kind.VALUE):
        raise ValueError(f"no such suite: {name}")
    return suite


def _level(level: Any) -> int:
    if level not in (1, 2):
        raise ValueError(f"level is {level!r}, not 1 or 2")
    return int(level)


def _texts(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"requirements are {names!r}")
    return tuple(names)


def _octets(table: dict[str, Any]) -> Runs | None:
    given = [name for name in ("hex", "gen") if table.get(name) is not None]
    if len(given) > 1:
        raise ValueError("both hex and gen")
    return _runs(given[0], table[given[0]]) if given else None


def _runs(name: str, written: Any) -> Runs:
    if isinstance(written, str):
        return ((_hex(name, written), 1),)
    if not isinstance(written, list):
        raise TypeError(f"{name} is neither hexadecimal nor a list")
    runs = []
    for part in written:
        match part:
            case [str(digits), int(times)] if times >= 0:
                runs.append((_hex(name, digits), times))
            case _:
                raise ValueError(f"{name} has {part!r}: not [hex, count]")
    if sum(len(unit) * times for unit, times in runs) > MAX_OCTETS:
        raise ValueError(f"{name} expands to more than {MAX_OCTETS} octets")
    return tuple(runs)


def _hex(name: str, digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise ValueError(f"{name} is not hexadecimal: {digits[:40]!r}") from None


def _mend(value: Any) -> Any:
    """Write a string with a lone surrogate, which JSON can hold, as hex."""
    match value:
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                return {"hex": value.encode("utf-8", "surrogatepass").hex()}
            return value
        case list():
            return [_mend(item) for item in value]
        case dict():
            return {name: _mend(item) for name, item in value.items()}
        case _:
            return value


# ---- the specification's examples -------------------------------------------


def spec_vectors(example: Example) -> Iterator[Vector]:
    """Give the vectors of an `example decode` or `example encode` block."""
    lines = list(enumerate(example.body.splitlines(), example.line))
    number = 0
    while lines:
        at, line = lines.pop(0)
        if not line.strip():
            continue
        number += 1
        follows = lines.pop(0)[1] if lines and _continues(example, lines[0][1]) else ""
        source = f"{example.file.name}:{at}"
        try:
            table = _table(example, line, follows)
            table["id"] = f"{example.id}.{number}"
            table["requirements"] = list(example.requirements)
            yield parse_vector(table, source)
        except (NotationError, *ERRORS) as error:
            raise VectorError(f"{source}: {error}") from error


def _continues(example: Example, line: str) -> bool:
    return example.kind == Way.ENCODE or line.startswith("=")


def _table(example: Example, line: str, follows: str) -> dict[str, Any]:
    """Write two lines of a block in the form of a vector."""
    table: dict[str, Any] = {"suite": f"{example.kind}.{example.record}"}
    if example.kind == Way.ENCODE:
        table["value"] = json.loads(line)
        if follows.strip() == "refuse":
            return {**table, "expect": "reject"}
        sign, octets = follows.split()
        if sign != "=":
            raise NotationError(f"neither = nor refuse: {follows}")
        return {**table, "expect": "accept", "canonical": parse_plain(octets).hex()}
    text, _, note = line.partition(" # ")
    octets, verdict, *again = text.split()
    if len(again) > (verdict == Expected.ACCEPT):
        raise NotationError(f"too much: {text}")
    expect, level = VERDICTS[verdict]
    table |= {"expect": expect, "level": level, "note": note.strip()}
    table["hex"] = parse_plain(octets).hex()
    if expect == Expected.ACCEPT:
        table["canonical"] = parse_plain(again[0]).hex() if again else table["hex"]
    if follows:
        table["value"] = json.loads(follows.removeprefix("="))
    return table
