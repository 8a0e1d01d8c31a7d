# SPDX-License-Identifier: AGPL-3.0-only
"""What a person reads at the end of a run, at 80 columns."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from brrr_conformance import terminal
from brrr_conformance.outcome import Status
from brrr_conformance.terminal import print_closing, print_failures, print_table
from sample_report import sample_results, sample_spec

if TYPE_CHECKING:
    import pytest

    from brrr_conformance.report import Results

GOLDEN = Path(__file__).parent / "golden"


def console(*, terminal: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=80,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def closing(results: Results, console: Console) -> str:
    print_failures(console, results)
    print_table(console, sample_spec(), results)
    print_closing(console, results, 12.5, Path("build/report.html"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n"))


def test_golden() -> None:
    """Failures first, then the tables, the rest, and `N passed, N failed`."""
    text = trimmed(closing(sample_results(), console()))
    file = GOLDEN / "terminal.txt"
    assert text == file.read_text(encoding="utf-8"), f"if meant, write it to {file}"
    tables = text.partition("requirements that fail")[2].partition("tiny: 1 known")[0]
    assert all(len(line) <= 80 for line in tables.split("\n"))


def test_all_green_is_short() -> None:
    results = sample_results()
    for key, each in list(results.outcomes.items()):
        results.outcomes[key] = replace(each, status=Status.PASSED, message="")
    text = closing(results, console())
    assert "fail:" not in text
    assert text.endswith("\n12.5 seconds\n95 passed, 0 failed\n")


def test_color_only_for_a_terminal() -> None:
    assert "\x1b" not in closing(sample_results(), console())
    colored = closing(sample_results(), console(terminal=True))
    assert "\x1b[1;31m" in colored  # bold and red
    assert "\x1b]8;" in colored  # a link to a finding


def test_nothing_of_a_payload_is_sent_to_a_terminal() -> None:
    results = sample_results()
    for key, each in list(results.outcomes.items()):
        results.outcomes[key] = replace(each, message="\x1b]0;owned\x07\x9b2J")
    text = closing(results, console(terminal=True))
    assert "owned\x07" not in text
    assert "\x9b" not in text


def test_many_failures_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "IN_FULL", 1)
    monkeypatch.setattr(terminal, "ONE_LINERS", 2)
    monkeypatch.setattr(terminal, "MOST_REQUIREMENTS", 2)
    text = closing(sample_results(), console())
    assert "and 1 more: see the report of --json" in text
    assert "\nand 2 more\n" in text
