# SPDX-License-Identifier: AGPL-3.0-only
"""The matrix as a page, and what is said of wrong usage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from brrr_conformance.matrix.hashes import letters
from brrr_conformance.outcome import Status
from brrr_conformance.page import make_page

COMMAND = Path(sys.executable).parent / "brrr-conformance"
TINY = Path(__file__).resolve().parents[2] / "adapters" / "tiny"

HOSTILE = "<script>alert(1)</script>"
SOME: dict[str, Any] = {
    "schema": 1,
    "kind": "matrix",
    "run": {
        "runner": "0",
        "started": "2026-01-01T00:00:00",
        "store": "redis",
        "seed": 1,
    },
    "adapters": [
        {"name": name, "language": HOSTILE, "sdk": "", "delivery": "at-most-once"}
        for name in ("a", "b")
    ],
    "pairs": [
        {
            "id": "matrix.a.b",
            "caller": "a",
            "callee": "b",
            "seconds": 1,
            "status": "failed",
            "message": HOSTILE,
        }
    ],
    "records": [
        {
            "id": "matrix.records.a.b",
            "writer": "a",
            "reader": "b",
            "seconds": 1,
            "status": "passed",
            "message": "",
            "kinds": {"Call": {"agreed": 1, "total": 2}},
            "disagreements": [
                {
                    "kind": "Call",
                    "name": "x",
                    "octets": "00",
                    "length": 1,
                    "said": HOSTILE,
                }
            ],
        }
    ],
    "codec": {
        "adapters": [
            {
                "id": "matrix.codec.a",
                "adapter": "a",
                "claims": True,
                "agreed": 1,
                "others": [],
                "status": "passed",
                "message": "",
                "seconds": 1,
            }
        ],
        "calls": [
            {
                "name": "x",
                "task": HOSTILE,
                "args": "[]",
                "length": 2,
                "due": "d",
                "hashes": {"a": "e"},
            }
        ],
    },
    "fleet": None,
    "storms": [],
    "summary": {
        **dict.fromkeys(map(str, Status), 0),
        "total": 3,
        "failures": 1,
        "seconds": 1,
    },
}


def test_page() -> None:
    """Failures first; what somebody wrote is only text; no network is needed."""
    page = make_page(SOME)
    assert HOSTILE not in page
    assert page.index("matrix.a.b") < page.index("Golden records")
    assert "1/2" in page
    assert "<td>A</td><td>B</td>" in page
    assert "http://" not in page
    assert "https://" not in page


def test_letters() -> None:
    assert letters(["x", "refused", "y", "", "x"]) == ["A", "refused", "B", "-", "A"]


# ---- usage ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/none"], "/none: No such file"),
        ([str(TINY), str(TINY)], "two adapters of one name"),
        ([str(TINY), "--graphs", "0"], "--graphs"),
        ([str(TINY), "--only", "matrix.none"], "no cell is named matrix.none"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage(words: list[str], said: str) -> None:
    done = subprocess.run(
        [COMMAND, "matrix", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
