# SPDX-License-Identifier: AGPL-3.0-only
"""Vectors of the JSON codec: read, and put to an SDK.

The format is described in vectors/README.md, the codec in spec/codec-json.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brrr_conformance.notation import NotationError, show
from brrr_conformance.outcome import CaseFailed, CommandFailed
from brrr_conformance.pb import adapter_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from brrr_conformance.adapter import Adapter
    from brrr_conformance.spec import Example

FAMILY = "codec-json."
SUITES = ("codec-json.call", "codec-json.value")
EXAMPLE = "json"
SHOWN = 160


def _expand(runs: list[list[Any]]) -> bytes:
    return b"".join(bytes.fromhex(unit) * times for unit, times in runs)


# What is to be encoded: the member of a vector, and what becomes of it.
INPUTS: dict[str, Callable[[Any], pb.Json]] = {
    "json": lambda text: pb.Json(text=text.encode()),
    "hex": lambda digits: pb.Json(text=bytes.fromhex(digits)),
    "gen": lambda runs: pb.Json(text=_expand(runs)),
    "double": lambda digits: pb.Json(double=bytes.fromhex(digits)),
    "integer": lambda digits: pb.Json(integer=digits),
    "string": lambda digits: pb.Json(string=bytes.fromhex(digits)),
}


@dataclass(frozen=True, slots=True)
class CodecVector:
    id: str
    suite: str
    input: pb.Json
    # What is due: the payload or value, and the call_hash; None is a refusal.
    written: bytes | None
    call_hash: str = ""
    task_name: str = ""
    requirements: tuple[str, ...] = ()
    note: str = ""
    source: str = ""
    profile: str = "codec-json"


def parse(table: dict[str, Any], source: str) -> CodecVector:
    """Read one vector; a ValueError, KeyError or TypeError if it is none."""
    suite, expect = table["suite"], table["expect"]
    if suite not in SUITES:
        raise ValueError(f"no such suite: {suite}")
    if expect not in ("accept", "reject"):
        raise ValueError(f"expect is {expect!r}")
    given = [name for name in INPUTS if table.get(name) is not None]
    if len(given) != 1:
        raise ValueError(f"one of {', '.join(INPUTS)} is due, got {len(given)}")
    is_call, accepts = suite == "codec-json.call", expect == "accept"
    result = "payload" if is_call else "value"
    written = table[result] if accepts else None
    if accepts and not isinstance(written, str):
        raise ValueError(f"{result} is {written!r}")
    return CodecVector(
        id=table["id"],
        suite=suite,
        input=INPUTS[given[0]](table[given[0]]),
        written=None if written is None else written.encode(),
        call_hash=table["call_hash"] if accepts and is_call else "",
        task_name=table["task_name"] if is_call else "",
        requirements=tuple(table.get("requirements") or ()),
        note=str(table.get("note", "")),
        source=source,
    )


def spec_vectors(example: Example) -> Iterator[CodecVector]:
    """Give the vectors of an `example json` block."""
    for number, line in enumerate(example.body.splitlines(), 1):
        source = f"{example.file.name}:{example.line + number - 1}"
        match = re.fullmatch(r"(.*) => (.*)", line)
        if not match:
            raise NotationError(f"{source}: no => in it")
        given, due = match.groups()
        table = {
            "id": f"{example.id}.{number}",
            "suite": FAMILY + example.record,
            "expect": "reject" if due == "reject" else "accept",
            "value": due,
            "requirements": list(example.requirements),
        }
        if example.record == "call":
            table["task_name"], _, given = given.partition(" ")
            table["payload"], _, table["call_hash"] = due.rpartition(" ")
        yield parse({**table, "json": given}, source)


async def judge(vector: CodecVector, adapter: Adapter) -> None:
    """Return if the SDK does what the vector expects; raise if it does not."""
    try:
        complaint = await _encode(vector, adapter)
    except CommandFailed as error:
        if error.failure.code == pb.REFUSED and vector.written is None:
            return
        how = (
            "refused" if error.failure.code == pb.REFUSED else f"ended in {error.code}"
        )
        complaint = f"{how}: {error.failure.reason}"
    if complaint:
        raise CaseFailed(_describe(vector, complaint))


async def _encode(vector: CodecVector, adapter: Adapter) -> str:
    call_hash = ""
    if vector.suite == "codec-json.call":
        encoded = await adapter.encode_call(vector.task_name, vector.input)
        written, call_hash = encoded.payload, encoded.call_hash
    else:
        written = await adapter.encode_value(vector.input)
    if written != vector.written:
        return f"wrote {show(written, SHOWN)}"
    if call_hash != vector.call_hash:
        return f"the call_hash is {call_hash}, not {vector.call_hash}"
    return ""


def _describe(vector: CodecVector, complaint: str) -> str:
    kind = vector.input.WhichOneof("json") or ""
    given = getattr(vector.input, kind)
    if kind == "double":
        given = given.hex()
    shown = given if isinstance(given, str) else show(given, SHOWN)
    due = "reject" if vector.written is None else show(vector.written, SHOWN)
    lines = [complaint, f"  {vector.suite}: {kind} {shown}", f"  expected: {due}"]
    if vector.note:
        lines.append(f"  because: {vector.note}")
    return "\n".join(lines)
