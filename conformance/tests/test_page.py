# SPDX-License-Identifier: AGPL-3.0-only
"""The page, without a browser: what is in it, what is not, and how much."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from brrr_conformance.page import make_page, sentence
from brrr_conformance.words import printable, visible
from sample_report import HOSTILE, VECTORS, sample_report


class Reader(HTMLParser):
    """Notes elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> str:
    return make_page(sample_report())


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


def test_hostile_text_is_only_text(page: str) -> None:
    elements = Reader(page).elements
    assert "img" not in {tag for tag, _ in elements}
    assert [tag for tag, _ in elements].count("script") == 2
    assert not any(name.startswith("on") for _, attrs in elements for name in attrs)
    assert not re.search("[\x00\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert "{{ 7*7 }}" in Reader(page).text


def test_it_needs_nothing_else(page: str) -> None:
    for tag, attrs in Reader(page).elements:
        assert tag not in ("iframe", "object", "embed", "base")
        assert "src" not in attrs
        assert not (attrs.get("href") or "#").startswith(("http", "//", "/"))
    assert "@import" not in page
    assert "url(" not in page


def test_vectors_that_pass_are_counted(page: str) -> None:
    data = data_of(page)
    assert data["columns"] == ["c", "tiny", "mixed fleets"]
    assert data["cells"]["WIRE-10"][1] == [[], [["decode.Call", VECTORS]]]
    assert not any("vector" in name for name, _, _ in data["cases"])


def test_interleavings_are_counted(page: str) -> None:
    assert "1 234 interleavings" in Reader(page).text


def test_no_text_twice(page: str) -> None:
    texts = data_of(page)["texts"]
    assert len(texts) == len(set(texts))


def test_the_wire_is_told_once(page: str) -> None:
    """A transcript stands for the frames at the end of a diagnosis."""
    data = data_of(page)
    failed = next(each for each in data["results"] if each[2] == 3)
    assert data["texts"][failed[4]] == printable(HOSTILE)
    assert failed[5] >= 0


def test_nothing_optional_is_needed() -> None:
    report = copy.deepcopy(sample_report())
    for name in ("mutants", "transcripts", "findings"):
        del report[name]
    report["run"] = {"runner": "0", "started": "2026-01-02T03:04:05+00:00"}
    assert "Strength of the cases" not in make_page(report)


def test_mutants_of_few_words() -> None:
    report = sample_report()
    report["mutants"] = [{"name": "m-1", "requirement": "RET-4", "killed": True}]
    assert "1 of 1 mutants killed" in Reader(make_page(report)).text


def test_an_interrupted_run_says_so() -> None:
    report = sample_report()
    assert "interrupted" not in make_page(report)
    report["run"]["left"] = 17
    text = Reader(make_page(report)).text
    assert "The run was interrupted: 17 cases were not run." in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It MUST `be`. And so on.", "It MUST <code>be</code>."),
        ("See [there](x.md) for **all**.", "See there for all."),
        ("a <b> & `<i>`", "a &lt;b&gt; &amp; <code>&lt;i&gt;</code>"),
        ("", ""),
    ],
)
def test_sentence(text: str, shown: str) -> None:
    assert sentence(text) == shown


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("é 漢 🎉", "é 漢 🎉"),
        ("a\nb\0\u202e\ud800\u2028", "a\\nb\\x00\\u202e\\ud800\\u2028"),
        (b"\xff\xe9\n", "\\xff\\xe9\\n"),
        ("x" * 81, "x" * 80 + "…"),
    ],
)
def test_visible(what: str | bytes, shown: str) -> None:
    assert visible(what) == shown


def test_printable_keeps_lines() -> None:
    assert printable("a\n\tb\u202e") == "a\n\\tb\\u202e"


def test_size_of_a_full_run() -> None:
    """Two SDKs, 6 400 results, a transcript for each requirement: below 3 MB."""
    report = sample_report()
    long = [
        {"at": 0.5 * at, "who": "worker-1", "kind": "command", "text": f"read c/{at}"}
        for at in range(80)
    ]
    names = list(report["spec"]["requirements"])
    for number in range(3200):
        name, requirement = f"decode.Call/{number}", names[number % len(names)]
        behaves = number < 700
        module = "m" if behaves else "wire"
        about = f"what case {number} is about, in a sentence of usual length"
        report["cases"][name] = {"about": about, "module": module, "profile": "p"}
        for adapter in ("c", "tiny"):
            report["results"].append(
                {
                    "id": name,
                    "adapter": adapter,
                    "status": "passed",
                    "requirements": [requirement, names[-1 - number % len(names)]],
                    "seconds": 0.01,
                    "message": "",
                }
            )
            if number < len(names):
                events = [{**it, "text": f"{it['text']} of {number}"} for it in long]
                report["transcripts"].append(
                    {
                        "case": name,
                        "adapter": adapter,
                        "seed": 1,
                        "recipe": {},
                        "left_out": 0,
                        "first": 0,
                        "events": events,
                    }
                )
    assert len(make_page(report).encode()) < 3_000_000
