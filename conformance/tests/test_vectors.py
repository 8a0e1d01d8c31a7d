# SPDX-License-Identifier: AGPL-3.0-only
"""The vectors: as generated, well-formed, and in agreement with oracle and spec.

The values of accepted records were filled in by the oracle; here they are checked
against encoders of a line each, written from the grammar.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brrr_conformance import records
from brrr_conformance.bencode import EncodeError
from brrr_conformance.forms import from_json, octets_of
from brrr_conformance.records import Expect, Kind
from brrr_conformance.spec import read_spec
from brrr_conformance.vector import Expected, Vector, Way, expand, spec_vectors
from brrr_conformance.vectorgen import codec_json
from brrr_conformance.vectorgen.files import files, folder

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = folder()
SPEC = Path(__file__).resolve().parents[2] / "spec"
MEMBERS = {
    "id",
    "suite",
    "hex",
    "gen",
    "value",
    "expect",
    "canonical",
    "level",
    "requirements",
    "note",
}


def lines() -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted(FOLDER.glob("*.jsonl"))
        if file.name != codec_json.FILE  # test_codec.py has these
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


VECTORS = lines()
DECODE = [each for each in VECTORS if each["suite"].startswith("decode.")]
ENCODE = [each for each in VECTORS if each["suite"].startswith("encode.")]


def octets(written: Any) -> bytes:
    if isinstance(written, str):
        return bytes.fromhex(written)
    return b"".join(bytes.fromhex(piece) * times for piece, times in written)


def input_of(vector: dict[str, Any]) -> bytes:
    return octets(vector["hex"] if "hex" in vector else vector["gen"])


def kind_of(vector: dict[str, Any]) -> Kind:
    return Kind(vector["suite"].partition(".")[2])


# ---- the files --------------------------------------------------------------


def test_files_are_what_the_generator_writes() -> None:
    made = files()
    assert {file.name for file in FOLDER.glob("*.jsonl")} == set(made)
    drifted = [
        name
        for name, text in made.items()
        if (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert not drifted, "run python -m brrr_conformance.vectorgen"


def test_there_are_enough() -> None:
    assert len(VECTORS) >= 600
    suites = Counter(each["suite"] for each in VECTORS)
    names = [f"decode.{kind}" for kind in Kind]
    names += [f"encode.{kind}" for kind in Kind if kind is not Kind.VALUE]
    assert set(suites) == set(names)
    assert min(suites.values()) >= 50


def test_ids_are_unique_and_plain() -> None:
    ids = Counter(each["id"] for each in VECTORS)
    assert [name for name, times in ids.items() if times > 1] == []
    pattern = re.compile(r"(decode|encode)\.[A-Za-z]+/[A-Za-z0-9_-]+")
    assert [name for name in ids if not pattern.fullmatch(name)] == []


def test_form() -> None:
    for each in VECTORS:
        assert set(each) <= MEMBERS, each["id"]
        assert each["level"] in (1, 2), each["id"]
        assert each["note"].strip(), each["id"]
        assert each["id"].startswith(each["suite"] + "/"), each["id"]
        decodes = each["suite"].startswith("decode.")
        assert len({"hex", "gen"} & set(each)) == decodes, each["id"]
        assert decodes or "value" in each, each["id"]
        assert each["expect"] != "reject" or "canonical" not in each, each["id"]


def test_inputs_differ() -> None:
    """Two vectors of one suite with one input tell something else of it."""
    seen = Counter(
        (
            each["suite"],
            json.dumps(each.get("hex") or each.get("gen") or each.get("value")),
            each["expect"],
        )
        for each in VECTORS
        # What was captured may have been chosen by hand too.
        if not re.search("/(python|typescript)-[0-9]", each["id"])
    )
    assert [found for found, times in seen.items() if times > 1] == []


# ---- the specification ------------------------------------------------------


def requirements() -> dict[str, int]:
    """Give all ids with their levels, by a reading of our own."""
    pattern = re.compile(r"^\*\*\[([A-Z]+-[0-9]+)\]\*\*( \*\(level 2\)\*)?", re.M)
    return {
        match[1]: 2 if match[2] else 1
        for file in SPEC.glob("*.md")
        for match in pattern.finditer(file.read_text(encoding="utf-8"))
    }


def test_requirements_are_in_the_specification() -> None:
    known = requirements()
    for each in VECTORS:
        assert each["requirements"], each["id"]
        assert set(each["requirements"]) <= set(known), each["id"]


def test_every_requirement_of_the_two_chapters_has_vectors() -> None:
    about = Counter(name for each in VECTORS for name in each["requirements"])
    # REC-5 is about stored values, which no decoder sees: a case has it.
    due = {name for name in requirements() if name.startswith(("WIRE-", "REC-"))}
    assert due - {"REC-5"} - set(about) == set()


def test_oracle_knows_the_levels() -> None:
    from brrr_conformance.bencode import LEVEL_2

    due = {
        name
        for name, level in requirements().items()
        if level == 2 and name.startswith(("WIRE-", "REC-"))
    }
    assert due == LEVEL_2


def test_examples_of_the_specification_agree_with_the_oracle() -> None:
    examples = [
        vector
        for example in read_spec(SPEC).examples
        if example.kind in list(Way)
        for vector in spec_vectors(example)
    ]
    assert len(examples) > 140
    for vector in examples:
        if vector.way is Way.ENCODE:
            check_example_encode(vector)
        else:
            check_example_decode(vector)


def check_example_encode(vector: Vector) -> None:
    assert vector.value is not None
    if vector.expect is Expected.REJECT:
        with pytest.raises(EncodeError) as caught:
            records.encode(vector.value)
        assert caught.value.requirement in vector.requirements, vector.source
    else:
        assert records.encode(vector.value) == expand(vector.canonical or ())


def check_example_decode(vector: Vector) -> None:
    given = expand(vector.input or ())
    verdict = records.judge(vector.kind, given)
    if vector.expect is Expected.ACCEPT:
        assert verdict.expect is Expect.ACCEPT, (vector.source, verdict.error)
        assert verdict.canonical == expand(vector.canonical or ()), vector.source
        if vector.value is not None:
            assert records.decode(vector.kind, given) == vector.value
    else:
        keeps = vector.expect is Expected.REJECT_OR_EXACT
        level = 2 if keeps else vector.level
        assert verdict.expect is Expect.REJECT, vector.source
        assert verdict.level == level, (vector.source, verdict.error)


# ---- the oracle -------------------------------------------------------------


@pytest.mark.parametrize("suite", sorted({each["suite"] for each in DECODE}))
def test_decode_agrees_with_the_oracle(suite: str) -> None:
    for each in DECODE:
        if each["suite"] == suite:
            check_decode(each)


def check_decode(vector: dict[str, Any]) -> None:
    given = input_of(vector)
    verdict = records.judge(kind_of(vector), given)
    if vector["expect"] == "reject":
        assert verdict.expect is Expect.REJECT, vector["id"]
        assert verdict.error is not None
        assert verdict.level == vector["level"], (vector["id"], verdict.error)
        assert verdict.error.requirement in vector["requirements"], vector["id"]
    elif vector["expect"] == "accept":
        assert verdict.expect is Expect.ACCEPT, (vector["id"], verdict.error)
        again = octets(vector["canonical"]) if "canonical" in vector else given
        assert verdict.canonical == again, vector["id"]
    else:
        # Left open at level 1: so no decoder of that level must reject.
        assert (verdict.expect, verdict.level) != (Expect.REJECT, 1), vector["id"]
        assert vector["level"] == 1, vector["id"]
        assert "canonical" in vector, vector["id"]


def test_encode_agrees_with_the_oracle() -> None:
    for each in ENCODE:
        record = from_json(kind_of(each), each["value"])
        if each["expect"] == "accept":
            assert record.encode() == octets(each["canonical"]), each["id"]
            continue
        assert each["expect"] == "reject"
        with pytest.raises(EncodeError) as caught:
            record.encode()
        assert caught.value.requirement in each["requirements"], each["id"]


def test_values_give_the_canonical_octets_naively() -> None:
    checked = 0
    for each in VECTORS:
        if "value" in each and each["expect"] != "reject":
            naive = NAIVE[kind_of(each)](each["value"])
            assert naive == octets(each["canonical"]), each["id"]
            checked += 1
    assert checked > 400


def text(json_text: Any) -> bytes:
    raw = octets_of(json_text)
    return b"%d:%s" % (len(raw), raw)


def naive_return(value: Any) -> bytes:
    return b"li1e%s%s%se" % tuple(
        text(value[name]) for name in ("root_id", "call_hash", "topic")
    )


def naive_returns(value: Any) -> bytes:
    unique = {
        tuple(octets_of(each[name]) for name in ("root_id", "call_hash", "topic")): each
        for each in value["returns"]
    }
    entries = b"".join(naive_return(unique[key]) for key in sorted(unique))
    time = value.get("scheduled_at")
    at = b"12:scheduled_ati%de" % time if time else b""
    return b"d7:returnsl%se%se" % (entries, at)


def naive_message(value: Any) -> bytes:
    return b"li2e%s%se" % (text(value["root_id"]), text(value["call_hash"]))


def naive_call(value: Any) -> bytes:
    payload, name = text(value["payload"]), text(value["task_name"])
    return b"d7:payload%s9:task_name%se" % (payload, name)


NAIVE: dict[Kind, Callable[[Any], bytes]] = {
    Kind.SCHEDULE_MESSAGE: naive_message,
    Kind.PENDING_RETURN: naive_return,
    Kind.PENDING_RETURNS: naive_returns,
    Kind.CALL: naive_call,
}


# ---- the README -------------------------------------------------------------


def test_examples_of_the_readme_are_vectors() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\{.*\}$", readme, re.M)
    assert len(shown) >= 5
    written = {
        line
        for file in FOLDER.glob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    }
    assert [line for line in shown if line not in written] == []
