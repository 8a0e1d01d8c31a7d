# SPDX-License-Identifier: AGPL-3.0-only
"""The vectors of the JSON codec, against the oracle; their judge, against adapters."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance import codec, jcs
from brrr_conformance.adapter import Adapter
from brrr_conformance.config import load_adapter
from brrr_conformance.notation import NotationError
from brrr_conformance.outcome import AdapterCrashed, CaseFailed, NotImplementedByAdapter
from brrr_conformance.spec import read_spec
from brrr_conformance.vectorgen import codec_json
from brrr_conformance.vectorgen.files import folder

if TYPE_CHECKING:
    from brrr_conformance.codec import CodecVector
    from conftest import MakeAdapter

LINES = (folder() / codec_json.FILE).read_text(encoding="utf-8").splitlines()
VECTORS = [codec.parse(json.loads(line), "here") for line in LINES]
EXAMPLES = [
    vector
    for example in read_spec().examples
    if example.kind == codec.EXAMPLE
    for vector in codec.spec_vectors(example)
]


def value_of(vector: CodecVector) -> Any:
    match vector.input.WhichOneof("json"):
        case "text":
            return jcs.decode(vector.input.text)
        case "double":
            return struct.unpack(">d", vector.input.double)[0]
        case "integer":
            return int(vector.input.integer)
        case _:
            return vector.input.string.decode("utf-8", "surrogatepass")


def written(vector: CodecVector) -> tuple[str, str]:
    value = value_of(vector)
    if vector.suite == "codec-json.value":
        return jcs.encode(value), ""
    if vector.input.WhichOneof("json") != "text":
        value = [value]
    if not isinstance(value, list):
        raise jcs.Refused("CODEC-22")
    return jcs.encode(value), jcs.call_hash(vector.task_name, value)


def test_there_are_enough() -> None:
    assert len(VECTORS) >= 300
    assert len(EXAMPLES) >= 40
    ids = Counter(each.id for each in VECTORS)
    assert [name for name, times in ids.items() if times > 1] == []
    assert all(each.note and each.requirements for each in VECTORS)


def test_every_requirement_of_the_chapter_has_vectors() -> None:
    due = {name for name in read_spec().requirements if name.startswith("CODEC-")}
    assert {name for each in VECTORS for name in each.requirements} == due


@pytest.mark.parametrize("vectors", [VECTORS, EXAMPLES])
def test_vectors_agree_with_the_oracle(vectors: list[CodecVector]) -> None:
    for each in vectors:
        if each.written is None:
            with pytest.raises(jcs.Refused) as raised:
                written(each)
            assert raised.value.args[0] in each.requirements, each.id
        else:
            due = (each.written.decode(), each.call_hash)
            assert written(each) == due, each.id


def test_different_calls_have_different_hashes() -> None:
    """They must [CODEC-1]."""
    calls = {
        (each.task_name, each.written, each.call_hash)
        for each in VECTORS
        if each.call_hash
    }
    assert len({each for _, _, each in calls}) == len(calls) >= 20


# ---- the judge --------------------------------------------------------------

CALL = {
    "id": "x",
    "suite": "codec-json.call",
    "task_name": "fib",
    "json": "[11]",
    "expect": "accept",
    "payload": "[11]",
    "call_hash": "00",
}
VALUE = {"id": "x", "suite": "codec-json.value", "json": "1.0", "expect": "accept"}
VALUE["value"] = "1"
REFUSED = {"reply": {"failure": {"code": "REFUSED", "reason": "because"}}}
FOREIGN = {"reply": {"failure": {"code": "UNEXPECTED", "reason": "because"}}}
NONE = {"reply": {"failure": {"code": "NOT_IMPLEMENTED", "reason": "none"}}}


def call(payload: bytes = b"[11]", call_hash: str = "00") -> dict[str, Any]:
    encoded = {"payload": b64encode(payload).decode(), "call_hash": call_hash}
    return {"reply": {"encoded_call": encoded}}


def value(octets: bytes) -> dict[str, Any]:
    return {"reply": {"encoded": {"octets": b64encode(octets).decode()}}}


@pytest.mark.parametrize(
    ("vector", "expect", "action", "ends"),
    [
        (CALL, "accept", call(), None),
        (CALL, "accept", call(payload=b"[11.0]"), CaseFailed),
        (CALL, "accept", call(call_hash="01"), CaseFailed),
        (CALL, "accept", REFUSED, CaseFailed),
        (CALL, "reject", call(), CaseFailed),
        (CALL, "reject", REFUSED, None),
        (CALL, "reject", FOREIGN, CaseFailed),
        (CALL, "reject", {"kill": 11}, AdapterCrashed),
        (CALL, "accept", NONE, NotImplementedByAdapter),
        (CALL, "reject", NONE, NotImplementedByAdapter),
        (VALUE, "accept", value(b"1"), None),
        (VALUE, "accept", value(b"1.0"), CaseFailed),
        (VALUE, "accept", REFUSED, CaseFailed),
        (VALUE, "reject", value(b"1"), CaseFailed),
        (VALUE, "reject", REFUSED, None),
    ],
)
async def test_judge(
    make_adapter: MakeAdapter,
    vector: dict[str, Any],
    expect: str,
    action: Any,
    ends: type[Exception] | None,
) -> None:
    plan = {"encode_call": [action], "encode_value": [action]}
    adapter = await Adapter.start(load_adapter(make_adapter(plan, timeout=20.0)))
    parsed = codec.parse({**vector, "expect": expect}, "here")
    try:
        if ends is None:
            await codec.judge(parsed, adapter)
        else:
            with pytest.raises(ends):
                await codec.judge(parsed, adapter)
    finally:
        await adapter.end()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"suite": "codec-json.task"}, "no such suite"),
        ({"expect": "either"}, "expect is"),
        ({"hex": "31"}, "got 2"),
        ({"json": None}, "got 0"),
        ({"json": None, "hex": "3"}, "fromhex"),
        ({"payload": None}, "payload is None"),
    ],
)
def test_not_a_vector(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        codec.parse({**CALL, **change}, "here")


def test_not_an_example() -> None:
    example = next(each for each in read_spec().examples if each.kind == "redis")
    with pytest.raises(NotationError, match="no => in it"):
        list(codec.spec_vectors(example))
