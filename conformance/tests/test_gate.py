# SPDX-License-Identifier: AGPL-3.0-only
"""The gate, on a small repository in which everything is wrong once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from brrr_conformance import gate
from brrr_conformance.spec import Spec, read_spec

if TYPE_CHECKING:
    from pathlib import Path

# Made up here so that the real gate does not find it cited.
UNKNOWN = "-".join(["WIRE", "777"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "spec/wire.md": "# Wire\n\n**[WIRE-1]** It MUST be.\n\n"
        "**[WIRE-2]** It MUST be too.\n\n**[WIRE-3]** It SHOULD be.\n\n",
        "ref/a.c": "/* [WIRE-1] */\n",
        "conformance/b.py": "requirement('WIRE-1')\n",
        "conformance/tests/mutants/m.py": '@breaks("WIRE-1")\n',
        "ignored/c.c": f"/* [{UNKNOWN}] */\n",
        ".gitignore": "/ignored/\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def read(root: Path) -> tuple[Spec, list[gate.Citation]]:
    spec = read_spec(root / "spec")
    return spec, list(gate.find_citations(root, spec))


def test_finds_citations(root: Path) -> None:
    (root / "ref" / "x.bin").write_bytes(b"WIRE-1")
    (root / "ref" / "latin").write_bytes(b"\xff WIRE-1")
    (root / "doc.md").write_text("[WIRE-2], XWIRE-1, WIRE-1a, FIREWIRE-2, WIRE-3.5\n")
    _, citations = read(root)
    found = [(each.id, each.file.as_posix(), each.line) for each in citations]
    assert found == [
        ("WIRE-1", "conformance/b.py", 1),
        ("WIRE-1", "conformance/tests/mutants/m.py", 1),
        ("WIRE-2", "doc.md", 1),
        ("WIRE-1", "ref/a.c", 1),
        ("WIRE-1", "spec/wire.md", 3),
        ("WIRE-2", "spec/wire.md", 5),
        ("WIRE-3", "spec/wire.md", 7),
    ]


def test_unknown_id(root: Path) -> None:
    (root / "ref" / "a.c").write_text(f"\n/* [{UNKNOWN}] */\n")
    spec, citations = read(root)
    assert list(gate.unknown(spec, citations, {"WIRE-1"})) == [
        f"ref/a.c:2: {UNKNOWN} is not in the specification"
    ]
    assert list(gate.unknown(spec, [], {"WIRE-1", UNKNOWN})) == [
        f"a case or vector is about {UNKNOWN}, which is not in the specification"
    ]


def test_duplicate_id(root: Path) -> None:
    (root / "spec" / "other.md").write_text("# O\n\n**[WIRE-3]** It MAY be.\n")
    spec, _ = read(root)
    assert list(gate.duplicates(spec)) == [
        "spec/other.md:3: WIRE-3 occurs twice",
        "spec/wire.md:7: WIRE-3 occurs twice",
    ]


def test_untested(root: Path) -> None:
    spec, _ = read(root)
    assert list(gate.untested(spec, {"WIRE-1"})) == [
        "WIRE-2 has neither case nor vector: It MUST be too."
    ]


def test_not_in_reference(root: Path) -> None:
    spec, citations = read(root)
    assert list(gate.not_in_reference(spec, citations, {})) == [
        "WIRE-2 is cited nowhere in ref/: It MUST be too."
    ]
    assert list(gate.not_in_reference(spec, citations, {"WIRE-2": "later"})) == []


def test_exceptions_that_are_none(root: Path) -> None:
    spec, citations = read(root)
    exceptions = {"WIRE-1": "x", "WIRE-2": "y", UNKNOWN: "z"}
    assert list(gate.not_in_reference(spec, citations, exceptions)) == [
        "conformance/gate.toml: WIRE-1 is cited in ref/ after all",
        f"conformance/gate.toml: {UNKNOWN} is not in the specification",
    ]


def test_not_mutated(root: Path) -> None:
    spec, _ = read(root)
    assert gate.find_broken(root) == {"WIRE-1"}
    assert list(gate.not_mutated(spec, {"WIRE-1"}, {})) == [
        "WIRE-2 is broken by no mutant: It MUST be too."
    ]
    assert list(gate.not_mutated(spec, {"WIRE-1"}, {"WIRE-2": "nobody can"})) == []
    assert list(gate.not_mutated(spec, {"WIRE-2", UNKNOWN}, {"WIRE-2": "x"})) == [
        "WIRE-1 is broken by no mutant: It MUST be.",
        f"a mutant breaks {UNKNOWN}, which is not in the specification",
        "conformance/gate.toml: WIRE-2 is broken by a mutant after all",
    ]
