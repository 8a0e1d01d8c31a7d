# SPDX-License-Identifier: AGPL-3.0-only
"""Files of vectors by others: read with patience, refused with a reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance.records import Kind, ScheduleMessage
from brrr_conformance.vector import (
    Expected,
    Vector,
    VectorError,
    Way,
    expand,
    read_vectors,
)

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = {"id": "a", "suite": "decode.value", "hex": "6c65", "expect": "accept"}
MESSAGE = {"root_id": "r", "call_hash": "h"}


def read(file: Path) -> list[Vector]:
    return [each for each in read_vectors(file) if isinstance(each, Vector)]


def write(tmp_path: Path, *tables: Any) -> Path:
    file = tmp_path / "v.jsonl"
    lines = [each if isinstance(each, str) else json.dumps(each) for each in tables]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_minimal(tmp_path: Path) -> None:
    (vector,) = read(write(tmp_path, MINIMAL))
    assert (vector.way, vector.kind, vector.expect) == (Way.DECODE, "value", "accept")
    assert (vector.level, vector.requirements, vector.note) == (1, (), "")
    assert vector.source.endswith("v.jsonl:1")


def test_patience(tmp_path: Path) -> None:
    """A byte order mark, blank lines, CR, unknown members, upper case, nulls."""
    more = {
        "id": "b",
        "suite": "decode.Call",
        "hex": "6C 65",
        "expect": "reject",
        "level": 2,
        "value": None,
        "canonical": None,
        "requirements": None,
        "source": {"by": "somebody"},
    }
    file = write(tmp_path, "\ufeff" + json.dumps(MINIMAL) + "\r", "", "  ", more)
    first, second = read(file)
    assert (first.id, second.id) == ("a", "b")
    assert (second.input, second.level) == (((b"le", 1),), 2)


def test_gen(tmp_path: Path) -> None:
    table = {**MINIMAL, "gen": [["6c", 100000], ["65", 1], ["", 5]]}
    del table["hex"]
    (vector,) = read(write(tmp_path, table))
    assert vector.input is not None
    assert expand(vector.input) == b"l" * 100000 + b"e"


def test_value(tmp_path: Path) -> None:
    table = {
        "id": "a",
        "suite": "encode.ScheduleMessage",
        "expect": "accept",
        "value": {"root_id": {"hex": "c3bc"}, "call_hash": "h"},
        "canonical": "6c",
    }
    (vector,) = read(write(tmp_path, table))
    assert vector.value == ScheduleMessage("ü", "h")
    assert vector.canonical == ((b"l", 1),)
    assert (vector.kind, vector.expect) == (Kind.SCHEDULE_MESSAGE, Expected.ACCEPT)


def test_what_is_written_may_stand_in_hex(tmp_path: Path) -> None:
    table = {**MINIMAL, "suite": "encode.ScheduleMessage", "value": MESSAGE}
    (vector,) = read(write(tmp_path, table))
    assert (vector.input, vector.canonical) == (None, ((b"le", 1),))


def test_lone_surrogate_in_json(tmp_path: Path) -> None:
    value = {"root_id": "a\ud800", "call_hash": "h"}
    table = {**MINIMAL, "suite": "encode.ScheduleMessage", "value": value}
    (vector,) = read(write(tmp_path, table))
    assert isinstance(vector.value, ScheduleMessage)
    octets = vector.value.root_id.encode("utf-8", "surrogateescape")
    assert octets == b"a\xed\xa0\x80"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": None}, "id is None"),
        ({"id": 5}, "id is 5"),
        ({"suite": "decode.Nothing"}, "no such suite: decode.Nothing"),
        ({"suite": "encode.value"}, "no such suite: encode.value"),
        ({"suite": "value"}, "no such suite"),
        ({"hex": "6c6"}, "hex is not hexadecimal"),
        ({"hex": "zz"}, "hex is not hexadecimal"),
        ({"hex": 5}, "hex is neither"),
        ({"hex": None}, "a decode vector has hex or gen"),
        ({"gen": [["6c", 1]]}, "both hex and gen"),
        ({"expect": "maybe"}, "maybe"),
        ({"level": 3}, "level is 3"),
        ({"requirements": "WIRE-1"}, "requirements are"),
        ({"canonical": "x"}, "canonical is not hexadecimal"),
        ({"suite": "encode.Call"}, "an encode vector has a value"),
        ({"suite": "decode.Call", "value": {"payload": ""}}, "task_name"),
        ({"suite": "decode.Call", "value": 5}, ""),
    ],
)
def test_not_a_vector(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    file = write(tmp_path, {**MINIMAL, "id": "first"}, {**MINIMAL, **change})
    with pytest.raises(VectorError, match=rf"v\.jsonl:2: .*{words}"):
        read_vectors(file)


@pytest.mark.parametrize(
    "gen", [["6c", 1], [["6c", -1]], [["6c", "1"]], [["6c"]], [["6c", 1 << 40]]]
)
def test_not_a_gen(tmp_path: Path, gen: Any) -> None:
    table = {**MINIMAL, "gen": gen, "hex": None}
    with pytest.raises(VectorError, match=r"v\.jsonl:1: gen"):
        read_vectors(write(tmp_path, table))


@pytest.mark.parametrize("line", ["{", "[]", "5", "[" * 100000])
def test_not_json(tmp_path: Path, line: str) -> None:
    with pytest.raises(VectorError, match=r"v\.jsonl:1: "):
        read_vectors(write(tmp_path, line))


def test_id_that_occurs_twice(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match=r"v\.jsonl:3: .*'a' is that of line 1"):
        read_vectors(write(tmp_path, MINIMAL, "", MINIMAL))


def test_no_vectors(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="no vectors in it"):
        read_vectors(write(tmp_path, ""))
    with pytest.raises(VectorError, match="No such file"):
        read_vectors(tmp_path / "none")


def test_codec_vectors_may_stand_beside_others(tmp_path: Path) -> None:
    table = {"id": "b", "suite": "codec-json.value", "json": "1", "expect": "reject"}
    first, second = read_vectors(write(tmp_path, MINIMAL, table))
    assert (first.profile, second.profile) == ("wire", "codec-json")


def test_bad_codec_vector(tmp_path: Path) -> None:
    table = {"id": "a", "suite": "codec-json.value", "expect": "reject"}
    with pytest.raises(VectorError, match=r"v\.jsonl:1: one of json, hex"):
        read_vectors(write(tmp_path, table))
