# SPDX-License-Identifier: AGPL-3.0-only
"""The report as JUnit XML, for CI systems.

A suite for each adapter, a test case for each result. JUnit knows four endings:
`failed` is a failure; a crash, a time-out and a harness error are errors; what is
not implemented, or a known deviation, is skipped and says so. Requirements are
properties of the test case, as the plug-ins of CI systems read them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from brrr_conformance.outcome import Status
from brrr_conformance.report import write_text
from brrr_conformance.words import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ELEMENTS = {
    Status.FAILED: "failure",
    Status.CRASHED: "error",
    Status.TIMED_OUT: "error",
    Status.HARNESS_ERROR: "error",
    Status.NOT_IMPLEMENTED: "skipped",
    Status.KNOWN_DEVIATION: "skipped",
}

# What XML 1.0 has no character for.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(file: Path, report: Mapping[str, Any]) -> None:
    root = Element("testsuites", name="brrr-conformance")
    names = dict.fromkeys(each["adapter"] for each in report["results"])
    described = {each["name"]: each for each in report["adapters"]}
    for name in names:
        results = [each for each in report["results"] if each["adapter"] == name]
        suite = SubElement(root, "testsuite", {"name": legal(name)} | _counts(results))
        _add_properties(suite, _about(described.get(name, {}), report["run"]))
        for each in results:
            _add_case(suite, each)
    root.attrib |= _counts(report["results"])
    del root.attrib["skipped"]
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode")
    write_text(file, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


def _counts(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = [ELEMENTS.get(Status(each["status"])) for each in results]
    return {
        "tests": str(len(found)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        "skipped": str(found.count("skipped")),
        "time": f"{sum(each['seconds'] for each in results):.3f}",
    }


def _about(adapter: Mapping[str, Any], run: Mapping[str, Any]) -> list[tuple[str, str]]:
    keys = ("sdk", "version", "language", "level")
    found = [(key, str(adapter[key])) for key in keys if adapter.get(key)]
    return found + [(key, str(value)) for key, value in run.items()]


def _add_case(suite: Element, result: Mapping[str, Any]) -> None:
    name = legal(result["id"])
    group = re.split(r"[./]", name)[0]
    case = SubElement(
        suite,
        "testcase",
        classname=f"{suite.get('name')}.{group}",
        name=name,
        time=f"{result['seconds']:.3f}",
    )
    _add_properties(case, [("requirement", each) for each in result["requirements"]])
    status = Status(result["status"])
    if status is Status.PASSED:
        return
    message = legal(result["message"])
    headline = message.partition("\n")[0]
    if status is not Status.FAILED:
        headline = f"{status}: {headline}"
    ending = SubElement(case, ELEMENTS[status], type=status, message=headline)
    ending.text = message


def _add_properties(element: Element, properties: Sequence[tuple[str, str]]) -> None:
    if properties:
        parent = SubElement(element, "properties")
        for name, value in properties:
            SubElement(parent, "property", name=name, value=legal(value))


def legal(text: str) -> str:
    """Escape what XML cannot hold."""
    return _ILLEGAL.sub(lambda found: escape(found[0]), text)
