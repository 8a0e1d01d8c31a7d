# SPDX-License-Identifier: AGPL-3.0-only
"""The reader of the specification, on a small one and on ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.build import ask
from brrr_conformance.outcome import HarnessError
from brrr_conformance.scenario import Read, Schedule, Serve, read_scenario
from brrr_conformance.spec import Example, read_spec
from brrr_conformance.vector import Expected, VectorError, spec_vectors

if TYPE_CHECKING:
    from pathlib import Path

CHAPTER = r"""# A chapter

Text. **[WIRE-2]** is mentioned here.

**[WIRE-1]** An encoder MUST do it
in two lines. It SHOULD do more; **not** here.

It explains.

**[WIRE-2]** *(level 2)* A decoder SHOULD do it: `x`.

```example decode value WIRE-1 WIRE-2
le accept # why
de accept le
(empty) reject-2
i0e reject-or-keep
```

```example encode Call WIRE-1
{"task_name": "leaf", "payload": {"hex": "ff"}}
= d7:payload1:\xff9:task_name4:leafe
{"task_name": "leaf", "payload": "é"}
refuse
```

```example redis WIRE-1
before
  STRING a\x20b (empty)
do
  schedule t h leaf []
  read h = v
  read h absent
  serve t
  h -> defer c leaf [1] @u, d leaf [2]
  problem REFUSED
  h -> response v
  h -> defer
  h -> fail
after
```
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.md").write_text(CHAPTER)
    (tmp_path / "two.md").write_text("# Another\n\n**[REC-1]** It MUST be.\n")
    (tmp_path / "README.md").write_text("# Index\n\n[two](two.md) [one](one.md)\n")
    return tmp_path


def test_requirements(folder: Path) -> None:
    spec = read_spec(folder)
    rows = [(r.id, r.level, r.chapter, r.is_must) for r in spec.all_requirements]
    assert rows == [
        ("REC-1", 1, "two", True),
        ("WIRE-1", 1, "one", True),
        ("WIRE-2", 2, "one", False),
    ]
    assert spec.titles == {"two": "Another", "one": "A chapter"}
    assert spec.requirements["WIRE-1"].line == 5
    assert spec.requirements["WIRE-1"].sentence == "An encoder MUST do it in two lines."
    assert spec.requirements["WIRE-2"].sentence == "A decoder SHOULD do it: `x`."


def test_examples(folder: Path) -> None:
    rows = [
        (e.id, e.kind, e.record, e.requirements) for e in read_spec(folder).examples
    ]
    assert rows == [
        ("spec.one.1", "decode", "value", ("WIRE-1", "WIRE-2")),
        ("spec.one.2", "encode", "Call", ("WIRE-1",)),
        ("spec.one.3", "redis", "", ("WIRE-1",)),
    ]


def test_vectors_of_examples(folder: Path) -> None:
    decode, encode, _ = read_spec(folder).examples
    rows = [
        (v.id, v.expect, v.level, v.input, v.canonical, v.note)
        for v in spec_vectors(decode)
    ]
    assert rows == [
        ("spec.one.1.1", "accept", 1, ((b"le", 1),), ((b"le", 1),), "why"),
        ("spec.one.1.2", "accept", 1, ((b"de", 1),), ((b"le", 1),), ""),
        ("spec.one.1.3", "reject", 2, ((b"", 1),), None, ""),
        ("spec.one.1.4", "reject_or_exact", 1, ((b"i0e", 1),), None, ""),
    ]
    wrote, refused = spec_vectors(encode)
    octets = b"d7:payload1:\xff9:task_name4:leafe"
    assert wrote.canonical == ((octets, 1),)
    assert refused.expect is Expected.REJECT


def test_scenario(folder: Path) -> None:
    scenario = read_scenario(read_spec(folder).examples[2])
    assert scenario.actions == [
        Schedule("t", ask("h", "leaf", b"[]")),
        Read("h", b"v"),
        Read("h", None),
        Serve("t"),
    ]
    assert scenario.problems == ["REFUSED"]
    first, second, third, fourth = scenario.rules["h"]
    children = [(c.call_hash, c.payload, c.topic) for c in first.defer.children]
    assert children == [("c", b"[1]", "u"), ("d", b"[2]", "")]
    kinds = [each.WhichOneof("answer") for each in (second, third, fourth)]
    assert kinds == ["response", "defer", "fail"]


def example(kind: str, body: str, folder: Path) -> Example:
    return Example("x", kind, "value", (), body, folder / "one.md", 10)


@pytest.mark.parametrize(
    "line",
    ["le", "le maybe", "le accept accept accept", r"\xg accept", "{now} accept"],
)
def test_bad_vector_line(folder: Path, line: str) -> None:
    with pytest.raises(VectorError, match=r"one\.md:10"):
        list(spec_vectors(example("decode", line + "\n", folder)))


def test_handler_that_need_not_be_invoked(folder: Path) -> None:
    body = "do\n  c ?-> response v\n  h -> fail\n"
    scenario = read_scenario(example("redis", body, folder))
    assert scenario.spare["c"].response.value == b"v"
    assert list(scenario.rules) == ["h"]


@pytest.mark.parametrize(
    "line",
    [
        "  serve",
        "  h -> maybe",
        "  problem NOBODY",
        "  read h",
        "nowhere",
        "  h ?-> fail\n  h -> fail",
    ],
)
def test_bad_scenario_line(folder: Path, line: str) -> None:
    with pytest.raises(HarnessError, match=r"one\.md:1[12]"):
        read_scenario(example("redis", f"do\n{line}\n", folder))


def test_our_own() -> None:
    """Every block that claims to be an example is one, and is read."""
    spec = read_spec()
    assert len(spec.requirements) == len(spec.all_requirements) > 100
    blocks = sum(
        line.startswith("```example")
        for file in spec.folder.glob("*.md")
        for line in file.read_text().splitlines()
    )
    assert len(spec.examples) == blocks
    defined = sum(
        line.startswith("**[")
        for file in spec.folder.glob("*.md")
        for line in file.read_text().splitlines()
    )
    assert len(spec.all_requirements) == defined
