# SPDX-License-Identifier: AGPL-3.0-only
"""What stands in report.json."""

from __future__ import annotations

from harness.duel import Contest, Duel, play


def test_a_contest_in_json() -> None:
    contest = Contest("leaf", "jobs/s", lambda run: run["jobs"], 0.75)
    duel = Duel("itself", lambda: {"jobs": 3.0}, lambda: {"jobs": 2.0}, (contest,))
    [result] = play(duel, 2, lambda _: None, more=False)
    assert result.as_json() == {
        "name": "leaf",
        "unit": "jobs/s",
        "ours": 3.0,
        "theirs": 2.0,
        "ratio": 1.5,
        "goal": 0.75,
        "met": True,
        "spread": 0.0,
    }
