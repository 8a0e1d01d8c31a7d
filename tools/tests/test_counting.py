# SPDX-License-Identifier: AGPL-3.0-only
"""What the counts say of results that are good, bad, cut short and missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from counting import (
    CountError,
    Tally,
    count_cmocka,
    count_ctest,
    count_junit,
    count_matrix,
    count_report,
)

if TYPE_CHECKING:
    from pathlib import Path

GROUP = """<?xml version="1.0" encoding="UTF-8" ?>
<testsuites>
  <testsuite name="t" time="0.000" tests="3" failures="1" errors="0" skipped="1" >
    <testcase name="a" time="0.000" >
    </testcase>
    <testcase name="b" time="0.000" >
      <failure><![CDATA[0x1 != 0x2
test_b.c:10: error: Failure!]]></failure>
    </testcase>
    <testcase name="c" time="0.000" >
      <skipped/>
    </testcase>
  </testsuite>
</testsuites>
"""
SECOND_GROUP = """<testsuites>
  <testsuite name="u" time="0.000" tests="1" failures="0" errors="0" skipped="0" >
    <testcase name="d" time="0.000" >
    </testcase>
  </testsuite>
</testsuites>
"""
SET_UP_FAILED = """<testsuites>
  <testsuite name="t" time="0.000" tests="0" failures="0" errors="1" skipped="0" >
  </testsuite>
</testsuites>
"""
CTEST_CASES = {
    "passed": '<testcase name="{}" status="run"/>',
    "failed": '<testcase name="{}" status="fail"><failure message=""/></testcase>',
    "missing": '<testcase name="{}" status="notrun">'
    '<skipped message="Unable to find executable"/></testcase>',
    "skipped": '<testcase name="{}" status="notrun">'
    '<skipped message="SKIP_RETURN_CODE=77"/></testcase>',
}


def counts(tally: Tally) -> tuple[int, int, int]:
    assert tally.failed == len(tally.failures)
    return tally.passed, tally.failed, tally.skipped


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_closing_line() -> None:
    tally = Tally(passed=3)
    assert tally.line() == "3 passed, 0 failed"
    tally.add(Tally(passed=1, skipped=2))
    tally.fail("why")
    assert tally.line() == "4 passed, 1 failed, 2 skipped"


class TestCmocka:
    def test_each_single_test_counts(self, tmp_path: Path) -> None:
        tally = count_cmocka(write(tmp_path / "t.xml", GROUP))
        assert counts(tally) == (1, 1, 1)
        assert tally.failures == ["b: 0x1 != 0x2"]

    def test_two_groups_share_a_file(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.xml", GROUP + SECOND_GROUP)
        assert counts(count_cmocka(path)) == (2, 1, 1)

    @pytest.mark.parametrize("cut", [30, 100, len(GROUP) - 5])
    def test_a_file_cut_short_does_not_count(self, tmp_path: Path, cut: int) -> None:
        with pytest.raises(CountError):
            count_cmocka(write(tmp_path / "t.xml", GROUP[:cut]))

    def test_a_missing_file_does_not_count(self, tmp_path: Path) -> None:
        with pytest.raises(CountError):
            count_cmocka(tmp_path / "t.xml")


class TestCtest:
    """One ctest test named x, a cmocka program or not."""

    def count(self, tmp_path: Path, label: str, ending: str, xml: str = "") -> Tally:
        properties = [{"name": "TIMEOUT", "value": 9.0}]
        if label:
            properties.append({"name": "LABELS", "value": [label]})
        listing = {"tests": [{"name": "x", "properties": properties}]}
        case = CTEST_CASES.get(ending, "").format("x")
        if xml:
            write(tmp_path / "test-results" / "x.xml", xml)
        return count_ctest(
            tmp_path,
            write(tmp_path / "listing.json", json.dumps(listing)),
            write(tmp_path / "ctest.xml", f"<testsuite>{case}</testsuite>"),
        )

    @pytest.mark.parametrize(
        ("ending", "expected"),
        [
            ("passed", (1, 0, 0)),
            ("failed", (0, 1, 0)),
            ("missing", (0, 1, 0)),
            ("skipped", (0, 0, 1)),
            ("forgotten", (0, 1, 0)),
        ],
    )
    def test_a_plain_test_is_one(
        self, tmp_path: Path, ending: str, expected: tuple[int, int, int]
    ) -> None:
        assert counts(self.count(tmp_path, "", ending)) == expected

    @pytest.mark.parametrize(
        ("ending", "xml", "expected"),
        [
            ("passed", SECOND_GROUP, (1, 0, 0)),
            ("failed", GROUP, (1, 1, 1)),
            # Crashed, or never ran: no results.
            ("failed", "", (0, 1, 0)),
            ("missing", "", (0, 1, 0)),
            ("forgotten", "", (0, 1, 0)),
            # The results went somewhere else: not counted, so not passed.
            ("passed", "", (0, 1, 0)),
            # A leak found at the end, when all tests have passed.
            ("failed", SECOND_GROUP, (1, 1, 0)),
            ("failed", SET_UP_FAILED, (0, 1, 0)),
            # It says that it passed, and ran nothing.
            ("passed", "<testsuites></testsuites>", (0, 1, 0)),
        ],
    )
    def test_a_cmocka_program_counts_by_its_tests(
        self, tmp_path: Path, ending: str, xml: str, expected: tuple[int, int, int]
    ) -> None:
        assert counts(self.count(tmp_path, "cmocka", ending, xml)) == expected


class TestJUnit:
    def test_error_counts_as_failed(self, tmp_path: Path) -> None:
        cases = (
            '<testcase name="a"/><testcase name="b" classname="m">'
            '<error message="no fixture&#10;more"/></testcase>'
            '<testcase name="c"><skipped message="why"/></testcase>'
        )
        xml = f"<testsuites><testsuite>{cases}</testsuite></testsuites>"
        tally = count_junit(write(tmp_path / "t.xml", xml))
        assert counts(tally) == (1, 1, 1)
        assert tally.failures == ["m.b: no fixture"]

    def test_half_a_file_does_not_count(self, tmp_path: Path) -> None:
        with pytest.raises(CountError):
            count_junit(write(tmp_path / "t.xml", "<testsuites><testsuite>"))


class TestReport:
    def count(
        self, tmp_path: Path, *results: tuple[str, str], schema: int = 1
    ) -> Tally:
        rows = [
            {"id": f"case-{number}", "adapter": adapter, "status": status}
            for number, (adapter, status) in enumerate(results)
        ]
        adapters = [{"name": "c"}, {"name": "tiny"}]
        report = {"schema": schema, "adapters": adapters, "results": rows}
        path = write(tmp_path / "report.json", json.dumps(report))
        return count_report(path, adapters=2)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("passed", (2, 0, 0)),
            ("not implemented", (1, 0, 1)),
            ("known deviation", (1, 0, 1)),
            ("failed", (1, 1, 0)),
            ("crashed", (1, 1, 0)),
            ("timed out", (1, 1, 0)),
            ("harness error", (1, 1, 0)),
            ("a word of tomorrow", (1, 1, 0)),
        ],
    )
    def test_only_passed_passes(
        self, tmp_path: Path, status: str, expected: tuple[int, int, int]
    ) -> None:
        tally = self.count(tmp_path, ("c", "passed"), ("tiny", status))
        assert counts(tally) == expected

    def test_an_adapter_without_results_is_a_failure(self, tmp_path: Path) -> None:
        assert counts(self.count(tmp_path, ("c", "passed"))) == (1, 1, 0)

    def test_a_mixed_fleet_stands_for_no_adapter(self, tmp_path: Path) -> None:
        tally = self.count(tmp_path, ("c", "passed"), ("c+tiny", "passed"))
        assert counts(tally) == (2, 1, 0)

    def test_another_schema_does_not_count(self, tmp_path: Path) -> None:
        with pytest.raises(CountError):
            self.count(tmp_path, ("c", "passed"), schema=2)


class TestMatrix:
    def count(
        self, tmp_path: Path, *, lacks: str = "", status: str = "passed"
    ) -> Tally:
        cell = {"id": "x", "status": status}
        report: dict[str, Any] = {
            "schema": 1,
            "pairs": [cell] * 4,
            "records": [cell] * 6,
            "codec": {"adapters": [cell] * 2},
            "fleet": cell,
            "storms": [cell],
        }
        if lacks:
            report[lacks] = report[lacks][1:]
        path = write(tmp_path / "matrix.json", json.dumps(report))
        return count_matrix(path, adapters=2)

    def test_every_cell_counts(self, tmp_path: Path) -> None:
        assert counts(self.count(tmp_path)) == (14, 0, 0)
        assert counts(self.count(tmp_path, status="failed")) == (0, 14, 0)

    @pytest.mark.parametrize("part", ["pairs", "records", "storms"])
    def test_a_cell_that_is_not_there_is_a_failure(
        self, tmp_path: Path, part: str
    ) -> None:
        assert counts(self.count(tmp_path, lacks=part)) == (13, 1, 0)
