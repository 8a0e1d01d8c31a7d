# SPDX-License-Identifier: AGPL-3.0-only
"""The generated modules are what proto/ gives."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "src" / "brrr_conformance" / "pb"


def test_no_drift(tmp_path: Path) -> None:
    sys.path.insert(0, str(HERE.parent))
    try:
        from generate_pb import generate
    finally:
        sys.path.pop(0)
    generate(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 4
    for name in names:
        text = (tmp_path / name).read_text()
        assert (PACKAGE / name).read_text() == text, f"run generate_pb.py: {name}"
