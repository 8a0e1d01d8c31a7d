# SPDX-License-Identifier: AGPL-3.0-only
"""The report in JSON and in JUnit XML, and what is made of it later."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest

import brrr_conformance
from brrr_conformance.findings import read_findings
from brrr_conformance.junit import write_junit
from brrr_conformance.outcome import HarnessError, Status
from brrr_conformance.report import read_mutants, read_report, write_report
from sample_report import HOSTILE, sample_report

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SCHEMA = Path(brrr_conformance.__file__).parent / "report.schema.json"


def validate(report: Any) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)


def test_schema() -> None:
    validate(sample_report())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda it: it.update(schema=2),
        lambda it: it["results"][0].pop("message"),
        lambda it: it["results"][0].update(status="green"),
        lambda it: it["requirements"].update({"RET-4": {"c": "fine"}}),
        lambda it: it["transcripts"][0]["events"][0].update(kind="noise"),
        lambda it: it["summary"].pop("failures"),
    ],
)
def test_schema_refuses(spoil: Any) -> None:
    report = sample_report()
    spoil(report)
    with pytest.raises(jsonschema.ValidationError):
        validate(report)


def test_written_and_read(tmp_path: Path) -> None:
    """Lone surrogates too, and in folders that are not there yet."""
    file = tmp_path / "new" / "report.json"
    write_report(file, sample_report())
    assert read_report(file) == json.loads(json.dumps(sample_report()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "Expecting value"),
        ("[]", "no report of schema 1"),
        ('{"schema": 2}', "no report of schema 1"),
    ],
)
def test_what_is_no_report(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(HarnessError, match=why):
        read_report(file)
    with pytest.raises(HarnessError, match="No such file"):
        read_report(tmp_path / "none")


def test_mutants(tmp_path: Path) -> None:
    file = tmp_path / "mutants.json"
    found = sample_report()["mutants"]
    file.write_text(json.dumps({"mutants": found}))
    assert read_mutants(file) == found
    file.write_text('{"mutants": [{}]}')
    with pytest.raises(HarnessError, match="no report of mutants"):
        read_mutants(file)


def test_findings(tmp_path: Path) -> None:
    page = tmp_path / "001-it-hangs.md"
    page.write_text("# 001: It hangs\n\n| a |\n\n## What\n\nFor\never.\n\n## Effect\n")
    found = read_findings(["001-it-hangs", "002-none", "../secret"], tmp_path)
    assert found == {"001-it-hangs": {"title": "It hangs", "what": "For ever."}}


# ---- JUnit ------------------------------------------------------------------

# As junit-10.xsd of Jenkins' xUnit plug-in has it, which GitLab's reader is content
# with too; properties of a test case are what Jenkins' JUnit plug-in reads besides.
SUITE = {"name", "tests", "failures", "errors", "skipped", "time"}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "testcase": {"properties", "failure", "error", "skipped"},
    "properties": {"property"},
}
ATTRIBUTES = {
    "testsuites": SUITE - {"skipped"},
    "testsuite": SUITE,
    "testcase": {"name", "classname", "time"},
    "properties": set(),
    "property": {"name", "value"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}


@pytest.fixture
def junit(tmp_path: Path) -> Element:
    file = tmp_path / "report.xml"
    write_junit(file, sample_report())
    return ElementTree.parse(file).getroot()  # noqa: S314 - our own


def test_junit_is_what_ci_systems_take(junit: Element) -> None:
    assert junit.tag == "testsuites"
    for element in junit.iter():
        assert set(element.keys()) == ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        if element.get("time") is not None:
            assert re.fullmatch(r"\d+\.\d{3}", element.get("time", ""))


def test_junit_tells_all(junit: Element) -> None:
    suites = {suite.get("name"): suite for suite in junit}
    assert list(suites) == ["c", "tiny", "c+tiny"]
    tiny = suites["tiny"]
    counts = [tiny.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["47", "1", "2", "1"]
    endings = {
        child.get("type"): child
        for case in tiny
        for child in case
        if child.tag in ("failure", "error", "skipped")
    }
    assert {name: found.tag for name, found in endings.items()} == {
        "failed": "failure",
        "crashed": "error",
        "timed out": "error",
        "known deviation": "skipped",
    }
    known = endings["known deviation"].get("message", "")
    assert known.startswith("known deviation: 004-children-are-put-again-with-every-")
    assert "\\x00\u202egnp" in (endings["failed"].text or "")


def test_junit_has_requirements(junit: Element) -> None:
    case = next(
        each
        for each in junit.iter("testcase")
        if each.get("name", "")[:9] == "returning"
    )
    found = [(it.get("name"), it.get("value")) for it in case.iter("property")]
    assert found == [("requirement", "RET-2"), ("requirement", "RET-4")]
    assert case.get("classname") == "c.returning"


def test_hostile_text_is_legal_xml(junit: Element) -> None:
    names = [each.get("name", "") for each in junit.iter("testcase")]
    escaped = HOSTILE.replace("\x00", "\\x00").replace("\ud800", "\\ud800")
    assert f"hostile.{escaped}" in names


def test_statuses_of_the_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert schema["$defs"]["status"]["enum"] == list(Status)
